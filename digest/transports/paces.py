"""Say what a transport needs to keep a limit of rate together with all other processes of an installation."""

from __future__ import annotations

from typing import Protocol


class Paces(Protocol):
    """Share limits of rate, each by a name. Every method may raise TryLater, where the database is away.

    For any number of threads; no method waits for the instant that it speaks of.
    """

    def reserve(self, name: str, gap: float, count: int) -> float:
        """Reserve the time of `count` letters, `gap` seconds each; return the seconds until the first may begin."""
        ...

    def put_back(self, name: str, seconds: float) -> None:
        """Let nobody begin for so many seconds, because the other side asked for that."""
        ...

    def wait_of(self, name: str) -> float:
        """Return the seconds until the next request may begin, 0 for at once; reserve nothing."""
        ...
