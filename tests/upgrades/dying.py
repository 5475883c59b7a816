"""Let an upgrade die at its n-th statement: a real process by SIGKILL, or a transaction whose connection is cut."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, event

_NEVER_LEFT = ExitStack()  # kept, because a block that is forgotten would be left
DIE_AT = "DIE_AT_STATEMENT"  # the variable that tells a process of `die` at which statement it dies


_READS = re.compile(r"\s*(?:SELECT\b(?!.*\bsetval\b)|PRAGMA\b(?!.*=))", re.IGNORECASE | re.DOTALL)


class Died(BaseException):
    """The upgrade was cut off here."""


@contextmanager
def counting(engine: Engine | type[Engine], act: Callable[[int, Connection], None]) -> Iterator[None]:
    """Call `act` with 1, 2, … before each statement that may change something, and each commit, on the engine.

    A statement that only reads is left out, because to die before it is to die before the next one; of these the
    comparison of a schema has hundreds.
    """
    number = itertools.count(1)

    def before_statement(connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
        if not _READS.match(statement):
            act(next(number), connection)

    def before_commit(connection: Connection) -> None:
        act(next(number), connection)

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)


def cut_off(engine: Engine, work: Callable[[], object], at: int) -> bool:
    """Do `work`, but cut its connection before the statement number `at`; return whether it got that far."""
    cut = False

    def act(number: int, connection: Connection) -> None:
        nonlocal cut
        if number == at:
            cut = True
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.close()
            raise Died

    # Any error, because what comes after the cut meets a closed connection; a dead process would not come there.
    try:
        with counting(engine, act):
            work()
    except (Died, Exception):
        if not cut:
            raise
    else:
        assert not cut
    engine.dispose()
    return cut


def images(engine: Engine, work: Callable[[], object], folder: Path) -> list[Path]:
    """Do `work` on an SQLite file; return copies of its files before each statement, as a kill there leaves them."""
    path = Path(str(engine.url.database))
    copies: list[Path] = []

    def act(number: int, _connection: Connection) -> None:
        copy = folder / f"{number}"
        copy.mkdir(parents=True)
        # Without the index of the log, which is in memory that all processes share: the first one makes it anew.
        for name in (path.name, f"{path.name}-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(name), copy / name)
        copies.append(copy / path.name)

    with counting(engine, act):
        work()
    return copies


def die() -> None:
    """Let this process kill itself before the statement that its environment names."""
    at = int(os.environ[DIE_AT])

    def act(number: int, _connection: Connection) -> None:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    _NEVER_LEFT.enter_context(counting(Engine, act))
