"""Find the files that only grow in number and hold personal data: letters in files, and replaced databases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from digest.installation import Installation
from digest.notices.message import FOLDER
from digest.store import deliveries, editions
from digest.store.engine import reading
from digest.transports.file import letter_files

_EDITION = re.compile(r"([a-z]+)-(\d{4}-\d{2}-\d{2})")  # the name of an edition's folder of letters
_SQLITE = b"SQLite format 3\x00"  # the first bytes of every SQLite file
_COPY = re.compile(r".*\.before-(\d{8}T\d{6})\+*(?:-wal|-shm)?")  # the names that a restore gives


@dataclass(frozen=True, slots=True)
class OldFile:
    """Hold a file and the instant since which it counts as old; None: it stays, because something needs it."""

    path: Path
    at: datetime | None

    def is_older(self, limit: timedelta | None, now: datetime) -> bool:
        """Return whether the file is older than `limit` and may be removed."""
        return limit is not None and self.at is not None and now - self.at > limit


def old_letters(installation: Installation, limit: timedelta = timedelta()) -> Iterator[OldFile]:
    """Yield the files of letters in the folder of the file transport, whichever transport is in use now.

    A letter's age is counted from the last change in its edition. The letters of an edition of which something is
    owed or in doubt stay, because a run asks the file transport whether they are there. Folders that are surely
    younger than `limit` are passed over.
    """
    now = installation.clock()
    with reading(installation.engine) as conn:
        for folder in letter_folders(installation.settings.transport.directory):
            settled, at = _edition_of(conn, folder.name)
            if limit and at is not None and now - at <= limit:
                continue
            for path in letter_files(folder):
                yield OldFile(path, (at or changed(path)) if settled else None)


def readable(files: Iterable[OldFile]) -> list[OldFile]:
    """Return files up to the first folder that may not be read, for commands that only tell of them."""
    listed: list[OldFile] = []
    with suppress(OSError):
        for file in files:
            listed.append(file)  # one by one, because those before an error count
    return listed


def letter_folders(directory: Path) -> Iterator[Path]:
    """Yield the folders of letters, which are told by their names; any other folder is somebody else's."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in sorted(directory.iterdir()):
            is_ours = path.name == FOLDER or _EDITION.fullmatch(path.name)
            if is_ours and path.is_dir() and not path.is_symlink():
                yield path


def old_copies(database: Path) -> Iterator[OldFile]:
    """Yield the databases that a restore has replaced, with their logs; their names tell when."""
    for path in sorted(database.parent.glob(f"{database.name}.before-*")):
        with suppress(ValueError):  # because somebody may have given such a name with a date that is none
            if form := _COPY.fullmatch(path.name):
                yield OldFile(path, datetime.strptime(form[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC))


def other_copies(database: Path) -> Iterator[OldFile]:
    """Yield the other SQLite files beside a database, which people have put there."""
    ours = {file.path for file in old_copies(database)}
    # The database's own files are not opened, because closing them would free the locks of this process on them.
    ours |= {database.with_name(database.name + tail) for tail in ("", "-wal", "-shm")}
    for path in sorted(database.parent.iterdir()):
        if path not in ours and not path.name.startswith(".") and _is_sqlite(path):
            yield OldFile(path, changed(path))


def database_file(installation: Installation) -> Path | None:
    """Return the file of an SQLite database."""
    url = make_url(installation.settings.storage_url)
    path = url.database if url.get_backend_name() == "sqlite" else None
    return Path(path) if path and path != ":memory:" else None


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(len(_SQLITE)) == _SQLITE
    return False


def _edition_of(conn: Connection, name: str) -> tuple[bool, datetime | None]:
    """Return whether the edition with this folder is settled, and its last change; None: take the files' own."""
    form = _EDITION.fullmatch(name)
    edition = editions.find(conn, form[1], form[2]) if form else None
    if edition is None or edition.frozen_at is None:
        return True, None
    settled, at = deliveries.last_change(conn, edition.id)
    return settled, at or edition.frozen_at


def changed(path: Path) -> datetime:
    """Return when a file was last changed."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
