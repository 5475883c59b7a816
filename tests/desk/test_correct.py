"""Corrections and withdrawals: those who have had the entry are told once, in their next letter, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk import edit, receipts
from digest.desk.acts import Hand
from digest.desk.correct import LONGEST, correct, withdraw
from digest.desk.preview import preview
from digest.desk.undo import undo
from digest.errors import PersonNeeded, WrongUse
from digest.store import acts, corrections, duplicates, entries
from digest.store.condense import condense
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from digest.web.letters import LetterPages
from subscribers import store as people
from tests.console import digest as command
from tests.house import ANN
from tests.outcomes import Stage, interests

ED = Hand("Ed")
SAVED = "The saving was 3 %, not 30 %."
LINE = f"Correction to “A list”: {SAVED}"


class Desk(Stage):
    """A house with a postman, two readers of housing, and one of transport; entry 1 is "A list"."""

    def begin(self) -> None:
        """Send entry 1 to the first two readers."""
        self.run()
        for name, areas in (("ann", "housing"), ("bea", "housing"), ("cai", "transport")):
            self.who[name] = self.reader(f"{name}@example.org", "weekly", interests(areas))
        self.publish("A list")
        self.week()

    def week(self) -> dict[str, str]:
        """Let a week pass and run; return the text of each reader's letter."""
        self.postman.taken.clear()
        self.run(days=7)
        return self.taken()

    def taken(self) -> dict[str, str]:
        """Return the text of each letter that the postman was given, in one line."""
        letters = self.postman.taken
        return {letter.to.partition("@")[0]: " ".join(letter.letter.plain_text().split()) for letter in letters}

    def next_entries(self) -> None:
        """Publish an entry for each of the three readers."""
        self.publish("News")
        self.publish("Buses", "transport")

    def told(self, edition: int) -> list[tuple[int, int, bool]]:
        """Return what the receipt of an edition says of its corrections: entry, readers, withdrawn."""
        account = receipts.account(self.place, edition)
        return [(each["entry"], each["readers"], each["withdrawn"]) for each in account.to_json()["corrections"]]

    def newest(self) -> int:
        """Return the number of the newest weekly edition."""
        return max(letter.delivery and self._edition(letter.delivery) for letter in self.postman.taken)

    def _edition(self, number: int) -> int:
        with reading(self.place.engine) as conn:
            row = conn.execute(delivery.select().where(delivery.c.id == number)).one()
        return int(row.edition_id)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    here = Desk(tmp_path_factory.mktemp("correct") / "house")
    here.begin()
    return here


@pytest.fixture
def desk(tmp_path: Path, begun: Desk) -> Iterator[Desk]:
    here = begun.copy(tmp_path / "house")
    yield here
    here.close()


def test_those_who_have_had_it_are_told_once_in_their_next_letter(desk: Desk) -> None:
    (line,) = correct(desk.place, ED, 1, f"  {SAVED}\n")
    assert line.startswith("2 readers of entry 1 are told once")
    desk.reader("dan@example.org", "weekly", interests())
    desk.next_entries()
    desk.now += timedelta(days=6)
    pipeline.gather(desk.place)
    shown = preview(desk.place, email="ann@example.org").parcel
    letters = desk.week()
    assert {name: text.count(LINE) for name, text in letters.items()} == {"ann": 1, "bea": 1, "cai": 0, "dan": 0}
    assert shown is not None and " ".join(shown.letter.plain_text().split()).count(LINE) == 1
    assert desk.told(desk.newest()) == [(1, 2, False)]


@pytest.mark.long
def test_nothing_is_mailed_for_a_correction_alone_nor_twice(desk: Desk) -> None:
    correct(desk.place, ED, 1, SAVED)
    assert desk.week() == {}
    told = []
    for _ in range(2):
        desk.next_entries()
        told.append(sum(LINE in text for text in desk.week().values()))
    assert told == [2, 0]
    assert desk.told(desk.newest()) == []


def test_a_withdrawal_drops_the_entry_and_drop_points_to_it(desk: Desk) -> None:
    desk.reader("mo@example.org", "monthly", interests())
    dropped = edit.drop(desk.place, ANN, [1])
    assert dropped[-1].startswith('entry 1: `digest withdraw 1 --text "…"` tells the 2 readers who have had it')
    edit.release(desk.place, ANN, [1])
    lines = withdraw(desk.place, ED, 1, "The council asked us to.")
    assert lines[-1].startswith("2 readers of entry 1 are told once")
    with reading(desk.place.engine) as conn:
        stored = entries.get(conn, 1)
    assert stored is not None and stored.state == "dropped"


