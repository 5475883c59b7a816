"""Fill every table of a database with rows of every kind of value, made from what the tables declare."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    insert,
    null,
    text,
)

from digest.store import migrate
from digest.store.schema import installation
from subscribers.database import UtcDateTime
from subscribers.tables import consent_change

ROWS = 4
FIRST = 1_000  # ids of the rows, above those that an installation has already
_TEXTS = ("plain", "Ĉefa 😀 \\N \t tab", "line\nline\r\x01 'quoted' \"too\"", "")
_JSONS: tuple[Any, ...] = ({"b": [1, None, "é\u0000"], "a": True}, [], "text", JSON.NULL)
_AT = datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=UTC)


def fill(conn: Connection) -> None:
    """Insert rows into every table but that of the fence; take the newest of each numbered table out again."""
    for table in migrate.tables().sorted_tables:
        if table is installation:
            continue
        rows = [{column.name: _value(table, column, n) for column in table.columns} for n in range(ROWS)]
        if table is consent_change:
            # As the files beside the fence have them.
            rows = [row | {"kept": True, "token": f"{n:016x}"} for n, row in enumerate(rows)]
        for row in rows:
            conn.execute(insert(table).values(**row))
    for table in reversed(migrate.tables().sorted_tables):
        if table.autoincrement_column is not None and not _is_referred(table):
            conn.execute(text(f"DELETE FROM {table.name} WHERE id = {FIRST + ROWS - 1}"))


def _is_referred(table: Table) -> bool:
    tables = migrate.tables().sorted_tables
    return any(key.column.table is table for other in tables for key in other.foreign_keys)


def _value(table: Table, column: Column[Any], n: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column.table, key.column, n)
    kind, choices = column.type, _choices(table, column)
    if choices:
        return choices[n % len(choices)]
    alone = column.primary_key or column.unique
    if column.nullable and n == 0:
        return null()
    if isinstance(kind, Boolean):
        return bool(n % 2)
    if isinstance(kind, Integer):
        return FIRST + n if alone else (0, -1, 2**31 - 1, 7)[n]
    if isinstance(kind, UtcDateTime):
        return _AT + timedelta(days=40 * n, microseconds=n)
    if isinstance(kind, JSON):
        return _JSONS[n]
    assert isinstance(kind, (String, Text)), column
    # In an order that the rules of no language give.
    words = f"{'zAé_'[n]}{column.name}" if alone or _in_unique(table, column) else _TEXTS[n]
    return words[: kind.length] if kind.length else words * 3


def _in_unique(table: Table, column: Column[Any]) -> bool:
    return any(column.name in index.columns for index in (*table.constraints, *table.indexes) if _is_unique(index))


def _is_unique(index: Any) -> bool:
    return bool(getattr(index, "unique", False)) or type(index).__name__ == "UniqueConstraint"


def _choices(table: Table, column: Column[Any]) -> list[str]:
    for rule in table.constraints:
        if isinstance(rule, CheckConstraint) and (
            match := re.fullmatch(rf"{column.name} IN \((.*)\)", str(rule.sqltext))
        ):
            return re.findall(r"'(\w+)'", match[1])
    return []
