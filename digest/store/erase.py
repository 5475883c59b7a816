"""Remove deleted rows from the database file too, because they stay readable there until the file is rewritten.

That takes long where the file is large. So an erasure on a page only notes that it is owed, and the next run does it.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from digest.errors import TryLater
from digest.store.engine import reading, translate_errors, writing
from digest.store.schema import counter
from subscribers.database import dialect_insert

_OWED = "scrub"  # a row of `counter`


def owe_scrub(conn: Connection) -> None:
    """Note in the transaction of an erasure that the file is to be rewritten."""
    _note(conn, owed=1)


def scrub_owed(engine: Engine) -> None:
    """Rewrite the database if an erasure asked for it; raises TryLater as `scrub` does, and then it is still owed."""
    with reading(engine) as conn:
        if not conn.scalar(select(counter.c.value).where(counter.c.name == _OWED)):
            return
    scrub(engine)


def scrub(engine: Engine) -> None:
    """Rewrite the database so that erased rows are gone from the file and its log. Takes a moment.

    Raises TryLater while another process uses the database; the rows are deleted by then, and the file is not
    rewritten.
    """
    try:
        with translate_errors(engine):
            _scrub(engine)
    except TryLater as busy:
        raise TryLater(
            "the database file is not rewritten yet, so it may still hold what was erased: give the same command"
            f" again when no other process works on it ({busy})"
        ) from busy
    # After it, because a process that is killed in between only does it again.
    with writing(engine, "scrubbed") as conn:
        _note(conn, owed=0)


def _note(conn: Connection, *, owed: int) -> None:
    row = dialect_insert(conn)(counter).values(name=_OWED, value=owed)
    conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": owed}))


def _scrub(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if engine.dialect.name == "postgresql":
            conn.exec_driver_sql("VACUUM")
            return
        # The bare driver, because VACUUM works only outside a transaction.
        driver = conn.connection.driver_connection
        assert driver is not None
        # Because a pooled connection that was last used for reading still refuses to write.
        driver.execute("PRAGMA query_only=OFF")
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
