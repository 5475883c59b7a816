"""Parse RSS and Atom into sightings, and choose the parser by what the bytes are. Pure: bytes in, values out.

The only home of feedparser. Run it through digest.sources.sandbox.child, because a hostile feed can cost time and
memory here.
"""

from __future__ import annotations

import collections
import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import feedparser

from digest.errors import SourceError, counted
from digest.model import Image, Sighting, Snapshot
from digest.sources.formats import notfeed
from digest.sources.formats.charset import escape_ampersands, mend_references, to_utf8, without_nested_entities
from digest.sources.formats.dates import entry_date, instant, is_ahead
from digest.sources.formats.elements import part_in, parts_in, text_in
from digest.sources.formats.entry_link import link_of, older_page
from digest.sources.formats.first_line import text_state
from digest.sources.formats.jsonfeed import parse_json_feed
from digest.sources.formats.loose_json import json_begins
from digest.sources.formats.pictures import first_picture, picture_of
from digest.sources.formats.publisher import publisher_of
from digest.sources.formats.tidy import CUT_OFF, distinct, labels, language_tag, person, read_each, tidy_guid
from digest.sources.formats.tombstones import tombstones
from digest.sources.formats.unreleased import feed_limits, feed_marks
from digest.sources.links import absolute_link
from digest.sources.placeholders import is_account, without_placeholder
from digest.sources.post import Post
from digest.sources.sanitise import MAX_HTML, escaped_once, text_as_html, title_text
from digest.sources.site_lines import without_site
from digest.sources.tails import Frame

_SMALL = 300  # CSS pixels that a picture of the letter should have at least
_ROOT_END = re.compile(rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.I)
_ENTRY_EDGE = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)(?:\s[^<>]*)?>", re.I)


def parse_feed(body: bytes, *, content_type: str, base_url: str, now: datetime) -> Snapshot:
    """Return the entries of RSS 0.9x-2.0, RSS 1.0, Atom or JSON Feed, in the order of the source.

    `base_url` is where the bytes came from ("" if from a file). At most 1,000 entries; a malformed feed
    gives what can be read, with `problems` saying what was mended. Raises SourceError, and nothing else.
    """
    try:
        return _parse(body, content_type, base_url, now)
    except SourceError:
        raise
    except MemoryError as error:
        raise SourceError(
            "needs more memory to read than it may have; ask its publisher for a shorter feed"
        ) from error
    except Exception as error:
        # Catch every error, because feedparser raises UnicodeError, ValueError, RecursionError … for bad feeds.
        raise SourceError(
            f"the feed cannot be read ({type(error).__name__}: {title_text(str(error), 100)}); tell its publisher"
        ) from error


