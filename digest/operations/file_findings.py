"""Find the files of an installation that other accounts may read, and those that still hold erased people."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from digest.errors import counted
from digest.installation import Installation
from digest.operations.check_settings import key_files
from digest.operations.finding import Finding
from digest.operations.old_files import (
    OldFile,
    changed,
    database_file,
    old_copies,
    old_letters,
    other_copies,
    readable,
)
from digest.system.private import open_to_others

_MONTH = timedelta(days=30)  # after which letters in files are worth a note, though they are to be kept


def file_findings(installation: Installation, is_open: Callable[[Path], bool] = open_to_others) -> Iterator[Finding]:
    """Yield what is wrong with the files of an installation, and what of them is worth deleting.

    `is_open` tells whether other accounts may read a file or list a folder.
    """
    database, now, limits = database_file(installation), installation.clock(), installation.settings.retention
    kept = readable(old_copies(database)) if database else []
    others = readable(other_copies(database)) if database else []
    paths = _paths(installation, database, [file.path for file in [*kept, *others]])
    yield from _open_files([path for path, files in paths.items() if any(map(is_open, files))])
    yield from _copies(
        f"{database.name if database else ''}.before-*",
        ("replaced database", "replaced databases"),
        kept,
        now,
        limits.copies,
    )
    yield from _copies(
        "backups", ("copy of the database beside it", "copies of the database beside it"), others, now, None
    )
    yield from _letters(installation, now, limits.letters)


def _paths(installation: Installation, database: Path | None, copies: Iterable[Path]) -> dict[Path, Iterable[Path]]:
    """Return the files and folders that hold personal data or keys, each with the files to look at."""
    settings = installation.settings
    files = [
        *(file.path for file in key_files(settings)),
        settings.fence_file,
        *installation.fence.suppressed.files(),
        *copies,
    ]
    if database:
        files += [database.with_name(database.name + tail) for tail in ("", "-wal", "-shm")]
    folders = [settings.transport.directory, settings.receipts, settings.home / "preview"]
    return {path: [path] for path in files} | {folder: _first_files(folder) for folder in folders}


def _open_files(readable: list[Path]) -> Iterator[Finding]:
    """Yield one finding with all files and folders that other accounts may read."""
    if readable:
        names = " ".join(shlex.quote(str(path)) for path in readable)
        yield Finding(
            "wrong",
            "files",
            f"other accounts of this machine may read {counted(len(readable), 'file or folder', 'files or folders')}"
            " with personal data or keys",
            f"`chmod -R go= {names}`; what the program makes new is for its account alone",
        )


def _copies(
    place: str, what: tuple[str, str], files: Sequence[OldFile], now: datetime, limit: timedelta | None
) -> Iterator[Finding]:
    """Yield a note on copies of the database, with their number and the age of the oldest; `what` is one and many."""
    if files:
        age = max((now - (file.at or changed(file.path))).days for file in files)
        yield Finding(
            "note",
            place,
            f"{counted(len(files), *what)} in {files[0].path.parent}, the oldest {counted(max(0, age), 'day')} old,"
            " with personal data, also of people who were erased since",
            "delete those that you no longer need"
            + (f"; `digest run` deletes those older than {limit.days} days" if limit else ""),
        )


def _letters(installation: Installation, now: datetime, limit: timedelta | None) -> Iterator[Finding]:
    """Yield a note on letters in files that are older than the limit, or than a month where there is none."""
    folder, most = installation.settings.transport.directory, limit or _MONTH
    files = [
        file
        for file in readable(old_letters(installation, most))
        if file.is_older(most, now) and file.path.suffix == ".eml"
    ]
    if files:
        age = max(now - file.at for file in files if file.at is not None)
        yield Finding(
            "note",
            "letters",
            f"{counted(len(files), 'letter')} in {folder}, older than {counted(most.days, 'day')}, the oldest"
            f" {counted(age.days, 'day')}, with addresses, also of people who were erased since",
            "the next `digest run` deletes them" if limit else "delete the folders of editions that you do not need",
        )


def _first_files(folder: Path) -> Iterator[Path]:
    """Yield a folder, the folders in it, and of each the first files, because a folder may have a million."""
    with suppress(OSError):
        yield folder
        for path in sorted(folder.iterdir()):
            yield path
            if path.is_dir():
                yield from (file for file, _ in zip(path.iterdir(), range(10), strict=False))
