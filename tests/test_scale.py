"""The simulation of many workers loses no delivery, repeats itself, and meets what was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import ledger, scale
from benchmarks.curve import draw_curves
from benchmarks.pages import ROOT
from benchmarks.scale_page import with_sections
from benchmarks.workers import EVENTS, Costs, SimulatedEdition, Simulation, Station, World, check
from tests.counts import table

COSTS = Costs(5, 1e-4, 0.1, 3e-4, 5e-4, 0.05, 7e-5, 1e-4, 6e-4, 0.2)
CALM = World(readers=10_000, answer=0, rate=1e9, life=1e12, restarts=(), outages=(), delay=0)  # nothing fails
LETTER = 0.0001 + 0.0003 + 0.0005 + 0.00005  # seconds of one worker for a letter: claim, compose, hand over, record
SPANS = st.lists(st.tuples(st.floats(0, 400), st.floats(0.1, 200)), max_size=3).map(
    lambda spans: tuple((start, start + length) for start, length in sorted(spans))
)


@settings(deadline=None, max_examples=60)
@given(
    world=st.builds(
        World, readers=st.integers(1, 30_000), workers=st.integers(1, 12), sendgrid=st.booleans(),
        answer=st.floats(0, 0.2), rate=st.floats(50, 5000), quota=st.integers(60, 40_000), web=st.integers(1, 4),
        cores=st.integers(1, 4), life=st.floats(20, 5000), recovery=st.floats(0, 60), patience=st.floats(0, 120),
        again=st.floats(1, 90), delay=st.floats(0, 90), restarts=SPANS, outages=SPANS, seed=st.integers(0, 99),
    )
)  # fmt: skip
@pytest.mark.long
def test_every_delivery_ends_once_whatever_fails(world: World) -> None:
    edition = send(world)  # which raises when the account is wrong at any moment
    states = edition.states
    assert states["accepted"] + states["uncertain"] == world.readers
    assert states["uncertain"] <= edition.most_uncertain <= world.readers
    assert edition.event <= 0 or edition.event >= edition.frozen


def test_nothing_is_uncertain_where_nothing_fails() -> None:
    edition = send(CALM)
    assert (edition.states["accepted"], edition.most_uncertain, edition.kills, edition.put_off) == (10_000, 0, 0, 0)
    assert edition.frozen == 5 + 10_000 * 1e-4
    assert edition.letter == pytest.approx(edition.frozen + 10_000 * LETTER)


def test_the_same_world_ends_the_same() -> None:
    world = World(readers=60_000, workers=5, life=40, outages=((60, 90),), restarts=((40, 50),))
    assert send(world) == send(world)
    assert send(world) != send(replace(world, seed=16))


@table(
    "changes, part, seconds",
    [
        ({"workers": 1}, "workers", 10_000 * LETTER),
        ({"workers": 10}, "claims", 9 * 0.1 + 1000 * LETTER),  # each sends one batch, and claims one after the other
        ({"workers": 10, "rate": 100}, "provider", 100),
        ({"workers": 10, "sendgrid": True, "quota": 200, "refresh": 10}, "provider", 90),  # 2,000 requests
    ],
)
def test_the_slowest_part_says_how_long_it_takes(changes: dict[str, float], part: str, seconds: float) -> None:
    edition = send(replace(CALM, **changes))  # type: ignore[arg-type]
    assert edition.letter - edition.frozen == pytest.approx(seconds, rel=0.2)
    assert max(edition.shares, key=lambda name: edition.shares[name] * (name != "web")) == part


def test_a_killed_worker_leaves_one_batch_uncertain_and_events_settle_what_had_left() -> None:
    edition = send(replace(CALM, readers=500_000, workers=4, life=60, delay=10))
    assert edition.kills >= 4
    assert 0 < edition.states["uncertain"] < edition.kills * 1000
    assert edition.states["uncertain"] < edition.most_uncertain  # because events have settled the others


@table("patience, uncertain", [(60, 0), (20, 1000)])
def test_a_record_waits_for_a_database_that_is_away(patience: float, uncertain: int) -> None:
    away = 6 + 500 * LETTER  # while the first batch is handed over
    edition = send(replace(CALM, restarts=((away, away + 30),), patience=patience))
    assert edition.most_uncertain == uncertain and edition.states["uncertain"] == 0
    assert edition.letter - edition.frozen == pytest.approx(30 + 10_000 * LETTER, rel=0.05)


def test_letters_wait_for_a_provider_that_is_away() -> None:
    away = 6 + 1500 * LETTER  # while the second batch is handed over
    edition = send(replace(CALM, outages=((away, away + 100),), again=10))
    assert edition.states["uncertain"] == edition.most_uncertain == CALM.connections  # whose answers were lost
    assert edition.put_off > 1000
    assert 100 < edition.letter - edition.frozen < 130


def test_events_wait_for_the_web_processes() -> None:
    edition = send(replace(CALM, workers=10, web=1))
    assert edition.event - edition.letter == pytest.approx(10_000 * EVENTS * COSTS.event, rel=0.1)
    assert edition.shares["web"] > 1 and edition.lag > 10


@table("at, seconds, done", [(0, 1, 1), (0, 3, 7), (2.5, 1, 5), (4, 1, 5), (9, 1, 10)])
def test_a_station_begins_again_what_closing_cut_off(at: float, seconds: float, done: float) -> None:
    assert Station(1, ((2, 4),)).take(at, seconds) == done


def test_a_station_serves_in_order() -> None:
    station = Station(2)
    assert [station.take(0, 5), station.take(0, 1), station.take(0, 1), station.take(9, 1)] == [5, 1, 2, 10]
    assert station.busy == 8


@table(
    "settled, complaint",
    [
        ([range(5), range(5, 10)], ""),
        ([range(5), range(4, 10)], "delivery 4 did not end once"),
        ([range(5), range(6, 10)], "delivery 5 did not end once"),
        ([range(5), range(5, 9)], "delivery 9 did not end"),
    ],
)
def test_the_account_sees_a_delivery_that_ends_twice_or_never(settled: list[range], complaint: str) -> None:
    edition = SimulatedEdition(Counter(accepted=10), settled=settled)
    if not complaint:
        check(edition, 10)
        return
    with pytest.raises(AssertionError, match=complaint):
        check(edition, 10)


def test_one_worker_takes_as_long_as_was_measured() -> None:
    measured = scale.load_measured()
    edition = scale.repeated(measured)
    assert edition.states["accepted"] == measured["letters-many"]
    assert edition.letter == pytest.approx(measured["run-many"], rel=0.2)


@pytest.mark.long
def test_the_page_is_what_the_simulation_says() -> None:
    for name, text in scale.texts(scale.load_measured()).items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, "run `.venv/bin/python -m benchmarks.scale --write`"


def test_a_page_without_a_section_is_told() -> None:
    with pytest.raises(ValueError, match="no section between"):
        with_sections("# A page", {"cron": ["a line"]})


def test_more_readers_share_digests() -> None:
    measured = scale.load_measured()
    shares = [
        scale.digests_of(measured, readers) / readers for readers in (1000, ledger.FEW, ledger.MANY, 10_000_000)
    ]
    assert shares == sorted(shares, reverse=True) and shares[0] <= 1
    assert shares[2] == pytest.approx(measured["digests-many"] / ledger.MANY)


def test_the_picture_has_a_curve_for_each_way_out() -> None:
    drawn = draw_curves({"a & b": [(1, 8.0), (2, 4.0)], "c": [(1, 16.0), (2, 9.0)]}, "Hours", "workers")
    assert drawn.count("<polyline") == 2 and drawn.count("<circle") == 4
    assert "a &amp; b" in drawn and ">16 h<" in drawn and ">4 h<" in drawn


def send(world: World) -> SimulatedEdition:
    return Simulation(COSTS, world).run()
