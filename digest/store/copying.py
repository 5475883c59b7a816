"""Copy all rows of an SQLite database into an empty PostgreSQL database, and compare both by counts and hashes.

Rows are read and written a chunk at a time, so that the memory does not grow with the database. Values are read by
the types that the tables declare, as the program itself reads them; only JSON is copied and compared as the text that
is stored, because a null of the database and a null of JSON are the same to a reader of values and not to a query.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import OperationalError

from digest.errors import DigestError, WrongUse
from digest.store.bulk import insert_rows
from digest.store.migrate import tables
from digest.store.moved import MOVING
from digest.store.schema import installation
from digest.store.unindexed import unindexed
from digest.system.failpoint import failpoint

_CHUNK = 2_000  # rows
_NO_LIMITS = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')
"""
Told = Callable[[int], None]


@dataclass(slots=True)
class Account:
    """Hold of each table of a database how many rows it has, and a hash of all its rows in the order of their key."""

    rows: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the rows of all tables."""
        return sum(self.rows.values())


def table_names() -> list[str]:
    """Return the names of all tables of the program."""
    return [table.name for table in tables().sorted_tables]


def count_rows(conn: Connection) -> dict[str, int]:
    """Return how many rows each table has that is copied."""
    return {table.name: conn.scalar(select(func.count()).select_from(table)) or 0 for table in _copied()}


def require_empty(conn: Connection, token: str) -> None:
    """Lock every table of the new database against other sessions, and raise WrongUse when any of them has a row.

    Only the copy of the move with this token is removed, which was killed, because nothing was mailed from it and it
    took no changes.
    """
    names = ", ".join(table_names())
    conn.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
    row = conn.execute(select(installation)).one_or_none()
    if row is not None and row.previous == MOVING and row.token == token:
        conn.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")
    for table in tables().sorted_tables:
        if conn.scalar(select(literal(1)).select_from(table).limit(1)):
            raise WrongUse(
                f"database {conn.engine.url.database}: holds rows already (table {table.name}), and a move overwrites"
                " nothing; make an empty one with `createdb`, and name that"
            )


def copy_rows(old: Connection, new: Connection, token: str, told: Told) -> Account:
    """Copy every row of `old` to `new`; return the account of `old`. `told` is called with the rows done so far.

    The row of the fence gets `token`, and a mark that the move has not ended. Nothing is committed.
    """
    account = Account()
    # Because this transaction is idle while rows are read, and a commit that a crash of the server undoes would leave
    # neither database with the letters that are owed.
    new.execute(text(_NO_LIMITS))
    new.exec_driver_sql("SET LOCAL synchronous_commit = on")
    # Of which the fence's file tells how many it knows of.
    claims = old.scalar(select(installation.c.claims)) or 0
    new.execute(insert(installation).values(id=1, token=token, previous=MOVING, held=False, claims=claims))
    with unindexed(new, table_names()):
        for table in _copied():
            names = [column.name for column in table.columns]
            with _naming_table(table, new):
                for rows in _summed(account, table, old):
                    insert_rows(new, table, names, rows, {})
                    told(account.total)
            failpoint("move: a table copied")
    _continue_numbers(old, new)
    new.exec_driver_sql("ANALYZE")  # because the first run would be slow where the server knows nothing of the tables
    return account


def account_of(conn: Connection, told: Told = lambda _done: None) -> Account:
    """Return the account of a database; `told` is called with the rows done so far."""
    account = Account()
    for table in _copied():
        for _rows in _summed(account, table, conn):
            told(account.total)
    return account


def require_equal(old: Account, new: Account) -> None:
    """Raise DigestError, naming the first table, unless both databases hold the same rows."""
    for name, count in old.rows.items():
        if (count, old.hashes[name]) != (new.rows.get(name), new.hashes.get(name)):
            raise DigestError(
                f"table {name}: {count} rows were copied, and {new.rows.get(name, 0)} arrived that are not the same;"
                " nothing was changed, report this"
            )


def _copied() -> list[Table]:
    """Return the tables that are copied as they are; the row of the fence differs on purpose."""
    return [table for table in tables().sorted_tables if table is not installation]


@contextmanager
def _naming_table(table: Table, new: Connection) -> Iterator[None]:
    """Turn the error of a value that cannot be read, or is refused, into one that names the table, not the value."""
    driver = new.dialect.loaded_dbapi
    try:
        yield
    except (driver.DataError, driver.IntegrityError) as error:
        code = getattr(error, "sqlstate", None) or "none"
        problem = f"table {table.name}: the new database refused a row (SQLSTATE {code})"
        raise DigestError(f"{problem}; nothing was changed, report this") from error
    except ValueError as error:
        raise DigestError(
            f"table {table.name}: a row has a time that is none; correct it, nothing was changed"
        ) from error
    except OperationalError as error:
        # Not the driver's words, because they quote the text.
        if not str(error.orig).startswith("Could not decode"):
            raise
        raise DigestError(
            f"table {table.name}: a row has a text that is not UTF-8; correct it, nothing was changed"
        ) from None


def _summed(account: Account, table: Table, conn: Connection) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a table's rows in chunks, in the order of its key, and put its count and hash into the account."""
    whole, count = hashlib.sha256(), 0
    account.rows[table.name] = 0
    options = {"stream_results": conn.dialect.name == "postgresql", "yield_per": _CHUNK}
    for partition in conn.execute(_in_order(conn, table), execution_options=options).partitions():
        rows = [tuple(row) for row in partition]
        # Their literals, because these tell apart all values that the columns can hold: NULL, "", 0 and false.
        whole.update("\n".join(map(repr, rows)).encode("utf-8", "surrogatepass") + b"\n")
        count += len(rows)
        account.rows[table.name] = count
        yield rows
    account.hashes[table.name] = whole.hexdigest()


def _in_order(conn: Connection, table: Table) -> Select[Any]:
    """Return the query of a table's rows in an order that both databases share: texts by their bytes."""
    postgresql = conn.dialect.name == "postgresql"

    def shown(column: ColumnElement[Any]) -> ColumnElement[Any]:
        if not isinstance(column.type, JSON):
            return column
        return cast(column, Text) if postgresql else type_coerce(column, Text)

    key = list(table.primary_key)
    assert key, f"{table.name}: has no primary key, so that its rows have no order"
    order = [column.collate("C") if postgresql and isinstance(column.type, String) else column for column in key]
    return select(*map(shown, table.columns)).order_by(*order)


def _continue_numbers(old: Connection, new: Connection) -> None:
    """Let the new database number rows from where the old one stands, which may be behind its newest row.

    The number of a row that was removed must not be given again, where the old database kept it from that.
    """
    for table in _copied():
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = new.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        if sequence is None:
            continue
        last = old.scalar(select(func.max(column))) or 0
        kept = old.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}) or 0
        if last or kept:
            new.execute(select(func.setval(sequence, max(last, kept))))
