"""From elsewhere over the weeks: a barrier that a case study of the past year names, and what a reader has had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit
from digest.desk.explain import explain
from digest.desk.preview import preview
from digest.editions.plan import Planner
from digest.model import Entry, Facets, Ingredient, Reason
from digest.store import editions
from digest.store.editions import Shown
from digest.store.engine import reading
from subscribers.model import Interests, Subscriber
from tests.house import ANN, House

HOUSING_LONDON = Interests(frozenset({"housing"}), frozenset({"london"}))
TRUST = {
    "ingredients": '{in_the_way: {text: "Nobody believed the record.", barriers: trust}}',
    "ingredients_by": "A. N.",
}
MONEY = {"ingredients": '{in_the_way: {text: "Nobody paid.", barriers: money}}', "ingredients_by": "A. N."}


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str, begun: Callable[..., House]) -> Iterator[House]:
    if pipeline_url.startswith("sqlite"):
        house = begun(tmp_path / "house")
    else:
        house = House(tmp_path / "house", pipeline_url)
        house.run()
    yield house
    house.close()


@pytest.mark.long
def test_a_case_study_comes_for_a_barrier_that_one_of_the_past_year_names(house: House) -> None:
    who = house.reader("a@example.org", interests=HOUSING_LONDON)
    house.publish("Homes", "housing", "london", **TRUST)
    house.run(days=4)
    house.publish("Buses", "transport", "wales", **TRUST)
    house.publish("Trams", "transport", "scotland", **MONEY)
    house.run(days=2)
    previewed = preview(house.place, email="a@example.org").digest
    house.run(days=5)
    homes, buses = house.letters(who)
    assert [(p.entry, p.reason) for p in homes.placed] == [(1, Reason("area", "housing", "london"))]
    assert [(p.entry, p.reason) for p in buses.placed] == [
        (3, Reason("elsewhere-barrier", "trust", "wales", "housing"))
    ]
    assert previewed == buses, "the preview counts the past year too"
    assert dict(buses.left_out) == {2: "outside"} and buses.more == 0
    _, _, why = explain(house.place, "a@example.org", "3")
    assert "from elsewhere (Wales): its barrier, trust, is one in case studies of Housing, which they follow" in str(
        why
    )


def test_only_frozen_editions_of_the_cadence_and_of_the_past_year_count(house: House) -> None:
    house.reader("a@example.org")
    house.reader("b@example.org", "monthly")
    house.publish("Homes", "housing", "london", **TRUST)
    house.publish("Buses", kind="post")
    house.run(days=4)
    with reading(house.place.engine) as conn:
        (edition,) = [each for each in editions.listing(conn) if each.cadence == "weekly" and each.state == "frozen"]
        slots = {
            days: (edition.created_at + timedelta(days=days)).date().isoformat()  # type: ignore[operator]
            for days in (-1, 0, 1, 360, 370)
        }
        seen = {
            (days, cadence): [entry.title for entry in editions.earlier_studies(conn, later)]
            for days, slot in slots.items()
            for cadence in ("weekly", "monthly")
            for later in [replace(edition, slot=slot, cadence=cadence)]
        }
    assert {key for key, titles in seen.items() if titles == ["Homes"]} == {(1, "weekly"), (360, "weekly")}
    assert all(titles in ([], ["Homes"]) for titles in seen.values())
    edit.drop(house.place, ANN, [2])
    with reading(house.place.engine) as conn:
        assert editions.earlier_studies(conn, replace(edition, slot=slots[1])) == []


def test_an_edition_is_planned_with_the_case_studies_of_the_past_year(house: House) -> None:
    house.reader("a@example.org")
    house.publish("Homes", "housing", "london", **TRUST)
    house.run(days=4)
    place, line = house.place, Ingredient("in-the-way", "They had no reason to.", ("trust",))
    facets = Facets(("transport",), ("wales",))
    buses = Entry(9, "T", None, "Buses", "case-study", None, house.now, facets=facets, ingredients=(line,))
    with reading(place.engine) as conn:
        edition = replace(editions.listing(conn)[0], slot="2026-12-31")
        planner = Planner(conn, place.settings, edition, [Shown(buses, 9)], place.secret, house.now)
        planned = planner.anyone(Subscriber(0, "r@example.org", interests=HOUSING_LONDON))
    digest = planner.offer.digest(planned)
    assert digest is not None
    assert [(p.entry, p.reason) for p in digest.placed] == [
        (9, Reason("elsewhere-barrier", "trust", "wales", "housing"))
    ]
