"""Take from a sighting the texts that its facets are read from: title, body, categories and link, as plain text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from digest.model import Sighting

CATEGORY_LIMIT = 30
TITLE_LIMIT = 1_000  # characters
BODY_LIMIT = 20_000  # characters, because a text names its subject well before that

_INLINE = re.compile(
    r"</?(?:a|abbr|b|code|em|i|mark|s|small|span|strong|sub|sup|u)\b(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>"
)
_TAG = re.compile(r"<[/!?a-zA-Z](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>")
# Publishing systems add these sentences to every post, so that they tell nothing of the post.
_BOILERPLATE = re.compile(
    r"\bThe post .{0,300}? (?:appeared first on|first appeared on) .{0,120}?(?:\.|$)"
    r"|\b(?:continue reading|read more|read the full (?:story|article|post)|find out more)\b.{0,160}?(?:$|[.→»…])"
    r"|\b(?:share this|filed under|posted in|tagged with|follow us on|subscribe to)\b[^\n.]{0,160}"
    r"|\bcookies?\b[^\n.]{0,200}",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class EntryText:
    """The texts of one entry: `path` is the words of its link's path, `publisher` the name of its source.

    `host` is the host of its link in lower case, "" without a link.
    """

    title: str
    body: str
    categories: tuple[str, ...]
    path: str
    host: str
    publisher: str


def plain(markup: str) -> str:
    """Return the running text of sanitised HTML: no tags, no attribute (an abbr's title), no boilerplate."""
    text = html.unescape(_TAG.sub("\n", _INLINE.sub("", markup[: 3 * BODY_LIMIT])))
    return _BOILERPLATE.sub(" ", text[:BODY_LIMIT])


def entry_text(sighting: Sighting, publisher: str) -> EntryText:
    """Return the texts of a sighting of the source named `publisher`, each cut to its limit. Never raises."""
    summary, body = plain(sighting.summary), plain(sighting.html)
    # A summary counts once, because many feeds give it again as the start of the body.
    if summary.strip() and summary.split()[:12] != body.split()[:12]:
        body = f"{summary}\n{body}"
    host, path = _host_and_path(sighting.link or "")
    return EntryText(
        _BOILERPLATE.sub(" ", sighting.title[:TITLE_LIMIT]),
        body,
        sighting.categories[:CATEGORY_LIMIT],
        re.sub(r"\.\w{2,5}$|[/_\-+.]+|\d{3,}", " ", path)[:TITLE_LIMIT],
        host,
        publisher,
    )


def _host_and_path(link: str) -> tuple[str, str]:
    """Return the host and the path of an address, "" for both when it cannot be read."""
    try:
        parts = urlsplit(link)
        return (parts.hostname or "").lower(), unquote(parts.path)
    except ValueError:
        return "", ""
