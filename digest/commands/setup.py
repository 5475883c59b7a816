"""demo, init, check: the first three things a newcomer does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click

from digest.commands.base import Choices, answer, as_json, table, tell
from digest.errors import ConfigError, WrongUse


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(directory: Path) -> None:
    """Write a config.toml to start from, with the sample sources it names; it runs as it is."""
    made = lay_out(directory)
    if made is None:
        raise WrongUse(f"{directory / 'config.toml'} is there already; nothing was changed")
    click.echo(made)
    tell("next: `digest check`, `digest subscribers import examples/subscribers.csv`, `digest run`")


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
    help="The folder the demo lives in.",
)  # fmt: skip
@click.pass_obj
def demo(choices: Choices, out: Path) -> None:
    """Show the whole story on bundled sources and fictional subscribers: no network, no account."""
    from digest.commands.editions import watching
    from digest.story import tell_story

    if lay_out(out) is not None:
        tell(f"a new installation in {out}: its config.toml is the shipped one")
    with watching() as watch:
        tell_story(Choices(out / "config.toml", choices.now), watch)


@click.command()
@click.option(
    "--labels", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Score the rules on these."
)
@as_json
@click.pass_obj
def check(choices: Choices, labels: Path | None, json_: bool) -> None:
    """Find every mistake in config, sources, templates and places at once."""
    settings = choices.settings()
    if labels is not None:
        _check_labels(choices, labels, json_)
        return
    problems = []
    for source in settings.sources:
        if source.path is not None and not Path(source.path).exists():
            problems.append(f"source {source.name!r}: {source.path} is not there; correct its path")
    if settings.templates is not None and not settings.templates.is_dir():
        problems.append(f"letter.templates: {settings.templates} is not a folder; make it or remove the key")
    if not settings.cadences:
        problems.append(
            'cadence: none is configured, nobody is ever sent anything; add [cadence.weekly] at = "fri 08:00"'
        )
    from digest.health import trial_letter

    try:
        trial_letter(settings)
    except ConfigError as error:
        problems += error.problems
    from digest.places.gazetteer import load

    load()
    if problems:
        raise ConfigError(problems)
    said = (
        f"{len(settings.sources)} sources, {len(settings.taxonomy.policy_areas)} policy areas,"
        f" {len(settings.taxonomy.themes)} themes, {len(settings.cadences)} cadences: no mistake found"
    )
    if json_:
        answer({"problems": []})
    else:
        click.echo(said)


def lay_out(directory: Path) -> Path | None:
    """Copy the shipped config.toml and examples into `directory`; None when a config.toml is there already."""
    from digest.resources import resource

    config = directory / "config.toml"
    if config.exists():
        return None
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copytree(resource("examples"), directory / "examples", dirs_exist_ok=True)
    shutil.copyfile(resource("config.toml"), config)
    return config


def _check_labels(choices: Choices, labels: Path, json_: bool) -> None:
    from digest.check_labels import score

    rows: list[dict[str, Any]] = []
    for number, line in enumerate(labels.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise WrongUse(f"{labels}:{number}: not JSON: {error.msg}; write one object a line") from None
    classifier = choices.installation().classifier
    found = score(rows, classifier)
    linked = {name: f for name, f in score(rows, classifier, links=True).items() if name != "wrong"}
    if json_:
        answer({**found, "with_addresses": linked})
        return
    keys = ("rows", "precision", "recall", "f1", "decided", "accuracy", "abstained", "accuracy_all")
    shown = [(f"{name}, titles alone", f) for name, f in found.items() if name != "wrong"]
    shown += [(f"{name}, titles and addresses", f) for name, f in linked.items()]
    click.echo(table(("facet", *keys), [(name, *(_figure(f.get(k)) for k in keys)) for name, f in shown]))
    answerable = found["region"]
    click.echo(
        "\naccuracy is of the decided rows; accuracy_all counts a national given for want of a place as an answer.\n"
        f"Of the {answerable['answerable']} rows whose place stands in the title,"
        f" {answerable['accuracy_answerable']:.2f} have the right region. Wrong rows:"
    )
    for row in found["wrong"]:
        said = "; ".join(
            f"{facet.replace('_', ' ')} {', '.join(row[facet]['got']) or 'none'}"
            f" for {', '.join(row[facet]['expected']) or 'none'}"
            for facet in ("policy_areas", "regions")
            if sorted(row[facet]["got"]) != row[facet]["expected"]
        )
        click.echo(f"  {row['id']} {row['title'][:60]}: {said}")


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


COMMANDS = (demo, init, check)
