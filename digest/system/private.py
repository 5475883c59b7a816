"""Make files and folders that only their owner may read, whatever the umask, because they hold personal data."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

_FILE, _FOLDER = 0o600, 0o700


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file for writing, create it if it is not there, and return its handle. Raises OSError.

    A file that was readable by others is tightened first, because it is about to hold what only the owner may read.
    `flags`: further flags of `os.open`, such as `os.O_EXCL`.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, _FILE)
    # Suppressed, because the file may belong to another account that lets this account write.
    with suppress(PermissionError):
        os.fchmod(handle, _FILE)
    return handle


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner may read, over what it held before. Raises OSError."""
    with os.fdopen(open_private(path, os.O_TRUNC), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def create_private(path: Path) -> None:
    """Create an empty file if `path` does not exist, and leave one that exists as it is. Raises OSError."""
    # An existing file is not opened: for SQLite, closing it again would free the locks of this process on it.
    if not path.exists():
        with suppress(FileExistsError):
            os.close(open_private(Path(os.path.realpath(path)), os.O_EXCL))


def make_private_folder(folder: Path) -> None:
    """Make a folder and the missing ones above it; those that exist keep their mode. Raises OSError."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        with suppress(FileExistsError):
            path.mkdir(_FOLDER)
            path.chmod(_FOLDER)
    if not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


def open_to_others(path: Path) -> bool:
    """Return whether other accounts may read or write `path`, and may enter every folder above it."""
    try:
        if not path.stat().st_mode & 0o066:
            return False
        return all(folder.stat().st_mode & 0o011 for folder in path.resolve().parents)
    except OSError:
        return False
