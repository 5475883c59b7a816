"""Tell the shape of a database's tables in all that Alembic's own comparison leaves out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, inspect, text

Facts = dict[str, dict[str, Any]]


def facts(connection: Connection) -> Facts:
    """Return of each table what Alembic does not compare: checks, defaults, what a deletion does, numbering."""
    looked = inspect(connection)
    names = [name for name in looked.get_table_names() if not name.startswith(("alembic_", "archive_search"))]
    return {
        name: {
            "checks": sorted((str(check["name"]), check["sqltext"]) for check in looked.get_check_constraints(name)),
            "keys": sorted(
                (str(key["name"]), key["constrained_columns"], key["referred_table"], key["options"])
                for key in looked.get_foreign_keys(name)
            ),
            "primary": looked.get_pk_constraint(name),
            "unique": sorted(
                (str(each["name"]), each["column_names"]) for each in looked.get_unique_constraints(name)
            ),
            "indexes": sorted(
                (str(each["name"]), each["column_names"], each["unique"], _where(each.get("dialect_options", {})))
                for each in looked.get_indexes(name)
                if "indexed_words" not in each["column_names"]
            ),
            "defaults": {
                column["name"]: (column["default"], column["nullable"], str(column["type"]))
                for column in looked.get_columns(name)
                if column["name"] != "indexed_words"
            },
            "numbered": _numbered(connection, name),
        }
        for name in names
    }


def _where(options: dict[str, Any]) -> str:
    return " ".join(str(options[name]) for name in sorted(options) if name.endswith("_where"))


def _numbered(connection: Connection, table: str) -> bool:
    """Return whether a table of SQLite never gives the number of a row that has gone to another."""
    if connection.dialect.name != "sqlite":
        return False
    sql = connection.scalar(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}
    )
    return "AUTOINCREMENT" in str(sql)


_MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
_CATALOGUE = """
    SELECT 'column', table_name::text, column_name::text,
           concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1, 2, 3
"""


def whole(connection: Connection) -> tuple[list[Any], dict[str, list[str]]]:
    """Return a database's whole schema and all its rows in the database's own words, to compare two states of it."""
    if connection.dialect.name == "sqlite":
        schema = [tuple(row) for row in connection.execute(text(_MASTER))]
        tables, row = [name for kind, name, *_ in schema if kind == "table"], "*"
    else:
        schema = [tuple(row) for row in connection.execute(text(_CATALOGUE))]
        tables, row = sorted({name for kind, name, *_ in schema if kind == "column"}), "{0}::text"
    return schema, {
        table: sorted(
            repr(tuple(each)) for each in connection.execute(text(f"SELECT {row} FROM {{0}}".format(table)))
        )
        for table in tables
    }
