"""Alarms by mail: each trouble once, with its cure, once more when it is over, and nothing about HOLD or readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest.config.operate import OperateSettings
from digest.errors import PersonNeeded
from digest.operations.troubles import OpenTrouble, ToldTrouble, what_is_news
from digest.store import editions
from digest.store.engine import reading, writing
from digest.store.schema import delivery, edition, notice, run
from tests.counts import table
from tests.house import START, House

OPS = "ops@example.org"


def ago(hours: float) -> str:
    return (START - timedelta(hours=hours)).isoformat()


@table(
    "was, is_open, news",
    [
        (None, True, "begun"),
        (None, False, ""),
        (ToldTrouble("x", ago(1)), True, ""),
        (ToldTrouble("x", ago(100)), True, ""),  # however long it lasts
        (ToldTrouble("x", ago(1)), False, "over"),
        (ToldTrouble("x", ago(100)), False, "over"),
        (ToldTrouble("x", ago(2), ago(1)), False, ""),
        (ToldTrouble("x", ago(2), ago(1)), True, ""),  # it comes and goes
        (ToldTrouble("x", ago(25), ago(1)), True, "begun"),
        (ToldTrouble("x", ago(2), "", quiet=True), True, ""),
        (ToldTrouble("x", ago(2), "", quiet=True), False, ""),  # nobody was told that it was back
        (ToldTrouble("x", ago(25), "", quiet=True), True, "begun"),
    ],
)
def test_what_is_news(was: ToldTrouble | None, is_open: bool, news: str) -> None:
    now = [OpenTrouble("a", "x", "y")] if is_open else []
    decided = what_is_news({"a": was} if was else {}, now, START)
    assert (bool(decided.begun), bool(decided.over)) == (news == "begun", news == "over")
    # The same trouble is no news a second time, because the run's account remembers it.
    again = what_is_news(decided.kept, now, START)
    assert (again.begun, again.over) == ([], [])


def test_what_is_long_over_is_forgotten() -> None:
    assert what_is_news({"a": ToldTrouble("x", ago(30), ago(29))}, [], START).kept == {}


# --- the mails of an installation ----------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    """Yield a house with an edition of which one letter was handed over and one was stopped."""
    house = begun(tmp_path / "house")
    house.settings = replace(house.settings, operate=OperateSettings(alarm_to=(OPS,)))
    house.reader("anna@example.org", "daily")
    house.publish("One")
    house.run(hours=23)
    yield house
    house.close()


def change(house: House, statement: Any) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(statement)


def mails(house: House) -> list[tuple[str, str, str]]:
    """Return recipient, subject and text of each mail to the operators, and take it away."""
    told = []
    for path in sorted(house.folder.rglob("notices/**/*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        told.append((str(message["To"]), str(message["Subject"]), str(body.get_content())))
        path.unlink()
    return told


def stop_with_a_letter(house: House) -> None:
    change(house, update(delivery).values(state="pending"))
    change(house, update(edition).values(held=True))


def test_a_trouble_is_told_once_and_once_when_it_is_over(house: House) -> None:
    assert mails(house) == []
    stop_with_a_letter(house)
    house.run(minutes=30)
    [(to, subject, text)] = mails(house)
    assert (to, subject) == (OPS, "Digest: letters need an operator")
    assert "1 edition is stopped with letters owed: 1" in text and "`digest approve 1`" in text
    assert "anna" not in text
    house.run(minutes=30)
    house.run(days=2)
    assert mails(house) == []
    with writing(house.place.engine) as conn:
        editions.let_go(conn, 1)
    house.run(minutes=30)
    [(to, subject, text)] = mails(house)
    assert (to, subject) == (OPS, "Digest: a trouble is over") and "Over by now: 1 edition is stopped" in text
    house.run(minutes=30)
    assert mails(house) == []


def test_letters_in_doubt_and_letters_that_stay(house: House) -> None:
    change(house, update(delivery).values(state="uncertain"))
    house.run(minutes=30)
    [(_, _, text)] = mails(house)
    assert "1 delivery is in doubt" in text and "`digest settle`" in text


@pytest.mark.long
def test_a_run_that_cannot_freeze_an_edition_tells_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from digest import pipeline
    from digest.errors import BadEdition

    def broken(*_: object) -> None:
        raise BadEdition("the daily edition could not be made: anna@example.org; the cure")

    monkeypatch.setattr(pipeline, "_freeze_cadence", broken)
    house.run(days=1)
    [(_, _, text)] = mails(house)
    assert "The daily edition could not be made: …. The cure: the cure." in text


def test_nothing_is_mailed_in_hold(house: House) -> None:
    stop_with_a_letter(house)
    house.place.fence.hold()
    with pytest.raises(PersonNeeded):
        house.run(minutes=30)
    assert mails(house) == []
    with reading(house.place.engine) as conn:
        assert conn.scalars(select(notice.c.id)).all() == []


def test_an_address_that_may_not_be_mailed_gets_nothing(house: House) -> None:
    stop_with_a_letter(house)
    house.settings = replace(house.settings, only=("@elsewhere.example",))
    house.run(minutes=30)
    assert mails(house) == []


def test_nobody_is_told_where_nobody_is_named(house: House) -> None:
    house.settings = replace(house.settings, operate=OperateSettings())
    stop_with_a_letter(house)
    house.run(minutes=30)
    with reading(house.place.engine) as conn:
        account = conn.scalar(select(run.c.account).order_by(run.c.id.desc()).limit(1))
    assert mails(house) == [] and "troubles" not in json.dumps(account)
