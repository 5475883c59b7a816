"""Waits until what was written is on the disk itself: what a power cut after that leaves."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_UNASKED = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP)


def flush(path: Path) -> None:
    """Wait until what is written to a file, or to a folder's list of names, is on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_names(folder: Path) -> None:
    """Wait for a folder's list of names, where this account and the file system let anyone. Raises OSError."""
    try:
        flush(folder)
    except OSError as error:
        if error.errno not in _UNASKED:
            raise
