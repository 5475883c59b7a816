"""The deadline: drafted and told in time, and at the hour what is declared, once, recorded and told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import select

from digest.config.hours import parse_at
from digest.config.load import load
from digest.desk import edit
from digest.desk.acts import Hand
from digest.desk.approval import approve_edition, hold_edition
from digest.desk.arrange import word_edition
from digest.desk.editors import add_editor, change_role, remove_editor
from digest.desk.reword import reword
from digest.editions import draft
from digest.editions.approval_story import approval_story
from digest.editions.deadline import Due, due_before
from digest.errors import ConfigError
from digest.model import Edition
from digest.operations.run_report import RunReport
from digest.operations.status import status
from digest.schedule import Cadence, next_slot
from digest.store import acts, editions, entries
from digest.store.engine import reading, writing
from digest.store.schema import notice
from subscribers.suppression import suppress
from tests import console
from tests.counts import others_long, table
from tests.house import House

ANN = Hand("Ann")
HOUR = datetime(2026, 11, 6, 8, tzinfo=UTC)  # a Friday
DAY, HOURS, MINUTE = timedelta(days=1), timedelta(hours=2), timedelta(minutes=1)
SAID = "nobody had approved it by 2026-11-06 08:00"


def draft_of(**values: object) -> Edition:
    edition = Edition(3, "weekly", "2026-11-06", "draft", False, "", 1, "abc")
    return replace(edition, **values)  # type: ignore[arg-type]


EARLY, NOTHING = HOUR - DAY - MINUTE, Due(draft=False, kind="")
# The time, the edition as stored, whether anybody is reminded, and what is due.
BEFORE = [
    (EARLY, None, True, NOTHING),
    (HOUR - DAY, None, True, Due(draft=True, kind="ready")),
    (HOUR - DAY, draft_of(), True, Due(draft=False, kind="ready")),
    (HOUR - DAY, draft_of(told_ready_at=EARLY), True, NOTHING),
    (HOUR - HOURS - MINUTE, draft_of(told_ready_at=EARLY), True, NOTHING),
    (HOUR - HOURS, draft_of(told_ready_at=EARLY), True, Due(draft=False, kind="near")),
    (HOUR - HOURS, draft_of(told_ready_at=EARLY), False, NOTHING),
    (HOUR - HOURS, draft_of(told_ready_at=EARLY, told_near_at=EARLY), True, NOTHING),
    (HOUR - HOURS, draft_of(), True, Due(draft=False, kind="near")),
    (HOUR - MINUTE, None, True, Due(draft=True, kind="near")),
    (HOUR - MINUTE, None, False, Due(draft=True, kind="ready")),
    (HOUR - MINUTE, draft_of(state="approved"), True, NOTHING),
    (HOUR - MINUTE, draft_of(held=True), True, NOTHING),
    (HOUR, None, True, NOTHING),
    (HOUR, draft_of(), True, NOTHING),
]


@table("now, edition, reminds, due", BEFORE)
def test_what_is_due_before_the_hour(now: datetime, edition: Edition | None, reminds: bool, due: Due) -> None:
    remind = HOURS if reminds else timedelta(0)
    cadence = Cadence("weekly", parse_at("weekly", "fri 08:00"), approval_required=True, draft_ahead=DAY)
    slot = next_slot(cadence, HOUR - DAY, "Europe/London")
    assert due_before(replace(cadence, remind_ahead=remind), slot, edition, now) == due
    assert due_before(replace(cadence, approval_required=False), slot, edition, now) == NOTHING
    assert due_before(replace(cadence, draft_ahead=timedelta(0)), slot, edition, now) == NOTHING


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a reader, two entries, and editors of each role."""
    house = House(tmp_path_factory.mktemp("begun") / "house")
    house.reader("rhian@town.example")
    house.run()
    house.publish("Homes that were damp")
    house.publish("Buses that came", areas="transport", region="scotland")
    house.run(hours=1)
    for role in ("viewer", "editor", "approver", "admin"):
        add_editor(house.place, ANN, f"{role}@council.example", role.title(), role)
    yield house
    house.close()


@pytest.fixture
def house(begun: House, tmp_path: Path) -> Iterator[House]:
    with closing(begun.copy(tmp_path / "house")) as house:
        yield house


def declare(house: House, unapproved: str = "wait", *, draft: timedelta = DAY, remind: timedelta = HOURS) -> None:
    """Let the weekly edition need an approval."""
    weekly = replace(
        house.settings.cadence("weekly"), approval_required=True, unapproved=unapproved, draft_ahead=draft,
        remind_ahead=remind,
    )  # fmt: skip
    house.settings = replace(house.settings, cadences=(weekly,))


