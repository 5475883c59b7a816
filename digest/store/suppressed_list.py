"""Keep the suppressions in a file outside the database as well, as hashes: a database put back learns them again.

Each line is "address hash, space, reason"; the last line of an address counts, and "lifted" ends its suppression.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from digest.system.flush import flush, flush_names
from digest.system.private import open_private, write_private
from subscribers.changes import LIFTED
from subscribers.tables import REASONS

_LINE = re.compile(rf"([0-9a-f]{{64}}) ({'|'.join(REASONS)}|{LIFTED})")

Suppressions = Iterable[tuple[str, str]]  # (address hash, reason or LIFTED)


class SuppressedList:
    """The list of one installation, beside the file of its fence."""

    def __init__(self, fence_file: Path) -> None:
        self.path = fence_file.with_name(f"{fence_file.name}.suppressed")

    def read(self) -> dict[str, str]:
        """Return {address hash: reason} as the list has it; without a file, nothing. Raises OSError."""
        reasons: dict[str, str] = {}
        try:
            text = self.path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return reasons
        # A line that a power cut broke off is passed over, because `append` writes it again.
        for match in filter(None, map(_LINE.fullmatch, text.splitlines())):
            reasons[match[1]] = match[2]
        return {hashed: reason for hashed, reason in reasons.items() if reason != LIFTED}

    def append(self, changed: Suppressions) -> None:
        """Add the changed suppressions, and wait until they are on the disk. Raises OSError."""
        if not (lines := _lines(changed)):
            return
        with os.fdopen(open_private(self.path, os.O_APPEND), "ab") as file:
            file.write(b"\n" + lines)  # a new line first, because the last may be broken off
            file.flush()
            os.fsync(file.fileno())

    def begin(self, suppressions: Suppressions) -> None:
        """Write the list anew, with all suppressions of the database. Raises OSError."""
        beside = self.path.with_name(f".{self.path.name}.new")
        write_private(beside, _lines(suppressions))
        flush(beside)
        beside.replace(self.path)
        flush_names(self.path.parent)


def _lines(suppressions: Suppressions) -> bytes:
    return "".join(f"{hashed} {reason}\n" for hashed, reason in suppressions if hashed).encode("ascii")
