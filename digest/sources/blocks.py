"""Read the blocks of a marked text: paragraphs, headings, items, cells, each with its words as they are shown. Pure.

The text comes from `sanitise.marked_html`, so that its tags are balanced and its attributes few. Hidden elements
and the numbers of footnotes are left out of both forms, the words and the HTML.
"""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass, field

from digest.sources.marks import CAPTION, HIDDEN, META, NOTE, TAIL, TITLE
from digest.sources.sanitise import BLOCKS, CELLS, MARKING
from subscribers.invisible import without_invisible

MIDDLE = "middle"  # the kind of the block that stands for what is not read
SEAM = "\x1f"  # stands in a block's text where an element without white space of its own begins or ends
_TOKEN = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>|([^<]+)")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_OUR_ATTRIBUTES = re.compile(r' (?:class|hidden|style)="[^"]*"')
_VOID = frozenset({"br", "hr"})
_KINDS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    "li": "item", "td": "cell", "th": "cell", "dt": "term", "dd": "definition", "pre": "code",
}  # fmt: skip
_MARKS = {
    "nav": TAIL, "footer": TAIL, "figcaption": CAPTION, HIDDEN: HIDDEN, META: META, CAPTION: CAPTION, NOTE: NOTE,
    TAIL: TAIL, TITLE: META,
}  # fmt: skip
_NUMBERS = r"\d{1,3}(?:\s*[,–-]\s*\d{1,3})*"
_NOTE = re.compile(rf"\W*(?:{_NUMBERS}|[*†‡§¶#]+|[a-z]|[ivx]{{1,5}}|note\s\d+|↩︎?|\^)\W*", re.IGNORECASE)
_BACK = re.compile(
    r"\W*(?:skip|jump|back|return|neidio|zum (?:inhalt|anfang)|aller au|ir al)\b.{0,40}|[↑↩^\W]+", re.I
)
_DIGITS = re.compile(r"[+−-]?\d{1,2}|[+−-]")
# A unit, a single letter or ten, whose power the raised digits are.
_HAS_POWER = re.compile(
    r"(?:(?<![^\W\d_])(?:[cdkmnµμ]?m|ft|in|yd|mi|sec|miles?|met(?:re|er)s?|feet|[^\W\d_])|(?<!\d)10)\Z"
)
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_LOWERED = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_SEAMED = frozenset({"a", "span", "time"})
_FEW = 200  # characters
_BLANK = f" \t\r\n\xa0{SEAM}"
_HEAD, _TAIL = 2_500, 1_200  # characters of a text that are read
_MARK = re.compile(r' (?:class|hidden|style)="|href="#|<(?:nav|su[bp]|footer|figcaption)\b')
_UNMARKED = re.compile(r"</?(?:span|time)\b[^>]*>")
_BRACKETED = re.compile(r"(?<=[\w.,;:!?\"”’)])\[(?:\d{1,3}|note \d{1,3}|citation needed)\]")


@dataclass(slots=True)
class Piece:
    """Hold words of a block: the number of their token, and the address that they link to ("" for none)."""

    token: int
    text: str
    link: str = ""
    bold: bool = False


@dataclass(slots=True)
class Block:
    """Hold a block: its kind ("text", "heading", "item", …), its mark ("" for none), its row, its words."""

    kind: str
    mark: str = ""
    row: int = 0
    pieces: list[Piece] = field(default_factory=list)
    line: str | None = None

    @property
    def text(self) -> str:
        """Return the words as one line, which is kept in `line`, because it is asked for many times."""
        if self.line is None:
            joined = "".join(piece.text for piece in self.pieces).replace(SEAM, "")
            self.line = " ".join((_BRACKETED.sub("", joined) if "[" in joined else joined).split())
        return self.line

    def keep(self, pieces: list[Piece]) -> None:
        """Hold other pieces from now on, or the same ones with other words."""
        self.pieces, self.line = pieces, None

    @property
    def is_short(self) -> bool:
        """Return whether the words are few, before they are joined."""
        return sum(len(piece.text) for piece in self.pieces) < _FEW

    @property
    def parts(self) -> list[str]:
        """Return the words by the elements that hold them."""
        held = "".join(piece.text for piece in self.pieces).split(SEAM)
        return [text for part in held if (text := " ".join(part.split()))]

    def linked(self) -> str:
        """Return the words that are links."""
        return " ".join("".join(piece.text for piece in self.pieces if piece.link).replace(SEAM, " ").split())

    def is_contents(self) -> bool:
        """Return whether all its words lead to a place within the page, as in a table of contents."""
        return all(piece.link == "#" for piece in self.pieces if piece.text.strip(_BLANK))


