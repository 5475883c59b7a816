"""Find the files of an installation that other accounts may read, and those that still hold erased people."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.installation import Installation
from digest.operations.finding import Finding
from digest.system.private import open_to_others

_OLD = timedelta(days=30)  # for letters in files; younger ones may still be wanted
_SQLITE = b"SQLite format 3\x00"  # the first bytes of every SQLite file


def file_findings(installation: Installation, is_open: Callable[[Path], bool] = open_to_others) -> Iterator[Finding]:
    """Yield what is wrong with the files of an installation, and what of them is worth deleting.

    `is_open` tells whether other accounts may read a file or list a folder.
    """
    database = _database(installation)
    kept, copies = _copies(database) if database else ([], [])
    letters = _letters_folder(installation)
    paths = _paths(installation, database, [*kept, *copies], letters)
    yield from _open_files([path for path, files in paths.items() if any(map(is_open, files))])
    now = installation.clock()
    yield from _leftovers(f"{database.name if database else ''}.before-*", "replaced databases", kept, now)
    yield from _leftovers("backups", "copies of the database beside it", copies, now)
    yield from _old_letters(letters, now)


def _paths(
    installation: Installation, database: Path | None, copies: Iterable[Path], letters: Path | None
) -> dict[Path, Iterable[Path]]:
    """Return the files and folders that hold personal data or keys, each with the files to look at."""
    settings = installation.settings
    files = [settings.secret_file, settings.fence_file, installation.fence.suppressed.path, *copies]
    if database:
        files += [database.with_name(database.name + tail) for tail in ("", "-wal", "-shm")]
    folders = [letters, settings.home / "receipts", settings.home / "preview"]
    return {path: [path] for path in files} | {folder: _first_files(folder) for folder in folders if folder}


def _open_files(readable: list[Path]) -> Iterator[Finding]:
    """Yield one finding with all files and folders that other accounts may read."""
    if readable:
        names = " ".join(shlex.quote(str(path)) for path in readable)
        yield Finding(
            "wrong",
            "files",
            f"other accounts of this machine may read {len(readable)} files or folders with personal data or keys",
            f"`chmod -R go= {names}`; what the program makes new is for its account alone",
        )


def _leftovers(place: str, what: str, paths: list[Path], now: datetime) -> Iterator[Finding]:
    """Yield a note on copies of the database, with their number and the age of the oldest."""
    if paths:
        age = max((now - _changed(path)).days for path in paths)
        yield Finding(
            "note",
            place,
            f"{len(paths)} {what} in {paths[0].parent}, the oldest {max(0, age)} days old, hold personal data, also"
            " of people who were erased since",
            "delete those that you no longer need",
        )


def _old_letters(folder: Path | None, now: datetime) -> Iterator[Finding]:
    """Yield a note on letters in files that are older than a month."""
    if folder is None or not folder.is_dir():
        return
    old = {edition: _changed(edition) for edition in folder.iterdir() if edition.is_dir()}
    old = {edition: at for edition, at in old.items() if now - at > _OLD}
    count = sum(1 for edition in old for _ in edition.glob("*.eml"))
    if count:
        age = (now - min(old.values())).days
        yield Finding(
            "note",
            "letters",
            f"{count} letters in {folder} are more than {_OLD.days} days old, the oldest {age}; they hold addresses,"
            " also of people who were erased since",
            "delete the folders of editions that you no longer need",
        )


def _database(installation: Installation) -> Path | None:
    """Return the file of an SQLite database."""
    url = installation.engine.url
    path = url.database if url.get_backend_name() == "sqlite" else None
    return Path(path) if path and path != ":memory:" else None


def _copies(database: Path) -> tuple[list[Path], list[Path]]:
    """Return what restores have kept beside the database, and the other SQLite files there."""
    kept = sorted(database.parent.glob(f"{database.name}.before-*"))
    # The database's own files are not opened, because closing them would free the locks of this process on them.
    own = {database.name + tail for tail in ("", "-wal", "-shm")}
    others = [path for path in sorted(database.parent.iterdir()) if path not in kept and path.name not in own]
    return kept, [path for path in others if not path.name.startswith(".") and _is_sqlite(path)]


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(len(_SQLITE)) == _SQLITE
    return False


def _letters_folder(installation: Installation) -> Path | None:
    transport = installation.settings.transport
    return transport.directory if transport.kind == "file" else None


def _first_files(folder: Path) -> Iterator[Path]:
    """Yield a folder, the folders in it, and of each the first files, because a folder may have a million."""
    with suppress(OSError):
        yield folder
        for path in sorted(folder.iterdir()):
            yield path
            if path.is_dir():
                yield from (file for file, _ in zip(path.iterdir(), range(10), strict=False))


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
