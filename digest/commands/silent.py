"""Print the silent readers, for `digest status --silent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import answer, table
from digest.errors import counted

if TYPE_CHECKING:
    from digest.editions.silence import WhySilent
    from digest.installation import Installation
    from subscribers.model import Reader


def print_silent(installation: Installation, json_: bool) -> None:
    """Print the readers to whom no letter was written for four weeks, as a table or as one document."""
    from digest.desk.silent import list_silent

    silent = list_silent(installation)
    if json_:
        answer([_document(reader, told) for reader, told in silent])
    elif silent:
        follows = ("policy areas", "regions", "themes")
        head = ("id", "email", "cadence", "last letter", *follows, "why", "would have helped")
        click.echo(table(head, [_row(reader, told) for reader, told in silent]))
    else:
        click.echo("no reader has been without a letter for four weeks")


def _document(reader: Reader, told: WhySilent) -> dict[str, Any]:
    interests, choice = reader.interests, told.choice
    return {
        "id": reader.id,
        "email": reader.email,
        "cadence": reader.cadence,
        "last_letter": told.last or None,
        "policy_areas": sorted(interests.policy_areas),
        "regions": sorted(interests.regions),
        "themes": sorted(interests.themes),
        "elsewhere": interests.elsewhere,
        "since": told.since,
        "editions": told.editions,
        "entries": told.entries,
        "matching": told.matching,
        "choice": choice._asdict() if choice else None,
    }


def _row(reader: Reader, told: WhySilent) -> tuple[object, ...]:
    interests, choice = reader.interests, told.choice
    follows = (interests.policy_areas, interests.regions, interests.themes)
    helped = "nothing"
    if choice:
        what = choice.facet.replace("_", " ") + (f" {choice.slug}" if choice.slug else "")
        helped = f"{what}: {counted(choice.entries, 'entry', 'entries')} in 12 weeks"
    return (
        reader.id, reader.email, reader.cadence, told.last or "never",
        *(";".join(sorted(slugs)) or every for slugs, every in zip(follows, ("all", "all", "none"), strict=True)),
        _why(told), helped,
    )  # fmt: skip


def _why(told: WhySilent) -> str:
    if not told.editions:
        return "no edition"
    if told.matching:
        return "something matches: see `digest explain`"
    return f"none of {counted(told.entries, 'entry', 'entries')} matches" if told.entries else "no new entry"
