"""Keep the suppressions in a file outside the database as well, as hashes: a database put back learns them again.

Each line is "address hash, space, reason"; the last line of an address counts, and "lifted" ends its suppression. A
line "secret, space, fingerprint" names the secret that made the hashes; without one, any secret may have. A list of a
secret that was given up is kept aside as `….before-<time>`, because an old database may be put back with its secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from digest.system.flush import flush, flush_names
from digest.system.private import open_private, write_private
from subscribers.changes import LIFTED
from subscribers.tables import REASONS

_SECRET = re.compile(r"secret ([0-9a-f]{64})")
_AGAIN = b"all of these are told again\n"  # what stands before this line is no news
_LINE = re.compile(rf"([0-9a-f]{{64}}) ({'|'.join(REASONS)}|{LIFTED})")

Suppressions = Iterable[tuple[str, str]]  # (address hash, reason or LIFTED)


class SuppressedList:
    """The list of one installation, beside the file of its fence."""

    def __init__(self, fence_file: Path) -> None:
        self.path = fence_file.with_name(f"{fence_file.name}.suppressed")

    def read(self, secret: str = "") -> dict[str, str]:
        """Return {address hash: reason} of the lists that a secret has made, by its fingerprint ("": all lists).

        Without a file, nothing. Raises OSError.
        """
        reasons: dict[str, str] = {}
        for path in self.files():
            if (content := _read(path)).fits(secret):
                reasons |= content.reasons
        return {hashed: reason for hashed, reason in reasons.items() if reason != LIFTED}

    def unreadable(self, secret: str) -> list[Path]:
        """Return the lists after the newest of this secret that tell it nothing: of another secret, or missing."""
        unreadable: list[Path] = []
        for path in self.files():
            content = _read(path)
            if content.fits(secret):
                unreadable.clear()
            elif content.has_news:
                unreadable.append(path)
        return unreadable if self.path.exists() else [*unreadable, self.path]

    def files(self) -> list[Path]:
        """Return the lists that are there, in the order of time: those kept aside, then the one in use."""
        aside = sorted(self.path.parent.glob(f"{self.path.name}.before-*"))
        return [*aside, self.path] if self.path.exists() else aside

    def set_aside(self, at: str, secret: str) -> None:
        """Keep the list in use under another name, marked with the secret that made it, if any. Raises OSError."""
        if not self.path.exists():
            return
        if not _read(self.path).secret:
            self._add(_marked(secret))
        aside = self.path.with_name(f"{self.path.name}.before-{at}")
        while aside.exists():
            aside = aside.with_name(f"{aside.name}+")
        self.path.rename(aside)
        aside.chmod(0o600)
        flush_names(self.path.parent)

    def append(self, changed: Suppressions, secret: str = "") -> None:
        """Add the changed suppressions, and wait until they are on the disk. Raises OSError."""
        if lines := _lines(changed):
            self._add(_marked(secret) + lines)

    def _add(self, lines: bytes) -> None:
        with os.fdopen(open_private(self.path, os.O_APPEND), "ab") as file:
            file.write(b"\n" + lines)  # a new line first, because the last may be broken off
            file.flush()
            os.fsync(file.fileno())

    def begin(self, suppressions: Suppressions, secret: str = "", *, again: bool = False) -> None:
        """Write the list anew, with all suppressions of the database. Raises OSError.

        `again`: a list that is kept aside tells them too.
        """
        beside = self.path.with_name(f".{self.path.name}.new")
        write_private(beside, _marked(secret) + _lines(suppressions) + (_AGAIN if again else b""))
        flush(beside)
        beside.replace(self.path)
        flush_names(self.path.parent)


@dataclass(slots=True)
class _Content:
    """Hold what a list tells: the fingerprint of its secret or "", and {address hash: reason or LIFTED}.

    `has_news`: some of it stands in no list of an earlier secret.
    """

    secret: str
    reasons: dict[str, str]
    has_news: bool = False

    def fits(self, secret: str) -> bool:
        return not self.secret or not secret or self.secret == secret


def _read(path: Path) -> _Content:
    content = _Content("", {})
    # A line that a power cut broke off is passed over, because `append` writes it again.
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if match := _LINE.fullmatch(line):
            content.reasons[match[1]], content.has_news = match[2], True
        elif match := _SECRET.fullmatch(line):
            content.secret = match[1]
        elif line == _AGAIN.decode().strip():
            content.has_news = False
    return content


def _marked(secret: str) -> bytes:
    return f"secret {secret}\n".encode("ascii") if secret else b""


def _lines(suppressions: Suppressions) -> bytes:
    return "".join(f"{hashed} {reason}\n" for hashed, reason in suppressions if hashed).encode("ascii")
