"""Define `digest db add-host`, which lets a further host send from the database of a cluster."""

from __future__ import annotations

import socket

import click

from digest.commands.base import GlobalOptions, tell
from digest.errors import WrongUse


@click.command(name="add-host")
@click.option("--name", default=socket.gethostname, help="What people call this host; default: its own name.")
@click.pass_obj
def add_host(options: GlobalOptions, name: str) -> None:
    """Let this host send beside the first, from the PostgreSQL database that both use.

    Give it once on each further host, with the secret and the link keys of the first. Say it of no database that
    was restored from a backup: there give `digest db resume` first.
    """
    from digest.store import runs
    from digest.store.engine import reading

    installation = options.installation(create=False)
    if installation.engine.dialect.name != "postgresql":
        raise WrongUse("only hosts of one PostgreSQL database send beside each other: see docs/cluster.md")
    installation.require_secret()
    installation.fence.add_host(name.strip())
    with reading(installation.engine) as conn:
        newest = runs.newest_time(conn)
    tell(
        f"the newest run of this database was at {newest:%Y-%m-%d %H:%M} UTC; if letters left later, it is an old one"
    )
    click.echo(f"{name.strip()} sends from this database now")


COMMANDS = (add_host,)
