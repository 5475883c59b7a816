"""Decide what becomes of stored entries by a reading of their source: withdrawn, postponed, or given back. Pure.

A reading gives a `Sign` of each stored entry: it is shown, marked as not released, deleted, or missing. An entry that
its source marks is "withheld", and is released by itself when the source releases it; an entry that is missing for an
hour is "held" for an editor. An editor who releases it all the same overrules that sign until it has passed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from digest.model import Sighting

UNFINISHED, EARLY, EXPIRED, DELETED, MISSING, PAGE = "unfinished", "early", "expired", "deleted", "missing", "page"
SIGNS = (UNFINISHED, EARLY, EXPIRED, DELETED, MISSING)  # what a source says, and takes back when it passes
QUESTION = "question"  # an editor's open question, at a deadline
MUTED = "muted"  # the code of an entry that is held because an editor has muted its source
# An entry is missing for good in two readings this far apart, because feeds and folders show gaps for minutes.
_GONE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stand:
    """Hold the release state of a stored entry that a reader may still get.

    `held_by` is the code of what keeps it back and `held_why` the reason in words, or ""; `overruled` is the code
    that an editor has overruled. `missing_since` is the first reading that lacked it. `duplicate_of` is the
    entry that a near-duplicate tells again.
    """

    entry: int
    state: str
    held_by: str = ""
    held_why: str = ""
    overruled: str = ""
    missing_since: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    published: datetime | None = None
    duplicate_of: int | None = None

    @property
    def given_back(self) -> str:
        """Return the state of the entry when nothing keeps it back."""
        return "duplicate" if self.duplicate_of else "ready"


@dataclass(frozen=True, slots=True)
class Sign:
    """Hold what a reading says of one entry: the `code` and reason of what keeps it back ("": it is released)."""

    code: str = ""
    why: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    published: datetime | None = None


def sign_of(sighting: Sighting, now: datetime) -> Sign:
    """Return what a sighting says of its own release."""
    start, end, published = sighting.not_before, sighting.not_after, sighting.published
    if sighting.unreleased:
        return Sign(UNFINISHED, f"its source says {sighting.unreleased}", start, end, published)
    if end is not None and end <= now:
        return Sign(EXPIRED, expired(end), start, end, published)
    if start is not None and start > now:
        return Sign(EARLY, f"not before {start:%Y-%m-%d %H:%M} UTC", start, end, published)
    return Sign("", "", None, end, published)


def expired(end: datetime) -> str:
    """Return the reason of an entry that is for readers no longer."""
    return f"expired on {end:%Y-%m-%d %H:%M} UTC"


def judged(standing: Stand, sign: Sign, now: datetime, *, at_once: bool = False) -> Stand:
    """Return the release state of an entry after a reading.

    `at_once`: a missing entry is withheld from the first reading that lacks it, as in a folder; else it may still go
    out until it is held.
    """
    if sign.code == MISSING:
        return _missing(standing, now, at_once)
    # A date that was ahead is corrected by its publisher; no other date changes once it is stored.
    published = sign.published if standing.not_before and sign.published else standing.published
    seen = replace(
        standing, missing_since=None, not_before=sign.not_before, not_after=sign.not_after, published=published
    )
    if sign.code:
        if sign.code == standing.overruled or (standing.state == "held" and standing.held_by != MISSING):
            return seen
        return replace(seen, state="withheld", held_by=sign.code, held_why=sign.why, overruled="")
    if standing.state == "withheld" or standing.held_by == MISSING:
        return replace(seen, state=standing.given_back, held_by="", held_why="", overruled="")
    return replace(seen, overruled="")


def missing_from(before: Sequence[int], after: Sequence[int], present: Collection[int]) -> set[int]:
    """Return the entries of a feed's last reading that this one lacks though older ones are still shown.

    `before` and `after` are the entries of the two readings, newest first. Entries that stood above the feed's last
    entry have not scrolled off. When the last entry was not there before, it cannot be told, so nothing is missing.
    """
    if not after or after[-1] not in before:
        return set()
    return set(before[: before.index(after[-1])]) - set(present)


def newest_first(numbers: Sequence[int], dates: Sequence[datetime | None]) -> list[int]:
    """Return the entries of a reading newest first: turned round when most dates rise from one to the next."""
    dated = [date for date in dates if date is not None]
    pairs = list(pairwise(dated))
    rising = sum(first < second for first, second in pairs)
    falling = sum(first > second for first, second in pairs)
    return list(reversed(numbers)) if rising > falling else list(numbers)


def _missing(standing: Stand, now: datetime, at_once: bool) -> Stand:
    since = standing.missing_since or now
    gone = replace(standing, missing_since=since)
    waits = standing.state == "withheld" and standing.held_by in (EARLY, MISSING)
    if standing.overruled == MISSING or not (standing.state == standing.given_back or waits):
        return gone
    if now - since >= _GONE_AFTER:
        why = f"its source has not shown it since {since:%Y-%m-%d %H:%M} UTC"
        # No editor need decide about a near-duplicate, because readers get the entry that it tells again.
        state = "withheld" if standing.duplicate_of else "held"
        return replace(gone, state=state, held_by=MISSING, held_why=why, overruled="")
    if at_once:
        return replace(gone, state="withheld", held_by=MISSING, held_why="its source does not show it", overruled="")
    return gone
