"""Make text from strangers safe: HTML with nothing active in it, and plain text. Pure."""

from __future__ import annotations

import html as entities
import re

import nh3

from digest.sources.links import absolute_link, without_tracking
from subscribers.characters import cut
from subscribers.invisible import without_invisible

MAX_HTML = 64 * 1024
MAX_TITLE = 500

# Limit the nesting, because nh3 takes time with the square of the depth; honest pages stay far below this.
_MAX_DEPTH = 1_000
_MAX_RAW_TITLE = 8_000
_BLOCK_NAMES = """
    address article aside blockquote br center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6
    header hr li main ol p pre section summary table tbody tfoot thead tr ul
"""
_INLINE_NAMES = "a b code del em i ins kbd mark q s small strong sub sup u"
_DROPPED_NAMES = """
    applet audio base button canvas datalist embed frame frameset head iframe link map math meta noembed
    noframes noscript object option plaintext script select style svg template textarea title video xmp
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CELLS = frozenset({"td", "th"})
_INLINE = frozenset(_INLINE_NAMES.split())
_DROPPED_WHOLE = frozenset(_DROPPED_NAMES.split())
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "*": {"lang", "dir"},
}
# Leaves of a text its blocks alone; made once, because to make it takes as long as to use it.
_TO_BLOCKS = nh3.Cleaner(
    tags=set(_BLOCKS | _CELLS), clean_content_tags=set(_DROPPED_WHOLE), attributes={}, link_rel=None
)
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9-]{1,35}")
_BARE_ANCHOR = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))})\b[^<>]*>")
_CELL_TAG = re.compile(r"</?t[dh]\b[^<>]*>")
_NESTING_TAG = re.compile(r"<(/?)(?!(?:br|hr|img|wbr|input|col)\b)[A-Za-z][^<>]*>", re.IGNORECASE)
_LEFT_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>?")
_SYNDICATED = re.compile(r"\s*The post .{1,300}? (?:appeared first|first appeared) on .{1,200}$")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]?(?=\s)")


def clean_html(raw: str, base_url: str | None) -> str:
    """Return at most 64 K characters of `raw` as HTML that holds only text, structure and http(s) links.

    Links are made absolute with `base_url`, lose their tracking, or stop being links. No images, no
    style, no identifiers: an entry's image travels beside its text.
    """

    def keep(_tag: str, name: str, value: str) -> str | None:
        if name == "href":
            link = absolute_link(value, base_url)
            return without_tracking(link) if link else None
        return value if _HARMLESS_VALUE.fullmatch(value) else None

    cleaned = nh3.clean(
        _shallow(_encodable(raw[:MAX_HTML])),
        tags=set(_BLOCKS | _CELLS | _INLINE),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        url_schemes={"http", "https"},
        link_rel=None,
    )
    return without_invisible(_BARE_ANCHOR.sub(r"\1", cleaned)).strip()


def plain_text(html: str) -> str:
    """Return the text of `html` (at most 64 K characters of it): one line per block, entities resolved."""
    text = _TO_BLOCKS.clean(_shallow(_encodable(html[:MAX_HTML])))
    # Turn the source's line ends into spaces, because only block elements begin a new line.
    text = _BLOCK_TAG.sub("\n", _CELL_TAG.sub(" ", re.sub(r"[\r\n]", " ", text)))
    text = without_invisible(entities.unescape(text))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def title_text(raw: str, limit: int = MAX_TITLE) -> str:
    """Return a title, name or label as one line of plain text of at most `limit` characters.

    Markup goes, also when it was escaped once too often; white space is folded; nothing invisible stays.
    """
    text = _encodable(raw[:_MAX_RAW_TITLE])
    for _ in range(4):
        plainer = entities.unescape(_without_tags(text))
        if plainer == text:
            break
        text = plainer
    text = " ".join(without_invisible(_LEFT_TAG.sub(" ", text)).split())
    return cut(text, limit)


def summary_text(html: str, limit: int = 300) -> str:
    """Return the first sentences of `html` as one line of at most `limit` characters; "…" marks a cut."""
    text = " ".join(plain_text(html).split())
    text = _SYNDICATED.sub("", text)
    if len(text) <= limit:
        return text
    ends = [end.end() for end in _SENTENCE_END.finditer(text[: limit - 2])]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]] + " …"
    return cut(text, limit)


def text_as_html(text: str) -> str:
    """Return plain text as HTML: blank lines part paragraphs, single line ends are kept.

    Text that holds tags is HTML that its publisher mislabelled, and is returned as it is.
    """
    if _LEFT_TAG.search(text[:MAX_HTML]):
        return text
    escaped = entities.escape(text[:MAX_HTML], quote=False)
    paragraphs = (part.strip() for part in re.split(r"\n[^\S\n]*\n", escaped.replace("\r\n", "\n")))
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    # Turn blocks into spaces, because "One<br>Two" would read "OneTwo".
    return _CELL_TAG.sub(" ", _BLOCK_TAG.sub(" ", _TO_BLOCKS.clean(text)))


def _shallow(html: str) -> str:
    """Return `html` without the opening tags that would nest deeper than 1,000."""
    if html.count("<") <= _MAX_DEPTH:
        return html
    depth = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth
        if tag[1]:
            depth = max(depth - 1, 0)
        elif depth < _MAX_DEPTH:
            depth += 1
        else:
            return ""
        return tag[0]

    return _NESTING_TAG.sub(keep, html)


def _encodable(text: str) -> str:
    # Replace lone surrogates, which JSON may hold, because nh3 cannot take them.
    return text.encode("utf-8", "replace").decode("utf-8")
