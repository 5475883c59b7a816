"""Define the group of commands stories, by which an editor invites places to tell their own story, and takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, Id, answer, as_by, as_json, hand_of, table, tell

if TYPE_CHECKING:
    from digest.store.invitations import Invitation


@click.group()
def stories() -> None:
    """Invite a place to tell its own story by a link, list what came in, take it, send it back, or end it."""


@stories.command()
@click.argument("place")
@click.option("--entry", type=Id(), default=None, metavar="N", help="The case study that it is about.")
@as_by
@click.pass_obj
def invite(options: GlobalOptions, place: str, entry: int | None, by: str | None) -> None:
    """Invite a place; print the link to pass on in your own mail, which works for 60 days."""
    from digest.desk import stories as desk
    from digest.store.engine import reading

    installation = options.installation()
    number = desk.invite_place(installation, hand_of(by), place, entry)
    with reading(installation.engine) as conn:
        invitation = desk.invitation_of(conn, number)
    tell(f"invitation {number} of {invitation.place}; pass this link on in your own mail:")
    click.echo(desk.story_link(installation, invitation))


@stories.command("list")
@as_json
@click.pass_obj
def list_(options: GlobalOptions, json_: bool) -> None:
    """List the invitations, those whose story waits for an editor first."""
    from digest.desk.stories import list_invitations

    listed = list_invitations(options.installation())
    if json_:
        answer([_document(each) for each in listed])
    elif listed:
        head = ("invitation", "state", "place", "entry", "invited by", "told by")
        rows = [(e.number, e.state, e.place, e.entry or "new", e.invited_by, e.told_by or "nobody") for e in listed]
        click.echo(table(head, rows))
    else:
        click.echo("no place has been invited yet")


@stories.command()
@click.argument("number", type=Id())
@as_by
@click.pass_obj
def take(options: GlobalOptions, number: int, by: str | None) -> None:
    """Take the story of an invitation: it becomes a case study, or lines of the one that it is about."""
    from digest.desk.stories import take_story

    for line in take_story(options.installation(), hand_of(by), number):
        tell(line)


@stories.command()
@click.argument("number", type=Id())
@click.option("--note", required=True, metavar="TEXT", help="What the place should change; its form shows it.")
@as_by
@click.pass_obj
def back(options: GlobalOptions, number: int, note: str, by: str | None) -> None:
    """Send a story back: its form is open again, with a note above it."""
    from digest.desk.stories import send_story_back

    for line in send_story_back(options.installation(), hand_of(by), number, note):
        tell(line)


@stories.command()
@click.argument("number", type=Id())
@as_by
@click.pass_obj
def end(options: GlobalOptions, number: int, by: str | None) -> None:
    """End an invitation, so that its link does not work any more."""
    from digest.desk.stories import end_invitation

    for line in end_invitation(options.installation(), hand_of(by), number):
        tell(line)


def _document(invitation: Invitation) -> dict[str, Any]:
    """Return an invitation as JSON, without its key."""
    return {
        "invitation": invitation.number,
        "place": invitation.place,
        "entry": invitation.entry,
        "state": invitation.state,
        "invited_by": invitation.invited_by,
        "invited_at": invitation.invited_at.isoformat(),
        "told_by": invitation.told_by,
        "told_at": invitation.told_at.isoformat() if invitation.told_at else None,
        # No draft, because the form says that nobody else has it before it is sent.
        "story": dict(invitation.story) if invitation.story and invitation.state != "open" else None,
    }


COMMANDS = (stories,)
