"""Test shares: runs that hand one edition over beside each other, and what becomes of one that is taken for dead."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from digest import pipeline, send
from digest.config.cluster import ClusterSettings
from digest.config.settings import Settings
from digest.delivery.recover import RECOVERED
from digest.delivery.share import send_share
from digest.errors import DigestError, PersonNeeded, TryLater
from digest.installation import Installation, Work
from digest.model import Edition
from digest.operations.doctor import examine
from digest.operations.monitor import look_at
from digest.operations.waiting_work import waiting_work
from digest.store import deliveries, runs
from digest.store.engine import make_engine, reading
from digest.store.lock import run_lock
from digest.transports.base import Capabilities, Outcome, Parcel, Transport
from tests.house import House
from tests.postgres import Databases
from tests.test_send import Recorder, freeze, receipt

READERS = 20

# Of pg_locks, because the tests of other processes have databases on the same server.
HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"


class Few(Recorder):
    """A transport of small batches."""

    capabilities = Capabilities(batch_size=4)


class Worker(Installation):
    """An installation as a worker of its own has it, with a transport of the test's."""

    def __init__(self, house: House, transport: Transport) -> None:
        super().__init__(house.place.settings, house.now)
        self.given = transport

    def transport(self) -> Transport:
        return self.given


Hire = Callable[[House, Transport], Worker]


@pytest.fixture
def hire() -> Iterator[Hire]:
    """Make workers, whose connections are closed after the test."""
    with ExitStack() as stack:

        def one_more(house: House, transport: Transport) -> Worker:
            worker = Worker(house, transport)
            stack.callback(worker.close)
            return worker

        yield one_more


@pytest.fixture(scope="module")
def begun(
    tmp_path_factory: pytest.TempPathFactory, postgresql: Databases, postgresql_template: str
) -> Iterator[tuple[House, str]]:
    """A house in which an edition can be frozen, and the name of its database."""
    url = postgresql.new(postgresql_template)
    house = House(tmp_path_factory.mktemp("begun") / "house", url)
    house.run()
    for n in range(READERS):
        house.reader(f"r{n}@example.org")
    house.publish("A street for walking")
    house.close()
    yield house, make_url(url).database or ""
    postgresql.drop(url)


@pytest.fixture
def house(tmp_path: Path, postgresql: Databases, begun: tuple[House, str]) -> Iterator[House]:
    first, database = begun
    url = postgresql.new(database)
    house = first.copy(tmp_path / "house", url)
    yield house
    house.close()
    postgresql.drop(url)


def test_shares_part_the_letters_of_an_edition(house: House, hire: Hire) -> None:
    number = freeze(house)
    workers = [hire(house, Few()) for _ in range(4)]
    together = threading.Barrier(4)

    def share(worker: Worker) -> None:
        together.wait()
        send_share(worker, number, 100)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(share, workers))
    taken = Counter(parcel.delivery for worker in workers for parcel in worker.given.taken)  # type: ignore[attr-defined]
    assert len(taken) == READERS and set(taken.values()) == {1}
    assert receipt(house, number).accepted == READERS
    before = len(run_rows(house))
    assert send_share(workers[0], number, 1).receipts == []
    assert len(run_rows(house)) == before, "a share that finds nothing stores no run"


def test_a_share_hands_over_so_many_batches(house: House, hire: Hire) -> None:
    number = freeze(house)
    worker = hire(house, Few())
    assert send_share(worker, number, 3).receipts[0].accepted == 12
    assert [(work.kind, work.key) for work in waiting_work(worker) if work.kind == "send"] == [("send", str(number))]


class Interrupting(Few):
    """A transport that calls the test after the first letter of its first batch."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act = act

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        for outcome in super().hand_over(parcels):
            yield outcome
            if self.act:
                act, self.act = self.act, None
                act()


def test_what_a_live_share_has_claimed_is_left_to_it(house: House, hire: Hire) -> None:
    number = freeze(house)
    seen = []

    def look() -> None:
        other = hire(house, Few())
        seen.append([work.kind for work in waiting_work(other)])
        pipeline.recover_dead(other)
        with reading(house.place.engine) as conn:
            seen.append([len(deliveries.in_state(conn, state)) for state in ("claimed", "uncertain")])
        with pytest.raises(TryLater, match="stop the workers"), run_lock(house.place.engine, patience=0.1):
            pass

    worker = hire(house, Interrupting(look))
    send_share(worker, number, 100)
    assert "recover" not in seen[0] and seen[1] == [4, 0]
    assert receipt(house, number).accepted == READERS


def cut_locks(engine: Engine) -> None:
    """End every session that holds an advisory lock of this database, as a network that is cut does."""
    with engine.connect() as conn:
        others = f"locktype = 'advisory' AND pid <> pg_backend_pid() AND {HERE}"
        conn.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {others}"))


class CutOff(Few):
    """A transport whose first letter is taken; then the test acts, and the other letters are not begun."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act = act

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        first, *rest = parcels
        self.taken.append(first)
        yield Outcome(first.delivery, "accepted")
        self.act()
        for parcel in rest:
            yield Outcome(parcel.delivery, "deferred", "cannot be reached", tried=False)


