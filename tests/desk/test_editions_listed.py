"""The list of editions: their states, what waits for whom, and the same whatever way it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk import edit
from digest.desk.approval import approve_edition, hold_edition, stop_edition
from digest.desk.editions_listed import DueEdition, EditionsListed, read_editions
from digest.desk.pool import read_pool
from digest.desk.reword import reword
from digest.editions import draft
from digest.editions.due import next_of_each
from digest.model import Edition
from digest.operations.status import status
from digest.store import editions
from digest.store.engine import reading, writing
from tests.asked import asked
from tests.counts import spread
from tests.house import ANN, House
from tests.outcomes import SUMS, Stage

QUERIES = 22


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose weekly edition must be approved, with two readers and two entries, and no draft."""
    house = House(tmp_path_factory.mktemp("begun") / "house", weekly='approval = "required"')
    house.reader("ann@example.org")
    house.reader("bea@example.org", "daily")
    house.run()
    house.publish("Damp homes")
    house.publish("Somewhere", region="")
    house.run(hours=1)
    yield house
    house.close()


def listed(house: House, page: int = 1) -> EditionsListed:
    with reading(house.place.engine) as conn:
        return read_editions(conn, house.place, page)


def weekly(house: House) -> DueEdition:
    return next(each for each in listed(house).due if each.cadence.name == "weekly")


def drafted(house: House, cadence: str = "weekly") -> Edition:
    with writing(house.place.engine) as conn:
        return draft.draft(conn, house.settings, house.settings.cadence(cadence), house.now)


def approved(house: House) -> None:
    approve_edition(house.place, ANN, drafted(house).id)


def held(house: House) -> None:
    hold_edition(house.place, ANN, drafted(house).id)


def late(house: House) -> None:
    house.now += timedelta(days=4, hours=3)


def daily_alone(house: House) -> None:
    daily = replace(house.settings.cadence("weekly"), approval_required=False)
    house.settings = replace(house.settings, cadences=(daily,))
    late(house)


@pytest.mark.parametrize(
    ("happens", "state", "role", "sentence"),
    [
        (lambda _: None, "none", "", ""),
        (drafted, "waits", "approver", "The weekly edition of 2026-11-06 waits for approval"),
        (approved, "approved", "", ""),
        (held, "stopped", "approver", "The weekly edition of 2026-11-06 is stopped until it is approved"),
        (lambda house: (approved(house), late(house)), "late", "operator", "and no run has come"),
        (daily_alone, "late", "operator", "The weekly edition of 2026-11-06 is due, and no run has come"),
    ],
)
def test_the_state_and_what_waits(
    house: House, happens: Callable[[House], object], state: str, role: str, sentence: str
) -> None:  # fmt: skip
    happens(house)
    due = weekly(house)
    waits = [each for each in listed(house).waits if "weekly edition" in each.sentence and each.role != "editor"]
    assert due.state == state
    assert [each.role for each in waits] == ([role] if role else [])
    assert all(sentence in each.sentence for each in waits)


def test_the_edition_that_is_due_first_stands_first(house: House) -> None:
    house.settings = replace(house.settings, cadences=house.settings.cadences[::-1])
    assert [each.cadence.name for each in listed(house).due] == ["daily", "weekly", "monthly"]


def test_it_counts_what_came_and_what_to_look_at_as_the_page_of_the_edition_does(house: House) -> None:
    edition = drafted(house)
    reword(house.place, ANN, 1, {"open_question": "Is this so?"})
    house.publish("Later", areas="")
    pipeline.gather(house.place, force=True)
    with reading(house.place.engine) as conn:
        stored = editions.get(conn, edition.id)
        assert stored is not None
        pool = read_pool(conn, stored)
    due = weekly(house)
    assert due.came == pool.came == 1
    codes = [code for each in pool.entries for code in each.doubts]
    assert dict(due.doubts) == {code: codes.count(code) for code in codes} and due.doubts["question"] == 1
    looks = [each.sentence for each in listed(house).waits if each.role == "editor"]
    assert any("1 with an open question" in sentence for sentence in looks)


def test_held_entries_wait_for_an_editor(house: House) -> None:
    drafted(house)
    edit.drop(house.place, ANN, [1])
    assert not [each for each in listed(house).waits if "held" in each.sentence]
    with writing(house.place.engine) as conn:
        conn.exec_driver_sql("UPDATE entry SET state = 'held' WHERE id = 2")
    (held_line,) = [each for each in listed(house).waits if "held" in each.sentence]
    assert held_line.role == "editor" and held_line.sentence.startswith("1 entry is held")


@pytest.mark.parametrize("hours", spread(2, [0, 23, 24 * 4, 24 * 5, 24 * 40]))
@pytest.mark.parametrize("happens", [lambda _: None, drafted, approved, held])
def test_the_next_edition_of_each_is_that_of_a_cadence_alone(
    house: House, happens: Callable[[House], object], hours: int
) -> None:
    happens(house)
    house.now += timedelta(hours=hours)
    settings = house.settings
    with reading(house.place.engine) as conn:
        together = next_of_each(conn, settings.cadences, house.now, settings.site.zone)
        alone = {each.name: draft.next_edition(conn, settings, each.name, house.now) for each in settings.cadences}
    assert {name: edition for name, (_, edition) in together.items()} == alone
    assert {name: slot.key for name, (slot, _) in together.items()} == {n: e.slot for n, e in alone.items()}


@pytest.mark.long
def test_past_editions_have_the_receipts_that_status_tells(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "house").play()
    told = {receipt.edition: receipt for receipt in status(stage.place).receipts}
    past = {each.edition.id: each.receipt for each in listed(stage).past if each.receipt}
    assert past == told and past[stage.number] is not None
    assert past[stage.number].accepted == SUMS["accepted"]
    assert any(each.command == "digest settle" for each in listed(stage).waits)
    stop_edition(stage.place, ANN, stage.number)
    stopped = [each for each in listed(stage).waits if each.address == f"/desk/edition/{stage.number}"]
    assert [each.role for each in stopped] == ["approver"]
    stage.close()


@pytest.mark.long
def test_pages_of_past_editions_leave_none_out(house: House) -> None:
    numbers = []
    for _ in range(23):
        house.run(days=1)
    for page in (1, 2, 3):
        numbers += [each.edition.id for each in listed(house, page).past]
    with reading(house.place.engine) as conn:
        stored = {edition.id for edition in editions.listing(conn)}
    assert len(numbers) == len(set(numbers)) and len(numbers) > 20
    assert set(numbers) == stored - {each.edition.id for each in listed(house).due}
    assert listed(house).more and not listed(house, 2).more


def test_the_number_of_queries_is_bounded(house: House) -> None:
    with asked(house.place.engine) as statements:
        listed(house)
    assert 0 < len(statements) <= QUERIES
