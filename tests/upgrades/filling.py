"""Make a database of any earlier schema, filled with generated rows that obey its keys and checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from alembic import command
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Table,
    inspect,
    select,
    text,
)

from digest.store import migrate
from digest.store.engine import reading, writing
from subscribers.suppression import fingerprint

SECRET = b"a secret of databases that are filled by tests"
ROWS = 6  # of each table
WHEN = datetime(2026, 11, 6, 9, 0, 0, 123456, UTC)
# Names that a migration changed: table, name before, name after.
RENAMED = {("delivery", "batch"): "request", ("delivery", "recall"): "take_back"}

# Values that are easily damaged: quotes, marks of parameters and of LIKE, line ends, signs beside the basic plane,
# from right to left, put together of several, and a text that fills many pages of a database.
HARD = (
    "", "O'Brien \"said\" 100% :so? \\ {brace} $1 %s ;--", "Llanfairpwll – ŵŷ ẞ İı ﬁ",
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 𝔘", "شارك ما تعلمناه\u200f",
    "two\r\nlines\tand\u2028more \x01", "e\u0301tude " + "long and longer ų " * 900,
)  # fmt: skip
DOCUMENTS: tuple[Any, ...] = (
    [], {}, {"clé": ["ÿ", None, 1.5, True], "deep": {"deeper": [[[]]]}}, ["'", '"', "\\", "\u2028"], "text", 0,
)  # fmt: skip
Rows = list[dict[str, Any]]


def upgrade_to(engine: Engine, revision: str) -> None:
    """Bring an empty database to `revision`, as an older program left it."""
    with engine.connect() as connection, connection.begin():
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def make_older(engine: Engine, revision: str) -> None:
    """Put tables of an earlier schema, without rows, in the place of those of an SQLite database."""
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for name in inspect(connection).get_table_names():
            if not name.startswith("archive_search_"):
                connection.exec_driver_sql(f"DROP TABLE {name}")
    upgrade_to(engine, revision)


def fill(engine: Engine, rows: int = ROWS) -> None:
    """Put `rows` rows into every table of an empty database, whatever its schema, with values of each kind."""
    with writing(engine) as connection:
        tables = _tables(connection)
        checks = {table.name: _allowed(connection, table.name) for table in tables}
        stored: dict[str, Rows] = {}
        for table in tables:
            stored[table.name] = [_row(table, n, checks[table.name], stored) for n in range(_count(table, rows))]
            connection.execute(table.insert(), stored[table.name])
        if engine.dialect.name == "postgresql":
            # Because the ids were given here, as a restored dump gives them, the counters go on behind them.
            for table in tables:
                if "id" in table.c and table.c.id.server_default is not None:
                    connection.execute(
                        text(
                            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"
                        )
                    )


def contents(engine: Engine) -> dict[str, Rows]:
    """Return all rows of all tables as the database holds them, each table in the order of its key."""
    with reading(engine) as connection:
        return {
            table.name: [
                {name: _plain(value) for name, value in row._mapping.items()}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in _tables(connection)
        }


def renamed(before: dict[str, Rows]) -> dict[str, Rows]:
    """Return the contents of an older database under the names of today."""
    return {
        table: [{RENAMED.get((table, name), name): value for name, value in row.items()} for row in rows]
        for table, rows in before.items()
    }


def kept(before: dict[str, Rows], after: dict[str, Rows]) -> dict[str, Rows]:
    """Return of the contents after an upgrade what the database before had a table and a column for."""
    return {
        table: [{name: row[name] for name in rows[0]} for row in after[table]] if rows else []
        for table, rows in before.items()
    }


def _tables(connection: Connection) -> list[Table]:
    catalogue = MetaData()
    catalogue.reflect(connection, only=lambda name, _: not name.startswith(("alembic_", "archive_search")))
    return catalogue.sorted_tables


def _allowed(connection: Connection, table: str) -> dict[str, list[str]]:
    """Return the values that the checks of a table allow, by column; every check is one of `column IN (…)`."""
    allowed = {}
    for check in inspect(connection).get_check_constraints(table):
        sql = str(check["sqltext"])
        column = re.search(r"[a-z_]+", sql)
        assert column, sql
        allowed[column[0]] = re.findall(r"'([^']*)'", sql)
    return allowed


def _count(table: Table, rows: int) -> int:
    return 1 if table.name in ("installation", "suppression_secret") else rows


def _row(table: Table, n: int, allowed: dict[str, list[str]], stored: Mapping[str, Rows]) -> dict[str, Any]:
    meant = _MEANT[table.name](n) if table.name in _MEANT else {}
    # Each value of a key in its own step, so that pairs of keys differ and a parent has several children.
    steps = _steps(table, len(next((stored[name] for name in _parents(table)), ())) or 1)
    row = {}
    for column in (each for each in table.columns if each.computed is None):
        if column.name in meant:
            row[column.name] = meant[column.name]
        elif column.foreign_keys:
            row[column.name] = _parent(table, column, n, steps, stored)
        elif column.name in allowed:
            row[column.name] = allowed[column.name][n % len(allowed[column.name])]
        else:
            row[column.name] = _value(table, column, n)
        if isinstance(column.type, DateTime) and row[column.name] and not column.type.timezone:
            row[column.name] = row[column.name].replace(tzinfo=None)  # because SQLite holds UTC without an offset
    if table.name == "edition_entry":
        row["content"] = _entry_document(row["entry_id"] - 1)
    return row


def _parents(table: Table) -> list[str]:
    return [key.column.table.name for column in table.primary_key.columns for key in column.foreign_keys]


def _steps(table: Table, most: int) -> list[tuple[int, ...]]:
    """Return which parents each row has, where the key of a table is made of several."""
    width = len(_parents(table))
    return sorted(product(range(most), repeat=width), key=lambda pair: (sum(pair), pair)) if width > 1 else []


def _parent(
    table: Table, column: Column[Any], n: int, steps: Sequence[tuple[int, ...]], stored: Mapping[str, Rows]
) -> Any:
    (key,) = column.foreign_keys
    rows = stored[key.column.table.name]
    if column.nullable and n % 3 == 2:
        return None
    if not column.primary_key:
        return rows[n // 2 % len(rows)][key.column.name]
    keys = [each.name for each in table.primary_key.columns if each.foreign_keys]
    place = steps[n][keys.index(column.name)] if steps else n
    return rows[place % len(rows)][key.column.name]


def _value(table: Table, column: Column[Any], n: int) -> Any:
    unique = column.primary_key or any(
        column.name in constraint.columns and len(constraint.columns) == 1
        for constraint in (*table.constraints, *(index for index in table.indexes if index.unique))
        if hasattr(constraint, "columns")
    )
    kind = column.type
    if isinstance(kind, Boolean):
        return n % 2 == 0
    if isinstance(kind, Integer):
        return n + 1 if unique or column.name == "id" else (n, 0, 1, 7)[n % 4]
    if column.nullable and n % 3 == 2 and not unique:
        return None
    if isinstance(kind, DateTime):
        return WHEN + timedelta(days=n, microseconds=n)
    if isinstance(kind, JSON):
        return DOCUMENTS[n % len(DOCUMENTS)]
    length = getattr(kind, "length", None)
    words = HARD[n % len(HARD)][:length]
    return f"{n}{words}"[:length] if unique else words


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _entry_document(n: int) -> dict[str, Any]:
    """Return an entry as the first program stored it in an edition; later programs added keys that may be absent."""
    return {
        "id": n + 1, "source": f"Source {n % 2}", "url": None if n % 3 == 2 else f"https://example.org/{n}?a=1&b=ŵ",
        "title": HARD[(n + 1) % len(HARD)], "kind": ("case-study", "post")[n % 2],
        "published": None if n % 3 == 2 else "2026-11-01T09:00:00+00:00", "first_seen": "2026-11-02T09:00:00+00:00",
        "summary": f"needle{n} " + HARD[n % len(HARD)], "author": HARD[2], "language": None if n % 2 else "cy",
        "policy_areas": [[], ["housing"], ["housing", "transport"]][n % 3],
        "regions": [["unknown"], ["wales"]][n % 2], "image": None,
        "themes": [], "evidence": [], "place": HARD[n % 4], "state": "ready",
    }  # fmt: skip


def _edition(n: int) -> dict[str, Any]:
    state = ("frozen", "frozen", "frozen", "approved", "draft", "frozen")[n % ROWS]
    at = WHEN + timedelta(days=7 * n)
    return {
        "cadence": ("weekly", "daily", "monthly")[n % 3], "slot": at.date().isoformat(), "state": state,
        "held": n == 2, "key": f"{n:016x}", "old_links": False, "arranged": [], "pinned": 0, "unapproved": "",
        "frozen_at": at if state == "frozen" else None, "eligible": 1,
    }  # fmt: skip


_MEANT: dict[str, Callable[[int], dict[str, Any]]] = {
    "edition": _edition,
    "edition_entry": lambda n: {"position": n, "release": n + 1},
    "entry": lambda n: {
        "source": f"Source {n % 2}", "kind": ("case-study", "post")[n % 2], "state": ("ready", "held")[n % 2],
        "policy_areas": ["housing"], "regions": ["wales"], "themes": [], "evidence": [], "categories": ["ŵ"],
        "image": None, "held_by": "", "held_why": "", "overruled": "", "duplicate_of": None,
        "title": HARD[n % 5] or "A title",
    },
    "subscriber": lambda n: {
        "email": f"r{n}@example.org", "email_key": f"r{n}@example.org",
        "cadence": ("weekly", "daily", "monthly")[n % 3],
        "policy_areas": "housing", "regions": "", "themes": "", "language": "en", "key": f"{n:016x}",
        "state": ("active", "active", "left", "pending")[n % 4],
    },
    "delivery": lambda n: {
        "state": ("pending", "accepted", "uncertain", "refused", "suppressed", "claimed")[n % 6],
        "subscriber_id": n + 1, "fate": "delivered" if n % 6 == 1 else None, "take_back": None, "recall": None,
    },
    "digest": lambda n: {"plan": {"sections": [], "more": 0, "left_out": []}},
    "release": lambda n: {"number": n + 1, "why": "new"},
    "mark": lambda n: {"subscriber_id": n + 1, "release": n},
    "slot": lambda n: {
        "cadence": ("weekly", "daily", "monthly")[n % 3], "day": f"2026-11-{n + 1:02}",
        "outcome": ("run", "missed")[n % 2],
    },
    "run": lambda n: {"command": "run", "account": None, "outcome": "done"},
    "suppression_secret": lambda n: {"id": 1, "fingerprint": fingerprint(SECRET)},
    "installation": lambda n: {"id": 1, "token": "a" * 32, "previous": "b" * 32, "held": False},
    "suppression": lambda n: {"address_hash": f"{n:064x}"},
    "consent_change": lambda n: {"token": f"{n:016x}", "address_hash": "", "what": "", "kept": n % 2 == 0},
    "had": lambda n: {"day": f"2026-11-{n + 1:02}"},
    "notice": lambda n: {"kind": "test", "state": ("accepted", "refused", "dropped")[n % 3]},
    "archived": lambda n: {"edition_id": n + 1, "entry_id": n + 1},
    "tally": lambda n: {"state": "accepted", "fate": None, "count": n},
    "source_state": lambda n: {"name": f"Source {n}", "shown": None, "parts": None},
    "rule": lambda n: {"added": {}, "removed": {}},
    "act": lambda n: {
        "verb": "retag", "object_name": f"entry {n + 1}", "before": {"regions": []}, "after": {"regions": ["wales"]},
        "undoes": None, "by": HARD[n] or "Ann",
    },
    "entry_edit": lambda n: {"not_for": [], "last_day": ""},
    "ingredient": lambda n: {"name": "hard", "barriers": [], "state": ("source", "editor", "dropped")[n % 3]},
    "invitation": lambda n: {"key": f"{n:016x}", "given": {}, "story": None, "state": "open"},
    "answer": lambda n: {"kind": ("useful", "not-for-me", "tried")[n % 3], "state": "waits"},
    "editor": lambda n: {
        "role": ("admin", "editor")[n % 2], "email": f"e{n}@example.org", "email_key": f"e{n}@example.org",
    },
}  # fmt: skip
