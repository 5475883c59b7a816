"""Events from a mailbox or a file by the command, and the alarms that follow."""

from __future__ import annotations

import json
import mailbox
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text, update

from digest.cli import digest
from digest.commands.worker_stories import worker_stories
from digest.delivery import events_in
from digest.installation import Work
from digest.operations import alarms
from digest.operations.run_report import RunReport
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.transports.mailbox.mailbox import Mailbox, open_mailbox
from subscribers import store as people
from tests.house import House
from tests.transports.imapserver import ImapServer
from tests.transports.postbox import arf, block, dsn, envelope, note
from tests.transports.webhook import body_of, told


@pytest.fixture(scope="module")
def after_friday(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house that has sent one edition to four readers, to copy."""
    house = House(tmp_path_factory.mktemp("after-friday") / "house")
    house.run()
    for n in range(4):
        house.reader(f"r{n}@example.org")
    house.publish("One")
    house.run(days=5)
    assert [row[0] for row in rows(house, "SELECT state FROM delivery")] == ["accepted"] * 4
    house.close()
    return house


@pytest.fixture
def sent(after_friday: House, tmp_path: Path) -> Iterator[House]:
    """A house of this test's own that has sent one edition to four readers."""
    house = after_friday.copy(tmp_path / "house")
    yield house
    house.close()


def rows(house: House, sql: str) -> list[tuple[object, ...]]:
    with reading(house.place.engine) as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


def fill(folder: Path, *letters: bytes) -> str:
    box = mailbox.Maildir(folder)
    for letter in letters:
        box.add(letter)
    box.close()
    return f"maildir:{folder}"


def command(house: House, *words: str) -> Result:
    when = ["--now", house.now.isoformat()]
    return CliRunner().invoke(digest, ["--config", str(house.config), *when, "events", *words])


def test_reports_in_a_mailbox_do_what_they_say_and_are_marked(sent: House, tmp_path: Path) -> None:
    secret = sent.place.secret
    place = fill(
        tmp_path / "box",
        dsn(envelope(1, sent.tag), block("5.1.1")),
        arf(f"Return-Path: <{envelope(2, sent.tag)}>"),
        dsn(envelope(3, sent.tag), block("4.2.2", action="delayed"), name="n3"),
        dsn(envelope(4), block("5.1.1"), name="forged"),  # another installation's secret
        note(envelope(4, sent.tag), "Auto-Submitted: auto-replied\n"),
        note("bounce@example.org", text="Please write to my colleague."),
    )
    result = command(sent, "--mailbox", place, "--json")
    assert result.exit_code == 4, "a person wrote: " + result.output
    found = json.loads(result.stdout)
    assert {name: found[name] for name in ("new", "suppressed", "unread", "duplicate")} == {
        "new": 3, "suppressed": 2, "unread": 1, "duplicate": 0,
    }  # fmt: skip
    assert sum(found["aside"].values()) == 3
    assert rows(sent, "SELECT fate FROM delivery ORDER BY id") == [("bounced",), ("complained",), (None,), (None,)]
    with reading(sent.place.engine) as conn:
        why = [people.is_suppressed(conn, f"r{n}@example.org", secret=secret) for n in range(4)]
    assert why == ["bounced", "complained", None, None]
    # Only the person's message is still there to be read.
    again = json.loads(command(sent, "--mailbox", place, "--json").stdout)
    assert (again["new"], again["duplicate"], again["unread"]) == (0, 0, 1)


def test_who_writes_to_the_bounce_address_leaves_or_a_person_is_told(sent: House, tmp_path: Path) -> None:
    leaving = note(envelope(1, sent.tag), text="Please take me off this list.")
    place = fill(tmp_path / "box", leaving, note(envelope(2, sent.tag), text="Where is the May issue?"))
    result = command(sent, "--mailbox", place)
    assert result.exit_code == 4, result.output
    assert result.stdout.startswith("1 new, 0 duplicate, 0 settled, 0 suppressed, 1 left")
    assert "1 unread: somebody answered a letter" in result.stderr
    assert rows(sent, "SELECT state FROM subscriber ORDER BY id")[:2] == [("left",), ("active",)]
    assert json.loads(command(sent, "--mailbox", place, "--json").stdout)["answers"] == 1


def test_a_worker_reads_the_mailbox_and_tells_an_answer_once_a_day(sent: House, tmp_path: Path) -> None:
    box = fill(tmp_path / "box", note(envelope(2, sent.tag), text="Where is the May issue?"))
    with_box = sent.live(replace(sent.settings, events=replace(sent.settings.events, mailbox=box)))
    read = worker_stories()["events"]
    reports = [read(with_box, Work("events")), read(with_box, Work("events"))]
    waiting = [report.waiting for report in reports if isinstance(report, RunReport)]
    answers = (
        "1 unread: somebody answered a letter, or complained of one; read it in the mailbox, answer, mark it as read"
    )
    assert waiting == [["left aside: 1 × an answer to a letter, for a person", answers], []]
    assert read(sent.place, Work("events")) is None, "config.toml names no mailbox any more"


def test_an_unread_answer_is_told_once_a_day_and_when_there_are_more(sent: House, tmp_path: Path) -> None:
    place = fill(tmp_path / "box", note(envelope(2, sent.tag), text="Where is the May issue?"))
    codes = []
    for hours, more in ((0, False), (1, False), (1, True), (1, False), (24, False)):
        sent.now += timedelta(hours=hours)
        if more:
            fill(tmp_path / "box", note(envelope(3, sent.tag), text="And the June issue?"))
        result = command(sent, "--mailbox", place)
        assert (result.exit_code == 4) == ("somebody answered a letter" in result.stderr) == bool(result.output)
        codes.append(result.exit_code)
    assert codes == [4, 0, 4, 0, 4]
    loud = command(sent, "--mailbox", place, "-v")
    assert (loud.exit_code, "2 unread: somebody answered" in loud.stderr) == (0, True)
    assert rows(sent, "SELECT count(*) FROM run WHERE command = 'events'") == [(3,)]
    sent.now += timedelta(days=40)
    assert command(sent, "--mailbox", place).exit_code == 4
    assert not sent.run(days=-40, hours=1).failed, "it is no run, by which a clock is judged"


def test_an_mbox_is_read_again_without_effect(sent: House, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "mbox")
    box.add(dsn(envelope(1, sent.tag), block("5.1.1")))
    box.close()
    assert command(sent, "--mailbox", f"mbox:{tmp_path / 'mbox'}").stdout.startswith("1 new, 0 duplicate")
    assert command(sent, "--mailbox", f"mbox:{tmp_path / 'mbox'}").output == ""
    answers = [command(sent, "--mailbox", f"mbox:{tmp_path / 'mbox'}", "-v").stdout]
    assert answers[0].startswith("0 new, 1 duplicate")


class Dying:
    """A mailbox whose program is killed before the messages are marked."""

    def __init__(self, box: Mailbox) -> None:
        self.unread = box.unread

    def done(self, keys: object) -> None:
        raise KeyboardInterrupt

    def close(self) -> None:
        pass


def test_killed_between_storing_and_marking_reads_again(sent: House) -> None:
    place = sent.place
    server = ImapServer([dsn(envelope(n, sent.tag), block("5.1.1"), name=f"n{n}") for n in (1, 2)])
    try:
        box = open_mailbox(f"imap://digest@127.0.0.1:{server.port}", "secret")
        with pytest.raises(KeyboardInterrupt):
            events_in.take_mailbox(place, Dying(box))
        assert server.seen == set()
        done = events_in.take_mailbox(place, box)
        assert (done.taken.new, done.taken.duplicate, server.seen) == (0, 2, {11, 12})
        box.close()
    finally:
        server.close()


@pytest.mark.kills
@pytest.mark.parametrize("place", ["events: before commit", "events: committed"])
@pytest.mark.parametrize("kind", ["mailbox", "file"])
def test_killed_at_any_place_and_told_again_ends_the_same(sent: House, tmp_path: Path, place: str, kind: str) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(
        body_of(
            *(told("bounce", n, f"e{n}", tag=sent.tag, status="5.1.1", email=f"r{n}@example.org") for n in (1, 2))
        )
    )
    box = fill(tmp_path / "box", *(dsn(envelope(n, sent.tag), block("5.1.1"), name=f"n{n}") for n in (1, 2)))
    words = ["--file", str(file)] if kind == "file" else ["--mailbox", box]
    line = [sys.executable, "-m", "digest", "--config", str(sent.config), "--now", sent.now.isoformat(), "events"]
    killed = subprocess.run([*line, *words], env={**os.environ, "DIGEST_FAILPOINT": place}, check=False)
    assert killed.returncode == -signal.SIGKILL
    stored = 2 if "committed" in place else 0
    assert rows(sent, "SELECT count(*) FROM event") == [(stored,)]
    again = command(sent, *words, "--json")
    found = json.loads(again.stdout)
    assert (found["new"], found["duplicate"]) == (2 - stored, stored)
    assert rows(sent, "SELECT fate FROM delivery ORDER BY id") == [("bounced",), ("bounced",), (None,), (None,)]
    assert len(rows(sent, "SELECT reason FROM suppression WHERE reason = 'bounced'")) == 2


def test_nothing_is_marked_when_the_database_fails(sent: House, tmp_path: Path) -> None:
    place = fill(tmp_path / "box", dsn(envelope(1, sent.tag), block("5.1.1")))
    with writing(sent.place.engine) as conn:
        conn.execute(text("ALTER TABLE event RENAME TO hidden"))
    assert command(sent, "--mailbox", place).exit_code == 1
    assert len(list((tmp_path / "box" / "new").iterdir())) == 1


def test_a_saved_body(sent: House, tmp_path: Path) -> None:
    with writing(sent.place.engine) as conn:
        conn.execute(update(tables.delivery).values(state="uncertain"))
    file = tmp_path / "body.json"
    file.write_bytes(
        body_of(
            told("processed", 1, "a", tag=sent.tag, at=sent.now),
            told("delivered", 2, "b", tag=sent.tag, at=sent.now),
            told("delivered", 3, "c", at=sent.now),  # of another installation
            told("open", 1, "d", tag=sent.tag),
        )
    )
    result = command(sent, "--file", str(file))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 new, 0 duplicate, 2 settled")
    assert "1 strangers" in result.stdout
    assert "left aside: 1 × open" in result.stderr
    states = rows(sent, "SELECT state FROM delivery ORDER BY id")
    assert states == [("accepted",), ("accepted",), ("uncertain",), ("uncertain",)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to read"),
        (("--mailbox", "pop3:x"), "is not a mailbox"),
        (("--mailbox", "maildir:/x", "--file", "BODY"), "not both"),
        (("--file", "BODY"), "give a body as"),
    ],
)
def test_wrong_use_says_the_cure(sent: House, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "body").write_text("{}")
    result = command(sent, *(str(tmp_path / "body") if word == "BODY" else word for word in words))
    assert says in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 2


