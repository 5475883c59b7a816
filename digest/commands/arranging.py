"""Define the commands arrange, reword, write and undo, by which an editor shapes an edition before it goes out."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from digest.commands.base import GlobalOptions, Id, as_by, bundled, hand_of, split_values, tell
from digest.errors import WrongUse
from digest.model import KINDS, POST


@dataclass(frozen=True, slots=True)
class Places:
    """Hold the options of `arrange` that give entries their places."""

    pin: tuple[int, ...]
    unpin: tuple[int, ...]
    move: tuple[int, int] | None
    own_order: bool


@dataclass(frozen=True, slots=True)
class GivenWords:
    """Hold the options of `arrange` that word the edition; None leaves what is there, "" the program's words."""

    subject: str | None
    note: str | None
    question: str | None
    step: str | None


@click.command()
@click.argument("edition", type=Id())
@bundled(
    "places",
    Places,
    click.option("--pin", type=Id(), metavar="ENTRY", multiple=True, help="Put this entry before all others."),
    click.option("--unpin", type=Id(), metavar="ENTRY", multiple=True, help="Take its pin out."),
    click.option("--move", type=(Id(), int), metavar="ENTRY PLACE", help="Move this entry to this place, from 1."),
    click.option("--own-order", is_flag=True, help="Forget pins and places."),
)
@bundled(
    "words",
    GivenWords,
    click.option("--subject", metavar="TEXT", help="The subject line of all its letters ('': each its own)."),
    click.option("--note", metavar="TEXT", help="The editors' note at the top; an empty line parts paragraphs."),
    click.option("--question", metavar="TEXT", help="A question that closes the letter."),
    click.option("--step", metavar="TEXT", help="The small step that the letter suggests."),
)
@as_by
@click.pass_obj
def arrange(options: GlobalOptions, edition: int, places: Places, words: GivenWords, by: str | None) -> None:
    """Arrange an edition: pin and move its entries, and give its subject, note, closing question and small step."""
    from digest.desk import arrange as desk

    texts = {name: text for name, text in asdict(words).items() if text is not None}
    if not (texts or places.pin or places.unpin or places.move or places.own_order):
        raise WrongUse(
            "say what to arrange: --pin, --unpin, --move, --own-order, --subject, --note, --question, --step"
        )
    installation, hand, lines = options.installation(), hand_of(by), []
    if places.own_order:
        lines += desk.as_it_came(installation, hand, edition)
    for entry in places.unpin:
        lines += desk.pin(installation, hand, edition, entry, on=False)
    for entry in places.pin:
        lines += desk.pin(installation, hand, edition, entry)
    if places.move:
        lines += desk.move_entry(installation, hand, edition, *places.move)
    if texts:
        lines += desk.word_edition(installation, hand, edition, texts)
    for line in lines:
        tell(line)


@dataclass(frozen=True, slots=True)
class NewWording:
    """Hold the options of `reword`; None leaves what is there."""

    title: str | None
    summary: str | None
    note: str | None
    open_question: str | None
    last_day: str | None
    not_for: str | None


@click.command()
@click.argument("entry", type=Id())
@bundled(
    "new",
    NewWording,
    click.option("--title", metavar="TEXT", help="The title that readers see ('': the source's own)."),
    click.option("--summary", metavar="TEXT", help="The line that readers see ('': the source's own)."),
    click.option("--note", metavar="TEXT", help="A note below the entry, signed with your name."),
    click.option(
        "--open-question", metavar="TEXT", help="What must be settled before it goes out; no reader sees it."
    ),
    click.option("--last-day", metavar="DATE", help="The last day on which it is offered, such as 2027-01-31."),
    click.option("--not-for", metavar="A;B", help="Regions and policy areas whose followers do not get it."),
)
@as_by
@click.pass_obj
def reword(options: GlobalOptions, entry: int, new: NewWording, by: str | None) -> None:
    """Change how an entry is shown: its title, line, note, open question, last day, and for whom it is not."""
    from digest.desk import reword as desk

    wanted = {name: value for name, value in asdict(new).items() if value is not None}
    if not wanted:
        raise WrongUse("say what to change: --title, --summary, --note, --open-question, --last-day or --not-for")
    if "not_for" in wanted:
        wanted["not_for"] = split_values(wanted["not_for"])
    for line in desk.reword(options.installation(), hand_of(by), entry, wanted):
        tell(line)


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """Hold the options of `write` that make the entry."""

    title: str
    text: str
    link: str
    kind: str
    source: str
    policy_areas: str | None
    regions: str | None
    themes: str | None


@click.command()
@bundled(
    "new",
    WrittenEntry,
    click.option("--title", required=True, metavar="TEXT", help="Its title."),
    click.option("--text", required=True, metavar="TEXT", help="Its text; an empty line parts paragraphs."),
    click.option("--link", default="", metavar="URL", help="The address that its title links to."),
    click.option("--kind", type=click.Choice(KINDS), default=POST, show_default=True, help="Post or case study."),
    click.option("--source", default="", metavar="NAME", help="Whose it is (default: the name of the site)."),
    click.option("--policy-areas", metavar="A;B", help="The policy areas it is about (default: read from the text)."),
    click.option("--regions", metavar="R;S", help="The regions it is about, or national."),
    click.option("--themes", metavar="T;U", help="Its themes."),
)
@as_by
@click.pass_obj
def write(options: GlobalOptions, new: WrittenEntry, by: str | None) -> None:
    """Add an entry by hand: a post or case study that no source shows."""
    from digest.desk.by_hand import Written, write_entry

    given = {"policy_areas": new.policy_areas, "regions": new.regions, "themes": new.themes}
    facets = {plural: split_values(text) for plural, text in given.items() if text is not None}
    written = Written(new.title, new.text, new.link, new.kind, new.source, facets)
    number, lines = write_entry(options.installation(), hand_of(by), written)
    click.echo(number)
    for line in lines:
        tell(line)


@click.command()
@click.argument("act", type=Id(), required=False)
@as_by
@click.pass_obj
def undo(options: GlobalOptions, act: int | None, by: str | None) -> None:
    """Take back an act of the log (default: your newest), where nobody has changed the same since."""
    from digest.desk import undo as desk

    installation, hand = options.installation(), hand_of(by)
    for line in desk.undo(installation, hand, act if act is not None else desk.newest_by(installation, hand.by)):
        tell(line)


COMMANDS = (arrange, reword, write, undo)
