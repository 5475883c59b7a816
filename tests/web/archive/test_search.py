"""The search of the archive: the same answers on both databases and without FTS5, for any text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from digest.facets.searchable import query_words
from digest.readers.archive import archive_scope, read_search
from digest.store.archive import Span
from digest.store.archive_rows import archive_edition, index_words
from digest.store.archive_search import search_archive
from digest.store.engine import reading, writing
from tests.counts import table
from tests.web.archive.library import Library, shown

HOMES = "Tŷ Gwynedd: empty homes"
QUERIES = [
    ("homes", [HOMES, "Homes again"]),
    ("HOM", [HOMES, "Homes again"]),
    ("ty", [HOMES]),
    ("tŷ gwynedd", [HOMES]),
    ("gwynedd landl", [HOMES]),
    ("landlor homes", []),  # only the last may be a beginning
    ("cafe", ["A café for carers"]),
    ("CAFÉ", ["A café for carers"]),
    ("money", [HOMES]),  # also the barrier that it names
    ("scotland", ["Buses in the dale"]),
    ("housing again", ["Homes again"]),
    ("ann lee", [HOMES]),
    ("zebra", []),
    ("inner", []),
    ('"homes" AND NOT (again)', []),
    ("homes*", [HOMES, "Homes again"]),
    ("title:homes", []),
    ("' OR 1=1 --", []),
    ("%", []),
    ("_", []),
]


def titles(library: Library, query: str) -> list[str]:
    scope = archive_scope(library.house.settings)
    assert scope is not None
    return [row.entry.title for row in read_search(library.engine, scope, query, 1).entries]


@table("query, there", QUERIES)
def test_a_query_finds_what_has_all_its_words(either: Library, query: str, there: list[str]) -> None:
    assert titles(either, query) == there


def test_words_in_the_title_come_first_then_the_newest(either: Library) -> None:
    # "learnt" is in the text of all but one, "again" in the title of one, in the text of none else.
    assert titles(either, "learnt")[0] == "Buses in the dale"
    assert titles(either, "what report")[0] == "A wrong report"


@table("query, there", QUERIES)
def test_without_fts5_the_answers_are_the_same(plain: Library, query: str, there: list[str]) -> None:
    assert titles(plain, query) == there


@pytest.fixture
def plain(library: Library) -> Library:
    """A library whose database is as an SQLite without FTS5 makes it."""
    with writing(library.engine) as conn:
        conn.execute(text("DROP TABLE archive_search"))
    return library


def asked_all_ways(conn: Connection, library: Library, query: str) -> list[int]:
    scope = archive_scope(library.house.settings)
    assert scope is not None
    _, rows = search_archive(conn, scope, query_words(query), Span(20))
    return [row.entry.id for row in rows]


PARTS = ["homes", "learnt what", "a", "w", "tŷ", "café", "money '", "* (", "AND", "NEAR", "% _", ": -", '"', "\x00"]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(), max_size=6).map(" ".join)
ANY = ["x" * 10_000, "homes " * 2_000, "\x00", "'\";--", "%00", "\ud800", "aaaaa" + "*" * 9_000]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=TEXTS)
def test_any_text_is_harmless_and_has_the_same_answer_on_both(
    shelf: Library, shelf_on_postgresql: Library, query: str
) -> None:
    answers = []
    for library in (shelf, shelf_on_postgresql):
        with reading(library.engine) as conn:
            answers.append(asked_all_ways(conn, library, query))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "query", ["x" * 10_000, "homes " * 2_000, "\x00", "'\";--", "%00", "\ud800", "a" * 5 + "*" * 9_000]
)
def test_the_page_takes_any_query(either: Library, query: str) -> None:
    page = either.client().get("/search", params={"q": query.encode("utf-8", "replace").decode()})
    assert (page.status_code, page.headers["x-robots-tag"], page.headers["cache-control"]) == (
        200, "noindex", "no-store",
    )  # fmt: skip
    assert len(page.content) < 60_000


def test_the_page_marks_what_it_found_and_escapes_what_was_asked(shelf: Library) -> None:
    page = shelf.get("/search?q=empty+hom")
    assert "<mark>empty</mark> <mark>homes</mark>" in page.text and "1 entry found" in shown(page)
    strange = shelf.client().get("/search", params={"q": "<b>zebra</b>\"'"})
    assert "<b>" not in strange.text and "&lt;b&gt;zebra" in strange.text
    assert "Nothing that was sent has" in shown(strange) and "Policy areas" in shown(strange)
    blank = shelf.get("/search")
    assert "Write one word or several" in shown(blank)
    assert "no word in that" in shown(shelf.client().get("/search", params={"q": "?!"}))


def test_what_an_sqlite_without_fts5_froze_is_indexed_later(library: Library) -> None:
    with writing(library.engine) as conn:
        before: Any = conn.scalar(text("SELECT max(id) FROM archived"))
        conn.execute(text("DELETE FROM archive_search_docsize WHERE id = :id"), {"id": before})
        index_words(conn)
        assert conn.scalar(text("SELECT max(id) FROM archive_search_docsize")) == before


def test_the_words_of_a_frozen_edition_are_searched_at_once(library: Library) -> None:
    library.house.publish("A heronry by the mill")
    library.house.run(days=7)
    assert titles(library, "heronry") == ["A heronry by the mill"]
    with writing(library.engine) as conn, pytest.raises(Exception, match="UNIQUE"):
        archive_edition(conn, 1)  # once
