"""A bomb ends its own process and nothing else."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import SourceError
from digest.model import Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.sandbox import child
from digest.sources.sandbox.child import ChildLimits, close_zygote, parse_limited
from digest.sources.sandbox.wire import dump_snapshot, load_snapshot
from tests.counts import others_long

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOOD = (
    "<rss version='2.0'><channel><title>Tŵn</title><language>cy</language>"
    "<item><guid>1</guid><title>Un ☃</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>"
    "<link>https://x.example/1</link><category>A</category><description>&lt;p&gt;Hi&lt;/p&gt;"
    "&lt;img src='https://x.example/i.jpg' width='90'&gt;</description></item>"
    "<item><title>Dau</title></item></channel></rss>"
).encode()
SLOW = b"<rss version='2.0'><channel>" + b"<item><title>x</title></item>" * 200_000 + b"</channel></rss>"

PATIENT = ChildLimits(wall=60)


def read(body: bytes, limits: ChildLimits = PATIENT) -> Snapshot:
    return parse_limited(body, content_type="text/xml", base_url="https://x.example/f", now=NOW, limits=limits)


def test_the_child_answers_as_the_parser_does() -> None:
    expected = parse_feed(GOOD, content_type="text/xml", base_url="https://x.example/f", now=NOW)
    assert expected.sightings[0].image and expected.sightings[0].published
    assert read(GOOD) == expected
    assert load_snapshot(dump_snapshot(expected)) == expected


def test_the_parsers_reason_comes_through() -> None:
    with pytest.raises(SourceError, match="this is a web page"):
        read(b"<html><body>Caf\xc3\xa9</body></html>")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ChildLimits(cpu=1, wall=60), "took more than 1 s of processor time to read"),
        (ChildLimits(cpu=60, wall=0.2), "took more than 0.2 s to read"),
    ],
)
def test_a_limit_that_is_broken_is_named(limits: ChildLimits, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(SLOW, limits)


def test_memory_has_a_limit() -> None:
    body = b"<rss><channel><item><title>" + b"x" * 9_000_000 + b"</title></item></channel></rss>"
    assert len(read(body).sightings) == 1
    with pytest.raises(SourceError, match=r"more memory to read|more than 80 MB"):
        read(body, ChildLimits(memory=80 << 20, wall=60, cpu=30))


def test_siblings_of_a_bomb_are_unhurt() -> None:
    def attempt(body: bytes) -> object:
        try:
            return read(body, ChildLimits(wall=0.1) if body is SLOW else PATIENT)
        except SourceError as error:
            return str(error)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(attempt, [SLOW, *[GOOD] * 10, SLOW]))
    assert all(isinstance(result, Snapshot) and len(result.sightings) == 2 for result in results[1:-1])
    assert "more than 0.1 s" in str(results[0]) and "more than 0.1 s" in str(results[-1])


@pytest.mark.long
def test_a_killed_zygote_is_replaced() -> None:
    read(GOOD)
    process = child._zygotes["feed"]._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(read(GOOD).sightings) == 2


@pytest.mark.long
def test_closing_leaves_no_process_and_reading_goes_on() -> None:
    read(GOOD)
    process = child._zygotes["feed"]._process
    assert process is not None
    close_zygote()
    assert process.returncode == 0
    assert len(read(GOOD).sightings) == 2


@pytest.mark.long
def test_nothing_is_left_open() -> None:
    read(GOOD)
    gc.collect()  # or what other tests left behind is counted only once
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        read(GOOD)
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_reader_inherits_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "secret")
    close_zygote()
    read(GOOD)
    process = child._zygotes["feed"]._process
    assert process is not None
    assert b"secret" not in Path(f"/proc/{process.pid}/environ").read_bytes()


SCRIPT = """
import os, sys
from datetime import UTC, datetime
for number in map(int, sys.argv[1]): os.close(number)
from digest.sources.sandbox.child import parse_limited
body = b"<rss version='2.0'><channel><item><title>x</title></item></channel></rss>"
found = parse_limited(body, content_type="", base_url="", now=datetime(2026, 11, 22, tzinfo=UTC))
raise SystemExit(40 + len(found.sightings))
"""


@pytest.mark.parametrize("closed", others_long(["", "0", "01", "012"], "012"))
def test_it_works_whatever_standard_streams_are_closed(closed: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, closed], timeout=60, check=False)
    assert done.returncode == 41


def test_the_zygote_ends_when_its_owner_is_killed() -> None:
    script = SCRIPT.replace(
        "raise SystemExit(40 + len(found.sightings))",
        "from digest.sources.sandbox import child; print(child._zygotes['feed']._process.pid, flush=True);"
        " os.kill(os.getpid(), 9)",
    )
    done = subprocess.run([sys.executable, "-c", script, ""], timeout=60, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(3000):  # it ends as soon as it reads the end of its socket
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        threading.Event().wait(0.02)
    pytest.fail("the zygote outlived its owner")