@pytest.mark.long
def test_a_withdrawn_entry_does_not_reach_those_who_have_not_had_it(desk: Desk) -> None:
    desk.reader("mo@example.org", "monthly", interests())
    edit.retag(desk.place, ANN, 1, {"theme": ("leadership",)})
    withdraw(desk.place, ED, 1, "The council asked us to.")
    desk.next_entries()
    desk.postman.taken.clear()
    desk.run(days=30)
    letters = desk.taken()
    assert {name: "Withdrawn: “A list”. The council asked" in text for name, text in letters.items()} == {
        "ann": True, "bea": True, "cai": False, "mo": False,
    }  # fmt: skip
    assert "News" in letters["mo"] and "A list" not in letters["mo"]


@pytest.mark.long
def test_who_gets_the_entry_afterwards_reads_the_correction_with_it(desk: Desk) -> None:
    desk.reader("mo@example.org", "monthly", interests())
    edit.retag(desk.place, ANN, 1, {"theme": ("leadership",)})
    assert command(desk.folder, "prepare", "monthly").code == 0
    lines = correct(desk.place, ED, 1, SAVED)
    assert "monthly 2026-12-01, draft) has entry 1 as it is" in lines[1] and "`digest drop 1`" in lines[1]
    shown = preview(desk.place, email="mo@example.org").parcel
    assert shown is not None and LINE in " ".join(shown.letter.plain_text().split())
    desk.postman.taken.clear()
    desk.run(days=30)
    letters = desk.taken()
    assert letters["mo"].count(LINE) == 1 and "A list" in letters["mo"].replace(LINE, "")


@pytest.mark.long
def test_a_letter_that_was_not_handed_over_has_told_nobody(desk: Desk) -> None:
    correct(desk.place, ED, 1, SAVED)
    desk.next_entries()
    desk.postman.answers = {"ann": ("refused", "550 no"), "bea": ("uncertain", "lost")}
    desk.week()
    assert desk.told(desk.newest()) == [(1, 1, False)]
    desk.postman.answers = {}
    desk.next_entries()
    assert {name: LINE in text for name, text in desk.week().items()} == {"ann": True, "bea": False, "cai": False}


@pytest.mark.long
def test_a_letter_that_is_tried_again_carries_the_same_corrections(desk: Desk) -> None:
    correct(desk.place, ED, 1, SAVED)
    desk.next_entries()
    desk.postman.usual = ("deferred", "later")
    first = desk.week()
    correct(desk.place, ED, 1, "Another.")
    desk.postman.usual = ("accepted", "")
    desk.postman.taken.clear()
    desk.now += timedelta(hours=5)
    pipeline.send_owed(desk.place)
    assert LINE in first["ann"] and desk.taken() == first


@pytest.mark.long
def test_who_was_erased_is_told_nothing_and_condensed_letters_count(desk: Desk) -> None:
    with writing(desk.place.engine) as conn:
        condense(conn, desk.newest())
    assert correct(desk.place, ED, 1, SAVED)[0].startswith("2 readers")
    with writing(desk.place.engine) as conn:
        people.forget(conn, desk.who["bea"], now=desk.now, secret=desk.place.secret)
    desk.next_entries()
    assert {name: LINE in text for name, text in desk.week().items()} == {"ann": True, "cai": False}


@pytest.mark.long
def test_the_copies_of_old_letters_are_marked_and_no_others(desk: Desk) -> None:
    def page(name: str, edition: int) -> str:
        pages = LetterPages(desk.place.engine, desk.place.link_key_file, desk.settings)
        return pages.page(desk.token("browse", desk.who[name], edition))

    old = desk.newest()
    assert "Correction to" not in page("ann", old)
    correct(desk.place, ED, 1, SAVED)
    assert page("ann", old).count("Correction to “A list”:") == 1
    desk.next_entries()
    desk.week()
    new = desk.newest()
    assert page("ann", new).count("Correction to “A list”:") == 1, "as the letter was"
    assert "Correction to" not in page("cai", new)
    page_of_receipt = receipts.page(desk.place, receipts.account(desk.place, new))
    assert "In 2 of its letters, readers who have had entry 1 are told of a correction to it." in page_of_receipt
    answer = command(desk.folder, "receipt", str(new))
    assert "correction of entry 1: in 2 letters" in answer.stdout


def texts(desk: Desk, *, withdrawn: bool) -> list[str]:
    """Return the corrections of entry 1, or its withdrawal, that are still to be told to both who have had it."""
    with reading(desk.place.engine) as conn:
        given = corrections.given_of(conn, 1)
    return [
        each.text for each in given if each.withdrawn == withdrawn and (each.cancelled, each.untold) == (False, 2)
    ]


def newest_act(desk: Desk) -> int:
    with reading(desk.place.engine) as conn:
        return acts.newest(conn)


