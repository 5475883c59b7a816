"""Read and write OPML, the list of feeds that feed readers exchange. Pure: bytes in, values out.

A stranger's file is read with bounds: its size, its depth, no DTD and so no entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from digest.errors import WrongUse
from subscribers.characters import whole_characters
from subscribers.invisible import one_line

MAX_BYTES = 5_000_000
MAX_OUTLINES = 10_000
_MAX_DEPTH = 50
_LONGEST_NAME = 200  # characters
# "feed:" stands before or in the place of the scheme in old lists.
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)|feed://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outline:
    """Hold one feed of a list: its `line` in the file, the folders that it stands in, and its categories."""

    line: int
    name: str
    url: str
    folders: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(slots=True)
class _List:
    """Gathers outlines while the parser goes through a file."""

    feeds: list[Outline] = field(default_factory=list)
    path: list[str] = field(default_factory=list)  # the open outlines; "" for one that is a feed
    is_opml: bool | None = None
    depth: int = 0


def read_opml(body: bytes) -> list[Outline]:
    """Return the feeds of an OPML file in its order, also those in nested outlines.

    Raises WrongUse with the line and the cure for what is no OPML, is too large or deep, or declares a DTD.
    """
    if len(body) > MAX_BYTES:
        raise WrongUse(f"is larger than {MAX_BYTES // 1_000_000} MB, which no list of feeds is; split it")
    parser, listed = expat.ParserCreate(), _List()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def refuse_dtd(*_: object) -> None:
        raise WrongUse(f"line {parser.CurrentLineNumber}: declares a DTD, which is not read; take out <!DOCTYPE …>")

    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.EntityDeclHandler = refuse_dtd
    parser.StartElementHandler = lambda name, given: _begin(listed, parser.CurrentLineNumber, name, given)
    parser.EndElementHandler = lambda name: _end(listed, name)
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code) or "unreadable"
        raise WrongUse(f"line {error.lineno}: is no well-formed XML ({reason}); export the list again") from None
    except (ValueError, LookupError) as error:  # such as an encoding that does not exist
        raise WrongUse(f"cannot be read ({error}); save it in UTF-8") from None
    return listed.feeds


def write_opml(title: str, feeds: Iterable[Outline], now: datetime) -> str:
    """Return an OPML 2.0 document of feeds, in one level."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"<head><title>{escape(one_line(title))}</title><dateCreated>{format_datetime(now)}</dateCreated></head>",
        "<body>",
    ]
    for feed in feeds:
        name, category = quoteattr(one_line(feed.name)), ",".join(feed.categories)
        more = f" category={quoteattr(category)}" if category else ""
        lines.append(f'<outline type="rss" text={name} title={name} xmlUrl={quoteattr(feed.url)}{more}/>')
    return "\n".join([*lines, "</body>", "</opml>", ""])


def _begin(listed: _List, line: int, name: str, given: dict[str, str]) -> None:
    listed.depth += 1
    if listed.depth > _MAX_DEPTH:
        raise WrongUse(f"line {line}: is nested deeper than {_MAX_DEPTH} levels; take folders out")
    if listed.is_opml is None:
        listed.is_opml = name.lower() == "opml"
        if not listed.is_opml:
            raise WrongUse(f"line {line}: is no OPML but <{one_line(name)[:40]}>; export the list of feeds as OPML")
    if name.lower() != "outline":
        return
    values = {key.lower(): value for key, value in given.items()}
    title = whole_characters(one_line(values.get("title") or values.get("text") or ""), _LONGEST_NAME)
    url = values.get("xmlurl") or (values.get("url", "") if values.get("type", "").lower() in ("rss", "atom") else "")
    is_feed = bool(url.strip()) or values.get("type", "").lower() in ("rss", "atom")
    if is_feed:
        if len(listed.feeds) >= MAX_OUTLINES:
            raise WrongUse(f"line {line}: holds more than {MAX_OUTLINES:,} feeds; split it")
        folders = tuple(folder for folder in listed.path if folder)
        listed.feeds.append(Outline(line, title, _web(url), folders, _categories(values.get("category", ""))))
    listed.path.append("" if is_feed else title)


def _end(listed: _List, name: str) -> None:
    listed.depth -= 1
    if name.lower() == "outline":
        listed.path.pop()


def _web(url: str) -> str:
    """Return an address without the scheme "feed", which only says that it is one."""
    text = url.strip()
    match = _FEED_SCHEME.match(text)
    if match is None:
        return text
    rest = text[match.end() :]
    return rest if rest.lower().startswith(("http://", "https://")) else f"https://{rest}"


def _categories(text: str) -> tuple[str, ...]:
    parts: Sequence[str] = [one_line(part).strip("/") for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))
