"""Move an installation from its SQLite file into a PostgreSQL database: copy, compare, hand over, fence the old one.

The file of the fence decides which of the two may send, at every moment: it is replaced once, between the copy's
commit and that of the old database, and holds the token of the one or the other. A process that is killed before that
has changed nothing, and the next move begins anew; one that is killed after it has moved, and the next call of
`move_up` does what is left: to fence the old database for good. See `digest.store.moved`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url

from digest.errors import ConfigError, DatabaseMoved, DigestError, PersonNeeded, TryLater, WrongUse, counted
from digest.installation import Installation
from digest.store import deliveries, migrate
from digest.store.copying import account_of, copy_rows, count_rows, require_empty, require_equal, table_names
from digest.store.engine import ending_move, make_engine, reading, writing
from digest.store.fence import Fence
from digest.store.lock import run_lock
from digest.store.moved import HOW_TO_FOLLOW, Move, begin_move, end_move, forget_move, is_handed_over, move_noted
from digest.store.unfit import find_unfit
from digest.system import stopping
from digest.system.failpoint import failpoint

_SECRETS = ("password", "sslpassword")  # of the parameters of an address
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """Hold where an installation was moved to: `address` without its password, which was there if `has_password`.

    `rows`: how many were copied and compared; None when an earlier call had done that.
    """

    address: str
    has_password: bool
    rows: int | None


def move_up(installation: Installation, url: str, progress: Progress = lambda _done, _total: None) -> Moved:
    """Move the installation to the PostgreSQL database at `url`; `progress` gets the steps done, and all steps.

    Readers' changes wait meanwhile, or are refused with 503. Raises WrongUse or PersonNeeded, and changes nothing,
    where the old database may not be left or the new one is not empty; TryLater while a run is under way.
    """
    old = installation.engine
    if old.dialect.name != "sqlite":
        raise WrongUse("storage.url is a PostgreSQL database already; only an SQLite database is moved")
    address, has_password = address_shown(url)
    with _opened(url) as new, run_lock(old):
        with reading(old) as conn:
            noted = move_noted(conn)
            left = noted is not None and (noted.ended or is_handed_over(conn, noted))
        if noted is not None and left:
            _end(installation, new, noted, address)
            return Moved(address, has_password, None)
        _check_old(installation)
        with _naming_url():
            migrate.upgrade(new)
        with run_lock(new):
            rows = _copy(installation, new, _begun(installation, address, noted), progress)
            Fence(new, installation.settings.fence_file).check()
    return Moved(address, has_password, rows)


def address_shown(url: str) -> tuple[str, bool]:
    """Return a database's address without the passwords in it, and whether there are any."""
    with _naming_url():
        make_engine(url).dispose()
    parsed: URL = make_url(url)
    without = parsed._replace(
        drivername="postgresql+psycopg", password=None
    )  # because `set` takes None for no change
    shown = without.difference_update_query(_SECRETS)
    return shown.render_as_string(hide_password=False), bool(parsed.password) or shown.query != parsed.query


def _begun(installation: Installation, address: str, noted: Move | None) -> Move:
    """Return the move that is about to begin; `noted`: an earlier one that has not ended.

    To the same address it has the same token, by which its copy is known and replaced; never to another, because two
    databases would then fit the fence.
    """
    token = noted.token if noted is not None and noted.address == address else secrets.token_hex(16)
    return Move(token, address, installation.settings.fence_file.absolute(), f"{installation.clock():%Y-%m-%d}")


def _copy(installation: Installation, new: Engine, move: Move, progress: Progress) -> int:
    """Copy the rows, compare them, and hand over; return how many rows there are."""
    old, copied = installation.engine, False
    with writing(old, "begin move") as conn:
        begin_move(conn, move)
    try:
        # The write lock of the old database is held until it is fenced, so that no change of a reader falls between.
        with writing(old, "end move") as source:
            total = sum(count_rows(source).values())
            with writing(new, "copy") as target:
                require_empty(target, move.token)
                before = copy_rows(source, target, move.token, _heeding_stop(progress, 0, 2 * total))
                failpoint("move: copied")
                require_equal(before, account_of(target, _heeding_stop(progress, total, 2 * total)))
                copied = True
            installation.fence.hand_over(source, move.token)
            failpoint("move: handed over")
            end_move(source, table_names())
    except Exception:
        # After the copy the note stays, because the next move replaces the copy by it, or ends what was handed over.
        if not copied:
            with suppress(DigestError), writing(old, "give up move") as conn:
                forget_move(conn)
        raise
    return before.total


def _end(installation: Installation, new: Engine, move: Move, address: str) -> None:
    """End a move that was handed over: fence the old database for good, where that is left to do."""
    fence = Fence(new, installation.settings.fence_file)
    with _naming_url():
        in_use = migrate.check_schema(new) and not fence.why()
    if not in_use:
        raise DatabaseMoved(
            f"{address} is not the database in use: the move was to {move.address} on {move.day}; {HOW_TO_FOLLOW}"
        )
    with run_lock(new):
        fence.check()
    if not move.ended:
        with ending_move(installation.engine, "end move late") as conn:
            end_move(conn, table_names())


def _check_old(installation: Installation) -> None:
    """Raise an error where the old database may not be left as it is. Raises PersonNeeded in HOLD."""
    installation.require_secret()
    installation.fence.check()
    with reading(installation.engine) as conn:
        _refuse_claims(conn)
        unfit = find_unfit(conn)
    if unfit:
        raise DigestError(
            "\n".join([*unfit, "PostgreSQL would refuse these rows: correct them, nothing was changed"])
        )


def _refuse_claims(conn: Connection) -> None:
    if claimed := len(deliveries.in_state(conn, "claimed")):
        raise PersonNeeded(
            f"{counted(claimed, 'delivery is', 'deliveries are')} claimed by a run that was killed: the next"
            " `digest run` finds out what became of them; move after it"
        )


def _heeding_stop(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    def told(done: int) -> None:
        if stopping.asked():
            raise TryLater("stopped; nothing was changed, and the installation was not moved")
        progress(before + done, total)

    return told


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    """Yield the engine of the new database. Raises ConfigError for an address of another kind."""
    with _naming_url():
        engine = make_engine(url)
        if engine.dialect.name != "postgresql":
            raise WrongUse("the new database must be PostgreSQL: write postgresql+psycopg://user@host/name")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _naming_url() -> Iterator[None]:
    """Let a message about the new database's address not name `storage.url`, where it does not stand yet."""
    try:
        yield
    except ConfigError as error:
        lines = [line.replace("storage.url", "the new database's address") for line in error.problems]
        raise ConfigError(lines) from error
