"""What every command shares: the chosen config and hour, opening the installation, answers and progress."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.errors import DigestError
from subscribers.errors import SubscribersError

if TYPE_CHECKING:
    from digest.config import Settings
    from digest.installation import Installation

as_json = click.option("--json", "json_", is_flag=True, help="Answer with one JSON document.")


@dataclass(frozen=True, slots=True)
class Choices:
    """What was said before the command: the config file and, perhaps, the hour."""

    config: Path
    now: datetime | None = None

    def settings(self) -> Settings:
        """Return the settings of the chosen file (ConfigError with every mistake)."""
        from digest.config import load

        return load(self.config)

    def installation(self) -> Installation:
        """Open the installation of the chosen file."""
        from digest.installation import Installation

        return Installation(self.settings(), self.now)

    def at(self) -> datetime:
        """Return the chosen hour, else the present."""
        return self.now or datetime.now(UTC)


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
    """Return the exit code of an error that was raised on purpose, None for a bug."""
    if isinstance(error, DigestError):
        return error.exit_code
    if isinstance(error, SubscribersError):
        return error.exit_code
    return None
