"""status, doctor, schedule, db: how the installation is, and keeping it so."""

from __future__ import annotations

import click

from digest.commands.base import Choices, answer, as_json, table, tell
from digest.commands.editions import receipts_table
from digest.errors import TryLater


@click.command()
@as_json
@click.pass_obj
def status(choices: Choices, json_: bool) -> None:
    """Show runs, receipts, what is owed, the next slots and the health of each source."""
    from digest import health

    found = health.status(choices.installation())
    if json_:
        answer(found.to_json())
        return
    click.echo("Next slots")
    click.echo(table(("cadence", "slot", "due", "approval"), found.next_slots))
    click.echo("\nEditions")
    click.echo(receipts_table(found.receipts) if found.receipts else "none yet")
    for one in found.open_editions:
        click.echo(f"edition {one.id} ({one.cadence} {one.slot}): {one.state}{', held' if one.held else ''}")
    click.echo("\nSources")
    rows = [
        (name, "gone" if s.gone else "failing" if s.failures else "ok" if s.ok_at else "not read yet",
         f"{s.checked_at:%Y-%m-%d %H:%M}" if s.checked_at else "", (s.error or "")[:80])
        for name, s in found.sources
    ]  # fmt: skip
    click.echo(table(("source", "health", "checked", "note"), rows))
    click.echo("\nEntries: " + (", ".join(f"{n} {state}" for state, n in found.entries.items()) or "none yet"))
    click.echo(f"Subscribers: {found.subscribers} active")


@click.command()
@as_json
@click.pass_obj
def doctor(choices: Choices, json_: bool) -> None:
    """Say what is wrong and its cure; exit code 1 when something is, 4 when only a person can go on."""
    from digest import health

    findings = health.examine(choices.installation())
    if json_:
        answer([{"level": f.level, "place": f.place, "problem": f.problem, "cure": f.cure} for f in findings])
    else:
        for f in findings:
            click.echo(f"{f.level}: {f.place}: {f.problem}; {f.cure}")
        if not findings:
            click.echo("nothing is wrong")
    if any(f.level == "wrong" for f in findings):
        raise click.exceptions.Exit(1)
    if any(f.level == "person" for f in findings):
        raise click.exceptions.Exit(4)


@click.command()
@click.pass_obj
def schedule(choices: Choices) -> None:
    """Stay and run at every due hour: the daemon. SIGTERM lets the run under way finish."""
    from digest import pipeline
    from digest.commands.editions import receipts_table
    from digest.commands.gathering import gathering_line
    from digest.daemon import make_scheduler, serve
    from digest.errors import DigestError

    place = choices.installation()
    place.engine.dispose()  # opened once to say now what is wrong with it

    def work() -> None:
        try:
            watch = pipeline.Watch(source=lambda one: tell(gathering_line(one)))
            report = pipeline.run(choices.installation(), watch=watch)
        except TryLater as later:
            tell(f"digest: {later}")
            return
        except DigestError as error:
            # The daemon outlives a failed run: the next one makes it good.
            tell(f"digest: {error}")
            return
        if report.receipts:
            tell(receipts_table(report.receipts))
        for line in report.waiting:
            tell(f"waiting: {line}")

    scheduler = make_scheduler(place.settings, work)
    for cadence in place.settings.cadences:
        tell(f"{cadence.name}: {cadence.at.hour:02d}:{cadence.at.minute:02d} {place.settings.site.zone}")
    serve(scheduler)
    tell("digest: stopped")


@click.group()
def db() -> None:
    """The database: upgrade."""


@db.command()
@click.pass_obj
def upgrade(choices: Choices) -> None:
    """Bring the database to this program's schema; safe to repeat."""
    from digest.store import migrate
    from digest.store.engine import make_engine

    engine = make_engine(choices.settings().storage_url)
    changed = migrate.upgrade(engine)
    click.echo(f"schema {migrate.current(engine)}" + ("" if changed else " already"))


COMMANDS = (status, doctor, schedule, db)
