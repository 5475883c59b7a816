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
LEAD = 1_000  # characters of the body that decide about policy areas, and that rules look at

_INLINE = re.compile(
    r"</?(?:a|abbr|b|code|em|i|mark|s|small|span|strong|sub|sup|u)\b(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>"
)
_TAG = re.compile(r"<[/!?a-zA-Z](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>")
# Elements whose words are not the text's own: figures in a table, code and its output.
_ELEMENTS = ("table", "pre", "code", "style", "script")
_ELEMENT = re.compile(rf"<({'|'.join(_ELEMENTS)})\b", re.IGNORECASE)
_ENDS = {name: re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE) for name in _ELEMENTS}
# A line that begins what stands after the text: its sources, its author, other texts.
_AFTER = re.compile(
    r"^[ \t]*(?:references|bibliography|footnotes|endnotes|works cited|further reading|notes to editors"
    r"|about the authors?|related (?:posts|articles|content|news|stories))[ \t]*:?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# A line that names the author, or the maker of a picture.
_BYLINE = re.compile(
    r"^[ \t]*(?:(?i:(?:written|posted|words|guest post|photos?|photograph|image|picture) )?[Bb]y (?=[A-Z])"
    r"|(?i:author|photo|image|picture|credit)s?: ).{0,80}(?<![.?!])$",
    re.MULTILINE,
)
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
    """Return the running text of sanitised HTML: no tags, no attribute (an abbr's title), no boilerplate.

    Tables, code, lines that name the author, and what stands after the text (its sources) are left out.
    """
    running = _without_elements(markup[: 3 * BODY_LIMIT])
    text = html.unescape(_TAG.sub("\n", _INLINE.sub("", running)))[:BODY_LIMIT]
    after = _AFTER.search(text)
    text = _BYLINE.sub(" ", text[: after.start()] if after else text)
    return _BOILERPLATE.sub(" ", text)


def _without_elements(markup: str) -> str:
    """Return markup without tables and code; an element that is never closed stays. Linear in its length."""
    kept, start = [], 0
    unclosed: set[str] = set()
    while match := _ELEMENT.search(markup, start):
        name = match[1].lower()
        end = None if name in unclosed else _ENDS[name].search(markup, match.end())
        if end is None:
            unclosed.add(name)
        kept.append(markup[start : match.start() if end else match.end()])
        start = end.end() if end else match.end()
    return " ".join([*kept, markup[start:]])


def says_more(text: str, markup: str) -> bool:
    """Return whether a plain text is longer than the running text of sanitised HTML."""
    return len(text) > len(plain(markup))


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
