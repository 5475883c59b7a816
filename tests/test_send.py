"""Handing over: claimed first, settled after; a dead run's claims are asked about; nobody is mailed who has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, update

from digest import pipeline, send
from digest.delivery.recover import recover
from digest.delivery.run import Run
from digest.editions import draft
from digest.editions import freeze as freezing
from digest.editions.due import slot_owed
from digest.errors import PersonNeeded
from digest.model import Receipt
from digest.schedule import next_slot
from digest.store import deliveries, editions, runs
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.store.lock import sending
from digest.store.schema import delivery
from digest.transports.base import BATCH, Asked, Capabilities, Outcome, Parcel
from digest.transports.file import FileTransport
from subscribers import store as people
from subscribers.model import Interests
from subscribers.tables import subscriber as person
from tests.house import House

FOLLOWED = [Interests(frozenset(areas)) for areas in ({"housing"}, {"transport"}, {"housing", "transport"})]


class Recorder:
    """A transport that remembers, may die before the n-th parcel, and answers as told when asked."""

    capabilities = Capabilities()

    def __init__(
        self, dies_at: int | None = None, answers: dict[int, str] | None = None, verdict: str = "accepted"
    ) -> None:
        self.taken: list[Parcel] = []
        self.answers = answers or {}
        self._dies_at = dies_at
        self._verdict = verdict

    def open(self) -> None:
        pass

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        for parcel in parcels:
            if self._dies_at is not None and len(self.taken) >= self._dies_at:
                raise KeyboardInterrupt
            self.taken.append(parcel)
            yield Outcome(parcel.delivery, self._verdict, about="reader" if self._verdict == "refused" else "")

    def stop(self) -> None:
        pass

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        return {number: self.answers[number] for number, *_ in letters if number in self.answers}

    def close(self) -> None:
        pass


class Sharing(Recorder):
    """A transport whose requests may hold four readers of a digest."""

    capabilities = Capabilities(batch_size=4, fills_forms=True)

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        self.batches.append(len(parcels))
        return super().hand_over(parcels)


@pytest.fixture
def frozen(tmp_path: Path, pipeline_url: str) -> Iterator[tuple[House, int]]:
    """A house with a frozen weekly edition for five readers, nothing handed over yet."""
    here = House(tmp_path / "house", pipeline_url)
    here.run()
    for n in range(5):
        here.reader(f"r{n}@example.org")
    here.publish("One")
    yield here, freeze(here)
    here.close()


def freeze(here: House) -> int:
    """Freeze the next weekly edition and return its number."""
    pipeline.gather(here.place, force=True)
    place = here.place
    with writing(place.engine) as conn:
        weekly = place.settings.cadence("weekly")
        draft.draft(conn, place.settings, weekly, here.now)
        slot = slot_owed(conn, weekly, here.now, "Europe/London")
        # The first run has closed the last slot: freeze the next one by hand.
        assert slot is None
        slot = next_slot(weekly, here.now, "Europe/London")
        return freezing.freeze(conn, place.settings, weekly, slot, place.secret, here.now).id


def hand_over(house: House, number: int, transport: Recorder | FileTransport) -> None:
    place = house.place
    with writing(place.engine) as conn:
        run = runs.start(conn, "send", house.now, place.settings.transport.where)
    place.fence.check()
    with sending(place.engine) as live:
        live(run)
        send.send(Run(place, transport, run), number)


def receipt(house: House, number: int) -> Receipt:
    with reading(house.place.engine) as conn:
        one = editions.get(conn, number)
        assert one is not None
        return deliveries.receipt(conn, one)


def test_every_reader_gets_one_letter_and_the_receipt_balances(frozen: tuple[House, int]) -> None:
    house, number = frozen
    transport = Recorder()
    hand_over(house, number, transport)
    hand_over(house, number, transport)
    assert sorted(p.to for p in transport.taken) == [f"r{n}@example.org" for n in range(5)]
    assert receipt(house, number).accepted == 5
    assert receipt(house, number).balanced


@pytest.mark.long
def test_a_letter_to_another_reader_with_the_same_number_is_not_taken_for_this_one(frozen: tuple[House, int]) -> None:
    """After a restore a number may be given again, and the letters that were written before are still there."""
    house, number = frozen
    letters = FileTransport(house.settings.transport.directory)
    hand_over(house, number, letters)
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="claimed"))
        conn.execute(update(person).where(person.c.id.in_((1, 2))).values(key=func.substr(person.c.key, 2) + "z"))
    assert recover(Run(house.place, letters)) == {(number, "accepted"): 3, (number, "pending"): 2}
    hand_over(house, number, letters)
    assert receipt(house, number).accepted == 5


def test_what_another_transport_handed_over_is_in_doubt(frozen: tuple[House, int]) -> None:
    house, number = frozen
    with pytest.raises(KeyboardInterrupt):
        hand_over(house, number, Recorder(dies_at=2))
    with writing(house.place.engine) as conn:
        conn.execute(update(tables.run).values(account={"transport": "smtp"}))
        left = [d.id for d in deliveries.in_state(conn, "claimed")]
    second = Recorder(answers=dict.fromkeys(left, "absent"))
    found = recover(Run(house.place, second))
    assert found == {(number, "uncertain"): 3}


def test_the_account_of_what_was_found_half_done_is_told_anew(frozen: tuple[House, int]) -> None:
    house, number = frozen
    with pytest.raises(KeyboardInterrupt):
        hand_over(house, number, Recorder(dies_at=2))
    with writing(house.place.engine) as conn:
        conn.execute(update(tables.run).values(account={"transport": "smtp"}))
    report = pipeline.send_owed(house.place)
    assert report.recovered == {"uncertain": 3}
    assert [(one.edition, one.uncertain) for one in report.receipts] == [(number, 3)]


def test_a_run_that_dies_is_asked_about_and_never_repeated_blindly(frozen: tuple[House, int]) -> None:
    house, number = frozen
    first = Recorder(dies_at=2)
    with pytest.raises(KeyboardInterrupt):
        hand_over(house, number, first)
    with reading(house.place.engine) as conn:
        left = [d.id for d in deliveries.in_state(conn, "claimed")]
    assert len(left) == 3
    assert not receipt(house, number).balanced
    second = Recorder(answers={left[0]: "accepted", left[1]: "absent"})
    recovered = recover(Run(house.place, second))
    assert recovered == {(number, "accepted"): 1, (number, "pending"): 1, (number, "uncertain"): 1}
    hand_over(house, number, second)
    assert [p.delivery for p in second.taken] == [left[1]]
    done = receipt(house, number)
    assert (done.accepted, done.uncertain, done.balanced) == (4, 1, True)


def test_who_leaves_or_is_suppressed_before_the_hand_over_is_not_mailed(frozen: tuple[House, int]) -> None:
    house, number = frozen
    place = house.place
    with writing(place.engine) as conn:
        people.leave(conn, 1, how="test", now=house.now, secret=place.secret)
        people.suppress(conn, "r1@example.org", "bounced", secret=place.secret, now=house.now)
        people.pause(conn, 3, datetime(2027, 1, 1, tzinfo=UTC), how="test", now=house.now)
        people.forget(conn, 4, now=house.now, secret=place.secret)
    transport = Recorder()
    hand_over(house, number, transport)
    assert [p.to for p in transport.taken] == ["r4@example.org"]
    done = receipt(house, number)
    assert (done.accepted, done.suppressed, done.cancelled, done.pending) == (1, 2, 1, 1)
    # The one who paused in between gets it when the pause is over, and nobody else again.
    house.now = datetime(2027, 1, 1, tzinfo=UTC)
    hand_over(house, number, transport)
    assert [p.to for p in transport.taken] == ["r4@example.org", "r2@example.org"]
    assert receipt(house, number).balanced


def test_refusals_are_counted_and_not_repeated(frozen: tuple[House, int]) -> None:
    house, number = frozen
    hand_over(house, number, Recorder(verdict="refused"))
    again = Recorder()
    hand_over(house, number, again)
    assert again.taken == []
    assert receipt(house, number).refused == 5


def test_an_edition_that_is_not_frozen_is_not_sent(frozen: tuple[House, int]) -> None:
    house, _ = frozen
    with pytest.raises(PersonNeeded, match="not frozen"):
        hand_over(house, 9999, Recorder())


def test_a_rehearsal_marks_nothing(frozen: tuple[House, int], tmp_path: Path) -> None:
    house, number = frozen
    assert [row.letters for row in pipeline.dry_run(house.place, tmp_path / "dry", number)] == [5]
    assert len(list((tmp_path / "dry").glob("*/*.eml"))) == 5
    assert receipt(house, number).pending == 5


@pytest.mark.long
def test_more_readers_than_a_batch_are_rehearsed_and_mailed_digest_by_digest(
    tmp_path: Path, pipeline_url: str
) -> None:
    house = House(tmp_path / "house", pipeline_url)
    house.run()
    place, everybody = house.place, range(BATCH + 30)
    with writing(place.engine) as conn:
        for n in everybody:
            people.add(
                conn,
                people.NewSubscriber(f"r{n}@example.org", cadence="weekly", interests=FOLLOWED[n % 3]),
                how="test",
                now=house.now,
                secret=place.secret,
            )
    for area in ("housing", "transport"):
        house.publish(area, areas=area)
    number = freeze(house)
    assert [row.letters for row in pipeline.dry_run(house.place, tmp_path / "dry", number)] == [len(everybody)]
    transport = Recorder()
    hand_over(house, number, transport)
    assert len({parcel.to for parcel in transport.taken}) == len(transport.taken) == len(everybody)
    # Those who share a digest come together, so that they share a request.
    subjects = [parcel.letter.subject for parcel in transport.taken]
    assert sum(one != after for one, after in pairwise(subjects)) <= 2
    house.close()


@pytest.mark.long
def test_a_batch_ends_where_a_digest_ends_if_readers_share_requests(tmp_path: Path, sqlite_url: str) -> None:
    house = House(tmp_path / "house", sqlite_url)
    house.run()
    for n, follows in enumerate([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2]):
        house.reader(f"r{n}@example.org", interests=FOLLOWED[follows])
    for area in ("housing", "transport"):
        house.publish(area, areas=area)
    number = freeze(house)
    transport = Sharing()
    hand_over(house, number, transport)
    assert receipt(house, number).accepted == 14
    # Requests for at most four readers: 3 of the first digest, 2 of the second, 9 of the third.
    assert sorted(transport.batches) == [1, 2, 3, 4, 4]
    house.close()


def test_a_letter_is_the_same_on_every_attempt(frozen: tuple[House, int]) -> None:
    house, number = frozen
    one, two = Recorder(verdict="refused"), Recorder()
    hand_over(house, number, one)
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="pending"))
    hand_over(house, number, two)
    assert [p.message for p in one.taken] == [p.message for p in two.taken]
