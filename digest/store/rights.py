"""Try whether an account may do in a PostgreSQL database what a run does there; everything is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, delete, false, insert, select, text, update

from digest.errors import DigestError
from digest.store.engine import translate_errors
from digest.store.migrate import tables
from digest.store.sqlstate import grant_for

# Asked apart, because a statement that writes no row takes no number of a sequence.
_FORBIDDEN_SEQUENCES = text(
    "SELECT oid::regclass FROM pg_class WHERE relnamespace = to_regnamespace(current_schema())"
    " AND CASE WHEN relkind = 'S' THEN NOT has_sequence_privilege(oid, 'USAGE') END ORDER BY relname LIMIT 1"
)


def try_to_make_tables(engine: Engine) -> None:
    """Make a table in an empty database. Raises DigestError, with the right that is missing, when that is refused."""
    with _rolled_back(engine) as conn:
        conn.exec_driver_sql("CREATE TABLE digest_trial (number INTEGER)")


def try_to_write(engine: Engine) -> None:
    """Write no rows to each table. Raises DigestError, with the right that is missing, when that is refused."""
    with _rolled_back(engine) as conn:
        for table in tables().sorted_tables:
            conn.execute(insert(table).from_select(list(table.c), select(table).where(false())))
            conn.execute(update(table).where(false()).values({column: column for column in table.c}))
            conn.execute(delete(table).where(false()))
        if sequence := conn.scalar(_FORBIDDEN_SEQUENCES):
            words = f"permission denied for sequence {sequence}"
            raise DigestError(f"{words}; {grant_for(engine, words)}")


@contextmanager
def _rolled_back(engine: Engine) -> Iterator[Connection]:
    engine.dispose()  # because a connection that has read before may write where a new one may not
    with translate_errors(engine), engine.connect() as connection:
        yield connection  # never committed
