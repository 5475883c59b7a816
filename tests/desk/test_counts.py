"""The counts of an edition: each equals what freeze then writes, and what the receipt says after the run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk import arrange, edit
from digest.desk.counts import ANY, MOST_NAMED, EditionCounts, count_as_it_stands, count_cadence
from digest.desk.reword import reword
from digest.editions import approve as approving
from digest.editions import draft as drafting
from digest.editions.freeze import freeze_slot
from digest.editions.plan import Planner, overview
from digest.group import ELSEWHERE_OFF, HAD, NOT_FOR, OVER_CAP
from digest.model import Digest
from digest.schedule import slot_of
from digest.store import deliveries, editions, history
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests
from tests.counts import spread
from tests.house import ANN, House

AREAS, REGIONS, THEMES = ("housing", "transport", "none-such"), ("wales", "scotland", "london"), ("leadership",)


class Chance:
    """A house that lives through two weeks as the dice fall, up to the hour of its second edition."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        weekly = self.dice.choice(["", 'approval = "required"'])
        self.house = House(folder, weekly=weekly)
        self.house.settings = replace(
            self.house.settings,
            letter_cap=self.dice.choice([2, 3, 12]),
            carry_over=self.dice.choice([0, 2]),
            elsewhere_cap=self.dice.choice([0, 1, 3]),
            welcome=timedelta(days=self.dice.choice([0, 10])),
        )
        self.people: list[int] = []

    def some(self, values: tuple[str, ...], at_most: int = 2) -> frozenset[str]:
        return frozenset(self.dice.sample(values, self.dice.randint(0, min(at_most, len(values)))))

    def join(self, count: int, cadence: str = "weekly") -> None:
        for _ in range(count):
            areas, regions = self.some(AREAS[:2]), self.some(REGIONS)
            follows = Interests(areas, regions, self.some(THEMES), self.dice.random() < 0.7, self.dice.random() < 0.8)
            host = self.dice.choice(["example.org", "example.org", "elsewhere.example"])
            self.people.append(self.house.reader(f"r{len(self.people)}@{host}", cadence, follows))

    def publish(self, count: int) -> None:
        for _ in range(count):
            self.house.now += timedelta(minutes=7)
            kind = self.dice.choice(["case-study", "post"])
            region = self.dice.choice([*REGIONS, "national"])
            self.house.publish(f"E {self.house._notes}", self.dice.choice(AREAS[:2]), region, kind=kind)
        pipeline.gather(self.house.place, force=True)

    def upset(self, share: float) -> None:
        """Let readers pause, come back, leave, be suppressed or change their cadence."""
        house, secret = self.house, self.house.place.secret
        for number in self.people:
            if self.dice.random() > share:
                continue
            act = self.dice.choice(["pause", "long pause", "leave", "suppress", "monthly", "weekly"])
            with writing(house.place.engine) as conn:
                person = people.get(conn, number)
                assert person is not None
                if person.state == "left":
                    continue
                if act == "leave":
                    people.leave(conn, number, how="test", now=house.now, secret=secret)
                elif act == "suppress":
                    people.suppress(conn, person.email, "bounced", now=house.now, secret=secret)
                elif act.endswith("pause"):
                    until = house.now + timedelta(days=30 if act == "long pause" else 3)
                    people.pause(conn, number, until, how="test", now=house.now)
                else:
                    people.set_cadence(conn, number, act, how="test", now=house.now)

    def friday(self, week: int) -> None:
        self.house.now = self.house.now.replace(month=11, day=6 + 7 * week, hour=9, minute=0)

    def draft(self) -> int:
        house = self.house
        with writing(house.place.engine) as conn:
            return drafting.draft(conn, house.settings, house.settings.cadence("weekly"), house.now).id

    def approve(self, number: int) -> None:
        house = self.house
        with writing(house.place.engine) as conn:
            approving.approve(conn, house.settings, number, "ed", house.now)

    def live(self) -> None:
        """Live through a first edition, a draft, and what comes after it."""
        house = self.house
        self.join(14)
        self.join(2, "monthly")
        house.run()
        self.publish(self.dice.randint(2, 7))
        self.friday(0)
        self.approve(self.draft())
        house.run()
        house.now += timedelta(days=2)
        self.upset(0.3)
        self.join(4)
        if self.dice.random() < 0.6:
            self.publish(self.dice.randint(1, 4))
        edit.retag(house.place, ANN, 1, {"region": (self.dice.choice(REGIONS),)})  # so that some have had it
        for number in self.dice.sample(range(1, house._notes + 1), 2):
            reword(house.place, ANN, number, {"not_for": [self.dice.choice([*REGIONS, "housing"])]})
        if self.dice.random() < 0.7:
            number = self.draft()
            with reading(house.place.engine) as conn:
                carried = [row.entry.id for row in editions.shown(conn, number)]
            if carried:
                arrange.pin(house.place, ANN, number, self.dice.choice(carried))
            if self.dice.random() < 0.5:
                self.approve(number)
        house.now += timedelta(hours=2)
        self.upset(0.15)
        self.join(3)  # late, and without a mark
        if self.dice.random() < 0.5:
            self.publish(2)
            self.join(2)
        if self.dice.random() < 0.3:
            house.settings = replace(house.settings, only=("@example.org",))
        self.friday(1)


