"""status, doctor, schedule, db: how the installation is, and keeping it so."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from digest.commands.account import conclude, receipts_table, write_pages
from digest.commands.base import GlobalOptions, answer, as_json, table, tell
from digest.errors import TryLater, WrongUse


@click.command()
@as_json
@click.pass_obj
def status(choices: GlobalOptions, json_: bool) -> None:
    """Show runs, receipts, what is owed, the next slots and the health of each source."""
    from digest.operations import status as health

    found = health.status(choices.installation())
    if json_:
        answer(found.to_json())
        return
    if found.hold:
        click.echo(f"HOLD: nothing is mailed: {found.hold}; see `digest db held`, then `digest db resume`\n")
    if found.in_doubt:
        click.echo(f"IN DOUBT: {found.in_doubt} deliveries; see `digest settle`\n")
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
def doctor(choices: GlobalOptions, json_: bool) -> None:
    """Say what is wrong and its cure; exit code 1 when something is, 4 when only a person can go on."""
    from digest.operations import doctor as checkup

    findings = checkup.examine(choices.installation())
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
def schedule(choices: GlobalOptions) -> None:
    """Stay and run at every due hour: the daemon. SIGTERM lets the run under way finish."""
    from digest import pipeline
    from digest.commands.gathering import gathering_line
    from digest.daemon import make_scheduler, serve
    from digest.errors import DigestError
    from subscribers.errors import SubscribersError

    installation = choices.installation()
    installation.engine.dispose()  # opened once to say now what is wrong with it

    def work() -> None:
        try:
            installation = choices.installation()
            watch = pipeline.Watch(
                source=lambda one: tell(gathering_line(one)),
                broken=lambda report: write_pages(installation, [one.edition for one in report.receipts]),
            )
            report = pipeline.run(installation, watch=watch)
            with suppress(click.exceptions.Exit):  # the code is for cron
                conclude(installation, report, json_=False)
        except TryLater as later:
            tell(f"digest: {later}")
        except (DigestError, SubscribersError) as error:
            # The daemon outlives a failed run: the next one makes it good.
            tell(f"digest: {error}")

    scheduler = make_scheduler(installation.settings, work)
    for cadence in installation.settings.cadences:
        tell(f"{cadence.name}: {cadence.at.hour:02d}:{cadence.at.minute:02d} {installation.settings.site.zone}")
    serve(scheduler)
    tell("digest: stopped")


@click.group()
def db() -> None:
    """The database: upgrade, backup, restore, and going on after a restore."""


@db.command()
@click.pass_obj
def upgrade(choices: GlobalOptions) -> None:
    """Bring the database to this program's schema; safe to repeat."""
    from digest.store import migrate
    from digest.store.engine import make_engine

    engine = make_engine(choices.settings().storage_url)
    changed = migrate.upgrade(engine)
    click.echo(f"schema {migrate.current(engine)}" + ("" if changed else " already"))


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(choices: GlobalOptions, file: Path) -> None:
    """Copy the database while it is in use. Keep digest.secret with it, never digest.fence."""
    from digest.store.backup import backup as copy

    copy(choices.installation().engine, file)
    click.echo(file)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def restore(choices: GlobalOptions, file: Path) -> None:
    """Put a backup in the database's place, in HOLD: nothing is mailed until `digest db resume`."""
    from digest.store import migrate
    from digest.store.backup import restore as put_back
    from digest.store.engine import make_engine
    from digest.store.fence import Fence
    from digest.store.lock import run_lock

    settings = choices.settings()
    engine = make_engine(settings.storage_url)
    with run_lock(engine):
        kept = put_back(engine, file, choices.at())
        Fence(engine, settings.fence_file).hold()
    tell(f"restored from {file}; the replaced database is {kept}")
    if not migrate.check_schema(engine):
        tell("it is in HOLD, and its schema is older than this program: `digest db upgrade`, then `digest db held`")
        return
    _show_held(choices, json_=False)


@db.command()
@as_json
@click.pass_obj
def held(choices: GlobalOptions, json_: bool) -> None:
    """Show what a database in HOLD would send."""
    _show_held(choices, json_)


@db.command()
@click.option("--sent/--unsent", default=None, help="Did what was due by now go out?")
@click.pass_obj
def resume(choices: GlobalOptions, sent: bool | None) -> None:
    """Let a database in HOLD mail again. --sent is the safe answer: nobody is mailed twice."""
    from digest.operations import resume as resuming

    if sent is None:
        raise WrongUse("say --sent (all that was due by now went out, the safe answer) or --unsent (nothing did)")
    found = resuming.resume(choices.installation(), sent=sent)
    count = sum(found.pending.values())
    if sent:
        tell(f"{count} letters are in doubt now (`digest settle`), {len(found.due)} due slots are closed;")
        tell("the next new entries of each source wait for an editor (`digest entries --state held`)")
    else:
        tell(f"{count} letters are pending, {len(found.due)} slots are due: the next run sends them")


def _show_held(choices: GlobalOptions, json_: bool) -> None:
    from digest.operations import resume as resuming

    found = resuming.what_it_would_send(choices.installation())
    if json_:
        answer(found.to_json())
        return
    for number, count in found.pending.items():
        click.echo(f"edition {number}: {count} letters it believes are owed")
    for cadence, day in found.due:
        click.echo(f"{cadence} {day}: a slot it believes is due")
    if not found.pending and not found.due:
        click.echo("it would send nothing now")


COMMANDS = (status, doctor, schedule, db)
