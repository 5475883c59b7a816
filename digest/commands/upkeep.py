"""Define the commands status, doctor and db, by which an operator looks after the installation."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands import hosts, moving, new_keys
from digest.commands.account import receipts_table
from digest.commands.base import GlobalOptions, answer, as_json, table, tell
from digest.errors import PersonNeeded, SchemaTooOld, WrongTables, WrongUse, counted
from subscribers.characters import cut_anywhere

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from digest.installation import Installation
    from digest.store.sources import State


@click.command()
@click.option("--silent", is_flag=True, help="List the readers without a letter for four weeks, and why, instead.")
@as_json
@click.pass_obj
def status(options: GlobalOptions, silent: bool, json_: bool) -> None:
    """Show the next slots, editions with their receipts, the health of each source, and counts."""
    if silent:
        from digest.commands.silent import print_silent

        print_silent(options.installation(), json_)
        return
    from digest.operations.status import status as read_status
    from digest.store.hold import cure_of_hold

    view = read_status(options.installation())
    if json_:
        answer(view.to_json())
        return
    if view.hold:
        click.echo(f"HOLD: nothing is mailed: {view.hold}; {cure_of_hold(view.hold)}\n")
    if view.in_doubt:
        click.echo(f"IN DOUBT: {counted(view.in_doubt, 'delivery', 'deliveries')}; see `digest settle`\n")
    for reason in view.unsent:
        click.echo(f"NOT SENT: {reason.words}; {reason.cure}\n")
    click.echo("Next slots")
    click.echo(table(("cadence", "slot", "due", "approval"), view.next_slots))
    click.echo("\nEditions")
    click.echo(receipts_table(view.receipts) if view.receipts else "none yet")
    for edition in view.open_editions:
        stopped = ", stopped" if edition.held else ""
        click.echo(f"edition {edition.id} ({edition.cadence} {edition.slot}): {edition.state}{stopped}")
    for edition in view.unapproved:
        click.echo(f"edition {edition.id} ({edition.cadence} {edition.slot}): {edition.unapproved}")
    click.echo("\nSources")
    click.echo(
        table(("source", "health", "checked", "note"), [_source_row(*each, view.silent) for each in view.sources])
    )
    click.echo("\nEntries: " + (", ".join(f"{n} {state}" for state, n in view.entries.items()) or "none yet"))
    suppressed = "unknown (`digest doctor`)" if view.suppressed is None else view.suppressed
    click.echo(
        f"Subscribers: {view.subscribers} active" + (f", of them suppressed: {suppressed}" if suppressed else "")
    )
    if view.cluster:
        from digest.commands.workers_table import print_cluster

        print_cluster(view.cluster)


def _source_row(name: str, state: State, silent: Mapping[str, date]) -> tuple[str, str, str, str]:
    """Return the row of a source in the table of sources; `silent` has those that have stopped, since which day."""
    since = silent.get(name)
    health = "gone" if state.gone else "failing" if state.failures else "ok" if state.ok_at else "not read yet"
    checked = f"{state.checked_at:%Y-%m-%d %H:%M}" if state.checked_at else ""
    note = _note(state.error) or (f"nothing new since {since}" if since else "")
    return name, "silent" if since else health, checked, note


def _note(error: str | None) -> str:
    """Return the note of a source in at most 80 characters; files to correct are counted, and `doctor` names them."""
    if error is None:
        return ""
    from digest.operations.file_problems import file_problems, in_short

    problems = file_problems(error)
    text = in_short(problems).partition(":")[0] + ": `digest doctor`" if problems else error
    return cut_anywhere(text, 80)


@click.command()
@as_json
@click.pass_obj
def doctor(options: GlobalOptions, json_: bool) -> None:
    """List every problem with its cure; exit code 1 when something is wrong, 4 when a person is needed."""
    from digest.operations.doctor import examine

    installation = options.installation()
    findings = examine(installation)
    if json_:
        answer([{"level": f.level, "place": f.place, "problem": f.problem, "cure": f.cure} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.level}: {finding.place}: {finding.problem}; {finding.cure}")
        if not findings:
            click.echo("nothing is wrong")
        with suppress(SchemaTooOld, WrongTables):  # a finding tells it
            kept = _kept_table(installation)
            click.echo("\nKept (database and files hold personal data)")
            click.echo(kept)
    if any(finding.level == "wrong" for finding in findings):
        raise click.exceptions.Exit(1)
    if any(finding.level == "person" for finding in findings):
        raise click.exceptions.Exit(PersonNeeded.exit_code)


def _kept_table(installation: Installation) -> str:
    """Return what is kept, since when and for how long, as a table."""
    from digest.operations.kept import what_is_kept

    rows = [
        (row.count, row.what, row.megabytes, row.since, row.limit, row.old or "")
        for row in what_is_kept(installation)
    ]
    return table(("count", "what", "size", "since", "kept", "too old: goes with the next runs"), rows)


@click.group(commands=[*moving.COMMANDS, *new_keys.COMMANDS, *hosts.COMMANDS])
def db() -> None:
    """Manage the database: upgrade, backup, restore, resume after a restore, and move to PostgreSQL."""


@db.command()
@click.pass_obj
def upgrade(options: GlobalOptions) -> None:
    """Bring the database to this program's schema; safe to repeat."""
    from digest.installation import stored_secret
    from digest.store import migrate
    from digest.store.engine import make_engine, writing
    from subscribers.errors import BadSecret
    from subscribers.suppression import complete_history

    settings = options.settings()
    engine = make_engine(settings.storage_url)
    try:
        changed = migrate.upgrade(engine)
        # Because earlier versions wrote no line for a suppression; without the secret nobody can tell whose it is.
        with suppress(BadSecret), writing(engine, "complete history") as conn:
            secret = stored_secret(conn, settings.secret_file)
            complete_history(conn, secret=secret, now=options.at(), note="by an earlier version")
        click.echo(f"schema {migrate.current(engine)}" + ("" if changed else " already"))
        if settings.cluster.enabled:
            from digest.cluster.schema import upgrade_queue

            click.echo("tables of the queue" + ("" if upgrade_queue(engine) else " already"))
    finally:
        engine.dispose()


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(options: GlobalOptions, file: Path) -> None:
    """Copy the database while it is in use. Keep digest.secret* with it, never the files of digest.fence."""
    from digest.store.backup import backup as back_up_database
    from digest.store.engine import make_engine

    # Not by `options.installation`, because that refuses the schema of another version, of which a backup is due.
    engine = make_engine(options.settings().storage_url, create=False)
    try:
        back_up_database(engine, file)
    finally:
        engine.dispose()
    click.echo(file)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def restore(options: GlobalOptions, file: Path) -> None:
    """Replace the database by a backup, in HOLD: nothing is mailed until `digest db resume`."""
    from digest.store import migrate, sessions
    from digest.store.backup import restore as restore_database
    from digest.store.engine import make_engine, writing
    from digest.store.fence import Fence
    from digest.store.keys import end_old_links
    from digest.store.lock import run_lock
    from subscribers.errors import BadSecret
    from subscribers.secret import load_secret
    from subscribers.suppression import fingerprint

    settings = options.settings()
    engine = make_engine(settings.storage_url)
    fence, secret = Fence(engine, settings.fence_file), None
    with suppress(BadSecret):  # because `digest db resume` tells it, and erases again then
        secret = load_secret(settings.secret_file, make=False)
    listed = fence.suppressed.read(fingerprint(secret) if secret else "")
    with run_lock(engine):
        replaced = restore_database(engine, file, options.at(), listed, secret)
        if migrate.check_schema(engine) is False:
            migrate.complete_first_form(engine)
        fence.hold()
    tell(f"restored from {file}; the replaced database is {replaced}")
    if migrate.check_schema(engine):
        with writing(engine, "end old links") as conn:
            end_old_links(conn)
            sessions.end_all(conn, options.at())
    else:
        # `resume` ends the old links of a database that is still to be upgraded.
        tell("it is in HOLD, and its schema is older than this program: `digest db upgrade`, then `digest db held`")
        return
    _show_held(options, json_=False)


