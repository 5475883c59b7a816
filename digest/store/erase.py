"""Remove deleted rows from the database file too, because they stay readable there until the file is rewritten."""

from __future__ import annotations

from sqlalchemy import Engine


def scrub(engine: Engine) -> None:
    """Rewrite the database so that erased rows are gone from the file and its log. Takes a moment."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if engine.dialect.name == "postgresql":
            conn.exec_driver_sql("VACUUM")
            return
        driver = conn.connection.driver_connection
        assert driver is not None
        # Because a pooled connection that was last used for reading still refuses to write.
        driver.execute("PRAGMA query_only=OFF")
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
