"""Make text from strangers safe: HTML with nothing active in it, and plain text. Pure."""

from __future__ import annotations

import html as entities
import re

import nh3

from digest.sources.links import without_tracking, written_link
from digest.sources.marks import mark_of
from digest.sources.shortcodes import in_one_language
from digest.sources.title_tags import holds_markup, without_tags
from subscribers.characters import cut
from subscribers.invisible import without_invisible

MAX_HTML = 64 * 1024
MAX_RAW = 4_000_000  # characters that are cleaned; a whole feed has at most 10 MB
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
BLOCKS = frozenset(_BLOCK_NAMES.split())
CELLS = frozenset({"td", "th"})
INLINE = frozenset(_INLINE_NAMES.split())
# Elements that stay only until their words are read, because they tell a date, a menu or a label from the text.
MARKING = frozenset({"nav", "span", "time"})
_DROPPED_WHOLE = frozenset(_DROPPED_NAMES.split())
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "*": {"lang", "dir", "class", "hidden", "style"},
}
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9-]{1,35}")
_NESTING_TAG = re.compile(r"<(/?)(?!(?:br|hr|img|wbr|input|col)\b)[A-Za-z][^<>]*>", re.IGNORECASE)
# An entity whose "&" was escaped once more. The signs of markup may be meant as they stand.
_TWICE = re.compile(r"&(?:amp;)+(?!(?:lt|gt|quot|apos);)(#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z]{2,8}\d{0,2});")
_CODE = re.compile(r"<(?:code|pre|kbd|samp)\b", re.IGNORECASE)
# A picture or a font in the text itself.
_DATA = re.compile(r"data:[^\s<>\"')]{2000,}")


def marked_html(raw: str, base_url: str | None) -> str:
    """Return `raw` as balanced HTML that holds only text, structure and http(s) links, with marks for `blocks`.

    A class is one of the marks of `marks.mark_of`; an href of "#" is a link within the page. Links are made
    absolute with `base_url`, lose their tracking, or stop being links. No images, no style, no identifiers: an
    entry's image travels beside its text.
    """

    def keep(_tag: str, name: str, value: str) -> str | None:
        if name == "href":
            if value.lstrip().startswith("#"):
                return "#"
            link = written_link(value, base_url)
            return without_tracking(link) if link else None
        if name in ("class", "hidden", "style"):
            return mark_of(name, value[:2_000])
        return value if _HARMLESS_VALUE.fullmatch(value) else None

    return nh3.clean(
        _shallow(_encodable(_DATA.sub("", raw)[:MAX_RAW])),
        tags=set(BLOCKS | CELLS | INLINE | MARKING),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        url_schemes={"http", "https"},
        link_rel=None,
    )


def balanced(html: str) -> str:
    """Return HTML that `marked_html` cleaned, and that was cut since, with its elements closed."""
    return nh3.clean(
        html,
        tags=set(BLOCKS | CELLS | INLINE),
        attributes={tag: set(names) - {"class", "hidden", "style"} for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https"},
        link_rel=None,
    )


def title_text(raw: str, limit: int = MAX_TITLE, *, is_text: bool = False) -> str:
    """Return a title, name or label as one line of plain text of at most `limit` characters.

    Markup goes, also when it was escaped once too often, but not an element that the title names; white space is
    folded; nothing invisible stays. `is_text`: the feed says that it is no HTML, so that it is escaped once at most.
    """
    text = in_one_language(_encodable(raw[:_MAX_RAW_TITLE]))
    for _ in range(1 if is_text else 4):
        plainer = entities.unescape(without_tags(text))
        if plainer == text:
            break
        text = plainer
    text = " ".join(without_invisible(without_tags(text)).split())
    return cut(text, limit)


def escaped_once(html: str) -> str:
    """Return HTML that its publisher escaped once too often as it was meant; an entity named in code stays."""
    if "<" not in html and "&lt;" in html and holds_markup(entities.unescape(html[:MAX_HTML])):
        html = entities.unescape(html)
    return _TWICE.sub(r"&\1;", html) if "&amp;" in html and _TWICE.search(html) and not _CODE.search(html) else html


def text_as_html(text: str) -> str:
    """Return plain text as HTML: blank lines part paragraphs, single line ends are kept.

    Text that holds markup is HTML that its publisher mislabelled, and is returned as it is.
    """
    text = escaped_once(text)
    if holds_markup(text[:MAX_HTML]):
        return text
    escaped = entities.escape(text[:MAX_HTML], quote=False)
    paragraphs = (part.strip() for part in re.split(r"\n[^\S\n]*\n", escaped.replace("\r\n", "\n")))
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


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
