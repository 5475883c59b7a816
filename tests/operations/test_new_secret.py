"""A secret that is lost for good: a new one by a command that tells what is lost, and old links lead to a new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from digest.notices.new_link import LinkNotices
from digest.store.engine import reading, writing
from digest.store.schema import event
from digest.web.app import make_app
from subscribers import store as people
from subscribers.tokens import make_token
from tests import console
from tests.house import House

NAMES = ("ann", "left", "gone", "loud", "muted", "quiet", "back", "erased")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose readers have said no in every way; "quiet" was suppressed after the last edition."""
    house = House(tmp_path / "house")
    house.run()
    place, ids = house.place, {name: house.reader(f"{name}@example.org") for name in NAMES}
    with writing(place.engine) as conn:
        people.suppress(conn, "muted@example.org", "editor", secret=place.secret, now=house.now)
    house.publish("One")
    house.run(days=4)
    with writing(place.engine) as conn:
        people.leave(conn, ids["left"], how="link", now=house.now, secret=place.secret)
        people.forget(conn, ids["erased"], now=house.now, secret=place.secret)
        people.suppress(conn, "quiet@example.org", "editor", secret=place.secret, now=house.now)
        for name, action in (("gone", "bounced"), ("loud", "complained"), ("back", "bounced")):
            people.suppress(conn, f"{name}@example.org", action, secret=place.secret, now=house.now)
            row = {"provider": "test", "event_id": name, "kind": action, "action": action, "at": house.now}
            deliveries = people_deliveries(house, ids[name])
            conn.execute(insert(event).values(**row, delivery_id=deliveries, received_at=house.now))
        people.lift(conn, "back@example.org", how="rang", force=False, now=house.now, secret=place.secret)
    yield house
    house.close()


def people_deliveries(house: House, reader: int) -> int:
    with reading(house.place.engine) as conn:
        return int(conn.exec_driver_sql(f"SELECT max(id) FROM delivery WHERE subscriber_id = {reader}").scalar_one())


def told(house: House, *words: str) -> console.Answer:
    return console.digest(house.folder, "--now", house.now.isoformat(), *words)


@pytest.mark.long
def test_a_new_secret_is_made_only_by_word_and_nobody_known_to_have_said_no_is_mailed(house: House) -> None:
    place = house.place
    link = make_token([place.secret], "preferences", 1, people_key(house))
    file, seen = house.settings.secret_file, len(list(house.folder.glob("letters/*/*.eml")))
    house.close()
    right = told(house, "db", "new-secret", "--yes")
    assert (right.code, "is not lost" in right.stderr) == (2, True)
    file.write_text("0f" * 32)
    assert "`digest db new-secret`" in told(house, "run").stderr
    asked = told(house, "db", "new-secret")
    assert "letters sent so far would be dead" in asked.stderr and "2 suppressions would be lost" in asked.stderr
    assert (asked.code, file.read_text(), "nothing was changed" in asked.stderr) == (4, "0f" * 32, True)
    renewed = told(house, "db", "new-secret", "--yes")
    assert renewed.code == 0 and "2 suppressions are lost" in renewed.stderr
    (aside,) = house.folder.glob("digest.secret.before-*")
    assert aside.read_text() == "0f" * 32 != file.read_text()
    house._place = None
    with reading(house.place.engine) as conn:
        reasons = {
            name: people.is_suppressed(conn, f"{name}@example.org", secret=house.place.secret) for name in NAMES
        }
    assert reasons == {
        "ann": None, "left": "left", "gone": "bounced", "loud": "complained", "muted": "editor", "quiet": None,
        "back": None, "erased": None,
    }  # fmt: skip
    house.publish("Two")
    house.run(days=7)
    written = list(house.folder.glob("letters/*/*.eml"))
    assert len(written) - seen == 3  # ann, back and quiet
    # The list beside the fence holds what the new secret made.
    assert sorted(house.place.fence.suppressed.read().values()) == ["bounced", "complained", "editor", "left"]
    links = LinkNotices(house.place)
    pages = TestClient(make_app(house.place.engine, house.place.secret, house.settings, house.place.clock, links))
    page = pages.get(f"/preferences/{link}")
    assert (page.status_code, 'action="../new-link"' in page.text) == (404, True)


def people_key(house: House) -> str:
    with reading(house.place.engine) as conn:
        person = people.get(conn, 1)
    assert person is not None
    return person.key
