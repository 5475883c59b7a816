"""The commits of a run, and those whose outcome it never learnt: the server went away before it answered."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Connection, Engine, event


def watch(path: str | None) -> None:
    """Write to the file `path` a "?" before each commit of this process from now on, a "!" for each that was lost.

    None: do not.
    """
    if path is None:
        return
    asked: set[int] = set()

    def note(mark: bytes) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, mark)
        os.close(handle)

    def begun(connection: Connection) -> None:
        asked.discard(id(connection))

    def committing(connection: Connection) -> None:
        # One that only read has nothing to lose.
        if not connection.get_execution_options().get("postgresql_readonly"):
            asked.add(id(connection))
            note(b"?")

    def failed(context: Any) -> None:
        # With a commit under way, an error of no statement is the commit's own.
        if context.statement is None and id(context.connection) in asked:
            asked.discard(id(context.connection))
            note(b"!")

    event.listen(Engine, "begin", begun)
    event.listen(Engine, "commit", committing)
    event.listen(Engine, "handle_error", failed)
