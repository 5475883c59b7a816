"""Define the group of commands sources: how each source does, mute it, try another one, import and export OPML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, table, tell, who_decides

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
    from digest.errors import counted

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
