"""serve, events: the web pages and the webhook, and events from a mailbox or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, tell
from digest.errors import WrongUse

if TYPE_CHECKING:
    from digest.delivery.events_in import Incoming


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.pass_obj
def serve(choices: GlobalOptions, host: str, port: int) -> None:
    """Serve the pages behind the links in letters and the provider's webhook, behind a proxy that speaks TLS."""
    import uvicorn

    from digest.web.app import make_app

    installation = choices.installation()
    if problem := installation.settings.events.webhook_problem():
        tell(problem)
    app = make_app(installation.engine, installation.secret, installation.settings, installation.clock)
    # No access log: the addresses of the pages hold tokens.
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", timeout_graceful_shutdown=20,
    )  # fmt: skip
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise WrongUse(f"{host} port {port}: cannot listen there; choose another --host or --port") from None
    tell(f"listening on http://{host}:{listening.getsockname()[1]}")
    uvicorn.Server(config).run(sockets=[listening])
    tell("digest: stopped")


@click.command()
@click.option("--mailbox", default=None, help="Where reports arrive, instead of events.mailbox.")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=None,
    help="A saved body of SendGrid's webhook, which you vouch for.",
)  # fmt: skip
@as_json
@click.pass_obj
def events(choices: GlobalOptions, mailbox: str | None, file: Path | None, json_: bool) -> None:
    """Take events from a mailbox of bounces and complaints, or from a file; safe to repeat."""
    from digest.delivery import events_in
    from digest.operations import alarms as alarming
    from digest.store.engine import reading
    from digest.transports.mailbox.mailbox import open_mailbox

    installation = choices.installation()
    where = mailbox or installation.settings.events.mailbox
    password = installation.settings.events.password
    if file is not None and mailbox is not None:
        raise WrongUse("give --mailbox or --file, not both")
    if file is None and not where:
        raise WrongUse("nothing to read: set events.mailbox in config.toml, or give --mailbox or --file")
    if file is not None:
        try:
            found = events_in.take_body(
                installation.engine,
                installation.settings.events.webhook(),
                file.read_bytes(),
                installation.secret,
                installation.clock(),
            )
        except ValueError as error:
            raise WrongUse(f"{file}: {error}; give a body as SendGrid's webhook posts it") from error
    else:
        box = open_mailbox(where, password)
        try:
            found = events_in.take_mailbox(installation.engine, box, installation.secret, installation.clock)
        finally:
            box.close()
    with reading(installation.engine) as conn:
        alarms = alarming.alarms(conn, installation.clock())
    if json_:
        answer(_document(found) | {"alarms": [[a.place, a.problem, a.cure] for a in alarms]})
        return
    click.echo(", ".join(f"{count} {name}" for name, count in _counts(found).items()))
    for why, count in sorted(found.aside.items()):
        tell(f"left aside: {count} × {why}")
    for one in alarms:
        tell(f"alarm: {one.place}: {one.problem}; {one.cure}")


def _counts(found: Incoming) -> dict[str, int]:
    taken = found.taken
    return {
        "new": taken.new, "duplicate": taken.duplicate, "settled": taken.settled, "suppressed": taken.suppressed,
        "left": taken.left, "strikes": taken.strikes, "strangers": taken.strangers, "unread": found.unread,
    }  # fmt: skip


def _document(found: Incoming) -> dict[str, Any]:
    return {**_counts(found), "alerts": dict(found.taken.alerts), "aside": dict(found.aside)}


COMMANDS = (serve, events)
