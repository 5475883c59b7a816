"""Add the archive: the entries of frozen editions as they are searched and found by facet, and the index of words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from digest.store.archive_rows import Sending, facets_of, newest_rows, searched
from digest.store.entries import from_json
from subscribers.database import Key, UtcDateTime, chunks

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the tables, fill them from the editions that are frozen, and index their words."""
    op.create_table(
        "archived",
        sa.Column("id", Key, primary_key=True),
        sa.Column("edition_id", Key, sa.ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.UniqueConstraint("edition_id", "entry_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_archived_entry_id_edition_id", "archived", ["entry_id", "edition_id"])
    op.create_table(
        "archived_facet",
        sa.Column("facet", sa.String(12), primary_key=True),
        sa.Column("slug", sa.Text(), primary_key=True),
        sa.Column("archived_id", Key, sa.ForeignKey("archived.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_archived_facet_archived_id", "archived_facet", ["archived_id"])
    op.create_table(
        "archived_newest",
        sa.Column("cadences", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("archived_id", Key, sa.ForeignKey("archived.id", ondelete="CASCADE"), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("newest_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_archived_newest_entry_id", "archived_newest", ["entry_id"])
    op.create_index("ix_archived_newest_archived_id_cadences", "archived_newest", ["archived_id", "cadences"])
    op.create_index(
        "ix_archived_newest_cadences_first_at_entry_id", "archived_newest", ["cadences", "first_at", "entry_id"]
    )
    connection = op.get_bind()
    _fill(connection)
    _settle(connection)
    _add_index(connection)


def _fill(connection: sa.Connection) -> None:
    """Put the entries of the frozen editions into the archive, an edition at a time because all are many."""
    archived = sa.table("archived", *map(sa.column, ("id", "edition_id", "entry_id", "source", "title", "words")))
    facets = sa.table("archived_facet", *map(sa.column, ("facet", "slug", "archived_id")))
    edition = sa.table("edition", *map(sa.column, ("id", "state", "frozen_at")))
    entries = sa.table("edition_entry", *map(sa.column, ("edition_id", "position")), sa.column("content", sa.JSON()))
    frozen = sa.select(edition.c.id).where(edition.c.state == "frozen").order_by(edition.c.frozen_at, edition.c.id)
    last = 0
    for number in connection.scalars(frozen).all():
        query = sa.select(entries.c.content).where(entries.c.edition_id == number)
        for some in chunks(connection.execute(query.order_by(entries.c.position)).all()):
            shown = [from_json(row.content) for row in some]
            rows = [
                {"id": last + place, "edition_id": number, "entry_id": entry.id, **searched(entry)}
                for place, entry in enumerate(shown, 1)
            ]
            connection.execute(sa.insert(archived), rows)
            found_by = [
                {"archived_id": last + place, "facet": facet, "slug": slug}
                for place, entry in enumerate(shown, 1)
                for facet, slug in facets_of(entry)
            ]
            connection.execute(sa.insert(facets), found_by)
            last += len(some)
    if connection.dialect.name == "postgresql" and last:
        # Because the numbers were given here, and the next row would get the first of them again.
        op.execute(f"SELECT setval(pg_get_serial_sequence('archived', 'id'), {last})")


def _settle(connection: sa.Connection) -> None:
    """Note which edition is the newest with each entry, so far as nobody has stopped it."""
    newest = sa.table(
        "archived_newest", *map(sa.column, ("cadences", "entry_id", "archived_id")),
        *(sa.column(name, UtcDateTime()) for name in ("first_at", "newest_at")),
    )  # fmt: skip
    at = sa.text(
        "SELECT a.id, a.entry_id, e.cadence, e.frozen_at FROM archived a JOIN edition e ON e.id = a.edition_id"
        " WHERE NOT e.held ORDER BY e.frozen_at, e.id"
    ).columns(frozen_at=UtcDateTime())
    for some in chunks(newest_rows(Sending(*row) for row in connection.execute(at).all())):
        connection.execute(sa.insert(newest), some)


def _add_index(connection: sa.Connection) -> None:
    """Add the index of words: of PostgreSQL's own kind, or with FTS5 where this SQLite has it."""
    if connection.dialect.name == "postgresql":
        # A column, because the words of each row would be cut again where the index alone does not decide.
        op.execute(
            "ALTER TABLE archived ADD COLUMN indexed_words tsvector"
            " GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, words)) STORED"
        )
        op.execute("CREATE INDEX ix_archived_indexed_words ON archived USING gin (indexed_words)")
    elif connection.scalar(sa.text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")):
        op.execute(
            "CREATE VIRTUAL TABLE archive_search USING fts5(words, content='archived', content_rowid='id',"
            " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
        )
        op.execute("INSERT INTO archive_search (archive_search) VALUES ('rebuild')")
