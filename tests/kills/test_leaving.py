"""Whoever left before the claim was committed gets nothing: every wish races with a real claim."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text

from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.tokens import make_token
from tests.counts import spread
from tests.figures import Figures
from tests.kills.claims import Claims
from tests.kills.conftest import DatabaseOf, TrialOf
from tests.kills.trial import Running, Trial

RACES = int(os.environ.get("DIGEST_LEAVE_RACES", "2000"))
AT_ONCE = 10  # wishes that race with one claim
Wish = Callable[[Connection, Claims, int], object]


def leave(conn: Connection, claims: Claims, reader: int) -> object:
    return people.leave(conn, reader, how="race", now=claims.house.now, secret=claims.place.secret)


def suppress_address(conn: Connection, claims: Claims, reader: int) -> None:
    """As a bounce does: the subscriber's own row is not touched."""
    email = f"r{claims.readers.index(reader)}@example.org"
    people.suppress(conn, email, "bounced", secret=claims.place.secret, now=claims.house.now)


def pause(conn: Connection, claims: Claims, reader: int) -> object:
    until = claims.house.now.replace(month=12)
    return people.pause(conn, reader, until, how="race", now=claims.house.now)


WISHES: dict[str, Wish] = {"leave": leave, "suppress": suppress_address, "pause": pause}


