"""Cut a text into its sentences, each with the heading above it; the text is HTML or plain with Markdown marks. Pure.

Plain marks are "## " or "**…**" alone on a line for a heading, "- " for a list, "> " for a quotation, and a blank
line between paragraphs. Tables, captions and code are left out, because they hold no sentences.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from digest.learning.headings import section_of

MOST_READ = 40_000  # characters, because a case study has told its story well before that

_TAG = re.compile(r"(<[^<>]*>)")
_IS_HTML = re.compile(r"</(?:p|h[1-6]|li|div|strong|section|article)>|<br ?/?>", re.IGNORECASE)
_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"))
_BOLD = frozenset(("strong", "b"))
_LEFT_OUT = frozenset(("table", "figcaption", "pre", "code", "nav", "aside", "footer"))
# The numbers of footnotes would be read as a part of the word before them, and struck text is no longer said.
_UNSAID = re.compile(
    r"<sup\b[^<>]*>\s*(?:<a\b[^<>]*>)?\s*[\[(]?(?:\d{1,3}|[*†‡a-z])[\])]?\s*(?:</a>)?\s*</sup>"
    r"|<(del|s|strike)\b[^<>]*>[^<>]*</\1>",
    re.IGNORECASE,
)
_INLINE = frozenset(
    ("a", "abbr", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "small", "span", "sub", "sup", "u")
)

_MARK = re.compile(r"(#{1,6}[ \t]+|>[ \t]?|[-*•●▪–·][ \t]+|\d{1,2}[.)][ \t]+)(?=\S)")
_BOLD_END = "\x02"  # stands for <strong> and </strong>, because "**" may also be the text's own
_BREAK = " \x03"  # stands for <br>; two of them part paragraphs
_TWO_BREAKS = re.compile(r"(?: \x03\s*){2,}")
_BOLD_LINE = re.compile(r"(\*\*|__|\x02)\s*([^*_\x02\n]{2,100}?)\s*:?\1:?")
_RUN_IN = re.compile(
    r"(?:(\*\*|\x02)\s*([^*\x02\n]{2,60}?)\s*(?::\s*\1|\1\s*:)|([A-Z][\w’']*(?: [\w’'/&-]+){0,3}):)"
    r"\s+(?=[A-Z“\"'‘£\d])"
)
# "Peter Herlihy, Product Owner, GDS" below a paragraph: the paragraph is that person's words.
_SPEAKER = re.compile(
    r"(?:[—–-]\s*)?(?:(?:Dr|Prof|Professor|Cllr|Councillor|Sir|Mrs?|Ms)\.? )?"
    r"[A-Z][\w’'-]+(?: [A-Z][\w.’'-]+){1,3}(?: MP)?,\s[^.!?\n]{3,120}"
    r"|[—–]\s*[A-Z][^.!?\n]{2,80}"
)
_SHORT_LINE = re.compile(r"[A-Z][^.!;\n]{2,70}[^.!;,:\n]:?")

_LEAD_IN = 4  # words of a short line with a colon that may be a sentence: "The work had three stages:"

# A sentence ends at one of these marks, with the quotes and brackets that close there, before a space and a start.
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[A-Z0-9£€$])")
# Words after which a full stop ends no sentence.
ABBREVIATED = re.compile(
    r"\b(?:Dr|Mrs?|Ms|Mx|Prof|Rev|Cllr|Sir|St|Rt|Hon|Sgt|Insp|Supt|Capt|Lt|Col|Gen|Jr|Sr|Nos?|[Ff]igs?|Vol|Ch|Sec|Art|pp?"
    r"|e\.g|i\.e|eg|ie|cf|vs?|approx|est|incl?|Ltd|Co|Bros|dept|ext|tel|al|viz|resp|min|max|[A-Z](?:\.[A-Z])*)\.$"
)
_OPENING, _CLOSING = "“", "”"


class Passage(NamedTuple):
    """One sentence of a text, its white space folded, else as it stands.

    `heading` is the nearest one above it, or the words before a colon that begin its paragraph; "" without one.
    `place` counts from 0. `begins`: it is the first of its paragraph. A quotation is another's words.
    """

    text: str
    heading: str
    place: int
    begins: bool
    is_item: bool
    is_quotation: bool


class _Block(NamedTuple):
    """A heading, a paragraph, an item of a list or a quotation, with its text on one line."""

    kind: str  # heading, lead-in, paragraph, item, quotation
    text: str


def passages(text: str) -> list[Passage]:
    """Return the sentences of the first 40,000 characters of a text, in order. Never raises; linear in its length."""
    cut: list[Passage] = []
    is_html = _IS_HTML.search(text) is not None
    blocks = _spoken(_blocks(_plain_outline(text[:MOST_READ]) if is_html else text[:MOST_READ]))
    for heading, block in _headed(blocks):
        body = block.text
        if is_html:  # these signs stand for tags, and are no part of the text
            body = " ".join(body.replace(_BOLD_END, "").replace(_BREAK.strip(), "").split())
        begins, is_open = True, False
        for sentence in sentences(body):
            quoted = block.kind == "quotation" or is_open or _is_mostly_quoted(sentence)
            is_open = _leaves_open(sentence, is_open)
            cut.append(Passage(sentence, heading, len(cut), begins, block.kind == "item", quoted))
            begins = False
    return cut if len(text) <= MOST_READ else cut[:-1]  # because the last is cut off


def _plain_outline(text: str) -> str:
    """Return HTML as plain text with the marks that stand for its headings, lists and quotations."""
    parts: list[str] = []
    left_out = quoted = 0
    for token in _TAG.split(_UNSAID.sub("", text)):
        tag = _TAG_NAME.match(token)
        if tag is None:
            if not left_out and token and not token.startswith("<"):
                parts.append(html.unescape(re.sub(r"[\n\x02\x03]", " ", token)))
            continue
        closing, name = bool(tag[1]), tag[2].lower()
        quoted += (name == "blockquote") * (-1 if closing else 1)
        if name in _LEFT_OUT:
            left_out = max(left_out - 1, 0) if closing else left_out + (not token.endswith("/>"))
            parts.append("\n\n")
        elif not left_out:
            parts.append(_mark_of(name, closing=closing, quoted=quoted > 0))
    # A mark that another follows at once is of a block around it: <li><p>.
    return re.sub(r"(\n\n- )\s*\n\n(?=[^\n#>-])", r"\1", _TWO_BREAKS.sub("\n\n", "".join(parts)))


def _mark_of(name: str, *, closing: bool, quoted: bool) -> str:
    """Return the mark that stands for a tag."""
    if name in _BOLD:
        return _BOLD_END
    if name in _INLINE:
        return ""
    if name == "br":
        return _BREAK
    if closing:
        return "\n\n"
    if quoted:
        return "\n\n> "
    return "\n\n- " if name == "li" else "\n\n## " if name in _HEADINGS else "\n\n"


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the blocks of a plain text; a line of its own that is short and unfinished is a heading."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        lines: list[str] = []
        kind = "paragraph"
        for line in paragraph.splitlines():
            bare = line.strip()
            mark = _MARK.match(bare)
            if not bare:
                continue
            if bare.startswith("|") or not bare.strip("->*#"):  # a row of a table, or a mark alone
                yield from _block(kind, lines)
                kind, lines = "paragraph", []
                continue
            if mark or _BOLD_LINE.fullmatch(bare):
                yield from _block(kind, lines)
                kind, lines = _kind_of(mark[1] if mark else ""), []
                bare = bare[mark.end() :] if mark else bare
            lines.append(bare)
            if kind == "heading":
                yield from _block(kind, lines)
                kind, lines = "paragraph", []
        yield from _block(kind, lines)


def _spoken(blocks: Iterator[_Block]) -> Iterator[_Block]:
    """Yield the blocks, a paragraph above its speaker's name as a quotation; the name itself is left out."""
    last: _Block | None = None
    for block in blocks:
        if last and last.kind == "paragraph" and block.kind != "item" and _SPEAKER.fullmatch(block.text):
            last = _Block("quotation", last.text)
            continue
        if last:
            yield last
        last = block
    if last:
        yield last


