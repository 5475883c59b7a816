"""Remove what is older than config.toml says ([retention]), in small transactions, and never what is still needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Table

from digest.installation import Installation
from digest.operations.old_files import OldFile, database_file, letter_folders, old_copies, old_letters
from digest.store import condense, invitations, old_rows, pace
from digest.store.engine import reading, writing
from digest.store.schema import entry_text, event, gathering, notice, run
from digest.system import stopping
from digest.system.failpoint import failpoint
from digest.transports.file import is_empty, write_indexes
from subscribers.asked import MONTH
from subscribers.confirmations import KEPT_FOR
from subscribers.tables import asked, confirmation

_BATCHES = 100  # of each kind in a run, so that the first run after an upgrade is not kept up for an hour
_FILES = 50_000  # in a run
_OPEN = timedelta(days=120)  # for which an invitation to tell a story may stay open; its links work for 60


def retain(installation: Installation) -> tuple[Counter[str], list[str]]:
    """Remove what is too old; return how many of each kind, and lines about files that a person must remove.

    The next run goes on with all that this one leaves, also when it was asked to stop. Hold the run lock.
    """
    limits, now = installation.settings.retention, installation.clock()
    removed: Counter[str] = Counter()
    if limits.deliveries is not None:
        before = now - limits.deliveries
        removed["deliveries"] += _condense(installation, before)
        removed["events"] += _remove_rows(installation, event, before)
    if limits.runs is not None:
        for table, kind in ((run, "runs"), (gathering, "gatherings"), (notice, "notices")):
            removed[kind] += _remove_rows(installation, table, now - limits.runs)
    if limits.texts is not None:
        removed["texts"] += _remove_rows(installation, entry_text, now - limits.texts)
    # No choice of the operator, because the pages promise it, and the limits of mails count no longer.
    removed["confirmations"] += _remove_rows(installation, confirmation, now - KEPT_FOR)
    removed["askings"] += _remove_rows(installation, asked, now - MONTH)
    removed["invitations"] += _end_invitations(installation, now - _OPEN)
    if installation.settings.cluster.enabled:
        with writing(installation.engine, "remove old rows") as conn:
            pace.forget_unused(conn)
    problems: list[str] = []
    removed["letters"] += _remove_letters(installation, limits.letters, now, problems)
    database = database_file(installation)
    if database is not None:
        removed["copies"] += len(_remove_files(old_copies(database), limits.copies, now, problems))
    return +removed, problems


def _condense(installation: Installation, before: datetime) -> int:
    """Condense the deliveries of editions that are older than an instant; return how many."""
    with reading(installation.engine) as conn:
        numbers = condense.condensable(conn, before)
    total, batches = 0, 0
    for number in numbers:
        while not stopping.asked() and batches < _BATCHES:
            with writing(installation.engine, "condense") as conn:
                count = condense.condense(conn, number)
            batches += 1
            total += count
            if not count:
                break
    return total


def _remove_rows(installation: Installation, table: Table, before: datetime) -> int:
    """Remove the rows of a table that are from before an instant and that nothing needs; return how many."""
    with reading(installation.engine) as conn:
        left = old_rows.is_old(conn, table, before)
    total = 0
    for _ in range(_BATCHES if left else 0):
        if stopping.asked():
            break
        with writing(installation.engine, "remove old rows") as conn:
            count = old_rows.remove(conn, table, before)
        total += count
        if not count:
            break
    return total


def _end_invitations(installation: Installation, before: datetime) -> int:
    """End the invitations to tell a story that are older than an instant and still open; return how many."""
    with reading(installation.engine) as conn:
        listed = invitations.every_invitation(conn)
    if not any(each.state == invitations.OPEN and each.invited_at < before for each in listed):
        return 0  # without the database's lock, as mostly
    with writing(installation.engine, "remove old rows") as conn:
        return invitations.end_old(conn, before)


def _remove_letters(installation: Installation, limit: timedelta | None, now: datetime, problems: list[str]) -> int:
    """Remove old letters in files, and write the index pages again; return how many letters."""
    if limit is None:
        return 0
    removed = _remove_files(old_letters(installation, limit), limit, now, problems)
    directory = installation.settings.transport.directory
    try:
        # Of a run that was killed before it came to this there may be empty folders.
        touched = {path.parent for path in removed}.union(filter(is_empty, letter_folders(directory)))
        if touched:
            write_indexes(directory, sorted(touched))
    except OSError as error:
        problems.append(_problem(Path(error.filename or directory), error))
    return sum(path.suffix == ".eml" for path in removed)


def _remove_files(
    files: Iterable[OldFile], limit: timedelta | None, now: datetime, problems: list[str]
) -> list[Path]:
    """Remove the files that are older than `limit`; return them. The first that stays adds a line to `problems`."""
    removed = []
    try:
        for file in islice((file for file in files if file.is_older(limit, now)), _FILES):
            if stopping.asked():
                break
            file.path.unlink(missing_ok=True)
            removed.append(file.path)
            failpoint("retention: a file removed")
    except OSError as error:
        problems.append(_problem(Path(error.filename or ""), error))
    return removed


def _problem(path: Path, error: OSError) -> str:
    return (
        f"{path} is too old and cannot be removed ({error.strerror}): let this account write in its folder, or delete"
        ' it yourself; "never" in [retention] keeps such files'
    )
