"""Explain an answer that is no feed: say what came, and where the feed may be. Pure."""

from __future__ import annotations

import re

from digest.sources.formats.tags import tags_of
from digest.sources.links import absolute_link

_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_FEED_ROOT = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_FEED_TYPE = re.compile(r"\s*application/(?:rss\+xml|atom\+xml|feed\+json|rdf\+xml)\b", re.IGNORECASE)
_MAX_LINKS = 500
_MAX_OFFERED = 3


def is_web_page(body: bytes) -> bool:
    """Return whether `body` starts as an HTML page and holds no feed in its first 100 KB."""
    return bool(_PAGE.search(body[:2_000])) and not _FEED_ROOT.search(body[:100_000])


def feeds_named(body: bytes, base_url: str) -> list[str]:
    """Return the addresses of the feeds that a web page names, each once, in its order."""
    text = body[:200_000].decode("utf-8", "replace")
    offered: list[str] = []
    for attributes in tags_of(text, ("link",), _MAX_LINKS):
        if not _FEED_TYPE.match(attributes.get("type", "")):
            continue
        link = absolute_link(attributes.get("href"), base_url or None)
        if link and link not in offered:
            offered.append(link)
    return offered


def reason_for_page(body: bytes, base_url: str) -> str:
    """Return one line that says that a web page came, and which feeds the page names."""
    offered = feeds_named(body, base_url)
    reason = "this is a web page, not a feed; give the address of its feed"
    return f"{reason} (the page names {', '.join(offered[:_MAX_OFFERED])})" if offered else reason


def reason_for_unknown(body: bytes, content_type: str) -> str:
    """Return one line about bytes that are neither RSS, Atom nor JSON Feed."""
    kind = _printable(content_type.partition(";")[0])[:60].strip() or "no content type"
    start = _printable(body[:40].decode("ascii", "replace"))
    return f"this is no feed ({kind}, {len(body)} bytes, starting {start!r}); check the address of the source"


def _printable(text: str) -> str:
    return "".join(char for char in text if " " <= char <= "~")
