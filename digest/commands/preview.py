"""Define the command preview: write the letter that a reader would get, and check it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, Id, bundled, interests_of, tell, who_decides
from digest.errors import WrongUse
from digest.model import CADENCES

if TYPE_CHECKING:
    from digest.desk.preview import ChosenReader
    from digest.installation import Installation
    from digest.transports.base import Parcel


@dataclass(frozen=True, slots=True)
class PreviewReader:
    """Hold the options of `preview` that say whose letter is shown: a subscriber's, or anyone's by interests."""

    subscriber: str | None
    areas: tuple[str, ...]
    regions: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewEdition:
    """Hold the options of `preview` that say which edition it is of; None leaves the choice to the program."""

    cadence: str | None
    edition: int | None


@dataclass(frozen=True, slots=True)
class ServedDesk:
    """Hold the options of `preview` that open the desk on this machine."""

    serve: bool
    port: int


as_reader = bundled(
    "reader",
    PreviewReader,
    click.option("--subscriber", metavar="EMAIL|ID", help="Show the letter of this subscriber."),
    click.option(
        "--area",
        "areas",
        metavar="SLUG",
        multiple=True,
        help="Show the letter of a reader who follows this policy area.",
    ),
    click.option("--region", "regions", metavar="SLUG", multiple=True, help="… and of this region."),
    click.option("--theme", "themes", metavar="SLUG", multiple=True, help="… and of this theme."),
)
of_edition = bundled(
    "which",
    PreviewEdition,
    click.option(
        "--cadence",
        type=click.Choice(CADENCES),
        help="Of this cadence (default: the subscriber's, else weekly or the first configured).",
    ),
    click.option("--edition", type=Id(), metavar="ID", help="Of this edition (default: the one owed next)."),
)


@click.command()
@as_reader
@of_edition
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("preview"), show_default=True,
    help="The folder to write the letter to.",
)  # fmt: skip
@click.option(
    "--lint", "lint_", is_flag=True, help="Check the letter and list its faults; exit code 1 when one is an error."
)
@bundled(
    "served",
    ServedDesk,
    click.option(
        "--serve",
        is_flag=True,
        help="Open the editors' desk on this machine alone, in a browser: no set-up, no accounts.",
    ),
    click.option(
        "--port", default=0, type=click.IntRange(0, 65535), help="With --serve: the port (default: any free one)."
    ),
)
@click.pass_obj
def preview(
    options: GlobalOptions, reader: PreviewReader, which: PreviewEdition, out: Path, lint_: bool, served: ServedDesk
) -> None:
    """Write the letter that a reader would get (letter.html, letter.txt, letter.eml), or open the desk (--serve)."""
    if served.serve:
        _serve(options, served.port)
        return
    from digest.desk.preview import preview as preview_letter
    from digest.system.private import make_private_folder, write_private

    installation = options.installation()
    email, interests, cadence = chosen_reader(installation, reader, which)
    shown = preview_letter(installation, email=email, interests=interests, cadence=cadence, number=which.edition)
    edition = shown.edition
    number = f"edition {edition.id}" if edition.id else "not drafted yet"
    stopped = ", stopped" if edition.held else ""
    tell(f"{edition.cadence} {edition.slot}, {number}, {edition.state}{stopped}")
    if shown.parcel is None:
        tell(f"no letter: {shown.reason}")
        if (out / "letter.html").exists():
            tell(f"the letter in {out} is of an earlier preview")
        return
    if shown.reason:
        tell(f"their delivery: {shown.reason}")
    make_private_folder(out)
    write_private(out / "letter.html", shown.parcel.letter.html_text())
    write_private(out / "letter.txt", shown.parcel.letter.plain_text())
    write_private(out / "letter.eml", shown.parcel.message)
    click.echo(out / "letter.html")
    if lint_:
        _lint(shown.parcel, installation.settings.lint_clients)


def _serve(options: GlobalOptions, port: int) -> None:
    """Answer on the loopback address until a stop is requested."""
    from digest.web.desk.local import local_app
    from digest.web.server import serve_app

    installation = options.installation()
    installation.require_secret()
    app, opened = local_app(installation, who_decides())
    tell("the desk of this installation, for this machine alone; stop it with Ctrl-C")
    serve_app(app, "127.0.0.1", port, tell, opened)


def chosen_reader(installation: Installation, reader: PreviewReader, which: PreviewEdition) -> ChosenReader:
    """Return the reader that the options name. Raises WrongUse for two at once and for an unknown value."""
    from digest.desk.preview import ChosenReader

    if reader.subscriber and (reader.areas or reader.regions or reader.themes):
        raise WrongUse("give either --subscriber or --area, --region, --theme")
    interests = interests_of(installation.settings.taxonomy, reader.areas, reader.regions, reader.themes)
    return ChosenReader(reader.subscriber, interests, which.cadence)


def _lint(parcel: Parcel, clients: tuple[str, ...]) -> None:
    """Print a letter's errors and warnings, worst first; leave with exit code 1 when there is an error."""
    from digest.letter.lint import DEFAULT_CLIENTS, ERROR, NOTE, lint

    clients = clients or DEFAULT_CLIENTS
    letter = parcel.letter
    findings = lint(letter.html_text(), letter.plain_text(), letter.subject, parcel.message, clients)
    for finding in findings:
        if finding.level != NOTE:
            click.echo(finding.line())
    count = Counter(finding.level for finding in findings)
    tell(f"lint: {count[ERROR]} errors, {count['warning']} warnings, {count[NOTE]} notes for {', '.join(clients)}")
    if count[ERROR]:
        raise click.exceptions.Exit(1)


COMMANDS = (preview,)