@pytest.fixture
def chance(tmp_path: Path, seed: int) -> Iterator[Chance]:
    chance = Chance(tmp_path / "house", seed)
    chance.live()
    yield chance
    chance.house.close()


def _first(rows: Sequence[Delivery], state: str, reason: str) -> tuple[int, ...]:
    """Return the ids of the first readers with a state and a reason."""
    some = sorted(row.subscriber for row in rows if (row.state, row.reason) == (state, reason))
    return tuple(some[:MOST_NAMED])


def as_frozen(house: House, number: int) -> dict[str, object]:
    """Return what freeze wrote of an edition, as counts, read off its deliveries."""
    with reading(house.place.engine) as conn:
        rows = [row for state in STATES for row in deliveries.in_state(conn, state, number)]
        plans = deliveries.digests(conn, {row.digest for row in rows if row.digest})
        entries, digests = history.sizes(conn, number)
        reasons = history.reasons(conn, number)
    sharing: dict[int, list[int]] = {}
    for row in rows:
        if row.state == "pending" and row.digest:
            sharing.setdefault(row.digest, []).append(row.subscriber)
    reach = Counter[tuple[int, str]]()
    for row in rows:
        if row.digest:
            reach.update(_fates(plans[row.digest]))
    return {
        "readers": dict(Counter(row.state for row in rows)),
        "no_letter": {why: (count, _first(rows, *why)) for why, count in reasons.items() if why[0] != "pending"},
        "entries": entries,
        "digests": digests,
        "sharing": sorted((-len(some), min(some), len(plans[n].placed)) for n, some in sharing.items()),
        "letters": dict(Counter(len(plans[n].placed) for n, some in sharing.items() for _ in some)),
        "offered_again": sum(len(some) for n, some in sharing.items() if plans[n].again),
        "reach": dict(reach),
    }


def _fates(digest: Digest) -> Iterator[tuple[int, str]]:
    for section in digest.sections:
        for group in section.groups:
            for placed in group.placed:
                yield placed.entry, "near" if section.key == "areas" else "elsewhere"
                if digest.again:
                    yield placed.entry, "again"
    yield from ((entry, why) for entry, why in digest.left_out if why in (OVER_CAP, HAD, ELSEWHERE_OFF, NOT_FOR))


STATES = ("pending", "empty", "suppressed", "held")
# The names of `EntryReach`, as digests name them.
NAMES = {"near": "near", "elsewhere": "elsewhere", "again": "again", "over_cap": OVER_CAP, "had": HAD,
         "off": ELSEWHERE_OFF, "not_for": NOT_FOR}  # fmt: skip


