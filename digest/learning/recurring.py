"""Count what case studies have in common: the barriers and themes that several of them share. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from digest.learning.choose import letter_lines
from digest.model import BARRIERS, Entry, Ingredient

LEAST = 3  # case studies that share a thing which keeps coming up


class Telling(NamedTuple):
    """Hold a case study and the lines of it that tell of a barrier, or for a theme, the lines that a letter shows."""

    entry: Entry
    lines: tuple[Ingredient, ...]


class Recurring(NamedTuple):
    """Hold a barrier or a theme (`facet`) by its slug, and the case studies that share it, in the given order."""

    facet: str
    slug: str
    told: tuple[Telling, ...]


def recurring(studies: Iterable[Entry], least: int = LEAST) -> list[Recurring]:
    """Return what at least so many case studies share, most frequent first, and barriers before themes."""
    studies = tuple(studies)
    shared = []
    for barrier in BARRIERS:
        told = [Telling(entry, lines) for entry in studies if (lines := _of(barrier, entry))]
        shared.append(Recurring("barrier", barrier, tuple(told)))
    for theme in dict.fromkeys(theme for entry in studies for theme in entry.facets.themes):
        told = [Telling(entry, letter_lines(entry.ingredients)) for entry in studies if theme in entry.facets.themes]
        shared.append(Recurring("theme", theme, tuple(told)))
    return sorted((each for each in shared if len(each.told) >= least), key=lambda each: -len(each.told))


def _of(barrier: str, entry: Entry) -> tuple[Ingredient, ...]:
    return tuple(line for line in entry.ingredients if line.name == "in-the-way" and barrier in line.barriers)
