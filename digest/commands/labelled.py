"""Score the classifier on a file of labelled rows, for `digest check --labels`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, table, tell
from digest.errors import WrongUse, counted
from subscribers.characters import whole_characters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from subscribers.facets import KnownFacets

_MOST = 50  # mistakes that are told at once
_FACETS = ("policy_area", "region", "kind")
_KEYS = ("rows", "precision", "recall", "f1", "decided", "accuracy", "abstained", "accuracy_all", "one_right")


def check_labels(options: GlobalOptions, labels: Path, json_: bool) -> None:
    """Classify the labelled rows by titles, by addresses too, and by all their texts; print how often it is right."""
    from digest.operations.check_labels import score
    from digest.operations.label_rows import unread_keys

    classifier = options.installation().classifier
    rows = _labelled_rows(labels, classifier.facets)
    for line in unread_keys(rows):
        tell(f"{labels}: {line}")
    by_title = score(rows, classifier)
    by_address = score(rows, classifier, shown="address")
    by_texts = score(rows, classifier, shown="all")
    if json_:
        del by_address["wrong"]
        answer({**by_title, "with_addresses": by_address, "with_texts": by_texts})
        return
    _print_scores({"titles alone": by_title, "titles and addresses": by_address, "all texts": by_texts})


def _labelled_rows(labels: Path, facets: KnownFacets) -> list[dict[str, Any]]:
    """Read a labels file: a JSON object on each line, blank lines aside.

    Raises WrongUse with a line for each mistake: the number of its line, and the cure.
    """
    from digest.operations.label_rows import row_problems

    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(_lines(labels), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise WrongUse(f"{labels}:{number}: not JSON: {error.msg}; write a JSON object on each line") from None
        if not isinstance(rows[-1], dict):
            raise WrongUse(f"{labels}:{number}: is not an object; write a JSON object on each line")
        problems += [f"{labels}:{number}: {problem}" for problem in row_problems(rows[-1], facets)]
    if problems:
        more = [f"and {counted(len(problems) - _MOST, 'more mistake')}"] if len(problems) > _MOST else []
        raise WrongUse("\n".join([*problems[:_MOST], *more]))
    if not rows:
        raise WrongUse(f"{labels}: holds no row; write a JSON object on each line")
    return rows


def _lines(labels: Path) -> list[str]:
    try:
        return labels.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise WrongUse(f"{labels}: is not UTF-8; save it as UTF-8") from None


def _print_scores(reports: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table of the scores by what was shown, then how often by value and by class; wrong rows come last."""
    scores = [(f"{facet}, {shown}", report[facet]) for shown, report in reports.items() for facet in _FACETS]
    click.echo(
        table(("facet", *_KEYS), [(name, *(_figure(each.get(key)) for key in _KEYS)) for name, each in scores])
    )
    by_title, by_texts = reports["titles alone"], reports["all texts"]
    region = by_title["region"]
    click.echo(
        "\naccuracy counts the decided rows only; accuracy_all counts all rows, also those of an"
        " unknown place, which are right where no labelled place stands in the text.\n"
        f"Of the {region['answerable']} rows whose place stands in the title,"
        f" {region['accuracy_answerable']:.2f} have the right region.\n"
        f"By all texts, {by_texts['region']['never']} rows were given a region that they should never have,"
        f" and {by_texts['policy_area']['never']} such a policy area."
    )
    for facet in _FACETS:
        click.echo(
            f"{facet}, too often: {_often(by_texts[facet]['extra'])}; missed: {_often(by_texts[facet]['missed'])}"
        )
    if classes := by_texts["classes"]:
        figures = ("f1", "one_right"), ("accuracy_all", "accuracy"), ("accuracy_all",)
        wanted = [(facet, key) for facet, keys in zip(_FACETS, figures, strict=True) for key in keys]
        rows = [
            (name, each["policy_area"]["rows"], *(_figure(each[facet][key]) for facet, key in wanted))
            for name, each in classes.items()
        ]
        click.echo("\n" + table(("class", "rows", *(f"{facet} {key}" for facet, key in wanted)), rows))
    click.echo("\nWrong rows, by all texts:")
    for row in by_texts["wrong"]:
        click.echo(f"  {row['id']} {whole_characters(row['title'], 60)}: {_differences(row)}")


def _differences(row: Mapping[str, Any]) -> str:
    """Return what a wrong row has got for what it expects: "regions wales for london"."""
    return "; ".join(
        f"{facet.replace('_', ' ')} {_listed(row[facet]['got'])} for {_listed(row[facet]['expected'])}"
        for facet in ("policy_areas", "regions")
        if sorted(row[facet]["got"]) != row[facet]["expected"]
    )


def _listed(slugs: Iterable[str]) -> str:
    return ", ".join(slugs) or "none"


def _often(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{slug} {times}" for slug, times in counts.items()) or "none"


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
