"""The fence: a token that changes hands with each claim, so that an older or copied database is not mailed from.

One half is a row of the database, the other a file outside it. They agree only as long as nobody put the
database back to an earlier state or carried it elsewhere; where they do not, nothing is mailed until a
person has said what is true (`digest db resume`).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from digest.errors import DigestError, PersonNeeded
from digest.store.engine import reading, writing
from digest.store.schema import installation

_ONLY = 1  # the table has one row


class Fence:
    """The fence of one database, its other half at `path`."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def check(self) -> None:
        """Return when this database may be mailed from; raises PersonNeeded when that is for a person to say."""
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
        ours = self._read()
        if row is None:
            self.open()
        elif row.held:
            raise _held("it was restored from a backup")
        elif ours is None:
            raise _held(f"{self._path} is missing: the database was copied here, or the file was lost")
        elif ours == row.previous:
            # Killed between the commit and the file: the database is the newer half.
            self._write(row.token)
        elif ours != row.token:
            raise _held(f"{self._path} does not fit it: the database is older than the last hand-over, or a copy")

    def turn(self, conn: Connection) -> str:
        """Change the token inside the transaction that claims; give the result to `keep` once that is committed."""
        token = secrets.token_hex(16)
        row = conn.execute(select(installation.c.token).where(installation.c.id == _ONLY)).one()
        conn.execute(update(installation).values(token=token, previous=row.token))
        return token

    def keep(self, token: str) -> None:
        """Write the file's half; only then may the first byte leave."""
        self._write(token)

    def open(self) -> None:
        """Make both halves anew: this database may be mailed from."""
        token = secrets.token_hex(16)
        with writing(self._engine) as conn:
            values = {"token": token, "previous": token, "held": False}
            if conn.execute(update(installation).values(values)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, **values))
        self._write(token)

    def hold(self) -> None:
        """Let nothing be mailed from this database until `open`."""
        with writing(self._engine) as conn:
            if conn.execute(update(installation).values(held=True)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, token="", previous="", held=True))

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"{self._path}: cannot be read ({error}); nothing is mailed without it") from error

    def _write(self, token: str) -> None:
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, token.encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
            beside.replace(self._path)
        except OSError as error:
            raise DigestError(
                f"{self._path}: cannot be written ({error.strerror}); make room or let this account write there"
            ) from error


def _held(why: str) -> PersonNeeded:
    return PersonNeeded(
        f"the database is in HOLD: {why}; nothing is mailed. See what it would send with `digest db held`,"
        " then say what is true: `digest db resume --sent` (all that was due by now went out, the safe answer)"
        " or `digest db resume --unsent` (nothing went out since the database was as it is)"
    )
