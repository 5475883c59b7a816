"""Define the group of commands sources: how each source does, mute it, try another one, import and export OPML."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, table, tell, who_decides
from digest.errors import PersonNeeded, WrongUse, counted

if TYPE_CHECKING:
    from digest.desk.sources import SourceHealth

_BARS = " ▁▂▃▄▅▆▇█"


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def sources(ctx: click.Context, json_: bool) -> None:
    """List how each source does; mute one, try another one, import and export them.

    A source is silent when its newest entry came longer ago than three times its usual gap, and at least 14 days;
    without a usual gap, twelve weeks ago. The baseline of a source is not counted.
    """
    if ctx.invoked_subcommand is None:
        _show(ctx.obj, json_)


@sources.command()
@as_json
@click.pass_obj
def health(options: GlobalOptions, json_: bool) -> None:
    """List how each source does, as `digest sources` does."""
    _show(options, json_)


@sources.command()
@click.argument("name")
@click.option("--by", metavar="NAME", help="Who decides (default: the name of your account).")
@click.pass_obj
def mute(options: GlobalOptions, name: str, by: str | None) -> None:
    """Hold what is new in a source for an editor, from now on; it is gathered as before."""
    from digest.desk.acts import Hand
    from digest.desk.sources import mute_source

    click.echo(mute_source(options.installation(), name, Hand(who_decides(by))))


@sources.command()
@click.argument("name")
@click.option("--by", metavar="NAME", help="Who decides (default: the name of your account).")
@click.pass_obj
def unmute(options: GlobalOptions, name: str, by: str | None) -> None:
    """Let what is new in a source go out again; what is held stays held."""
    from digest.desk.acts import Hand
    from digest.desk.sources import unmute_source

    click.echo(unmute_source(options.installation(), name, Hand(who_decides(by))))


@sources.command("try")
@click.argument("url")
@click.option(
    "--full-text",
    type=click.Choice(["case-studies", "all"]),
    help="Read the pages of its newest case studies, or of all its newest entries, too.",
)
@click.option("--allow-private", is_flag=True, help="Let the address be one of your own network.")
@as_json
@click.pass_obj
def try_(options: GlobalOptions, url: str, full_text: str | None, allow_private: bool, json_: bool) -> None:
    """Read a feed once, and show how its newest entries would be classified; stores nothing.

    Prints the [[source]] table to paste to stdout, and what it read to stderr.
    """
    from digest.commands.tried import document_of, tell_tried
    from digest.desk.try_source import NoFeed, try_source

    installation = options.installation()
    try:
        tried = try_source(installation, url, full_text=full_text or "", allow_private=allow_private)
    except NoFeed as error:
        for feed in error.feeds:
            tell(f"the page names a feed: `digest sources try {shlex.quote(feed)}`")
        raise
    if json_:
        answer(document_of(tried))
        return
    tell_tried(tried, installation.settings.taxonomy)
    click.echo(tried.table, nl=False)


@sources.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(options: GlobalOptions, file: Path) -> None:
    """Print the [[source]] tables of an OPML file, the list of feeds of a feed reader; stores nothing.

    Leaves with exit code 4 when a feed of it cannot be a source.
    """
    from digest.desk.source_lists import tables_of_list
    from digest.sources.formats.opml import MAX_BYTES

    with file.open("rb") as opened:
        body = opened.read(MAX_BYTES + 1)
    try:
        listed = tables_of_list(options.installation(), body)
    except WrongUse as error:
        raise WrongUse(f"{file}: {error}") from None
    click.echo(listed.text, nl=False)
    for line in (*listed.skipped, *listed.problems):
        tell(f"{file.name}: {line}")
    left = f"; {len(listed.skipped)} left out, {counted(len(listed.problems), 'mistake')}"
    tell(f"{counted(listed.count, 'source')} to paste into config.toml or a file that it includes{left}")
    if listed.problems:
        raise click.exceptions.Exit(PersonNeeded.exit_code)


@sources.command()
@click.pass_obj
def export(options: GlobalOptions) -> None:
    """Write the configured feeds as an OPML 2.0 file to stdout, with their policy areas as categories."""
    from digest.desk.source_lists import list_of_sources

    text, lines = list_of_sources(options.installation())
    click.echo(text, nl=False)
    for line in lines:
        tell(line)


def _show(options: GlobalOptions, json_: bool) -> None:
    from digest.desk.sources import source_health

    listed = source_health(options.installation())
    if json_:
        answer([_document(row) for row in listed])
        return
    if not listed:
        tell("there are no sources; add a [[source]] to config.toml: `digest sources try URL` writes one")
        return
    rows = [
        (
            row.source.name,
            row.standing + (", muted" if row.mute and row.standing != "muted" else ""),
            f"{row.state.ok_at:%Y-%m-%d %H:%M}" if row.state.ok_at else "never",
            _next(row),
            bars(row.weeks),
            sum(row.weeks),
            row.held,
        )
        for row in listed
    ]
    heads = ("source", "is", "last seen (UTC)", "next look", "new a week", "new", "held")
    click.echo(table(heads, rows))
    for row in listed:
        for line in lines_about(row):
            tell(f"{row.source.name}: {line}")


def bars(weeks: tuple[int, ...]) -> str:
    """Return numbers as a row of small bars, the highest for the largest number."""
    most = max(weeks, default=0) or 1
    return "".join(_BARS[-(-count * 8 // most)] for count in weeks)


def lines_about(row: SourceHealth) -> list[str]:
    """Return what a person must know of a source, a line for each thing: why it fails, that it is silent, muted."""
    from digest.desk.sources import silence_in_words

    lines = []
    if row.problem:
        times = "" if row.state.gone else f" ({counted(row.state.failures, 'time')} in a row)"
        lines.append(f"{row.problem}{times}; {row.cure}")
    if silence := silence_in_words(row):
        lines.append(silence)
    if row.mute:
        lines.append(f"muted by {row.mute.by} since {row.mute.at:%Y-%m-%d}")
    return lines


def _next(row: SourceHealth) -> str:
    if row.state.gone:
        return "never"
    return f"{row.next_look:%Y-%m-%d %H:%M}" if row.next_look else "next gather"


def _document(row: SourceHealth) -> dict[str, Any]:
    state = row.state
    return {
        "name": row.source.name, "is": row.standing, "named_in": row.source.named_in,
        "last_seen": state.ok_at.isoformat() if state.ok_at else None,
        "next_look": row.next_look.isoformat() if row.next_look else None,
        "gone": state.gone, "failures": state.failures, "problem": row.problem, "cure": row.cure,
        "new_by_week": list(row.weeks), "newest": row.newest.isoformat() if row.newest else None,
        "usual_gap_days": row.usual_gap,
        "silent_since": row.silent_since.isoformat() if row.silent_since else None,
        "muted_by": row.mute.by if row.mute else None,
        "muted_at": row.mute.at.isoformat() if row.mute else None, "held": row.held,
    }  # fmt: skip


COMMANDS = (sources,)