def test_a_share_that_was_taken_for_dead_tells_late_what_became_of_its_letters(house: House, hire: Hire) -> None:
    number = freeze(house)
    states = []

    def take_over() -> None:
        cut_locks(house.place.engine)
        other = hire(house, Few())
        pipeline.recover_dead(other)
        with reading(house.place.engine) as conn:
            states.append([row.reason for row in deliveries.in_state(conn, "uncertain")])
        send_share(other, number, 100)
        others.append(other)

    others: list[Worker] = []
    worker = hire(house, CutOff(take_over))
    send_share(worker, number, 100)
    assert states == [[RECOVERED] * 4]
    counts = receipt(house, number)
    assert (counts.accepted, counts.uncertain, counts.pending) == (READERS - 3, 0, 3), "three were surely not begun"
    house.now += timedelta(minutes=1)
    others.append(hire(house, Few()))
    send_share(others[1], number, 100)
    taken = Counter(parcel.delivery for each in (worker, *others) for parcel in each.given.taken)  # type: ignore[attr-defined]
    assert len(taken) == READERS and set(taken.values()) == {1}
    assert receipt(house, number).accepted == READERS


def test_a_share_without_its_lock_claims_nothing_more(house: House, hire: Hire) -> None:
    number = freeze(house)
    worker = hire(house, Interrupting(lambda: cut_locks(house.place.engine)))
    with pytest.raises(TryLater, match="the connection that held this run's lock was lost"):
        send_share(worker, number, 100)
    assert receipt(house, number).accepted == 4


class Refusing(Few):
    """A transport that ends as the test says: it cannot be opened, or answers nothing but this to all letters."""

    def __init__(self, *, error: Exception | None = None, outcome: tuple[str, str, str, bool] | None = None) -> None:
        super().__init__()
        self.error, self.outcome = error, outcome

    def open(self) -> None:
        if self.error:
            raise self.error

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        assert self.outcome is not None
        state, reason, about, tried = self.outcome
        for parcel in parcels:
            yield Outcome(parcel.delivery, state, reason, about=about, tried=tried)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transport", "minutes"),
    [
        (Refusing(error=TryLater("the server is away")), 1),
        (Refusing(error=DigestError("the password is wrong")), 15),
        (Refusing(outcome=("deferred", "421 too many", "", False)), 1),
        (Refusing(outcome=("refused", "550 not this sender", "account", True)), 15),
    ],
    ids=["away", "password", "patience", "objection"],
)
def test_a_server_that_takes_nothing_is_left_alone(
    house: House, hire: Hire, transport: Refusing, minutes: int
) -> None:
    number = freeze(house)
    with suppress(DigestError):
        send_share(hire(house, transport), number, 100)
    before = len(run_rows(house))
    worker = hire(house, Few())
    send_share(worker, number, 100)
    assert "send" not in [work.kind for work in waiting_work(worker)]
    assert len(run_rows(house)) == before and not worker.given.taken, "jobs that wait already do nothing"  # type: ignore[attr-defined]
    house.now += timedelta(minutes=minutes)
    worker = hire(house, Few())
    assert "send" in [work.kind for work in waiting_work(worker)]
    send_share(worker, number, 100)
    assert receipt(house, number).accepted == READERS


def freeze_two(house: House) -> list[int]:
    first = freeze(house)
    house.publish("A bus to school")
    house.now += timedelta(days=7)
    return [first, freeze(house)]