def _headed(blocks: Iterator[_Block]) -> Iterator[tuple[str, _Block]]:
    """Yield (heading, block) for each block but the headings; words before a colon may be the heading.

    A line that leads to a list is the heading of that list alone, if it announces anything.
    """
    heading = lead = ""
    is_led = False
    for block in blocks:
        if block.kind == "heading":
            heading, lead = block.text, ""
        elif block.kind == "lead-in":
            lead, is_led = block.text.rstrip(": "), False
        else:
            if lead and block.kind != "item":
                heading, lead = (heading if is_led else lead), ""
            is_led = True
            own = lead if section_of(lead) else heading
            if run_in := _RUN_IN.match(block.text):
                own, block = (run_in[2] or run_in[3]), _Block(block.kind, block.text[run_in.end() :])
                heading = own if run_in[2] else heading
            yield own, block


def _kind_of(mark: str) -> str:
    if mark.startswith(">"):
        return "quotation"
    return "heading" if not mark or mark.startswith("#") else "item"


def _block(kind: str, lines: list[str]) -> Iterator[_Block]:
    text = " ".join(" ".join(lines).split())
    if not text:
        return
    bold = _BOLD_LINE.fullmatch(text)
    words = len(text.split())
    is_short = kind == "paragraph" and words <= 9 and _SHORT_LINE.fullmatch(text) is not None
    if is_short and text.endswith(":") and words >= _LEAD_IN:
        yield _Block("lead-in", text)
    elif kind == "heading" or bold or is_short:
        yield _Block("heading", (bold[2] if bold else text).strip("*_#: \x02"))
    else:
        yield _Block(kind, text)


def sentences(text: str) -> list[str]:
    """Return the sentences of one line of text; "Dr.", "e.g.", "No. 10" and "£1.5m" end none."""
    cut: list[str] = []
    start = 0
    for end in _END.finditer(text):
        head = text[start : end.end()]
        if end[0] == "." and ABBREVIATED.search(head[-12:]):
            continue
        cut.append(head.strip())
        start = end.end()
    cut.append(text[start:].strip())
    return [sentence for sentence in cut if sentence]


def _is_mostly_quoted(sentence: str) -> bool:
    """Return whether a sentence is another's words: it begins with a quote, or half of it stands between quotes."""
    if sentence[:1] in '“"‘' or re.match(r"'[A-Z]", sentence):
        return True
    quoted = re.findall(r"“[^”]*”?|\"[^\"]*\"?", sentence)
    return 2 * sum(map(len, quoted)) > len(sentence)


def _leaves_open(sentence: str, is_open: bool) -> bool:
    """Return whether a quotation that a sentence is in, or begins, goes on in the next."""
    opened, closed = sentence.rfind(_OPENING), sentence.rfind(_CLOSING)
    if opened == closed == -1:
        return is_open ^ (sentence.count('"') % 2 == 1)
    return opened > closed
