"""Choose where an entry of a feed leads: its page, or else what the entry offers in its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from digest.sources.links import absolute_link, without_tracking


def link_of(entry: Any, base: str | None) -> str | None:
    """Return the address that an entry's title leads to, or None.

    It is the entry's page. Without one it is where its whole text is, a recording, or the page about something else
    that the entry is about; never a picture, nor a guid of which the feed says that it is no permalink.
    """
    guid = _text(entry, "id")
    for candidate in _candidates(entry):
        # Take an id for a link only when it is a whole address, because "0" below the base is none.
        link = absolute_link(candidate, None if candidate == guid else base)
        if link:
            return without_tracking(link)
    return None


def older_page(feed: Any, base: str | None) -> str:
    """Return the address of the page with a feed's older entries (RFC 5005), or ""."""
    for rel in ("next", "prev-archive"):
        for each in _parts(feed, "links"):
            if _text(each, "rel").lower() == rel and (link := absolute_link(_text(each, "href"), base)):
                return link
    return ""


def _candidates(entry: Any) -> Iterator[str]:
    yield _text(entry, "feedburner_origlink")
    yield _text(entry, "link")
    yield from _related(entry, "alternate")
    yield from (_text(part, "src") for part in _parts(entry, "content"))
    for offer in _offers(entry):
        if not (_text(offer, "medium") == "image" or _text(offer, "type").startswith("image/")):
            yield _text(offer, "url") or _text(offer, "href")
    if dict.get(entry, "guidislink") is not False:
        yield _text(entry, "id")  # RSS 1.0's rdf:about, and an id of Atom that is an address
    yield _text(entry, "comments")
    yield from _related(entry, "via")
    yield from _related(entry, "related")


def _offers(entry: Any) -> Iterator[Any]:
    """Yield the recordings of an entry: the page that plays it before the file."""
    player = dict.get(entry, "media_player")
    if isinstance(player, dict):
        yield player
    yield from (each for each in _parts(entry, "links") if _text(each, "rel") == "enclosure")
    yield from _parts(entry, "media_content")


def _related(entry: Any, rel: str) -> Iterator[str]:
    return (_text(each, "href") for each in _parts(entry, "links") if (_text(each, "rel") or "alternate") == rel)


def _text(thing: Any, key: str) -> str:
    # Use dict.get, because feedparser's own get answers for an absent key with another key's value.
    value = dict.get(thing, key) if isinstance(thing, dict) else None
    return value if isinstance(value, str) else ""


def _parts(thing: Any, key: str) -> list[Any]:
    value = dict.get(thing, key)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
