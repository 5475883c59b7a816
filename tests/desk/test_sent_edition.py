"""A sent edition: how many readers had each entry, counted as the letters say; and the account that is kept."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.desk.kept_answers import KeptAnswers
from digest.desk.sent_edition import case_studies, read_details, read_sent
from digest.errors import WrongUse
from digest.model import CASE_STUDY, Edition
from digest.store import deliveries, editions
from digest.store.condense import condense
from digest.store.engine import reading, writing
from digest.store.reach import EntryReached, reached_by
from tests.console import digest as command
from tests.outcomes import Stage

ENOUGH = 20.0  # seconds, for a thread on a busy machine; no test waits so long


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The house in which everything has happened."""
    made = Stage(tmp_path_factory.mktemp("sent") / "house")
    yield made.play()
    made.close()


def had_in(stage: Stage) -> dict[str, Counter[int]]:
    """Return by section how many accepted letters of the edition had each entry, from the digests of its readers."""
    with reading(stage.place.engine) as conn:
        accepted = deliveries.in_state(conn, "accepted", stage.number)
        digests = deliveries.digests(conn, [row.digest for row in accepted if row.digest])
    counts: dict[str, Counter[int]] = {"areas": Counter(), "elsewhere": Counter()}
    for row in accepted:
        for section in digests[row.digest or 0].sections:
            counts[section.key].update(placed.entry for group in section.groups for placed in group.placed)
    return counts


def edition_of(stage: Stage) -> Edition:
    with reading(stage.place.engine) as conn:
        edition = editions.get(conn, stage.number)
    assert edition is not None
    return edition


@pytest.mark.long
def test_the_reach_is_what_the_accepted_letters_say(stage: Stage) -> None:
    counts = had_in(stage)
    with reading(stage.place.engine) as conn:
        reached = reached_by(conn, stage.number)
    assert {entry: count.near for entry, count in reached.items() if count.near} == dict(counts["areas"])
    assert {entry: count.elsewhere for entry, count in reached.items() if count.elsewhere} == dict(
        counts["elsewhere"]
    )
    assert counts["areas"] and counts["elsewhere"]
    assert reached[stage.entry["study"]].elsewhere == counts["elsewhere"][stage.entry["study"]] > 0


@pytest.mark.long
def test_the_command_tells_case_studies_alone_the_farthest_first(stage: Stage) -> None:
    document = command(stage.folder, "receipt", str(stage.number), "--reach", "--json").document
    with reading(stage.place.engine) as conn:
        entries = {row.entry.id: row.entry for row in editions.shown(conn, stage.number)}
        reached = reached_by(conn, stage.number)
    studies = {entry for entry, shown in entries.items() if shown.kind == CASE_STUDY}
    assert {row["entry"] for row in document} == studies
    assert [row["elsewhere"] for row in document] == sorted((row["elsewhere"] for row in document), reverse=True)
    told = {row["entry"]: (row["near"], row["elsewhere"], row["readers"]) for row in document}
    empty = EntryReached()
    assert told == {
        entry: (
            reached.get(entry, empty).near,
            reached.get(entry, empty).elsewhere,
            reached.get(entry, empty).readers,
        )
        for entry in studies
    }
    table = command(stage.folder, "receipt", str(stage.number), "--reach").stdout
    assert "Study" in table and "elsewhere" in table


@pytest.mark.long
def test_condensed_letters_keep_their_readers_and_not_their_section(stage: Stage, tmp_path: Path) -> None:
    before = had_in(stage)
    twin = stage.copy(tmp_path / "house")
    with writing(twin.place.engine) as conn:
        conn.exec_driver_sql(
            "UPDATE delivery SET state = 'refused' WHERE state IN ('uncertain', 'pending', 'claimed')"
        )
        condense(conn, twin.number)
    details = read_details(twin.place, edition_of(twin))
    whole = before["areas"] + before["elsewhere"]
    assert details.account.condensed
    # Of an erased reader no letter is kept, so that there may be fewer.
    for entry, count in details.reached.items():
        assert (count.near, count.elsewhere) == (0, 0) and 0 < count.unplaced <= whole[entry]
    answer = command(twin.folder, "receipt", str(twin.number), "--reach")
    assert answer.code == 0 and "whether an entry came from elsewhere is not kept" in answer.stderr
    twin.close()


