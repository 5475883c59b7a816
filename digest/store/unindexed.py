"""Take foreign keys and indexes out of a PostgreSQL database while it is filled, and put the same ones back.

To build an index once, and to check all references by one query, takes a small part of the time that it takes row by
row. All is done in the caller's transaction, so that nobody ever sees the tables without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

_KEYS = text("""
    SELECT conrelid::regclass::text AS of, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS made
    FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables) ORDER BY oid
""")
# Not those of keys: a unique index may be the target of a foreign key, and finds a row that is there twice.
_INDEXES = text("""
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made
    FROM pg_index WHERE NOT indisunique AND indrelid::regclass::text = ANY(:tables) ORDER BY indexrelid
""")


@contextmanager
def unindexed(conn: Connection, tables: Sequence[str]) -> Iterator[None]:
    """Take foreign keys and indexes out of the tables during the block; the role must own the tables."""
    keys = conn.execute(_KEYS, {"tables": list(tables)}).all()
    indexes = conn.execute(_INDEXES, {"tables": list(tables)}).all()
    for key in keys:
        conn.exec_driver_sql(f"ALTER TABLE {key.of} DROP CONSTRAINT {key.name}")
    for index in indexes:
        conn.exec_driver_sql(f"DROP INDEX {index.name}")
    yield
    for index in indexes:
        conn.exec_driver_sql(index.made)
    for key in keys:
        conn.exec_driver_sql(f"ALTER TABLE {key.of} ADD CONSTRAINT {key.name} {key.made}")
