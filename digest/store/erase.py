"""Remove deleted rows from the database file too, because they stay readable there until the file is rewritten."""

from __future__ import annotations

from sqlalchemy import Engine

from digest.errors import TryLater
from digest.store.engine import translate_errors


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
