"""Search the archive: by SQLite's FTS5, by PostgreSQL's full text, or by a plain comparison where FTS5 is absent.

All three compare the words of `facets.searchable` and give the same entries in the same order: first those with more
of the words in their title, then those that were sent last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select, table, text
from sqlalchemy import column as sql_column

from digest.store.archive import Scope, Sent, Span, newest, page_of
from digest.store.archive_rows import has_fts5
from digest.store.archive_tables import SEARCH, SEARCH_COLUMN, archived, archived_newest


def search_archive(conn: Connection, scope: Scope, words: Sequence[str], span: Span) -> tuple[int, list[Sent]]:
    """Return how many entries have all the words, and those of a span.

    `words` are those of `facets.searchable.query_words`; the last one may be the beginning of a word. No words match
    nothing.
    """
    if not words:
        return 0, []
    its_words = archived.alias("its_words")
    query = newest(scope).join(its_words, its_words.c.id == archived_newest.c.archived_id)
    in_title = [case((condition, 1), else_=0) for condition in _contained(its_words.c.title, words)]
    hits: Any = sum(in_title[1:], start=in_title[0])
    return page_of(conn, query.where(_matches(conn, its_words, words)), span, hits.desc())


def _matches(conn: Connection, of: Any, words: Sequence[str]) -> ColumnElement[bool]:
    if conn.dialect.name == "postgresql":
        # Nothing in a word needs to be quoted, because it is letters and digits alone.
        asked = f"{' & '.join(words)}:*"
        indexed: ColumnElement[Any] = literal_column(f"{of.name}.{SEARCH_COLUMN}")
        return indexed.op("@@", is_comparison=True)(func.to_tsquery(literal_column("'simple'::regconfig"), asked))
    if has_fts5(conn):
        # In quotation marks, because FTS5 takes AND, OR, NOT and NEAR for its own.
        asked = " ".join(f'"{word}"' for word in words) + "*"
        index = table(SEARCH, sql_column("rowid"))
        rows = select(index.c.rowid).where(text(f"{SEARCH} MATCH :asked").bindparams(asked=asked))
        matches: ColumnElement[bool] = of.c.id.in_(rows)
        return matches
    return and_(*_contained(of.c.words, words))


def _contained(of: ColumnElement[str], words: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return for each word the condition that it stands in a text of words with a space before and after each."""
    whole = [of.contains(f" {word} ") for word in words[:-1]]
    return [*whole, of.contains(f" {words[-1]}")]
