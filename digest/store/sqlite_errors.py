"""Tell an operator about an error of SQLite: the beginning of its name decides the exit code and the cure.

Errors of PostgreSQL are told in `digest.store.sqlstate`.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from digest.errors import ConfigError, DigestError, TryLater, WrongTables
from digest.store.sqlstate import FOREIGN, HOW_TO_COMPARE, DatabaseAway
from digest.system.disk import cure_of, why_unwritable

# The cure is to wait.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
# The cure is to make room.
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
_PASSING = ("SQLITE_IOERR",)
# The address is wrong: the file is no database.
_MISTAKE = ("SQLITE_NOTADB",)
# A person has to look: the database is damaged.
_TROUBLE = ("SQLITE_CORRUPT", "SQLITE_PROTOCOL")
_RIGHTS = ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY")
# A table or column is missing or exists already, so the database is another program's or damaged. SQLite gives no
# code for it, only words.
_FOREIGN_WORDS = re.compile(
    r"no such (?:table|column): |(?:table|index) \S+ already exists|table \S+ has no column named "
    r"|duplicate column name: "
)


def told_by_sqlite(error: DBAPIError, where: str, path: Path | None) -> DigestError | None:
    """Return the error to raise for one of SQLite, in one line, or None for a mistake in SQL or a broken constraint.

    `where`: the database, as a message names it; `path`: its file, None for one in memory.
    """
    words = " ".join(str(error.orig).split())
    kind = getattr(error.orig, "sqlite_errorname", "")
    if kind.startswith(_BUSY):
        return DatabaseAway(f"{where}: {words}; try again later")
    if kind.startswith(_FULL):
        return TryLater(f"{where}: {words}; make room and run again")
    if kind.startswith(_PASSING):
        return TryLater(f"{where}: {words}; try again later")
    if kind.startswith(_MISTAKE):
        return ConfigError([f"{where}: {words}; check storage.url"])
    if kind.startswith(_RIGHTS):
        return DigestError(f"{where}: {words}; {_cure_of_rights(path)}")
    if kind.startswith(_TROUBLE):
        return DigestError(f"{where}: {words}; run `digest doctor`")
    if kind == "SQLITE_ERROR" and _FOREIGN_WORDS.match(words):
        return WrongTables(where, f"{words}; {FOREIGN}", HOW_TO_COMPARE)
    return None


def _cure_of_rights(path: Path | None) -> str:
    """Return the cure of a file that SQLite cannot open or change; it does not tell why, so the system is asked."""
    error = path and (why_unwritable(path) or why_unwritable(path.parent))
    if error and error.errno != errno.EACCES:
        return cure_of(error, "name another file as `url` in [storage] of config.toml")
    return "let this account write the file and its folder"