def test_after_a_lost_answer_no_worker_begins_a_batch_of_any_edition(house: House, hire: Hire) -> None:
    numbers = freeze_two(house)
    doubtful = Refusing(outcome=("uncertain", "500 and nothing else", "", True))

    def lose() -> None:
        for number in numbers:
            with suppress(PersonNeeded):
                send_share(hire(house, doubtful), number, 100)

    beside = Interrupting(lose)
    send_share(hire(house, beside), numbers[1], 100)
    assert len(beside.taken) == 4, "the share under way ends with its batch"
    with reading(house.place.engine) as conn:
        assert len(deliveries.in_state(conn, "uncertain")) == 4, "of one batch alone"
    house.now += timedelta(minutes=15)
    worker = hire(house, Few())
    assert [work.key for work in waiting_work(worker) if work.kind == "send"] == [str(number) for number in numbers]


def test_a_worker_compiles_an_edition_once(house: House, hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = freeze_two(house)
    compiled = []

    class Counting(send.Letters):
        def __init__(self, settings: Settings, edition: Edition, *rest: Any, **more: Any) -> None:
            super().__init__(settings, edition, *rest, **more)
            compiled.append(edition.id)

    monkeypatch.setattr(send, "Letters", Counting)
    worker = hire(house, Few())
    for number in (numbers[0], numbers[0], numbers[1]):
        send_share(worker, number, 1)
    send_share(hire(house, Few()), numbers[1], 1)
    assert compiled == [numbers[0], numbers[1], numbers[1]]


def test_shares_that_all_fail_are_told_beside_turns_that_end_well(house: House, hire: Hire) -> None:
    settings = replace(house.place.settings, cluster=ClusterSettings(enabled=True))

    def codes() -> list[str]:
        return [reason.code for reason in look_at(house.live(settings)).reasons]

    number = freeze(house)
    for _ in range(2):
        with suppress(DigestError):
            send_share(hire(house, Refusing(outcome=("refused", "550 not this sender", "account", True))), number, 1)
        house.now += timedelta(minutes=55)
        pipeline.turn(hire(house, Few()))
    assert codes() == []
    house.now += timedelta(minutes=15)
    assert codes() == ["failing"]
    assert "550 not this sender" in "".join(finding.problem for finding in examine(house.live(settings)))
    send_share(hire(house, Few()), number, 100)
    assert codes() == []


def test_in_hold_shares_store_no_runs(house: House, hire: Hire) -> None:
    number = freeze(house)
    house.place.fence.hold()
    before = len(run_rows(house))
    with pytest.raises(PersonNeeded, match="HOLD"):
        send_share(hire(house, Few()), number, 100)
    assert len(run_rows(house)) == before


def test_a_freeze_announces_the_letters_it_owes(house: House, hire: Hire) -> None:
    house.now += timedelta(days=8)
    worker = hire(house, Few())
    told: list[tuple[bool, Work]] = []
    worker.announce = lambda conn, work: told.append((conn.in_transaction(), work))
    assert "turn" in [work.kind for work in waiting_work(worker)]
    pipeline.turn(worker)
    with reading(house.place.engine) as conn:
        owed = deliveries.owed(conn, house.now)
    assert told == [(True, Work("send", str(number), 1)) for number in owed] != []
    assert not worker.given.taken  # type: ignore[attr-defined]
    assert run_rows(house)[0]["command"] == "turn"


def test_work_that_must_be_alone_begins_once_the_batch_under_way_has_ended(house: House, hire: Hire) -> None:
    number = freeze(house)
    engine = make_engine(house.place.settings.storage_url)

    def be_alone() -> int:
        with run_lock(engine, patience=30):
            return receipt(house, number).accepted

    def wait_until_it_waits() -> None:
        waiting.append(pool.submit(be_alone))
        with engine.connect() as conn:
            while not conn.scalar(text(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {HERE}")):
                time.sleep(0.01)

    waiting: list[Future[int]] = []
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(TryLater, match="must be alone"):
            send_share(hire(house, Interrupting(wait_until_it_waits)), number, 100)
        assert waiting[0].result() == 4
    engine.dispose()
    send_share(hire(house, Few()), number, 100)
    assert receipt(house, number).accepted == READERS


def test_while_work_must_be_alone_nobody_sends(house: House, hire: Hire) -> None:
    number = freeze(house)
    worker = hire(house, Few())
    engine = make_engine(house.place.settings.storage_url)
    with run_lock(engine), pytest.raises(TryLater, match="another run holds the lock"):
        send_share(worker, number, 1)
    engine.dispose()


def run_rows(house: House) -> list[dict[str, Any]]:
    with reading(house.place.engine) as conn:
        return runs.newest(conn, 100)
