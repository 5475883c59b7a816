"""The documents hold: generated pages are what the program says, links lead somewhere, what they name exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import digest
from digest.cli import digest as program
from tests.counts import table

ROOT = Path(digest.__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINKED = sorted([*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md"])
GENERATED = ("configuration.md", "commands.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_TABLE = re.compile(r"^\[{1,2}([a-z_.]+)(?:\.\*)?\]{1,2}(?: ([a-z_]+))?(?: = .*)?$")
_DOTTED = re.compile(r"^([a-z_]+)\.([a-z_.]+)$")
_OVERRIDE = re.compile(r"DIGEST_([A-Z]+)__([A-Z_]+)")
_HOME = re.compile(r"(?<![\w.])/(?:root|home|work|tmp|usr|opt|var|private)/")


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_program_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATE.pages()[name], "run `make docs`"


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_names_no_path_of_a_machine(name: str) -> None:
    text = GENERATE.pages()[name]
    assert _HOME.findall(text) == [] and str(ROOT) not in text


def test_every_key_of_the_config_has_a_description() -> None:
    root = GENERATE.ConfigFile
    models = [("", root), *((path, model) for path, model, _ in GENERATE.tables(root))]
    silent = [
        f"{path} {name}"
        for path, model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_every_command_and_option_has_a_help() -> None:
    silent = []
    for path, command in GENERATE.walk("digest", program):
        options = [one for one in command.params if isinstance(one, click.Option)]
        silent += [f"{path} {one.opts[0]}" for one in options if not one.help] + ([] if command.help else [path])
    assert silent == []


def test_every_secret_of_the_environment_is_read_by_the_program() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", GENERATE.CONFIGURATION, re.MULTILINE))
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "digest").rglob("*.py"))
    assert len(told) == 5 and {name for name in told if f'"{name}"' not in source} == set()


def test_links_lead_to_files_and_headings_that_exist() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in LINKED
        for target in _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))
        if not _leads_somewhere(path, target)
    ]
    assert broken == []


def test_commands_options_and_keys_in_the_documents_exist() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {mistake}"
        for path in DOCUMENTS
        for text in _code(path.read_text(encoding="utf-8"))
        for mistake in _mistakes(text)
    ]
    assert wrong == []


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for path in DOCUMENTS
        for text in _code(path.read_text(encoding="utf-8"))
        for target in re.findall(r"^make (?:PYTHON=\S+ )?([a-z]+)", text)
    }
    assert named and named <= targets


def test_config_examples_in_the_documents_hold_only_known_keys() -> None:
    examples = [
        (path.name, tomllib.loads(body))
        for path in DOCUMENTS
        for language, body in _FENCE.findall(path.read_text(encoding="utf-8"))
        if language == "toml"
    ]
    assert examples
    assert [f"{name}: {key}" for name, example in examples for key in _keys(example) if not _is_key(key)] == []


@table(
    "text, wrong",
    [
        ("digest run", False),
        ("digest rum", True),
        ("digest --config FILE run --json", False),
        ("digest run --jsno", True),
        ("digest preview --subscriber EMAIL --lint", False),
        ("*/30 * * * *  digest --config config.toml run", False),
        ("digest db restore FILE", False),
        ("digest db undo FILE", True),
        ("--lint", False),
        ("--lnit", True),
        ("transport.kind", False),
        ("transport.kinds", True),
        ("[cadence.weekly] ahead", False),
        ("[cadence.weekly] behind", True),
        ("[brand.words.en]", False),
        ("[brandy]", True),
        ("DIGEST_SITE__NAME", False),
        ("DIGEST_SITE__NAMES", True),
    ],
)
def test_a_name_that_does_not_exist_is_seen(text: str, *, wrong: bool) -> None:
    assert bool(list(_mistakes(text))) is wrong


def test_a_broken_link_is_seen() -> None:
    readme = ROOT / "README.md"
    assert _leads_somewhere(readme, "docs/glossary.md") and _leads_somewhere(readme, "#two-commands")
    assert not _leads_somewhere(readme, "docs/gone.md") and not _leads_somewhere(readme, "#gone")


def _leads_somewhere(document: Path, target: str) -> bool:
    if target.startswith(("https://", "http://", "mailto:")):
        return True
    name, _, anchor = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    return path.exists() and path.is_relative_to(ROOT) and (not anchor or anchor in _anchors(path))


@cache
def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def _code(text: str) -> Iterator[str]:
    """Yield each inline code, and each line of the shell examples without its comment."""
    for language, body in _FENCE.findall(text):
        if language in ("", "sh"):
            yield from (line.partition("  #")[0].strip() for line in body.splitlines())
    yield from _CODE.findall(_FENCE.sub("", text))


def _mistakes(text: str) -> Iterator[str]:
    """Yield what of our command line or config is named in one piece of code and does not exist."""
    if command := re.search(r"(?:^|\s|/)digest ([^&|;]+)", text):
        yield from _command_mistakes(command[1])
    elif text.startswith("--"):
        if text.split("=")[0].split()[0] not in _every_option():
            yield text
    elif table := _TABLE.match(text):
        if not _is_key(".".join(filter(None, table.groups()))):
            yield text
    elif (dotted := _DOTTED.match(text)) and dotted[1] in GENERATE.ConfigFile.model_fields and not _is_key(text):
        yield text
    for section, key in _OVERRIDE.findall(text):
        if not _is_key(f"{section}.{key}".lower()):
            yield text


def _command_mistakes(line: str) -> Iterator[str]:
    command: click.Command = program
    words = iter(shlex.split(line.replace("…", ""), comments=True))
    for word in words:
        if word.startswith("-"):
            option = _options(command).get(word)
            if option is None:
                yield f"{command.name} has no option {word}"
            elif not option.is_flag:
                next(words, None)
        elif isinstance(command, click.Group) and word.isascii() and word.islower():
            below = command.get_command(click.Context(command), word)
            if below is None:
                yield f"{command.name} has no command {word}"
                return
            command = below


def _options(command: click.Command) -> dict[str, click.Option]:
    options = [one for one in command.get_params(click.Context(command)) if isinstance(one, click.Option)]
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


@cache
def _every_option() -> set[str]:
    return {name for _, command in GENERATE.walk("digest", program) for name in _options(command)}


def _is_key(path: str) -> bool:
    """Return whether `path` ("transport.kind", "source", "cadence.weekly.at") is a table or key of config.toml."""
    model: Any = GENERATE.ConfigFile
    steps = path.split(".")
    while steps:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        step = steps.pop(0)
        if re.fullmatch(r"name_[a-z]{2}", step) and "names" in fields:
            return True
        if step not in fields:
            return False
        annotation = fields[step].annotation
        if GENERATE.is_named(annotation) and steps:
            steps.pop(0)  # the name of a cadence, a language, a weight
        inner = GENERATE.model_of(annotation)
        if inner is None:
            return not steps or GENERATE.is_named(annotation)
        model = inner
    return True


def _keys(table: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in table.items():
        path = f"{above}{key}"
        for inner in value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]:
            if isinstance(inner, dict):
                yield from _keys(inner, f"{path}.")
            else:
                yield path


def test_the_generator_runs_by_itself(tmp_path: Path) -> None:
    copy = tmp_path / "generate.py"
    copy.write_bytes((ROOT / "docs" / "generate.py").read_bytes())
    subprocess.run([sys.executable, str(copy)], check=True)
    assert {path.name for path in tmp_path.glob("*.md")} == set(GENERATED)
