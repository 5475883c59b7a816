"""The steps of a run: what an error in one source, edition or cadence stops, and what goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from digest import pipeline
from digest.editions import approve, draft
from digest.editions.due import slot_owed
from digest.editions.freeze import freeze_slot
from digest.installation import Installation
from digest.model import Receipt
from digest.store.engine import reading, writing
from digest.store.schema import edition
from digest.transports.base import Transport
from tests.house import House
from tests.test_send import Recorder


class Losing(Installation):
    """An installation whose provider takes letters and loses the answers."""

    def transport(self) -> Transport:
        """Return a transport that knows the fate of no letter."""
        return Recorder(verdict="uncertain")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house on a Friday, when one letter is owed to a daily reader and one to a weekly reader."""
    house = House(tmp_path / "house")
    house.run()
    for cadence in ("daily", "weekly"):
        house.reader(f"{cadence}@example.org", cadence)
    house.publish("One")
    house.now += timedelta(days=4)
    yield house
    house.close()


def freeze(house: House, cadence: str) -> int:
    installation = house.place
    settings = installation.settings
    rhythm = settings.cadence(cadence)
    with reading(installation.engine) as conn:
        slot = slot_owed(conn, rhythm, house.now, settings.site.zone)
    assert slot is not None
    return freeze_slot(installation, rhythm, slot, house.now)


def by_cadence(report: pipeline.RunReport) -> dict[str, Receipt]:
    return {receipt.cadence: receipt for receipt in report.receipts}


def test_a_source_that_cannot_be_read_stops_no_edition(house: House) -> None:
    (house.folder / "notes").rename(house.folder / "notes.away")
    report = house.run()
    assert [row.status for row in report.sources] == ["failed"]
    assert (report.failed, report.waiting, report.outcome) == ([], [], "done")


def test_a_faulty_edition_stops_no_other(house: House) -> None:
    pipeline.gather(house.place, force=True)
    faulty, sound = freeze(house, "daily"), freeze(house, "weekly")
    with writing(house.place.engine) as conn:
        conn.execute(update(edition).where(edition.c.id == faulty).values(content_hash="x"))
    report = pipeline.send_owed(house.place)
    assert (len(report.failed), report.waiting, report.outcome) == (1, [], "failed")
    assert f"edition {faulty}" in report.failed[0]
    receipts = by_cadence(report)
    assert (receipts["daily"].pending, receipts["weekly"].accepted) == (1, 1)
    assert receipts["weekly"].edition == sound > faulty


def test_an_edition_that_an_editor_holds_stops_no_other_cadence(house: House) -> None:
    installation = house.place
    with writing(installation.engine) as conn:
        daily = draft.draft(conn, installation.settings, installation.settings.cadence("daily"), house.now)
        approve.hold(conn, daily.id)
    report = house.run()
    assert (report.failed, len(report.waiting), report.outcome) == ([], 1, "needs a person")
    assert f"edition {daily.id} (daily" in report.waiting[0]
    assert {name: receipt.accepted for name, receipt in by_cadence(report).items()} == {"weekly": 1}


def test_a_lost_answer_stops_the_editions_after_it(house: House) -> None:
    pipeline.gather(house.place, force=True)
    first, _ = freeze(house, "daily"), freeze(house, "weekly")
    losing = Losing(house.settings, house.now)
    report = pipeline.send_owed(losing)
    losing.engine.dispose()
    assert (report.failed, len(report.waiting), report.outcome) == ([], 1, "needs a person")
    assert f"edition {first}: an answer was lost" in report.waiting[0]
    receipts = by_cadence(report)
    assert (receipts["daily"].uncertain, receipts["weekly"].pending) == (1, 1)


def test_a_run_that_breaks_tells_its_account_to_the_watch(house: House) -> None:
    told: list[pipeline.RunReport] = []

    def break_off(receipt: Receipt) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.run(house.place, watch=pipeline.Watch(edition=break_off, broken=told.append))
    (report,) = told
    assert sum(receipt.pending for receipt in report.receipts) == 2
