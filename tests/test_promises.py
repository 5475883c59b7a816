"""The promises to readers over time: nothing lost, nothing twice, never an empty letter, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update

from digest import group, pipeline
from digest.desk import edit, explain
from digest.editions import approve, draft, freeze
from digest.editions.due import slot_owed
from digest.errors import DigestError, PersonNeeded, WrongUse
from digest.group import Candidate
from digest.model import Facets, Ingredient, NamedAddress, Sighting, Taxonomy
from digest.operations import clock
from digest.sources.newness import New
from digest.store import deliveries, editions, entries, ingredients, migrate, releases
from digest.store.engine import make_engine, reading, writing
from digest.store.schema import delivery, edition, entry, mark
from subscribers import store as people
from subscribers.model import Interests
from tests.counts import few_and_many
from tests.house import ANN, House

Build = Callable[..., House]
HOUSING_WALES = Interests(frozenset({"housing"}), frozenset({"wales"}))


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str, begun: Build) -> Iterator[Build]:
    """Build a House on each engine; the first run's baseline is behind it."""
    made: list[House] = []

    def build(**options: str) -> House:
        folder = tmp_path / f"house{len(made)}"
        if pipeline_url.startswith("sqlite"):
            made.append(begun(folder, **options))
        else:
            made.append(House(folder, pipeline_url, **options))
            made[-1].run()
        return made[-1]

    yield build
    for one in made:
        one.close()


def entries_of(house: House, subscriber: int) -> list[list[int]]:
    return [[p.entry for p in digest.placed] for digest in house.letters(subscriber)]