@dataclass(slots=True)
class Marked:
    """Hold a text as tokens of HTML ("" for one that is left out) and as blocks."""

    tokens: list[str]
    blocks: list[Block]

    def without(self, pieces: list[Piece]) -> None:
        """Leave words out of the HTML."""
        for piece in pieces:
            self.tokens[piece.token] = ""


def read_blocks(marked: str, *, with_hidden: bool = False) -> Marked:
    """Return the tokens and blocks of what `sanitise.marked_html` returns."""
    start, end = _middle(marked)
    head = _walked(marked[:start], with_hidden)
    if start == end:
        return head
    tail = _walked(_UNMARKED.sub("", marked[end:]), with_hidden)
    middle = len(head.tokens)
    for block in tail.blocks:
        for piece in block.pieces:
            piece.token += middle + 1
    between = Block(MIDDLE, pieces=[Piece(middle, "")])
    tokens = [*head.tokens, _UNMARKED.sub("", marked[start:end]), *tail.tokens]
    return Marked(tokens, [*head.blocks, between, *tail.blocks])


def _walked(marked: str, with_hidden: bool) -> Marked:
    walk = _Walk(with_hidden)
    for token in _TOKEN.finditer(marked):
        walk.take(token)
    walk.flush()
    return Marked(walk.tokens, walk.blocks)


def _middle(marked: str) -> tuple[int, int]:
    """Return where the part of a long text begins and ends of which no word is needed, because it holds no mark.

    The summary comes from what stands before it and tails from what stands after it; to read all would take as long
    as everything else that is done with a feed.
    """
    start = marked.find("<p>", _HEAD)
    end = marked.rfind("<p>", 0, len(marked) - _TAIL)
    if start < 0 or end <= start or _MARK.search(marked, start):
        return len(marked), len(marked)
    return start, end


@dataclass(frozen=True, slots=True)
class _Open:
    """Hold an open element: its tag, the mark, kind, address and weight of its words, and where these begin.

    They begin at `piece` of the block with the number `block`, or at the start of a later one.
    """

    tag: str = ""
    mark: str = ""
    kind: str = "text"
    link: str = ""
    bold: bool = False
    kept: bool = True
    block: int = 0
    piece: int = 0


