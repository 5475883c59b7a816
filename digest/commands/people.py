"""Define the commands below `subscribers`: import, export, add, show, list, suppress and forget people.

`digest.commands.person` has those that change one person.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from digest.commands import person
from digest.commands.base import (
    GlobalOptions,
    answer,
    as_json,
    bundled,
    interests_of,
    split_values,
    table,
    tell_welcome,
)
from digest.commands.csv_files import export, import_
from digest.commands.why_left import why_left
from digest.errors import WrongUse
from digest.model import CADENCES

if TYPE_CHECKING:
    from subscribers.csv.histories import PastEvent
    from subscribers.model import Subscriber


@dataclass(frozen=True, slots=True)
class InterestOptions:
    """Hold the options of `add` that say what the subscriber follows; an empty text stands for all."""

    policy_areas: str
    regions: str
    themes: str
    no_elsewhere: bool
    no_carry_over: bool


@click.group()
def subscribers() -> None:
    """Manage subscribers: import, export, add, show, list, change one, suppress, forget."""


subscribers.add_command(import_)
subscribers.add_command(export)
subscribers.add_command(why_left)


@subscribers.command()
@click.argument("email")
@click.option("--name", default="", help="The name that letters greet them by.")
@click.option(
    "--cadence",
    type=click.Choice(CADENCES),
    help="How often they get letters (default: weekly, or the first configured).",
)
@bundled(
    "follows",
    InterestOptions,
    click.option("--policy-areas", default="", metavar="A;B", help="The policy areas they follow (default: all)."),
    click.option("--regions", default="", metavar="R;S", help="The regions they follow (default: all)."),
    click.option("--themes", default="", metavar="T;U", help="The themes they follow (default: all)."),
    click.option("--no-elsewhere", is_flag=True, help="Leave the section From elsewhere out of their letters."),
    click.option(
        "--no-carry-over", is_flag=True, help="Offer them no earlier entry again when nothing new is for them."
    ),
)
@click.pass_obj
def add(options: GlobalOptions, email: str, name: str, cadence: str | None, follows: InterestOptions) -> None:
    """Add a subscriber who has asked for letters."""
    from digest.store.engine import writing
    from subscribers import store

    installation = options.installation()
    interests = interests_of(
        installation.settings.taxonomy,
        split_values(follows.policy_areas),
        split_values(follows.regions),
        split_values(follows.themes),
        elsewhere=not follows.no_elsewhere,
        carry_over=not follows.no_carry_over,
    )
    chosen = cadence or installation.settings.default_cadence
    installation.settings.cadence(chosen)
    new = store.NewSubscriber(email, chosen, name, interests, installation.settings.site.language)
    with writing(installation.engine, "add") as conn:
        added = store.add(
            conn, new, how="digest subscribers add", now=installation.clock(), secret=installation.secret
        )
    installation.fence.follow()
    click.echo(f"added subscriber {added.id}, {added.cadence}")
    tell_welcome(installation)


@subscribers.command()
@click.argument("email", metavar="EMAIL|ID")
@as_json
@click.pass_obj
def show(options: GlobalOptions, email: str, json_: bool) -> None:
    """Show a subscriber, by address or id: what they follow, answered and told, and their consent history."""
    from digest.store import answer_rows
    from digest.store.engine import reading
    from subscribers import store
    from subscribers.csv.histories import histories_of
    from subscribers.errors import NoSubscriber
    from subscribers.told import told_on_leaving

    installation = options.installation()
    with reading(installation.engine) as conn:
        try:
            subscriber = store.named(conn, email)
        except NoSubscriber as error:
            # A number names nobody by an address, so nothing can be suppressed under it.
            suppressed = store.is_suppressed(conn, email, secret=installation.secret) if "@" in email else None
            raise WrongUse(f"{error}" + (f"; it is suppressed ({suppressed})" if suppressed else "")) from None
        suppressed = store.is_suppressed(conn, subscriber.email, secret=installation.secret)
        history = histories_of(conn, [subscriber.id]).get(subscriber.id, [])
        answers = answer_rows.count_kinds(conn, subscriber.id)
        leaving = told_on_leaving(conn, subscriber.id)
    document = as_document(subscriber) | {
        "suppressed": suppressed,
        "answers": answers,
        "leaving": leaving,
        "history": [_event_document(event) for event in history],
    }
    if json_:
        answer(document)
        return
    document["answers"] = [f"{count} {kind}" for kind, count in answers.items()]
    document["leaving"] = "; ".join(filter(None, leaving.values())) if leaving else None
    for key, value in document.items():
        if key != "history":
            click.echo(f"{key}: {'; '.join(value) if isinstance(value, list) else value}")
    for event in history:
        click.echo(f"  {event.at:%Y-%m-%d %H:%M} {event.what} {event.how}".rstrip())


@subscribers.command("list")
@click.option("--cadence", type=click.Choice(CADENCES), help="Only subscribers with this cadence.")
@click.option("--state", type=click.Choice(["pending", "active", "left"]), help="Only subscribers in this state.")
@as_json
@click.pass_obj
def list_(options: GlobalOptions, cadence: str | None, state: str | None, json_: bool) -> None:
    """List subscribers."""
    from digest.store.engine import reading
    from subscribers import store

    listed: list[Subscriber] = []
    installation = options.installation()
    with reading(installation.engine) as conn:
        while page := store.stream(conn, cadence=cadence, state=state, after=listed[-1].id if listed else 0):
            listed += page
        suppressed = store.suppressed_reasons(conn, installation.secret, [subscriber.id for subscriber in listed])
    if json_:
        answer([as_document(each) | {"suppressed": suppressed.get(each.id)} for each in listed])
        return
    rows = [
        (
            subscriber.id, subscriber.email, subscriber.cadence, subscriber.state,
            ";".join(sorted(subscriber.interests.policy_areas)) or "all",
            ";".join(sorted(subscriber.interests.regions)) or "all", suppressed.get(subscriber.id, ""),
        )
        for subscriber in listed
    ]  # fmt: skip
    click.echo(table(("id", "email", "cadence", "state", "policy areas", "regions", "suppressed"), rows))


@subscribers.command()
@click.argument("email", metavar="EMAIL|ID")
@click.option("--note", default="", help="The reason, for your own records.")
@click.pass_obj
def suppress(options: GlobalOptions, email: str, note: str) -> None:
    """Suppress an address, a subscriber's (its id will do) or not, so that it is never mailed again."""
    from digest.store.engine import writing
    from subscribers import store

    installation = options.installation()
    with writing(installation.engine, "suppress") as conn:
        address = store.address_named(conn, email)
        store.suppress(conn, address, "editor", secret=installation.secret, now=installation.clock(), note=note)
    installation.fence.follow()
    click.echo("suppressed")


