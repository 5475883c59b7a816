"""An edition that its editor holds back, while a run freezes it: one of them is first, and the other hears of it."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.editions import approve, draft, freeze
from digest.errors import PersonNeeded, WrongUse
from digest.schedule import due_slot
from digest.store import editions
from digest.store.engine import reading, writing
from tests.figures import Figures
from tests.house import House
from tests.kills.conftest import DatabaseOf


def withdraw(engine: Engine, number: int, wait: float, gate: threading.Barrier, answers: dict[str, str]) -> None:
    gate.wait()
    time.sleep(wait)
    try:
        with writing(engine) as conn:
            approve.hold(conn, number)
        answers["hold"] = "held"
    except WrongUse:
        answers["hold"] = "too late"


def withdrawn_and_frozen(folder: Path, url: str, races: int, dice: random.Random) -> tuple[int, int]:
    """Race `hold` with the freezing of an edition; return how often it was held, and held yet frozen."""
    house = House(folder, url)
    house.run()
    house.reader("r0@example.org")
    held = both = 0
    late = 0.01  # seconds that the editor comes later at most; follows the machine, so that each side wins some races
    for n in range(races):
        house.publish(f"Number {n}")
        house.now += timedelta(days=7)
        place = house.place
        settings = place.settings
        weekly = settings.cadence("weekly")
        slot = due_slot(weekly, house.now, settings.site.zone)
        with writing(place.engine) as conn:
            one = draft.ready(conn, settings, weekly, slot, house.now)
        pauses = dice.uniform(0, late), dice.uniform(0, 0.01)
        gate = threading.Barrier(2)
        answers: dict[str, str] = {}

        thread = threading.Thread(target=withdraw, args=(place.engine, one.id, pauses[0], gate, answers))
        thread.start()
        gate.wait()
        time.sleep(pauses[1])
        try:
            with writing(place.engine) as conn:
                freeze.freeze(conn, settings, weekly, slot, place.secret, house.now)
            answers["freeze"] = "frozen"
        except PersonNeeded:
            answers["freeze"] = "waits"
        thread.join()
        with reading(place.engine) as conn:
            found = editions.get(conn, one.id)
        assert found is not None
        assert (found.state == "frozen") == (answers["freeze"] == "frozen")
        held += answers["hold"] == "held"
        late = min(1.0, late * 1.5) if answers["hold"] == "held" else max(0.001, late / 1.5)
        both += answers == {"hold": "held", "freeze": "frozen"}
        if answers["hold"] == "held":
            with writing(place.engine) as conn:
                editions.freeze(conn, one.id, 0, house.now)
    house.close()
    return held, both


@pytest.mark.kills
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_edition_is_withdrawn_or_frozen(tmp_path: Path, engine: str, database_of: DatabaseOf) -> None:
    with database_of(engine) as url:
        held, both = withdrawn_and_frozen(tmp_path / "house", url, 60, random.Random(1))
    assert both == 0
    assert 0 < held < 60


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_withdrawing_races_with_freezing(
    tmp_path: Path, engine: str, figure: Figures, database_of: DatabaseOf
) -> None:
    seed, races = random.randrange(10**6), 500
    with database_of(engine) as url:
        held, both = withdrawn_and_frozen(tmp_path / "house", url, races, random.Random(seed))
    result = f"{both} in {races} races, {held} of them won by the editor"
    figure(f"15 an edition held while frozen, {engine} (seed {seed})", goal="0 both", result=result, met=both == 0)
