"""Define the command ingredients, by which an editor sees, gives and drops the lines of a case study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from digest.commands.base import Function, GlobalOptions, Id, answer, as_json, bundled, hand_of, tell
from digest.errors import WrongUse
from digest.learning.given import GIVABLE
from digest.learning.levels import level_of
from digest.model import BARRIERS, INGREDIENTS, Entry, Ingredient


@dataclass(frozen=True, slots=True)
class GivenLines:
    """Hold the lines that an editor gives, under each name in the order they were typed, and the barriers of one."""

    wanted: tuple[str, ...]
    in_the_way: tuple[str, ...]
    did: tuple[str, ...]
    changed: tuple[str, ...]
    must_stay: tuple[str, ...]
    may_change: tuple[str, ...]
    who_to_ask: tuple[str, ...]
    how_they_know: tuple[str, ...]
    how_far: tuple[str, ...]
    barrier: tuple[str, ...]

    def pairs(self) -> list[tuple[str, str]]:
        """Return (name, text) of each line."""
        return [(name, text) for name in GIVABLE for text in getattr(self, name.replace("-", "_"))]


@dataclass(frozen=True, slots=True)
class LineChanges:
    """Hold which lines an editor drops, whether those of the source count again, and who decides."""

    drop: tuple[int, ...]
    as_read: bool
    by: str | None


def _given(name: str, text: str) -> Callable[[Function], Function]:
    return click.option(f"--{name}", multiple=True, metavar="TEXT", help=text)


@click.command()
@click.argument("entry", type=Id())
@as_json
@bundled(
    "given",
    GivenLines,
    _given("wanted", "Add a line: what they wanted."),
    _given("in-the-way", "Add a line: what was in the way."),
    _given("did", "Add a line: what they did."),
    _given("changed", "Add a line: what changed for people."),
    _given("must-stay", "Add a line: what must stay as it is."),
    _given("may-change", "Add a line: what another place may change."),
    _given("who-to-ask", "Add a line: who to ask."),
    _given("how-they-know", "Add a line that says told us, counted or evaluated."),
    _given("how-far", "Add a line that says trying, a year or spread."),
    click.option("--barrier", multiple=True, metavar="NAME", help=f"Of --in-the-way: {', '.join(BARRIERS)}."),
)
@bundled(
    "changes",
    LineChanges,
    click.option("--drop", multiple=True, type=int, metavar="N", help="Drop the line with this number."),
    click.option("--as-read", is_flag=True, help="Forget what editors gave and dropped."),
    click.option("--by", metavar="NAME", help="Sign the lines with this name."),
)
@click.pass_obj
def ingredients(options: GlobalOptions, entry: int, json_: bool, given: GivenLines, changes: LineChanges) -> None:
    """Show the ingredients of a case study, or give, mend or drop lines of them.

    Lines are added under their name, in the place of those that are read from the text, and carry the name of --by.
    """
    from digest.desk import ingredients as desk

    pairs = given.pairs()
    if (bool(pairs or given.barrier) + bool(changes.drop) + changes.as_read) > 1:
        raise WrongUse("give lines, --drop lines, or take all --as-read: one at a time, because numbers may change")
    if (pairs or given.barrier) and not changes.by:
        raise WrongUse("a line that is given is signed: add --by NAME, as readers may see it")
    installation = options.installation()
    hand = hand_of(changes.by)
    told: list[str] = []
    if pairs or given.barrier:
        told = desk.give_lines(installation, hand, entry, pairs, given.barrier)
    elif changes.drop:
        told = desk.drop_lines(installation, hand, entry, changes.drop)
    elif changes.as_read:
        told = desk.as_read(installation, hand, entry)
    for line in told:
        tell(line)
    case_study, lines = desk.ingredients_shown(installation, entry)
    if json_:
        answer(_document(case_study, lines))
    else:
        click.echo(_as_text(case_study, lines))


def _document(entry: Entry, lines: tuple[Ingredient, ...]) -> dict[str, Any]:
    return {
        "entry": entry.id,
        "title": entry.title,
        "ingredients": [
            {
                "number": number, "name": line.name, "text": line.text, "barriers": list(line.barriers),
                "level": level_of(line.name, line.text), "by": line.by,
            }
            for number, line in enumerate(lines, 1)
        ],
    }  # fmt: skip


def _as_text(entry: Entry, lines: tuple[Ingredient, ...]) -> str:
    """Return the lines below their names, numbered as --drop takes them, and the names without a line."""
    rows = [f"{entry.id}  {entry.title}"]
    for name, words in INGREDIENTS.items():
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.name == name]
        rows += [words] * bool(numbered)
        for number, line in numbered:
            level = ", ".join(line.barriers) or level_of(name, line.text)
            signer = f" – {line.by}" * bool(line.by)
            rows.append(f"{number:4}. {line.text}" + f" ({level})" * bool(level) + signer)
    if empty := [words for name, words in INGREDIENTS.items() if all(line.name != name for line in lines)]:
        rows.append(f"Nothing under: {', '.join(empty)}")
    return "\n".join(rows)


COMMANDS = (ingredients,)
