"""Tidy the small parts that every format has: ids, labels, languages, names, repeats. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from digest.model import Sighting
from digest.sources.sanitise import title_text
from subscribers.invisible import without_invisible
from subscribers.languages import is_language_tag

Entry = TypeVar("Entry")
CUT_OFF = "the feed is cut off; its last, half-read entry is left for the next time"
TOO_MANY = "only the newest"  # how the problem of a source that shows too much begins
MAX_ENTRIES = 1_000
MAX_GUID = 2_000
_MAX_LABELS = 50
_MANY = 3  # entries without a title that are no chance
_ADDRESS = re.compile(r"\S*@\S*")


def tidy_guid(raw: str | None) -> str | None:
    """Return an id without outer space and invisible characters, at most 2,000 characters; None for an empty one."""
    text = (raw or "")[: 2 * MAX_GUID].encode("utf-8", "replace").decode("utf-8")
    return without_invisible(" ".join(text.split()))[:MAX_GUID] or None


def read_each(
    entries: Iterable[Entry], read: Callable[[Entry], Sighting], problems: list[str]
) -> tuple[Sighting, ...]:
    """Return the sighting of each entry; one that cannot be read is named in `problems` and stops no other.

    Blank ones are left out and counted there, and so it is told that no entry has a title.
    """
    sightings: list[Sighting] = []
    blank = 0
    for number, entry in enumerate(entries, 1):
        try:
            sighting = read(entry)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            problems.append(
                f"entry {number} cannot be read ({type(error).__name__}) and was left out; please report it"
            )
            continue
        if is_blank(sighting):
            blank += 1
        else:
            sightings.append(sighting)
    if blank:
        problems.append(
            f"{blank} of {blank + len(sightings)} entries hold neither title, text nor link and were left out"
        )
    if len(sightings) >= _MANY and not any(sighting.title for sighting in sightings):
        problems.append(
            f"none of its {len(sightings)} entries has a title; each is named by its address or first words"
        )
    return tuple(sightings)


def is_blank(sighting: Sighting) -> bool:
    """Return whether an entry has nothing to show or to lead to, and no mark of a draft."""
    return not (
        sighting.unreleased or sighting.title or sighting.summary or sighting.html or sighting.link or sighting.image
    )


def labels(raw: Iterable[object]) -> tuple[str, ...]:
    """Return categories as plain text, each once whatever its case, without addresses and numbers."""
    texts: dict[str, str] = {}
    for value in raw:
        text = title_text(value, 100) if isinstance(value, str) else ""
        if any(char.isalpha() for char in text) and "://" not in text:
            texts.setdefault(text.casefold(), text)
        if len(texts) == _MAX_LABELS:
            break
    return tuple(texts.values())


def language_tag(raw: str | None) -> str | None:
    """Return "en-GB" for "en_GB", or None for what is no language tag."""
    text = (raw or "").strip().replace("_", "-")
    return text if is_language_tag(text) else None


def person(raw: str) -> str:
    """Return an author's name without any e-mail address that stands with it; "" for a web address."""
    name = title_text(_ADDRESS.sub(" ", raw[:500]), 200)
    return "" if "://" in name else name.replace("()", "").strip(" ()<>,;")


def distinct(
    entries: Iterable[Entry], identity: Callable[[Entry], Hashable], date_of: Callable[[Entry], datetime | None]
) -> tuple[tuple[Entry, ...], list[str]]:
    """Return the newest 1,000 entries in the source's order, without exact repeats; a line for each kind left out.

    `identity` gives id, link, title and text untouched: entries alike in all four are one.
    """
    every = list(entries)
    firsts: dict[Hashable, Entry] = {}
    for entry in every:
        firsts.setdefault(identity(entry), entry)
    kept = list(firsts.values())
    problems = []
    if len(kept) < len(every):
        problems.append(f"{len(every) - len(kept)} exact repeats of other entries were left out")
    if len(kept) > MAX_ENTRIES:
        problems.append(f"{TOO_MANY} {MAX_ENTRIES} of {len(kept)} entries were read; ask for a shorter feed")
        kept = newest(kept, [date_of(entry) for entry in kept], MAX_ENTRIES)
    return tuple(kept), problems


def newest(entries: Sequence[Entry], dates: Sequence[datetime | None], most: int) -> list[Entry]:
    """Return the newest `most` of `entries`, in their order; `dates` has the date of each.

    One without a date takes the date of the next older dated entry; the dates show whether that is the one before or
    after it. Without any date the first ones count as the newest.
    """
    steps = [before < after for before, after in itertools.pairwise(filter(None, dates)) if before != after]
    oldest_first = 2 * sum(steps) > len(steps)
    order = range(len(entries)) if oldest_first else range(len(entries) - 1, -1, -1)
    ages: list[tuple[datetime, int]] = []
    last = datetime.min.replace(tzinfo=UTC)
    for rank, place in enumerate(order):
        last = dates[place] or last
        ages.append((last, rank))
    kept = sorted(order[rank] for _, rank in sorted(ages)[-most:])
    return [entries[place] for place in kept]
