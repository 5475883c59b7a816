"""Write a feed as Atom (RFC 4287) and as JSON Feed 1.1. Pure: what it holds is inert text and whole addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

_ATOM = "http://www.w3.org/2005/Atom"
_JSON_FEED = "https://jsonfeed.org/version/1.1"
# Characters that XML 1.0 cannot hold in any form.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of a feed in which nothing was sent yet


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An entry of a feed. `page` is its page here and its id; `source` is the address it came from, or None.

    `tags` are (slug, name); `language` is that of title and text.
    """

    page: str
    title: str
    text: str
    author: str
    published: datetime
    updated: datetime
    source: str | None = None
    tags: Sequence[tuple[str, str]] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its title, its page, its own two addresses, who publishes it, and its items, the newest first."""

    title: str
    page: str
    atom: str
    json: str
    publisher: str
    site: str
    language: str
    items: Sequence[FeedItem] = ()

    @property
    def updated(self) -> datetime:
        """Return when anything in the feed last changed."""
        return max((item.updated for item in self.items), default=_NEVER)


def atom_of(feed: Feed) -> bytes:
    """Return a feed as an Atom document."""
    root = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    _add(root, "id", feed.page)
    _add(root, "title", feed.title)
    _add(root, "updated", _instant(feed.updated))
    author = _add(root, "author")
    _add(author, "name", feed.publisher)
    _add(author, "uri", feed.site)
    _add(root, "link", rel="self", type="application/atom+xml", href=feed.atom)
    _add(root, "link", rel="alternate", type="text/html", href=feed.page)
    for item in feed.items:
        _add_item(root, feed, item)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_item(root: ElementTree.Element, feed: Feed, item: FeedItem) -> None:
    entry = _add(root, "entry")
    if item.language and item.language != feed.language:
        entry.set("xml:lang", item.language)
    _add(entry, "id", item.page)
    _add(entry, "title", item.title)
    _add(entry, "updated", _instant(item.updated))
    _add(entry, "published", _instant(item.published))
    _add(_add(entry, "author"), "name", item.author)
    _add(entry, "link", rel="alternate", type="text/html", href=item.page)
    if item.source:
        _add(entry, "link", rel="via", href=item.source)
    for slug, name in item.tags:
        _add(entry, "category", term=slug, label=name)
    _add(entry, "summary", item.text)


def json_of(feed: Feed) -> bytes:
    """Return a feed as a JSON Feed document."""
    document = {
        "version": _JSON_FEED,
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.json,
        "language": feed.language,
        "authors": [{"name": feed.publisher, "url": feed.site}],
        "items": [_json_item(item) for item in feed.items],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _json_item(item: FeedItem) -> dict[str, Any]:
    source = {"external_url": item.source} if item.source else {}
    language = {"language": item.language} if item.language else {}
    return {
        "id": item.page,
        "url": item.page,
        **source,
        "title": item.title,
        "content_text": item.text,
        "date_published": _instant(item.published),
        "date_modified": _instant(item.updated),
        "authors": [{"name": item.author}],
        "tags": [name for _, name in item.tags],
        **language,
    }


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    legal = {key: _ILLEGAL.sub("", value) for key, value in attributes.items()}
    child = ElementTree.SubElement(parent, name, legal)
    if text:
        child.text = _ILLEGAL.sub("", text)
    return child


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
