"""The fence: a token that changes hands with each claim, so that an older or copied database is not mailed from.

One half is a row of the database, the other a file outside it. They agree only as long as nobody put the
database back to an earlier state or carried it elsewhere; where they do not, nothing is mailed until a
person has said what is true (`digest db resume`).
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
_FIRST = "first"  # stands for the token before a new database's first: its file may not be there yet
_ELSEWHERE = "elsewhere"  # stands for the token of a file that was made in another place


class Fence:
    """The fence of one database, its other half at `path`."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._beside = path.with_name(f".{path.name}.new")
        self._ready = ""  # the token that the file beside holds

    def check(self) -> None:
        """Return when this database may be mailed from; raises PersonNeeded when that is for a person to say."""
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
        if why := self._why(row):
            raise _held(why)
        if row is None or (row.previous == _FIRST and self._read() is None):
            self.open()
        elif self._read() == row.previous:
            # Killed between the commit and the file: the database is the newer half.
            self._write(row.token)

    def why(self) -> str:
        """Return why this database is in HOLD, or "" when it may be mailed from. Changes nothing."""
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
        return self._why(row)

    def _why(self, row: Row[Any] | None) -> str:
        ours = self._read() if row is None or not row.held else None
        if row is None:
            # Nothing was ever handed over from it; but where the file is, something was from a later state of it.
            older = (
                f"{self._path} is there, but the database has never handed anything over: it is older than the"
                " first hand-over, or a new one beside the file of another (then say --unsent)"
            )
            return older if ours else ""
        if row.held:
            return "it was restored from a backup"
        if ours is None and row.previous == _FIRST:
            return ""  # killed while the halves were made: nothing has left yet
        if ours is None:
            return f"{self._path} is missing: the database was copied here, or the file was lost"
        if ours == _ELSEWHERE:
            return f"{self._path} was made in another place: the folder was copied or moved here"
        if ours not in (row.token, row.previous):
            return f"{self._path} does not fit it: the database is older than the last hand-over, or a copy"
        return ""

    def turn(self, conn: Connection) -> str:
        """Change the token inside the transaction that claims; give the result to `keep` once that is committed.

        The file's half is written now and only put in its place then: a full disk stops the claim, not what follows.
        """
        token = secrets.token_hex(16)
        row = conn.execute(select(installation.c.token).where(installation.c.id == _ONLY)).one()
        conn.execute(update(installation).values(token=token, previous=row.token))
        self._make_ready(token)
        return token

    def keep(self, token: str) -> None:
        """Put the file's half in place; only then may the first byte leave. TryLater: another has claimed since."""
        with reading(self._engine) as conn:
            newest = conn.scalar(select(installation.c.token).where(installation.c.id == _ONLY))
        if newest != token:
            raise TryLater("another run has claimed since this one did, and took it for dead; try again later")
        # A run that came by while this one slept has put it there already, and what was ready is gone.
        if self._read() != token:
            self._write(token)

    def open(self) -> None:
        """Make both halves anew: this database may be mailed from."""
        token = secrets.token_hex(16)
        with writing(self._engine, "begin fence") as conn:
            row = conn.execute(select(installation)).one_or_none()
            if row is None:
                # A new one's row comes first: a file beside a database without one tells of an older database.
                conn.execute(insert(installation).values(id=_ONLY, token=token, previous=_FIRST, held=False))
            elif row.previous == _FIRST and not row.held:
                token = row.token
        # Killed in between, a new database is still new, and a held one is still held.
        self._write(token)
        with writing(self._engine, "open fence") as conn:
            conn.execute(update(installation).values(token=token, previous=token, held=False))

    def hold(self) -> None:
        """Let nothing be mailed from this database until `open`."""
        with writing(self._engine, "hold") as conn:
            if conn.execute(update(installation).values(held=True)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, token="", previous="", held=True))

    def _read(self) -> str | None:
        try:
            token, _, place = self._path.read_text(encoding="ascii").strip().partition(" ")
            # A file of before this was written has no place.
            return token if place in ("", _place(self._path)) else _ELSEWHERE
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"{self._path}: cannot be read ({error}); nothing is mailed without it") from error

    def _write(self, token: str) -> None:
        if self._ready != token:
            self._make_ready(token)
        self._put_in_place()

    def _make_ready(self, token: str) -> None:
        with self._told():
            handle = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, f"{token} {_place(self._path)}\n".encode())
            finally:
                os.close(handle)
            flush(self._beside)
        self._ready = token

    def _put_in_place(self) -> None:
        with self._told():
            self._ready = ""
            self._beside.replace(self._path)
            # The name as well: a power cut could bring back the half of claims ago, and all would be held.
            flush_names(self._path.parent)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"{self._path}: cannot be written ({error.strerror}); make room or let this account write there"
            raise of_disk(error, said) from error


def _place(path: Path) -> str:
    """Return what a copied folder does not share with the original: the machine, and where the file lies on it.

    By the folder's real name only: a file that is a symlink is replaced by a plain one when it is next written.
    """
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""  # a container without one; the path still tells
    return hashlib.sha256(f"{machine} {path.parent.resolve() / path.name}".encode()).hexdigest()[:32]


def _held(why: str) -> PersonNeeded:
    return PersonNeeded(
        f"the database is in HOLD: {why}; nothing is mailed. See what it would send with `digest db held`,"
        " then say what is true: `digest db resume --sent` (all that was due by now went out, the safe answer)"
        " or `digest db resume --unsent` (nothing went out since the database was as it is)"
    )
