"""Test the file transport: a letter is there whole or not at all, and the index leads to every letter."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from digest.errors import DigestError
from digest.letter.blocks import Assembled
from digest.transports.base import Asked, Outcome, Parcel
from digest.transports.file import FileTransport


def parcel(number: int, subject: str = "Homes <first> & foremost") -> Parcel:
    message = f"To: r{number}@example.org\r\nSubject: {subject}\r\n\r\nBody\r\n".encode()
    return Parcel(
        number,
        "weekly-2026-11-20",
        f"r{number}@example.org",
        [message],
        Assembled(subject, [b"<p>Body</p>"], [b"Body"]),
    )


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
    asked = transport.ask([Asked(1, "weekly-2026-11-20"), Asked(2, "weekly-2026-11-20"), Asked(3, "never")])
    assert asked == {1: "accepted", 2: "absent", 3: "absent"}


def test_the_file_of_another_letter_with_the_number_is_not_taken_for_it(tmp_path: Path) -> None:
    """After a restore the number of a delivery may be given again; the Message-ID is of one reader and edition."""
    old, new = (
        replace(parcel(1), pieces=[f"Message-ID:\r\n <{name}@example.org>\r\n\r\nBody\r\n".encode()],
                message_id=f"<{name}@example.org>")
        for name in ("0a", "0b")
    )  # fmt: skip
    transport = FileTransport(tmp_path)
    list(transport.hand_over([old]))
    for message_id, answers in ((old.message_id, {1: "accepted"}), (new.message_id, {1: "absent"}), ("", {})):
        assert transport.ask([Asked(1, old.folder, message_id)]) == answers
    list(transport.hand_over([new]))
    assert transport.ask([Asked(1, new.folder, new.message_id)]) == {1: "accepted"}
    assert len(list((tmp_path / new.folder).glob("*.eml"))) == 1


def test_no_place_to_write_is_said_and_refuses_nobody(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("a file, not a folder")
    with pytest.raises(DigestError, match="letters cannot be written"):
        list(FileTransport(tmp_path / "letters").hand_over([parcel(1)]))


def test_a_batch_is_on_the_disk_before_any_of_it_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Because otherwise the database, which waits for its disk, would count letters that a power cut took."""
    folder = tmp_path / "letters" / "weekly-2026-11-20"
    flushed: list[tuple[int, int, frozenset[str]]] = []
    really = os.fsync

    def fsync(handle: int) -> None:
        really(handle)
        there = os.fstat(handle)
        flushed.append((there.st_ino, there.st_size, frozenset(p.name for p in folder.glob("*.eml"))))

    monkeypatch.setattr(os, "fsync", fsync)
    letters = [parcel(n) for n in range(1, 4)]
    first = next(FileTransport(tmp_path / "letters").hand_over(letters))
    assert first == Outcome(1, "accepted")
    there = sorted(folder.glob("*.eml"))
    assert [path.read_bytes() for path in there] == [letter.message for letter in letters]
    whole = {(number, size) for number, size, _ in flushed}
    assert {(path.stat().st_ino, path.stat().st_size) for path in there} <= whole
    assert (folder.stat().st_ino, frozenset(path.name for path in there)) in {(n, names) for n, _, names in flushed}
    assert {path.stat().st_ino for path in (tmp_path / "letters", tmp_path)} <= {number for number, _, _ in flushed}


def test_what_a_full_disk_stops_is_whole_or_absent_and_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "weekly-2026-11-20"
    (folder / "000003.html").mkdir(parents=True)  # the third letter cannot be written
    heard = []
    transport = FileTransport(tmp_path)
    with pytest.raises(DigestError, match=r"letters cannot be written to .*weekly-2026-11-20: Is a directory"):
        for outcome in transport.hand_over([parcel(n) for n in range(1, 6)]):
            heard.append(outcome)
    assert heard == [Outcome(1, "accepted"), Outcome(2, "accepted")]
    asked = transport.ask([Asked(n, folder.name) for n in range(1, 6)])
    assert asked == {1: "accepted", 2: "accepted", 3: "absent", 4: "absent", 5: "absent"}
    (folder / "000003.html").rmdir()
    assert [outcome.delivery for outcome in transport.hand_over([parcel(n) for n in (3, 4, 5)])] == [3, 4, 5]
    transport.close()
    assert "5 letters" in (folder / "index.html").read_text()
    assert list(folder.glob("*.part")) == []


def test_the_index_follows_a_recovery(tmp_path: Path) -> None:
    """A run that was killed has written letters and no index; the next run asks about them and writes the index."""
    list(FileTransport(tmp_path).hand_over([parcel(1), parcel(2)]))
    assert not (tmp_path / "index.html").exists()
    after = FileTransport(tmp_path)
    after.ask([Asked(1, "weekly-2026-11-20"), Asked(7, "monthly-2026-11-01")])
    after.close()
    assert "2 letters" in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "monthly-2026-11-01").exists()


def test_where_nobody_may_look_nothing_is_said(tmp_path: Path) -> None:
    list(FileTransport(tmp_path).hand_over([parcel(1)]))
    loop = tmp_path / "weekly-2026-11-27"
    loop.symlink_to(loop)
    assert FileTransport(tmp_path).ask([Asked(1, "weekly-2026-11-20"), Asked(2, loop.name)]) == {1: "accepted"}


def test_an_index_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    transport = spoilt_index(tmp_path)
    with pytest.raises(DigestError, match=r"the index of .*weekly-2026-11-20 cannot be written: Is a directory; the"):
        transport.close()


def test_an_index_that_cannot_be_written_hides_no_other_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyError, match="the first error"), closing(spoilt_index(tmp_path)):
        raise KeyError("the first error")
    assert "the index of" in caplog.text


def spoilt_index(folder: Path) -> FileTransport:
    """Return a transport that has handed a letter over and cannot write the index of its edition."""
    transport = FileTransport(folder)
    list(transport.hand_over([parcel(1)]))
    (folder / "weekly-2026-11-20" / "index.html").mkdir()
    return transport
