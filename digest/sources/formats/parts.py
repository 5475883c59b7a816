"""Cut a feed into its entries without parsing it, so that those that were read before are not read again. Pure.

A feed is cut only where that is beyond doubt; any other one is parsed in full. Cutting only looks for tags, in a
bounded number of steps; what is left is parsed in the limited child, as a whole feed is.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from digest.sources.formats.tidy import MAX_ENTRIES

# The search for the next tag ends at an entry's own tags, and at text in which a tag is none.
_MARK = re.compile(rb"<!\[CDATA\[|<!--|<\?|<!(?!\[CDATA\[|--)|<(/?)(item|entry)(?=[\s>/])")
_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
# Dates of the feed itself change with every entry and stand in no sighting.
_OWN_DATE = re.compile(rb"<((?:dc:)?(?:lastBuildDate|pubDate|updated|modified|date))>[^<]*</\1>")
_ENCODING = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"'>]*)", re.IGNORECASE)
_PLAIN_CHARSET = re.compile(r"[^;]*(?:;\s*charset\s*=\s*[\"']?utf-?8[\"']?\s*)?", re.IGNORECASE)
_CARRIED_OVER = re.compile(rb"[<:]base\b|\bbase\s*=|\bxmlns\b", re.IGNORECASE)
_MOST_MARKS = 20 * MAX_ENTRIES
_RULES = b"2"  # raise it when the same bytes give another sighting, so that every feed is parsed in full once


@dataclass(frozen=True, slots=True)
class Parts:
    """Hold a feed as its entries, in its order and as bytes, and what stands before and after them.

    `envelope` is a hash of what all entries share: all that stands around them, and where the feed came from.
    """

    head: bytes
    entries: tuple[bytes, ...]
    tail: bytes
    envelope: str

    @property
    def hashes(self) -> list[str]:
        """Return a hash of each entry."""
        return [_hash(entry) for entry in self.entries]

    def without(self, hashes: Collection[str]) -> bytes:
        """Return the feed without the entries of these hashes."""
        return self.head + b"\n".join(entry for entry in self.entries if _hash(entry) not in hashes) + self.tail


def cut_feed(body: bytes, *, content_type: str, base_url: str) -> Parts | None:
    """Return the parts of an RSS or Atom feed in UTF-8; None for any other, and for one with any oddity.

    Linear in the length of the body.
    """
    encoding = _ENCODING.match(body)
    if not _PLAIN_CHARSET.fullmatch(content_type) or (encoding and encoding[1].lower() not in (b"utf-8", b"utf8")):
        return None
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    spans = _spans(body)
    if not spans or len(spans) > MAX_ENTRIES or b"deleted-entry" in body:
        return None
    if any(body[end:start].strip() for (_, end), (start, _) in pairwise(spans)):
        return None
    head, tail = body[: spans[0][0]], body[spans[-1][1] :]
    entries = tuple(body[start:end] for start, end in spans)
    # feedparser carries a base and names of namespaces over from one entry to the next.
    if len(set(entries)) < len(entries) or any(map(_CARRIED_OVER.search, entries)):
        return None
    around = (_RULES, base_url.encode(), content_type.encode(), _OWN_DATE.sub(b"", head), _OWN_DATE.sub(b"", tail))
    return Parts(head, entries, tail, _hash(b"\0".join(around)))


def _spans(body: bytes) -> list[tuple[int, int]] | None:
    """Return where each entry begins and ends; None for entries inside entries, a DOCTYPE, or a tag without end.

    None also for a feed of too many marks, because this search is not in the child that bounds time and memory.
    """
    spans: list[tuple[int, int]] = []
    position, start, name, marks = 0, -1, b"", 0
    while mark := _MARK.search(body, position):
        marks += 1
        if marks > _MOST_MARKS or len(spans) > MAX_ENTRIES:
            return None
        if mark[2] is None:
            closing = _ENDS.get(mark[0])
            position = body.find(closing, mark.end()) + len(closing) if closing else 0
            if not closing or position < len(closing):
                return None
            continue
        position = body.find(b">", mark.end()) + 1
        tag = body[mark.start() : position]
        if not tag.endswith(b">") or tag.endswith(b"/>") or b"<" in tag[1:] or bool(mark[1]) is (start < 0):
            return None
        if not mark[1]:
            start, name = mark.start(), mark[2]
        elif mark[2] == name:
            spans.append((start, position))
            start = -1
        else:
            return None
    return spans if start < 0 else None


def _hash(part: bytes) -> str:
    return blake2b(part, digest_size=12).hexdigest()
