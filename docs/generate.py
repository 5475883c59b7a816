"""Write docs/configuration.md and docs/commands.md from the settings' models and from the commands themselves.

Run by `make docs`. `pages()` returns the texts, so that a test can compare them with the committed files.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from digest import errors
from digest.cli import digest
from digest.config.load import ConfigFile
from digest.letter.brand import DARK, LIGHT
from digest.model import Backfill

HERE = Path(__file__).parent
MARK = "<!-- Written by `make docs` from the program itself: change the descriptions there, not this file. -->"
NONE = "–"

CONFIGURATION = f"""{MARK}

# Configuration

`config.toml` is the operator's one file. `digest init` writes one that runs as it is, and `digest check` tells every
mistake in it at once. Relative paths start at the folder of the file. An unknown key is a mistake, never ignored.

The environment overrides single keys: `DIGEST_SITE__NAME` beats `site.name`. Secrets are never written into the file:

| variable | holds |
| --- | --- |
| `DIGEST_CONFIG` | the path of `config.toml`, where `--config` does not name it |
| `DIGEST_TRANSPORT_PASSWORD` | the password of `transport.username` |
| `SENDGRID_API_KEY` | the key of the SendGrid account |
| `DIGEST_EVENTS_PASSWORD` | the password of the mailbox in `events.mailbox` |
| `DIGEST_METRICS_TOKEN` | the token that Prometheus reads `/metrics` with |

A *span* is a text like `"30 minutes"`, `"12 hours"`, `"14 days"` or `"2 weeks"`. A *colour* is one like `"#12545a"`.
"""

COMMANDS = f"""{MARK}

# Commands

Answers go to stdout (with `--json` one document), the story of a run to stderr. `digest COMMAND --help` tells
the same as this page. Options of `digest` itself stand before the command: `digest --config FILE run`.

## Exit codes

| code | means |
| --- | --- |
| 0 | done, or nothing to do |
"""


def main() -> None:
    """Write the pages beside this file."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return each generated page by its file's name."""
    return {"configuration.md": configuration(), "commands.md": commands()}


def configuration() -> str:
    """Return the page of all keys: a section for each table of config.toml."""
    sections = [_section("Above all tables", ConfigFile, "Keys that belong to no table.")]
    sections += [_section(path, model, about) for path, model, about in tables(ConfigFile)]
    return CONFIGURATION + "".join(sections)


def tables(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, type[BaseModel], str]]:
    """Yield (path as written in the file, model, description) for each table that `model` holds, in its order."""
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if inner is None:
            continue
        origin = get_origin(field.annotation)
        path = f"{above}{field.alias or name}"
        shown = f"[[{path}]]" if origin is list else f"[{path}.*]" if origin is dict else f"[{path}]"
        yield shown, inner, field.description or ""
        yield from tables(inner, f"{path}.")


def _section(path: str, model: type[BaseModel], about: str) -> str:
    shipped = {"[brand.light]": LIGHT, "[brand.dark]": DARK}.get(path)
    rows = [
        f"| `{field.alias or name}` | {type_of(field)} | {_default(name, field, shipped)} | {field.description} |\n"
        for name, field in model.model_fields.items()
        if model_of(field.annotation) is None
    ]
    return f"\n## {path}\n\n{about}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n{''.join(rows)}"


def type_of(field: FieldInfo) -> str:
    """Return the type of a key in words, with its limits."""
    limits = {
        name: getattr(rule, name) for rule in field.metadata for name in ("ge", "gt", "le") if hasattr(rule, name)
    }
    name = _name_of(field.annotation)
    if "le" in limits:
        least = limits.get("ge", limits.get("gt"))
        return f"{name}, {'above ' if 'gt' in limits else ''}{least} to {limits['le']}"
    return f"{name}, above {limits['gt']}" if "gt" in limits else name


def _name_of(annotation: Any) -> str:
    """Return a type in words; an optional type is named as the type itself."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _name_of(next(kind for kind in inner if kind is not type(None)))
    if origin is Annotated:
        return "span" if inner[0] is timedelta else "colour"
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in inner)
    if origin is list:
        return "list of texts"
    if origin is tuple:
        return "list of phrases, or a table of such lists"
    if origin is dict:
        return "table"
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", timedelta: "span", date: "day"}
    return names[annotation] if annotation in names else {Backfill: "count or span"}[annotation]


def _default(name: str, field: FieldInfo, shipped: object) -> str:
    if field.is_required():
        return "**must be given**"
    value = field.get_default(call_default_factory=True)
    if shipped is not None:
        value = getattr(shipped, name)
    if isinstance(value, Backfill):
        value = value.count
    if value is None or value in ("", (), [], {}):
        return NONE
    if isinstance(value, timedelta):
        return f'`"{_span(value)}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _span(value: timedelta) -> str:
    minutes = int(value.total_seconds()) // 60
    return f"{value.days} days" if minutes % 1440 == 0 else f"{minutes} minutes"


def model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a table, of a list of tables or of a table of tables; None for a key with a value."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def is_named(annotation: Any) -> bool:
    """Return whether a table holds further tables or keys under names of the operator's, such as a cadence's."""
    return get_origin(annotation) is dict


def commands() -> str:
    """Return the page of all commands: usage, help, arguments and options of each."""
    return COMMANDS + _exit_codes() + "".join(_command(path, command) for path, command in walk("digest", digest))


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield (words to type, command) for a command and those below it, in alphabetical order."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            below = command.get_command(context, name)
            assert below is not None
            yield from walk(f"{path} {name}", below)


def _exit_codes() -> str:
    told = (errors.DigestError, errors.WrongUse, errors.PersonNeeded, errors.TryLater)
    rows = [
        f"| {kind.exit_code} | {(kind.__doc__ or '').splitlines()[0].partition(': exit code')[0]} |\n"
        for kind in told
    ]
    return "".join(rows) + "| 130 | stopped from the keyboard |\n"


def _command(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path, terminal_width=1000, max_content_width=1000)
    usage = " ".join(command.collect_usage_pieces(context))
    text = " ".join((command.help or "").split())
    rows = [_option(context, option) for option in command.params if isinstance(option, click.Option)]
    head = "\n| option | default | meaning |\n| --- | --- | --- |\n"
    return f"\n## {path}\n\n`{path} {usage}`\n\n{text}\n" + (head + "".join(rows) if rows else "")


def _option(context: click.Context, option: click.Option) -> str:
    names = " / ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    default = option.default
    shown = (
        NONE if not isinstance(default, str | int | Path) or isinstance(default, bool) or default == "" else default
    )
    must = "**must be given**" if option.required else NONE if shown == NONE else f"`{shown}`"
    return f"| {names}{_cell(value)} | {must} | {option.help} |\n"


def _cell(text: str) -> str:
    return f" `{text.strip()}`".replace("|", "\\|") if text.strip() else ""


if __name__ == "__main__":
    main()