def test_many_suppressions_in_a_day_are_an_alarm_and_so_is_a_domain_that_refuses(sent: House, tmp_path: Path) -> None:
    now = sent.now
    file = tmp_path / "body.json"
    dead = [told("bounce", n, f"e{n}", tag=sent.tag, at=now, status="5.1.1") for n in (1, 2)]
    file.write_bytes(body_of(*dead, told("bounce", 4, "x", tag=sent.tag, at=now, status="5.7.1")))
    result = command(sent, "--file", str(file))
    assert "edition" not in result.stderr  # two are few
    assert "alarm: example.org: refused the sender or the text 1 time in" in result.stderr
    # As `digest doctor`: a person is needed, and is told once a day.
    assert (result.exit_code, command(sent, "--file", str(file)).exit_code) == (4, 0)
    file.write_bytes(body_of(told("spamreport", 3, "e3", tag=sent.tag, at=now)))
    result = command(sent, "--file", str(file))
    with reading(sent.place.engine) as conn:
        number = conn.scalar(select(tables.edition.c.id).where(tables.edition.c.eligible > 0))
        later = alarms.alarms(conn, now + timedelta(days=40))
    assert f"alarm: edition {number}: 3 of 4 accepted deliveries were suppressed within a day" in result.stderr
    assert later == []
