"""Entries of a baseline are stored without facets, and whoever needs them gets the ones of the classifier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit
from digest.editions.classified import can_wait, classified, with_facets
from digest.editions.readings import store_snapshot
from digest.model import Backfill, Entry, Facets, Sighting, Snapshot, Source
from digest.sources.read import Reading, Validators
from digest.store import entries, sources
from digest.store.engine import reading, writing
from tests.house import ANN, START, House

OLD = Sighting(
    "old", "https://a.example/old", "Housing in Leeds", START - timedelta(weeks=14), html="<p>Housing in Leeds</p>",
    categories=("Housing",),
)  # fmt: skip
YOUNG = replace(OLD, guid="young", link="https://a.example/young", title="Transport", published=START)
SOURCE = Source("Notes", url="https://a.example/", backfill=Backfill(span=timedelta(weeks=13)))


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    house = House(tmp_path / "house", pipeline_url)
    store_snapshot(house.place, SOURCE, Reading("ok", Snapshot((YOUNG, OLD)), Validators()), START)
    yield house
    house.close()


def stored(house: House) -> dict[str, Entry]:
    with reading(house.place.engine) as conn:
        return {entry.title: entry for entry in entries.listing(conn)}


def test_the_baseline_waits_for_its_facets_and_the_backfill_has_them(house: House) -> None:
    shown = stored(house)
    assert shown["Housing in Leeds"].facets == Facets(regions=())
    assert shown["Transport"].facets == house.place.classifier.classify(YOUNG, SOURCE)


def test_a_list_shows_the_facets_that_classifying_at_once_gives(house: House) -> None:
    with reading(house.place.engine) as conn:
        shown = with_facets(conn, house.place, stored(house)["Housing in Leeds"])
    assert shown.facets == house.place.classifier.classify(OLD, SOURCE)
    assert "housing" in shown.facets.policy_areas


def test_an_entry_that_is_released_or_retagged_keeps_its_facets(house: House) -> None:
    number = stored(house)["Housing in Leeds"].id
    edit.retag(house.place, ANN, number, {"theme": ("leadership",)})
    facets = stored(house)["Housing in Leeds"].facets
    assert (facets.policy_areas, facets.themes) == (("housing",), ("leadership",)) and facets.regions
    edit.release(house.place, ANN, [number])
    assert stored(house)["Housing in Leeds"].facets == facets


def test_releasing_gives_the_facets(house: House) -> None:
    edit.release(house.place, ANN, [stored(house)["Housing in Leeds"].id])
    assert stored(house)["Housing in Leeds"].facets == house.place.classifier.classify(OLD, SOURCE)


@pytest.mark.parametrize(
    ("sighting", "waits"),
    [
        (OLD, True),
        (YOUNG, True),
        (replace(OLD, published=None), True),
        (replace(OLD, regions=("Wales",)), False),
        (replace(OLD, place="Leeds"), False),
    ],
)
def test_a_sighting_waits_unless_it_declares_facets(sighting: Sighting, waits: bool) -> None:
    assert can_wait(sighting) is waits


def test_what_is_no_baseline_is_classified_before_the_entries_are_stored(tmp_path: Path) -> None:
    """A draft and an entry before its date, because others wait to write while a transaction classifies them."""
    house = House(tmp_path / "other")
    draft = replace(YOUNG, guid="draft", link="https://a.example/draft", unreleased="draft: true")
    ahead = replace(YOUNG, guid="ahead", link="https://a.example/ahead", not_before=START + timedelta(days=3))
    sightings = [YOUNG, OLD, draft, ahead]
    ready = classified(house.place, replace(SOURCE, backfill=Backfill(1)), sightings, START).ready
    assert [sighting.guid for sighting in sightings if id(sighting) in ready] == ["young", "draft", "ahead"]
    with writing(house.place.engine) as conn:
        sources.keep_state(conn, SOURCE, checked_at=START)
        sources.hold_next(conn)
    assert len(classified(house.place, SOURCE, sightings, START).ready) == 4
    house.close()
