"""demo, init, check: the first three things a newcomer does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, table, tell
from digest.errors import ConfigError, DigestError, WrongUse

if TYPE_CHECKING:
    from digest.config.settings import Settings


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(directory: Path) -> None:
    """Write a config.toml to start from, with the sample sources it names; it runs as it is."""
    made = lay_out(directory)
    if made is None:
        raise WrongUse(f"{directory / 'config.toml'} is there already; nothing was changed")
    click.echo(made)
    tell("next: `digest check`, `digest subscribers import examples/subscribers.csv`, then `digest run`")
    tell("import subscribers before the first run or gather: a source's backfill goes to whoever is there by then")


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
    help="The folder the demo lives in.",
)  # fmt: skip
@click.pass_obj
def demo(choices: GlobalOptions, out: Path) -> None:
    """Show the whole story on bundled sources and fictional subscribers: no network, no account."""
    from digest.commands.demo import tell_story
    from digest.commands.editions import watching
    from digest.system.resources import resource

    if lay_out(out) is not None:
        tell(f"a new installation in {out}: its config.toml is the shipped one")
    elif (out / "config.toml").read_bytes() != resource("config.toml").read_bytes():
        raise WrongUse(
            f"{out / 'config.toml'} is not the one this demo lays out; nothing was changed, name another folder"
            " with --out, or remove this one if it is an old demo"
        )
    with watching() as watch:
        # What the environment says of a real installation, its database or provider, must not reach the demo.
        tell_story(GlobalOptions(out / "config.toml", choices.now, {}), watch)


@click.command()
@click.option(
    "--labels", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Score the rules on these."
)
@as_json
@click.pass_obj
def check(choices: GlobalOptions, labels: Path | None, json_: bool) -> None:
    """Find every mistake in config, sources, templates and places at once."""
    settings = choices.settings()
    if labels is not None:
        _check_labels(choices, labels, json_)
        return
    problems = _check_places(settings)
    for source in settings.sources:
        if source.path is not None and not Path(source.path).exists():
            problems.append(f"source {source.name!r}: {source.path} is not there; correct its path")
    if settings.templates is not None and not settings.templates.is_dir():
        problems.append(f"letter.templates: {settings.templates} is not a folder; make it or remove the key")
    if not settings.cadences:
        problems.append(
            'cadence: none is configured, nobody is ever sent anything; add [cadence.weekly] at = "fri 08:00"'
        )
    from digest.delivery.trial import trial_letter

    try:
        trial_letter(settings)
    except ConfigError as error:
        problems += error.problems
    from digest.facets.places.gazetteer import load_gazetteer

    load_gazetteer()
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
    from digest.system.resources import resource

    config = directory / "config.toml"
    if config.exists():
        return None
    directory.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(resource("examples"), directory / "examples", dirs_exist_ok=True)
    except shutil.Error as error:
        _, place, why = error.args[0][0]
        raise DigestError(f"{place}: {why}; make room, or name another folder") from error
    shutil.copyfile(resource("config.toml"), config)
    return config


def _check_places(settings: Settings) -> list[str]:
    """Say which of the places that config.toml names to keep and write things cannot serve; nothing is made."""
    from digest.store.engine import make_engine

    problems = []
    try:
        engine = make_engine(settings.storage_url)
    except ConfigError as error:
        problems += error.problems
    else:
        if engine.dialect.name == "sqlite" and Path(engine.url.database or "").is_dir():
            problems.append(f"storage.url: {engine.url.database} is a folder; name a file in it")
    for key, file in (("secret_file", settings.secret_file), ("fence_file", settings.fence_file)):
        if file.is_dir():
            problems.append(f"storage.{key}: {file} is a folder; name a file in it")
        elif not file.parent.is_dir():
            problems.append(f"storage.{key}: no folder {file.parent}; make it, or name another")
    if settings.transport.kind == "file":
        # Folders that are not there yet are made; what stands nearest above them must be one, and be ours to use.
        letters = settings.transport.directory
        there = next(one for one in (letters, *letters.parents) if one.exists())
        if not there.is_dir():
            problems.append(f"transport.directory: {there} is a file; name a folder")
        elif not os.access(there, os.W_OK | os.X_OK):
            problems.append(f"transport.directory: {there} cannot be written to; let this account, or name another")
    return problems


def _check_labels(choices: GlobalOptions, labels: Path, json_: bool) -> None:
    from digest.operations.check_labels import score

    rows: list[dict[str, Any]] = []
    for number, line in enumerate(_lines(labels), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise WrongUse(f"{labels}:{number}: not JSON: {error.msg}; write one object a line") from None
        if not isinstance(rows[-1], dict):
            raise WrongUse(f"{labels}:{number}: is not an object; write one object a line")
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


def _lines(labels: Path) -> list[str]:
    try:
        return labels.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise WrongUse(f"{labels}: is not UTF-8; save it as UTF-8") from None


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


COMMANDS = (demo, init, check)
