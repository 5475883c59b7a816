"""Read the tags of HTML with their attributes, as a browser does. Pure.

A parser reads them, because a pattern is fooled by a ">" or a quote inside an attribute, by a comment, by a script.
It is the standard library's: it takes text in the order in which it stands, and needs no tree.
"""

from __future__ import annotations

from collections.abc import Collection
from html.parser import HTMLParser


def tags_of(html: str, names: Collection[str], most: int) -> list[dict[str, str]]:
    """Return the attributes of the first `most` elements with one of `names` (lower case), entities resolved.

    Of an attribute that stands twice the first counts, as in a browser.
    """
    if not any(f"<{name}" in html.lower() for name in names):
        return []  # at once, because most texts have none
    reader = _Tags(names, most)
    try:
        reader.feed(html)
        reader.close()
    except _EnoughRead:
        pass
    return reader.tags


class _EnoughRead(Exception):
    """Stop reading, because as many tags as wanted have come."""


class _Tags(HTMLParser):
    def __init__(self, names: Collection[str], most: int) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[dict[str, str]] = []
        self._names, self._most = frozenset(names), most

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._names:
            self.tags.append({name: value or "" for name, value in reversed(attrs)})
            if len(self.tags) == self._most:
                raise _EnoughRead
