"""Test one connection byte by byte: the bytes that left decide which letter is in doubt; replies must be whole."""

from __future__ import annotations

import math
import socket
import time

import pytest

from digest.transports.base import Outcome
from digest.transports.smtp.lane import Lane
from digest.transports.smtp.lanes import SharedLetters
from digest.transports.smtp.pace import OwnPace
from digest.transports.smtp.replies import Reply
from digest.transports.smtp.session import Lines, Lost, Session
from tests.counts import table
from tests.transports.mailserver import parcel


class BrokenSession(Session):
    """Act as a session without a network: it takes every envelope, and `takes` bytes of a letter's last write."""

    def __init__(self, takes: int) -> None:
        super().__init__(local_hostname="client.example")
        self.takes = takes
        self.esmtp_features = {"pipelining": ""}
        self.replies = [Reply(250, "Ok"), Reply(250, "Ok"), Reply(354, "go")]

    def write(self, data: bytes) -> None:
        self.left = len(data)
        if data.startswith(b"MAIL"):
            return
        self.left = min(self.takes, len(data))
        if self.left < len(data):
            raise Lost("the connection broke while writing")

    def answer(self, seconds: float | None = None) -> Reply:
        if not self.replies:
            raise Lost("the connection broke before an answer")
        return self.replies.pop(0)


LETTER = len(parcel(1).message)


@table(
    "takes, state",
    [
        (0, "deferred"),
        (10, "deferred"),
        (LETTER - 2, "deferred"),
        (LETTER, "deferred"),
        (LETTER + 1, "uncertain"),
        (LETTER + 2, "uncertain"),
        (LETTER + 3, "uncertain"),
        (LETTER + 10, "uncertain"),
        (10**6, "uncertain"),
    ],
)
def test_a_letter_is_in_doubt_from_its_dot_on(takes: int, state: str) -> None:
    """A write holds LETTER bytes, then the dot, then the next letter's envelope."""
    lane = Lane(lambda: BrokenSession(takes), lambda _: "digest@example.org", 1)
    work = SharedLetters([parcel(1), parcel(2)], OwnPace(None, time.monotonic, time.sleep), lambda: False)
    lane.run(work)
    work.give_back()
    heard: dict[int, Outcome] = {}
    while not work.settled.empty():
        if outcome := work.settled.get():
            heard[outcome.delivery] = outcome
    assert {number: outcome.state for number, outcome in heard.items()} == {1: state, 2: "deferred"}


def read(data: bytes) -> list[bytes]:
    """Return the lines read of a reply if only `data` came, and the error that ended the reading."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        lines = Lines(near)
        lines.begin(20, lambda: math.inf)
        read_lines: list[bytes] = []
        try:
            while line := lines.readline(8193):
                read_lines.append(line)
        except OSError as error:
            read_lines.append(str(error).encode())
        return read_lines


@table(
    "data, expected",
    [
        (b"250 ok\r\n", [b"250 ok\r\n"]),
        (b"250-a\r\n250 b\r\n", [b"250-a\r\n", b"250 b\r\n"]),
        (b"250\r\n", [b"250\r\n"]),
        (b"250 ok\n", [b"250 ok\n"]),
        (b"250 ok", []),
        (b"250 ok\r\n25", [b"250 ok\r\n"]),
        (b"2500 ok\r\n", [b"not a reply of SMTP"]),
        (b"150 ok\r\n", [b"not a reply of SMTP"]),
        (b"+25 ok\r\n", [b"not a reply of SMTP"]),
        (b"\r\n", [b"not a reply of SMTP"]),
        (b"250 " + b"x" * 9000, [b"a line without end"]),
    ],
)
def test_only_whole_lines_of_a_reply_are_read(data: bytes, expected: list[bytes]) -> None:
    assert read(data) == expected


def test_a_reply_without_end_is_given_up() -> None:
    *lines, end = read(b"250-more\r\n" * 10_000)
    assert end == b"not a reply of SMTP"
    assert sum(map(len, lines)) <= 65_536


def test_a_deadline_that_draws_nearer_is_kept() -> None:
    """A stop amid a long wait must end that wait, because its old end is ten minutes away."""
    near, far = socket.socketpair()
    with near, far:
        lines = Lines(near)
        looks = iter([math.inf])
        lines.begin(600, lambda: next(looks, 0.0))
        with pytest.raises(TimeoutError):
            lines.readline(8193)
