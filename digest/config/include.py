"""Read the files that config.toml includes: each stands beside it and holds only [[source]] tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from digest.config.mistakes import validate
from digest.config.sources import SourceFile, SourcePart
from digest.config.toml_file import read_toml
from digest.errors import ConfigError


class IncludedFile(BaseModel):
    """The tables of a file that config.toml includes."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    source: list[SourcePart] = Field(default=[], description="One table for each source: a feed or a folder.")


def source_files(config: Path, names: Sequence[str]) -> tuple[list[SourceFile], list[str]]:
    """Return the files that `config` includes, in its order, and a line for each mistake, which names its file.

    Raises TryLater when the machine cannot read a file now.
    """
    files: list[SourceFile] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, name in enumerate(names):
        if why := _why_not(config, name, seen):
            problems.append(f"{config.name}: include.{number}: {name!r} {why}")
            continue
        seen.add(name)
        try:
            raw = read_toml(
                config.resolve().parent / name, f"make it, or take {name!r} out of include in {config.name}"
            )
        except ConfigError as error:
            problems += error.problems
            continue
        if raw.pop("include", None) is not None:
            problems.append(f"{name}: include: only {config.name} includes files; name them there")
        file, mistakes = validate(IncludedFile, raw)
        problems += [f"{name}: {mistake}" for mistake in mistakes]
        if file is not None:
            files.append(SourceFile(name, file.source))
    return files, problems


def _why_not(config: Path, name: str, seen: set[str]) -> str:
    """Return why a name in include is refused, with the cure, or ""."""
    if not name or name in (".", "..") or "\0" in name or Path(name).name != name:
        # Beside config.toml only, so that a relative `path` means the same in each file.
        return f'is no name of a file beside {config.name}; write one without a folder, like "sources.toml"'
    if name == config.name:
        return "is this file itself; take it out"
    if name in seen:
        return "stands there twice; take one of them out"
    file = config.resolve().parent / name
    # A pipe or a device is never read to its end, and a read of it cannot be stopped.
    is_other = file.exists() and not (file.is_file() or file.is_dir())
    return "is a pipe or a device; name a file" if is_other else ""
