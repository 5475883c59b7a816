"""Test editions while two processes write: the second waits for the first and sees its result (PostgreSQL)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from digest.desk import edit
from digest.editions import draft as drafting
from digest.editions import freeze as freezing
from digest.editions.due import slots_to_run
from digest.installation import Installation
from digest.store import deliveries, editions, entries
from digest.store.engine import make_engine, reading, writing
from subscribers import store as people
from tests.counts import others_long
from tests.house import ANN, House
from tests.store.test_releases import blocked


@pytest.fixture
def house(tmp_path: Path, postgresql_url: str) -> Iterator[House]:
    """Make an installation that owes a weekly edition: one reader, two gathered entries, the draft not yet frozen."""
    house = House(tmp_path / "house", postgresql_url)
    house.reader("first@example.org")
    house.run()
    house.publish("Homes that were damp")
    house.publish("Buses that came")
    house.run(days=2)
    house.now = house.now.replace(day=6)
    yield house
    house.close()


@pytest.fixture
def elsewhere(house: House, postgresql_url: str) -> Iterator[Installation]:
    """Open the same installation as another process does, with connections of its own."""
    installation = Installation(house.settings, house.now)
    installation.__dict__["engine"] = engine = make_engine(postgresql_url)
    yield installation
    engine.dispose()


class Other:
    """Run work in another thread, while a transaction of this thread is open."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._error: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._error.append(error)

        self._thread = threading.Thread(target=run)

    def start(self, engine: Engine) -> None:
        """Start the work, and return once it has ended or waits for a lock."""
        self._thread.start()
        while self._thread.is_alive() and not blocked(engine):
            time.sleep(0.01)

    def end(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error[0]


def freeze(conn: Connection, house: House) -> int:
    place, cadence = house.place, house.settings.cadence("weekly")
    [slot] = slots_to_run(conn, cadence, house.now, "UTC")
    drafting.ready(conn, house.settings, cadence, slot, house.now)
    return freezing.freeze(conn, house.settings, cadence, slot, place.secret, house.now).id


@pytest.mark.long
def test_an_entry_dropped_while_an_edition_is_frozen_comes_too_late(house: House, elsewhere: Installation) -> None:
    engine = house.place.engine
    with writing(engine) as conn:
        drafting.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
        damp = next(entry.id for entry in entries.listing(conn) if "damp" in entry.title)
    lines: list[str] = []
    dropping = Other(lambda: lines.extend(edit.drop(elsewhere, ANN, [damp])))
    with writing(engine) as conn:
        number = freeze(conn, house)
        dropping.start(engine)
    dropping.end()
    with reading(engine) as conn:
        edition, shown = editions.get(conn, number), editions.shown(conn, number)
        assert edition is not None and edition.state == "frozen"
        assert len(shown) == 2 and edition.content_hash == editions.content_hash(edition, shown)
    (gone, owed, cure) = lines
    assert "0 readers have had it" in gone and "1 letter with it still owed" in owed
    assert f"`digest withdraw {damp} --text" in cure


@pytest.mark.long
def test_two_who_draft_one_slot_at_once_make_one_edition(house: House, elsewhere: Installation) -> None:
    engine, weekly = house.place.engine, house.settings.cadence("weekly")

    def draft(through: Engine) -> int:
        with writing(through) as conn:
            return drafting.draft(conn, house.settings, weekly, house.now).id

    again: list[int] = []
    other = Other(lambda: again.append(draft(elsewhere.engine)))
    with writing(engine) as conn:
        first = drafting.draft(conn, house.settings, weekly, house.now).id
        other.start(engine)
    other.end()
    assert again == [first]
    with reading(engine) as conn:
        assert len(editions.shown(conn, first)) == 2


CHANGES: list[tuple[str, Callable[[Connection, House], object]]] = [
    ("joins", lambda conn, house: people.add(conn, people.NewSubscriber("late@example.org", cadence="weekly"),
        how="test", now=house.now, secret=house.place.secret)),
    ("changes cadence", lambda conn, house: people.set_cadence(conn, 1, "daily", how="test", now=house.now)),
    ("is forgotten", lambda conn, house: people.forget(conn, 1, now=house.now, secret=house.place.secret)),
    ("leaves", lambda conn, house: people.leave(conn, 1, how="test", now=house.now, secret=house.place.secret)),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("change", others_long(dict(CHANGES), "leaves"))
def test_who_changes_while_an_edition_is_frozen_is_not_half_in_it(
    house: House, elsewhere: Installation, change: Callable[[Connection, House], object]
) -> None:
    engine = house.place.engine

    def alter() -> None:
        with writing(elsewhere.engine) as conn:
            change(conn, house)

    other = Other(alter)
    begun: list[str] = []

    def in_between(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # At this point the readers are planned and not yet counted.
        if statement.startswith("UPDATE mark ") and not begun:
            begun.append(statement)
            other.start(engine)

    event.listen(engine, "before_cursor_execute", in_between)
    with writing(engine) as conn:
        number = freeze(conn, house)
    event.remove(engine, "before_cursor_execute", in_between)
    other.end()
    assert begun
    with reading(engine) as conn:
        edition = editions.get(conn, number)
        assert edition is not None
        receipt = deliveries.receipt(conn, edition)
    assert (receipt.eligible, receipt.pending) == (1, 1)
