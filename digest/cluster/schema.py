"""Make and upgrade the tables of the queue, and refuse tables of another version.

Procrastinate's own script makes them once and cannot be repeated; for later versions it ships numbered scripts that
change them. The number of the newest script that was applied is kept in `cluster_queue`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from digest.cluster.extra import require_extra
from digest.errors import DigestError, SchemaTooNew
from digest.store import queue
from digest.store.engine import reading, writing

_NUMBER = len("03.04.00_50")


def upgrade_queue(engine: Engine, scripts: Path | None = None) -> bool:
    """Make the queue's tables, or bring them to this program's version; return whether anything changed.

    `scripts`: the folder of the library's numbered scripts, by default its own. Safe to repeat, and for two processes
    at once. Raises SchemaTooNew for tables of a newer version, DigestError for those of another program.
    """
    require_extra()
    folder = scripts or shipped_scripts()
    with writing(engine, "upgrade queue") as conn:
        queue.lock_queue_upgrade(conn)
        version, newest = queue.queue_version(conn), newest_version(folder)
        if version == newest:
            return False
        if queue.has_foreign_queue(conn):
            raise DigestError(
                f"database {engine.url.database}: holds a queue of another program; give this program a database of"
                " its own in storage.url"
            )
        _refuse_newer(engine, version, newest)
        queue.apply_to_queue(conn, _first() if version is None else _later(folder, version), newest)
    return True


def check_queue(engine: Engine) -> None:
    """Raise QueueMissing or SchemaTooNew, with the cure, unless the queue's tables have this program's version."""
    with reading(engine) as conn:
        version = queue.queue_version(conn)
    newest = newest_version(shipped_scripts())
    _refuse_newer(engine, version, newest)
    if version != newest:
        what = "has no tables of the queue" if version is None else "has the queue's tables of an earlier version"
        raise queue.QueueMissing(f"database {engine.url.database}: {what}; run `digest db upgrade`")


def shipped_scripts() -> Path:
    """Return the folder of the numbered scripts that the library ships."""
    from procrastinate.schema import SchemaManager

    return Path(SchemaManager.get_migrations_path())


def newest_version(folder: Path) -> str:
    """Return the number of the newest script in a folder, such as "03.04.00_50"."""
    return max(path.name[:_NUMBER] for path in folder.glob("[0-9]*.sql"))


def _first() -> list[str]:
    from procrastinate.schema import SchemaManager

    return [SchemaManager.get_schema()]


def _later(folder: Path, version: str) -> list[str]:
    paths = sorted(path for path in folder.glob("[0-9]*.sql") if path.name[:_NUMBER] > version)
    return [path.read_text(encoding="utf-8") for path in paths]


def _refuse_newer(engine: Engine, version: str | None, newest: str) -> None:
    if version is not None and version > newest:
        raise SchemaTooNew(
            f"database {engine.url.database}: its queue's tables {version} are newer than this program's ({newest});"
            " install the newer version"
        )