@pytest.mark.parametrize("number", ["99", "7"])
@pytest.mark.long
def test_an_edition_that_is_not_frozen_has_no_reach(stage: Stage, number: str) -> None:
    answer = command(stage.folder, "receipt", number, "--reach")
    assert answer.code == WrongUse.exit_code and "is not frozen" in answer.stderr


@pytest.mark.long
def test_the_details_are_the_account_of_the_receipt(stage: Stage) -> None:
    edition = edition_of(stage)
    with reading(stage.place.engine) as conn:
        sent = read_sent(conn, stage.place, edition)
    details = read_details(stage.place, edition)
    assert details.account.receipt == sent.receipt
    assert sent.can_stop == bool(sent.receipt.pending)
    assert {entry.id for entry, _ in case_studies(sent.entries, details.reached)} <= {e.id for e in sent.entries}


def test_a_kept_answer_is_made_once_for_what_it_was_asked() -> None:
    kept: KeptAnswers[str] = KeptAnswers()
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    assert kept.ask(1, "a", lambda: make("one"), at_once=True).answer == "one"
    assert kept.ask(1, "a", lambda: make("two"), at_once=True).answer == "one"
    assert kept.ask(1, "b", lambda: make("three"), at_once=True).answer == "three"
    assert kept.ask(2, "b", lambda: make("four"), at_once=True).answer == "four"
    assert made == ["one", "three", "four"]


def test_the_last_eight_answers_are_kept() -> None:
    kept: KeptAnswers[str] = KeptAnswers()
    for number in range(9):
        kept.ask(number, "a", lambda: "old", at_once=True)
    asked_again = [kept.ask(number, "a", lambda: "new", at_once=True).answer for number in (8, 1, 0)]
    assert asked_again == ["old", "old", "new"]


def test_the_last_answer_stands_while_a_thread_makes_the_next_one() -> None:
    kept: KeptAnswers[str] = KeptAnswers(patience=0.01)
    let, done = threading.Event(), threading.Event()

    def slow() -> str:
        assert let.wait(ENOUGH)
        return "new"

    assert kept.ask(1, "a", lambda: "old", at_once=False).answer in ("old", None)
    while kept.ask(1, "a", lambda: "old", at_once=False).answer is None:
        done.wait(0.001)
    waiting = kept.ask(1, "b", slow, at_once=False)
    assert (waiting.answer, waiting.under_way) == ("old", True)
    let.set()
    while (now := kept.ask(1, "b", slow, at_once=False)).under_way:
        done.wait(0.001)
    assert now.answer == "new"


def test_only_the_first_page_waits_for_an_answer() -> None:
    kept: KeptAnswers[str] = KeptAnswers(patience=ENOUGH)
    begun, let = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert let.wait(ENOUGH)
        return "made"

    first: list[str | None] = []
    page = threading.Thread(target=lambda: first.append(kept.ask(1, "a", slow, at_once=False).answer))
    page.start()
    assert begun.wait(ENOUGH)
    second = kept.ask(1, "a", slow, at_once=False)
    assert (second.answer, second.under_way, first) == (None, True, [])
    let.set()
    page.join(ENOUGH)
    assert first == ["made"]


def test_an_answer_that_cannot_be_made_is_told_and_tried_again() -> None:
    kept: KeptAnswers[str] = KeptAnswers(patience=ENOUGH)

    def fail() -> str:
        raise WrongUse("it cannot be read")

    with pytest.raises(WrongUse, match="cannot be read"):
        kept.ask(1, "a", fail, at_once=False)
    assert kept.ask(1, "a", lambda: "well", at_once=False).answer == "well"
