"""Carry-over: a reader to whom nothing new goes is offered once what their earlier letters had no room for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from digest import pipeline
from digest.config.load import load
from digest.config.retention import _LEAST_DELIVERIES
from digest.desk import edit, explain
from digest.editions import draft as drafting
from digest.editions.approve import approve
from digest.editions.freeze import freeze_slot
from digest.editions.plan import Offer, Planner, Standing, overview
from digest.model import Digest, Edition, Entry, Facets
from digest.schedule import slot_of
from digest.store import carry_over, corrections, deliveries, editions
from digest.store.editions import Shown
from digest.store.engine import reading, writing
from digest.store.schema import delivery, entry
from subscribers import store as people
from subscribers.model import Interests, Subscriber
from tests.counts import table
from tests.house import ANN, CONFIG, START, House

HOUSING_WALES = Interests(frozenset({"housing"}), frozenset({"wales"}))
AGAIN = "offered again, because an earlier letter had no room for it"


A_ROW: dict[str, object] = {
    "source": "S",
    "title": "T",
    "kind": "post",
    "first_seen": START,
    "state": "ready",
    "print": "",
}
A_ROW |= {facet: [] for facet in ("categories", "policy_areas", "regions", "themes", "evidence")}


# --- the rule -------------------------------------------------------------------------------------------------


def shown(number: int, region: str, release: int, carried_from: str = "2026-10-30", area: str = "housing") -> Shown:
    facets = Facets((area,), (region,), (), ())
    told = Entry(number, f"S{number}", None, f"E{number}", "case-study", None, START, facets=facets)
    return Shown(replace(told, carried_from=carried_from), release)


# 1 is new, and 2 is one that most readers have been considered for; 3 to 9 are there only to be carried over.
EDITION = [shown(1, "wales", 5, "", "transport"), shown(2, "wales", 4)]
EDITION.append(shown(9, "wales", 0, area="transport"))
EDITION += [shown(number, region, 0) for number, region in zip(range(3, 9), ["wales", "london"] * 3, strict=True)]
# (what is said of the interests, what there was no room for, `[letter] carry_over`) -> what is offered again
RULE: list[tuple[dict[str, object], set[int], int, list[int] | None]] = [
    ({}, set(), 3, []),
    ({}, {3, 4}, 3, [3, 4]),
    ({}, {2}, 3, [2]),
    ({}, {3, 4, 5, 6, 7, 8}, 3, [4, 6, 8]),
    ({}, {2, 3, 5, 7}, 3, [2, 3, 5]),
    ({}, {3, 5, 7}, 1, [3]),
    ({}, {3, 4}, 0, []),
    ({"carry_over": False}, {3, 4}, 3, []),
    ({"elsewhere": False}, {3, 4}, 3, [3]),
    ({"regions": frozenset({"london"})}, {3, 4}, 3, [4, 3]),
    ({"policy_areas": frozenset({"transport"}), "regions": frozenset({"london"})}, {3}, 3, None),
    ({"policy_areas": frozenset({"housing", "transport"})}, {3}, 3, None),
    ({"policy_areas": frozenset({"leisure"})}, {3, 4}, 3, []),
]  # fmt: skip


@table("follows, left_over, most, again", RULE)
def test_who_gets_nothing_new_is_offered_what_there_was_no_room_for(
    tmp_path: Path, follows: dict[str, object], left_over: set[int], most: int, again: list[int] | None
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    edition = Edition(1, "weekly", "2026-11-06", "approved", False, "", 5, "", from_release=3)
    offer = Offer(replace(load(config, {}), carry_over=most), edition, EDITION)
    person = Subscriber(1, "r@example.org", interests=replace(HOUSING_WALES, **follows))  # type: ignore[arg-type]
    planned = offer.planned(Standing(person, "", 4, (), left_over))
    digest = offer.digest(planned)
    assert digest is not None
    if again is None:
        assert digest.placed and not digest.again, "something new goes to them"
    else:
        assert [placed.entry for placed in digest.placed] == again
        assert (planned.state, digest.again) == (("pending", True) if again else ("empty", False))
    assert offer.offers_again(planned) is digest.again
    more_left = offer.planned(Standing(replace(person, id=2), "", 4, (), left_over | {9} if left_over else set()))
    assert more_left.match == planned.match, "readers who get the same share a digest"


# --- from edition to edition ------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    made = begun(tmp_path / "house")
    made.settings = replace(made.settings, letter_cap=3, elsewhere_cap=1)
    yield made
    made.close()


def next_day(house: House) -> None:
    """Gather, and freeze the daily edition of the next day; nothing is handed over, which would take far longer."""
    house.now += timedelta(days=1)
    place, daily = house.place, house.settings.cadence("daily")
    pipeline.gather(place, force=True)
    slot = slot_of(daily, house.now.date().isoformat(), house.settings.site.zone)
    freeze_slot(place, daily, slot, house.now)


def letters_of(house: House, reader: int) -> list[Digest]:
    """Return the digests of the reader's letters that are owed, oldest first."""
    with reading(house.place.engine) as conn:
        owed = [row for row in deliveries.of_subscriber(conn, reader) if row.state == "pending"]
        plans = deliveries.digests(conn, [row.digest for row in owed if row.digest])
    return [plans[row.digest] for row in reversed(owed) if row.digest]


