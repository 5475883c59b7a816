"""Test mailboxes: all messages are read, at most a megabyte of each, and marked only when told to."""

from __future__ import annotations

import mailbox
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from digest.errors import ConfigError, TryLater
from digest.transports.mailbox.mailbox import Mailbox, open_mailbox
from digest.transports.mailbox.reports import LARGEST
from tests.counts import spread, table
from tests.transports.imapserver import ImapServer

LETTERS = [f"To: a@example.org\nSubject: {n}\n\nLine\ntext {n}\n".encode() for n in range(3)]
Fill = Callable[[list[bytes]], str]


@pytest.fixture(params=["maildir", "mbox", "imap"])
def fill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fill]:
    """Return a function that puts messages into a mailbox of each kind and returns its address."""
    servers: list[ImapServer] = []

    def put(letters: list[bytes]) -> str:
        if request.param == "imap":
            servers.append(ImapServer(letters))
            return f"imap://digest%40example.org@127.0.0.1:{servers[-1].port}/Bounces%20%22in%22"
        box: mailbox.Mailbox[mailbox.Message]
        box = mailbox.mbox(tmp_path / "mbox") if request.param == "mbox" else mailbox.Maildir(tmp_path / "box")
        for letter in letters:
            box.add(letter)
        box.flush()
        box.close()
        return f"mbox:{tmp_path / 'mbox'}" if request.param == "mbox" else f"maildir:{tmp_path / 'box'}"

    yield put
    for server in servers:
        server.close()


def read(box: Mailbox) -> list[tuple[str, bytes]]:
    return [(key, raw.replace(b"\r\n", b"\n")) for key, raw in box.unread()]


def test_every_message_comes_out_and_again_until_it_is_marked(fill: Fill) -> None:
    place = fill(LETTERS)
    for _ in range(2):
        box = open_mailbox(place, "secret")
        messages = read(box)
        box.close()
        assert sorted(raw.rstrip() for _, raw in messages) == [letter.rstrip() for letter in LETTERS]
    box = open_mailbox(place, "secret")
    messages = read(box)
    box.done([key for key, raw in messages if b"Subject: 1" in raw])
    box.close()
    again = open_mailbox(place, "secret")
    left = {raw.split(b"\n")[1] for _, raw in read(again)}
    # An mbox is only read, because it belongs to its delivery agent; repeats are recognised by their ids.
    all_of_them = {b"Subject: 0", b"Subject: 1", b"Subject: 2"}
    assert left == (all_of_them if place.startswith("mbox") else all_of_them - {b"Subject: 1"})
    again.done([key for key, _ in read(again)])
    again.close()


def test_only_the_first_megabyte_is_read(fill: Fill) -> None:
    place = fill([b"Subject: large\n\n" + b"x" * 70 + (b"\n" + b"y" * 70) * 30_000])
    box = open_mailbox(place, "secret")
    ((_, raw),) = list(box.unread())
    box.close()
    assert len(raw) <= LARGEST


def test_an_empty_mailbox(fill: Fill) -> None:
    box = open_mailbox(fill([]), "secret")
    assert read(box) == []
    box.done([])
    box.close()


def test_a_maildir_keeps_flags_skips_links_and_minds_no_other_reader(tmp_path: Path) -> None:
    place = tmp_path / "box"
    mailbox.Maildir(place).close()
    (place / "new" / "1").write_bytes(LETTERS[0])
    (place / "cur" / "2:2,F").write_bytes(LETTERS[1])
    (place / "cur" / "3:2,S").write_bytes(LETTERS[2])
    (place / "new" / "4").symlink_to("/etc/hostname")
    (place / "new" / "5").mkdir()
    (place / "new" / ".6").write_bytes(LETTERS[2])
    os.mkfifo(place / "new" / "7")
    box = open_mailbox(f"maildir:{place}")
    messages = dict(box.unread())
    assert {key: raw for key, raw in messages.items() if raw} == {"new/1": LETTERS[0], "cur/2:2,F": LETTERS[1]}
    (place / "new" / "1").rename(place / "cur" / "1:2,")
    box.done(["new/1", "cur/2:2,F"])
    assert sorted(path.name for path in (place / "cur").iterdir()) == ["1:2,", "2:2,FS", "3:2,S"]


@table(
    "place, says",
    [
        ("", "is not a mailbox"),
        ("maildir:", "is not a mailbox"),
        ("pop3://user@mx.example", "is not a mailbox"),
        ("maildir:/nowhere", "not a Maildir"),
        ("mbox:/nowhere", "no file"),
        ("imaps://mx.example/INBOX", "needs a host, a user and a password"),
        ("imaps://user@/INBOX", "needs a host, a user and a password"),
    ],
)
def test_a_place_that_is_none_says_the_cure(place: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        open_mailbox(place, "secret")
    with pytest.raises(ConfigError, match="password"):
        open_mailbox("imaps://user@mx.example", "")


@pytest.mark.parametrize("fault", spread(3, ["search", "fetch", "store", "drop"]))
def test_a_server_in_trouble_is_try_later_and_names_nobody(fault: str) -> None:
    server = ImapServer(LETTERS, fault=fault)
    try:
        with pytest.raises(TryLater, match=r"mailbox 127.0.0.1: .*; try again later") as caught:
            box = open_mailbox(f"imap://digest@127.0.0.1:{server.port}/INBOX", "secret")
            try:
                box.done([key for key, _ in box.unread()])
            finally:
                box.close()
        assert "reader@example.org" not in str(caught.value)
    finally:
        server.close()


def test_a_server_that_is_away_is_try_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TryLater, match="ConnectionRefusedError"):
        open_mailbox(f"imap://digest@127.0.0.1:{port}", "secret")


def test_a_server_without_tls_never_sees_the_password() -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            talk, _ = door.accept()
            with talk, suppress(OSError):
                talk.sendall(b"* OK\r\n")
                while line := talk.recv(1000):
                    seen.append(line)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConfigError, match="does not speak TLS"):
            # TLS from the first byte, to a server without TLS.
            open_mailbox(f"imaps://digest@127.0.0.1:{door.getsockname()[1]}", "hush-hush")
        thread.join()
    assert b"hush-hush" not in b"".join(seen)
