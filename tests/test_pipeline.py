"""The steps of a run: what an error in one source, edition or cadence stops, and what goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from digest import pipeline
from digest.config.load import load
from digest.delivery.claim import Claimed
from digest.delivery.hand_over import compose_batch
from digest.editions import approve, draft
from digest.editions.due import slot_owed
from digest.editions.freeze import freeze_slot
from digest.errors import ConfigError
from digest.installation import Installation
from digest.letter.compile import Letter
from digest.model import Receipt
from digest.operations.run_report import RunReport, Watch
from digest.render import Letters
from digest.send import frozen_edition
from digest.store import deliveries, editions
from digest.store.engine import reading, writing
from digest.store.schema import edition, edition_entry
from digest.transports.base import Transport
from subscribers.model import Subscriber
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


def by_cadence(report: RunReport) -> dict[str, Receipt]:
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


def test_an_edition_that_breaks_the_program_stops_no_other(house: House) -> None:
    pipeline.gather(house.place, force=True)
    faulty, _ = freeze(house, "daily"), freeze(house, "weekly")
    with writing(house.place.engine) as conn:
        conn.execute(update(edition_entry).where(edition_entry.c.edition_id == faulty).values(content={}))
    report = pipeline.send_owed(house.place)
    assert (len(report.failed), report.outcome) == (1, "failed")
    assert f"edition {faulty}" in report.failed[0]
    assert "fault of this program (KeyError), please report it" in report.failed[0]
    assert by_cadence(report)["weekly"].accepted == 1


def test_a_letter_that_breaks_the_program_stays_owed_and_stops_no_other(house: House) -> None:
    class Breaking(Letters):
        """Letters that break the program for readers of Welsh."""

        def of(self, language: str) -> Letter:
            if language == "cy":
                raise KeyError(language)
            return super().of(language)

    pipeline.gather(house.place, force=True)
    frozen = frozen_edition(house.place, freeze(house, "daily"))
    with reading(house.place.engine) as conn:
        shown = editions.shown(conn, frozen.edition.id)
    letters = Breaking(house.settings, frozen.edition, [row.entry for row in shown])
    with reading(house.place.engine) as conn:
        [owed] = deliveries.pending(conn, frozen.edition.id, 5, house.now)
        assert owed.digest is not None
        contents = deliveries.digests(conn, [owed.digest])[owed.digest]
    batch = [
        Claimed(owed._replace(id=n), Subscriber(n, f"r{n}@example.org", language=language, key="0" * 16), contents)
        for n, language in enumerate(("cy", "en"), 1)
    ]
    parcels, outcomes = compose_batch(replace(frozen, letters=letters), batch, house.place.keyring, house.now)
    assert [parcel.delivery for parcel in parcels] == [2]
    assert [(outcome.delivery, outcome.state) for outcome in outcomes] == [(1, "deferred")]
    assert "fault of this program (KeyError)" in outcomes[0].reason


def test_mistaken_words_stop_no_letter_that_is_owed(house: House) -> None:
    pipeline.gather(house.place, force=True)
    number = freeze(house, "daily")
    house.config.write_text(house.config.read_text() + '[brand.words.cy]\nhere_named = "{nam}, dyma"')
    house.settings = load(house.config, {})
    with pytest.raises(ConfigError, match=r"brand\.words\.cy"):
        house.run()
    with reading(house.place.engine) as conn:
        sent = editions.get(conn, number)
        assert sent is not None
        assert deliveries.receipt(conn, sent).accepted == 1
        assert [row.state for row in editions.listing(conn) if row.cadence == "weekly"] == []


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
    told: list[RunReport] = []

    def break_off(receipt: Receipt) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.run(house.place, watch=Watch(edition=break_off, broken=told.append))
    (report,) = told
    assert sum(receipt.pending for receipt in report.receipts) == 2
