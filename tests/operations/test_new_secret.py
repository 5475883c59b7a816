"""A secret that is lost for good: a new one by a command that tells what is lost, and old links lead to a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from digest.notices.new_link import LinkNotices
from digest.operations.new_secret import Renewal
from digest.store.engine import reading, writing
from digest.store.said_no import known_to_have_said_no
from digest.store.schema import event
from digest.web.app import make_app
from subscribers import store as people
from subscribers.suppression import address_hash, complete_history, suppress_hashes, suppress_keys
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


def test_every_suppression_of_a_subscriber_is_told_again_by_its_reason(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    names = ("by_hand", "bounced", "loud", "lifted", "again", "listed", "weaker")
    keys = {name: f"{name}@example.org" for name in names}
    for key in keys.values():
        house.reader(key)
    secret, now = house.place.secret, house.now
    with writing(house.place.engine) as conn:
        people.suppress(conn, "by_hand@example.org", "editor", secret=secret, now=now, note="rang: no more")
        suppress_keys(conn, {keys["bounced"]: "bounced", keys["loud"]: "complained"}, secret=secret, now=now)
        for name in ("lifted", "again"):
            people.suppress(conn, keys[name], "bounced", secret=secret, now=now)
            people.lift(conn, keys[name], how="rang", force=False, now=now, secret=secret)
        people.suppress(conn, keys["again"], "complained", secret=secret, now=now)
        suppress_hashes(conn, {address_hash(secret, keys["listed"]): "bounced"}, secret=secret, now=now)
        for reason in ("editor", "bounced"):
            people.suppress(conn, keys["weaker"], reason, secret=secret, now=now)
        for _ in range(2):
            complete_history(conn, secret=secret, now=now, note="earlier")
        assert known_to_have_said_no(conn) == {
            keys[name]: reason
            for name, reason in {
                "by_hand": "editor", "bounced": "bounced", "loud": "complained", "again": "complained",
                "listed": "bounced", "weaker": "editor",
            }.items()
        }  # fmt: skip
        lines = [(event.what, event.how) for number in (1, 6) for event in people.history(conn, number)]
        assert lines[1] == ("suppressed", "editor: rang: no more")
        assert [line for line in lines if line[0] == "suppressed"][1:] == [("suppressed", "bounced: earlier")]
    house.close()


def test_a_surplus_of_one_reason_hides_no_loss_of_another() -> None:
    assert Renewal({"bounced": 1, "complained": 1, "editor": 1}, {"editor": 3}).lost == 2


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
    assert "old secret signed would be dead" in asked.stderr and "1 suppressions would be lost" in asked.stderr
    assert (asked.code, file.read_text(), "nothing was changed" in asked.stderr) == (4, "0f" * 32, True)
    renewed = told(house, "db", "new-secret", "--yes")
    assert renewed.code == 4 and "1 suppression" in renewed.stderr
    (aside,) = house.folder.glob("digest.secret.before-*")
    assert aside.read_text() == "0f" * 32 != file.read_text()
    house._place = None
    with reading(house.place.engine) as conn:
        reasons = {
            name: people.is_suppressed(conn, f"{name}@example.org", secret=house.place.secret) for name in NAMES
        }
    assert reasons == {
        "ann": None, "left": "left", "gone": "bounced", "loud": "complained", "muted": "editor", "quiet": "editor",
        "back": None, "erased": None,
    }  # fmt: skip
    house.publish("Two")
    house.run(days=7)
    written = list(house.folder.glob("letters/*/*.eml"))
    assert len(written) - seen == 2  # ann and back
    # The list beside the fence holds also what the new secret made.
    again = Counter(["bounced", "complained", "editor", "editor", "left"])
    assert Counter(house.place.fence.suppressed.read().values()) >= again
    links = LinkNotices(house.place)
    pages = TestClient(make_app(house.live(), links))
    page = pages.get(f"/preferences/{link}")
    assert (page.status_code, 'action="/new-link"' in page.text) == (404, True)


def people_key(house: House) -> str:
    with reading(house.place.engine) as conn:
        person = people.get(conn, 1)
    assert person is not None
    return person.key
