"""What becomes of a stored entry by a reading of its source: each decision in a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from digest.sources.withdrawal import DELETED, EARLY, EXPIRED, MISSING, UNFINISHED, Sign, Stand, judged, newest_first
from digest.sources.withdrawal import missing_from as missing
from tests.counts import table

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
READY = Stand(1, "ready")
SURGE = Stand(1, "held", "surge")
DRAFT = Stand(1, "withheld", UNFINISHED)
DUPLICATE = Stand(1, "duplicate", duplicate_of=7)
GONE = Stand(1, "held", MISSING, missing_since=NOW - HOUR)


def since(stand: Stand, minutes: int) -> Stand:
    return replace(stand, missing_since=NOW - timedelta(minutes=minutes))


# An entry as it stands, what a reading says of it, whether it is of a folder; then its state, and what keeps it back.
DECISIONS = [
    (READY, "", False, "ready", ""),
    (READY, UNFINISHED, False, "withheld", UNFINISHED),
    (READY, EARLY, True, "withheld", EARLY),
    (READY, EXPIRED, True, "withheld", EXPIRED),
    (READY, DELETED, False, "withheld", DELETED),
    (DRAFT, "", True, "ready", ""),
    (DRAFT, EARLY, True, "withheld", EARLY),
    (SURGE, "", False, "held", "surge"),
    (SURGE, UNFINISHED, False, "held", "surge"),
    (SURGE, MISSING, True, "held", "surge"),
    (READY, MISSING, False, "ready", ""),
    (READY, MISSING, True, "withheld", MISSING),
    (since(READY, 59), MISSING, False, "ready", ""),
    (since(READY, 60), MISSING, False, "held", MISSING),
    (since(READY, 60), MISSING, True, "held", MISSING),
    (since(READY, -60), MISSING, False, "ready", ""),  # the clock was set back
    (since(DRAFT, 60), MISSING, True, "withheld", UNFINISHED),
    (since(Stand(1, "withheld", EARLY), 60), MISSING, True, "held", MISSING),
    (GONE, "", False, "ready", ""),
    (GONE, UNFINISHED, True, "withheld", UNFINISHED),
    (since(Stand(1, "ready", overruled=MISSING), 90), MISSING, True, "ready", ""),
    (Stand(1, "ready", overruled=EARLY), EARLY, True, "ready", ""),
    (Stand(1, "ready", overruled=EARLY), UNFINISHED, True, "withheld", UNFINISHED),
    (DUPLICATE, "", False, "duplicate", ""),
    (since(DUPLICATE, 59), MISSING, False, "duplicate", ""),
    (since(DUPLICATE, 60), MISSING, False, "withheld", MISSING),  # an editor has nothing to decide
    (DUPLICATE, EXPIRED, False, "withheld", EXPIRED),
    (replace(DUPLICATE, state="withheld", held_by=DELETED), "", False, "duplicate", ""),
]


@table("stand, code, folder, state, by", DECISIONS)
def test_where_an_entry_stands_after_a_reading(stand: Stand, code: str, folder: bool, state: str, by: str) -> None:
    after = judged(stand, Sign(code, "because"), NOW, at_once=folder)
    assert (after.state, after.held_by) == (state, by)
    assert (after.missing_since is not None) == (code == MISSING)
    # The same reading again changes nothing.
    assert judged(after, Sign(code, "because"), NOW, at_once=folder) == after


# The entries of the last reading and of this one, newest first, and those that are missing.
READINGS: list[tuple[list[int], list[int], set[int]]] = [
    ([3, 2, 1], [3, 2, 1], set()),
    ([3, 2, 1], [3, 1], {2}),
    ([3, 2, 1], [2, 1], {3}),
    ([3, 2, 1], [3, 2], set()),  # the oldest has scrolled off
    ([3, 2, 1], [6, 5, 4], set()),
    ([3, 2, 1], [4, 3, 2], set()),
    ([3, 2, 1], [5, 4, 1], {3, 2}),
    ([3, 2, 1], [], set()),
    ([], [1], set()),
    ([9, 3, 2, 1], [9, 4, 3, 2], set()),  # 9 is pinned to the top
    ([4, 3, 2, 1], [1, 5, 4, 3], set()),  # 1 was changed and moved to the top, so 2 has scrolled off
]


@table("before, after, expected", READINGS)
def test_what_has_scrolled_off_is_not_missing(before: list[int], after: list[int], expected: set[int]) -> None:
    assert missing(before, after, set(after)) == expected


def test_a_feed_is_turned_so_that_its_newest_entry_is_first() -> None:
    days = [NOW + timedelta(days=n) for n in range(3)]
    assert newest_first([1, 2, 3], days) == [3, 2, 1]
    assert newest_first([1, 2, 3], days[::-1]) == [1, 2, 3]
    assert newest_first([1, 2, 3], [None, None, None]) == [1, 2, 3]
