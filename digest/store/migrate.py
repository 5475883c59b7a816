"""Bring a database to this program's schema, or refuse it. Alembic is loaded only to upgrade or compare."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from digest.errors import DigestError, SchemaTooNew, SchemaTooOld
from digest.store.engine import make_engine, reading, translate_errors, writing
from digest.store.first_form import complete
from digest.store.fit import Fit, fit_of, stamps_of
from digest.store.lock import run_lock
from digest.store.moved import refuse_moved
from digest.system.failpoint import failpoint

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE = 0x6469676573740002  # the advisory lock for an upgrade on PostgreSQL


def revisions() -> tuple[str, ...]:
    """Return this program's schema revisions, oldest first: the numbers that its migration files begin with."""
    return tuple(sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")))


def tables() -> MetaData:
    """Return the catalogue of all tables of this program."""
    import digest.store.archive_tables
    import digest.store.desk_tables
    import digest.store.partial_indexes
    import digest.store.reader_tables
    import digest.store.shared_tables  # noqa: F401
    import subscribers.tables  # noqa: F401
    from subscribers.database import metadata

    return metadata


def current(engine: Engine) -> str | None:
    """Return the database's revision, or None when it holds no schema yet."""
    with reading(engine) as connection:
        return _current(connection)


def check_schema(engine: Engine, *, to_write: bool = False) -> bool | None:
    """Return whether the database has this program's schema; None: it has none yet, false: `upgrade` is due.

    The stamp alone tells, because each command asks. Changes nothing. Raises SchemaTooNew when a newer version of
    this program wrote it. With `to_write`, raises DatabaseMoved or TryLater for a database that takes no changes
    because it was moved, or is not moved yet.
    """
    with reading(engine) as connection:
        revision = _current(connection)
        _refuse_newer(engine, revision)
        if to_write and revision == _newest():
            refuse_moved(connection)
    return None if revision is None else revision == _newest()


def pending(engine: Engine) -> tuple[str, ...]:
    """Return the revisions that `upgrade` would still apply; all of them where there is no schema yet."""
    done = current(engine) or ""
    return tuple(revision for revision in revisions() if revision > done)


def compare(engine: Engine) -> None:
    """Raise the very error by which `upgrade` would refuse the database's tables, or return. Changes nothing."""
    with reading(engine) as connection:
        _refuse_newer(engine, _current(connection))
        _fit(connection)


def compare_at(url: str) -> None:
    """Compare as `compare` does, with an engine of its own, because a command gets none for an older schema."""
    engine = make_engine(url, create=False)
    try:
        compare(engine)
    finally:
        engine.dispose()


def holds_nothing(engine: Engine) -> bool:
    """Return whether a database without a stamp is to be made anew, and not one that lost its stamp or is another's.

    A server's database may be shared with other programs, a file may not.
    """
    with reading(engine) as connection:
        names = set(inspect(connection).get_table_names()) - {"alembic_version"}
    return not (names if engine.dialect.name == "sqlite" else names & tables().tables.keys())


def why_old(engine: Engine) -> SchemaTooOld:
    """Return the error of a database that needs `upgrade`; raise the one by which `upgrade` would refuse it."""
    compare(engine)
    return SchemaTooOld()


def complete_first_form(engine: Engine) -> None:
    """Add what a database of the first schema's first form lacks, of a restored backup before it is put in HOLD."""
    with writing(engine, "complete first form") as connection:
        if _fit(connection).first_form:
            complete(connection)


def upgrade(engine: Engine) -> bool:
    """Bring the database to this program's schema in one transaction; return whether anything changed.

    Two processes may upgrade at once: the second waits, then has nothing to do. Raises SchemaTooNew when a
    newer version of this program wrote the database, WrongTables when its tables are not those of its schema,
    TryLater when it is away or stays locked, or while a run works on it.
    """
    # First, because the run lock must be held until the commit: a run that got it before would see the old schema.
    with ExitStack() as locks, translate_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _upgrade_sqlite(engine, connection, locks)
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE})
            return _upgrade(engine, connection, locks)


def config() -> Config:
    """Return Alembic's configuration for the migrations shipped in this package."""
    from alembic.config import Config

    shipped = Config()
    shipped.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return shipped


def _upgrade_sqlite(engine: Engine, connection: Connection, locks: ExitStack) -> bool:
    # Alembic changes an SQLite table by copying it and dropping the old one; with foreign keys on, the drop would
    # delete the rows that refer to it. The bare driver is used, because the pragma works only outside a transaction.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            changed = _upgrade(engine, connection, locks)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() if changed else []
            if broken:
                raise DigestError(
                    f"database {engine.url.database}: the upgrade would leave {len(broken)} rows of "
                    f"{broken[0][0]} without what they refer to; nothing was changed, report this"
                )
            return changed
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _upgrade(engine: Engine, connection: Connection, locks: ExitStack) -> bool:
    _refuse_newer(engine, _current(connection))
    fit = _fit(connection)
    if fit.stamped and fit.revision == _newest():
        return False
    from alembic import command

    shipped = config()
    shipped.attributes["connection"] = connection
    if fit.revision is not None:
        # Not before the transaction has begun, because a second upgrade waits for that and must not be refused here.
        locks.enter_context(run_lock(engine))
        if fit.first_form:
            complete(connection)
        if not fit.stamped:
            command.stamp(shipped, fit.revision)
    command.upgrade(shipped, "head")
    failpoint("upgrade: before commit")
    return True


def _fit(connection: Connection) -> Fit:
    return fit_of(connection, stamps_of(connection), revisions(), config())


def _current(connection: Connection) -> str | None:
    stamps = stamps_of(connection)
    return stamps[0] if stamps else None


def _newest() -> str | None:
    return revisions()[-1] if revisions() else None


def _refuse_newer(engine: Engine, revision: str | None) -> None:
    # A stamp of another form is another program's, which `compare` tells.
    if revision is not None and re.fullmatch("[0-9]{4}", revision) and revision > (_newest() or ""):
        raise SchemaTooNew(
            f"database {engine.url.database}: its schema {revision} is newer than this program's "
            f"({_newest() or 'none'}); install the newer version, or restore an older backup"
        )
