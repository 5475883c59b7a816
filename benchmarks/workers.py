"""Simulate one edition sent by many workers: a discrete-event model, the same for the same numbers and seed.

One process freezes the edition. Then each worker claims a batch, composes it, hands it over and records it, until no
delivery is pending. Workers are killed, PostgreSQL is restarted, the provider is away, and each letter's events come
back to the web processes. `Costs` are measured, a `World` is assumed; times are in seconds from the run's start.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

BATCH = 1000  # deliveries of a claim, as `digest.transports.base.BATCH`
EVENTS = 3  # of an accepted letter
Closed = tuple[tuple[float, float], ...]  # from when to when something is away


@dataclass(frozen=True, slots=True)
class Costs:
    """Hold what was measured, in seconds: of a batch `claim` and `record`, of a letter `compose` and `hand_over`.

    `start` passes before the freeze, which takes `freeze` a reader. `server_letter` and `server_event` are processor
    time of PostgreSQL, `event` the time of a web process for an event. `requests` is how many requests of SendGrid a
    letter needs on average, because the readers of a digest share them.
    """

    start: float
    freeze: float
    claim: float
    compose: float
    hand_over: float
    record: float
    server_letter: float
    server_event: float
    event: float
    requests: float


@dataclass(frozen=True, slots=True)
class World:
    """Hold what is assumed. `answer` is how long the other side takes to answer a letter (SendGrid: a request).

    A worker has `connections` at work at a time; all workers together may hand over `rate` letters a second over
    SMTP, or `quota` requests in each `refresh` seconds to SendGrid, which answers 429 to the next ones. `life` is
    the mean time until a worker is killed; it is back, and its batch recovered, after `recovery`. A record waits
    `patience` for a database that is away. `again`: after how long a provider that was away is tried again.
    """

    readers: int = 10_000_000
    workers: int = 1
    sendgrid: bool = False
    answer: float = 0.02
    connections: int = 4
    rate: float = 3000
    quota: int = 36_000
    refresh: float = 60
    web: int = 4
    cores: int = 4
    life: float = 4 * 3600
    recovery: float = 39
    patience: float = 120
    again: float = 60
    delay: float = 60
    restarts: Closed = ((2400, 2430), (9000, 9030))
    outages: Closed = ((3600, 4500),)
    seed: int = 15


@dataclass(slots=True)
class SimulatedEdition:
    """Tell how a simulated edition ended.

    `states` counts the deliveries by state, `most_uncertain` those uncertain at the same time. `letter` and `event`
    are when the last of them was recorded; `lag` is how long an event waited at most. `shares` says how busy each
    part was until the last letter; more than 1 means that it was behind.
    """

    states: Counter[str]
    most_uncertain: int = 0
    kills: int = 0
    put_off: int = 0
    frozen: float = 0
    letter: float = 0
    event: float = 0
    lag: float = 0
    shares: dict[str, float] = field(default_factory=dict)
    settled: list[range] = field(default_factory=list)


class Station:
    """Serve pieces of work in the order in which they come, each by one of some servers, when it is not `closed`.

    A piece that is cut off when the station closes begins anew when it opens.
    """

    def __init__(self, servers: int, closed: Closed = ()) -> None:
        self._free, self._closed, self.busy = [0.0] * servers, closed, 0.0

    def take(self, at: float, seconds: float) -> float:
        """Return when a piece that comes at `at` is done."""
        start = max(at, self._free[0])
        for away, back in self._closed:
            if start < back and start + seconds > away:
                start = back
        heapq.heapreplace(self._free, start + seconds)
        self.busy += seconds
        return start + seconds


class Simulation:
    """Send one edition. Deliveries are numbered from 0; a batch is a range of them."""

    def __init__(self, costs: Costs, world: World) -> None:
        self._costs, self._world = costs, world
        self._dice = random.Random(world.seed)
        self._calls: list[tuple[float, int, Callable[[float], None]]] = []
        self._asked = 0
        readers = range(world.readers)
        self._pending = deque(readers[first : first + BATCH] for first in range(0, world.readers, BATCH))
        self._told = SimulatedEdition(
            Counter(pending=world.readers), frozen=costs.start + costs.freeze * world.readers
        )
        self._dies = [self._told.frozen + self._dice.expovariate(1 / world.life) for _ in range(world.workers)]
        self._claims = Station(1, world.restarts)
        self._server = Station(world.cores, world.restarts)
        self._web = Station(world.web)
        self._mail = Station(1)
        self._at_work = 0.0  # seconds in which workers composed, or waited for their own answers
        self._period = (0.0, 0.0)  # when the provider's last period of counting began, and the requests in it

    def run(self) -> SimulatedEdition:
        """Run to the last event, check the account, and return it."""
        told, world = self._told, self._world
        for worker in range(world.workers):
            self._at(told.frozen, partial(self._claim, worker))
        before = 0.0
        while self._calls:
            now, _, call = heapq.heappop(self._calls)
            assert now >= before, "time goes back"
            call(now)
            before = now
            assert sum(told.states.values()) == world.readers and min(told.states.values()) >= 0, told.states
        check(told, world.readers)
        sending = max(told.letter - told.frozen, 1e-9)
        told.shares = {
            "workers": self._at_work / (sending * world.workers),
            "claims": self._claims.busy / sending,
            "PostgreSQL": self._server.busy / (sending * world.cores),
            "provider": self._mail.busy / sending,
            "web": self._web.busy / (sending * world.web),
        }
        return told

    def _at(self, when: float, call: Callable[[float], None]) -> None:
        self._asked += 1  # so that calls at the same moment come in the order in which they were asked for
        heapq.heappush(self._calls, (when, self._asked, call))

    def _move(self, batch: range, before: str, after: str, *, ends: bool = False) -> None:
        """Change the state of a batch's deliveries; `ends`: nothing moves them any more but a person."""
        if batch:
            self._told.states[before] -= len(batch)
            self._told.states[after] += len(batch)
            self._told.most_uncertain = max(self._told.most_uncertain, self._told.states["uncertain"])
            if ends:
                self._told.settled.append(batch)

    def _claim(self, worker: int, now: float) -> None:
        """Claim the next batch. Claims wait for each other, because each moves the fence."""
        if not self._pending:
            return
        done = self._claims.take(now, self._costs.claim)
        batch = range(0)
        if done < self._dies[worker]:
            batch = self._pending.popleft()
            self._move(batch, "pending", "claimed")
            self._at(done, partial(self._hand_over, worker, batch))
        else:
            self._die(worker, batch, batch, now)  # while it was idle, or before the commit: nothing is claimed

    def _hand_over(self, worker: int, batch: range, now: float) -> None:
        """Compose a batch and hand it over, as far as provider and worker go on."""
        begins = now + self._costs.compose * len(batch)
        most, end, again = self._paced(len(batch), begins)
        doubts = 0
        for away, back in self._world.outages:
            if begins < back and end > away:
                doubts = self._world.connections if away > begins else 0  # of which the answer is lost
                most = int(most * _share(begins, end, away))
                end = max(begins, away)
                again = end + self._world.again
        dies = self._dies[worker]
        if dies <= end:
            left = int(most * _share(begins, end, dies))
            self._die(worker, batch[:left], batch[left:], now)
        else:
            parts = batch[:most], batch[most : most + doubts], batch[most + doubts :]
            self._at(end, partial(self._record, worker, parts, again))

    def _paced(self, letters: int, begins: float) -> tuple[int, float, float]:
        """Return how many letters of a batch are taken, when the last is, and when its worker may go on."""
        costs, world = self._costs, self._world
        composed = letters * costs.compose
        if not world.sendgrid:
            own = letters * max(costs.hand_over, world.answer / world.connections)
            self._at_work += composed + own
            end = max(begins + own, self._mail.take(begins, letters / world.rate))
            return letters, end, end
        requests = letters * costs.requests
        first, used = self._period
        if begins >= first + world.refresh:
            first, used = begins - begins % world.refresh, 0.0
        let = min(requests, world.quota - used)
        self._period = first, used + let
        self._mail.busy += let * world.refresh / world.quota
        end = begins + let * world.answer / world.connections
        self._at_work += composed + end - begins
        if let < requests:  # the next request is answered by 429, with the moment of the reset
            return int(letters * let / requests), end, max(end, first + world.refresh)
        return letters, end, end

    def _record(self, worker: int, parts: tuple[range, range, range], again: float, now: float) -> None:
        """Record what became of the three parts of a batch: taken, in doubt, put off."""
        taken, doubt, rest = parts
        letters = sum(map(len, parts))
        cost = letters * self._costs.server_letter
        # Of the server only the wait for it, because its own work is part of what was measured of a record.
        done = self._server.take(now, cost) - cost + self._costs.record
        if self._dies[worker] <= done:
            self._die(worker, taken, range(taken.stop, rest.stop), now)
            return
        if done - now > self._world.patience:
            self._doubt(taken, range(taken.stop, rest.stop), done)
        else:
            self._move(taken, "claimed", "accepted", ends=True)
            self._told.letter = max(self._told.letter, done)
            self._events_after(done, taken, "")
            self._doubt(range(0), doubt, done)
            if rest:
                self._move(rest, "claimed", "pending")
                self._pending.append(rest)
                self._told.put_off += len(rest)
        self._at(max(done, again), partial(self._claim, worker))

    def _die(self, worker: int, left: range, unsent: range, now: float) -> None:
        """Kill a worker whose claimed batch had `left` so far; another one takes its place and recovers the batch."""
        back = max(now, self._dies[worker] + self._world.recovery)
        self._dies[worker] = back + self._dice.expovariate(1 / self._world.life)
        self._told.kills += 1
        self._at(back, partial(self._doubt, left, unsent))
        self._at(back, partial(self._claim, worker))

    def _doubt(self, left: range, unsent: range, now: float) -> None:
        """Call a batch uncertain: events settle the letters that left, a person the others."""
        self._move(left, "claimed", "uncertain")
        self._move(unsent, "claimed", "uncertain", ends=True)
        if left:
            self._told.letter = max(self._told.letter, now)
            self._events_after(now, left, "uncertain")

    def _events_after(self, now: float, batch: range, state: str) -> None:
        if batch:
            self._at(now + self._world.delay, partial(self._events, batch, state))

    def _events(self, batch: range, state: str, now: float) -> None:
        """Let the web processes take the events of a batch in; they settle it if its state is uncertain."""
        count = len(batch) * EVENTS
        done = max(
            self._web.take(now, count * self._costs.event), self._server.take(now, count * self._costs.server_event)
        )
        self._told.event = max(self._told.event, done)
        self._told.lag = max(self._told.lag, done - now)
        if state:
            self._at(done, lambda _: self._move(batch, state, "accepted", ends=True))


def _share(begins: float, end: float, cut: float) -> float:
    """Return how much of the time from `begins` to `end` has passed when it is cut."""
    return min(1.0, max(0.0, cut - begins) / (end - begins)) if end > begins else 0.0


def check(told: SimulatedEdition, readers: int) -> None:
    """Raise AssertionError unless every delivery ended once, accepted or uncertain."""
    assert told.states["accepted"] + told.states["uncertain"] == readers, told.states
    first = 0
    for batch in sorted(told.settled, key=lambda batch: batch.start):
        assert batch.start == first, f"delivery {min(first, batch.start)} did not end once"
        first = batch.stop
    assert first == readers, f"delivery {first} did not end"
