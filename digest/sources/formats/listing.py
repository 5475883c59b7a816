"""List the files of a folder source, whatever lies in it: what cannot be read is named, and stops no other file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from digest.errors import SourceError


def files_below(root: Path, is_wanted: Callable[[tuple[str, ...]], bool], problems: list[str]) -> list[Path]:
    """Return the wanted regular files below `root`, sorted by path; `is_wanted` gets the parts of a relative path.

    Links that lead out of the folder are passed over. A folder that cannot be listed, a wanted name that is not UTF-8
    and what is no regular file have a line in `problems`. Raises SourceError when `root` itself cannot be listed.
    """
    kept: list[Path] = []
    real_root = Path(os.path.realpath(root))
    for folder, _, names in os.walk(root, onerror=lambda error: _refuse(root, error, problems)):
        for name in names:
            path = Path(folder, name)
            if not is_wanted(path.relative_to(root).parts):
                continue
            file = shown(path.relative_to(root))
            if file != str(path.relative_to(root)):
                problems.append(f"{file}: its name is not UTF-8; rename it")
            elif problem := _why_unusable(path):
                problems.append(f"{file}: {problem}")
            elif Path(os.path.realpath(path)).is_relative_to(real_root):
                kept.append(path)
    return sorted(kept)


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes, without waiting should it have become a pipe since it was looked at."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def shown(path: Path) -> str:
    """Return a path as text that can be printed and stored: bytes that are not UTF-8 as \\xe9."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _why_unusable(path: Path) -> str:
    """Return why a path cannot be read as a file, and the cure; "" when it can."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be read ({error.strerror}); check the file, its link and its permissions"
    # A pipe would keep the reader waiting for ever.
    return "" if stat.S_ISREG(mode) else "is no regular file; remove it from the folder"


def _refuse(root: Path, error: OSError, problems: list[str]) -> None:
    folder = Path(error.filename or root)
    if folder == root:
        raise SourceError(f"the folder {shown(root)} cannot be listed ({error.strerror}); check its permissions")
    problems.append(f"{shown(folder.relative_to(root))}/: cannot be listed ({error.strerror}); check its permissions")
