"""The file transport: a letter is there whole or not at all; the index leads to every one."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from digest.errors import DigestError
from digest.transports.base import Outcome, Parcel
from digest.transports.file import FileTransport


def parcel(number: int, subject: str = "Homes <first> & foremost") -> Parcel:
    message = f"To: r{number}@example.org\r\nSubject: {subject}\r\n\r\nBody\r\n".encode()
    return Parcel(number, "weekly-2026-11-20", f"r{number}@example.org", subject, message, "<p>Body</p>", "Body")


def test_writes_each_letter_and_an_index_to_click_through(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path / "letters")
    assert list(transport.hand_over([parcel(1), parcel(2)])) == [Outcome(1, "accepted"), Outcome(2, "accepted")]
    transport.close()
    folder = tmp_path / "letters" / "weekly-2026-11-20"
    message = BytesParser(policy=policy.default).parsebytes((folder / "000001.eml").read_bytes())
    assert message["To"] == "r1@example.org"
    page = (folder / "index.html").read_text()
    assert "Homes &lt;first&gt; &amp; foremost" in page
    assert 'href="000002.html"' in page
    assert 'href="weekly-2026-11-20/index.html"' in (tmp_path / "letters" / "index.html").read_text()


def test_is_never_in_doubt(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path)
    list(transport.hand_over([parcel(1)]))
    (tmp_path / "weekly-2026-11-20" / "000002.part").write_bytes(b"half a let")
    asked = transport.ask([(1, "weekly-2026-11-20"), (2, "weekly-2026-11-20"), (3, "never")])
    assert asked == {1: "accepted", 2: "absent", 3: "absent"}


def test_no_place_to_write_is_said_and_refuses_nobody(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("a file, not a folder")
    with pytest.raises(DigestError, match="letters cannot be written"):
        list(FileTransport(tmp_path / "letters").hand_over([parcel(1)]))
