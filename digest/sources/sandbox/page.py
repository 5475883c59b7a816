"""Read the main text of a web page: paragraphs, headings, lists and quotations, without menus and tables. Pure.

The only home of trafilatura. Run it through digest.sources.sandbox.child, because a hostile page can cost time and
memory here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trafilatura import bare_extraction
from trafilatura.settings import Document

from digest.errors import SourceError
from digest.sources.formats.charset import to_utf8
from digest.sources.sandbox.wire import MAX_TEXT
from subscribers.invisible import without_invisible

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEAD = 4_000  # bytes in which a page names its charset
_PAGE_TYPES = ("text/html", "application/xhtml+xml", "")
_LEAST = 200  # characters; less is a menu, or a page that a script fills
_MARKS = {"head": "## ", "item": "- ", "quote": "> "}
_NUMBER = re.compile(r"\s*[\[(]?(?:\d{1,3}|[*†‡a-z])[\])]?\s*")
_BETWEEN_ITEMS = re.compile(r"^(- .*)\n\n(?=- )", re.MULTILINE)
_BLOCKS = frozenset({"code", "head", "item", "lb", "list", "p", "quote"})
_LEFT_OUT = frozenset({"graphic", "table", "del"})  # struck text is no longer said


def main_text(body: bytes, *, content_type: str) -> str:
    """Return the main text of a page, at most 40,000 characters: a line for each paragraph, heading and item.

    A heading begins with "## ", an item of a list with "- ", a quotation with "> ", as `learning/` reads them; empty
    lines stand between all but items. Raises SourceError, and nothing else.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _PAGE_TYPES:
        raise SourceError(f"is no web page ({kind[:60]})")
    try:
        page = bare_extraction(
            _decoded(body, content_type),
            include_comments=False,
            include_tables=False,
            include_images=False,
            include_formatting=True,
        )
        lines = list(_lines(page.body)) if isinstance(page, Document) else []
    except MemoryError:
        raise
    except Exception as error:
        # Catch every error, because the extractor is made for pages that people write.
        raise SourceError(f"the page cannot be read ({type(error).__name__})") from error
    text = _joined(lines)
    if len(text) < _LEAST:
        raise SourceError("the page holds no main text")
    return text


def _decoded(body: bytes, content_type: str) -> str:
    """Return a page as text, by its bytes, the header, what it says of itself, or cp1252."""
    declared = _META_CHARSET.search(body[:_HEAD])
    if declared and "charset" not in content_type.lower():
        content_type = f"text/html; charset={declared[1].decode('ascii', 'replace')}"
    return to_utf8(body, content_type).decode("utf-8", "replace")


def _lines(body: Any) -> Iterator[str]:
    """Yield the lines of what the extractor returns: a heading, an item, a quotation or a paragraph each."""
    mark, words = "", ""
    for own_mark, text in [*_pieces(body, ""), ("", "")]:
        if own_mark is not None:
            if line := " ".join(without_invisible(words).split()):
                yield mark + line
            mark, words = own_mark, ""
        words += text


def _is_raised(element: Any) -> bool:
    """Return whether an element is the number of a footnote, which would be read as a part of the word before it."""
    return element.get("rend") in ("#sup", "sup") and bool(_NUMBER.fullmatch("".join(element.itertext())))


def _pieces(element: Any, within: str) -> Iterator[tuple[str | None, str]]:
    """Yield the texts of an element in reading order, each with the mark of the line that it begins (None: none).

    `within` is the mark of the item or quotation that the element stands in.
    """
    tag = element.tag
    mark = _MARKS["head"] if _is_bold_line(element) else _MARKS.get(tag, within)
    is_block = tag in _BLOCKS
    yield (mark if is_block else None), element.text or ""
    for child in element:
        if child.tag not in _LEFT_OUT and not _is_raised(child) and (child.tag != "code" or tag in ("item", "p")):
            yield from _pieces(child, mark)
        yield None, child.tail or ""
    if is_block:
        yield within, ""


def _is_bold_line(element: Any) -> bool:
    """Return whether a paragraph is bold throughout, as many pages write their headings."""
    if element.tag != "p" or len(element) != 1 or (element.text or "").strip():
        return False
    [child] = element
    return child.get("rend") == "#b" and not (child.tail or "").strip()


def _joined(lines: list[str]) -> str:
    """Return lines with empty lines between all but items, as much as fits."""
    text = "\n\n".join(lines)[: 2 * MAX_TEXT]
    return _BETWEEN_ITEMS.sub(r"\1\n", text)[:MAX_TEXT].rstrip()
