"""`digest doctor` tells how many messages in the mailbox wait for a person, or why it cannot be read."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from digest.config.events import EventsSettings
from digest.delivery.waiting_mail import waiting_mail
from digest.operations import doctor
from digest.operations.finding import Finding
from digest.operations.mailbox_findings import mailbox_findings
from digest.transports.mailbox.mailbox import open_mailbox
from tests.console import digest
from tests.counts import table
from tests.house import House, having_sent
from tests.transports.imapserver import ImapServer
from tests.transports.postbox import arf, block, dsn, envelope, note

TO = "bounce@example.org"
BY_SERVER = (
    "Received: from mx.example by here;\n Thu, 05 Nov 2026 06:30:00 +0000\nDate: Fri, 01 Jan 1999 00:00:00 +0000\n"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that has sent an edition to a reader."""
    here = having_sent(tmp_path_factory.mktemp("sent") / "house")  # on 6 November 2026 at 09:00
    yield here
    here.close()


def for_machines(house: House) -> list[bytes]:
    """Return messages that `digest events` takes or sets aside, so that nobody need read them."""
    return [
        dsn(envelope(1, house.tag), block("5.1.1")),
        dsn(TO, block("5.1.1"), name="n2"),
        arf(f"Return-Path: <{envelope(1, house.tag)}>"),
        arf("X: y", kind="not-spam"),
        note(TO, "Auto-Submitted: auto-replied\n"),
        note(envelope(1, house.tag), text="Please take me off this list."),
    ]


def for_people(house: House) -> list[bytes]:
    """Return messages that wait for a person; the oldest came on 2 November at 11:00."""
    return [
        note(envelope(1, house.tag), f"{BY_SERVER}\n", text="Where is the May issue?"),
        note(TO, "Date: Tue, 03 Nov 2026 06:30:00 +0200\n", text="Good morning."),
        arf("Return-Path: <redacted>"),
        note(TO, "Date: Fri, 01 Jan 2100 00:00:00 +0000\n", "mailer-daemon@mx.example", "It could not be delivered."),
    ]


@contextmanager
def held(kind: str, folder: Path, letters: list[bytes]) -> Iterator[EventsSettings]:
    """Give the settings of a mailbox of a kind that holds these letters."""
    if kind == "imap":
        server = ImapServer(letters)
        yield EventsSettings(mailbox=f"imap://digest@127.0.0.1:{server.port}/INBOX", password="secret")
        assert server.seen == set() and not any("store" in command.lower() for command in server.commands)
        server.close()
        return
    box = mailbox.Maildir(folder) if kind == "maildir" else mailbox.mbox(folder)
    for letter in letters:
        box.add(letter)
    box.close()
    yield EventsSettings(mailbox=f"{kind}:{folder}")


def told(house: House, events: EventsSettings) -> list[Finding]:
    return list(mailbox_findings(house.live(replace(house.settings, events=events))))


@pytest.mark.parametrize("kind", ["maildir", "mbox", "imap"])
def test_doctor_tells_how_many_messages_wait_for_a_person_and_since_when(
    house: House, tmp_path: Path, kind: str
) -> None:
    with held(kind, tmp_path / "machines", for_machines(house)) as events:
        assert told(house, events) == []
    with held(kind, tmp_path / "both", [*for_machines(house), *for_people(house)]) as events:
        [finding] = told(house, events)
    assert (finding.level, finding.place) == ("person", "events.mailbox")
    assert finding.problem == ("4 unread messages wait for a person, the oldest since 2026-11-02 11:00 UTC (3 days)")
    assert ("take them out of the file" in finding.cure) == (kind == "mbox")
    assert "@" not in str(finding) and "issue" not in str(finding)


@table(
    "letter, since",
    [
        (note(TO, f"{BY_SERVER}\n"), "since 2026-11-05 06:30 UTC (26 hours)"),
        (note(TO, "Date: Fri, 06 Nov 2026 08:45:00 +0000\n"), "since 2026-11-06 08:45 UTC (15 minutes)"),
        (note(TO, "Received: x\nDate: Wed, 04 Nov 2026 09:00 +0000\n"), "since 2026-11-04 09:00 UTC (2 days)"),
        (note(TO), ""),
        (note(TO, "Date: nonsense\n"), ""),
        (note(TO, "Date: Fri, 01 Jan 2100 00:00:00 +0000\n"), ""),
        (note(TO, "Date: Thu, 32 Nov 1890 99:00:00\nReceived: x; =?utf-8?q?=ff?=\n"), ""),
    ],
)  # fmt: skip
def test_the_servers_note_of_when_a_message_came_is_believed_first(
    house: House, tmp_path_factory: pytest.TempPathFactory, letter: bytes, since: str
) -> None:
    with held("maildir", tmp_path_factory.mktemp("box") / "box", [letter]) as events:
        [finding] = told(house, events)
    oldest = f", the oldest {since}" if since else ""
    assert finding.problem == f"1 unread message waits for a person{oldest}"


