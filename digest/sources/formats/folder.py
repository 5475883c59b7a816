"""Read a folder of Markdown files with front matter as a source: one file is one entry."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

from digest.errors import SourceError
from digest.facets.known import KNOWN_REGIONS
from digest.model import KINDS, Sighting, Snapshot
from digest.sources.formats.dates import possible, read_date
from digest.sources.formats.listing import files_below
from digest.sources.formats.pictures import first_picture, picture_of
from digest.sources.formats.tidy import TOO_MANY, labels, language_tag, newest, person, tidy_guid
from digest.sources.links import absolute_link, without_tracking
from digest.sources.sanitise import clean_html, summary_text, title_text

MAX_FILE = 1_000_000
MAX_FILES = 1_000
_FENCE = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"\s*#\s+(.+?)\s*#*\s*(?:\n|\Z)")


def read_folder(path: Path, *, now: datetime) -> Snapshot:
    """Return one sighting for every *.md file below `path`, sorted by path; bad ones are named in `problems`.

    Front matter (all optional): title, date, kind, url or link, place, region(s), policy_areas, themes,
    author, summary, language, image, categories or tags, id, draft. Files whose name starts with "." or
    "_", README.md, drafts, and links that lead out of the folder are passed over.
    """
    if not path.is_dir():
        raise SourceError(f"there is no folder {path}; correct the path of the source")
    sightings: list[Sighting] = []
    problems: list[str] = []
    names = files_below(path, _is_wanted, problems)
    if len(names) > MAX_FILES:
        problems.append(f"{TOO_MANY} {MAX_FILES} of {len(names)} files were read; move the older ones away")
        names = newest(names, [_dated(name, now) for name in names], MAX_FILES)
    first_with: dict[str | None, str] = {}
    for name in names:
        file = name.relative_to(path).as_posix()
        try:
            note = _read(name)
            if note.matter.get("draft") is True:
                continue
            sighting = _sighting(note, file, now, problems)
        except _Unreadable as error:
            problems.append(f"{file}{error}")
            continue
        except Exception as error:  # because one file must not cost the others, whatever its text does
            problems.append(f"{file}: cannot be read ({type(error).__name__}) and was left out; please report it")
            continue
        if sighting.guid in first_with:
            problems.append(f"{file}: has the same id as {first_with[sighting.guid]}; give each its own")
            continue
        first_with[sighting.guid] = file
        sightings.append(sighting)
    return Snapshot(tuple(sightings), title=path.name, problems=tuple(problems))


class _Unreadable(Exception):
    """Say why a file cannot be used: ":line: the fault; the cure"."""


@dataclass(frozen=True, slots=True)
class _Note:
    matter: dict[str, Any]
    body: str


def _is_wanted(parts: tuple[str, ...]) -> bool:
    """Return whether a relative path names a Markdown file that is meant to be read."""
    if any(part.startswith((".", "_")) for part in parts) or parts[-1].lower() == "readme.md":
        return False
    return parts[-1].endswith(".md")


def _dated(name: Path, now: datetime) -> datetime | None:
    """Return the date of a file's front matter, else the time when the file was last changed."""
    with suppress(Exception):  # because it is read again, and its fault told, where it is among the newest
        if date := _date(_read(name).matter, "", now, []):
            return date
    with suppress(OSError):
        return datetime.fromtimestamp(name.stat().st_mtime, UTC)
    return None


def _read(name: Path) -> _Note:
    try:
        with name.open("rb") as stream:
            raw = stream.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            raise _Unreadable(f": is longer than {MAX_FILE / 1_000_000:g} MB; shorten it")
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _Unreadable(f":{line}: is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise _Unreadable(f": cannot be read ({error.strerror}); check its permissions") from None
    fence = _FENCE.match(text)
    if fence is None:
        if text.startswith("---"):
            raise _Unreadable(":1: the front matter has no closing '---'; add it on a line of its own")
        return _Note({}, text)
    return _Note(_matter(fence[1]), text[fence.end() :])


def _matter(text: str) -> dict[str, Any]:
    try:
        matter = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 2 if mark else 1  # the front matter starts on the file's second line
        raise _Unreadable(f":{line}: the front matter is no YAML ({error.problem}); correct it") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        raise _Unreadable(f":1: the front matter cannot be read ({str(error)[:80]}); correct it") from None
    if matter is None:
        return {}
    if not isinstance(matter, dict):
        raise _Unreadable(":1: the front matter is not a list of 'name: value' lines; correct it")
    return matter


def _sighting(note: _Note, file: str, now: datetime, problems: list[str]) -> Sighting:
    matter, body = note.matter, note.body
    title = title_text(_text(matter, "title"))
    heading = _HEADING.match(body)
    if not title and heading:
        title, body = title_text(heading[1]), body[heading.end() :]
    link = absolute_link(_text(matter, "url") or _text(matter, "link"), None)
    html = clean_html(_markdown().render(body), link)
    stem = file.rpartition("/")[2].removesuffix(".md")
    return Sighting(
        guid=tidy_guid(_text(matter, "id")) or file,
        link=without_tracking(link) if link else None,
        title=title or title_text(re.sub(r"[-_]+", " ", stem)).capitalize(),
        published=_date(matter, file, now, problems),
        summary=title_text(_text(matter, "summary")) or summary_text(html),
        html=html,
        author=person(_text(matter, "author")),
        categories=labels(_list(matter, "categories") + _list(matter, "tags")),
        language=language_tag(_text(matter, "language")),
        image=picture_of(_text(matter, "image"), link) or first_picture(_markdown().render(body), link),
        kind=_kind(matter, file, problems),
        place=title_text(_text(matter, "place"), 100),
        policy_areas=tuple(_slug(value) for value in _list(matter, "policy_areas")),
        regions=_regions(matter, file, problems),
        themes=tuple(_slug(value) for value in _list(matter, "themes")),
    )


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _date(matter: dict[str, Any], file: str, now: datetime, problems: list[str]) -> datetime | None:
    value = matter.get("date")
    if value is None:
        return None
    moment = possible(value, now) if isinstance(value, date) else read_date(str(value), now)
    if moment is None:
        problem = f"the date {str(value)[:40]!r} is unreadable, before 1990 or days ahead"
        problems.append(f"{file}: {problem}; write it as 2026-01-31")
    return moment


def _kind(matter: dict[str, Any], file: str, problems: list[str]) -> str | None:
    kind = _slug(_text(matter, "kind"))
    if kind and kind not in KINDS:
        problems.append(f"{file}: the kind {kind[:40]!r} is unknown; write one of {', '.join(KINDS)}")
        return None
    return kind or None


def _regions(matter: dict[str, Any], file: str, problems: list[str]) -> tuple[str, ...]:
    slugs, unknown = KNOWN_REGIONS.read("regions", _list(matter, "regions") + _list(matter, "region"))
    problems += [f"{file}: {problem}" for problem in unknown]
    return slugs


def _text(matter: dict[str, Any], key: str) -> str:
    value = matter.get(key)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, date)):
        return ""
    return str(value)


def _list(matter: dict[str, Any], key: str) -> list[str]:
    value = matter.get(key)
    if isinstance(value, str):
        value = re.split(r"[;,]", value)
    return (
        [part.strip() for part in value if isinstance(part, str) and part.strip()] if isinstance(value, list) else []
    )


def _slug(text: str) -> str:
    return re.sub(r"[\s_]+", "-", text.strip().lower())
