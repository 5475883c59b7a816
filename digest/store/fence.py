"""Keep the fence: a token that changes with each claim, so that nothing is mailed from an older or copied database.

The token is stored twice: in a row of the database and in a file outside it. They agree only as long as the database
was not put back to an earlier state or copied elsewhere. Where they do not agree, the database is in HOLD: nothing is
mailed until a person has said which letters went out (`digest db resume`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from digest.errors import DigestError, PersonNeeded, TryLater, of_disk
from digest.store.engine import reading, writing
from digest.store.schema import installation
from digest.system.flush import flush, flush_names

_ONLY = 1  # the table has one row
_FIRST = "first"  # `previous` of a new database's first token; the file may not be there yet
_ELSEWHERE = "elsewhere"  # instead of the token, when the file was made on another machine or path


class Fence:
    """Check and move the fence of one database; `path` is the file with the token's other copy."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._beside = path.with_name(f".{path.name}.new")
        self._ready = ""  # the token in the file at `_beside`, written and not yet renamed to `path`

    def check(self) -> None:
        """Return if this database may be mailed from; raise PersonNeeded if it is in HOLD.

        A new database gets its fence here. A file that is one token behind is brought up to date.
        """
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
        if why := self._why(row):
            raise _held(why)
        if row is None or (row.previous == _FIRST and self._read() is None):
            self.open()
        elif self._read() == row.previous:
            # The program was killed between the commit and the file, so the database has the newer token.
            self._write(row.token)

    def why(self) -> str:
        """Return why this database is in HOLD, or "" when it may be mailed from. Changes nothing."""
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
        return self._why(row)

    def _why(self, row: Row[Any] | None) -> str:
        in_file = self._read() if row is None or not row.held else None
        if row is None:
            # Nothing was ever handed over from this database; a file proves that a later state of it handed over.
            older = (
                f"{self._path} is there, but the database has never handed anything over: it is older than the"
                " first hand-over, or a new database beside another one's file (then say --unsent)"
            )
            return older if in_file else ""
        if row.held:
            return "it was restored from a backup"
        if in_file is None and row.previous == _FIRST:
            return ""  # the program was killed between row and file, before any letter left
        if in_file is None:
            return f"{self._path} is missing: the database was copied here, or the file was lost"
        if in_file == _ELSEWHERE:
            return (
                f"{self._path} was made on another machine or in another folder: the folder was copied or moved here"
            )
        if in_file not in (row.token, row.previous):
            return f"{self._path} does not fit the database: it is older than the last hand-over, or a copy"
        return ""

    def turn(self, conn: Connection) -> str:
        """Change the token inside the transaction that claims; return it for `keep`, to be called after the commit.

        The file is written now under another name and only renamed by `keep`, so that a full disk stops the claim
        and not the hand-over after it.
        """
        token = secrets.token_hex(16)
        row = conn.execute(select(installation.c.token).where(installation.c.id == _ONLY)).one()
        conn.execute(update(installation).values(token=token, previous=row.token))
        self._prepare(token)
        return token

    def keep(self, token: str) -> None:
        """Put the file with `token` in place; only then may the first byte leave.

        Raises TryLater when another run has claimed since.
        """
        with reading(self._engine) as conn:
            newest = conn.scalar(select(installation.c.token).where(installation.c.id == _ONLY))
        if newest != token:
            raise TryLater(
                "another run has claimed since this run did, because it took this run for dead; try again later"
            )
        # Another run may have put this token there already while this process slept, and used the prepared file.
        if self._read() != token:
            self._write(token)

    def open(self) -> None:
        """Write a new token to the row and the file: this database may be mailed from."""
        token = secrets.token_hex(16)
        with writing(self._engine, "begin fence") as conn:
            row = conn.execute(select(installation)).one_or_none()
            if row is None:
                # The row comes first, because a file beside a database without a row means an older database.
                conn.execute(insert(installation).values(id=_ONLY, token=token, previous=_FIRST, held=False))
            elif row.previous == _FIRST and not row.held:
                token = row.token
        # The row changes last, so that after a kill in between a new database is still new and a held one still held.
        self._write(token)
        with writing(self._engine, "open fence") as conn:
            conn.execute(update(installation).values(token=token, previous=token, held=False))

    def hold(self) -> None:
        """Put this database in HOLD: nothing is mailed from it until `open`."""
        with writing(self._engine, "hold") as conn:
            if conn.execute(update(installation).values(held=True)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, token="", previous="", held=True))

    def _read(self) -> str | None:
        try:
            token, _, location = self._path.read_text(encoding="ascii").strip().partition(" ")
            # A file of an earlier version has no location.
            return token if location in ("", _location(self._path)) else _ELSEWHERE
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"{self._path}: cannot be read ({error}); nothing is mailed without it") from error

    def _write(self, token: str) -> None:
        if self._ready != token:
            self._prepare(token)
        self._replace()

    def _prepare(self, token: str) -> None:
        with self._disk_errors():
            handle = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, f"{token} {_location(self._path)}\n".encode())
            finally:
                os.close(handle)
            flush(self._beside)
        self._ready = token

    def _replace(self) -> None:
        with self._disk_errors():
            self._ready = ""
            self._beside.replace(self._path)
            # The name is flushed as well, because a power cut could bring back an older token: HOLD without cause.
            flush_names(self._path.parent)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """Turn an error of the disk into a message with the file and the cure."""
        try:
            yield
        except OSError as error:
            message = f"{self._path}: cannot be written ({error.strerror}); make room or let this account write there"
            raise of_disk(error, message) from error


def _location(path: Path) -> str:
    """Return a hash of the machine and the file's path on it, which a copied folder does not share with the original.

    Only the folder's symlinks are resolved, because a file that is a symlink is replaced by a plain file when it is
    next written.
    """
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""  # a container may have none; the path still tells the folders apart
    return hashlib.sha256(f"{machine} {path.parent.resolve() / path.name}".encode()).hexdigest()[:32]


def _held(why: str) -> PersonNeeded:
    return PersonNeeded(
        f"the database is in HOLD: {why}; nothing is mailed. See what it would send with `digest db held`,"
        " then say what is true: `digest db resume --sent` (all that was due by now went out, the safe answer)"
        " or `digest db resume --unsent` (nothing went out after this state of the database)"
    )