def test_what_a_person_has_marked_waits_no_more(house: House, tmp_path: Path) -> None:
    with held("maildir", tmp_path / "box", for_people(house)[:2]) as events:
        for number, path in enumerate(sorted((tmp_path / "box" / "new").iterdir())):
            assert told(house, events)[0].problem.startswith(f"{2 - number} unread message")
            path.rename(tmp_path / "box" / "cur" / f"{path.name}:2,S")
        assert told(house, events) == []


def test_a_flood_is_counted_as_far_as_it_is_read(house: House, tmp_path: Path) -> None:
    with held("maildir", tmp_path / "box", for_people(house)) as events:
        for most, waits in ((5, (4, False)), (4, (4, False)), (3, (3, True))):
            waiting = waiting_mail(house.place, open_mailbox(events.mailbox), most)
            assert (waiting.messages, waiting.more) == waits


def test_a_new_installation_asks_its_mailbox_and_makes_no_secret(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    with held("maildir", tmp_path / "box", [note(TO), dsn(TO, block())]) as events:
        assert [finding.problem for finding in told(house, events)] == ["1 unread message waits for a person"]
    assert not house.settings.secret_file.exists()
    house.close()


@table(
    "box, level, problem, cure",
    [
        ("maildir:nowhere", "wrong", "is not a Maildir", "name the folder"),
        (f"maildir:{'x' * 300}", "wrong", "cannot be read (File name too long)", "let this account read it"),
        (f"mbox:{'x' * 300}", "wrong", "cannot be read (File name too long)", "let this account read it"),
        ("mbox:nowhere", "wrong", "no file nowhere", "name the mbox"),
        ("imaps://digest@127.0.0.1:9/INBOX", "note", "mailbox 127.0.0.1: ConnectionRefusedError", "try again later"),
        ("pop3://digest@127.0.0.1", "wrong", "is not a mailbox", "write"),
    ],
)
def test_a_mailbox_that_cannot_be_asked_is_told_with_the_cure(
    house: House, box: str, level: str, problem: str, cure: str
) -> None:
    [finding] = told(house, EventsSettings(mailbox=box, password="secret"))
    assert (finding.level, finding.place) == (level, "events.mailbox")
    assert problem in finding.problem and cure in finding.cure


@pytest.mark.parametrize("fault", ["login", "search", "fetch"])
def test_a_server_that_refuses_in_the_middle_is_told(house: House, fault: str) -> None:
    server = ImapServer([note(TO)], fault=fault)
    try:
        events = EventsSettings(mailbox=f"imap://digest@127.0.0.1:{server.port}/INBOX", password="secret")
        [finding] = told(house, events)
    finally:
        server.close()
    assert (finding.place, "reader@example.org" in str(finding)) == ("events.mailbox", False)
    assert finding.level == ("wrong" if fault == "login" else "note")


def test_a_folder_that_goes_away_is_told(house: House, tmp_path: Path) -> None:
    with held("maildir", tmp_path / "box", []) as events:
        (tmp_path / "box" / "cur").rmdir()
        (tmp_path / "box" / "cur").write_bytes(b"")
        [finding] = told(house, events)
    assert (finding.level, "is not a Maildir" in finding.problem) == ("wrong", True)


def test_lost_keys_are_told_by_their_own_finding_and_an_old_schema_opens_the_mailbox_alone(
    house: House, tmp_path: Path
) -> None:
    twin = house.copy(tmp_path / "twin")
    with held("maildir", tmp_path / "box", for_people(house)) as events:
        twin.settings = replace(twin.settings, events=events)
        assert list(mailbox_findings(twin.place, can_ask_database=False)) == []
        twin.settings.secret_file.unlink()
        places = [finding.place for finding in doctor.examine(twin.place)]
    twin.close()
    assert places == ["storage.secret_file"]


def test_the_command_tells_it_and_a_person_is_needed(house: House, tmp_path: Path) -> None:
    twin = house.copy(tmp_path / "twin")
    twin.close()
    with held("maildir", tmp_path / "box", for_people(house)), twin.config.open("a") as config:
        config.write(f'[events]\nmailbox = "maildir:{tmp_path / "box"}"\n')
    answer = digest(twin.folder, "--now", twin.now.isoformat(), "doctor")
    assert answer.code == 4, answer
    assert "person: events.mailbox: 4 unread messages wait for a person, the oldest since" in answer.stdout
