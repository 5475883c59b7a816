"""Define the commands editors and log: the people who may use the desk, and all that was done there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, Id, answer, as_json, bundled, table, tell, who_decides
from digest.errors import WrongUse, counted
from digest.model import ROLES

if TYPE_CHECKING:
    from digest.desk.acts import Hand
    from digest.installation import Installation
    from digest.store.editors import Editor

_by = click.option("--by", metavar="NAME", help="Who decides (default: the name of your account).")
_ROLE = click.Choice(ROLES)


@dataclass(frozen=True, slots=True)
class NewEditor:
    """Hold the editor to add as they were typed."""

    email: str
    name: str
    role: str


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def editors(ctx: click.Context, json_: bool) -> None:
    """List the editors who may sign in to the desk; add or remove them, change their roles, end their sessions.

    A viewer reads, an editor also changes, an approver also approves and stops, an admin also manages the editors.
    The first admin is added here.
    """
    if ctx.invoked_subcommand is not None:
        return
    from digest.desk import editors as desk

    people = desk.every_editor(ctx.obj.installation())
    if json_:
        answer([_document(person) for person in people])
        return
    if not people:
        tell("nobody may sign in yet; `digest editors add EMAIL --name NAME --role admin` adds the first admin")
        return
    rows = [
        (person.number, person.name, person.role, person.email, f"{person.added_at:%Y-%m-%d}") for person in people
    ]
    click.echo(table(("id", "name", "role", "address", "since"), rows))
    if line := desk.without_admin(people):
        tell(line)


@editors.command()
@bundled(
    "person",
    NewEditor,
    click.argument("email"),
    click.option("--name", required=True, help="Their name, which the audit log shows."),
    click.option("--role", required=True, type=_ROLE, help="What they may do; each may do more than the one before."),
)
@_by
@as_json
@click.pass_obj
def add(options: GlobalOptions, person: NewEditor, by: str | None, json_: bool) -> None:
    """Add an editor, who may sign in with a link by mail to EMAIL from now on."""
    from digest.desk import editors as desk

    installation = options.installation()
    added = desk.add_editor(installation, _hand(by), person.email, person.name, person.role)
    if json_:
        answer(_document(added))
    else:
        click.echo(f"editor {added.number}: {added.name}, {added.role}")
    tell(f"they sign in at {installation.settings.site.base_url}/desk, which `digest serve` answers")
    _tell_without_admin(installation)


@editors.command()
@click.argument("number", metavar="ID", type=Id())
@click.argument("role_", metavar="ROLE", type=_ROLE)
@_by
@click.pass_obj
def role(options: GlobalOptions, number: int, role_: str, by: str | None) -> None:
    """Give an editor another role: viewer, editor, approver or admin. It counts from their next page on."""
    from digest.desk import editors as desk

    person = desk.change_role(options.installation(), _hand(by), number, role_)
    click.echo(f"editor {person.number}: {person.name}, {person.role}")


@editors.command()
@click.argument("number", metavar="ID", type=Id())
@_by
@click.pass_obj
def remove(options: GlobalOptions, number: int, by: str | None) -> None:
    """Remove an editor: their sessions end at once, and their address is forgotten."""
    from digest.desk import editors as desk

    ended = desk.remove_editor(options.installation(), _hand(by), number)
    tell(f"editor {number} was removed, {counted(ended, 'session')} ended; what they did stays in `digest log`")


@editors.command()
@click.option("--end", metavar="ID", type=Id(), help="End this session.")
@click.option(
    "--end-all", metavar="EDITOR", type=Id(), help="End all sessions of this editor, and close their links."
)
@_by
@as_json
@click.pass_obj
def sessions(options: GlobalOptions, end: int | None, end_all: int | None, by: str | None, json_: bool) -> None:
    """List the open sessions of the editors, the one used last first; end one, or all of an editor."""
    from digest.desk import editors as desk

    if end is not None and end_all is not None:
        raise WrongUse("give --end or --end-all, not both")
    installation = options.installation()
    if end is not None:
        desk.end_session(installation, _hand(by), end)
        tell(f"session {end} has ended")
    if end_all is not None:
        tell(f"{counted(desk.end_sessions_of(installation, _hand(by), end_all), 'session')} ended")
    listed = desk.open_sessions(installation)
    if json_:
        answer(
            [
                {
                    "session": session.number, "editor": person.number, "name": person.name, "device": session.device,
                    "began": session.began_at.isoformat(), "used": session.seen_at.isoformat(),
                }
                for session, person in listed
            ]
        )  # fmt: skip
    elif not listed:
        tell("nobody is signed in")
    else:
        rows = [
            (s.number, person.name, s.device, f"{s.began_at:%Y-%m-%d %H:%M}", f"{s.seen_at:%Y-%m-%d %H:%M}")
            for s, person in listed
        ]
        click.echo(table(("id", "editor", "device", "began (UTC)", "used (UTC)"), rows))


@click.command()
@click.option("--object", "object_name", metavar="NAME", default="", help='Only acts on this, such as "entry 12".')
@click.option("--since", metavar="ACT", type=Id(), help="All acts after this number (default: the newest 200).")
@as_json
@click.pass_obj
def log(options: GlobalOptions, object_name: str, since: int | None, json_: bool) -> None:
    """Print the audit log, the oldest act first: who did what and when, with the values before and after.

    With --json it is the whole log, to be kept elsewhere.
    """
    from digest.desk.log import act_document, act_in_words, read_log

    limit = None if json_ or since is not None else 200
    acts = read_log(options.installation(), object_name=object_name, since=since or 0, limit=limit)[::-1]
    if json_:
        answer([act_document(act) for act in acts])
        return
    for act in acts:
        click.echo(f"{act.number:6}  {act.at:%Y-%m-%d %H:%M:%SZ}  {act_in_words(act)}")
    if not acts:
        tell("no act is in the log" + (f" for {object_name!r}" if object_name else ""))
    elif limit is not None and len(acts) == limit:
        tell("these are the newest; `digest log --since 0` prints all")


def _hand(by: str | None) -> Hand:
    from digest.desk.acts import Hand

    return Hand(who_decides(by))


def _tell_without_admin(installation: Installation) -> None:
    from digest.desk import editors as desk

    if line := desk.without_admin(desk.every_editor(installation)):
        tell(line)


def _document(person: Editor) -> dict[str, Any]:
    return {
        "editor": person.number, "name": person.name, "role": person.role, "email": person.email,
        "added": person.added_at.isoformat(),
    }  # fmt: skip


COMMANDS = (editors, log)
