"""Define the basis of all SQL of an installation: table catalogue, column types, chunks of values, upserts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

# Values of a chunk: SQLite binds at most 32,766 in a statement, PostgreSQL 65,535, and a statement binds others too.
CHUNK = 1_000

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only for the type INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")


KEY = 16  # characters of a random key


def random_key() -> str:
    """Return a new random key: 64 bits in hexadecimal. A restore may give an id again, but never a key."""
    return secrets.token_hex(KEY // 2)


class UtcDateTime(TypeDecorator[datetime]):
    """A column of aware UTC instants; without this type SQLite would return them naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the value to store, in UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give an aware one")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Return what reads a stored value; SQLite's are texts, and read here in half the time."""
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware UTC datetime, whether the driver gave a naive or an aware value."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def among(conn: Connection, column: ColumnElement[Any], values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of many values, given to the database as a single one.

    A list of 1,000 values in a statement costs more to build than the database takes to look them up.
    """
    if conn.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), ARRAY(column.type)))
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


def pairs(conn: Connection, texts: Mapping[int, str]) -> tuple[ColumnElement[int], ColumnElement[str]]:
    """Return two columns, the numbers and the text of each, of a table given to the database as a single value.

    Sorted, because statements that lock rows in one order do not deadlock. Raises UnicodeEncodeError for half a
    surrogate pair where it is executed.
    """
    # Not in escapes, because SQLite would store half a surrogate pair as bytes that are no text.
    whole = json.dumps(dict(sorted(texts.items())), ensure_ascii=False)
    if conn.dialect.name == "postgresql":
        table = func.json_each_text(cast(literal(whole, Text), JSON))
    else:
        table = func.json_each(whole)
    columns = table.table_valued("key", "value").c
    return cast(columns.key, BigInteger), columns.value


def _from_sqlite(value: str | None) -> datetime | None:
    # With its offset added as text, because `datetime.replace` takes ten times as long.
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield `values` in their order as lists of `size`, the last one shorter; nothing for no values.

    Sort a set first: statements that lock rows in one order wait for each other and do not deadlock.
    """
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def dialect_insert(conn: Connection) -> type[sqlite.Insert] | type[postgresql.Insert]:
    """Return the INSERT of this database's dialect, because the general INSERT has no ON CONFLICT."""
    # Each is imported where it is needed, because a database has one dialect and both are slow to import.
    if conn.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

        return SqliteInsert
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert

    return PostgresqlInsert
