"""Define `digest db move`, which moves an installation from SQLite to PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path

import click

from digest.commands.bars import counting_up
from digest.commands.base import GlobalOptions, tell
from digest.errors import WrongUse


@click.command()
@click.argument("url", required=False, envvar="DIGEST_MOVE_URL")
@click.option(
    "--url-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=None,
    help="A file that holds the address, because other people on this machine see the words of a command.",
)  # fmt: skip
@click.pass_obj
def move(options: GlobalOptions, url: str | None, url_file: Path | None) -> None:
    """Move the installation from its SQLite file into the empty PostgreSQL database at URL, such as
    postgresql+psycopg://user@host/name. Nothing is mailed from the old one afterwards.

    An address with a password is given by --url-file or in the environment as DIGEST_MOVE_URL. Safe to repeat after
    a kill or a failure. The last line is the one to write into config.toml.
    """
    from digest.operations.move import move_up

    if (url is None) == (url_file is None):
        raise WrongUse("say where to: give an address or --url-file, not both")
    if url_file is not None:
        url = url_file.read_text(encoding="utf-8").strip()
    assert url is not None
    with counting_up("moving") as bar:
        moved = move_up(options.installation(create=False), url, bar)
    if moved.rows is None:
        tell("it was moved already; the old database is fenced")
    else:
        tell(f"{moved.rows} rows copied, counted and compared by their hashes; the old database is fenced")
    environ = os.environ if options.environ is None else options.environ
    if "DIGEST_STORAGE__URL" in environ:
        tell("now give DIGEST_STORAGE__URL this address, wherever it is set, and start what was stopped:")
    else:
        tell(f"now write this line into {options.config} below [storage], and start what was stopped:")
    if moved.has_password:
        tell("(without its password: ~/.pgpass holds it, or DIGEST_STORAGE__URL, see docs/install.md, step 3)")
    click.echo(f'url = "{moved.address}"')


COMMANDS = (move,)
