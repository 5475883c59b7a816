"""[[source]] of config.toml: feeds and folders, what they are about, and what of their past is owed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest.config import spans
from digest.config.site import split_url
from digest.model import KINDS, REGIONS, Backfill, Source


def _backfill(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Backfill(count=value)
    if isinstance(value, str) and spans.FORM.match(value):
        return Backfill(span=spans.read_span(value))
    raise ValueError('write a count like 20 or a span like "60 days"')


class SourcePart(BaseModel):
    """One source: a `url`, or a `path` of a file or folder."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1, max_length=200)
    url: str | None = None
    path: str | None = None
    kind: str = "post"
    policy_areas: list[str] = []
    regions: list[str] = []
    themes: list[str] = []
    backfill: Annotated[Backfill, BeforeValidator(_backfill)] = Backfill()
    allow_private: bool = False


def check_sources(parts: Sequence[SourcePart], areas: set[str], themes: set[str]) -> list[str]:
    """Return what is wrong with them, a line each; `areas` and `themes` are the slugs that config.toml defines."""
    problems = []
    names = set()
    for n, part in enumerate(parts):
        place = f"source.{n} ({part.name})"
        if part.name in names:
            problems.append(f"{place}: the name is taken by an earlier source; give each its own")
        names.add(part.name)
        problems += [f"{place}.{problem}" for problem in _check(part, areas, themes)]
    return problems


def _check(part: SourcePart, areas: set[str], themes: set[str]) -> list[str]:
    problems = []
    if (part.url is None) == (part.path is None):
        problems.append("url: give either url or path, and only one of them")
    if part.url is not None and split_url(part.url) is None:
        problems.append(f"url: {part.url!r} is not a web address; a file or folder goes in path")
    if part.kind not in KINDS:
        problems.append(f"kind: {part.kind!r} is not a kind; use {' or '.join(KINDS)}")
    for key, given, known in (
        ("policy_areas", part.policy_areas, areas),
        ("regions", part.regions, set(REGIONS)),
        ("themes", part.themes, themes),
    ):
        for slug in given:
            if slug not in known:
                near = difflib.get_close_matches(slug, sorted(known), 1)
                cure = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
                problems.append(f"{key}: {slug!r} is unknown; {cure}")
    return problems


def sources_of(parts: Sequence[SourcePart], home: Path) -> tuple[Source, ...]:
    """Return the sources of parts without mistakes; a path is relative to `home`."""
    return tuple(
        Source(
            part.name,
            part.url,
            str(home / part.path) if part.path is not None else None,
            part.kind,
            tuple(part.policy_areas),
            tuple(part.regions),
            tuple(part.themes),
            part.backfill,
            part.allow_private,
        )
        for part in parts
    )
