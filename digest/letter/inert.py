"""Make text and links from strangers inert before a template sees them.

A title may contain anything: control characters, reversed text, runs of invisible characters, our own tokens. The
functions here return one line of visible characters. They leave markup alone, because the templates escape it.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

from subscribers.characters import cut, whole_characters
from subscribers.invisible import without_invisible

# Replaces "%" wherever a stranger wrote "%%", so that no content can look like a %%token%% of ours.
# Nobody can forge it, because it is a private-use character and those are removed from content.
PERCENT = "\ue000"

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
# Removed, because private-use characters mean nothing to a reader, and the first of them stands for our "%".
_UNASSIGNED = re.compile("[\ufdd0-\ufdef\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Zero-width joiners to remove: next to Latin text, or one after another. Joining scripts and emoji need theirs.
_JOINER = re.compile(
    "[\u200c\u200d]+(?=[\u200c\u200d])|(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])"
)
# Accents beyond the third on one character, which would run over the lines around it.
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_READER_URL = re.compile(r"https?://[!#-;=?-~]+")


def visible(text: str, limit: int | None = None) -> str:
    """Return `text` as one line of visible characters, cut after a word to at most `limit` with an ellipsis."""
    if limit is not None:
        # Reading on is not worth its time, because a source may send a million invisible characters.
        text = whole_characters(text, limit * 8)
    if text.isascii() and text.isprintable():
        text = " ".join(text.split())
        return text if limit is None else cut(text, limit)
    text = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))
    text = _UNASSIGNED.sub("", without_invisible(text))
    text = _MARKS.sub(r"\1", _JOINER.sub("", text))
    text = _SPACE.sub(" ", text).strip()
    return text if limit is None else cut(text, limit)


def inert_line(text: str, limit: int | None = None) -> str:
    """Return `visible(text)` with each "%%" guarded, so that it contains no token of ours; for templates only."""
    return without_tokens(visible(text, limit))


def without_tokens(line: str) -> str:
    """Return a line of visible characters with each "%%" guarded; what is already inert stays as it is."""
    return line.replace("%%", PERCENT * 2)


def paragraphs(text: str, limit: int = 6000) -> list[str]:
    """Return the paragraphs of an editor's plain text (separated by empty lines) as inert content."""
    blocks = re.split(r"\n\s*\n", whole_characters(text.replace("\r\n", "\n").replace("\r", "\n"), limit))
    return [line for line in map(inert_line, blocks) if line]


def lines_of(text: str, limit: int, most: int) -> list[str]:
    """Return the lines of an editor's plain text as inert content; those after the first `most` join the last."""
    text = cut(text.replace("\r\n", "\n").replace("\r", "\n")[: limit * 8].strip(), limit)
    lines = [line for line in map(inert_line, text.split("\n")) if line]
    return [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines


def link(url: str | None) -> str | None:
    """Return an absolute http(s) address that is safe in a quoted attribute and alone on a line, or None."""
    if not url or len(url) > 2000:
        return None
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", url.strip()):
        return None
    # Quoted here and not by the serialiser, because then both parts and every inliner spell it alike.
    try:
        safe = quote(url.strip(), safe="%:/?#[]@!$&()*+,;=~-._")
    except UnicodeEncodeError:  # the address has half a surrogate pair
        return None
    return _BAD_PERCENT.sub("%25", safe)


def reader_url(url: str) -> str:
    """Return a link of ours unchanged; ValueError unless it is absolute http(s) in printable ASCII."""
    if not _READER_URL.fullmatch(url):
        raise ValueError(f"link {url[:80]!r} is not an absolute http(s) address in printable ASCII")
    return url
