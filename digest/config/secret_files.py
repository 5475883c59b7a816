"""List the files of secrets that a configuration names: every key that ends in `_file`, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

# The keys that name a file without a secret: certificates are public, and the fence proves nothing.
NO_SECRETS = frozenset({"ca_file", "fence_file"})


class SecretFile(NamedTuple):
    """Name a file that holds a secret, by the key of the configuration that names it."""

    key: str
    path: Path


def secret_files(part: BaseModel, home: Path, above: str = "") -> Iterator[SecretFile]:
    """Yield the files of secrets that a table and those in it name; a path is relative to `home`.

    `above` stands before each key, such as "transport." or "source 'Members': ".
    """
    for name, value in part:
        if isinstance(value, str) and value and name.endswith("_file") and name not in NO_SECRETS:
            yield SecretFile(f"{above}{name}", home / value)
        for title, table in _tables(name, value):
            yield from secret_files(table, home, f"{above}{title}")


def _tables(name: str, value: object) -> Iterator[tuple[str, BaseModel]]:
    """Yield the tables that a key holds, each with what stands before its keys."""
    if isinstance(value, BaseModel):
        yield f"{name}.", value
    elif isinstance(value, Mapping):
        yield from ((f"{name}.{key}.", table) for key, table in value.items() if isinstance(table, BaseModel))
    elif isinstance(value, list):
        for number, table in enumerate(value):
            if isinstance(table, BaseModel):
                called = getattr(table, "name", None)
                yield (f"{name} {called!r}: " if called else f"{name}.{number}."), table
