"""Hold the keys of an installation as values, apart from the tokens, because those are slow to import. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self


class LinkKeys(tuple[bytes, ...]):
    """The keys of links in use, oldest first: the last signs, all verify. The `retired` verify leaving alone.

    Its text tells no key, because a text may get into a log.
    """

    retired: tuple[bytes, ...]

    def __new__(cls, in_use: Iterable[bytes], retired: Iterable[bytes] = ()) -> Self:
        """Hold the keys in use and the retired ones."""
        keys = super().__new__(cls, in_use)
        keys.retired = tuple(retired)
        return keys

    def __repr__(self) -> str:
        return f"LinkKeys({len(self)} in use, {len(self.retired)} retired)"


class Keyring(NamedTuple):
    """Hold the keys of an installation: the `secret`, which never changes, and the keys of links, the newest last."""

    secret: bytes
    links: Sequence[bytes]