@subscribers.command()
@click.argument("email", metavar="EMAIL|ID")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@click.pass_obj
def forget(options: GlobalOptions, email: str, yes: bool) -> None:
    """Erase a subscriber; only a hash of the address stays, so that it is never mailed again."""
    from digest.readers.erase import erase_reader
    from digest.store.engine import reading, writing
    from digest.store.erase import scrub
    from subscribers import store
    from subscribers.errors import NoSubscriber

    installation = options.installation()
    try:
        with reading(installation.engine) as conn:
            subscriber = store.named(conn, email)
    except NoSubscriber:
        # Scrub all the same, because an erasure may have been killed after it deleted the row and before it scrubbed:
        # then the free pages of the database file still hold the address.
        scrub(installation.engine)
        raise
    if not yes:
        if sys.stdin is None or sys.stdin.closed:
            raise WrongUse("there is nobody to ask; say --yes to erase without asking. Nothing was changed")
        click.confirm(f"Erase subscriber {subscriber.id} for good?", abort=True, err=True)
    with writing(installation.engine, "erase") as conn:
        erase_reader(conn, installation, subscriber.id)
    installation.fence.follow()
    scrub(installation.engine)
    click.echo(f"erased subscriber {subscriber.id}; letters already written to files are yours to delete")


def as_document(subscriber: Subscriber) -> dict[str, Any]:
    """Return the document that `--json` prints for a subscriber."""
    return {
        "id": subscriber.id,
        "email": subscriber.email,
        "name": subscriber.name,
        "cadence": subscriber.cadence,
        "policy_areas": sorted(subscriber.interests.policy_areas),
        "regions": sorted(subscriber.interests.regions),
        "themes": sorted(subscriber.interests.themes),
        "elsewhere": subscriber.interests.elsewhere,
        "carry_over": subscriber.interests.carry_over,
        "silence_notices": subscriber.silence_notices,
        "zone": subscriber.zone,
        "language": subscriber.language,
        "state": subscriber.state,
        "paused_until": subscriber.paused_until.isoformat() if subscriber.paused_until else None,
        "joined_at": subscriber.joined_at.isoformat() if subscriber.joined_at else None,
    }


def _event_document(event: PastEvent) -> dict[str, str]:
    """Return an event of a consent history as JSON; network and words only of a person's own word on a page."""
    own = {"network": event.network, "language": event.language, "words": event.words}
    document = {"at": event.at.isoformat(), "what": event.what, "how": event.how}
    return document | {key: value for key, value in own.items() if value}


for _command in person.COMMANDS:
    subscribers.add_command(_command)

COMMANDS = (subscribers,)