def test_an_undo_takes_back_one_correction_and_no_other(desk: Desk) -> None:
    for text in ("First.", "Second.", "Third."):
        correct(desk.place, ED, 1, text)
    second = newest_act(desk) - 1
    assert undo(desk.place, ANN, second) == [
        "entry 1: the correction “Second.” is taken back for 2 readers not yet told"
    ]
    assert texts(desk, withdrawn=False) == ["First.", "Third."]
    assert command(desk.folder, "correct", "1", "--cancel").code == 0
    with pytest.raises(WrongUse, match=r"entry 1 has no correction “Third\.” any more"):
        undo(desk.place, ANN, second + 1)
    with pytest.raises(WrongUse, match=r"\(cancel correction entry 1\) cannot be taken back"):
        undo(desk.place, ANN, newest_act(desk))
    correct(desk.place, Hand("Bob"), 1, "Third.")
    with pytest.raises(PersonNeeded, match=r"entry 1: Bob gave the same correction again since \(act \d+\)"):
        undo(desk.place, ANN, second + 1)
    undo(desk.place, ANN, newest_act(desk))
    assert texts(desk, withdrawn=False) == []


@pytest.mark.long
def test_a_withdrawal_that_is_taken_back_and_given_again_is_told_to_readers(desk: Desk) -> None:
    gone = "The council asked us to."
    withdraw(desk.place, ED, 1, gone)
    for expected in ([], [gone], [], [gone]):
        lines = undo(desk.place, ED, newest_act(desk))
        assert texts(desk, withdrawn=True) == expected
        assert lines[-1].startswith(
            "2 readers of entry 1 are told once" if expected else f"entry 1: the withdrawal “{gone}” is taken back"
        ), lines
    edit.release(desk.place, ANN, [1])
    undo(desk.place, ANN, newest_act(desk))
    assert texts(desk, withdrawn=True) == [gone]


@pytest.mark.long
def test_a_drop_is_not_taken_back_under_a_withdrawal(desk: Desk) -> None:
    edit.drop(desk.place, ANN, [1])
    drop = newest_act(desk)
    withdraw(desk.place, ED, 1, "Not ours.")
    with pytest.raises(PersonNeeded, match=r"entry 1: Ed changed its withdrawal since \(act \d+: withdraw\)"):
        undo(desk.place, ANN, drop)
    undo(desk.place, ED, newest_act(desk))
    undo(desk.place, ANN, drop)
    assert texts(desk, withdrawn=True) == []


ANSWERS = (
    (("correct", "1", "--text", ""), 2, "the text has 0 characters"),
    (("correct", "1", "--text", " \n "), 2, "the text has 0 characters"),
    (("withdraw", "1", "--text", "x" * (LONGEST + 1)), 2, f"the text has {LONGEST + 1} characters"),
    (("correct", "99", "--text", SAVED), 2, "entry 99 does not exist"),
    (("correct", "2", "--text", SAVED), 2, "nobody has had entry 2"),
    (("withdraw", "2", "--text", "Not ours."), 0, "nobody has had entry 2, so it is dropped"),
    (("correct", "1", "--text", SAVED, "--by", "Ed"), 0, "2 readers of entry 1 are told once"),
    (("correct", "1", "--text", SAVED), 0, "everybody who has had entry 1 is told this already; nobody more is told"),
    (("correct", "1"), 2, "say what was wrong with --text"),
    (("correct", "1", "--cancel"), 0, f"the correction “{SAVED}” is taken back for 2 readers not yet told"),
    (("correct", "1", "--cancel"), 2, "entry 1 has no correction"),
    (("withdraw", "1", "--text", "Not ours.", "--by", "Ed"), 0, "2 readers of entry 1 are told once"),
    (("withdraw", "1", "--text", "Not ours."), 2, "entry 1 is withdrawn already; `digest release 1` takes that back"),
    (("correct", "1", "--text", SAVED), 2, "entry 1 is withdrawn already"),
    (("release", "1"), 0, "entry 1: the withdrawal “Not ours.” is taken back for 2 readers not yet told"),
    (("correct", "3", "--text", SAVED), 2, "had entry 1, which tells the same: `digest correct 1 --text …`"),
    (("withdraw", "3", "--text", SAVED), 0, "had entry 1, which tells the same: `digest withdraw 1 --text …`"),
)


def test_the_commands_say_what_is_told_or_why_not(desk: Desk) -> None:
    for title in ("Unsent", "The same"):
        desk.publish(title)
        pipeline.gather(desk.place, force=True)
    with writing(desk.place.engine) as conn:
        entries.set_state(conn, 3, "duplicate")
        duplicates.store_duplicate(conn, 3, 1)
    for words, code, line in ANSWERS:
        answer = command(desk.folder, *words)
        assert (answer.code, line in answer.stderr) == (code, True), (words, answer.stderr)
    shown = command(desk.folder, "entry", "1").stdout
    assert f"“{SAVED}” (in 0 letters, 0 readers still to be told; taken back since)" in shown
    document = json.loads(command(desk.folder, "entry", "1", "--json").stdout)
    assert [(each["withdrawn"], each["cancelled"]) for each in document["corrections"]] == [
        (False, True),
        (True, True),
    ]
