"""How long a program waits for its database to write down the answers that came: by time, and until it is stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from digest.errors import TryLater
from digest.store.engine import make_engine, reading
from digest.store.patience import write_patiently
from digest.store.sqlstate import DatabaseAway
from digest.system import stopping


class Outage:
    """A database that is away until `back`, as seen by a clock that a test drives; each try takes `lasts` seconds.

    At `stop` the program is asked to stop.
    """

    def __init__(self, back: float, *, lasts: float = 0.0, stop: float = float("inf")) -> None:
        self.now, self.tries = 0.0, 0
        self._back, self._lasts, self._stop = back, lasts, stop

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self._stop:
            stopping.request_stop()

    def work(self, conn: Connection) -> None:
        self.tries += 1
        self.sleep(self._lasts)
        if self.now < self._back:
            raise DatabaseAway("database x: connection refused; try again later")
        conn.execute(text("INSERT INTO answers VALUES (1)"))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database in memory with a table of answers."""
    monkeypatch.setattr(stopping, "_asked", False)
    engine = make_engine("sqlite://")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE answers (number INTEGER)"))
    yield engine
    engine.dispose()


def waited(engine: Engine, outage: Outage) -> str:
    """Return "" when the answers were recorded, else what was told."""
    try:
        write_patiently(engine, "record", outage.work, clock=outage.clock, sleep=outage.sleep)
    except TryLater as later:
        return str(later)
    with reading(engine) as conn:
        assert conn.scalar(text("SELECT count(*) FROM answers")) == 1
    return ""


@pytest.mark.parametrize("lasts", [0.0, 30.0])
def test_the_wait_is_bound_by_time_however_long_a_try_takes(engine: Engine, lasts: float) -> None:
    outage = Outage(10_000, lasts=lasts)
    assert "It stayed away, so that answers" in waited(engine, outage)
    assert 120 <= outage.now <= 120 + lasts
    assert outage.tries == (61 if lasts == 0 else 4)


@pytest.mark.parametrize("back", [0, 1, 119])
def test_answers_are_recorded_once_the_database_is_back(engine: Engine, back: float) -> None:
    assert waited(engine, Outage(back)) == ""


def test_a_stop_ends_the_wait_at_once_with_the_truth(engine: Engine) -> None:
    outage = Outage(10_000, stop=7)
    told = waited(engine, outage)
    assert "asked to stop before it was back" in told and "in doubt, see `digest settle`" in told
    assert outage.now == 7


def test_after_a_stop_each_answer_still_has_one_try(engine: Engine) -> None:
    stopping.request_stop()
    assert waited(engine, Outage(0)) == ""
    away = Outage(10_000)
    assert "asked to stop" in waited(engine, away) and away.tries == 1
