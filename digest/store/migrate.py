"""Bring a database to this program's schema, or refuse one with a newer schema. Alembic is loaded only to upgrade."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from digest.errors import DigestError, SchemaTooNew
from digest.store.engine import reading, translate_errors
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

    Changes nothing. Raises SchemaTooNew when a newer version of this program wrote it. With `to_write`, raises
    DatabaseMoved or TryLater for a database that takes no changes because it was moved, or is not moved yet.
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


def upgrade(engine: Engine) -> bool:
    """Bring the database to this program's schema in one transaction; return whether anything changed.

    Two processes may upgrade at once: the second waits, then has nothing to do. Raises SchemaTooNew when a
    newer version of this program wrote the database, TryLater when it is away or stays locked, or while a run works
    on it.
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
    before = _current(connection)
    _refuse_newer(engine, before)
    if before == _newest():
        return False
    if before is None and connection.dialect.name == "sqlite":
        # Only on SQLite, because a file with other tables belongs to another program, but a server's database may
        # be shared.
        foreign = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        if foreign:
            raise DigestError(
                f"database {engine.url.database}: holds {foreign[0]!r} and is not this program's; name another file"
                " in storage.url"
            )
    from alembic import command

    shipped = config()
    shipped.attributes["connection"] = connection
    if before is not None:
        # Not before the transaction has begun, because a second upgrade waits for that and must not be refused here.
        locks.enter_context(run_lock(engine))
    command.upgrade(shipped, "head")
    failpoint("upgrade: before commit")
    return True


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if revision is None else str(revision)


def _newest() -> str | None:
    return revisions()[-1] if revisions() else None


def _refuse_newer(engine: Engine, revision: str | None) -> None:
    if revision is not None and revision not in revisions():
        raise SchemaTooNew(
            f"database {engine.url.database}: its schema {revision} is newer than this program's "
            f"({_newest() or 'none'}); install the newer version, or restore an older backup"
        )
