"""Give, mend or drop the lines of ingredients of a case study for an editor.

Editions that are not frozen are drafted again, as after every change of an entry.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from digest.desk.acts import Hand
from digest.desk.edit import entry_of, redrafted
from digest.desk.entry_acts import entry_act
from digest.editions.ingredients import ingredients_of
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.learning.given import NotKnown, given_ingredient
from digest.model import CASE_STUDY, Entry, Ingredient
from digest.store import editions, ingredients
from digest.store.engine import reading, writing


def ingredients_shown(installation: Installation, number: int) -> tuple[Entry, tuple[Ingredient, ...]]:
    """Return a case study and its lines that count. Raises WrongUse for an entry that is none or does not exist."""
    with reading(installation.engine) as conn:
        return _lines(conn, number)


def give_lines(
    installation: Installation,
    hand: Hand,
    number: int,
    lines: Sequence[tuple[str, str]],
    barriers: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Add (name, text) lines to a case study, signed by the person; under these names they replace what is read.

    Without `barriers`, a line in-the-way has those that its words name. Return a line for each edition that changed.
    Raises WrongUse, and changes nothing, for what is not known (`digest.learning.given`).
    """
    signed = signed_lines(hand.by, lines, barriers)
    with writing(installation.engine, "ingredients") as conn:
        editions.serialise(conn)
        return add_lines(conn, installation, hand, number, signed)


def add_lines(
    conn: Connection, installation: Installation, hand: Hand, number: int, signed: Sequence[Ingredient]
) -> list[str]:  # fmt: skip
    """Do what `give_lines` does in the caller's transaction, after `editions.serialise`; others may have signed."""
    entry, _ = _lines(conn, number)
    with entry_act(conn, installation, hand, "give ingredients", [number]):
        ingredients.store_given(conn, number, signed, installation.clock())
    return redrafted(conn, installation, entry)


def mend_lines(
    installation: Installation, hand: Hand, number: int, places: Sequence[int], lines: Sequence[tuple[str, str]]
) -> list[str]:
    """Drop the lines with these places and add others, as one form does: all of it, or nothing.

    Return, and raise, as `drop_lines` and `give_lines` do.
    """
    signed = signed_lines(hand.by, lines, ())
    with writing(installation.engine, "ingredients") as conn:
        editions.serialise(conn)
        entry, shown = _lines(conn, number)
        dropped = _at(number, shown, places)
        with entry_act(conn, installation, hand, "mend ingredients", [number]):
            for line in dropped:
                ingredients.store_dropped(conn, number, line, hand.by, installation.clock())
            if signed:
                ingredients.store_given(conn, number, signed, installation.clock())
        return redrafted(conn, installation, entry)


def drop_lines(installation: Installation, hand: Hand, number: int, places: Sequence[int]) -> list[str]:
    """Drop the lines with these places, as `ingredients_shown` counts them from 1; nothing takes the place of one.

    Return a line for each dropped one, and for each edition that changed. Raises WrongUse for a place without a line.
    """
    with writing(installation.engine, "ingredients") as conn:
        editions.serialise(conn)
        entry, lines = _lines(conn, number)
        dropped = _at(number, lines, places)
        with entry_act(conn, installation, hand, "drop ingredients", [number]):
            for line in dropped:
                ingredients.store_dropped(conn, number, line, hand.by, installation.clock())
        return [f"dropped: {line.name}: {line.text}" for line in dropped] + redrafted(conn, installation, entry)


def as_read(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Forget what editors gave and dropped, so that the source's lines count again; return as `give_lines` does."""
    with writing(installation.engine, "ingredients") as conn:
        editions.serialise(conn)
        entry, _ = _lines(conn, number)
        with entry_act(conn, installation, hand, "read ingredients", [number]):
            ingredients.forget_editor(conn, number)
        return redrafted(conn, installation, entry)


def _lines(conn: Connection, number: int) -> tuple[Entry, tuple[Ingredient, ...]]:
    entry = entry_of(conn, number)
    if entry.kind != CASE_STUDY:
        raise WrongUse(f"entry {number} is a {entry.kind}; only a case study has ingredients")
    return entry, ingredients_of(conn, [entry]).get(number, ())


def _at(number: int, lines: Sequence[Ingredient], places: Sequence[int]) -> list[Ingredient]:
    for place in places:
        if not 1 <= place <= len(lines):
            has = counted(len(lines), "line")
            raise WrongUse(f"entry {number} has {has} of ingredients, and no line {place}; nothing was changed")
    return [lines[place - 1] for place in dict.fromkeys(places)]


def signed_lines(by: str, lines: Sequence[tuple[str, str]], barriers: Sequence[str] = ()) -> list[Ingredient]:
    """Return (name, text) lines as ingredients that a person or place has signed. Raises WrongUse as `give_lines`."""
    try:
        signed = [given_ingredient(name, text, _of_line(name, barriers), by) for name, text in lines]
    except NotKnown as error:
        raise WrongUse(f"{error}; nothing was changed") from None
    if barriers and sum(line.name == "in-the-way" for line in signed) != 1:
        raise WrongUse("--barrier belongs to one --in-the-way; give lines with other barriers one at a time")
    return signed


def _of_line(name: str, barriers: Sequence[str]) -> Sequence[str] | None:
    return barriers if barriers and name == "in-the-way" else None
