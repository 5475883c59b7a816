"""Choose where an entry of a feed leads: its page, or else what the entry offers in its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from digest.sources.formats.elements import parts_in, text_in
from digest.sources.links import absolute_link, without_tracking, written_link


def link_of(entry: Any, base: str | None) -> str | None:
    """Return the address that an entry's title leads to, or None.

    It is the entry's page. Without one it is where its whole text is, a recording, or the page about something else
    that the entry is about; never a picture, nor a guid of which the feed says that it is no permalink.
    """
    guid = text_in(entry, "id")
    for candidate in _candidates(entry):
        # Take an id for a link only when it is a whole address, because "0" below the base is none.
        link = written_link(candidate, None if candidate == guid else base)
        if link:
            return without_tracking(link)
    return None


def older_page(feed: Any, base: str | None) -> str:
    """Return the address of the page with a feed's older entries (RFC 5005), or ""."""
    for rel in ("next", "prev-archive"):
        for each in parts_in(feed, "links"):
            if text_in(each, "rel").lower() == rel and (link := absolute_link(text_in(each, "href"), base)):
                return link
    return ""


def _candidates(entry: Any) -> Iterator[str]:
    yield text_in(entry, "feedburner_origlink")
    yield text_in(entry, "link")
    yield from _related(entry, "alternate")
    yield from (text_in(part, "src") for part in parts_in(entry, "content"))
    for offer in _offers(entry):
        if not (text_in(offer, "medium") == "image" or text_in(offer, "type").startswith("image/")):
            yield text_in(offer, "url") or text_in(offer, "href")
    if dict.get(entry, "guidislink") is not False:
        yield text_in(entry, "id")  # RSS 1.0's rdf:about, and an id of Atom that is an address
    yield text_in(entry, "comments")
    yield from _related(entry, "via")
    yield from _related(entry, "related")


def _offers(entry: Any) -> Iterator[Any]:
    """Yield the recordings of an entry: the page that plays it before the file."""
    player = dict.get(entry, "media_player")
    if isinstance(player, dict):
        yield player
    yield from (each for each in parts_in(entry, "links") if text_in(each, "rel") == "enclosure")
    yield from parts_in(entry, "media_content")


def _related(entry: Any, rel: str) -> Iterator[str]:
    return (
        text_in(each, "href") for each in parts_in(entry, "links") if (text_in(each, "rel") or "alternate") == rel
    )
