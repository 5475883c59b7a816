"""Read the text of an entry as its author meant it: harmless HTML, and the first sentences as a summary. Pure."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from digest.sources.blocks import MIDDLE, Block, Marked, read_blocks
from digest.sources.placeholders import is_placeholder
from digest.sources.prints import leave_out_prints
from digest.sources.sanitise import MAX_HTML, balanced, escaped_once, marked_html
from digest.sources.shortcodes import without_shortcodes
from digest.sources.tails import NO_FRAME, Frame, leave_out_tails
from subscribers.characters import cut
from subscribers.invisible import without_invisible

_SUMMARY = 300  # characters
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]?(?=\s)")
_ENDED = re.compile(r"[.!?:;,…。！？।–—-][\"'”’)\]]*\Z")
_EMPTY_ELEMENT = re.compile(
    r"<(p|div|a|b|strong|em|i|s|u|q|small|sup|sub|li|ul|ol|h[1-6]|section|header|footer|aside|figcaption|figure|blockquote)"
    r"(?: [^<>]*)?>\s*</\1>"
)
_BARE_ANCHOR = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_TRAILING_CUT = re.compile(r"\s*(?:\[(?:…|\.\.\.)\]|\((?:…|\.\.\.)\)|…|\.{3,})\s*\Z")
_NESTED = 4  # empty elements within each other that are taken away
_PROSE = 40  # characters of a table's cell that is a text of its own
_BOLD_HEADING = 80


class Post:
    """One text of an entry, cleaned; `frame` is what the entry shows beside it."""

    def __init__(self, raw: str, base_url: str | None, frame: Frame = NO_FRAME) -> None:
        marked = marked_html(without_shortcodes(escaped_once(raw)), base_url)
        self._read = read_blocks(marked)
        if not self._read.blocks and marked:
            self._read = read_blocks(marked, with_hidden=True)  # because something is hidden until a script shows it
        self._frame = frame
        for block in self._read.blocks:
            if block.kind not in ("cell", MIDDLE) and block.is_short and is_placeholder(block.text):
                self._read.without(block.pieces)
                block.keep([])
        self._read.blocks = [block for block in self._read.blocks if block.pieces]
        leave_out_tails(self._read, frame)

    @property
    def html(self) -> str:
        """Return at most 64 K characters of HTML that holds only text, structure and http(s) links."""
        return _html_of(self._read) if self._read.blocks else ""

    def summary(self, limit: int = _SUMMARY) -> str:
        """Return the first sentences as one line of at most `limit` characters; "…" marks a cut.

        Headings, captions, tables, bylines and tails are left out where there is any prose.
        """
        start = list(takewhile(lambda block: block.kind != MIDDLE, self._read.blocks))
        return _cut_at_sentence(_joined(_chosen(leave_out_prints(start, self._frame))), limit)


def clean_html(raw: str, base_url: str | None) -> str:
    """Return at most 64 K characters of `raw` as HTML that holds only text, structure and http(s) links."""
    return Post(raw, base_url).html


def summary_text(html: str, limit: int = _SUMMARY) -> str:
    """Return the first sentences of `html` as one line of at most `limit` characters; "…" marks a cut."""
    return Post(html, None).summary(limit)


def _html_of(read: Marked) -> str:
    html = "".join(read.tokens)
    html = without_invisible(_BARE_ANCHOR.sub(r"\1", html) if "<a>" in html else html).strip()
    for _ in range(_NESTED):
        html, fuller = _EMPTY_ELEMENT.sub("", html).strip(), html
        if html == fuller:
            break
    limit = MAX_HTML
    while len(html) > MAX_HTML:
        html, limit = (
            balanced(_cut_between(html, limit)),
            limit - (len(html) - MAX_HTML if limit < MAX_HTML else 1_000),
        )
    return html


def _cut_between(html: str, limit: int) -> str:
    """Return the start of HTML, cut at a word and never inside a tag."""
    head = html[:limit]
    if head.rfind("<") > head.rfind(">"):
        return head[: head.rfind("<")]
    end = max(head.rfind(" "), head.rfind(">") + 1)
    # A space inside a tag is none between words, and a tag ends above.
    return head[:end] if end > limit // 2 and head.rfind("<", end) == -1 else re.sub(r"&[#\w]{0,9}\Z", "", head)


def _chosen(blocks: list[Block]) -> list[Block]:
    """Return the blocks that make a summary: prose, or else what there is."""
    prose = [block for block in blocks if _is_prose(block)]
    return prose or [block for block in blocks if block.kind != "heading"] or blocks


def _is_prose(block: Block) -> bool:
    text = block.text
    ended = bool(re.search(r"[.!?…。।][\"'”’)\]]*\Z", text))
    if block.kind == "heading":
        return ended and len(text) > _PROSE
    if block.kind == "cell":
        return len(text) > _PROSE
    if block.kind == "code":
        return False
    is_bold = all(piece.bold or not piece.text.strip("\x1f \n\t\r") for piece in block.pieces)
    return not (is_bold and not ended and len(text) <= _BOLD_HEADING)


def _joined(blocks: list[Block]) -> str:
    """Return blocks as one line in which each stands apart from the next."""
    parts = [blocks[0].text] if blocks else []
    for before, block in pairwise(blocks):
        parts.append(_between(before, block) + block.text)
        if sum(map(len, parts)) > 4_000:
            break
    text = "".join(parts)
    end = _TRAILING_CUT.search(text)
    if end is None:
        return text
    head = text[: end.start()].rstrip()
    return head if re.search(r"[.!?][\"'”’)]*\Z", head) else f"{head}…"


def _between(before: Block, block: Block) -> str:
    if _ENDED.search(before.text) or (block.kind == "text" and block.text[0].islower()):
        return " "  # also where a line goes on in the next block
    if before.kind == "cell" and before.row == block.row:
        return ", "
    if before.kind == "term" and block.kind == "definition":
        return ": "
    return "; " if before.kind in ("item", "cell", "definition") else " – "


def _cut_at_sentence(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    ends = [end.end() for end in _SENTENCE_END.finditer(text[: limit - 2])]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]] + " …"
    return cut(text, limit)
