"""Read a folder of Markdown files with front matter as a source: one file is one entry."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import Any

from digest.errors import SourceError
from digest.facets.known import KNOWN_REGIONS
from digest.learning.given import NotKnown, from_matter
from digest.model import KINDS, Ingredient, Sighting, Snapshot
from digest.sources.formats.dates import instant
from digest.sources.formats.first_line import text_state
from digest.sources.formats.front_matter import Note, Unreadable, split_note
from digest.sources.formats.listing import files_below, open_file, shown
from digest.sources.formats.note_text import render_note
from digest.sources.formats.pictures import first_picture, picture_of
from digest.sources.formats.state_words import plain_key
from digest.sources.formats.tidy import TOO_MANY, labels, language_tag, newest, person, tidy_guid
from digest.sources.formats.title_state import name_state
from digest.sources.formats.unreleased import marks_of
from digest.sources.links import absolute_link, without_tracking
from digest.sources.placeholders import without_placeholder
from digest.sources.post import Post
from digest.sources.sanitise import MAX_HTML, title_text
from digest.sources.tails import Frame
from subscribers.facets import KnownFacets
from subscribers.invisible import one_line

MAX_FILE = 1_000_000
MAX_FILES = 1_000
MAX_LINE = 500  # characters of a problem
_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdwn")
# Texts that are not read, and are named, because their author may take them for published here.
_OTHER_TEXTS = frozenset(
    (".mdx", ".rmd", ".qmd", ".txt", ".text", ".htm", ".html", ".rst", ".adoc", ".asciidoc", ".org", ".textile",
     ".doc", ".docx", ".odt", ".rtf")
)  # fmt: skip
_ABOUT = frozenset(("readme", "license", "licence", "robots", "humans", "requirements", "_index"))
_INGREDIENTS = ("ingredients", "ingredientsby")
_HEADING = re.compile(r"\s*#\s+(.+?)\s*#*\s*(?:\n|\Z)")


def read_folder(path: Path, *, now: datetime, zone: tzinfo = UTC, facets: KnownFacets = KNOWN_REGIONS) -> Snapshot:
    """Return one sighting for every Markdown file below `path`, by path, drafts last; bad ones are in `problems`.

    Front matter in YAML, TOML, JSON or plain lines (all optional): title, date, kind, url or link, place,
    region(s), policy_areas, themes, ingredients (signed: ingredients_by), author, summary, language, image,
    categories or tags, id, and the marks of `formats.unreleased`; a text whose date is ahead waits for it. A time
    without a zone is one of `zone`. A file that is a draft by its title, its name or its folder is marked so. Files
    and folders whose name starts with ".", folders that start with "_" and hold no drafts, README.md, and links
    that lead out of the folder are passed over. `facets` has the regions that a file may declare.
    """
    if not path.is_dir():
        raise SourceError(f"there is no folder {path}; correct the path of the source")
    sightings: list[Sighting] = []
    problems: list[str] = []
    unread: list[str] = []
    names = files_below(path, lambda parts: _is_wanted(parts, unread), problems)
    if unread:
        cure = "is not read; save it as Markdown with the ending .md, or move it away"
        problems.append(f"{shown(Path(min(unread)))}: {cure}" + (f" ({len(unread)} such)" if unread[1:] else ""))
    # Drafts come last, because an id that a draft shares belongs to the text that is released.
    names.sort(key=lambda name: name_state(name.relative_to(path).parts) != "")
    whole = len(names) <= MAX_FILES
    if not whole:
        problems.append(f"{TOO_MANY} {MAX_FILES} of {len(names)} files were read; move the older ones away")
        names = newest(names, [_dated(name, _Moment(now, zone, facets)) for name in names], MAX_FILES)
    first_with: dict[str | None, str] = {}
    for name in names:
        file = name.relative_to(path).as_posix()
        try:
            sighting = _sighting(_read(name), file, _Moment(now, zone, facets), problems)
        except Unreadable as error:
            problems.append(f"{file}{error}")
            continue
        except Exception as error:  # because one file must not cost the others, whatever its text does
            problems.append(f"{file}: cannot be read ({type(error).__name__}) and was left out; please report it")
            continue
        if sighting.guid in first_with:
            if not name_state(PurePosixPath(file).parts):
                problems.append(f"{file}: has the same id as {first_with[sighting.guid]}; give each its own")
            continue
        first_with[sighting.guid] = file
        sightings.append(sighting)
    # A name or a value may hold line ends, controls and halves of characters.
    told = tuple(one_line(problem)[:MAX_LINE].encode("utf-8", "replace").decode() for problem in problems)
    return Snapshot(tuple(sightings), title=path.name, problems=told, whole=whole)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Hold the instant of a reading, the zone of times that name none, and the facets whose regions are known."""

    now: datetime
    zone: tzinfo
    facets: KnownFacets


def _is_wanted(parts: tuple[str, ...], unread: list[str]) -> bool:
    """Return whether a relative path names a Markdown file that is meant to be read; add other texts to `unread`."""
    name = PurePosixPath(parts[-1])
    other = any(part.startswith(".") or (part.startswith("_") and not name_state((part, ""))) for part in parts[:-1])
    if other or name.name.startswith(".") or name.stem.lower() in _ABOUT:
        return False
    if name.suffix.lower() in _OTHER_TEXTS and not name_state(parts):
        unread.append("/".join(parts))
    return name.suffix.lower() in _SUFFIXES


