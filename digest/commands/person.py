"""Define the commands below `subscribers` that change one person: set, move, pause, resume, confirm, unsuppress."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from digest.commands.base import GlobalOptions, who_decides
from digest.errors import WrongUse

if TYPE_CHECKING:
    from digest.config.settings import Settings
    from subscribers.csv.cells import RowChanges
    from subscribers.model import Subscriber

KEYS = (
    "name",
    "cadence",
    "language",
    "policy_areas",
    "regions",
    "themes",
    "elsewhere",
    "carry_over",
    "silence_notices",
    "zone",
)
_LENGTH = "1-month"  # of a pause without an end, which readers choose on their page too


def _not_blank(_context: click.Context, _option: click.Parameter, note: str) -> str:
    if not note.strip():
        raise click.BadParameter("is empty; say who asked for it, when and how")
    return note.strip()


note_option = click.option(
    "--note", required=True, callback=_not_blank, help="Who asked for it, when and how, for the consent history."
)


@click.command("set")
@click.argument("email", metavar="EMAIL|ID")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def set_(options: GlobalOptions, email: str, pairs: tuple[str, ...]) -> None:
    """Change a subscriber: name, cadence, language, what they follow, and the switches of their letters.

    Keys: name, cadence, language, zone, policy_areas, regions, themes; and yes or no for elsewhere, carry_over,
    silence_notices. A zone is like Europe/London; "" is that of the site.

    Several values are split by ";"; "all" stands for all of a facet: policy_areas="housing; transport" regions=all
    """
    from digest.store.engine import writing
    from subscribers import store
    from subscribers.csv.actions import filled

    installation = options.installation()
    values = _values_of(pairs)
    with writing(installation.engine, "set") as conn:
        person = store.named(conn, email)
        wanted = filled(_read(installation.settings, person.email, values), person)
        wanted = replace(wanted, name=values.get("name", wanted.name), zone=values.get("zone", wanted.zone))
        changed = store.change(conn, wanted, how=_how("set", ""), now=installation.clock())
    installation.fence.follow()
    click.echo(
        f"subscriber {changed.id} " + ("is so already" if changed == person else f"changed: {', '.join(values)}")
    )


@click.command()
@click.argument("email", metavar="EMAIL|ID")
@click.argument("new", metavar="NEW-EMAIL")
@note_option
@click.pass_obj
def move(options: GlobalOptions, email: str, new: str, note: str) -> None:
    """Give a subscriber another address; they keep everything else, and nothing is sent to either."""
    from digest.store.engine import writing
    from subscribers import store
    from subscribers.moving import move_address

    installation = options.installation()
    how, now, secret = _how("move", note), installation.clock(), installation.secret
    with writing(installation.engine, "move") as conn:
        person = store.named(conn, email)
        moved = move_address(conn, person.id, new, how=how, now=now, secret=secret)
    installation.fence.follow()
    click.echo(f"subscriber {person.id} " + ("has that address already" if moved == person else "has a new address"))


@click.command()
@click.argument("email", metavar="EMAIL|ID")
@click.option("--until", metavar="DATE", help="The day on which letters go on (default: in a month).")
@click.pass_obj
def pause(options: GlobalOptions, email: str, until: str | None) -> None:
    """Pause a subscriber's letters; nothing is lost, the first letter after the pause brings it."""
    from digest.store.engine import writing
    from subscribers import store
    from subscribers.pauses import pause_end

    installation = options.installation()
    now, zone = installation.clock(), ZoneInfo(installation.settings.site.zone)
    end = _midnight(until, zone) if until else pause_end(_LENGTH, now, zone)
    if end <= now:
        raise WrongUse(f"--until {until}: a pause must end later than today")
    with writing(installation.engine, "pause") as conn:
        person = store.pause(conn, store.named(conn, email).id, end, how=_how("pause", ""), now=now)
    installation.fence.follow()
    click.echo(f"subscriber {person.id} is paused until {end:%Y-%m-%d}")


