"""Keep the fence, so that nothing is mailed from an older or copied database.

A token changes with each claim, and a second one with each change of consent. Both are stored twice: in the database
and in a file outside it. They agree only as long as the database was not put back to an earlier state or copied
elsewhere. Where they do not agree, the database is in HOLD: nothing is mailed until a person has said which letters
went out (`digest db resume`).

A claim moves both halves before a byte leaves. A change of consent may be made by another host, which has no file;
then the file stays behind until the next run, and a file that is behind is in order. `suppressed` beside the file
lists who must not be mailed, for the day on which an older database is put back.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from digest.errors import DigestError, TryLater, of_disk
from digest.store.engine import reading, writing
from digest.store.hold import UNENDED, in_hold
from digest.store.moved import MOVING, why_moved
from digest.store.schema import installation
from digest.store.suppressed_list import SuppressedList
from digest.system.flush import flush, flush_names
from digest.system.private import open_private
from subscribers.changes import has_change, mark_kept, newest_change, newest_kept, unkept_changes
from subscribers.suppression import all_suppressions, stored_fingerprint

_ONLY = 1  # the table has one row
_FIRST = "first"  # `previous` of a new database's first token; the file may not be there yet
_ANYWHERE = (
    "anywhere"  # instead of a location: before the first run a folder may still be prepared, and moved or copied
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Half:
    """The half of the fence in the file: the token of the last claim, and of the last change of consent ("": none).

    `here` false: the file was made on another machine or path. `anywhere`: it tells none, before the first run.
    """

    token: str
    change: str
    here: bool
    anywhere: bool


class Fence:
    """Check and move the fence of one database; `path` is the file with the other half."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._beside = path.with_name(f".{path.name}.new")
        self._ready = ""  # the token in the file at `_beside`, written and not yet renamed to `path`
        self._asked = itertools.count(1)
        self._followed = 0  # the newest call of `follow` whose change is kept
        self._following = threading.Lock()
        self.suppressed = SuppressedList(path)

    def check(self) -> None:
        """Return if this database may be mailed from; raise PersonNeeded if it is in HOLD.

        A new database gets its fence here. A file that is behind is brought up to date.
        """
        with reading(self._engine) as conn:
            row = conn.execute(select(installation)).one_or_none()
            why = self._why(conn, row)
        if why:
            raise in_hold(why)
        if row is None or (row.previous == _FIRST and self._read() is None):
            self.open()
        else:
            self._catch_up(here=True)

    def why(self) -> str:
        """Return why this database is in HOLD, or "" when it may be mailed from. Changes nothing.

        A claim or a change of consent may come after the row was read and before the file is, and then the file is
        ahead of the row. So only halves that disagree twice, with nothing new in the database, are told.
        """
        before: object = ""
        while True:
            with reading(self._engine) as conn:
                row = conn.execute(select(installation)).one_or_none()
                why, state = self._why(conn, row), (row, newest_change(conn))
            if not why or state == before:
                return why
            before = state

    def why_by(self, conn: Connection) -> str:
        """Return `why`, and look by a connection that is open already first."""
        return self._why(conn, conn.execute(select(installation)).one_or_none()) and self.why()

    def is_held(self, conn: Connection) -> bool:
        """Return whether the database itself says that it is in HOLD, whatever the file says."""
        return bool(conn.scalar(select(installation.c.held).where(installation.c.id == _ONLY)))

    def follow(self, *, begin: bool = True) -> None:
        """Bring the file up to a change of consent that was just committed, if the file belongs to this host.

        A new database gets its fence here, because its first readers may leave before its first run; with `begin`
        false it does not, because a host that only answers on the web must not have the file. A database in HOLD
        leaves the file as it is, because the file is the proof of what the database lacks. An error is only logged:
        the change is stored, and the next run brings the file up.

        Calls of many threads that wait for each other share the next look, because it keeps the changes of all.
        """
        number = next(self._asked)
        with self._following:
            if begin or number > self._followed:
                newest = next(self._asked)
                self._follow(begin=begin)
                self._followed = newest

    def _follow(self, *, begin: bool) -> None:
        try:
            half = self._read()
            if half is not None and not half.here:
                return
            with reading(self._engine) as conn:
                row = conn.execute(select(installation)).one_or_none()
                behind = bool(unkept_changes(conn))
            if half is None:
                if row is None and begin:
                    self.open(_ANYWHERE)
            elif behind and (why := self.why()):
                _log.warning("the change is stored, but the database is in HOLD: %s", why)
            elif behind:
                self._catch_up()
        except DigestError as error:
            _log.warning("the change is stored, but the fence is behind until the next run: %s", error)

    def _why(self, conn: Connection, row: Row[Any] | None) -> str:
        if moved := why_moved(conn):
            return moved
        half = self._read() if row is None or not row.held else None
        if row is None:
            # This database has had no reader and no run yet; a file proves that a later state of it had.
            older = (
                f"{self._path} is there, but the database has had no reader and no run: it is older than these, or a"
                " new database beside another one's file (then say --unsent)"
            )
            return older if half else ""
        if row.held:
            return "it was restored from a backup"
        if half is None and row.previous == _FIRST:
            return ""  # the program was killed between row and file, before any letter left
        if half is None:
            return f"{self._path} is missing: the database was copied here, or the file was lost"
        if not half.here:
            return (
                f"{self._path} was made on another machine or in another folder: the folder was copied or moved here,"
                " or /etc/machine-id has changed"
            )
        if half.token not in (row.token, row.previous):
            if row.previous == MOVING:
                return UNENDED
            return f"{self._path} does not fit the database: it is older than the last hand-over, or a copy"
        if half.change and not has_change(conn, half.change):
            return (
                f"{self._path} does not fit the database: it is older than the last change of a subscriber or a"
                " suppression, or a copy"
            )
        return ""

    def turn(self, conn: Connection) -> str:
        """Change the token inside the transaction that claims; return it for `keep`, to be called after the commit.

        The file is written now under another name and only renamed by `keep`, so that a full disk stops the claim
        and not the hand-over after it.
        """
        token = secrets.token_hex(16)
        row = conn.execute(select(installation.c.token).where(installation.c.id == _ONLY)).one()
        conn.execute(update(installation).values(token=token, previous=row.token))
        self._prepare(token, newest_kept(conn))
        return token

    def keep(self, token: str) -> None:
        """Put the file with `token` in place; only then may the first byte leave.

        Raises TryLater when another run has claimed since.
        """
        with reading(self._engine) as conn:
            newest = conn.scalar(select(installation.c.token).where(installation.c.id == _ONLY))
            change = newest_kept(conn)
        if newest != token:
            raise TryLater(
                "another run has claimed since this run did, because it took this run for dead; try again later"
            )
        # Another process may have put this token there already while this one slept.
        half = self._read()
        if half is None or half.token != token:
            self._write(token, change)

    def open(self, location: str = "") -> None:
        """Write a new token to the row and the file: this database may be mailed from; `location`: "" for here."""
        token = secrets.token_hex(16)
        with writing(self._engine, "begin fence") as conn:
            row = conn.execute(select(installation)).one_or_none()
            if row is None:
                # The row comes first, because a file beside a database without a row means an older database.
                conn.execute(insert(installation).values(id=_ONLY, token=token, previous=_FIRST, held=False))
            elif row.previous == _FIRST and not row.held:
                token = row.token
            change = self._keep_changes(conn)
        # The row changes last, so that after a kill in between a new database is still new and a held one still held.
        self._write(token, change, location)
        with writing(self._engine, "open fence") as conn:
            conn.execute(update(installation).values(token=token, previous=token, held=False))

    def hand_over(self, conn: Connection, token: str) -> None:
        """Give the file to the database that has this token, to which this one was copied by `conn`."""
        self._write(token, newest_kept(conn))

    def hold(self) -> None:
        """Put this database in HOLD: nothing is mailed from it until `open`."""
        with writing(self._engine, "hold") as conn:
            if conn.execute(update(installation).values(held=True)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, token="", previous="", held=True))

    def _catch_up(self, *, here: bool = False) -> None:
        """Bring the file and the list up to the database, where they are behind; `here`: bind the file to this place.

        The row is locked meanwhile, because two processes must not write an older content over a newer one.
        """
        with writing(self._engine, "fence follows") as conn:
            row = conn.execute(select(installation).with_for_update()).one()
            if row.previous == MOVING:
                conn.execute(update(installation).values(previous=row.token))  # because the move has ended
            change = self._keep_changes(conn)
            half = self._read()
            anywhere = half is not None and half.anywhere and not here
            if half is None or (half.token, half.change, half.anywhere) != (row.token, change, anywhere):
                # Under a name of its own, because a run may have prepared its file, to rename it after its claim.
                beside = self._path.with_name(f".{self._path.name}.follow")
                self._fill(beside, row.token, change, _ANYWHERE if anywhere else "")
                self._replace(beside)

    def _keep_changes(self, conn: Connection) -> str:
        """Copy new changes of consent to the list; return the token of the newest change in it."""
        changes = unkept_changes(conn)
        with self._disk_errors():
            if not self.suppressed.path.exists():
                self.suppressed.begin(all_suppressions(conn), stored_fingerprint(conn))
            self.suppressed.append(((hashed, what) for _, hashed, what in changes), stored_fingerprint(conn))
        mark_kept(conn, [number for number, _, _ in changes])
        return newest_kept(conn)

    def _read(self) -> _Half | None:
        try:
            # A file of an earlier version has no change, or no location either.
            token, location, change, *_ = [*self._path.read_text(encoding="ascii").split(), "", "", ""]
            here = location in ("", _ANYWHERE, _location(self._path))
            return _Half(token, change, here, location == _ANYWHERE)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"{self._path}: cannot be read ({error}); nothing is mailed without it") from error

    def _write(self, token: str, change: str, location: str = "") -> None:
        if self._ready != token:
            self._prepare(token, change, location)
        self._ready = ""
        self._replace(self._beside)

    def _prepare(self, token: str, change: str, location: str = "") -> None:
        self._fill(self._beside, token, change, location)
        self._ready = token

    def _fill(self, beside: Path, token: str, change: str, location: str) -> None:
        with self._disk_errors():
            handle = open_private(beside, os.O_TRUNC)
            try:
                os.write(handle, f"{token} {location or _location(self._path)} {change}".rstrip().encode() + b"\n")
            finally:
                os.close(handle)
            flush(beside)

    def _replace(self, beside: Path) -> None:
        with self._disk_errors():
            beside.replace(self._path)
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