class _Walk:
    """Walk through a marked text, with the elements that are open."""

    def __init__(self, with_hidden: bool) -> None:
        self.tokens: list[str] = []
        self.blocks: list[Block] = []
        self._with_hidden = with_hidden
        self._open = [_Open()]
        self._block = Block("text")
        self._number = 0  # of the block
        self._silent = 0  # open elements since the one that is left out
        self._row = 0
        self._breaks = 0  # <br> since the last words

    def take(self, token: re.Match[str]) -> None:
        """Take in the next tag or text."""
        end, tag, attributes, text = token.groups()
        if text is not None:
            self._words(text)
        elif self._silent:
            self._silent += 0 if tag in _VOID else -1 if end else 1
        elif end:
            self._ended(tag)
        elif tag == "br":
            self._broken(token[0])
        else:
            self._begun(tag, dict(_ATTRIBUTE.findall(attributes)) if attributes else {}, token[0])

    def flush(self) -> None:
        """End the block under way."""
        block, self._breaks = self._block, 0
        if any(piece.text.strip(_BLANK) for piece in block.pieces):
            self.blocks.append(block)
        within = self._open[-1]
        self._block = Block(within.kind, within.mark, self._row if within.kind == "cell" else 0)
        self._number += 1

    def _words(self, text: str) -> None:
        if self._silent:
            return
        words = without_invisible(entities.unescape(text) if "&" in text else text).replace(SEAM, " ")
        if words.strip():
            self._breaks = 0
        within = self._open[-1]
        self._block.pieces.append(Piece(len(self.tokens), words, within.link, within.bold))
        self.tokens.append(text)

    def _broken(self, whole: str) -> None:
        """Take in a line break; two of them end a paragraph."""
        self._breaks += 1
        self._block.pieces.append(Piece(len(self.tokens), " "))
        self.tokens.append(whole)
        if self._breaks == 2:
            self.flush()

    def _begun(self, tag: str, held: dict[str, str], whole: str) -> None:
        hides = HIDDEN in (held.get("style"), held.get("hidden"))
        mark = HIDDEN if hides else _MARKS.get(held.get("class", ""), "") or _MARKS.get(tag, "")
        if not self._with_hidden and (mark == HIDDEN or (mark == NOTE and tag not in BLOCKS)):
            self._silent = 1
            return
        if tag in _SEAMED:
            self._seam()
        if tag == "tr":
            self._row += 1
        within, link = self._open[-1], held.get("href", "")
        kept = tag not in MARKING and link != "#" and not (tag == "a" and not link)
        self.tokens.append((_OUR_ATTRIBUTES.sub("", whole) if held else whole) if kept else "")
        if tag not in _VOID:
            kind, bold = _KINDS.get(tag, within.kind), within.bold or tag in ("b", "strong")
            link, place = link or within.link, (self._number, len(self._block.pieces))
            self._open.append(_Open(tag, within.mark or mark, kind, link, bold, kept, *place))
        if _is_block(tag):
            self.flush()

    def _ended(self, tag: str) -> None:
        if len(self._open) == 1:  # of an element that began in a part that is not read
            self.tokens.append(f"</{tag}>")
            if _is_block(tag):
                self.flush()
            return
        ended = self._open.pop()
        start = ended.piece if ended.block == self._number else 0
        if tag in ("a", "sub", "sup"):
            words = "".join(piece.text for piece in self._block.pieces[start:]).replace(SEAM, "").strip()
            if tag != "a":
                self._shifted(tag, start, words)
            elif ended.link == "#" and (_NOTE.fullmatch(words) or _BACK.fullmatch(words)):
                self._leave_out(start)
        self.tokens.append(f"</{tag}>" if ended.kept else "")
        if _is_block(tag):
            self.flush()
        elif tag in _SEAMED:
            self._seam()

    def _seam(self) -> None:
        self._block.pieces.append(Piece(len(self.tokens), SEAM))
        self.tokens.append("")

    def _shifted(self, tag: str, start: int, words: str) -> None:
        """Leave out a raised number that is a footnote's, and write any other with raised or lowered digits."""
        pieces = self._block.pieces[start:]
        before = "".join(piece.text for piece in self._block.pieces[max(0, start - 4) : start]).replace(SEAM, "")
        if tag == "sup" and words and _NOTE.fullmatch(words):
            is_power = _DIGITS.fullmatch(words) and _HAS_POWER.search(before)
            if any(piece.link for piece in pieces) or not (is_power or words.isalpha()):
                self._leave_out(start)
                return
        digits = _RAISED if tag == "sup" else _LOWERED
        if _DIGITS.fullmatch(words):
            for piece in pieces:
                piece.text = piece.text.translate(digits)

    def _leave_out(self, start: int) -> None:
        for piece in self._block.pieces[start:]:
            self.tokens[piece.token] = ""
        del self._block.pieces[start:]


def _is_block(tag: str) -> bool:
    return tag in BLOCKS or tag in CELLS or tag == "nav"