@click.command()
@click.argument("email", metavar="EMAIL|ID")
@click.pass_obj
def resume(options: GlobalOptions, email: str) -> None:
    """End a subscriber's pause now."""
    from digest.store.engine import writing
    from subscribers import store

    installation = options.installation()
    with writing(installation.engine, "end pause") as conn:
        person = store.named(conn, email)
        store.end_pause(conn, person.id, how=_how("resume", ""), now=installation.clock())
    installation.fence.follow()
    click.echo(f"subscriber {person.id} " + ("gets letters again" if person.paused_until else "was not paused"))


@click.command()
@click.argument("email", metavar="EMAIL|ID")
@note_option
@click.pass_obj
def confirm(options: GlobalOptions, email: str, note: str) -> None:
    """Make a pending subscriber, or one who has left and asks to come back, active with what they followed."""
    from digest.store.engine import writing
    from subscribers import store

    installation = options.installation()
    with writing(installation.engine, "confirm") as conn:
        before = store.named(conn, email)
        store.confirm(
            conn, before.id, how=_how("confirm", note), now=installation.clock(), secret=installation.secret
        )
    installation.fence.follow()
    click.echo(f"subscriber {before.id} is active" + (" already" if before.state == "active" else ""))


@click.command()
@click.argument("email", metavar="EMAIL|ID")
@note_option
@click.option("--force", is_flag=True, help="Lift also the suppression after a complaint or an erasure.")
@click.pass_obj
def unsuppress(options: GlobalOptions, email: str, note: str, force: bool) -> None:
    """Lift the suppression of an address, because the person asks for letters again."""
    from digest.store.engine import writing
    from subscribers import store

    installation = options.installation()
    how, now, secret = _how("unsuppress", note), installation.clock(), installation.secret
    with writing(installation.engine, "unsuppress") as conn:
        address = store.address_named(conn, email)
        reason = store.lift(conn, address, how=how, force=force, now=now, secret=secret)
        person = store.find(conn, address)
    installation.fence.follow()
    click.echo(f"lifted; it was suppressed as {reason!r}. {_next_step(person)}")


def _next_step(person: Subscriber | None) -> str:
    """Return what is left to do until a person whose suppression was lifted gets letters."""
    if person is None:
        return "No subscriber has this address: `digest subscribers add` adds them"
    if person.state == "active":
        return f"Subscriber {person.id} is active, as before: letters go out again, and nothing is left to do"
    return (
        f"Subscriber {person.id} is {person.state}: `digest subscribers confirm` brings them back with what they"
        " followed, `digest subscribers add` with new choices"
    )


def _how(command: str, note: str) -> str:
    """Return the words of a consent history: the command, the account that gave it, and the note."""
    return f"digest subscribers {command} by {who_decides()}" + (f": {note}" if note else "")


def _values_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return {key: value} for texts like "cadence=weekly". Raises WrongUse."""
    from subscribers.facets import quoted

    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise WrongUse(f"{quoted(pair)} is no KEY=VALUE; write it like cadence=weekly")
        if key not in KEYS:
            near = difflib.get_close_matches(key[:60], KEYS, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(KEYS)}"
            raise WrongUse(f"key {quoted(key)} is not known; {cure}")
        if key in values:
            raise WrongUse(f"key {key!r} is given twice; give it once")
        values[key] = value.strip()
        if not values[key] and key not in ("name", "zone"):
            raise WrongUse(f"{key} has no value" + ("; all of it is `all`" if key in KEYS[3:6] else ""))
    return values


def _read(settings: Settings, email: str, values: Mapping[str, str]) -> RowChanges:
    """Read the values as the cells of a CSV file are read, with the same messages. Raises WrongUse."""
    from digest.facets.known import known_facets
    from subscribers.csv.cells import CellReader
    from subscribers.csv.rows import BadCell, CsvRow

    reader = CellReader(known_facets(settings.taxonomy), tuple(cadence.name for cadence in settings.cadences))
    try:
        return reader.read(CsvRow(0, {"email": email, **values}))
    except BadCell as error:
        raise WrongUse(str(error)) from None


def _midnight(text: str, zone: ZoneInfo) -> datetime:
    """Return the beginning of a day in `zone`. Raises WrongUse for a text that is no date."""
    from subscribers.pauses import day_in, midnight

    day = day_in(text)
    if day is None:
        raise WrongUse(f"--until {text!r} is not a date; write it like 2026-12-31")
    return midnight(day, zone)


COMMANDS = (set_, move, pause, resume, confirm, unsuppress)
