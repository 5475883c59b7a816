"""Ping the operator's watcher when a run begins and when it has ended, by the protocol of healthchecks.io.

The watcher expects a sign of life from time to time. It tells a person when none comes, even if this machine is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from digest.commands.base import exit_code_of, tell
from digest.errors import DigestError, TryLater

if TYPE_CHECKING:
    from digest.installation import Installation

START, WELL, NEITHER, FAILED = "start", "", "log", "fail"


class RunPing:
    """Remember of a run whether it left until later without its work done."""

    def __init__(self) -> None:
        self._later = False

    @contextmanager
    def heeding_later(self) -> Iterator[None]:
        """Notice a TryLater, which a quiet story turns into an exit code."""
        try:
            yield
        except TryLater:
            self._later = True
            raise

    def signal_of(self, error: BaseException | None) -> str:
        """Return the signal for the end of a run: by what it left with, or None."""
        if error is None:
            return WELL
        if self._later or isinstance(error, TryLater):
            # Neither good nor bad: it passes by itself, or the watcher misses the next sign of life.
            return NEITHER
        if isinstance(error, click.exceptions.Exit):
            # A run that left with 75 has done its work: the letters that still wait are tried again by the next.
            return WELL if error.exit_code in (0, TryLater.exit_code) else str(error.exit_code)
        code = exit_code_of(error) if isinstance(error, Exception) else None
        return str(code) if code else FAILED


@contextmanager
def pinged(installation: Installation) -> Iterator[RunPing]:
    """Ping at the beginning and at the end of a run, where [operate] ping_url is set; a ping never fails the run."""
    run = RunPing()
    _send(installation, START)
    try:
        yield run
    except BaseException as error:
        _send(installation, run.signal_of(error))
        raise
    _send(installation, run.signal_of(None))


def ping_end(installation: Installation, error: BaseException | None) -> None:
    """Ping how a turn of a worker has ended, where [operate] ping_url is set; a ping never fails the turn."""
    _send(installation, RunPing().signal_of(error))


def _send(installation: Installation, signal: str) -> None:
    url = installation.settings.operate.ping_url
    if not url:
        return
    from digest import __version__
    from digest.system.ping import ping

    if why := ping(url, signal, f"learning-digest/{__version__}"):
        _tell_failed(
            installation, f"the ping of [operate] ping_url failed: {why}; check the address, and the network"
        )


def _tell_failed(installation: Installation, line: str) -> None:
    """Tell once a day that the watcher cannot be reached, because cron mails each line."""
    from digest.operations.waiting import tell_once

    # Without a database, which the run itself tells.
    with suppress(DigestError):
        for fresh in tell_once(installation, [line]):
            tell(fresh, "WARNING")
