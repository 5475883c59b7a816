"""Define the commands demo, init and check, which a newcomer runs first."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, answer, as_json, tell
from digest.commands.labelled import check_labels
from digest.errors import ConfigError, WrongUse, counted

if TYPE_CHECKING:
    from datetime import datetime

    from digest.config.settings import Settings


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(directory: Path) -> None:
    """Write a config.toml to start from, and the sample sources it names; it runs as it is."""
    config = lay_out(directory)
    if config is None:
        raise WrongUse(f"{directory / 'config.toml'} is there already; nothing was changed")
    click.echo(config)
    tell("next: `digest check`, `digest subscribers import examples/subscribers.csv`, then `digest run`")
    tell(
        "import subscribers before the first run or gather: a source's backfill goes only to those who are there"
        " by then"
    )


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
    help="The folder to write the demo to.",
)  # fmt: skip
@click.pass_obj
def demo(options: GlobalOptions, out: Path) -> None:
    """Show a whole run on sample sources and fictional subscribers, without network or account."""
    from digest.commands.demo import tell_story
    from digest.commands.progress import watching
    from digest.system.resources import resource

    if lay_out(out) is not None:
        tell(f"a new installation in {out}: its config.toml is the shipped one")
    elif (out / "config.toml").read_bytes() != resource("config.toml").read_bytes():
        raise WrongUse(
            f"{out / 'config.toml'} is not the file that a demo writes; nothing was changed: name another folder"
            " with --out, or remove this folder if it holds an old demo"
        )
    with watching() as watch:
        # No overrides from the environment, because they may name the database or provider of a real installation.
        tell_story(GlobalOptions(out / "config.toml", options.now, {}), watch)


@click.command()
@click.option(
    "--labels",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Score the classifier on the labelled rows of this file instead.",
)
@as_json
@click.pass_obj
def check(options: GlobalOptions, labels: Path | None, json_: bool) -> None:
    """Find every mistake in config, sources, templates and folders at once."""
    settings = options.settings()
    if labels is not None:
        check_labels(options, labels, json_)
        return
    if problems := _find_problems(settings, options.at()):
        raise ConfigError(problems)
    if json_:
        answer({"problems": []})
    else:
        click.echo(
            f"{counted(len(settings.sources), 'source')},"
            f" {counted(len(settings.taxonomy.policy_areas), 'policy area')},"
            f" {counted(len(settings.taxonomy.themes), 'theme')},"
            f" {counted(len(settings.cadences), 'cadence')}: no mistake found"
        )


def lay_out(directory: Path) -> Path | None:
    """Copy the shipped config.toml and examples into `directory`; return the file, or None when it exists already.

    Raises DigestError when an example cannot be written.
    """
    from digest.system.disk import unwritable
    from digest.system.resources import resource

    config = directory / "config.toml"
    if config.exists():
        return None
    directory.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(resource("examples"), directory / "examples", dirs_exist_ok=True)
    except shutil.Error as error:
        _, target, reason = error.args[0][0]
        # The copy tells the error in words alone, with its number.
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        cause = OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(reason))
        raise unwritable(str(target), cause, "name another folder") from error
    shutil.copyfile(resource("config.toml"), config)
    return config


def _find_problems(settings: Settings, now: datetime) -> list[str]:
    """Return every problem that only files, folders or a trial letter show; changes nothing."""
    from digest.delivery.trial import template_faults
    from digest.facets.places.gazetteer import load_gazetteer
    from digest.operations import check_settings, check_templates

    problems = [
        *check_settings.storage_problems(settings),
        *check_settings.folder_problems(settings),
        *check_settings.transport_problems(settings),
        *check_settings.address_problems(settings),
        *check_settings.mailbox_problems(settings),
        *check_settings.key_problems(settings),
        *check_settings.source_problems(settings),
        *check_settings.text_problems(settings, now),
        *check_settings.region_problems(settings),
        *check_templates.template_problems(settings),
        *check_templates.word_problems(settings),
    ]
    if not settings.cadences:
        problems.append(
            'cadence: none is configured, nobody is ever sent anything; add [cadence.weekly] at = "fri 08:00"'
        )
    problems += template_faults(settings)
    load_gazetteer()  # raises when the shipped gazetteer is missing or damaged
    return problems


COMMANDS = (demo, init, check)
