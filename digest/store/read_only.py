"""Open an SQLite file that this account may read and not write, for those who only look."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def is_read_only(path: Path) -> bool:
    """Return whether this account may read an SQLite file, and not write it or files beside it, as its log."""
    return os.access(path, os.R_OK) and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def read_only_uri(path: Path) -> str:
    """Return the address by which SQLite opens a file that it can write neither to nor beside.

    SQLite reads a database only with the log beside it, or the promise that nobody writes; without a log nobody does.
    """
    has_log = any(path.with_name(path.name + tail).exists() for tail in ("-wal", "-shm"))
    return f"file:{quote(str(path.absolute()))}?mode=ro" + ("" if has_log else "&immutable=1")
