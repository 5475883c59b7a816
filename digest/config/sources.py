"""Read [[source]] of config.toml: feeds and folders, their facets, and how much of their past readers get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest.config import spans
from digest.config.site import split_url
from digest.errors import without_secrets
from digest.model import KINDS, Backfill, Source
from subscribers.facets import KnownFacets


def _backfill(value: object) -> object:
    """Read a count such as 20 or a span such as "60 days"."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Backfill(count=value)
    if isinstance(value, str) and spans.FORM.match(value):
        return Backfill(span=spans.read_span(value))
    raise ValueError('write a count like 20 or a span like "60 days"')


class SourcePart(BaseModel):
    """[[source]]: a feed at `url`, or a feed's file or a folder at `path`."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    name: str = Field(min_length=1, max_length=200, description="Its name in letters; each source has its own.")
    url: str | None = Field(default=None, description="The address of a feed: RSS, Atom, RDF or JSON Feed.")
    path: str | None = Field(
        default=None, description="A feed's file, or a folder of Markdown files with front matter. Not beside `url`."
    )
    kind: str = Field(
        default="post",
        description="`post` or `case-study`: what its entries are, where they do not say it themselves.",
    )
    policy_areas: list[str] = Field(default=[], description="Slugs of policy areas that all its entries are about.")
    regions: list[str] = Field(default=[], description="Slugs of regions for entries that name no place.")
    themes: list[str] = Field(default=[], description="Slugs of themes that all its entries are about.")
    backfill: Annotated[Backfill, BeforeValidator(_backfill)] = Field(
        default=Backfill(),
        description="How much of its first sight readers get all the same: the newest so many entries, or all "
        "younger than a span.",
    )
    allow_private: bool = Field(
        default=False,
        description="Whether `url` may lead to a private address, such as a server in your own network. "
        "Its host and port alone are allowed, not where it redirects.",
    )
    username: str = Field(
        default="",
        description="The user name for a feed that wants one (HTTP Basic). It is given to the host and port of `url`"
        " alone, over https, or over http to a private address. Pages that entries link to are asked without it.",
    )
    password_file: str | None = Field(
        default=None, description="The file that holds the password of `username`; readable by this account alone."
    )
    full_text: Literal["none", "case-studies", "all"] | None = Field(
        default=None,
        description="Of which new entries the page that they link to is read, for their facets. Without it"
        " `case-studies` for a source with `url`, `none` for one with `path`. Files in a folder are whole texts.",
    )
    public: bool = Field(
        default=True,
        description="Whether the public archive shows its entries. Those that are sent while it does not are never"
        " shown there, also when this is changed later.",
    )


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Hold the sources of one file, in its order; `name` is the file's, as messages name it."""

    name: str
    parts: Sequence[SourcePart]


def check_sources(files: Sequence[SourceFile], facets: KnownFacets, home: Path) -> tuple[list[str], list[str]]:
    """Return a line for each mistake in the sources of config.toml, the first of `files`, and of the included ones.

    A line on an included file begins with its name. `facets` are those that config.toml defines; a password's file is
    relative to `home`.
    """
    own: list[str] = []
    elsewhere: list[str] = []
    taken: dict[str, str] = {}  # the file that has the name
    for file in files:
        problems = []
        for number, part in enumerate(file.parts):
            key = f"source.{number} ({part.name})"
            if part.name in taken:
                other = "an earlier source" if taken[part.name] == file.name else f"a source of {taken[part.name]}"
                problems.append(f"{key}: the name is taken by {other}; give each its own")
            taken.setdefault(part.name, file.name)
            problems += [f"{key}.{problem}" for problem in [*_check(part, facets), *_check_login(part, home)]]
        if file is files[0]:
            own = problems
        else:
            elsewhere += [f"{file.name}: {problem}" for problem in problems]
    return own, elsewhere


def _check(part: SourcePart, facets: KnownFacets) -> list[str]:
    problems = []
    if (part.url is None) == (part.path is None):
        problems.append("url: give either url or path, and only one of them")
    if part.url is not None and split_url(part.url) is None:
        problems.append(f"url: {without_secrets(part.url)!r} is not a web address; a file or folder goes in path")
    if part.kind not in KINDS:
        problems.append(f"kind: {part.kind!r} is not a kind; use {' or '.join(KINDS)}")
    for facet in ("policy_areas", "regions", "themes"):
        problems += [f"{facet}: {problem}" for problem in facets.read(facet, getattr(part, facet))[1]]
    return problems


def _check_login(part: SourcePart, home: Path) -> list[str]:
    """Return a line for each mistake in the user name and password of a source; none repeats them."""
    if not part.username and not part.password_file:
        return []
    if not part.username:
        return ["password_file: stands without username; give both or none"]
    if not part.password_file:
        return ["username: stands without password_file; put the password alone into a file and name it there"]
    url = split_url(part.url or "")
    if url is None:
        return ["username: is for a url only; a file or folder is read without"]
    if ":" in part.username or not part.username.isprintable():
        return ["username: has a colon or a sign that cannot be seen, which no user name may have; correct it"]
    if url.scheme == "http" and not part.allow_private:
        return ["username: the password would go over the internet in the clear; write https:// in url"]
    file = home / part.password_file
    try:
        is_empty = not file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        return [f"password_file: {file}: {getattr(error, 'strerror', None) or 'is no text'}; correct it"]
    return [f"password_file: {file} is empty; put the password into it"] if is_empty else []


def sources_of(files: Sequence[SourceFile], home: Path, facets: KnownFacets) -> tuple[Source, ...]:
    """Return the sources of files without mistakes, in their order; a path is relative to `home`."""
    return tuple(_source(part, file.name, home, facets) for file in files for part in file.parts)


def _source(part: SourcePart, named_in: str, home: Path, facets: KnownFacets) -> Source:
    return Source(
        part.name,
        part.url,
        str(home / part.path) if part.path is not None else None,
        part.kind,
        facets.read("policy_areas", part.policy_areas)[0],
        facets.read("regions", part.regions)[0],
        facets.read("themes", part.themes)[0],
        part.backfill,
        part.allow_private,
        part.full_text or ("none" if part.url is None else "case-studies"),
        named_in,
        part.public,
        part.username,
        str(home / part.password_file) if part.password_file else "",
    )