def as_counted(counts: EditionCounts) -> dict[str, object]:
    return {
        "readers": dict(counts.readers),
        "no_letter": {(row.state, row.reason): (row.readers, row.some) for row in counts.no_letter},
        "entries": counts.entries,
        "digests": len(counts.digests),
        "sharing": [(-each.readers, each.first, each.entries) for each in counts.digests],
        "letters": dict(counts.letters),
        "offered_again": counts.offered_again,
        "reach": {
            (entry, code): count
            for entry, reach in counts.reach.items()
            for name, code in NAMES.items()
            if (count := getattr(reach, name))
        },
    }


def count(house: House, edition: int | None = None) -> EditionCounts:
    with reading(house.place.engine) as conn:
        if edition is None:
            return count_cadence(conn, house.place, "weekly")
        stored = editions.get(conn, edition)
        assert stored is not None
        return count_as_it_stands(conn, house.place, stored)


@pytest.mark.parametrize("seed", spread(1, range(20)))
def test_every_count_is_what_freeze_writes_and_the_receipt_says(chance: Chance) -> None:
    house = chance.house
    counts = count(house)
    edition = counts.edition
    with reading(house.place.engine) as conn:
        if editions.get(conn, edition.id) == edition:  # else a run drafts it anew, and the overview is of the draft
            view = overview(conn, house.settings, edition, house.place.secret, house.now)
            assert (view.entries, view.digests, view.readers, view.offered_again, len(view.nothing)) == (
                counts.entries, len(counts.digests), counts.readers, counts.offered_again,
                sum(row.readers for row in counts.no_letter),
            )  # fmt: skip
        assert (counts.follow, counts.unmailed) == _followers(house, counts)
        cadence = house.settings.cadence("weekly")
        slot = slot_of(cadence, edition.slot, house.settings.site.zone)
    if cadence.approval_required and edition.state != "approved":
        chance.approve(edition.id or chance.draft())
    number = freeze_slot(house.place, cadence, slot, house.now)
    assert as_counted(counts) == as_frozen(house, number)
    house.settings = replace(house.settings, only=())
    assert not pipeline.send_owed(house.place).failed
    with reading(house.place.engine) as conn:
        frozen = editions.get(conn, number)
        assert frozen is not None
        receipt = deliveries.receipt(conn, frozen)
    assert receipt.balanced and receipt.eligible == counts.eligible == counts.follow.get((ANY, ANY), 0) + (
        counts.unmailed.get((ANY, ANY), 0)
    )
    assert counts.readers.get("pending", 0) == receipt.accepted + receipt.cancelled + receipt.refused


def _followers(house: House, counts: EditionCounts) -> tuple[dict[tuple[str, str], int], ...]:
    """Count the readers of each policy area and region, reader by reader."""
    follow, unmailed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    with reading(house.place.engine) as conn:
        planner = Planner(conn, house.settings, counts.edition, counts.shown, house.place.secret, house.now)
        for person in people.stream(conn, cadence="weekly"):
            planned = planner.reader(person)
            mailed = planned.state in ("pending", "empty") or planned.late
            chose = person.interests
            cells = {(a, r) for a in chose.policy_areas or {""} for r in chose.regions or {""}}
            cells |= {(ANY, r) for _, r in cells} | {(a, ANY) for a, _ in cells} | {(ANY, ANY)}
            (follow if mailed else unmailed).update(cells)
    return dict(follow), dict(unmailed)


@pytest.mark.long
def test_a_reader_without_a_mark_widens_the_edition_as_the_run_will(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.settings = replace(house.settings, welcome=timedelta(days=10))
    house.reader("ann@example.org")
    house.run()
    house.publish("Before bob")
    house.run(days=4)
    house.now += timedelta(days=1)
    with writing(house.place.engine) as conn:  # as an import does, which gives no mark
        person = people.NewSubscriber("bob@example.org", "weekly")
        people.add(conn, person, how="test", now=house.now, secret=house.place.secret)
    counts = count(house)
    assert (counts.entries, counts.readers) == (1, {"empty": 1, "pending": 1})
    house.run(days=6)
    assert len(house.letters(2)) == 1 and len(house.letters(1)) == 1
    house.close()
