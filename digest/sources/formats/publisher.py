"""Read which blog or body an entry comes from, where a feed gathers those of many (a planet). Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from digest.sources.formats.elements import part_in, parts_in, text_in
from digest.sources.links import absolute_link
from digest.sources.sameness import plain_words
from digest.sources.sanitise import title_text

LONGEST = 120  # characters


def publisher_of(entry: Any, feed: Any, base: str | None) -> str:
    """Return the name of an entry's own feed (Atom and RSS `source`), or else of its publisher (Dublin Core).

    "" for a feed that names itself, by its name, id or address, and for a name that is an address.
    """
    source = part_in(entry, "source")
    if source and not _is_itself(source, feed, base):
        name = _tidy(text_in(source, "title"))
        if name and not is_within(name, title_text(text_in(feed, "title"))):
            return name
    elif source:
        return ""
    name = _tidy(text_in(entry, "publisher"))
    own = [title_text(text_in(feed, each)) for each in ("title", "publisher")]
    return "" if any(is_within(name, each) for each in own) else name


def is_within(name: str, other: str) -> bool:
    """Return whether all words of a name stand in another one: "Fife Council" in "News of Fife Council"."""
    return set(plain_words(name)) <= set(plain_words(other))


def _is_itself(source: Any, feed: Any, base: str | None) -> bool:
    """Return whether the source of an entry is the feed that shows it."""
    ids = {text_in(source, "id"), text_in(source, "guid")} - {""}
    if ids & {text_in(feed, "id"), text_in(feed, "guid")}:
        return True
    return not _keys(_addresses(source), base).isdisjoint(_keys([base or "", *_addresses(feed)], base))


def _keys(addresses: list[str], base: str | None) -> set[tuple[str, str, str]]:
    """Return addresses as they are compared: without scheme, "www." and a slash at the end."""
    parts = [urlsplit(link) for each in addresses if (link := absolute_link(each, base))]
    return {((each.hostname or "").removeprefix("www."), each.path.rstrip("/"), each.query) for each in parts}


def _addresses(thing: Any) -> list[str]:
    """Return the addresses by which a feed names itself."""
    own = [
        text_in(each, "href") for each in parts_in(thing, "links") if text_in(each, "rel") in ("self", "alternate")
    ]
    return [each for each in (text_in(thing, "href"), text_in(thing, "link"), *own) if each]


def _tidy(raw: str) -> str:
    name = title_text(raw, LONGEST)
    is_address = name.lower().startswith(("http:", "https:", "www.")) or "@" in name
    return "" if is_address or not plain_words(name) else name
