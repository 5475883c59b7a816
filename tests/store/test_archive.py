"""The rows of the archive: filled by the upgrade, kept by each freeze, read by a few statements that use indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, insert, select, text
from starlette.testclient import TestClient

from digest.config.load import load
from digest.facets.searchable import query_words
from digest.model import Entry, Facets, Ingredient
from digest.store import archive, archive_rows, migrate
from digest.store import schema as tables
from digest.store.archive import Scope, Span
from digest.store.archive_search import search_archive
from digest.store.archive_tables import archived, archived_newest
from digest.store.editions import shown_content
from digest.store.engine import make_engine, reading, writing
from digest.web.app import make_app
from tests.asked import asked
from tests.house import House, Serving

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ALL = Scope(("daily", "weekly", "monthly"))
Open = Callable[..., Engine]


@pytest.fixture
def opened() -> Iterator[Open]:
    """A function that opens an engine, disposed of after the test."""
    engines: list[Engine] = []

    def make(url: str) -> Engine:
        engines.append(make_engine(url))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


def made_entry(number: int) -> Entry:
    study = number % 3 == 0
    lines = (Ingredient("in-the-way", f"Money ran out in ward {number}.", ("money",)),) if study else ()
    facets = Facets(("housing",), ("wales",), ("leadership",) if number % 2 else ())
    kind = "case-study" if study else "post"
    return Entry(number, f"Source {number % 3}", f"https://example.org/{number}", f"Home {number}", kind, NOW, NOW,
                 "A summary.", facets=facets, ingredients=lines)  # fmt: skip


def fill(conn: Connection, editions: int, each: int) -> None:
    """Store frozen weekly editions, with `each` entries of their own and the last one of the edition before."""
    for number in range(1, editions + 1):
        at = NOW + timedelta(days=7 * number)
        conn.execute(insert(tables.edition), [{
            "id": number, "cadence": "weekly", "slot": at.date().isoformat(), "state": "frozen", "held": False,
            "to_release": 0, "content_hash": "", "created_at": at, "frozen_at": at,
        }])  # fmt: skip
        own = range((number - 1) * each + 1, number * each + 1)
        conn.execute(insert(tables.entry), [{
            "id": entry.id, "source": entry.source, "title": entry.title, "kind": entry.kind, "first_seen": NOW,
            "categories": [], "policy_areas": [], "regions": [], "themes": [], "evidence": [], "state": "ready",
            "print": "",
        } for entry in map(made_entry, own)])  # fmt: skip
        numbers = [*range(max(1, own[0] - 1), own[0]), *own]
        conn.execute(insert(tables.edition_entry), [{
            "edition_id": number, "entry_id": entry, "position": place, "release": 1,
            "content": shown_content(made_entry(entry)),
        } for place, entry in enumerate(numbers)])  # fmt: skip


@pytest.mark.long
def test_an_upgrade_archives_what_was_sent_before(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.connect() as connection, connection.begin():
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0022")
    with writing(engine) as conn:
        fill(conn, 3, 4)
        conn.execute(text("UPDATE edition SET held = true WHERE id = 2"))
    assert migrate.upgrade(engine) is True
    with writing(engine) as conn:
        conn.execute(text("UPDATE edition SET held = false WHERE id = 2"))
        before = rows(conn)
        assert len(before[0]) == 14
        # The same as a freeze writes, but for the edition that was stopped.
        archive_rows.settle_archive(conn, 2)
        after = rows(conn)
        assert after[0] == before[0] and len(after[1]) == 12 * 4 and len(before[1]) == 9 * 4
        total, found = search_archive(conn, ALL, query_words("money ward 3"), Span(5))
        assert (total, [row.entry.title for row in found]) == (1, ["Home 3"])
        # The next number is a free one.
        conn.execute(text("DELETE FROM archived WHERE edition_id = 3"))
        archive_rows.archive_edition(conn, 3)
        assert archive.facet_counts(conn, ALL)["kind", "case-study"] == 4


def rows(conn: Connection) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    columns = (archived.c.edition_id, archived.c.entry_id, archived.c.title, archived.c.words)
    newest = (archived_newest.c.cadences, archived_newest.c.entry_id, archived_newest.c.first_at)
    return (
        [tuple(row) for row in conn.execute(select(*columns).order_by(archived.c.id))],
        [tuple(row) for row in conn.execute(select(*newest).order_by(*newest))],
    )


@pytest.fixture
def filled(database_url: str, opened: Open) -> Engine:
    """A database with 6 editions of 30 entries each."""
    engine = opened(database_url)
    with writing(engine) as conn:
        fill(conn, 6, 30)
        for number in range(1, 7):
            archive_rows.archive_edition(conn, number)
    return engine


def test_an_entry_is_listed_once_by_its_newest_edition(filled: Engine) -> None:
    with reading(filled) as conn:
        total, some = archive.sent_by(conn, ALL, [("kind", "post")], Span(500))
        assert total == len(some) == len({row.entry.id for row in some}) == 120
        again = next(row for row in some if row.entry.id == 31)
        assert (again.first, again.newest) == (NOW + timedelta(days=14), NOW + timedelta(days=14))
        _, studies = archive.sent_by(conn, ALL, [("kind", "case-study"), ("barrier", "money")], Span(500))
        twice = next(row for row in studies if row.entry.id == 30)
        assert (twice.first, twice.newest) == (NOW + timedelta(days=7), NOW + timedelta(days=14))
        assert archive.facet_counts(conn, ALL._replace(hidden=frozenset({"Source 0"})))["kind", "post"] == 120
        assert ("kind", "case-study") not in archive.facet_counts(conn, ALL._replace(hidden=frozenset({"Source 0"})))
        assert archive.facet_counts(conn, Scope(("monthly",))) == {}


def test_pages_follow_each_other_without_gap_or_repeat(filled: Engine) -> None:
    with reading(filled) as conn:
        pages = [
            archive.sent_by(conn, ALL, [("policy-area", "housing")], Span(20, at))[1] for at in range(0, 200, 20)
        ]
        numbers = [row.entry.id for page in pages for row in page]
        assert len(numbers) == len(set(numbers)) == 180
        firsts = [row.first for page in pages for row in page]
        assert firsts == sorted(firsts, reverse=True)
        found = [search_archive(conn, ALL, ("home",), Span(50, at))[1] for at in range(0, 200, 50)]
        assert len({row.entry.id for page in found for row in page}) == 180


PATHS = (
    "/archive", "/archive/weekly/2026-11-16", "/archive/policy-areas/housing", "/archive/case-studies?barrier=money",
    "/archive/entries/3", "/search?q=home", "/archive/feed.atom", "/sitemap.xml",
)  # fmt: skip


@pytest.mark.long
def test_a_page_asks_as_much_however_many_there_are(database_url: str, tmp_path: Path, opened: Open) -> None:
    house = House(tmp_path / "house", database_url)
    engine = opened(house.settings.storage_url)
    client = TestClient(make_app(Serving(house.settings, lambda: NOW, engine=engine)))
    counts = []
    for editions, each in ((2, 5), (8, 40)):
        with writing(engine) as conn:
            for table in ("archived_facet", "archived_newest", "archived", "edition_entry", "edition", "entry"):
                conn.execute(text(f"DELETE FROM {table}"))
            fill(conn, editions, each)
            for number in range(1, editions + 1):
                archive_rows.archive_edition(conn, number)
        counts.append([])
        for path in PATHS:
            with asked(engine) as statements:
                assert client.get(path).status_code == 200
            counts[-1].append(len(statements))
    assert counts[0] == counts[1] and max(counts[0]) <= 7
    house.close()


def test_no_list_and_no_search_reads_a_whole_table_of_the_archive(sqlite_url: str, opened: Open) -> None:
    engine = opened(sqlite_url)
    with writing(engine) as conn:
        fill(conn, 6, 30)
        for number in range(1, 7):
            archive_rows.archive_edition(conn, number)
        conn.execute(text("ANALYZE"))
    with reading(engine) as conn:
        asks = {
            "a list": lambda: archive.sent_by(conn, ALL, [("barrier", "money")], Span(20)),
            "an entry": lambda: archive.sent_entry(conn, ALL, 33),
            "an edition": lambda: archive.entries_of(conn, ALL, 2),
            "a search": lambda: search_archive(conn, ALL, ("ward", "33"), Span(20)),
            "the newest": lambda: archive.last_sent(conn, ALL, 20),
        }
        for name, ask in asks.items():
            plans = plans_of(engine, conn, ask)
            assert plans, name
            scans = [line for line in plans if re.match(r"SCAN (archived|its_words|edition_entry|entry)\b", line)]
            assert not [line for line in scans if "USING" not in line], (name, plans)


def plans_of(engine: Engine, conn: Connection, ask: Callable[[], object]) -> list[str]:
    """Return SQLite's plan of each statement that is executed meanwhile."""
    from sqlalchemy import event

    plans: list[str] = []

    def explain(connection: Connection, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
        if statement.startswith("SELECT"):
            driver = connection.connection.driver_connection
            assert driver is not None
            plans.extend(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(engine, "before_cursor_execute", explain)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    return plans


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('cadences = ["weekyl"]', "archive.cadences: 'weekyl' is not a cadence; use some of daily, monthly, weekly"),
        ('cadences = "weekly"', "archive.cadences: is no list"),
        ('public = "perhaps"', "archive.public: is neither true nor false"),
        ("open = true", "archive.open: unknown key; known here: cadences, public"),
    ],
)
def test_a_mistake_in_the_config_is_named(tmp_path: Path, line: str, problem: str) -> None:
    house = House(tmp_path / "house")
    house.config.write_text(house.config.read_text() + f"\n[archive]\n{line}\n")
    with pytest.raises(Exception, match=re.escape(problem)):
        load(house.config, {})
