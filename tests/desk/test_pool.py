"""The entries that an editor works on: what came since the draft, what was dropped, and a draft made again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from digest import pipeline
from digest.desk import edit
from digest.desk.approval import approve_edition, hold_edition
from digest.desk.pool import Pool, draft_again, edition_to_work_on, read_pool
from digest.errors import WrongUse
from digest.store import entries, releases
from digest.store.engine import reading, writing
from tests.house import ANN, House


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose weekly edition is drafted with two entries."""
    house = House(tmp_path_factory.mktemp("pool") / "house", weekly='approval = "required"')
    house.reader("ann@example.org")
    house.run()
    house.publish("Homes")
    house.publish("Buses", areas="transport")
    house.run(hours=1)
    draft_again(house.place, ANN, "weekly")
    yield house
    house.close()


def pool_of(house: House) -> Pool:
    with reading(house.place.engine) as conn:
        return read_pool(conn, edition_to_work_on(conn, house.place, "weekly"))


def published(house: House, title: str) -> int:
    """Publish an entry an hour later and gather it; return its id."""
    house.now += timedelta(hours=1)
    house.publish(title)
    pipeline.gather(house.place, force=True)
    with reading(house.place.engine) as conn:
        return next(entry.id for entry in entries.listing(conn) if entry.title == title)


def test_an_entry_that_came_counts_once_and_not_when_it_is_in_the_edition(house: House) -> None:
    here = [each.shown.id for each in pool_of(house).entries]
    later = published(house, "Later")
    with writing(house.place.engine) as conn:
        releases.number(conn, [*here, later, later], "retagged", house.now, timedelta())
    assert (len(here), pool_of(house).came) == (2, 1)


def test_the_dropped_entries_are_those_that_would_be_in_it(house: House) -> None:
    drafted = pool_of(house)
    later = published(house, "Later")
    edit.drop(house.place, ANN, [drafted.entries[0].shown.id, later])
    pool = pool_of(house)
    assert [each.shown.id for each in pool.dropped] == [drafted.entries[0].shown.id]
    assert [each.shown.id for each in pool.entries] == [drafted.entries[1].shown.id]


def test_an_approved_edition_takes_nothing_in_until_it_is_stopped(house: House) -> None:
    published(house, "Later")
    approve_edition(house.place, ANN, 1)
    with pytest.raises(WrongUse, match="is approved as it is; stop it first"):
        draft_again(house.place, ANN, "weekly")
    assert (len(pool_of(house).entries), pool_of(house).came) == (2, 1)
    hold_edition(house.place, ANN, 1)
    draft_again(house.place, ANN, "weekly")
    assert (len(pool_of(house).entries), pool_of(house).came) == (3, 0)
