"""Tell which readers may be offered entries of earlier editions again, because their letters had no room for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from digest.store import carry_over
from digest.store.carry_over import PastLetter


class LeftOver:
    """Look up which of the `entries` that an edition carries over may be offered again to its readers."""

    def __init__(self, conn: Connection, cadence: str, entries: Collection[int], now: datetime) -> None:
        self._conn = conn
        self._cadence = cadence
        self._carried = frozenset(entries)
        self._now = now
        self._letters: dict[int, PastLetter] = {}  # by digest, because readers share them
        self._alike: dict[PastLetter, PastLetter] = {}  # so that equal ones are one object: there may be very many

    def of(self, readers: Collection[int]) -> dict[int, frozenset[int]]:
        """Return, by reader, the entries that a letter of theirs had no room for and that they have not had."""
        if not self._carried or not readers or not self._entries:
            return {}
        had = carry_over.letters_had(self._conn, self._editions, readers)
        unread = {digest for _, digest in had} - self._letters.keys()
        for digest, letter in carry_over.past_letters(self._conn, unread, self._entries).items():
            self._letters[digest] = self._alike.setdefault(letter, letter)
        letters: dict[int, list[PastLetter]] = {}
        for reader, digest in had:
            letters.setdefault(reader, []).append(self._letters[digest])
        return {reader: entries for reader, some in letters.items() if (entries := self._left_over(some))}

    def _left_over(self, letters: Collection[PastLetter]) -> frozenset[int]:
        over_cap = frozenset[int]().union(*[letter.over_cap for letter in letters])
        return over_cap.difference(*[letter.shown for letter in letters])

    @cached_property
    def _entries(self) -> frozenset[int]:
        # Asked again, because a restore after the draft lets nothing be carried over.
        return self._carried.intersection(carry_over.left_over(self._conn, self._cadence, self._now))

    @cached_property
    def _editions(self) -> list[int]:
        return carry_over.editions_of_late(self._conn, self._now)