def run_at(house: House, now: datetime) -> RunReport:
    house.now = now
    return house.run()


def mails(house: House) -> list[tuple[str, str]]:
    """Return (address, what it is about) of each notice that has arrived, and forget them."""
    arrived = []
    for path in sorted((house.folder / "letters" / "notices").glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert "@" not in message["Subject"] and message["List-Unsubscribe"] is None
        words = {"ready": "ready", "not approved yet": "near", "in time": "missed"}
        about = next(name for part, name in words.items() if part in message["Subject"])
        arrived.append((message["To"].partition("@")[0], about))
        path.unlink()
    return arrived


def texts(house: House) -> list[str]:
    """Return each notice that has arrived, in one line, with its address and subject."""
    folder = house.folder / "letters" / "notices"
    messages = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    return [" ".join(f"{each['To']} {each['Subject']} {_plain(each)}".split()) for each in messages]


def _plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def told(about: str) -> list[tuple[str, str]]:
    return [(role, about) for role in ("editor", "approver", "admin")]


def weekly(house: House) -> Edition:
    with reading(house.place.engine) as conn:
        edition = editions.find(conn, "weekly", "2026-11-06")
    assert edition is not None
    return edition


def letters(house: House) -> list[str]:
    """Return the titles that the reader was sent, by letter."""
    with reading(house.place.engine) as conn:
        titles = {entry.id: entry.title for entry in entries.listing(conn)}
    return ["; ".join(sorted(titles[p.entry] for p in digest.placed)) for digest in house.letters(1)]


@pytest.mark.long
def test_editors_are_told_once_when_it_is_ready_and_once_when_its_hour_is_near(house: House) -> None:
    declare(house)
    assert run_at(house, HOUR - DAY - MINUTE).waiting == [] and mails(house) == []
    for now, about in ((HOUR - DAY, "ready"), (HOUR - HOURS, "near")):
        for minutes in (0, 1):
            assert run_at(house, now + minutes * MINUTE).waiting == []
            assert mails(house) == ([] if minutes else told(about))
    with reading(house.place.engine) as conn:
        assert len(editions.shown(conn, weekly(house).id)) == 2
    approve_edition(house.place, ANN, weekly(house).id)
    assert run_at(house, HOUR + MINUTE).waiting == []
    assert (mails(house), letters(house)) == ([], ["Buses that came; Homes that were damp"])


POLICIES: dict[str, tuple[str, list[str], str]] = {
    "wait": ("draft", [], "it waits until somebody approves it, or the next edition takes its entries over"),
    "stop": ("draft", [], "it is stopped until `digest approve 1`"),
    "send": ("frozen", ["Buses that came; Homes that were damp"], "it was sent all the same"),
    "send-without-open-questions": (
        "frozen",
        ["Buses that came"],
        "it was sent all the same, without entry 2, which had an open question and is held for every cadence:"
        " `digest release 2` lets it out",
    ),
}


@pytest.mark.parametrize("name", others_long(list(POLICIES), "send-without-open-questions"))
def test_at_the_hour_is_done_what_is_declared_and_told_once(house: House, name: str) -> None:
    state, sent, done = POLICIES[name]
    declare(house, name)
    run_at(house, HOUR - DAY)
    reword(house.place, ANN, 2, {"open_question": "Is it true?"})
    mails(house)
    run_at(house, HOUR - MINUTE)
    assert mails(house) == told("near")
    report = run_at(house, HOUR)
    edition = weekly(house)
    assert (edition.state, edition.unapproved, letters(house)) == (state, f"{SAID}: {done}", sent)
    assert mails(house) == told("missed")
    assert run_at(house, HOUR + MINUTE).unapproved == [] and mails(house) == []
    line = f"edition 1 (weekly 2026-11-06): {SAID}: {done}"
    assert report.unapproved == ([line] if sent else [])
    assert ([f"{SAID}: {done}" in waits for waits in report.waiting[:1]] == [True]) == (not sent)
    assert [each.unapproved for each in status(house.place).unapproved] == [f"{SAID}: {done}"]
    with reading(house.place.engine) as conn:
        verbs = [act.verb for act in acts.listing(conn) if act.by == "deadline"]
        assert approval_story(conn, edition, "Europe/London")[-1] == f"{SAID}: {done}"
    assert verbs[-1:] == (["take out"] if name.endswith("questions") else verbs[:1])
    assert edition.held == (name == "stop")


@pytest.mark.long
def test_an_entry_that_is_taken_out_is_held_for_every_cadence_and_the_editors_are_told(house: House) -> None:
    monthly = replace(house.settings.cadence("monthly"), approval_required=True)
    declare(house, "send-without-open-questions")
    house.settings = replace(house.settings, cadences=(*house.settings.cadences, monthly))
    house.reader("mo@town.example", "monthly")
    house.publish("Roofs that leaked")
    run_at(house, HOUR - DAY)
    with writing(house.place.engine) as conn:
        other = draft.draft(conn, house.settings, monthly, house.now)
    approve_edition(house.place, ANN, other.id)
    reword(house.place, ANN, 3, {"open_question": "Is it true?"})
    run_at(house, HOUR - MINUTE)
    (near,) = [text for text in texts(house) if "editor@" in text and "not approved yet" in text]
    assert "it goes out without the entries that have an open question, and these are held for every cadence." in near
    run_at(house, HOUR)
    (missed,) = [text for text in texts(house) if "editor@" in text and "in time" in text]
    assert f"edition {other.id} (monthly 2026-12-01) had it too: approve it again" in missed


@pytest.mark.long
def test_an_entry_with_an_open_question_is_not_lost(house: House) -> None:
    declare(house, "send-without-open-questions")
    run_at(house, HOUR - DAY)
    reword(house.place, ANN, 2, {"open_question": "Is it true?"})
    run_at(house, HOUR)
    with reading(house.place.engine) as conn:
        entry = entries.get(conn, 2)
    assert entry is not None and (entry.state, entry.held_why) == ("held", "Is it true?")
    assert run_at(house, HOUR + DAY).waiting[0].startswith("1 entry is held for an editor")
    edit.release(house.place, ANN, [2])
    run_at(house, HOUR + timedelta(days=6))
    with reading(house.place.engine) as conn:
        (number,) = [edition.id for edition in editions.unfrozen(conn)]
    reword(house.place, ANN, 2, {"open_question": ""})
    approve_edition(house.place, ANN, number)
    run_at(house, HOUR + timedelta(days=7))
    assert letters(house) == ["Buses that came", "Homes that were damp"]


@pytest.mark.long
def test_an_editors_own_decision_comes_before_the_deadline(house: House) -> None:
    declare(house, "send")
    run_at(house, HOUR - DAY)
    hold_edition(house.place, ANN, 1)
    (line,) = run_at(house, HOUR + MINUTE).waiting
    assert "is stopped (stopped by Ann at" in line and (weekly(house).unapproved, letters(house)) == ("", [])
    approve_edition(house.place, ANN, 1)
    run_at(house, HOUR + HOURS)
    assert len(letters(house)) == 1 and "missed" not in [about for _, about in mails(house)]


@pytest.mark.long
def test_an_approval_with_another_appearance_is_none_at_the_deadline(house: House) -> None:
    declare(house, "send")
    run_at(house, HOUR - DAY)
    approve_edition(house.place, ANN, 1)
    house.settings = replace(house.settings, letter_cap=7)
    report = run_at(house, HOUR)
    assert report.unapproved == [f"edition 1 (weekly 2026-11-06): {SAID}: it was sent all the same"]


@pytest.mark.long
def test_a_late_approval_ends_what_the_deadline_did(house: House) -> None:
    declare(house, "stop")
    run_at(house, HOUR - DAY)
    run_at(house, HOUR)
    approve_edition(house.place, ANN, 1)
    assert weekly(house).unapproved == ""
    run_at(house, HOUR + MINUTE)
    assert len(letters(house)) == 1


@pytest.mark.long
def test_a_draft_of_the_hour_itself_is_ready_and_not_late(house: House) -> None:
    """As before there was a deadline: without `draft_ahead` a run drafts the edition at its hour, and it waits."""
    declare(house, draft=timedelta(0), remind=timedelta(0))
    run_at(house, HOUR - MINUTE)
    assert mails(house) == []
    (line,) = run_at(house, HOUR).waiting
    assert "is not approved; look with" in line
    assert (mails(house), weekly(house).unapproved) == (told("ready"), "")
    run_at(house, HOUR + HOURS)
    assert mails(house) == []


@pytest.mark.long
def test_without_an_editor_the_operator_is_told(house: House) -> None:
    declare(house)
    with reading(house.place.engine) as conn:
        assert conn.scalars(select(notice.c.id)).all() == []
    for number in (2, 3):
        remove_editor(house.place, ANN, number)
    house.settings = replace(house.settings, only=("@town.example",))
    (line,) = run_at(house, HOUR - DAY).waiting
    assert "no editor who could be told (`digest editors add`)" in line and "2026-11-06 08:00" in line
    house.settings = replace(house.settings, only=())
    assert run_at(house, HOUR - DAY + MINUTE).waiting == [] and mails(house) == [("admin", "ready")]


def test_an_editor_who_has_left_as_a_reader_is_told_and_one_who_complained_is_not(house: House) -> None:
    declare(house)
    with writing(house.place.engine) as conn:
        for role, reason in (("editor", "left"), ("approver", "complained"), ("admin", "bounced")):
            suppress(conn, f"{role}@council.example", reason, secret=house.place.secret, now=house.now)
    run_at(house, HOUR - DAY)
    assert mails(house) == [("editor", "ready")]


@pytest.mark.long
def test_a_notice_that_is_not_true_any_more_is_not_mailed(house: House) -> None:
    """It was owed while the mail server was away; meanwhile the edition was approved, and one is no editor now."""
    declare(house)
    post = '\n[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'
    house.config.write_text(house.config.read_text() + post)
    file, house.settings = house.settings, replace(house.settings, transport=load(house.config, {}).transport)
    run_at(house, HOUR - DAY)
    change_role(house.place, ANN, 2, "viewer")
    house.settings = file
    house.now += MINUTE
    word_edition(house.place, ANN, 1, {"subject": "News"})
    with reading(house.place.engine) as conn:
        owed = list(conn.scalars(select(notice.c.state)))
    assert owed == ["pending"] * 3
    house.run()
    assert mails(house) == told("ready")[1:], "the draft has changed, and is still to be approved"
    run_at(house, HOUR - HOURS - MINUTE)
    house.settings = replace(house.settings, transport=load(house.config, {}).transport)
    run_at(house, HOUR - HOURS)
    approve_edition(house.place, ANN, 1)
    house.settings = file
    run_at(house, HOUR - HOURS + MINUTE)
    assert mails(house) == []


MISTAKES = [
    ('approval = "automatic"\nunapproved = "stop"', "cadence.weekly.unapproved: it counts with approval"),
    ('draft_ahead = "1 day"', "cadence.weekly.draft_ahead: it counts with approval"),
    ('approval = "required"\nunapproved = "send"', "cadence.weekly.unapproved: with \"send\", give draft_ahead too"),
    ('approval = "required"\nremind_ahead = "1 hour"', "cadence.weekly.remind_ahead: write a span that is shorter"),
    (
        'approval = "required"\ndraft_ahead = "1 hour"\nremind_ahead = "1 hour"',
        "cadence.weekly.remind_ahead: write a span that is shorter",
    ),
    ('approval = "required"\nunapproved = "maybe"', "cadence.weekly.unapproved"),
]  # fmt: skip


@table("lines, problem", MISTAKES)
def test_what_cannot_be_meant_is_refused(lines: str, problem: str) -> None:
    with TemporaryDirectory() as folder, pytest.raises(ConfigError) as raised:
        House(Path(folder) / "house", weekly=lines)
    assert problem in str(raised.value)


@pytest.mark.long
def test_the_story_by_the_command_line(house: House) -> None:
    house.close()
    lines = 'at = "fri 08:00"\napproval = "required"\nunapproved = "send"\ndraft_ahead = "1 day"\n'
    text = house.config.read_text().replace('at = "fri 08:00"\n', lines)
    text = text.replace('[cadence.daily]\nat = "08:00"\n', "").replace('[cadence.monthly]\nat = "1 08:00"\n', "")
    house.config.write_text(text)

    def digest(now: datetime, *words: str) -> console.Answer:
        return console.digest(house.folder, "--config", str(house.config), "--now", now.isoformat(), *words)

    assert digest(HOUR - DAY, "run").code == 0
    assert "the weekly edition" not in digest(HOUR - DAY, "status").stdout
    sent = digest(HOUR, "run")
    assert (sent.code, f"{SAID}: it was sent all the same" in sent.stderr) == (0, True)
    assert f"edition 1 (weekly 2026-11-06): {SAID}" in digest(HOUR, "status").stdout
    assert digest(HOUR, "status", "--json").document["unapproved"][0]["state"] == "frozen"