def mailed_after(folder: Path, url: str, races: int, dice: random.Random) -> tuple[int, int, int]:
    """Race wishes with claims; return the races, how many wishes came first, and how many of those were mailed."""
    claims = Claims(folder, url, 60)
    runner = claims.engine()
    run = claims.run(runner)
    commits: list[float] = []
    event.listen(runner, "commit", lambda _conn: commits.append(time.monotonic()))
    wishers = [claims.engine() for _ in range(AT_ONCE)]
    first = mailed = 0
    for _ in range(races // AT_ONCE):
        commits.clear()
        granted: dict[int, float] = {}
        batch: list[int] = []
        gate = threading.Barrier(AT_ONCE + 1)

        def wish(
            engine: Engine, reader: int, what: Wish, pause: float, gate: threading.Barrier, granted: dict[int, float]
        ) -> None:
            gate.wait()
            time.sleep(pause)
            with writing(engine) as conn:
                what(conn, claims, reader)
            granted[reader] = time.monotonic()

        chosen = dice.sample(claims.readers, AT_ONCE)
        threads = [
            threading.Thread(
                target=wish,
                args=(engine, one, dice.choice(list(WISHES.values())), dice.uniform(0, 0.03), gate, granted),
            )
            for engine, one in zip(wishers, chosen, strict=True)
        ]
        for thread in threads:
            thread.start()
        gate.wait()
        time.sleep(dice.uniform(0, 0.03))
        batch = run()
        for thread in threads:
            thread.join()
        if batch:
            # The instant before the claim was committed: what was granted by then came first.
            early = {reader for reader, at in granted.items() if at < commits[0]}
            first += len(early)
            mailed += len(early & set(batch))
        assert len(granted) == AT_ONCE
        claims.again()
    claims.close()
    return races // AT_ONCE * AT_ONCE, first, mailed


@pytest.mark.kills
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nobody_is_mailed_who_left_first(tmp_path: Path, engine: str, database_of: DatabaseOf) -> None:
    with database_of(engine) as url:
        _, first, mailed = mailed_after(tmp_path / "house", url, 200, random.Random(1))
    assert first
    assert mailed == 0


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_leaving_races_with_claims(tmp_path: Path, engine: str, figure: Figures, database_of: DatabaseOf) -> None:
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    with database_of(engine) as url:
        races, first, mailed = mailed_after(tmp_path / "house", url, RACES // 2, random.Random(seed))
    name = f"15 leaving, bouncing, pausing against the claim, {engine} (seed {seed})"
    result = f"{mailed} in {races} races, {first} of them won by the reader"
    figure(name, goal="0 mailed who left first", result=result, met=mailed == 0)


@pytest.mark.parametrize("engine", spread(1, ["sqlite", "postgresql"]))
def test_who_is_not_on_the_allow_list_by_the_time_of_the_claim_is_cancelled(
    tmp_path: Path, engine: str, database_of: DatabaseOf
) -> None:
    with database_of(engine) as url, closing(Claims(tmp_path / "house", url, 3)) as claims:
        object.__setattr__(claims.place.settings, "only", ("r1@example.org",))
        assert claims.run(claims.engine())() == [claims.readers[1]]
        with reading(claims.place.engine) as conn:
            said = conn.execute(text("SELECT state, reason FROM delivery ORDER BY id")).all()
    assert [tuple(one) for one in said] == [
        ("cancelled", "not on the allow-list"), ("claimed", ""), ("cancelled", "not on the allow-list"),
    ]  # fmt: skip


def post(address: str) -> int:
    request = urllib.request.Request(address, b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def serving(one: Trial) -> tuple[Running, str]:
    """Start the web pages; return them and their address."""
    web = one.run("serve", "--port", "0")
    while not (at := web.said().rpartition("listening on ")[2].strip()).startswith("http"):
        assert not web.over(), web.wait()
        time.sleep(0.02)
    return web, at


def unsubscribe(one: Trial, at: str, reader: int) -> None:
    """Press the one-click button of a reader's letter."""
    place = one.place()
    try:
        with reading(place.engine) as conn:
            found = people.find(conn, f"r{reader}@example.org")
        assert found is not None
        token = make_token([place.secret], "unsubscribe", found.id, found.key)
    finally:
        place.engine.dispose()
    assert post(f"{at}/unsubscribe/{token}") == 200


@pytest.mark.kills
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_click_before_the_claim(trial_of: TrialOf, engine: str) -> None:
    """The run sleeps where all is planned and nothing claimed; on PostgreSQL inside the claim too."""
    for place in ["freeze: committed*2", *(["claim: before commit*2"] if engine == "postgresql" else [])]:
        with trial_of("smtp", engine) as one:
            web, at = serving(one)
            sleeper = one.asleep(place)
            click = threading.Thread(target=unsubscribe, args=(one, at, 7))
            click.start()
            if place.startswith("freeze"):
                click.join()
            else:
                # It may have to wait for the claim, and comes after it then.
                click.join(2)
            first = not click.is_alive()
            sleeper.signal(signal.SIGCONT)
            ended = sleeper.wait()
            click.join()
            web.signal(signal.SIGTERM)
            web.wait()
            assert ended.code == 0, ended
            one.finish()
            assert one.judge() == []
            assert one.arrived()["r7@example.org"] == (0 if first else 1)


def eligible(one: Trial) -> int:
    place = one.place()
    try:
        with reading(place.engine) as conn:
            return int(conn.scalar(text("SELECT max(eligible) FROM edition WHERE cadence = 'weekly'")) or 0)
    finally:
        place.engine.dispose()


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_click_while_a_run_goes_on(trial_of: TrialOf, engine: str, figure: Figures) -> None:
    runs = max(RACES // 100, 2)
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(seed)
    spared = 0
    for _ in range(runs):
        with trial_of("smtp", engine) as one:
            web, at = serving(one)
            run = one.run()
            # Half of them as the run begins, half when the first letter has left.
            late = dice.random() < 0.5
            while late and not one.arrived() and not run.over():
                time.sleep(0.01)
            time.sleep(0 if late else dice.uniform(0, 0.3))
            for reader in dice.sample(range(30), 5):
                unsubscribe(one, at, reader)
            assert run.wait().code == 0
            web.signal(signal.SIGTERM)
            web.wait()
            one.finish()
            # Who left before the planning is not of this edition at all.
            assert one.judge(eligible(one)) == []
            spared += 30 - len(one.arrived())
    name = f"15 one click while a run goes on, {engine} (seed {seed})"
    figure(name, goal="books balance, 0 twice", result=f"{runs} runs, {5 * runs} clicks, {spared} spared", met=True)
