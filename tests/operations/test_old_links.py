"""Links and tags of old letters never act on another person, however an older state of the database is put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from digest import cli
from digest.delivery import events_in
from digest.operations.resume import resume
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.web.app import make_app
from subscribers import store as people
from subscribers import tables as people_tables
from subscribers.tokens import _serializer, make_token
from tests import postgres
from tests.counts import spread
from tests.house import House
from tests.transports.webhook import body_of, told

FORMS = {"unsubscribe": b"List-Unsubscribe=One-Click", "preferences": b"form=preferences&cadence=daily"}
Restore = Callable[[House], Callable[[], None]]


def cli_of(house: House, *words: str) -> int:
    return cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words])


def by_command(house: House) -> Callable[[], None]:
    """Keep a backup; return what restores it."""
    assert cli_of(house, "db", "backup", str(house.folder / "kept.db")) == 0

    def put_back() -> None:
        house.close()
        assert cli_of(house, "db", "restore", str(house.folder / "kept.db")) == 0

    return put_back


def by_file(house: House) -> Callable[[], None]:
    """Copy the file of the database; return what copies it back."""
    house.close()
    shutil.copy(house.folder / "digest.db", house.folder / "kept.db")

    def put_back() -> None:
        house.close()
        for tail in ("-wal", "-shm"):
            (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
        shutil.copy(house.folder / "kept.db", house.folder / "digest.db")

    return put_back


@pytest.fixture(params=spread(1, ["command", "file", "postgresql"]))
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Restore]]:
    """Return a house, and the function that keeps its database and returns what puts it back."""
    if request.param != "postgresql":
        house = House(tmp_path / "house")
        yield house, {"command": by_command, "file": by_file}[request.param]
        house.close()
        return
    databases: postgres.Databases = request.getfixturevalue("postgresql")
    template = request.getfixturevalue("postgresql_template")
    urls = [databases.new(template)]
    house = House(tmp_path / "house", urls[0])

    def by_template(house: House) -> Callable[[], None]:
        house.close()
        urls.append(databases.new(str(make_url(urls[0]).database)))

        def put_back() -> None:
            house.close()
            house._place = None
            house.settings = replace(house.settings, storage_url=urls[1])

        return put_back

    yield house, by_template
    house.close()
    for url in urls:
        databases.drop(url)


def join(house: House, name: str, count: int) -> list[int]:
    place = house.place
    with writing(place.engine) as conn:
        return [
            people.add(
                conn, people.NewSubscriber(f"{name}{n}@{name}.example", cadence="weekly"), how="test", now=house.now,
                secret=place.secret,
            ).id
            for n in range(count)
        ]  # fmt: skip


def letters_of(house: House, readers: list[int]) -> list[tuple[str, str]]:
    """Return (page, token) of every link in the readers' letters, and ("event", tag) of every delivery."""
    with reading(house.place.engine) as conn:
        owed = conn.execute(select(tables.delivery).where(tables.delivery.c.subscriber_id.in_(readers))).all()
    links = [("event", house.tag(row.id)) for row in owed]
    for reader in readers:
        links += [(page, house.token("preferences", reader)) for page in ("preferences", "pause")]
        links.append(("unsubscribe", house.token("unsubscribe", reader)))
    links += [("letters", house.token("browse", row.subscriber_id, row.edition_id)) for row in owed]
    return links


def state(house: House) -> list[Any]:
    """Return what links and events can change."""
    with reading(house.place.engine) as conn:
        kinds = (people_tables.subscriber, people_tables.consent_event, people_tables.suppression, tables.delivery)
        return [sorted(map(repr, conn.execute(select(table)).all())) for table in kinds]


def act(house: House, links: list[tuple[str, str]]) -> set[int]:
    """Open and post every link, tell every event without an address; return the answers' status codes."""
    place = house.place
    client = TestClient(make_app(house.live()))
    codes = set()
    for page, token in links:
        if page == "event":
            continue
        answers = [client.get(f"/{page}/{token}")]
        if page != "letters":
            answers.append(client.post(f"/{page}/{token}", content=FORMS.get(page, b"for=1-month")))
        assert not any(".example" in answer.text for answer in answers)  # nobody's address, masked or not
        codes |= {answer.status_code for answer in answers}
    for kind in ("bounce", "spamreport", "unsubscribe", "delivered"):
        events = [
            told(kind, 1, f"{kind} {tag}", tag=lambda _number, tag=tag: tag, at=house.now, email=None, status="5.1.1")
            for page, tag in links
            if page == "event"
        ]
        hook = house.settings.events.webhook()
        events_in.take_body(place.engine, hook, body_of(*events), place.secret, house.now)
    return codes