def test_an_entry_comes_once_and_a_second_run_sends_nothing(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    assert here.run(days=4).receipts[0].accepted == 0  # the daily edition: nobody follows daily
    assert entries_of(here, who) == [[1]]
    assert here.run().receipts == []
    assert here.run(days=7).receipts
    assert entries_of(here, who) == [[1]]


@pytest.mark.long
def test_a_change_of_cadence_neither_loses_nor_repeats(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org", "weekly")
    here.publish("One")
    here.run(days=4)
    with writing(here.place.engine) as conn:
        people.set_cadence(conn, who, "daily", how="test", now=here.now)
    here.publish("Two")
    here.run(days=1)
    with writing(here.place.engine) as conn:
        people.set_cadence(conn, who, "monthly", how="test", now=here.now)
    here.publish("Three")
    here.run(days=40)
    assert entries_of(here, who) == [[1], [2], [3]]


@pytest.mark.long
def test_missed_slots_are_accounted_for_and_made_good_by_one_letter(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.run(days=4)
    here.publish("One")
    here.run(weeks=3)
    here.run()
    assert entries_of(here, who) == [[1]]
    from digest.operations import status

    weekly = [s["outcome"] for s in status.status(here.place).slots if s["cadence"] == "weekly"]
    assert weekly == ["run", "missed", "missed", "run"]


@pytest.mark.long
def test_a_clock_set_back_sends_nothing_again_and_goes_on(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    here.run(days=4)
    with pytest.raises(PersonNeeded, match="the clock is behind"):
        here.run(days=-30)
    here.publish("Two")
    here.run(days=30)
    here.run(days=7)
    assert entries_of(here, who) == [[1], [2]]


@pytest.mark.long
def test_who_joins_starts_at_the_present_less_the_welcome(house: Build) -> None:
    here = house()
    here.publish("Before")
    here.run(days=1)
    late = here.reader("late@example.org")
    here.publish("After")
    here.run(days=3)
    assert entries_of(here, late) == [[2]]


@pytest.mark.long
def test_a_change_of_interests_does_not_dig_up_the_past(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org", interests=Interests(frozenset({"transport"})))
    here.publish("Homes", "housing")
    here.run(days=4)
    with writing(here.place.engine) as conn:
        people.update_interests(conn, who, Interests(frozenset({"housing"})), how="test", now=here.now)
    here.publish("More homes", "housing")
    here.run(days=7)
    assert entries_of(here, who) == [[2]]


def test_a_late_retag_reaches_those_who_now_match_and_nobody_twice(house: Build) -> None:
    here = house()
    had = here.reader("had@example.org", interests=Interests(frozenset({"housing"})))
    now_matches = here.reader("now@example.org", interests=Interests(frozenset({"transport"})))
    here.publish("Buses to new homes", "housing")
    here.run(days=4)
    edit.retag(here.place, ANN, 1, {"policy_area": ("housing", "transport")})
    here.run(days=7)
    here.run(days=7)
    assert entries_of(here, had) == [[1]]
    assert entries_of(here, now_matches) == [[1]]
    _, _, why = explain.explain(here.place, "had@example.org", "1")
    assert why.outcome == "included"


@pytest.mark.long
def test_what_is_paused_or_suppressed_is_not_considered_and_accounted_for(house: Build) -> None:
    here = house()
    paused = here.reader("paused@example.org")
    here.reader("dead@example.org")
    place = here.place
    with writing(place.engine) as conn:
        people.pause(conn, paused, here.now + timedelta(days=6), how="test", now=here.now)
        people.suppress(conn, "dead@example.org", "bounced", secret=place.secret, now=here.now)
    here.publish("One")
    receipt = next(r for r in here.run(days=4).receipts if r.cadence == "weekly")
    assert (receipt.eligible, receipt.held, receipt.suppressed, receipt.accepted) == (2, 1, 1, 0)
    assert receipt.balanced
    here.run(days=7)
    assert entries_of(here, paused) == [[1]]


def test_an_editor_must_approve_where_config_says_so(house: Build) -> None:
    here = house(weekly='approval = "required"')
    who = here.reader("a@example.org")
    here.publish("One")
    report = here.run(days=4)
    number = int(report.waiting[0].split()[1])
    assert "is not approved" in report.waiting[0]
    assert entries_of(here, who) == []
    here.publish("Too late for this edition")
    here.run(hours=1)
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    assert entries_of(here, who) == [[1]]


@pytest.mark.long
def test_a_change_after_the_approval_takes_it_back(house: Build) -> None:
    here = house(weekly='approval = "required"')
    who = here.reader("a@example.org")
    here.publish("One")
    here.publish("Two")
    number = int(here.run(days=4).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    assert "must be approved again" in edit.drop(here.place, ANN, [1])[0]
    assert here.run(hours=1).waiting
    assert entries_of(here, who) == []
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    assert entries_of(here, who) == [[2]]


@pytest.mark.long
def test_a_held_edition_waits_even_where_approval_is_automatic(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    here.run(days=1)
    with writing(here.place.engine) as conn:
        weekly = next(c for c in here.settings.cadences if c.name == "weekly")
        number = draft.draft(conn, here.settings, weekly, here.now).id
        approve.hold(conn, number)
    assert here.run(days=3).waiting
    assert entries_of(here, who) == []
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    assert entries_of(here, who) == [[1]]


@pytest.mark.long
def test_a_surge_is_held_until_an_editor_lets_it_go(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.run(days=1)
    for n in range(25):
        here.publish(f"Flood number {n} of many", date="2020-01-01")
    report = here.run(days=3)
    assert report.sources[0].status == "held"
    assert entries_of(here, who) == []
    edit.release(here.place, ANN, [], "Notes")
    here.run(days=7)
    (letter,) = here.letters(who)
    assert len(letter.placed) + letter.more == 25


@pytest.mark.long
def test_who_left_and_came_back_starts_anew(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.run(days=4)
    place = here.place
    with writing(place.engine) as conn:
        people.leave(conn, who, how="test", now=here.now, secret=place.secret)
    here.publish("While away")
    here.run(days=7)
    with writing(place.engine) as conn:
        people.unsuppress(conn, "a@example.org", secret=place.secret)
        people.confirm(conn, who, how="test", now=here.now, secret=place.secret)
    here.publish("Back again")
    here.run(days=7)
    assert entries_of(here, who) == [[2]]


@pytest.mark.long
def test_what_is_held_does_not_go_out_under_a_later_date(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    here.run(days=1)
    with writing(here.place.engine) as conn:
        weekly = here.settings.cadence("weekly")
        number = draft.draft(conn, here.settings, weekly, here.now).id
        approve.hold(conn, number)
    here.publish("Two")
    assert any(f"edition {number} " in line for line in here.run(days=10).waiting)
    assert entries_of(here, who) == []
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    assert entries_of(here, who) == [[1], [2]]


@pytest.mark.long
def test_what_was_approved_goes_out_even_if_its_hour_was_missed(house: Build) -> None:
    here = house(weekly='approval = "required"')
    who = here.reader("a@example.org")
    here.publish("One")
    number = int(here.run(days=4).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(days=10)
    assert entries_of(here, who) == [[1]]


@pytest.mark.long
def test_a_passed_draft_cannot_be_approved_in_vain(house: Build) -> None:
    here = house(weekly='approval = "required"')
    here.reader("a@example.org")
    here.publish("One")
    number = int(here.run(days=4).waiting[0].split()[1])
    here.run(days=7)
    with writing(here.place.engine) as conn, pytest.raises(WrongUse, match="is past"):
        approve.approve(conn, here.settings, number, "editor", here.now)


@pytest.mark.long
def test_an_approval_is_of_the_templates_too(house: Build) -> None:
    here = house(weekly='approval = "required"')
    who = here.reader("a@example.org")
    here.publish("One")
    number = int(here.run(days=4).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.settings = replace(here.settings, letter_cap=1)
    assert "with other templates" in here.run(hours=1).waiting[0]
    assert entries_of(here, who) == []


@pytest.mark.long
def test_a_clock_that_was_ahead_does_not_silence_a_cadence(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    dated = here.now.date().isoformat()
    here.run(days=400)
    here.publish("One", date=dated)
    with pytest.raises(PersonNeeded, match="--clock-is-right"):
        here.run(days=-393)
    with writing(here.place.engine) as conn:
        clock.accept_clock(conn, here.now)
    here.run()
    here.run(days=7)
    assert [n for letter in entries_of(here, who) for n in letter] == [1]


@pytest.mark.long
def test_who_comes_back_after_the_draft_loses_nothing(house: Build) -> None:
    here = house(weekly='approval = "required"')
    here.reader("steady@example.org")
    who = here.reader("moved@example.org", "monthly")
    here.publish("One")
    number = int(here.run(days=4).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    here.publish("Two")
    number = int(here.run(days=7).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
        people.set_cadence(conn, who, "weekly", how="test", now=here.now)
    here.run(hours=1)
    assert entries_of(here, who) == []
    here.publish("Three")
    number = int(here.run(days=7).waiting[0].split()[1])
    with writing(here.place.engine) as conn:
        approve.approve(conn, here.settings, number, "editor", here.now)
    here.run(hours=1)
    assert [sorted(letter) for letter in entries_of(here, who)] == [[1, 2, 3]]


@pytest.mark.long
def test_one_who_may_not_be_mailed_does_not_drag_the_past_along(house: Build) -> None:
    here = house()
    here.reader("steady@example.org")
    here.reader("dead@example.org")
    place = here.place
    with writing(place.engine) as conn:
        people.suppress(conn, "dead@example.org", "bounced", secret=place.secret, now=here.now)
    for week in range(3):
        here.publish(f"Week {week}")
        here.run(days=7)
    with reading(place.engine) as conn:
        sizes = [len(editions.shown(conn, one.id)) for one in editions.listing(conn) if one.cadence == "weekly"]
    assert max(sizes) == 1


@pytest.mark.long
def test_a_mistake_in_the_config_costs_nobody_a_letter(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    good = here.settings
    here.settings = replace(good, site=replace(good.site, reply_to=NamedAddress("nobody")))
    with pytest.raises((DigestError, ValueError)):
        here.run(days=4)
    here.settings = good
    here.run(hours=1)
    assert entries_of(here, who) == [[1]]


def test_an_organisation_without_policy_areas_is_served_too(house: Build) -> None:
    here = house()
    who = here.reader("a@example.org")
    here.publish("One")
    here.settings = replace(here.settings, taxonomy=Taxonomy())
    here.run(days=4)
    assert entries_of(here, who) == [[1]]


def test_one_broken_edition_does_not_stop_the_others(house: Build) -> None:
    here = house()
    here.reader("weekly@example.org")
    daily = here.reader("daily@example.org", "daily")
    here.publish("One")
    pipeline.gather(here.place, force=True)
    here.now += timedelta(days=4)
    place = here.place
    with writing(place.engine) as conn:
        weekly = here.settings.cadence("weekly")
        slot = slot_owed(conn, weekly, here.now, "Europe/London")
        assert slot is not None
        draft.ready(conn, here.settings, weekly, slot, here.now)
        number = freeze.freeze(conn, here.settings, weekly, slot, place.secret, here.now).id
        conn.execute(update(edition).where(edition.c.id == number).values(content_hash="x"))
    report = here.run(hours=1)
    assert len(report.failed) == 1
    assert entries_of(here, daily) == [[1]]


AREAS = ("housing", "transport")
REGIONS = ("wales", "scotland", "london")
interests = st.builds(
    Interests,
    st.frozensets(st.sampled_from(AREAS)),
    st.frozensets(st.sampled_from(REGIONS)),
    st.frozensets(st.just("leadership")),
    st.booleans(),
    st.sampled_from((True, True, False)),
)


class Readers(RuleBasedStateMachine):
    """Random publishing, runs and changes against a plain model of what each reader is owed.

    Gathering and rendering are left out: releases are made, and editions frozen, by the real code on a real
    database; every pending delivery then counts as accepted.
    """

    folder: Path
    template: Path

    @initialize()
    def open(self) -> None:
        Readers.count = getattr(Readers, "count", 0) + 1
        self.house = House(self.folder / f"r{Readers.count}")
        migrate.upgrade(make_engine(self.house.settings.storage_url))
        self.house.settings = replace(self.house.settings, letter_cap=4)
        self.who: list[int] = []
        self.considered: dict[int, set[int]] = {}
        self.left_over: dict[int, dict[int, tuple[str, datetime]]] = {}  # by reader, what there was no room for
        self.named: dict[int, tuple[str, set[str]]] = {}  # by entry, a barrier and the policy areas it ever had
        self.hour = 0

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.close()

    @rule(
        areas=st.frozensets(st.sampled_from(AREAS)),
        region=st.sampled_from((*REGIONS, "national", "unknown")),
        kind=st.sampled_from(("post", "case-study")),
        count=st.integers(1, 6),
        barrier=st.sampled_from(("trust", "trust", "money")),
    )
    def publish(self, areas: frozenset[str], region: str, kind: str, count: int, barrier: str) -> None:
        place = self.house.place
        facets = Facets(tuple(sorted(areas)), (region,), ("leadership",) if kind == "case-study" else ())
        with writing(place.engine) as conn:
            arrival = entries.NewEntry("s", New(Sighting(None, None, "T"), ()), kind, facets, "ready")
            numbers = entries.add(conn, [arrival] * count, self.house.now)
            releases.number(conn, numbers, "new", self.house.now, timedelta(0))
            for number in numbers if kind == "case-study" else ():
                line = Ingredient("in-the-way", "It was.", (barrier,), "A. N.")
                ingredients.store_given(conn, number, [line], self.house.now)
                self.named[number] = barrier, set(areas)

    @rule(wanted=interests, cadence=st.sampled_from(("daily", "weekly", "monthly")))
    def join(self, wanted: Interests, cadence: str) -> None:
        if len(self.who) < 6:
            self.who.append(self.house.reader(f"r{len(self.who)}@example.org", cadence, wanted))

    @rule(which=st.integers(0, 5), wanted=interests)
    def change_interests(self, which: int, wanted: Interests) -> None:
        if which < len(self.who):
            with writing(self.house.place.engine) as conn:
                people.update_interests(conn, self.who[which], wanted, how="test", now=self.house.now)

    @rule(which=st.integers(0, 5), cadence=st.sampled_from(("daily", "weekly", "monthly")))
    def change_cadence(self, which: int, cadence: str) -> None:
        if which < len(self.who):
            with writing(self.house.place.engine) as conn:
                people.set_cadence(conn, self.who[which], cadence, how="test", now=self.house.now)

    @rule(pick=st.integers(0, 30), areas=st.frozensets(st.sampled_from(AREAS), min_size=1))
    def retag(self, pick: int, areas: frozenset[str]) -> None:
        place = self.house.place
        with reading(place.engine) as conn:
            numbers = list(conn.scalars(select(entry.c.id).order_by(entry.c.id)))
        if numbers:
            number = numbers[pick % len(numbers)]
            edit.retag(place, ANN, number, {"policy_area": tuple(sorted(areas))})
            self.named.get(number, ("", set()))[1].update(areas)

    @rule(days=st.integers(1, 45))
    def run(self, days: int) -> None:
        self.house.now += timedelta(days=days)
        place, now = self.house.place, self.house.now
        for cadence in place.settings.cadences:
            with writing(place.engine) as conn:
                slot = slot_owed(conn, cadence, now, "Europe/London")
                if slot is None:
                    continue
                draft.ready(conn, place.settings, cadence, slot, now)
                marks = {row.subscriber_id: row.release for row in conn.execute(select(mark))}
                edition = freeze.freeze(conn, place.settings, cadence, slot, place.secret, now)
                self._check(conn, edition.id, marks)
                pending = deliveries.in_state(conn, "pending", edition.id)
                deliveries.claim(conn, [d.id for d in pending], 1, now)
                deliveries.settle(conn, [(d.id, "accepted", "") for d in pending], now, 1)

    def _check(self, conn: object, edition: int, marks: dict[int, int]) -> None:
        """Every owed entry is in the letter or counted, every entry in it is owed, no letter is empty."""
        top = releases.latest(conn)  # type: ignore[arg-type]
        for state in ("pending", "empty"):
            for one in deliveries.in_state(conn, state, edition):  # type: ignore[arg-type]
                person = people.get(conn, one.subscriber)  # type: ignore[arg-type]
                assert person is not None
                plan = deliveries.digests(conn, [one.digest or 0])[one.digest or 0]  # type: ignore[arg-type]
                placed = {p.entry for p in plan.placed}
                assert (state == "empty") == (not placed)
                numbers = {r.entry for r in releases.after(conn, marks[one.subscriber], top)}  # type: ignore[arg-type]
                stored = entries.many(conn, numbers)  # type: ignore[arg-type]
                had = self.considered.setdefault(one.subscriber, set())
                owed = {
                    n for n, e in stored.items() if n not in had and owes(group.candidate_of(e, 1), person.interests)
                }
                shared = {p.entry: p.reason.slug for p in plan.placed if p.reason.code == "elsewhere-barrier"}
                assert all(self._names_too(entry, slug, person.interests) for entry, slug in shared.items())
                assert not placed & had
                assert len(placed & owed) + plan.more == len(owed)
                had |= placed
                again = self._may_come_again(conn, one.subscriber) - had
                if plan.again:
                    assert person.interests.carry_over and not owed and len(placed) <= 3
                    assert placed <= self.left_over[one.subscriber].keys()
                else:
                    assert placed - owed <= shared.keys() and len(placed - owed) <= 1
                    assert state == "pending" or not again, "they are offered what there was no room for"
                left_over = self.left_over.setdefault(one.subscriber, {})
                over_cap = [number for number, code in plan.left_out if code == group.OVER_CAP]
                left_over |= dict.fromkeys(over_cap, (person.cadence, self.house.now))

    def _may_come_again(self, conn: object, subscriber: int) -> set[int]:
        """Return what a reader is owed in place of nothing: what there was no room for in twelve weeks."""
        person = people.get(conn, subscriber)  # type: ignore[arg-type]
        assert person is not None
        since = self.house.now - timedelta(weeks=12)
        left_over = self.left_over.get(subscriber, {}).items()
        numbers = [number for number, (cadence, at) in left_over if cadence == person.cadence and at >= since]
        stored = entries.many(conn, numbers)  # type: ignore[arg-type]
        may = person.interests.carry_over
        return {n for n, e in stored.items() if may and owes(group.candidate_of(e, 1), person.interests)}

    def _names_too(self, entry: int, barrier: str, wanted: Interests) -> bool:
        """Return whether a case study names a barrier, and another one, on what a reader follows, names it too."""
        others = [areas for number, (named, areas) in self.named.items() if named == barrier and number != entry]
        return self.named[entry][0] == barrier and any(
            areas & wanted.policy_areas or not wanted.policy_areas for areas in others
        )

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "house"):
            with reading(self.house.place.engine) as conn:
                assert not conn.execute(select(delivery).where(delivery.c.state == "pending")).all()


def owes(one: Candidate, wanted: Interests) -> bool:
    """What a reader is owed, in the plainest words (compare digest.group)."""
    area = not wanted.policy_areas or bool(wanted.policy_areas & set(one.policy_areas))
    always = {"national"} if one.kind == "case-study" else {"national", "unknown"}
    near = not wanted.regions or bool((wanted.regions | always) & set(one.regions))
    if near:
        return area
    return wanted.elsewhere and one.kind == "case-study" and (area or bool(wanted.themes & set(one.themes)))


@few_and_many(2, 20)
def test_no_reader_loses_or_repeats_an_entry_over_random_changes(tmp_path: Path, count: int) -> None:
    Readers.folder = tmp_path
    machine = settings(
        max_examples=count, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Readers, settings=machine)
