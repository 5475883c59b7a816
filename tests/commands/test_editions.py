"""The commands of an edition say what state it is in, by the words of the glossary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest import cli
from digest.store import editions, history
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from subscribers.model import Interests
from subscribers.tables import subscriber
from tests import console
from tests.console import Answer
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Yield a house with a reader and an entry for them."""
    house = House(tmp_path / "house")
    house.run()
    house.reader("reader@example.org")
    house.publish("One")
    yield house
    house.close()


@pytest.mark.long
def test_an_edition_that_is_kept_back_is_called_stopped(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(house, capsys, "gather", "-v")
    assert "draft, stopped" not in printed(house, capsys, "prepare", "weekly")
    number = str(json.loads(printed(house, capsys, "prepare", "weekly", "--json"))["edition"])
    assert f"is stopped until `digest approve {number}`" in printed(house, capsys, "hold", number)
    for words in (("prepare", "weekly"), ("status",)):
        assert "draft, stopped" in printed(house, capsys, *words)
    assert json.loads(printed(house, capsys, "prepare", "weekly", "--json"))["held"] is True
    assert "is approved" in printed(house, capsys, "approve", number)
    assert "stopped" not in printed(house, capsys, "status")


def printed(house: House, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that ends well; return what stands on stdout."""
    assert cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words]) == 0
    return capsys.readouterr().out


def said(house: House, *words: str) -> Answer:
    return console.digest(house.config.parent, "--config", str(house.config), "--now", house.now.isoformat(), *words)


@pytest.fixture
def sent(house: House) -> House:
    """Give the house three more readers with other interests, and mail the weekly edition, number 1 or later."""
    for area in ("housing", "transport"):
        house.reader(f"{area}@example.org", interests=Interests(frozenset({area})))
    house.reader("wales@example.org", interests=Interests(regions=frozenset({"wales"})))
    house.now = house.now.replace(day=6, hour=9)
    house.run()
    return house


@pytest.mark.long
def test_what_has_left_is_said_to_have_left(sent: House) -> None:
    number = weekly(sent)
    drop = said(sent, "drop", "1")
    assert (drop.code, drop.stdout) == (0, "")
    assert f"entry 1: 3 readers have had it, with edition {number} (weekly 2026-11-06)" in drop.stderr
    hold = said(sent, "hold", str(number), "--stop")
    assert hold.code == 2
    assert "has nothing left to stop: 3 letters have left" in hold.stderr
    assert json.loads(said(sent, "status", "--json").stdout)["receipts"][0]["accepted"] == 3
    assert "is frozen" in said(sent, "hold", str(number)).stderr


@pytest.mark.long
def test_a_stop_says_what_is_kept_back_and_what_has_left(sent: House) -> None:
    number = weekly(sent)
    with writing(sent.place.engine) as conn:
        first = select(delivery.c.id).where(delivery.c.state == "accepted").limit(1).scalar_subquery()
        conn.execute(update(delivery).where(delivery.c.id == first).values(state="pending"))
    drop = said(sent, "drop", "1")
    assert "2 readers have had it" in drop.stderr
    assert f"1 letter with it still owed: `digest hold {number} --stop`" in drop.stderr
    assert "1 letter is kept back; 2 have left" in said(sent, "hold", str(number), "--stop").stdout
    assert said(sent, "hold", str(number), "--stop").code == 0, "it may be repeated"


@pytest.mark.long
def test_a_draft_and_its_receipt_count_the_same_digests(house: House) -> None:
    """Equal letters are one digest, whoever they are for; who gets nothing has no digest."""
    for n, areas in enumerate(({"housing"}, {"housing", "transport"}, {"transport"})):
        house.reader(f"r{n}@example.org", interests=Interests(frozenset(areas), elsewhere=False))
    house.now = house.now.replace(day=6, hour=9)
    said(house, "gather")
    drafted = json.loads(said(house, "prepare", "weekly", "--json").stdout)
    house.run()
    with reading(house.place.engine) as conn:
        assert history.sizes(conn, drafted["edition"]) == (1, drafted["digests"])
    assert (drafted["digests"], drafted["readers"]) == (2, {"pending": 3, "empty": 1})


@pytest.mark.long
def test_the_id_of_a_subscriber_is_taken_by_each_command_that_looks_at_one(sent: House) -> None:
    said(sent, "prepare", "weekly")
    listed = json.loads(said(sent, "subscribers", "list", "--json").stdout)
    for row in listed:
        number = str(row["id"])
        assert json.loads(said(sent, "subscribers", "show", number, "--json").stdout)["email"] == row["email"]
        assert said(sent, "explain", "--subscriber", number).code == 0
        assert said(sent, "preview", "--subscriber", number).code == 0
    for nobody in ("99", "9" * 40, "0"):
        assert "no subscriber has this address or id" in said(sent, "subscribers", "show", nobody).stderr


@pytest.mark.long
def test_a_dry_run_gives_one_count_and_names_what_cannot_be_written(sent: House, tmp_path: Path) -> None:
    number = weekly(sent)
    with writing(sent.place.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.state == "accepted").values(state="pending"))
        # An address that no letter can be written to, as an older version may have stored it.
        conn.execute(update(subscriber).where(subscriber.c.id == 1).values(email="jane doe@example.org"))
    answer = said(sent, "send", "--dry-run", "--out", str(tmp_path / "dry"), "--json")
    assert answer.code == 1
    assert {key: answer.document["dry_run"][key] for key in ("letters", "dropped")} == {"letters": 2, "dropped": 0}
    (refusal,) = answer.document["dry_run"]["unwritten"]
    assert (refusal["edition"], refusal["subscriber"]) == (number, 1), "as `subscribers show` and `explain` take it"
    assert "no letter could be written" in refusal["reason"]
    assert "jane" not in answer.stdout + answer.stderr
    assert "nothing to send" not in answer.stderr
    assert len(list((tmp_path / "dry").glob("*/*.eml"))) == 2


def weekly(house: House) -> int:
    """The number of the newest weekly edition."""
    receipts = json.loads(said(house, "status", "--json").stdout)["receipts"]
    return next(int(row["edition"]) for row in receipts if row["cadence"] == "weekly")


@pytest.mark.long
def test_a_draft_holds_what_its_date_has_released_since_the_last_gather(house: House) -> None:
    house.publish("Early", date="2026-11-05")
    said(house, "gather")
    house.now = house.now.replace(day=6, hour=9)
    drafted = json.loads(said(house, "prepare", "weekly", "--json").stdout)
    house.run()
    with reading(house.place.engine) as conn:
        titles = {row.entry.id: row.entry.title for row in editions.shown(conn, drafted["edition"])}
    assert sorted(titles[number] for number in drafted["entries"]) == ["Early", "One"]