@pytest.mark.long
def test_each_entry_comes_once_at_most_three_and_only_in_place_of_nothing(house: House) -> None:
    busy_with = Interests(frozenset({"housing", "transport"}), frozenset({"wales"}))
    wales, busy, off = (
        house.reader(f"{name}@example.org", "daily", follows)
        for name, follows in (
            ("wales", HOUSING_WALES), ("busy", busy_with), ("off", replace(HOUSING_WALES, carry_over=False))
        )
    )  # fmt: skip
    for number in range(9):
        house.publish(f"E{number}", region="scotland" if number > 6 else "wales")
    next_day(house)
    (first,) = letters_of(house, wales)
    over = [entry for entry, _ in first.left_out]
    edit.drop(house.place, ANN, over[:1])
    house.publish("Bus", "transport")
    pipeline.gather(house.place, force=True)
    with writing(house.place.engine) as conn:
        person = people.get(conn, wales)
        assert person is not None
        edition = drafting.draft(conn, house.settings, house.settings.cadence("daily"), house.now)
        rows = editions.shown(conn, edition.id)
        planner = Planner(conn, house.settings, edition, rows, house.place.secret, house.now)
        planned = planner.offer.digest(planner.reader(person))
        view = overview(conn, house.settings, edition, house.place.secret, house.now)
    assert (view.entries, view.offered_again) == (1, 1), "an editor sees it before"
    for _ in range(4):
        next_day(house)
    letters = letters_of(house, wales)
    assert [digest.again for digest in letters] == [False, True, True]
    assert letters[1] == planned, "what was planned is what is sent"
    sent = [placed.entry for digest in letters for placed in digest.placed]
    assert len(sent) == len(set(sent)) and set(over[1:]) <= set(sent) and over[0] not in sent
    assert all(len(digest.placed) <= 3 for digest in letters)
    assert [digest.again for digest in letters_of(house, busy)] == [False, False, True, True]
    assert [digest.again for digest in letters_of(house, off)] == [False]
    _, _, why = explain.explain(house.place, "wales@example.org", str(letters[1].placed[0].entry))
    assert why.outcome == "pending" and why.reasons[0].endswith(AGAIN) and "over the cap" in why.reasons[1]
    _, _, why = explain.explain(house.place, "off@example.org", str(over[1]))
    assert why.outcome == "over-cap" and len(why.reasons) == 1
    with reading(house.place.engine) as conn:
        assert corrections.count_readers(conn, letters[1].placed[0].entry) == 2, "a correction reaches them too"


@pytest.mark.parametrize("restored", [False, True])
def test_a_letter_that_did_not_leave_has_offered_nothing_and_after_a_restore_nobody_knows(
    house: House, restored: bool
) -> None:
    reader = house.reader("wales@example.org", "daily", HOUSING_WALES)
    for number in range(5):
        house.publish(f"E{number}")
    next_day(house)
    next_day(house)
    with writing(house.place.engine) as conn:
        last = select(func.max(delivery.c.id)).where(delivery.c.subscriber_id == reader).scalar_subquery()
        conn.execute(update(delivery).where(delivery.c.id == last).values(state="refused"))
        edition = drafting.draft(conn, house.settings, house.settings.cadence("daily"), house.now)
        approve(conn, house.settings, edition.id, "an editor", house.now)
        if restored:
            carry_over.forget_over_cap(conn)
    next_day(house)
    first, *again = letters_of(house, reader)
    over_cap = {entry for entry, _ in first.left_out}
    assert [{placed.entry for placed in digest.placed} for digest in again] == ([] if restored else [over_cap])


def test_entries_are_carried_from_what_was_frozen_in_twelve_weeks(house: House) -> None:
    now = house.now
    rows = {101: ("weekly", 85), 102: ("weekly", 84), 103: ("weekly", 1), 104: ("daily", 1), 105: ("weekly", None)}
    with writing(house.place.engine) as conn:
        for number, (cadence, days) in rows.items():
            conn.execute(insert(entry).values(**A_ROW, id=number))
            slot = (now - timedelta(days=days or 0)).date().isoformat()
            edition = editions.draft(conn, cadence, slot, (0, 1), [shown(number, "wales", 1, "")], now)
            carry_over.mark_over_cap(conn, edition.id, [number])
            if days is not None:
                editions.freeze(conn, edition.id, 1, now - timedelta(days=days))
        left_over = carry_over.left_over(conn, "weekly", now)
    assert list(left_over.items()) == [(103, "2026-11-01"), (102, "2026-08-10")]
    assert carry_over._REACH < _LEAST_DELIVERIES, "no letter that a reader has had since is condensed"
