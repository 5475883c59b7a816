"""Keep the fence, so that nothing is mailed from an older or copied database.

A token changes with each claim, and a second one with each change of consent. Both are stored twice: in the database
and in a file outside it. They agree only as long as the database was not put back to an earlier state or copied
elsewhere. Where they do not agree, the database is in HOLD: nothing is mailed until a person has said which letters
went out (`digest db resume`).

A claim moves both halves before a byte leaves. A change of consent may be made by another host, which has no file;
then the file stays behind until the next run, and a file that is behind is in order. `suppressed` beside the file
lists who must not be mailed, for the day on which an older database is put back.

Where several hosts send from one database, each has tokens and a file of its own, and each file tells how many claims
of all hosts it knows of. The first host, whose tokens stand in `installation`, keeps the changes of consent.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from digest.errors import DigestError, WrongUse
from digest.store.engine import reading, writing
from digest.store.fence_file import FenceFile, Half
from digest.store.hold import REPLACED, UNENDED, in_hold
from digest.store.moved import MOVING, why_moved
from digest.store.schema import installation
from digest.store.shared_tables import host
from digest.store.suppressed_list import SuppressedList
from subscribers.changes import has_change, mark_kept, newest_change, newest_kept, unkept_changes
from subscribers.suppression import all_suppressions, stored_fingerprint

_ONLY = 1  # the table has one row
_FIRST = "first"  # `previous` of a new database's first token; the file may not be there yet
_FAR_AHEAD = 1_000_000_000  # claims, more than a file of another host can know of
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Row:
    """The half of the fence in the database as this host sees it.

    `token`, `previous` and `earlier` (oldest first) are this host's own; the rest is so for all hosts. `stage`: what
    `previous` of the first host says of the database. `further`: this host sends beside the first.
    """

    token: str
    previous: str
    earlier: tuple[str, ...]
    held: bool
    claims: int
    stage: str
    further: bool


class Fence:
    """Check and move the fence of one database; `path` is the file with the other half."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._file = FenceFile(path, shared=engine.dialect.name == "postgresql")
        self._asked = itertools.count(1)
        self._followed = 0  # the newest call of `follow` whose change is kept
        self._following = threading.Lock()
        self.suppressed = SuppressedList(path)

    def check(self) -> None:
        """Return if this database may be mailed from; raise PersonNeeded if it is in HOLD.

        A new database gets its fence here. A file that is behind is brought up to date.
        """
        with reading(self._engine) as conn:
            row = self._row(conn)
            why = self._why(conn, row)
        # Look again, because another process of this host may have claimed between the looks at row and file.
        if why and (why := self.why()):
            self._hold_for_all()
            raise in_hold(why)
        if row is None or (row.stage == _FIRST and self._file.read() is None):
            self.open()
        else:
            self._catch_up(here=True)
            self._file.remove_left_over()

    def why(self) -> str:
        """Return why this database is in HOLD, or "" when it may be mailed from. Changes nothing.

        A claim or a change of consent may come after the row was read and before the file is, and then the file is
        ahead of the row. So only halves that disagree twice, with nothing new in the database, are told.
        """
        before: object = ""
        while True:
            with reading(self._engine) as conn:
                row = self._row(conn)
                why, state = self._why(conn, row), (row, newest_change(conn))
            if not why or state == before:
                return why
            before = state

    def why_by(self, conn: Connection) -> str:
        """Return `why`, and look by a connection that is open already first."""
        return self._why(conn, self._row(conn)) and self.why()

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
            half = self._file.read()
            if half is not None and (not half.here or half.further):
                return  # because the first host keeps the changes
            with reading(self._engine) as conn:
                row = self._row(conn)
                behind = bool(unkept_changes(conn))
            if half is None:
                if row is None and begin:
                    self.open(anywhere=True)
            elif behind and (why := self.why()):
                _log.warning("the change is stored, but the database is in HOLD: %s", why)
            elif behind:
                self._catch_up()
        except DigestError as error:
            _log.warning("the change is stored, but the fence is behind until the next run: %s", error)

    def _why(self, conn: Connection, row: _Row | None) -> str:
        if moved := why_moved(conn):
            return moved
        half = self._file.read() if row is None or not row.held else None
        if row is None:
            # This database has had no reader and no run yet; a file proves that a later state of it had.
            older = (
                f"{self._path} is there, but the database has had no reader and no run: it is older than these, or a"
                " new database beside another one's file (then say --unsent)"
            )
            return older if half else ""
        if row.held:
            return "it was restored from a backup"
        if half is None and row.stage == _FIRST and not row.further:
            return ""  # the program was killed between row and file, before any letter left
        if half is None:
            return f"{self._path} is missing: the database was copied here, or the file was lost"
        if not half.here:
            return (
                f"{self._path} was made on another machine or in another folder: the folder was copied or moved here,"
                " or /etc/machine-id has changed"
            )
        fits = half.token in (row.token, row.previous, *row.earlier) and half.claims <= row.claims
        if (half.further and not row.further) or (not fits and half.claims < row.claims - _FAR_AHEAD // 2):
            return REPLACED
        if not fits:
            if row.stage == MOVING:
                return UNENDED
            return f"{self._path} does not fit the database: it is older than the last hand-over, or a copy"
        if half.change and not has_change(conn, half.change):
            return (
                f"{self._path} does not fit the database: it is older than the last change of a subscriber or a"
                " suppression, or a copy"
            )
        return ""

    def turn(self, conn: Connection) -> str:
        """Change the token inside the transaction that claims, and return it; call `keep` after the commit.

        The file is written now under another name and only renamed by `keep`, so that a full disk stops the claim
        and not the hand-over after it.
        """
        counted = update(installation).where(installation.c.id == _ONLY).values(claims=installation.c.claims + 1)
        claims = conn.scalar(counted.returning(installation.c.claims))  # which locks the row until the commit
        row = self._row(conn)
        assert row is not None and claims is not None
        half, before = self._file.read(), [*row.earlier, row.previous, row.token]
        # Another process of this host may not have kept its token yet, so that the file may be some tokens behind.
        first = before.index(half.token) if half is not None and half.token in before else len(before) - 1
        token = secrets.token_hex(16)
        values = {"token": token, "previous": row.token, "earlier": " ".join(before[first:-1])}
        if row.further:
            conn.execute(update(host).where(host.c.location == self._file.location).values(values))
        else:
            conn.execute(update(installation).where(installation.c.id == _ONLY).values(values))
        self._file.prepare(self._half(conn, replace(row, token=token, claims=claims)))
        return token

    def keep(self) -> None:
        """Put the file with the token of this claim, or of a later one of this host, in place.

        Only then may the first byte leave.
        """
        with self._file.alone():
            with reading(self._engine) as conn:
                row = self._row(conn)
                assert row is not None
                newest = self._half(conn, row)
            # Another process may have put this token there already while this one slept.
            half = self._file.read()
            if half is None or half.token != newest.token:
                self._file.put(newest)

    def open(self, *, anywhere: bool = False) -> None:
        """Write a new token to the row and the file: this host, and no other, may mail from this database.

        `anywhere`: the folder may still be copied or moved, because no letter has left.
        """
        token = secrets.token_hex(16)
        with writing(self._engine, "begin fence") as conn:
            row = self._row(conn)
            claims = 0
            if row is None:
                # The row comes first, because a file beside a database without a row means an older database.
                conn.execute(insert(installation).values(id=_ONLY, token=token, previous=_FIRST, held=False))
            elif row.stage == _FIRST and not row.held:
                token = row.token
            else:
                # Further than the files of other hosts, so that none of them takes this database for an older one.
                claims = row.claims + _FAR_AHEAD
            change = self._keep_changes(conn)
        # The row changes last, so that after a kill in between a new database is still new and a held one still held.
        self._file.put(Half(token, change, anywhere=anywhere, claims=claims))
        with writing(self._engine, "open fence") as conn:
            values = {"token": token, "previous": token, "earlier": "", "claims": claims}
            conn.execute(update(installation).values(**values, held=False))
            conn.execute(delete(host))

    def add_host(self, name: str) -> None:
        """Let this host send beside the first, from a database in which a run has been; `name` is told to people.

        Raises PersonNeeded when the database is in HOLD for all, WrongUse when this host sends from it already.
        """
        half, token = self._file.read(), secrets.token_hex(16)
        with writing(self._engine, "add host") as conn:
            row = self._row(conn, lock=True)
            if row is None or row.stage == _FIRST:
                raise WrongUse("no run has been here yet; give `digest run` on the first host, then this again")
            if row.held:
                raise in_hold("it was restored from a backup")
            if half is not None and half.here and not self._why(conn, row):
                raise WrongUse("this host sends from the database already; nothing was changed")
            location = self._file.location
            conn.execute(delete(host).where(host.c.location == location))
            conn.execute(insert(host).values(location=location, name=name, token=token, previous=token))
        self._file.put(Half(token, claims=row.claims, further=True))

    def hand_over(self, conn: Connection, token: str) -> None:
        """Give the file to the database that has this token, to which this one was copied by `conn`."""
        row = self._row(conn)
        self._file.put(Half(token, newest_kept(conn), claims=row.claims if row else 0))

    def hold(self) -> None:
        """Put this database in HOLD: nothing is mailed from it until `open`."""
        with writing(self._engine, "hold") as conn:
            if conn.execute(update(installation).values(held=True)).rowcount == 0:
                conn.execute(insert(installation).values(id=_ONLY, token="", previous="", held=True))

    def _hold_for_all(self) -> None:
        """Put the database in HOLD for all hosts if this one's file knows of a claim that the database lacks."""
        half = self._file.read()
        with reading(self._engine) as conn:
            row = self._row(conn)
            several = conn.scalar(select(host.c.location).limit(1)) is not None
        if several and half is not None and half.here and row is not None and half.claims > row.claims:
            self.hold()

    def _row(self, conn: Connection, *, lock: bool = False) -> _Row | None:
        query = select(installation).where(installation.c.id == _ONLY)
        row = conn.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            return None
        own = conn.execute(select(host).where(host.c.location == self._file.location)).one_or_none()
        tokens: Row[Any] = own or row
        return _Row(
            tokens.token, tokens.previous, tuple(tokens.earlier.split()), row.held, row.claims, row.previous,
            own is not None,
        )  # fmt: skip

    def _half(self, conn: Connection, row: _Row) -> Half:
        """Return what the file is to hold. A further host keeps no changes of consent: the first host does."""
        change = "" if row.further else newest_kept(conn)
        return Half(row.token, change, claims=row.claims, further=row.further)

    def _catch_up(self, *, here: bool = False) -> None:
        """Bring the file and the list up to the database, where they are behind; `here`: bind the file to this place.

        The row is locked meanwhile, because two processes must not write an older content over a newer one.
        """
        with writing(self._engine, "fence follows") as conn, self._file.alone():
            row = self._row(conn, lock=True)
            assert row is not None
            if row.stage == MOVING:
                # Because the move has ended.
                conn.execute(update(installation).values(previous=installation.c.token))
            if not row.further:
                self._keep_changes(conn)
            half = self._file.read()
            meant = replace(self._half(conn, row), anywhere=half is not None and half.anywhere and not here)
            if half != meant:
                # Under a name of its own, because a run may have prepared its file, to rename it after its claim.
                self._file.correct(meant)

    def _keep_changes(self, conn: Connection) -> str:
        """Copy new changes of consent to the list; return the token of the newest change in it."""
        changes = unkept_changes(conn)
        with self._file.disk_errors():
            if not self.suppressed.path.exists():
                self.suppressed.begin(all_suppressions(conn), stored_fingerprint(conn))
            self.suppressed.append(((hashed, what) for _, hashed, what in changes), stored_fingerprint(conn))
        mark_kept(conn, [number for number, _, _ in changes])
        return newest_kept(conn)
