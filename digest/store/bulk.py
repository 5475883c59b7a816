"""Write many rows of a table at once: by one statement for all on SQLite, by COPY on PostgreSQL.

Both take a small part of the time that a general INSERT takes, which matters where an edition has a row for each
reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Table, func, insert, literal, select


def insert_rows(
    conn: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], same: Mapping[str, Any]
) -> None:
    """Store rows of the values of `columns`, as the driver takes them: numbers, texts, JSON as text.

    `same` has the values, by column, that all rows share. Columns that are not named get the database's default.
    """
    shared = tuple(_to_driver(conn, table, name, value) for name, value in same.items())
    names = (*columns, *same)
    whole = [row + shared for row in rows]
    if not whole:
        return
    if conn.dialect.name == "postgresql":
        statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
        with closing(conn.connection.cursor()) as cursor, cursor.copy(statement) as copy:
            for row in whole:
                copy.write_row(row)
        return
    compiled = insert(table).compile(dialect=conn.dialect, column_keys=names)
    order = [names.index(name) for name in compiled.positiontup or ()]
    assert len(order) == len(names), "a column with a default of the program has to be named"
    if order != sorted(order):
        whole = [tuple(row[number] for number in order) for row in whole]
    conn.exec_driver_sql(str(compiled), whole)


def new_ids(conn: Connection, table: Table, count: int) -> list[int]:
    """Return ids for `count` rows that this transaction inserts into a table, so that other rows can name them."""
    if conn.dialect.name == "postgresql":
        following = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        return list(conn.scalars(select(following).select_from(func.generate_series(1, literal(count)))))
    # No other transaction inserts, because this one holds the write lock.
    last = conn.scalar(select(func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))


def _to_driver(conn: Connection, table: Table, name: str, value: Any) -> Any:
    """Return a value as the driver of this database takes it."""
    processor = table.c[name].type.dialect_impl(conn.dialect).bind_processor(conn.dialect)
    return processor(value) if processor else value