def _dated(name: Path, moment: _Moment) -> datetime | None:
    """Return the date of a file's front matter, else the time when the file was last changed."""
    with suppress(Exception):  # because it is read again, and its fault told, where it is among the newest
        if date := _date(_read(name).matter, "", moment.zone, []):
            return date
    with suppress(OSError):
        return datetime.fromtimestamp(name.stat().st_mtime, UTC)
    return None


def _read(name: Path) -> Note:
    try:
        with open_file(name) as stream:
            raw = stream.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            raise Unreadable(f": is longer than {MAX_FILE / 1_000_000:g} MB; shorten it")
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(f":{line}: is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise Unreadable(f": cannot be read ({error.strerror}); check its permissions") from None
    return split_note(text)


def _sighting(note: Note, file: str, moment: _Moment, problems: list[str]) -> Sighting:
    matter, body = {plain_key(name): value for name, value in note.matter.items()}, note.body
    # Without the ingredients, because these are sentences and names, in which a word such as "draft" is no mark.
    own = {name: value for name, value in note.matter.items() if plain_key(name) not in _INGREDIENTS}
    marks = marks_of(own, moment.now, moment.zone)
    problems += [f"{file}: {problem}" for problem in marks.problems]
    published = _date(matter, file, moment.zone, problems)
    title = without_placeholder(title_text(_text(matter, "title")))
    heading = _HEADING.match(body)
    if not title and heading:
        title, body = title_text(heading[1]), body[heading.end() :]
    state, until = text_state(title, body, moment.zone)
    states = (marks.unreleased, state, name_state(PurePosixPath(file).parts))
    starts = [at for at in (published, marks.not_before, until) if at is not None and at > moment.now]
    link = absolute_link(_text(matter, "url") or _text(matter, "link"), None)
    # Cut before it is rendered: `Post` keeps the first part only, and some texts take a minute for a megabyte.
    rendered = render_note(body[: 2 * MAX_HTML])
    author = person(_text(matter, "author"))
    post = Post(rendered, link, Frame(title, author, published, link))
    stem = PurePosixPath(file).stem
    return Sighting(
        guid=tidy_guid(_text(matter, "id")) or file,
        link=without_tracking(link) if link else None,
        title=title or title_text(re.sub(r"[-_]+", " ", stem)).capitalize(),
        published=published,
        summary=without_placeholder(title_text(_text(matter, "summary"))) or post.summary(),
        html=post.html,
        author=author,
        categories=labels(_list(matter, "categories") + _list(matter, "tags")),
        language=language_tag(_text(matter, "language")),
        image=picture_of(_text(matter, "image"), link) or first_picture(rendered, link),
        kind=_kind(matter, file, problems),
        place=title_text(_text(matter, "place"), 100),
        policy_areas=tuple(_slug(value) for value in _list(matter, "policy_areas")),
        regions=_regions(matter, file, moment.facets, problems),
        themes=tuple(_slug(value) for value in _list(matter, "themes")),
        ingredients=_ingredients(matter, file, problems),
        unreleased=one_line(next(filter(None, states), "")),
        not_before=max(starts, default=None),
        not_after=marks.not_after,
    )


def _date(matter: dict[str, Any], file: str, zone: tzinfo, problems: list[str]) -> datetime | None:
    value = matter.get("date")
    if value is None:
        return None
    text = str(value) if isinstance(value, (str, int, float, date)) else "a list"
    moment = instant(value if isinstance(value, date) else text, zone)
    if moment is None:
        problem = f"the date {text[:40]!r} is unreadable or before 1990"
        problems.append(f"{file}: {problem}; write it as 2026-01-31")
    return moment


def _kind(matter: dict[str, Any], file: str, problems: list[str]) -> str | None:
    kind = _slug(_text(matter, "kind"))
    if kind and kind not in KINDS:
        problems.append(f"{file}: the kind {kind[:40]!r} is unknown; write one of {', '.join(KINDS)}")
        return None
    return kind or None


def _regions(matter: dict[str, Any], file: str, facets: KnownFacets, problems: list[str]) -> tuple[str, ...]:
    slugs, unknown = facets.read("regions", _list(matter, "regions") + _list(matter, "region"))
    problems += [f"{file}: {problem}" for problem in unknown]
    return slugs


def _ingredients(matter: dict[str, Any], file: str, problems: list[str]) -> tuple[Ingredient, ...]:
    if "ingredients" not in matter:
        return ()
    try:
        return from_matter(matter["ingredients"], matter.get("ingredientsby"))
    except NotKnown as error:
        problems.append(f"{file}: {error}; none of its given ingredients is taken")
        return ()


def _text(matter: dict[str, Any], key: str) -> str:
    value = matter.get(plain_key(key))
    if isinstance(value, bool) or not isinstance(value, (str, int, float, date)):
        return ""
    return str(value)


def _list(matter: dict[str, Any], key: str) -> list[str]:
    value = matter.get(plain_key(key))
    if isinstance(value, str):
        value = re.split(r"[;,]", value)
    return (
        [part.strip() for part in value if isinstance(part, str) and part.strip()] if isinstance(value, list) else []
    )


def _slug(text: str) -> str:
    return re.sub(r"[\s_]+", "-", title_text(text).lower())
