"""Define the command changes: what has changed in an edition since a person last looked through it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from digest.commands.base import GlobalOptions, Id, answer, as_json, tell, who_decides


@click.command()
@click.argument("edition", type=Id())
@click.option("--looked", is_flag=True, help="Note that you have looked through the edition as it is now.")
@click.option("--by", metavar="NAME", help="Who looks (default: the name of your account).")
@as_json
@click.pass_obj
def changes(options: GlobalOptions, edition: int, looked: bool, by: str | None, json_: bool) -> None:
    """Tell what has changed in an edition since you last looked through it, and who did it."""
    from digest.desk.acts import Hand
    from digest.desk.looks import changes_since_look, mark_looked
    from digest.editions.named import edition_of
    from digest.store.engine import reading

    installation, name = options.installation(), who_decides(by)
    with reading(installation.engine) as conn:
        stored = edition_of(conn, edition)
        look, since = changes_since_look(conn, installation, name, stored)
    if looked:
        mark_looked(installation, Hand(name), edition)
    if json_:
        rows = [{"kind": c.kind, "entry": c.entry, "text": c.text, "by": list(c.by)} for c in since]
        answer({"edition": edition, "looked_at": look.at.isoformat() if look else None, "changes": rows})
        return
    if look is None:
        tell(f"{name} has not looked through edition {edition} yet" + ("" if looked else "; then give --looked"))
        return
    at = f"{look.at.astimezone(ZoneInfo(installation.settings.site.zone)):%Y-%m-%d %H:%M}"
    tell(f"since {name} looked through edition {edition} ({stored.cadence} {stored.slot}) at {at}:")
    for change in since:
        click.echo(change.line)
    if not since:
        tell("nothing has changed")


COMMANDS = (changes,)
