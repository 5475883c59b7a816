"""Answers lost on the way, refusals for now and kills, all at once: nobody twice, nobody forgotten."""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests
from tests.figures import Figures
from tests.kills import books, doubts
from tests.kills.conftest import TrialOf
from tests.kills.test_random import length_of, seed
from tests.kills.trial import FRIDAY, READERS, Trial
from tests.transports.fake_sendgrid import FakeSendGrid
from tests.transports.mailserver import Server, Talk

# In a hundred answers: lost with the request before it was taken, lost after, "later", and a server's fault.
RATES = {"lost before": 3, "lost after": 3, "later": 5, "fault": 2}
AMBIGUOUS = ("lost before", "lost after", "fault")
REGIONS = ("wales", "scotland", "london", "north-east", "south-west", "east-midlands")
CONNECTIONS = 4  # as [transport] concurrency has it
_OWED = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'claimed')"


class Weather:
    """Says what becomes of each answer, and remembers."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._lock = threading.Lock()
        self.said: Counter[str] = Counter()

    def next(self) -> str:
        """Draw for one answer."""
        with self._lock:
            kinds = [*RATES, "well"]
            (found,) = self._dice.choices(kinds, [*RATES.values(), 100 - sum(RATES.values())])
            self.said[found] += 1
            return found

    @property
    def ambiguous(self) -> int:
        """Return how many answers so far left it open whether the letters were taken."""
        return sum(self.said[kind] for kind in AMBIGUOUS)


class Faults(deque[str]):
    """FakeSendGrid's faults, drawn as they are asked for. What is lost on a 500 may have been taken, or not."""

    def __init__(self, weather: Weather, dice: random.Random) -> None:
        super().__init__(["drawn"])
        self._weather, self._dice = weather, dice

    def popleft(self) -> str:
        """Return the next fault."""
        places = {
            "well": [""],
            "lost before": ["reset-head", "reset-mid", "late"],
            "lost after": ["take reset", "take close", "take junk"],
            "later": ["429"],
            "fault": ["500", "take 503"],
        }
        return self._dice.choice(places[self._weather.next()])

    def clear(self) -> None:
        """Never empty."""


def mail_server(server: Server, weather: Weather) -> None:
    """Let a mail server lose answers to the last dot. Its "fault" is a 5xx: said, and so a refusal for good."""

    def dot(talk: Talk) -> None:
        kind = weather.next()
        if kind == "lost before":
            talk.reset()
        elif kind == "later":
            talk.reply("451 4.7.1 later")
        elif kind == "fault":
            talk.reply("554 5.3.0 the server failed")
        else:
            talk.queue()
            if kind == "lost after":
                talk.reset()
            talk.reply("250 2.0.0 Ok: queued as 4XyZ")

    server.script["dot"] = dot


def vary(one: Trial) -> None:
    """Give readers their own regions and publish for each, so that a run makes many requests and not one."""
    for region in REGIONS:
        note = f"---\ntitle: On {region}\nid: {region}\npolicy_areas: [housing]\nregions: [{region}]\n---\nLearnt.\n"
        (one.folder / "notes" / f"{region}.md").write_text(note)
    place = one.place()
    with writing(place.engine) as conn:
        for n, reader in enumerate(people.stream(conn)):
            regions = {region for bit, region in enumerate(REGIONS) if (n + 1) >> bit & 1}
            interests = Interests(frozenset(), frozenset(regions), frozenset(), elsewhere=False)
            people.update_interests(conn, reader.id, interests, how="test", now=place.clock())
    place.engine.dispose()


def runs_until_settled(one: Trial, dice: random.Random, length: float, weather: Weather) -> Iterator[int]:
    """Run, killed at times, with hours between so that what was put off is tried; yield the answers lost in each."""
    at = datetime.fromisoformat(FRIDAY)
    for turn in range(30):
        one.now = (at + timedelta(hours=5 * turn)).isoformat()
        before = weather.ambiguous
        run = one.run()
        if turn < 3 and dice.random() < 0.5:
            time.sleep(dice.uniform(0.0, length))
            code = one.kill(run).code
        else:
            code = run.wait().code
            one.check_books()
        assert code in (-9, 0, 4, 75), code
        yield weather.ambiguous - before
        if code in (0, 4, 75) and not owed(one):
            return
    raise AssertionError("still owed after 30 runs")


def owed(one: Trial) -> int:
    place = one.place()
    try:
        with reading(place.engine) as conn:
            return int(conn.scalar(text(_OWED)) or 0)
    finally:
        place.engine.dispose()


def check(one: Trial, weather: Weather) -> int:
    """Hold the books against what arrived; return the batches in doubt."""
    place = one.place()
    try:
        with reading(place.engine) as conn:
            (account,) = [found for found in books.accounts(conn) if found.eligible]
            assert account.eligible == READERS
            doubtful = books.compare(conn, account.edition, one.arrived())
    finally:
        place.engine.dispose()
    assert sorted(doubts.listed(one)) == sorted(doubtful)
    count = doubts.batches(one)
    assert count <= one.kills + weather.ambiguous, f"{count} in doubt, {one.kills} kills, {weather.said}"
    return count


def check_weather(trial_of: TrialOf, kind: str, engine: str, runs: int, dice: random.Random) -> Counter[str]:
    """Make that many runs; return the sums."""
    sums: Counter[str] = Counter()
    with trial_of(kind, engine) as one:
        length = length_of(one)
    while sums["runs"] < runs:
        with trial_of(kind, engine) as one:
            weather = Weather(dice)
            one.environ["DIGEST_TRANSPORT__CONCURRENCY"] = str(CONNECTIONS)
            vary(one)
            server = one.server
            if isinstance(server, FakeSendGrid):
                server.faults = Faults(weather, dice)
            elif isinstance(server, Server):
                mail_server(server, weather)
            for lost in runs_until_settled(one, dice, length, weather):
                assert lost <= CONNECTIONS, f"{lost} answers were lost in one run"
                sums["runs"] += 1
                sums["most lost in a run"] = max(sums["most lost in a run"], lost)
            if isinstance(server, FakeSendGrid):
                server.arrive()
            sums["in doubt"] += check(one, weather)
            sums["kills"] += one.kills
            sums["ambiguous"] += weather.ambiguous
            sums["answers"] += weather.said.total()
    return sums


@pytest.mark.kills
@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_some_answers_lost(trial_of: TrialOf, kind: str) -> None:
    check_weather(trial_of, kind, "sqlite", 8, random.Random(f"{seed()} {kind}"))


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_answers_lost_and_kills(trial_of: TrialOf, kind: str, engine: str, figure: Figures) -> None:
    chosen = seed()
    runs = math.ceil(int(os.environ.get("DIGEST_LOST_ANSWER_RUNS", "500")) / 4)
    sums = check_weather(trial_of, kind, engine, runs, random.Random(f"{chosen} {kind} {engine}"))
    figure(
        f"4 answers lost, {kind} on {engine} (seed {chosen})",
        goal=f"{runs} runs: 0 lost, 0 twice; in doubt <= kills + ambiguous answers; <= 1 a connection in a run",
        result=f"{sums['runs']} runs, {sums['answers']} answers: 0, 0; {sums['in doubt']} batches in doubt"
        f" <= {sums['kills']} kills + {sums['ambiguous']} ambiguous; {sums['most lost in a run']} in a run"
        f" of {CONNECTIONS} connections",
        met=sums["runs"] >= runs,
    )
