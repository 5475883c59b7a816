"""What every command shares: the chosen config and hour, opening the installation, answers and progress."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.errors import DigestError
from subscribers.errors import SubscribersError

if TYPE_CHECKING:
    from digest.config.settings import Settings
    from digest.installation import Installation

as_json = click.option("--json", "json_", is_flag=True, help="Answer with one JSON document.")


class Id(click.ParamType[int]):
    """The number of an edition, entry or delivery: what a database can hold."""

    name = "integer"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number or fail with its form."""
        if (number := id_of(str(value))) is None:
            self.fail(f"{value!r} is not an id; it is a whole number", param, ctx)
        return number


def id_of(text: str) -> int | None:
    """Return the id that `text` is, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What was said before the command: the config file and, perhaps, the hour.

    `environ` holds the overrides of the config; None: this process's own environment.
    """

    config: Path
    now: datetime | None = None
    environ: Mapping[str, str] | None = None

    def settings(self) -> Settings:
        """Return the settings of the chosen file (ConfigError with every mistake)."""
        from digest.config.load import load

        return load(self.config, os.environ if self.environ is None else self.environ)

    def installation(self) -> Installation:
        """Open the installation of the chosen file."""
        from digest.installation import Installation

        return Installation(self.settings(), self.now)

    def at(self) -> datetime:
        """Return the chosen hour, else the present."""
        return self.now or datetime.now(UTC)


def parts(text: str) -> list[str]:
    """Return the values of an option that takes several, split by ";"."""
    return [part.strip() for part in text.split(";") if part.strip()]


def answer(document: Any) -> None:
    """Print one JSON document to stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def tell(line: str) -> None:
    """Print one line of the story to stderr."""
    click.echo(line, err=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as text columns under their heads; numbers stand to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [bool(cells) and all(row[n].isdigit() for row in cells) for n in range(len(head))]
    widths = [max(len(name), *(len(row[n]) for row in cells)) if cells else len(name) for n, name in enumerate(head)]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(list(head)), line(["-" * width for width in widths]), *(line(row) for row in cells)])


def exit_code_of(error: Exception) -> int | None:
    """Return the exit code of an error that was raised on purpose or is the disk's, None for a bug."""
    if isinstance(error, DigestError):
        return error.exit_code
    if isinstance(error, SubscribersError):
        return error.exit_code
    return DigestError.exit_code if _of_disk(error) else None


def message_of(error: Exception) -> str:
    """Return what to tell of an error that has an exit code: its lines name the place and the cure."""
    if isinstance(error, OSError) and _of_disk(error):
        return f"{error.filename or 'output'}: {error.strerror}; make room, or name a place this account may use"
    return str(error)


def _of_disk(error: Exception) -> bool:
    """Whether a file or folder could not be used: named in the error, or the one that stdout goes to."""
    return isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC)
