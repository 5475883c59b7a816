"""Declare the tables of the archive: what was sent, as it is searched and found by facet.

In the catalogue of `schema`. A change here needs a migration in `migrations/versions/`; a test compares the two. The
index of words stands in the migration alone, because each database has its own kind: SQLite the table SEARCH, with
FTS5, and PostgreSQL the column SEARCH_COLUMN of `archived`, with an index.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from subscribers.database import Key, UtcDateTime, metadata

SEARCH = "archive_search"  # with the tables in which FTS5 keeps it, whose names begin so
SEARCH_COLUMN = "indexed_words"

# One row for each entry of a frozen edition, written when it is frozen, and never changed. Entries of a source that
# was not public at that time have none. `title` and `words` (of the title too) are those of `facets.searchable`,
# with a space before and after each, so that a word can be looked for as it is.
archived = Table(
    "archived",
    metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
    Column("source", String(200), nullable=False),  # beside the entry's, because its texts would have to be read past
    Column("title", Text, nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("edition_id", "entry_id"),
    Index(None, "entry_id", "edition_id"),
    sqlite_autoincrement=True,
)

# For each set of cadences (1 daily + 2 weekly + 4 monthly): the newest edition of these cadences with an entry, which
# says how it is shown where these are public, and when it first went out in one. Editions that a person has stopped
# do not count.
archived_newest = Table(
    "archived_newest",
    metadata,
    Column("cadences", Integer, primary_key=True, autoincrement=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("archived_id", ForeignKey("archived.id", ondelete="CASCADE"), nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("newest_at", UtcDateTime, nullable=False),
    Index(None, "archived_id", "cadences"),
    Index(None, "cadences", "first_at", "entry_id"),
)

# By what an entry of the archive is found: its kind, policy areas, regions, themes, and the barriers of its
# ingredients. `facet` is "kind", "policy-area", "region", "theme" or "barrier".
archived_facet = Table(
    "archived_facet",
    metadata,
    Column("facet", String(12), primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("archived_id", ForeignKey("archived.id", ondelete="CASCADE"), primary_key=True, index=True),
)
