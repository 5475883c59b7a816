"""Choose the lines of a case study: an editor's, else its author's, else those read from its text. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from digest.model import INGREDIENTS, Ingredient

MOST_LINE = 160  # characters: a line of a letter


class Given(NamedTuple):
    """Hold the lines that people have given of one entry, and the (name, text) of those that an editor dropped."""

    source: tuple[Ingredient, ...] = ()
    editor: tuple[Ingredient, ...] = ()
    dropped: frozenset[tuple[str, str]] = frozenset()


def chosen(read: Iterable[Ingredient], given: Given) -> tuple[Ingredient, ...]:
    """Return the lines that count, by name in the order of INGREDIENTS.

    The lines of an editor under a name replace those that the source gives there, and these replace those that are
    read. Nothing comes in the place of a dropped line.
    """
    lines: list[Ingredient] = []
    read = tuple(read)
    for name in INGREDIENTS:
        of_name = ([each for each in some if each.name == name] for some in (given.editor, given.source, read))
        lines += [each for each in next(filter(None, of_name), []) if (name, each.text) not in given.dropped]
    return tuple(lines)


def letter_line(ingredients: Iterable[Ingredient], name: str) -> Ingredient | None:
    """Return the first line under a name that fits a line of a letter; None when there is none.

    A line is never cut: the first is the best one, and a sentence that is too long gives way to the next.
    """
    return next((each for each in ingredients if each.name == name and len(each.text) <= MOST_LINE), None)


def letter_lines(ingredients: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    """Return what a letter shows of a case study: at most a line each of in the way, they did, and changed."""
    ingredients = tuple(ingredients)
    lines = (letter_line(ingredients, name) for name in ("in-the-way", "did", "changed"))
    return tuple(line for line in lines if line)