def _parse(body: bytes, content_type: str, base_url: str, now: datetime) -> Snapshot:
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if not body.strip():
        raise SourceError("the answer is empty; nothing is lost, the source is asked again next time")
    if json_begins(body) or (start.startswith(b"[") and "json" in content_type.lower()):
        return parse_json_feed(body, content_type=content_type, base_url=base_url, now=now)
    if notfeed.is_web_page(body):
        raise SourceError(notfeed.reason_for_page(body, base_url))
    mended, problems = _mended(body, content_type)
    # Name an XML type always, because feedparser calls any other a fault of the feed. Name no content-location,
    # because feedparser would turn ids into addresses below it.
    read = feedparser.parse(
        io.BytesIO(mended),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    entries = list(read.entries)
    if not entries and not read.get("version"):
        raise SourceError(notfeed.reason_for_unknown(body, content_type))
    if read.bozo:
        problems.append(
            f"the feed is malformed ({title_text(str(read.get('bozo_exception')), 100)}); what could be read was"
        )
        if entries and _ends_in_an_entry(mended):
            entries.pop()
            problems.append(CUT_OFF)
    feed = read.feed
    base = base_url or absolute_link(text_in(feed, "link"), None)
    language = language_tag(text_in(feed, "language"))
    kept, remarks = distinct(entries, _identity, lambda entry: _published(entry, now))
    graves = tombstones(mended)
    alive = [entry for entry in kept if not _is_deleted(entry, graves)]
    context = _Context(_base(read, base_url), language, title_text(text_in(feed, "title")), now)
    sightings = read_each(
        alive,
        lambda entry: replace(_sighting(entry, context), publisher=publisher_of(entry, feed, base)),
        remarks,
    )
    again = {sighting.guid for sighting in sightings}
    deleted = tuple(guid for ref in graves if (guid := tidy_guid(ref)) and guid not in again)
    problems_told = tuple(problems + remarks)
    return Snapshot(sightings, context.site, language, problems_told, deleted, older=older_page(feed, base))


def _mended(body: bytes, content_type: str) -> tuple[bytes, list[str]]:
    """Return the body as UTF-8 without what feedparser would misread, and the problems to tell."""
    text, bare = escape_ampersands(without_nested_entities(mend_references(to_utf8(body, content_type))))
    problem = (
        f"the feed is malformed (an & that is not written as &amp;, {counted(bare, 'time')}); what could be read was"
    )
    return text, [problem] if bare else []


def _base(read: Any, base_url: str) -> str | None:
    """Return the address that the links of entries are relative to.

    In RSS it is the site's where that is another host than the feed's, as behind FeedBurner; Atom has xml:base.
    """
    site = absolute_link(text_in(read.feed, "link"), base_url or None)
    host = urlsplit(site or "").hostname or ""
    is_away = host.removeprefix("www.") != (urlsplit(base_url).hostname or "").removeprefix("www.")
    is_public = host.rpartition(".")[2].isalpha() and "." in host
    return site if not base_url or (is_away and is_public and read.get("version", "").startswith("rss")) else base_url


@dataclass(frozen=True, slots=True)
class _Context:
    """Hold what every entry of a feed is read with: the feed's base, language and title, and the instant."""

    base: str | None
    language: str | None
    site: str
    now: datetime


def _is_deleted(entry: Any, graves: dict[str, datetime | None]) -> bool:
    """Return whether an entry is older than its tombstone, which then counts; a newer entry was put back."""
    at = graves.get(text_in(entry, "id"))
    dates = [instant(text_in(entry, name)) for name in ("updated", "published")]
    newest = max((moment for moment in dates if moment), default=None)
    return at is not None and newest is not None and newest <= at


def _ends_in_an_entry(body: bytes) -> bool:
    """Return whether the bytes stop inside an entry; to store its id now would lose the whole post later."""
    if _ROOT_END.search(body[-2_000:]):
        return False
    edges = collections.deque(_ENTRY_EDGE.finditer(body), maxlen=1)
    return bool(edges) and not edges[0][1] and not edges[0][0].endswith(b"/>")


def _identity(entry: Any) -> tuple[str, ...]:
    texts = [text_in(part, "value") for part in parts_in(entry, "content")]
    return (*(text_in(entry, key) for key in ("id", "link", "title", "summary")), *texts)


def _sighting(entry: Any, context: _Context) -> Sighting:
    base, now = context.base, context.now
    link = link_of(entry, base)
    raw, own_base, own_language = _body(entry)
    text_base = absolute_link(own_base, base) or base or link
    summary, _, _ = _markup(dict.get(entry, "summary_detail"))
    categories = [text_in(tag, "label") or text_in(tag, "term") for tag in parts_in(entry, "tags")]
    published, title = _published(entry, now), _title(entry, context.site)
    author = without_placeholder(_author(entry))
    starts, ends = feed_limits(entry)
    frame = Frame(title, author, published, link, context.site)
    post = Post(raw, text_base, frame)
    shown = Post(summary, text_base, frame).summary() if summary.strip() and summary != raw else ""
    text = post.html
    state, until = text_state(title, text, UTC)
    waits = [at for at in (published, *starts) if at and is_ahead(at, now)]
    waits += [until] if until and until > now else []
    return Sighting(
        guid=tidy_guid(text_in(entry, "id")),
        link=link,
        title=without_placeholder(title),
        published=published,
        summary=shown or post.summary(),
        html=text,
        author="" if is_account(author) else author,
        categories=labels(categories),
        language=language_tag(own_language) or language_tag(text_in(entry, "language")) or context.language,
        image=_image(entry, base) or first_picture(escaped_once(raw[:MAX_HTML]), text_base),
        unreleased=feed_marks(entry) or state,
        not_before=max(waits, default=None),
        not_after=min(ends, default=None),
    )


def _title(entry: Any, site: str) -> str:
    kind = text_in(dict.get(entry, "title_detail"), "type")
    return without_site(title_text(text_in(entry, "title"), is_text=kind == "text/plain"), site)


def _body(entry: Any) -> tuple[str, str, str]:
    """Return (HTML, its base, its language) of the fullest text: content before summary."""
    texts = [_markup(part) for part in parts_in(entry, "content")]
    texts = [text for text in texts if text[0].strip()]
    if texts:
        return max(texts, key=lambda text: len(text[0]))
    return _markup(dict.get(entry, "summary_detail"))


def _markup(detail: Any) -> tuple[str, str, str]:
    if not detail:
        return "", "", ""
    value, kind = text_in(detail, "value"), text_in(detail, "type") or "text/html"
    if kind == "text/plain":
        value = text_as_html(value)
    elif not kind.startswith("text/") and not kind.endswith("xml"):
        value = ""  # an image or sound in base64
    return value, text_in(detail, "base"), text_in(detail, "language")


def _published(entry: Any, now: datetime) -> datetime | None:
    """Return the date of an entry, of the element that says when it was published before those that say other times.

    feedparser puts RSS's pubDate, dcterms:issued and Atom's published into "published", dc:date and Atom's updated
    into "updated", and keeps the last of several elements. Its own reading of a date ("published_parsed") is used for
    nothing: it takes missing parts from today, drops zones that have a name, and makes 2 March of 30 February.
    """
    return entry_date([text_in(entry, name) for name in ("published", "created", "updated")], now)


def _author(entry: Any) -> str:
    named = parts_in(entry, "authors")
    if len(named) < 2 and (whole := text_in(entry, "author")):
        return person(whole)  # because feedparser cuts "jane@council.wales" in two
    people = [person(text_in(each, "name")) for each in named]
    return ", ".join(dict.fromkeys(name for name in people[:5] if name)) or person(text_in(entry, "author"))


def _image(entry: Any, base: str | None) -> Image | None:
    offers = parts_in(entry, "media_thumbnail")
    offers += [each for each in parts_in(entry, "media_content") if _is_image(each)]
    offers += [each for each in parts_in(entry, "links") if text_in(each, "rel") == "enclosure" and _is_image(each)]
    offers += [part for part in [part_in(entry, "image")] if part]
    images = []
    for offer in offers[:10]:
        source = text_in(offer, "url") or text_in(offer, "href")
        image = picture_of(source, base, width=dict.get(offer, "width"), height=dict.get(offer, "height"))
        if image:
            images.append(image)
    # The first, unless it is small and another is larger.
    large = (image for image in images if image.width is None or image.width >= _SMALL)
    return next(large, None) or max(images, key=lambda image: image.width or 0, default=None)


def _is_image(offer: Any) -> bool:
    return text_in(offer, "medium") == "image" or text_in(offer, "type").startswith("image/")
