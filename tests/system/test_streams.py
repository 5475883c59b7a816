"""A stream whose reader has gone, or whose disk is full, does not end the work; an answer that is lost is told."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest

from digest.commands.base import answer
from digest.system.streams import forgiving
from tests.house import House


def no_reader() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    return writes


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def only_to_read() -> int:
    """Return a file that cannot be written to, as a descriptor of a closed stream cannot."""
    return os.open(os.devnull, os.O_RDONLY)


def closed_terminal() -> int:
    """Return a terminal whose other side is gone: a write fails with EIO."""
    ours, theirs = os.openpty()
    os.close(ours)
    return theirs


@pytest.fixture(params=[no_reader, full_disk, only_to_read, closed_terminal], ids=lambda broken: broken.__name__)
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    opened: Callable[[], int] = request.param
    number = opened()
    yield opened.__name__, number
    os.close(number)


def test_the_story_never_raises(broken: tuple[str, int]) -> None:
    with closing(forgiving(None, broken[1], "backslashreplace", always=True)) as stream:
        for _ in range(3):
            print("gathered", file=stream, flush=True)


def test_an_answer_that_nobody_reads_ends_quietly_and_a_full_disk_is_told_once(broken: tuple[str, int]) -> None:
    name, number = broken
    with closing(forgiving(None, number, "replace")) as stream:
        if name == "full_disk":
            with pytest.raises(OSError, match="No space") as told:
                print("an answer", file=stream, flush=True)
            assert told.value.errno == errno.ENOSPC
        print("an answer", file=stream, flush=True)


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "ŷ Ŵ é".encode()), ("iso-8859-1", b"? ? \xe9"), ("ascii", b"? ? ?")]
)
def test_a_character_that_the_terminal_lacks_becomes_a_question_mark(encoding: str, written: bytes) -> None:
    reads, writes = os.pipe()
    with (
        os.fdopen(reads, "rb") as reader,
        closing(forgiving(io.TextIOWrapper(io.BytesIO(), encoding), writes, "replace")) as out,
    ):
        print("ŷ Ŵ é", end="", file=out, flush=True)
        assert reader.read1() == written
    os.close(writes)


def test_a_document_keeps_every_character_on_such_a_terminal() -> None:
    kept = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(kept, "iso-8859-1", write_through=True)):
        answer({"title": "ŷ"})
    assert json.loads(kept.getvalue()) == {"title": "ŷ"}


ENDS = {
    "2>&1 | true": 0, "2>&-": 0, ">&-": 0, ">&- 2>&- <&-": 0, "2>/dev/full": 0, ">/dev/full": 1, "| true": 0,
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("end", ENDS)
def test_a_run_ends_as_it_would_for_a_reader(tmp_path: Path, end: str) -> None:
    house = House(tmp_path, source='backfill = "30 days"')
    house.reader("r@news.example")
    house.publish("One")
    house.close()
    run = f"{sys.executable} -m digest --now 2026-11-06T09:00:00Z run -v {end}"
    done = subprocess.run(
        ["bash", "-c", f"{run}; exit ${{PIPESTATUS[0]}}"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr, b"ignored" in done.stderr) == (ENDS[end], False, False)
    assert len(list((tmp_path / "letters").glob("*/*.eml"))) == 1


@pytest.mark.long
@pytest.mark.parametrize("command", ["schedule", "serve"])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_closing_terminal_stops_a_daemon_in_order_and_not_below_nohup(
    tmp_path: Path, command: str, ignored: bool
) -> None:
    House(tmp_path).close()
    words = [sys.executable, "-m", "digest", command, *(["--port", "0"] if command == "serve" else [])]
    trap = "trap '' HUP; " if ignored else ""
    ours, terminal = os.openpty()
    daemon = subprocess.Popen(
        ["sh", "-c", f'{trap}exec "$@"', "sh", *words],
        cwd=tmp_path,
        stdin=terminal,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert daemon.stderr is not None
    try:
        assert daemon.stderr.readline()  # it tells that it is ready
        daemon.send_signal(signal.SIGHUP)
        if ignored:
            with pytest.raises(subprocess.TimeoutExpired):
                daemon.wait(2)
            daemon.terminate()
        assert daemon.wait(30) == 0
        assert "digest: stopped" in daemon.stderr.read()
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stderr.close()
        os.close(ours)
        os.close(terminal)
