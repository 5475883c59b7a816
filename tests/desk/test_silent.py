"""The silent readers as an editor sees them: `digest status --silent`, and the figure of `digest doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.desk.silent import look_silent
from digest.operations.doctor import examine
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests
from tests import console
from tests.house import House
from tests.notices.test_silence import BUSES, TO, quiet_weeks


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house")
    house.reader(TO, interests=BUSES)
    house.reader("all@example.org", cadence="monthly")
    house.reader("gone@example.org", interests=BUSES)
    with writing(house.place.engine) as conn:
        people.suppress(conn, "gone@example.org", "editor", now=house.now, secret=house.place.secret)
    quiet_weeks(house)
    house.reader("new@example.org", interests=Interests(frozenset({"transport"})))
    yield house
    house.close()


def test_an_editor_sees_who_is_silent_and_why(house: House) -> None:
    house.close()
    given = ("--now", house.now.isoformat(), "status", "--silent")
    listed = console.digest(house.folder, *given, "--json")
    assert listed.code == 0, listed
    (ann,) = listed.document
    assert {name: ann[name] for name in ("email", "cadence", "last_letter", "editions", "entries", "matching")} == {
        "email": TO, "cadence": "weekly", "last_letter": None, "editions": 4, "entries": 4, "matching": 0,
    }  # fmt: skip
    assert ann["choice"] == {"facet": "policy_area", "slug": "housing", "entries": 4}
    row = console.digest(house.folder, *given).stdout.splitlines()[-1]
    assert row.split("  ")[-2:] == ["none of 4 entries matches", "policy area housing: 4 entries in 12 weeks"]


def test_the_desk_tells_the_silent_readers_of_each_cadence(house: House) -> None:
    with reading(house.place.engine) as conn:
        weekly, monthly = (look_silent(conn, house.place, cadence, 5) for cadence in ("weekly", "monthly"))
    assert (weekly.readers, len(weekly.first), monthly.readers) == (1, 1, 0)


def test_doctor_gives_the_figure(house: House) -> None:
    (told,) = [finding for finding in examine(house.place) if finding.place == "subscribers"]
    assert (told.level, told.problem) == ("note", "1 of 4 readers has had nothing for four weeks")
    assert "`digest status --silent`" in told.cure
