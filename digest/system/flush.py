"""Wait until written data is on the disk itself, so that a power cut after that does not lose it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NOT_POSSIBLE = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP)


def flush(path: Path) -> None:
    """Wait until the data of a file, or the names in a folder, are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_names(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the account and the file system allow it.

    Raises OSError when the disk fails.
    """
    try:
        flush(folder)
    except OSError as error:
        if error.errno not in _NOT_POSSIBLE:
            raise
