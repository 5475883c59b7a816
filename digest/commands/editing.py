"""Define the commands release, drop, retag, correct and withdraw, by which an editor decides on single entries."""

from __future__ import annotations

from dataclasses import dataclass

import click

from digest.commands.base import GlobalOptions, Id, as_by, bundled, hand_of, split_values, tell
from digest.errors import WrongUse
from digest.model import KINDS


@click.command()
@click.argument("entries", nargs=-1, type=Id())
@click.option("--source", metavar="NAME", help="Release every held entry of this source.")
@as_by
@click.pass_obj
def release(options: GlobalOptions, entries: tuple[int, ...], source: str | None, by: str | None) -> None:
    """Let held (or withheld, baseline, dropped or duplicate) entries go out with the next editions."""
    from digest.desk import edit

    if bool(entries) == bool(source):
        raise WrongUse("name entries by id, or one source with --source; see `digest entries --state held`")
    for line in edit.release(options.installation(), hand_of(by), list(entries), source):
        tell(line)


@click.command()
@click.argument("entries", nargs=-1, type=Id(), required=True)
@as_by
@click.pass_obj
def drop(options: GlobalOptions, entries: tuple[int, ...], by: str | None) -> None:
    """Take entries out of every edition that is not frozen yet."""
    from digest.desk import edit

    for line in edit.drop(options.installation(), hand_of(by), list(entries)):
        tell(line)


@dataclass(frozen=True, slots=True)
class NewFacets:
    """Hold the options of `retag` that say what is corrected; None leaves a facet, and the kind, as it is."""

    policy_areas: str | None
    regions: str | None
    themes: str | None
    kind: str | None


@click.command()
@click.argument("entry", type=Id())
@bundled(
    "new",
    NewFacets,
    click.option("--policy-areas", metavar="A;B", help="The policy areas it is about."),
    click.option("--regions", metavar="R;S", help="The regions it is about, or national."),
    click.option("--themes", metavar="T;U", help="Its themes."),
    click.option("--kind", type=click.Choice(KINDS), help="Whether it is a post or a case study."),
)
@as_by
@click.pass_obj
def retag(options: GlobalOptions, entry: int, new: NewFacets, by: str | None) -> None:
    """Correct an entry's facets or kind; readers who now match and have not had it get it in their next letter."""
    from digest.desk import edit

    texts = {"policy_area": new.policy_areas, "region": new.regions, "theme": new.themes}
    facets = {facet: tuple(split_values(text)) for facet, text in texts.items() if text is not None}
    if not facets and new.kind is None:
        raise WrongUse("say what to correct: --policy-areas, --regions, --themes or --kind")
    for line in edit.retag(options.installation(), hand_of(by), entry, facets, new.kind or ""):
        tell(line)
    tell(f"to have later entries tagged so too: `digest rules suggest {entry}`")


@click.command()
@click.argument("entry", type=Id())
@click.option("--text", metavar="TEXT", help="What was wrong and is right, in one sentence.")
@click.option("--cancel", is_flag=True, help="Take its corrections back, for those who are not told yet.")
@as_by
@click.pass_obj
def correct(options: GlobalOptions, entry: int, text: str | None, cancel: bool, by: str | None) -> None:
    """Tell the readers who have had an entry of a correction, once, at the top of their next letter.

    A reader who gets the entry afterwards is told in that letter.
    """
    from digest.desk import correct as desk

    if cancel == (text is not None):
        raise WrongUse("say what was wrong with --text, or take the corrections back with --cancel")
    installation = options.installation()
    lines = (
        desk.cancel(installation, hand_of(by), entry)
        if text is None
        else desk.correct(installation, hand_of(by), entry, text)
    )
    for line in lines:
        tell(line)


@click.command()
@click.argument("entry", type=Id())
@click.option("--text", required=True, metavar="TEXT", help="Why it is withdrawn, in one sentence.")
@as_by
@click.pass_obj
def withdraw(options: GlobalOptions, entry: int, text: str, by: str | None) -> None:
    """Drop an entry, and tell the readers who have had it so, once, at the top of their next letter."""
    from digest.desk import correct as desk

    for line in desk.withdraw(options.installation(), hand_of(by), entry, text):
        tell(line)


COMMANDS = (release, drop, retag, correct, withdraw)
