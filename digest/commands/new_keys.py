"""Define `digest db new-secret` and `digest db new-link-key`, which make new keys in place of old ones."""

from __future__ import annotations

import click

from digest.commands.base import GlobalOptions, table, tell
from digest.errors import PersonNeeded, counted


@click.command("new-secret")
@click.option("--yes", is_flag=True, help="Do it; without it, only tell what would be lost.")
@click.pass_obj
def new_secret(options: GlobalOptions, yes: bool) -> None:
    """Make a new secret when the old one is lost for good, and suppress again all who are known to have said no.

    Without --yes it changes nothing: it tells what would be lost, and leaves with exit code 4.
    """
    from digest.operations.new_secret import renew_secret

    renewal = renew_secret(options.installation(), go=yes)
    counts = [
        (reason, renewal.before.get(reason, 0), renewal.again.get(reason, 0))
        for reason in sorted(renewal.before.keys() | renewal.again.keys())
    ]
    if counts:
        click.echo(table(("suppressed as", "before", "after"), [[str(cell) for cell in row] for row in counts]))
    are = "are" if yes else "would be"
    tell(f"the links that the old secret signed {are} dead; the page that they lead to offers a new link by mail")
    if renewal.lost:
        tell(
            f"{renewal.lost} suppressions {are} lost, because their addresses cannot be read without the old secret."
            " Before the next run, give `digest subscribers suppress` each address that your own notes name, and"
            " import nobody who asked to be erased"
        )
    if not yes:
        tell("nothing was changed: look for a backup of the secret first; if there is none, say --yes")
        raise click.exceptions.Exit(PersonNeeded.exit_code)
    if renewal.aside:
        tell(f"the file that was there is {renewal.aside}")
    click.echo("a new secret was made; keep a copy of it")
    if renewal.lost:
        raise click.exceptions.Exit(PersonNeeded.exit_code)


@click.command("new-link-key")
@click.option("--retire-older", is_flag=True, help="Let links of older keys serve leaving alone, as after a leak.")
@click.pass_obj
def new_link_key(options: GlobalOptions, retire_older: bool) -> None:
    """Make a new key for the links in letters; those of letters sent so far go on to work.

    With --retire-older, they serve leaving alone; any other page that they lead to offers a new link by mail.
    The keys are in a file beside the secret, with .links behind its name.
    """
    from digest.operations.new_link_key import add_new_key

    count = add_new_key(options.installation(), retire_older=retire_older)
    retired = f", {counted(count.retired, 'older one', 'older ones')} for leaving alone" if count.retired else ""
    click.echo(f"{count.file}: {counted(count.in_use, 'key')} in use, the newest signs{retired}")
    tell("keep a copy of this file with the secret, and before the next run give it to each host with `digest serve`")


COMMANDS = (new_secret, new_link_key)
