"""Define the commands serve and events: answer on the web, and read events from a mailbox or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, as_verbose, begin_story, story, tell, told_once_a_day
from digest.errors import PersonNeeded, WrongUse

if TYPE_CHECKING:
    from digest.delivery.events_in import Incoming
    from digest.installation import Installation
    from digest.operations.alarms import Alarm


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes any free port.",
)
@click.pass_obj
def serve(options: GlobalOptions, host: str, port: int) -> None:
    """Serve the webhook, the pages that letters link to, and the desk; put a proxy that speaks TLS before it."""
    from digest.notices.new_link import LinkNotices
    from digest.system import garbage
    from digest.web.app import make_app
    from digest.web.desk.door import served_desk
    from digest.web.server import serve_app

    garbage.collect_as_usual()
    installation = options.installation(create=False)
    installation.require_schema()
    if problem := installation.settings.events.webhook_problem():
        tell(problem)
    installation.require_secret()
    new_links = LinkNotices(installation)
    desk = served_desk(installation, new_links.hand_over)
    serve_app(make_app(installation, new_links, desk), host, port, tell)
    tell("digest: stopped")


@click.command()
@click.option("--mailbox", default=None, help="The mailbox to read instead of events.mailbox.")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=None,
    help="A file with a body of SendGrid's webhook; its signature is not checked.",
)  # fmt: skip
@as_json
@as_verbose
@click.pass_obj
def events(options: GlobalOptions, mailbox: str | None, file: Path | None, json_: bool, verbose: bool) -> None:
    """Read events from a mailbox of bounces and complaints, or from a file; safe to repeat.

    Exit code 4 when it tells an alarm, or that somebody answered a letter and a person must read it: once a day.
    Silent where nothing is new, unless on a terminal or with -v.
    """
    from digest.operations.waiting import tell_once

    installation = options.installation()
    begin_story(options, verbose=verbose)
    address = mailbox or installation.settings.events.mailbox
    if file is not None and mailbox is not None:
        raise WrongUse("give --mailbox or --file, not both")
    if file is None and not address:
        raise WrongUse("nothing to read: set events.mailbox in config.toml, or give --mailbox or --file")
    with told_once_a_day(installation):
        incoming = _from_file(installation, file) if file is not None else _from_mailbox(installation, address)
    installation.fence.follow()
    alarms = _alarms_of(installation)
    answers, lines = _answers_line(incoming), _lines(incoming, alarms)
    fresh = tell_once(installation, [*lines, *answers])
    if json_:
        answer(_document(incoming) | {"alarms": [[a.place, a.problem, a.cure] for a in alarms]})
        lines = []
    elif fresh or incoming.taken.new or not story.quiet:
        click.echo(", ".join(f"{count} {name}" for name, count in _counts(incoming).items()))
    for line in [*lines, *answers]:
        if line in fresh or not story.quiet:
            tell(line)
    if any(line in fresh for line in [*_alarm_lines(alarms), *answers]):
        raise click.exceptions.Exit(PersonNeeded.exit_code)


def read_mailbox(installation: Installation) -> list[str]:
    """Take the events of the configured mailbox; return the lines about them that were not told today."""
    from digest.operations.waiting import tell_once

    incoming = _from_mailbox(installation, installation.settings.events.mailbox)
    installation.fence.follow()
    lines = [*_lines(incoming, _alarms_of(installation)), *_answers_line(incoming)]
    fresh = tell_once(installation, lines)
    return [line for line in lines if line in fresh]


def _alarms_of(installation: Installation) -> list[Alarm]:
    from digest.operations.alarms import alarms
    from digest.store.engine import reading

    with reading(installation.engine) as conn:
        return alarms(conn, installation.clock())


def _answers_line(incoming: Incoming) -> list[str]:
    cure = "somebody answered a letter, or complained of one; read it in the mailbox, answer, mark it as read"
    return [f"{incoming.answers} unread: {cure}"] if incoming.answers else []


def _lines(incoming: Incoming, alarms: Sequence[Alarm]) -> list[str]:
    aside = [f"left aside: {count} × {reason}" for reason, count in sorted(incoming.aside.items())]
    return [*aside, *_alarm_lines(alarms)]


def _alarm_lines(alarms: Sequence[Alarm]) -> list[str]:
    return [f"alarm: {alarm.place}: {alarm.problem}; {alarm.cure}" for alarm in alarms]


def _from_mailbox(installation: Installation, address: str) -> Incoming:
    """Take the events of a mailbox. Raises TryLater when it is away."""
    from digest.delivery import events_in
    from digest.transports.mailbox.mailbox import open_mailbox

    events = installation.settings.events
    box = open_mailbox(address, events.password, events.ca_file)
    try:
        return events_in.take_mailbox(installation, box)
    finally:
        box.close()


def _from_file(installation: Installation, file: Path) -> Incoming:
    """Take the events of a webhook's body that was saved as a file. Raises WrongUse when it is no such body."""
    from digest.delivery import events_in

    try:
        return events_in.take_body(
            installation.engine,
            installation.settings.events.webhook(),
            file.read_bytes(),
            installation.secret,
            installation.clock(),
        )
    except ValueError as error:
        raise WrongUse(f"{file}: {error}; give a body as SendGrid's webhook posts it") from error


def _counts(incoming: Incoming) -> dict[str, int]:
    taken = incoming.taken
    return {
        "new": taken.new, "duplicate": taken.duplicate, "settled": taken.settled, "suppressed": taken.suppressed,
        "left": taken.left, "strikes": taken.strikes, "strangers": taken.strangers, "unread": incoming.unread,
    }  # fmt: skip


def _document(incoming: Incoming) -> dict[str, Any]:
    return {
        **_counts(incoming),
        "answers": incoming.answers,
        "alerts": dict(incoming.taken.alerts),
        "aside": dict(incoming.aside),
    }


COMMANDS = (serve, events)
