"""Compare the processor time of light commands with that of `python -c pass`: `python -m benchmarks.start`.

The installation is the shipped config.toml with its sources behind a small HTTP server, gathered once, so that for
the measured `run` nothing is due. Each repetition starts each command once, in turn.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, count_off, report

ROOT = Path(__file__).parents[1]
NOW = "2026-11-28T12:{minute:02d}+00:00"  # a Saturday, on which no cadence is due
# Each command in words; what it may cost at most, and had better cost, in times of `python -c pass`; why it may not.
GOALS = {
    "help": ("`digest --help`", 6, 4, "loading click and the list of commands is most of it"),
    "status": ("`digest status`", 30, 20, "loading SQLAlchemy and pydantic is most of it"),
    "run": ("`digest run` with nothing due", 30, 20, "loading SQLAlchemy and pydantic is most of it"),
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing, because stderr is for the benchmark."""


def measure(repetitions: int) -> list[Figure]:
    """Return for each command the ratios of its processor time to that of `python -c pass`."""
    with tempfile.TemporaryDirectory() as name:
        commands = {"pass": [sys.executable, "-c", "pass"], **_installation(Path(name))}
        for command in commands.values():
            cost_of(command)  # once before, because the first start may compile and read from disk
        rows = [
            {key: cost_of(command).processor for key, command in commands.items()} for _ in count_off(repetitions)
        ]
    return [
        Figure(
            f"start-{key}",
            f"{words}: processor time, in times of `python -c pass`",
            tuple(row[key] / row["pass"] for row in rows),
            "×",
            reach=reach,
            stretch=stretch,
            more=False,
            short=short,
        )
        for key, (words, reach, stretch, short) in GOALS.items()
    ]


def _installation(folder: Path) -> dict[str, list[str]]:
    """Make an installation in `folder`, gather its sources, and return the commands to measure."""
    digest = [str(Path(sys.executable).with_name("digest")), "--config", str(folder / "config.toml"), "--now"]
    shutil.copytree(ROOT / "examples", folder / "examples")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    config = (ROOT / "config.toml").read_text(encoding="utf-8")
    config = config.replace('path = "examples/case-studies"', 'path = "examples/sources/councils-in-practice.xml"')
    address = f"http://127.0.0.1:{server.server_port}"
    (folder / "config.toml").write_text(
        re.sub(r'^path = "(.*)"', rf'url = "{address}/\1?"\nallow_private = true', config, flags=re.MULTILINE)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    subprocess.run([*digest, NOW.format(minute=0), "run"], check=True, capture_output=True)
    server.shutdown()
    return {
        "help": [digest[0], "--help"],
        "status": [*digest, NOW.format(minute=5), "status"],
        "run": [*digest, NOW.format(minute=5), "run"],
    }


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
