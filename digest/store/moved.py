"""Note in an SQLite database that it moves to PostgreSQL, so that no letter and no change gets lost between the two.

The note is written before anything is copied, and names the fence's file. The move is decided by that file: as long
as its token is this database's, this database goes on as if nothing had happened; from the moment that it holds the
token of the new database, this one takes no change, whether or not the process that moves it is still alive. The new
database, until the file has its token, says in `previous` of its row that the move has not ended.

Where a note stands, PRAGMA user_version is 1, because each transaction that writes asks for it and must not pay more.
Triggers refuse the changes of an earlier version of this program that still runs and does not ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Boolean, Column, Connection, MetaData, Table, Text, insert, select, update

from digest.errors import DatabaseMoved, TryLater
from digest.store.schema import installation

MOVING = "moving"  # `previous` of a database into which a move has not ended
MOVED = "it was moved to "  # how the reason of such a HOLD begins
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'moved_refuses%'"
# In a catalogue of its own, because only a database that is moved has this table, and never after an upgrade.
_note = Table(
    "moved_to",
    MetaData(),
    Column("token", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("fence", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
)
HOW_TO_FOLLOW = "write that address as url in [storage] of config.toml (docs/move.md, which also tells the way back)"
_OPERATIONS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Move:
    """Hold the note of a move.

    `token`: of the new database's fence; `address`: of the new database, without its password; `fence`: the file that
    decides. `ended`: the old database needs to look at it no more.
    """

    token: str
    address: str
    fence: Path
    day: str
    ended: bool = False


def begin_move(conn: Connection, move: Move) -> None:
    """Write the note of a move that is about to begin, in place of that of a move which came to nothing."""
    forget_move(conn)
    _note.create(conn)
    values = {"token": move.token, "address": move.address, "fence": str(move.fence), "day": move.day}
    conn.execute(insert(_note).values(**values, ended=False))
    conn.exec_driver_sql("PRAGMA user_version=1")


def end_move(conn: Connection, tables: Iterable[str]) -> None:
    """Fence the old database for good: it is in HOLD, and refuses every change of these tables."""
    conn.execute(update(installation).values(held=True))
    for table in tables:
        for operation in _OPERATIONS:
            conn.exec_driver_sql(
                f"CREATE TRIGGER moved_refuses_{operation.lower()}_{table} BEFORE {operation} ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'this database was moved to PostgreSQL and takes no changes'); END"
            )
    conn.execute(update(_note).values(ended=True))


def forget_move(conn: Connection) -> None:
    """Remove the note of a move, and the triggers, from a database that is used again."""
    for statement in forgetting(conn.exec_driver_sql(TRIGGERS).scalars().all()):
        conn.exec_driver_sql(statement)


def move_noted(conn: Connection) -> Move | None:
    """Return the note of a move of this database, None where there is none."""
    if conn.dialect.name != "sqlite" or not conn.exec_driver_sql("PRAGMA user_version").scalar():
        return None
    row = conn.execute(select(_note)).one()
    return Move(row.token, row.address, Path(row.fence), row.day, row.ended)


def why_moved(conn: Connection) -> str:
    """Return where this database was moved to and when, in words; "" as long as it is the one in use."""
    move = move_noted(conn)
    if move is None or not (move.ended or is_handed_over(conn, move)):
        return ""
    return f"{MOVED}{move.address} on {move.day}"


def is_handed_over(conn: Connection, move: Move) -> bool:
    """Return whether the fence's file has left this database; one that cannot be read counts as having left it."""
    row = conn.execute(select(installation.c.token, installation.c.previous)).one_or_none()
    try:
        token, *_ = [*move.fence.read_text(encoding="ascii").split(), ""]
    except (OSError, UnicodeDecodeError):
        return True
    return row is None or token not in tuple(row)


def refuse_moved(conn: Connection) -> None:
    """Raise DatabaseMoved for a database that was moved, TryLater for one into which a move has not ended."""
    if conn.dialect.name == "postgresql":
        if conn.scalar(select(installation.c.previous)) == MOVING:
            raise TryLater(
                "the move into this database has not ended; it takes changes once `digest db move` is done"
            )
    elif why := why_moved(conn):
        raise DatabaseMoved(f"database {conn.engine.url.database}: {why}, and takes no changes; {HOW_TO_FOLLOW}")


def forgetting(triggers: Iterable[str]) -> list[str]:
    """Return the statements that remove a note and these triggers, which TRIGGERS lists."""
    drop = [f'DROP TRIGGER "{name}"' for name in triggers]
    return [*drop, "DROP TABLE IF EXISTS moved_to", "PRAGMA user_version=0"]
