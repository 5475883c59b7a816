"""subscribers import/export/add/show/forget/suppress/list: people, with a line-by-line report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, parts, table, tell
from digest.errors import WrongUse
from digest.model import CADENCES

if TYPE_CHECKING:
    from digest.installation import Installation
    from subscribers.csv.importing import ImportReport
    from subscribers.model import Subscriber


@click.group()
def subscribers() -> None:
    """People: import, export, add, show, suppress, forget, list."""


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Report only; change nothing.")
@as_json
@click.pass_obj
def import_(choices: GlobalOptions, file: Path, dry_run: bool, json_: bool) -> None:
    """Import subscribers from a CSV file (- for standard input): good rows land, bad rows are listed."""
    installation = choices.installation()
    if str(file) == "-":
        report = import_people(installation, sys.stdin.buffer, dry_run=dry_run)
    else:
        with file.open("rb") as stream:
            report = import_people(installation, stream, dry_run=dry_run)
    for problem in report.problems:
        tell(str(problem))
    if report.unlisted:
        tell(f"and {report.unlisted} more lines")
    counts = {key: getattr(report, key) for key in ("added", "changed", "unchanged", "refused", "suppressed")}
    if json_:
        answer(counts | {"problems": [str(p) for p in report.problems]})
    else:
        click.echo(", ".join(f"{count} {what}" for what, count in counts.items()) + (" (dry run)" if dry_run else ""))


@subscribers.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.pass_obj
def export(choices: GlobalOptions, file: Path) -> None:
    """Write all subscribers as CSV that imports again without loss (- or nothing: standard output)."""
    from digest.store.engine import reading
    from subscribers.csv.exporting import export_csv

    installation = choices.installation()
    with reading(installation.engine) as conn:
        if str(file) == "-":
            count = export_csv(conn, sys.stdout.buffer, secret=installation.secret)
        else:
            with file.open("wb") as stream:
                count = export_csv(conn, stream, secret=installation.secret)
    tell(f"exported {count} subscribers")


@subscribers.command()
@click.argument("email")
@click.option("--name", default="", help="Their name, as a letter greets them.")
@click.option("--cadence", type=click.Choice(CADENCES), help="Default: weekly, or the first one configured.")
@click.option("--policy-areas", default="", metavar="A;B", help="Nothing: all.")
@click.option("--regions", default="", metavar="R;S", help="Nothing: all.")
@click.option("--themes", default="", metavar="T;U", help="Nothing: all.")
@click.option("--no-elsewhere", is_flag=True, help="Without the From elsewhere section.")
@click.pass_obj
def add(
    choices: GlobalOptions,
    email: str,
    name: str,
    cadence: str | None,
    policy_areas: str,
    regions: str,
    themes: str,
    no_elsewhere: bool,
) -> None:
    """Add one subscriber who has asked for it."""
    from digest.facets.known import slugs_of
    from digest.store.engine import writing
    from subscribers import store
    from subscribers.model import Interests

    installation = choices.installation()
    taxonomy = installation.settings.taxonomy
    interests = Interests(
        frozenset(slugs_of(taxonomy, "policy_areas", parts(policy_areas))),
        frozenset(slugs_of(taxonomy, "regions", parts(regions))),
        frozenset(slugs_of(taxonomy, "themes", parts(themes))),
        not no_elsewhere,
    )
    chosen = cadence or installation.settings.default_cadence
    installation.settings.cadence(chosen)
    with writing(installation.engine, "add") as conn:
        made = store.add(
            conn,
            email,
            cadence=chosen,
            how="digest subscribers add",
            now=installation.clock(),
            secret=installation.secret,
            name=name,
            interests=interests,
            language=installation.settings.site.language,
        )
    click.echo(f"added subscriber {made.id}, {made.cadence}")


@subscribers.command()
@click.argument("email")
@as_json
@click.pass_obj
def show(choices: GlobalOptions, email: str, json_: bool) -> None:
    """Show one subscriber: what they follow and their consent history."""
    from digest.store.engine import reading
    from subscribers import store

    installation = choices.installation()
    with reading(installation.engine) as conn:
        one = store.find(conn, email)
        suppressed = store.is_suppressed(conn, email, secret=installation.secret)
        history = store.history(conn, one.id) if one else []
    if one is None:
        known = f"; it is suppressed ({suppressed})" if suppressed else ""
        raise WrongUse(f"no subscriber has this address{known}")
    document = as_document(one) | {
        "suppressed": suppressed,
        "history": [{"at": e.at.isoformat(), "what": e.what, "how": e.how} for e in history],
    }
    if json_:
        answer(document)
        return
    for key, value in document.items():
        if key != "history":
            click.echo(f"{key}: {'; '.join(value) if isinstance(value, list) else value}")
    for event in history:
        click.echo(f"  {event.at:%Y-%m-%d %H:%M} {event.what} {event.how}".rstrip())


@subscribers.command("list")
@click.option("--cadence", type=click.Choice(CADENCES), help="Only those who chose it.")
@click.option("--state", type=click.Choice(["pending", "active", "left"]), help="Only in this state.")
@as_json
@click.pass_obj
def list_(choices: GlobalOptions, cadence: str | None, state: str | None, json_: bool) -> None:
    """List subscribers."""
    from digest.store.engine import reading
    from subscribers import store

    found: list[Subscriber] = []
    installation = choices.installation()
    with reading(installation.engine) as conn:
        while page := store.stream(conn, cadence=cadence, state=state, after=found[-1].id if found else 0):
            found += page
    if json_:
        answer([as_document(one) for one in found])
        return
    rows = [
        (
            one.id, one.email, one.cadence, one.state, ";".join(sorted(one.interests.policy_areas)) or "all",
            ";".join(sorted(one.interests.regions)) or "all",
        )
        for one in found
    ]  # fmt: skip
    click.echo(table(("id", "email", "cadence", "state", "policy areas", "regions"), rows))


@subscribers.command()
@click.argument("email")
@click.option("--note", default="", help="Why, for your own records.")
@click.pass_obj
def suppress(choices: GlobalOptions, email: str, note: str) -> None:
    """Never mail this address again, subscriber or not."""
    from digest.store.engine import writing
    from subscribers import store

    installation = choices.installation()
    with writing(installation.engine, "suppress") as conn:
        store.suppress(conn, email, "editor", secret=installation.secret, now=installation.clock(), note=note)
    click.echo("suppressed")


@subscribers.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(choices: GlobalOptions, email: str, yes: bool) -> None:
    """Erase a subscriber; only a hash stays, so that they are never mailed again."""
    from digest.store.engine import reading, writing
    from digest.store.erase import scrub
    from subscribers import store

    installation = choices.installation()
    with reading(installation.engine) as conn:
        one = store.find(conn, email)
    if one is None:
        # An erasure that was killed before the scrub finds nobody, and the pages still tell.
        scrub(installation.engine)
        raise WrongUse("no subscriber has this address")
    if not yes:
        click.confirm(f"Erase subscriber {one.id} for good?", abort=True, err=True)
    with writing(installation.engine, "erase") as conn:
        store.forget(conn, one.id, now=installation.clock(), secret=installation.secret)
    scrub(installation.engine)
    click.echo(f"erased subscriber {one.id}; letters already written to files are yours to delete")


def import_people(installation: Installation, stream: IO[bytes], *, dry_run: bool = False) -> ImportReport:
    """Import a CSV stream into the installation."""
    from digest.facets.known import known_facets
    from digest.store.engine import writing
    from subscribers.csv.importing import import_csv

    settings = installation.settings
    with writing(installation.engine, "import") as conn:
        report = import_csv(
            conn,
            stream,
            known_facets=known_facets(settings.taxonomy),
            cadences=[c.name for c in settings.cadences],
            default_cadence=settings.default_cadence,
            secret=installation.secret,
            now=installation.clock(),
            dry_run=dry_run,
        )
    return report


def as_document(one: Subscriber) -> dict[str, Any]:
    """Return a subscriber as JSON values."""
    return {
        "id": one.id,
        "email": one.email,
        "name": one.name,
        "cadence": one.cadence,
        "policy_areas": sorted(one.interests.policy_areas),
        "regions": sorted(one.interests.regions),
        "themes": sorted(one.interests.themes),
        "elsewhere": one.interests.elsewhere,
        "language": one.language,
        "state": one.state,
        "paused_until": one.paused_until.isoformat() if one.paused_until else None,
        "joined_at": one.joined_at.isoformat() if one.joined_at else None,
    }


COMMANDS = (subscribers,)
