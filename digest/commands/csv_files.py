"""Define `subscribers import` and `subscribers export`: people as CSV files."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from digest.commands.bars import counting, reading_bar
from digest.commands.base import GlobalOptions, answer, as_json, bundled, tell, tell_welcome
from digest.errors import DigestError, WrongUse

if TYPE_CHECKING:
    from digest.installation import Installation
    from subscribers.csv.importing import ImportReport
    from subscribers.csv.labels import Meaning


@dataclass(frozen=True, slots=True)
class ForeignOptions:
    """Hold what the options of `import` say of another tool's file, as texts "COLUMN=FIELD" and "LABEL=NAME".

    `mapping` is a file of such labels; `skeleton` one to be written, of those that are unknown.
    """

    columns: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    mapping: Path | None = None
    skeleton: Path | None = None


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Report only; change nothing.")
@bundled(
    "foreign",
    ForeignOptions,
    click.option(
        "--map", "columns", multiple=True, metavar="COLUMN=FIELD",
        help="What a column is: a column of ours, first_name, last_name, interests, remark (may ask to stop),"
        " what it tells of consent (status, subscribed, confirmed, unsubscribed, bounced, complained, blocked) or"
        " ignore. Repeatable.",
    ),
    click.option(
        "--interest", "interests", multiple=True, metavar="LABEL=NAME",
        help="What a list or tag stands for, in columns mapped to interests: a policy area, region or theme, or"
        " ignore. Repeatable.",
    ),
    click.option(
        "--interests", "mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
        help="What lists and tags stand for, as a TOML file: below [interests] lines such as"
        ' "Housing news" = "housing" or "South" = ["london", "south-east"].',
    ),
    click.option(
        "--interests-to-fill", "skeleton", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="Write a new file for --interests with the lists and tags that stand for nothing yet.",
    ),
)  # fmt: skip
@click.option("--skip-refused", is_flag=True, help="Leave with exit code 0 though rows were refused.")
@as_json
@click.pass_obj
def import_(
    options: GlobalOptions, file: Path, dry_run: bool, foreign: ForeignOptions, skip_refused: bool, json_: bool
) -> None:
    """Import subscribers from a CSV file (- for standard input): store good rows, and list bad rows.

    The exports of other tools are known by their columns. Leaves with exit code 1 when rows were refused.
    """
    if foreign.skeleton is not None and foreign.skeleton.exists():
        raise WrongUse(f"{foreign.skeleton} exists; name a new file, nothing is overwritten")
    installation = options.installation()
    if str(file) == "-":
        report = import_people(installation, sys.stdin.buffer, foreign, dry_run=dry_run)
    else:
        with file.open("rb") as stream, reading_bar("importing", stream) as watched:
            report = import_people(installation, watched, foreign, dry_run=dry_run)
    for problem in report.problems:
        tell(str(problem))
    if report.unlisted:
        tell(f"and {report.unlisted} more lines")
    _tell_labels(installation, report, foreign.skeleton)
    counts = {key: getattr(report, key) for key in ("added", "changed", "unchanged", "refused", "suppressed")}
    if json_:
        listed = {"problems": [str(problem) for problem in report.problems]}
        answer(counts | listed | {"unknown_labels": dict(report.unknown_labels)})
    else:
        click.echo(", ".join(f"{count} {key}" for key, count in counts.items()) + (" (dry run)" if dry_run else ""))
    if report.added:
        tell_welcome(installation)
    if report.refused and not skip_refused:
        tell(f"{report.refused} refused: mend these lines and import them again, or leave them with --skip-refused")
        raise click.exceptions.Exit(DigestError.exit_code)


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.pass_obj
def export(options: GlobalOptions, file: Path) -> None:
    """Write all subscribers as CSV that can be imported again without loss (default, or -: standard output).

    A FILE is new and for its owner alone, and opens in a spreadsheet with its accents.
    """
    from digest.readers.answer_cells import AnswerCells
    from digest.store.engine import reading
    from subscribers import store
    from subscribers.csv.exporting import export_csv

    installation = options.installation()
    with reading(installation.engine) as conn, counting("exporting", store.count(conn, state=None)) as progress:
        write = partial(export_csv, conn, secret=installation.secret, answers=AnswerCells(), progress=progress)
        if str(file) == "-":
            count = write(sys.stdout.buffer)
            sys.stdout.buffer.flush()  # here, so that a full disk fails the command and not only its last write
        else:
            with _new_file(file) as stream:
                stream.write(codecs.BOM_UTF8)  # because without it a spreadsheet takes UTF-8 for another encoding
                count = write(stream)
    tell(f"exported {count} subscribers")


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that its owner alone may read; remove it when writing fails. Raises WrongUse when it exists."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUse(f"{path} exists; name a new file, nothing is overwritten") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def import_people(
    installation: Installation, stream: IO[bytes], foreign: ForeignOptions | None = None, *, dry_run: bool = False
) -> ImportReport:
    """Import subscribers from a CSV stream of bytes; with `dry_run` only report. Returns the report."""
    from digest.facets.known import known_facets
    from digest.readers.answer_cells import AnswerCells
    from digest.store.engine import writing
    from subscribers.csv.columns import column_name
    from subscribers.csv.importing import ImportRules, import_csv

    settings, foreign = installation.settings, foreign or ForeignOptions()
    rules = ImportRules(
        known_facets=known_facets(settings.taxonomy),
        cadences=[cadence.name for cadence in settings.cadences],
        default_cadence=settings.default_cadence,
        default_language=settings.site.language,
        secret=installation.secret,
        columns=_pairs("--map", foreign.columns, column_name),
        interests=_meanings(foreign),
        answers=AnswerCells(),
    )
    with writing(installation.engine, "import") as conn:
        report = import_csv(conn, stream, rules, now=installation.clock(), dry_run=dry_run)
    installation.fence.follow()
    return report


def _meanings(foreign: ForeignOptions) -> dict[str, Meaning]:
    """Return what the labels of another tool stand for: as the options say, else as the mapping file says."""
    from subscribers.csv.labels import Meaning
    from subscribers.csv.mapping import read_mapping
    from subscribers.csv.vocabulary import squashed
    from subscribers.errors import BadFile

    typed = _pairs("--interest", foreign.interests, squashed)
    meanings = {label: Meaning((name,), "--interest") for label, name in typed.items()}
    if foreign.mapping is None:
        return meanings
    try:
        text = foreign.mapping.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"{foreign.mapping}: is no text in UTF-8; save it as such") from None
    overridden = {squashed(label) for label in meanings}
    read = read_mapping(text, str(foreign.mapping))
    return {label: meaning for label, meaning in read.items() if squashed(label) not in overridden} | meanings


def _tell_labels(installation: Installation, report: ImportReport, path: Path | None) -> None:
    """Tell the labels that stand for nothing, with how often they are used, and write them to a file to fill in."""
    from digest.facets.known import known_facets
    from subscribers.csv.mapping import skeleton
    from subscribers.facets import quoted

    labels = sorted(report.unknown_labels.items(), key=lambda each: (-each[1], each[0]))
    if labels:
        shown = ", ".join(f"{quoted(label)} ({count})" for label, count in labels[:20])
        more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
        tell(f"labels that stand for nothing here, and how often: {shown}{more}")
    if path is not None:
        with _new_file(path) as stream:
            stream.write(skeleton(dict(labels), known_facets(installation.settings.taxonomy)).encode())
        tell(f"{path}: {len(labels)} labels to fill in; then import again with --interests {path}")
    elif labels:
        tell("for a file of them to fill in, import again with --dry-run --interests-to-fill FILE")


def _pairs(option: str, texts: Iterable[str], spelling: Callable[[str], str]) -> dict[str, str]:
    """Return {before: after} for texts split at their last "=".

    Raises WrongUse for a text without, and for two whose first halves have the same `spelling`, because only one of
    them could count, and that may be the one by which somebody who has left is mailed.
    """
    from subscribers.facets import quoted

    pairs: dict[str, str] = {}
    spellings: set[str] = set()
    for before, _, after in (text.rpartition("=") for text in texts):
        before, after = before.strip(), after.strip()
        if not before or not after:
            raise WrongUse(f'{option} takes two words with a "=" between, such as {option} "E-mail Adr=email"')
        if spelling(before) in spellings:
            raise WrongUse(f"{option} {quoted(before)} is given twice; give it once")
        spellings.add(spelling(before))
        pairs[before] = after
    return pairs
