"""Find the silent readers who may be mailed, and explain why each is silent and which choice would have helped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.choices import Addition, Additions
from digest.editions.past import past_editions
from digest.store import silence
from subscribers.database import chunks
from subscribers.mailable import unmailable_readers
from subscribers.model import Reader

_PAGE = 1000  # readers looked at, at once, where few are wanted


class WhySilent(NamedTuple):
    """Hold why a reader has heard nothing, as the values that are stored of a notice.

    `last` is the date of the edition of their last letter, or ""; `since` is the beginning of the silence, an instant
    of ISO 8601. Since then there were so many `editions` of their cadence, with so many new `entries`, of which so
    many match what they follow now (`matching`; if any does, something else than their choices has kept it from
    them). `choice` would have brought them the most in twelve weeks.
    """

    last: str
    since: str
    editions: int
    entries: int
    matching: int
    choice: Addition | None = None


def find_silent(
    conn: Connection, settings: Settings, secret: bytes, now: datetime, *, untold: int | None = None
) -> list[Reader]:
    """Return the silent readers who may be mailed, in the order of ids.

    `untold`: at most so many, and only those who were not told of it within a month.
    """
    readers: list[Reader] = []
    last, page = 0, None if untold is None else _PAGE
    while some := silence.silent_readers(conn, now, after=last, limit=page, untold=untold is not None):
        last = some[-1].id
        blocked = unmailable_readers(conn, some, secret=secret, allow_list=settings.only, now=now)
        readers += [reader for reader in some if reader.id not in blocked]
        if untold is None or len(readers) >= untold:
            break
    return readers[:untold]


def explain_silence(
    conn: Connection, settings: Settings, readers: Sequence[Reader], now: datetime
) -> dict[int, WhySilent]:
    """Return by id why each of these silent readers has heard nothing."""
    additions_of = cache(lambda cadence: Additions(settings.taxonomy, past_editions(conn, settings, cadence, now)))
    explained: dict[int, WhySilent] = {}
    for page in chunks(readers):
        numbers = [reader.id for reader in page]
        last, had = silence.last_letters(conn, numbers), silence.entries_had(conn, numbers)
        for reader in page:
            additions, since = additions_of(reader.cadence), silence.quiet_since(reader.cadence, now)
            past = additions.past
            count, new = past.since(since)
            theirs = past.carried & had.get(reader.id, frozenset())
            matching = past.brought(reader.interests, theirs) & new
            explained[reader.id] = WhySilent(
                last.get(reader.id, ""), since.isoformat(), count, len(new - theirs), len(matching),
                additions.best(reader.interests, theirs),
            )  # fmt: skip
    return explained
