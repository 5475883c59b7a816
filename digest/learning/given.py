"""Read the ingredients that a person gives, in front matter or in a command; refuse what is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digest.learning.barriers import MOST_BARRIERS, barriers_of
from digest.learning.levels import LEVELS, level_of
from digest.model import BARRIERS, INGREDIENTS, Ingredient
from subscribers.characters import whole_characters
from subscribers.invisible import one_line

MOST_GIVEN = 400  # characters of a line
GIVABLE = tuple(name for name in INGREDIENTS if name != "place")  # a place is given by itself, and is no line
_MOST_LINES = 40
_PARTS = ("text", "barriers")


class NotKnown(ValueError):
    """Say which part of a given ingredient is not known, and the cure."""


def given_ingredient(name: str, text: str, barriers: Iterable[str] | None, by: str) -> Ingredient:
    """Return a line that `by` gives under a name; without `barriers`, those that its words name.

    Raises NotKnown for a name, a barrier or a level that is not known, and for a line that is empty or too long.
    """
    line, signer = one_line(text), whole_characters(one_line(by), 100)
    if name not in GIVABLE:
        raise NotKnown(f"the ingredient {name[:40]!r} is not known; write one of {', '.join(GIVABLE)}")
    if not line or len(line) > MOST_GIVEN:
        raise NotKnown(f"the line of {name} has {len(line)} characters; write 1 to {MOST_GIVEN}")
    if not signer:
        raise NotKnown(f"the line of {name} needs the name of who writes it")
    if name in LEVELS and not level_of(name, line):
        raise NotKnown(
            f"the line of {name} says none of {', '.join(LEVELS[name])}; write one of these, or begin with it"
        )
    if name != "in-the-way":
        if barriers:
            raise NotKnown(f"the line of {name} has barriers; only a line of in-the-way has them")
        return Ingredient(name, line, (), signer)
    named = tuple(dict.fromkeys(_barrier(each) for each in barriers)) if barriers is not None else barriers_of(line)
    if len(named) > MOST_BARRIERS:
        raise NotKnown(f"a line of in-the-way has {len(named)} barriers; name at most {MOST_BARRIERS}")
    return Ingredient(name, line, named, signer)


def _barrier(text: str) -> str:
    slug = one_line(text).casefold()
    if slug not in BARRIERS:
        raise NotKnown(f"the barrier {slug[:40]!r} is not known; write one of {', '.join(BARRIERS)}")
    return slug


def from_matter(value: object, by: object) -> tuple[Ingredient, ...]:
    """Return the ingredients of front matter: a table from name to a line, or a list of lines, signed by `by`.

    A line is a text, or a table of `text` and `barriers`. Names are read without case, and "_" and spaces as "-".
    Raises NotKnown; then none is taken, because half of what an author wrote may say something else.
    """
    if not isinstance(value, Mapping):
        raise NotKnown(f"ingredients are no table; write a name ({', '.join(GIVABLE)}) and its line below it")
    if not isinstance(by, str) or not one_line(by):
        raise NotKnown("the ingredients have no name of who wrote them; add ingredients_by")
    pairs = [(_name(name), line) for name, lines in value.items() for line in _listed(lines)[: _MOST_LINES + 1]]
    if len(pairs) > _MOST_LINES:
        raise NotKnown(f"there are more than {_MOST_LINES} lines of ingredients; keep those that tell most")
    return tuple(_line(name, line, by) for name, line in pairs)


def _name(name: object) -> str:
    text = name if isinstance(name, str) else ""
    return "-".join(one_line(text).casefold().replace("_", " ").replace("-", " ").split())


def _listed(lines: object) -> Sequence[object]:
    return lines if isinstance(lines, list) else [lines]


def _line(name: str, line: object, by: str) -> Ingredient:
    parts: Mapping[Any, Any] = line if isinstance(line, Mapping) else {"text": line}
    if unknown := [str(part) for part in parts if part not in _PARTS]:
        raise NotKnown(f"{unknown[0][:40]!r} in the line of {name[:40]} is not known; write {' and '.join(_PARTS)}")
    text, barriers = parts.get("text"), parts.get("barriers")
    if not isinstance(text, str):
        raise NotKnown(f"the line of {name[:40]} is no text; write it between quotes")
    # Only texts are written out in a message, because YAML's references can make a list endless.
    named = None if barriers is None else [each if isinstance(each, str) else "" for each in _listed(barriers)[:9]]
    return given_ingredient(name, text, named, by)
