"""Name the feeds of a page: their addresses, and the media types by which a feed reader knows them."""

from __future__ import annotations

from typing import NamedTuple

from digest.web.archive.page import ArchiveVisit

ATOM, JSON = "application/atom+xml", "application/feed+json"


class FeedLink(NamedTuple):
    """Hold the link to a feed: its media type, its address, and what people call its form."""

    media_type: str
    address: str
    name: str


def feed_links(asked: ArchiveVisit, path: str, **fields: object) -> list[FeedLink]:
    """Return the links to the feeds of the page with this path, as whole addresses to paste into a feed reader."""
    return [
        FeedLink(ATOM, asked.public_address(f"{path}/feed.atom", **fields), "Atom"),
        FeedLink(JSON, asked.public_address(f"{path}/feed.json", **fields), "JSON Feed"),
    ]