# 700 readers have 3,500 links and tags: over 10,000 in the three drills of `make proof`.
EACH_NUMBER = [3, pytest.param(100, marks=pytest.mark.long), pytest.param(700, marks=pytest.mark.proof)]


@pytest.mark.parametrize("count", EACH_NUMBER)
def test_links_and_tags_of_people_that_a_restore_forgot_act_on_nobody(
    drill: tuple[House, Restore], count: int
) -> None:
    house, keep = drill
    stays = join(house, "stays", 2)
    house.run()
    house.publish("One")
    house.run(days=4)
    put_back = keep(house)
    lost = join(house, "lost", count)
    house.publish("Two")
    house.run(days=7)
    links, kept = letters_of(house, lost), letters_of(house, stays)
    assert len(links) == 5 * count
    put_back()
    if house.place.fence.why():
        resume(house.place, sent=False)
    others = join(house, "others", count)
    assert others == lost  # the ids are given again
    house.publish("Three")
    house.run(days=1)
    house.run(days=6)
    before = state(house)
    assert act(house, links) == {410}
    assert state(house) == before
    # The links of a reader who was there before and after still work.
    client = TestClient(make_app(house.live()))
    pages = {page: token for page, token in kept if page != "event"}
    assert {client.get(f"/{page}/{token}").status_code for page, token in pages.items() if page != "letters"} == {200}


def old_form(house: House, reader: int, edition: int) -> list[tuple[str, str]]:
    """Return the links and tags of a reader's letter as programs before keys made them."""
    place = house.place

    def token(purpose: str, *numbers: int) -> str:
        return str(_serializer((place.secret,), purpose).dumps(list(numbers)))

    links = [(page, token("preferences", reader)) for page in ("preferences", "pause")]
    return [*links, ("letters", token("browse", reader, edition)), ("unsubscribe", token("unsubscribe", reader))]


@pytest.mark.long
@pytest.mark.parametrize("how", ["command", pytest.param("file", marks=pytest.mark.long)])
def test_links_of_the_old_form_work_until_the_first_restore(tmp_path: Path, how: str) -> None:
    house = House(tmp_path / "house")
    [reader, other] = join(house, "reader", 2)
    house.run()
    house.publish("One")
    house.run(days=4)
    with writing(house.place.engine) as conn:  # as the migration leaves the readers of its time
        conn.execute(update(people_tables.subscriber).values(old_links=True))
        conn.execute(update(tables.edition).values(old_links=True))
        edition = conn.scalar(select(tables.delivery.c.edition_id).where(tables.delivery.c.state == "accepted")) or 0
    [new] = join(house, "new", 1)
    pages = TestClient(make_app(house.live()))
    links = old_form(house, reader, edition)
    assert {pages.get(f"/{page}/{token}").status_code for page, token in links} == {200}
    assert act(house, old_form(house, new, edition)) == {410}  # joined later, so never had such a link
    put_back = {"command": by_command, "file": by_file}[how](house)
    house.publish("Two")
    house.run(days=7)
    assert pages.post("/".join(("", *links[-1])), content=FORMS["unsubscribe"]).status_code == 200
    put_back()
    if how == "file":
        resume(house.place, sent=True)
    before = state(house)
    assert act(house, old_form(house, reader, edition) + old_form(house, other, edition)) == {410}
    assert state(house) == before
    house.close()


def test_the_page_of_an_old_link_says_so_and_offers_a_new_one(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    [reader] = join(house, "reader", 1)
    token = make_token([house.place.secret], "unsubscribe", reader, "another person's")
    client = TestClient(make_app(house.live()))
    for answer in (client.get(f"/unsubscribe/{token}"), client.post(f"/unsubscribe/{token}", content=b"")):
        assert answer.status_code == 410
        assert "This link is from an old letter" in answer.text and "nothing has changed" in answer.text
        assert 'href="mailto:digest@example.org?subject=New%20link"' in answer.text
        assert answer.headers["cache-control"] == "no-store"
    house.close()


@pytest.mark.long
def test_keys_differ_for_each_reader_and_edition_however_they_come(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    join(house, "one", 3)
    file = house.folder / "people.csv"
    file.write_text("email\n" + "".join(f"b{n}@bulk.example\n" for n in range(50)))
    house.close()
    assert cli_of(house, "subscribers", "import", str(file)) == 0
    house.run()
    house.publish("One")
    for _ in range(3):
        house.run(days=4)
    with reading(house.place.engine) as conn:
        for table in ("subscriber", "edition"):
            keys = list(conn.scalars(text(f"SELECT key FROM {table}")))
            assert len(keys) == len(set(keys)) > 1
            assert {len(key) for key in keys} == {16}
    house.close()
