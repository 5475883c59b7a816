"""Upgrade a database of every earlier schema, filled with rows of each kind, and compare what it held before."""

from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from digest.store import migrate
from digest.store.engine import reading
from tests.store.test_migrate import _compared
from tests.upgrades.filling import ROWS, Rows, contents, fill, kept, renamed, upgrade_to

Contents = dict[str, Rows]
EARLIER = migrate.revisions()[:-1]
ARCHIVE = {"archived", "archived_facet", "archived_newest"}  # filled by the upgrade itself


@pytest.mark.long
@pytest.mark.parametrize("revision", EARLIER)
def test_an_upgrade_keeps_every_row_of_every_earlier_schema(empty: Engine, revision: str) -> None:
    upgrade_to(empty, revision)
    fill(empty)
    before = renamed(contents(empty))
    assert min(map(len, before.values())) > 0
    assert sum(map(len, before.values())) > ROWS * 15
    assert migrate.upgrade(empty) is True
    after = contents(empty)
    for table, rows in kept(before, after).items():
        assert rows == before[table], table
    for table in after.keys() - before.keys() - ARCHIVE:
        assert after[table] == [], table
    look_at_new_columns(empty, before, after)
    if revision < "0023":
        look_at_archive(after)
    judge(empty)


def look_at_new_columns(engine: Engine, before: Contents, after: Contents) -> None:
    """Look that each row has the declared default in the columns that its table got, or a key where a key is due."""
    declared = migrate.tables().tables
    for table, rows in before.items():
        for name in after[table][0].keys() - rows[0].keys():
            values = [row[name] for row in after[table]]
            if name == "key":
                assert len(set(values)) == len(rows) and all(re.fullmatch("[0-9a-f]{16}", key) for key in values)
            elif name == "old_links":
                assert values == [row.get("state") == "frozen" or table == "subscriber" for row in rows]
            else:
                default = declared[table].c[name].server_default
                word = str(default.arg) if default is not None else "NULL"  # type: ignore[attr-defined]
                assert {_written(value) for value in values} == {word}, (table, name)


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    return str(value)


def look_at_archive(after: Contents) -> None:
    """Look that the archive has the entries of the frozen editions, a stopped one as nobody's newest."""
    frozen = {row["id"] for row in after["edition"] if row["state"] == "frozen"}
    stopped = {row["id"] for row in after["edition"] if row["held"]}
    shown = [(row["edition_id"], row["entry_id"]) for row in after["edition_entry"] if row["edition_id"] in frozen]
    assert shown and stopped & frozen
    assert sorted((row["edition_id"], row["entry_id"]) for row in after["archived"]) == sorted(shown)
    assert all(f" needle{row['entry_id'] - 1} " in row["words"] for row in after["archived"])
    newest = {row["archived_id"] for row in after["archived_newest"]}
    editions = {row["id"]: row["edition_id"] for row in after["archived"]}
    assert {editions[number] for number in newest} <= frozen - stopped
    kinds = [row for row in after["archived_facet"] if row["facet"] == "kind"]
    assert len(kinds) == len(shown)


def judge(engine: Engine) -> None:
    """Compare the schema with the declared one, and let the database check itself."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _compared})
        assert compare_metadata(context, migrate.tables()) == []
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
