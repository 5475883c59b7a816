"""Compare `digest gather` with `feedparser.parse(url)` in a loop, over feeds that a local server answers.

    .venv/bin/python -m benchmarks.gather [REPETITIONS]

Cold: a new database, every feed is read for the first time; wall time. Steady: of the same feeds 70 % answer 304,
20 % send the same body again, 10 % send a new entry; processor time, with that of the processes that read the feeds
and without the server's. The start of both programs counts. Each feed has a host of its own, as most feeds have.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, report

ROOT = Path(__file__).parents[1]
FEEDS = 200
NOW = "2026-12-08T12:00+00:00"  # after the newest entries, so that none waits for its date
_COLD = "cleaning and judging each entry costs as much again as parsing it, on two cores that share the work"
_STEADY = "the start of the program and of the process that parses is most of it; 40 comes with more sources"
_PEER = "import sys, feedparser\nfor url in sys.argv[1:]:\n    assert len(feedparser.parse(url).entries) == 45"


def measure(repetitions: int) -> list[Figure]:
    """Return the figures "gather-cold" and "gather-steady": the costs of feedparser divided by ours."""
    cold, steady = [], []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as name, _server() as address:
            urls = [f"http://127.0.0.{feed}:{address}/{feed}.xml" for feed in range(1, FEEDS + 1)]
            gather, peer = _command(Path(name), urls), [sys.executable, "-c", _PEER, *urls]
            theirs, ours = cost_of(peer), cost_of([*gather, "gather"])
            cold.append(theirs.wall / ours.wall)
            _next_round(urls, 1)
            theirs, ours = cost_of(peer), cost_of([*gather, "gather"])
            steady.append(theirs.processor / ours.processor)
            _check(gather)
    return [
        Figure(
            "gather-cold", f"gather {FEEDS} feeds for the first time, wall time, against feedparser in a loop",
            tuple(cold), "×", 1, 1.7, more=True, short=_COLD,
        ),
        Figure(
            "gather-steady", f"gather {FEEDS} feeds of which a tenth have news, processor time, against the same",
            tuple(steady), "×", 12, 40, more=True, short=_STEADY,
        ),
    ]  # fmt: skip


@contextmanager
def _server() -> Iterator[int]:
    """Run the server of the feeds; yield its port."""
    command = [sys.executable, "-m", "benchmarks.feeds", str(FEEDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _command(folder: Path, urls: list[str]) -> list[str]:
    """Write the shipped configuration with `urls` as its sources into `folder`; return the command up to its verb."""
    config = (ROOT / "config.toml").read_text(encoding="utf-8")
    first, *_, rest = re.split(r"^\[\[source\]\]\n(?:(?!\[).*\n)*", config, flags=re.MULTILINE)
    sources = "".join(
        f'[[source]]\nname = "Feed {number}"\nurl = "{url}"\nallow_private = true\nfull_text = "none"\n\n'
        for number, url in enumerate(urls, 1)
    )
    (folder / "config.toml").write_text(first + sources + rest, encoding="utf-8")
    return [str(Path(sys.executable).with_name("digest")), "--config", str(folder / "config.toml"), "--now", NOW]


def _next_round(urls: list[str], number: int) -> None:
    with urlopen(f"{urls[0].rpartition('/')[0]}/round/{number}"):
        pass


def _check(command: list[str]) -> None:
    """Raise unless the entries are those of the feeds: 45 of each, and the new ones."""
    listed = subprocess.run([*command, "entries", "--json"], stdout=subprocess.PIPE, check=True)
    number = listed.stdout.count(b'"first_seen"')
    if number != FEEDS * 45 + FEEDS // 10:
        raise SystemExit(f"{number} entries were gathered")


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
