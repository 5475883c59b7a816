"""Read the shape of a database's tables, and tell how two shapes differ.

Alembic's own comparison leaves out primary keys and checks, and compares with declared tables only, which exist for
the newest schema alone. Here the shapes of a schema built in memory and of a database on either engine are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, DateTime, Integer, String, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedForeignKeyConstraint, ReflectedIndex
from sqlalchemy.engine.reflection import Inspector

from digest.store.archive_tables import SEARCH, SEARCH_COLUMN

# Of each table: what is so of it (such as "column title"), and how (such as "text, not null").
Shape = Mapping[str, Mapping[str, str]]

_KINDS: tuple[tuple[type[Any], str], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (DateTime, "time"),
    (JSON, "JSON"),
    (String, "text"),
)
_STAMP = "alembic_version"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of a database from a schema.

    `fact` is "" for a table as a whole. `meant` and `has` tell how it is in each; None: it is not there.
    """

    table: str
    fact: str
    meant: str | None
    has: str | None

    def __str__(self) -> str:
        subject = f"table {self.table}" + (f", {self.fact}" if self.fact else "")
        if self.has is None:
            return f"{subject} is missing"
        if self.meant is None:
            return f"{subject} does not belong there"
        return f"{subject} is {self.has!r} and not {self.meant!r}"


def shape_of(connection: Connection) -> dict[str, dict[str, str]]:
    """Return the shape of all tables but the stamp's and those of the index of words."""
    inspector = inspect(connection)
    columns, primary = inspector.get_multi_columns(), inspector.get_multi_pk_constraint()
    shape: dict[str, dict[str, str]] = {}
    for key in columns:
        name = str(key[1])
        if name == _STAMP or name.startswith(SEARCH):
            continue
        keyed = primary[key]["constrained_columns"] if key in primary else []
        shape[name] = {f"column {each['name']}": _column(each, keyed) for each in columns[key]}
        shape[name]["primary key"] = ", ".join(keyed)
    for name, fact, value in _constraints(inspector):
        if name in shape:
            shape[name][fact] = value
    _note_index_of_words(shape, {str(name) for _, name in columns})
    return shape


def differences(meant: Shape, has: Shape, later: Shape) -> Iterator[Difference]:
    """Yield how the tables of a database differ from a schema.

    A table or plain index that is in neither is left alone, because other programs may share a server's database and
    an operator may add an index; one that a `later` schema makes is a difference.
    """
    for name in sorted(meant.keys() | (has.keys() & later.keys())):
        if name not in has:
            yield Difference(name, "", "there", None)
        elif name not in meant:
            yield Difference(name, "", None, "there")
        else:
            yield from _of_table(name, meant[name], has[name], later.get(name, {}))


def _of_table(
    name: str, meant: Mapping[str, str], has: Mapping[str, str], later: Mapping[str, str]
) -> Iterator[Difference]:
    for fact in [*meant, *(fact for fact in has if fact not in meant)]:
        is_own_index = fact.startswith("index ") and fact not in meant and fact not in later
        if meant.get(fact) != has.get(fact) and not is_own_index:
            yield Difference(name, fact, meant.get(fact), has.get(fact))


def _column(column: ReflectedColumn, keyed: Iterable[str]) -> str:
    # Without the length of texts and the size of integers, because SQLite keeps neither.
    kind = next((word for kind, word in _KINDS if isinstance(column["type"], kind)), str(column["type"]).lower())
    words = [kind] if column["nullable"] else [kind, "not null"]
    # The default of a primary key is its numbering on PostgreSQL, and SQLite has none for it.
    if column["default"] is not None and column["name"] not in keyed:
        words.append("with a default")
    return ", ".join(words)


def _constraints(inspector: Inspector) -> Iterator[tuple[str, str, str]]:
    """Yield the table, the fact and its value for each constraint and index.

    A unique constraint and a unique index are the same fact, because each engine lists them in its own way.
    """
    for key, uniques in inspector.get_multi_unique_constraints().items():
        for unique in uniques:
            yield str(key[1]), f"unique ({', '.join(unique['column_names'])})", "all rows"
    for key, indexes in inspector.get_multi_indexes().items():
        for index in indexes:
            if SEARCH_COLUMN not in index["column_names"]:
                yield (str(key[1]), *_index(index))
    for key, references in inspector.get_multi_foreign_keys().items():
        for reference in references:
            yield (str(key[1]), *_reference(reference))
    for key, checks in inspector.get_multi_check_constraints().items():
        for check in checks:
            # PostgreSQL writes a check in words of its own; the values that it allows stay.
            allowed = sorted(re.findall(r"'([^']*)'", str(check["sqltext"])))
            yield str(key[1]), f"check {check['name']}", ", ".join(allowed)


def _index(index: ReflectedIndex) -> tuple[str, str]:
    columns = ", ".join(str(name) for name in index["column_names"])
    is_partial = any(
        option.endswith("_where") and value is not None for option, value in index.get("dialect_options", {}).items()
    )
    rows = "some rows" if is_partial else "all rows"
    return (f"unique ({columns})", rows) if index["unique"] else (f"index {index['name']}", f"({columns}) of {rows}")


def _reference(key: ReflectedForeignKeyConstraint) -> tuple[str, str]:
    on_deletion = str(key["options"].get("ondelete", "NO ACTION")).lower()
    target = f"{key['referred_table']} ({', '.join(key['referred_columns'])})"
    return f"foreign key ({', '.join(key['constrained_columns'])})", f"{target}, on delete {on_deletion}"


def _note_index_of_words(shape: dict[str, dict[str, str]], names: set[str]) -> None:
    """Add to the archive that it has its index of words, a table on SQLite and a column on PostgreSQL."""
    archived = shape.get("archived")
    if archived is not None and (archived.pop(f"column {SEARCH_COLUMN}", "") or SEARCH in names):
        archived["index of words"] = "there"
