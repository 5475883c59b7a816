"""Find the values of an SQLite database that PostgreSQL would refuse, before any is copied.

SQLite takes any value in any column: a text longer than its column, with a NUL in it, or where a number belongs. This
program writes none of these, but other programs may have, and earlier versions.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    literal_column,
    or_,
    select,
)

from digest.store.migrate import tables
from subscribers.database import UtcDateTime

_MOST = 10  # rows that are named
_INSTANT = "[0-9]" * 4 + "-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]*"


def find_unfit(conn: Connection) -> list[str]:
    """Return a line for each value that PostgreSQL would refuse, at most ten: where it is, and what is wrong."""
    lines = []
    for line in _unfit(conn):
        lines.append(line)
        if len(lines) == _MOST:
            break
    return lines


def _unfit(conn: Connection) -> Iterator[str]:
    for table in tables().sorted_tables:
        tests = [(column, *test) for column in table.columns for test in _tests(column)]
        key = list(table.primary_key)
        flags: list[ColumnElement[bool]] = [literal_column(f"({test})") for _, test, _ in tests]
        for row in conn.execute(select(*key, *flags).where(or_(*flags)).limit(_MOST)):
            for (column, _, wrong), is_bad in zip(tests, row[len(key) :], strict=True):
                if is_bad:
                    yield f"{_place(table, tuple(row[: len(key)]))}, {column.name}: {wrong}"
    for name, number, other, _ in conn.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{name} {number}: refers to a row of {other} that is not there"


def _tests(column: Column[object]) -> Iterator[tuple[str, str]]:
    """Yield conditions in SQL under which a value does not fit its column, and what is wrong then."""
    name, kind = f'"{column.name}"', column.type
    if not column.nullable:
        yield f"{name} IS NULL", "is missing"
    if isinstance(kind, Boolean):
        yield f"{name} NOT IN (0, 1)", "is neither 0 nor 1"
    elif isinstance(kind, (Integer, BigInteger)):
        largest = 2**63 - 1 if isinstance(kind, BigInteger) else 2**31 - 1
        yield f"{_is_no(name, 'integer')} OR {name} NOT BETWEEN {-largest} AND {largest}", "is no number that fits"
    elif isinstance(kind, UtcDateTime):
        yield (
            f"{_is_no(name, 'text')} OR {name} NOT GLOB '{_INSTANT}' OR length({name}) NOT IN (19, 26)",
            "is no time",
        )
    elif isinstance(kind, JSON):
        yield f"{_is_no(name, 'text')} OR ({name} IS NOT NULL AND NOT json_valid({name}))", "is no JSON"
    elif isinstance(kind, String):
        yield _is_no(name, "text"), "is no text"
        yield f"instr({name}, char(0)) > 0", "has a NUL character, which PostgreSQL cannot hold: remove it"
        if kind.length:
            yield f"length({name}) > {kind.length}", f"is longer than {kind.length} characters"
    else:
        raise TypeError(f"{column}: nothing is known of the type {kind!r}")


def _is_no(name: str, kind: str) -> str:
    return f"typeof({name}) NOT IN ('{kind}', 'null')"


def _place(table: Table, key: tuple[object, ...]) -> str:
    return f"{table.name} {', '.join(str(value).replace(chr(0), '␀') for value in key)}"