@db.command()
@as_json
@click.pass_obj
def held(options: GlobalOptions, json_: bool) -> None:
    """Show what a database in HOLD would send."""
    _show_held(options, json_)


@db.command()
@click.option("--sent/--unsent", default=None, help="Whether all that was due by now went out.")
@click.option("--lists-lost", is_flag=True, help="Go on though a list of who left or was erased cannot be used.")
@click.pass_obj
def resume(options: GlobalOptions, sent: bool | None, lists_lost: bool) -> None:
    """Let a database in HOLD mail again; --sent is the safe answer, because nobody is mailed twice."""
    from digest.operations.resume import resume as resume_database

    if sent is None:
        raise WrongUse("say --sent (all that was due by now went out, the safe answer) or --unsent (nothing did)")
    resumed = resume_database(options.installation(), sent=sent, lists_lost=lists_lost)
    owed, count = resumed.owed, sum(resumed.owed.pending.values())
    if resumed.suppressed or resumed.erased:
        tell(
            f"this database did not know of {counted(resumed.suppressed, 'address', 'addresses')} not to be mailed,"
            f" suppressed again now; {counted(resumed.erased, 'subscriber')} erased again"
        )
    doubts = counted(resumed.in_doubt, "letter is", "letters are") + " in doubt now"
    slots = counted(len(owed.due), "due slot is", "due slots are")
    if sent:
        tell(f"{doubts} (`digest settle`), {count} of them by this command; {slots} closed;")
        tell("the next new entries of each source wait for an editor (`digest entries --state held`)")
    else:
        tell(f"{counted(count, 'letter is', 'letters are')} pending, {slots} open: the next run sends them")
        if resumed.in_doubt:
            tell(f"{doubts}, as before: nobody is mailed again for these until you decide (`digest settle`)")


def _show_held(options: GlobalOptions, json_: bool) -> None:
    """Print the letters and slots that the database would send if it were resumed with `--unsent`."""
    from digest.operations.resume import what_it_would_send

    owed = what_it_would_send(options.installation())
    if json_:
        answer(owed.to_json())
        return
    for number, count in owed.pending.items():
        click.echo(f"edition {number}: {counted(count, 'letter')} it believes to be owed")
    for cadence, day in owed.due:
        click.echo(f"{cadence} {day}: a slot it believes is due")
    if not owed.pending and not owed.due:
        click.echo("it would send nothing now")


COMMANDS = (status, doctor, db)
