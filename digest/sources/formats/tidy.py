"""Tidy the small parts that every format has: ids, labels, languages, names, repeats. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from digest.model import Sighting
from digest.sources.sanitise import title_text
from subscribers.invisible import without_invisible
from subscribers.languages import is_language_tag

Entry = TypeVar("Entry")
CUT_OFF = "the feed is cut off; its last, half-read entry is left for the next time"
MAX_ENTRIES = 1_000
MAX_GUID = 2_000
_MAX_LABELS = 50
_ADDRESS = re.compile(r"\S*@\S*")


def tidy_guid(raw: str | None) -> str | None:
    """Return an id without outer space and invisible characters, at most 2,000 characters; None for an empty one."""
    text = (raw or "")[: 2 * MAX_GUID].encode("utf-8", "replace").decode("utf-8")
    return without_invisible(" ".join(text.split()))[:MAX_GUID] or None


def read_each(
    entries: Iterable[Entry], read: Callable[[Entry], Sighting], problems: list[str]
) -> tuple[Sighting, ...]:
    """Return the sighting of each entry; one that cannot be read is named in `problems` and stops no other."""
    sightings = []
    for number, entry in enumerate(entries, 1):
        try:
            sightings.append(read(entry))
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            problems.append(
                f"entry {number} cannot be read ({type(error).__name__}) and was left out; please report it"
            )
    return tuple(sightings)


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
    """Return an author's name without any e-mail address that stands with it."""
    name = title_text(_ADDRESS.sub(" ", raw[:500]), 200)
    return name.replace("()", "").strip(" ()<>,;")


def distinct(entries: Iterable[Entry], identity: Callable[[Entry], Hashable]) -> tuple[tuple[Entry, ...], list[str]]:
    """Return the first 1,000 entries in the source's order, without exact repeats, and a line for each kind left out.

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
        problems.append(f"only the first {MAX_ENTRIES} of {len(kept)} entries were read")
    return tuple(kept[:MAX_ENTRIES]), problems
