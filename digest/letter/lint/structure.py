"""Check the markup that assistive technology and mail programs rely on: language, headings, tables, images, links."""

from __future__ import annotations

from collections.abc import Iterator

from digest.letter.lint.finding import ERROR, WARNING, LintFinding
from digest.letter.lint.page import Element, LetterPage
from subscribers.characters import whole_characters
from subscribers.languages import is_language_tag

STYLE_LIMIT = 16 * 1024  # bytes that Gmail reads of one style element (Can I email, html-style)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ACTIVE = ("script", "form", "iframe", "object", "embed", "base", "link", "input", "button", "audio", "video")
_VAGUE = frozenset(
    {
        "click here", "click", "here", "link", "this link", "more", "read more", "read on", "learn more", "details",
        "find out more", "see more", "go", "this", "download", "cliciwch yma", "yma", "darllen mwy", "mwy",
    }
)  # fmt: skip


def check(page: LetterPage) -> Iterator[LintFinding]:
    """Yield faults of language, title, headings, tables, images and links, and elements that no letter may have."""
    yield from _shell(page)
    yield from _headings(page)
    yield from _tables(page)
    yield from _images(page)
    yield from _links(page)
    for element in page.all(*_ACTIVE):
        problem = f"<{element.tag}> does not belong in a letter: mail programs remove it or distrust the letter"
        yield _error("active", element.where, problem, "remove it and link to a page instead")


def _shell(page: LetterPage) -> Iterator[LintFinding]:
    if page.doctype.lower() != "doctype html":
        yield _error("doctype", "html line 1", "does not begin with <!DOCTYPE html>", "write it as the first line")
    html = page.all("html")
    for root in html[:1] or [Element("html", {}, None, 1)]:
        if not is_language_tag(root.attrs.get("lang", "")):
            yield _error(
                "lang",
                f"html line {root.line}, <html>",
                "does not name a language",
                'write lang="en" or the letter\'s own',
            )
        if root.attrs.get("dir") not in ("ltr", "rtl"):
            yield _error(
                "dir", f"html line {root.line}, <html>", "does not name a direction", 'write dir="ltr" or "rtl"'
            )
    inner = [e for e in page.elements if e.tag not in ("html", "body") and {"lang", "dir"} <= set(e.attrs)]
    if not inner:
        yield _warning(
            "lang-inside", "html <body>", "language and direction stand on <html> only, which Gmail and Yahoo remove",
            "repeat lang and dir on the element around all content",
        )  # fmt: skip
    titles = page.all("title")
    if len(titles) != 1 or not "".join(t.text for t in titles[0].texts()).strip():
        yield _error(
            "title", "html <head>", f"has {len(titles) or 'no'} <title> with words", "write one: the subject"
        )
    names = {meta.attrs.get("name", "") for meta in page.all("meta")}
    if not any(meta.attrs.get("charset", "").lower() == "utf-8" for meta in page.all("meta")):
        yield _error("charset", "html <head>", "does not name utf-8", 'write <meta charset="utf-8">')
    if "viewport" not in names:
        cure = 'write <meta name="viewport" content="width=device-width, initial-scale=1">'
        yield _warning("viewport", "html <head>", "has no viewport, so phones show it small", cure)
    for style, sheet in page.sheets:
        size = len(sheet.encode())
        if size > STYLE_LIMIT:
            problem = f"a style element of {size} bytes; Gmail ignores one over {STYLE_LIMIT}"
            yield LintFinding(WARNING, "style-size", style.where, "gmail", problem, "shorten it or divide it in two")
        if any(up.tag == "body" for up in style.ancestors()):
            problem = "a style element in the body is ignored"
            yield LintFinding(WARNING, "style-place", style.where, "gmail", problem, "move it into <head>")


def _headings(page: LetterPage) -> Iterator[LintFinding]:
    headings = page.all(*_HEADINGS)
    tops = [heading for heading in headings if heading.tag == "h1"]
    if len(tops) != 1:
        where = tops[1].where if tops else "html <body>"
        yield _error("one-h1", where, f"{len(tops) or 'no'} h1 headings", "write exactly one, the letter's name")
    last = 0
    for heading in headings:
        level = int(heading.tag[1])
        if level > last + 1:
            problem = f"follows a heading of level {last}: a level is skipped" if last else "is the first heading"
            yield _error("heading-order", heading.where, problem, f"make it h{last + 1}")
        if not heading.words:
            yield _error("heading-empty", heading.where, "has no words", "fill it or remove it")
        last = level


def _tables(page: LetterPage) -> Iterator[LintFinding]:
    for table in page.all("table"):
        if table.attrs.get("role") not in ("presentation", "none") and not any(e.tag == "th" for e in table.walk()):
            problem = "is read aloud as a table of data"
            yield _error("table-role", table.where, problem, 'write role="presentation", or th for its headings')
        missing = [name for name in ("border", "cellpadding", "cellspacing") if table.attrs.get(name) != "0"]
        if missing and table.attrs.get("role") in ("presentation", "none"):
            problem = f"{', '.join(missing)} not set to 0, so Outlook draws its own gaps"
            yield LintFinding(WARNING, "table-gaps", table.where, "outlook-windows", problem, "set all three to 0")


def _images(page: LetterPage) -> Iterator[LintFinding]:
    for image in page.all("img"):
        if "alt" not in image.attrs:
            yield _error("alt", image.where, "has no alt", 'say what it shows, or alt="" where it only decorates')
        for name in ("width", "height"):
            if not image.attrs.get(name, "").isdigit():
                problem = f"has no {name} in numbers, so the letter jumps and Outlook shows the file's own size"
                yield _warning("image-size", image.where, problem, f'write {name}="…" in pixels')


def _links(page: LetterPage) -> Iterator[LintFinding]:
    targets: dict[str, str] = {}
    for link in page.all("a"):
        words = link.words.lower().strip(" .,:;…→»›>!")
        href = link.attrs.get("href", "")
        if not words:
            yield _error(
                "link-empty",
                link.where,
                f"a link to {href[:60] or 'nowhere'} without words",
                "write words that say where it leads",
            )
        elif words in _VAGUE:
            problem = f"“{words}” does not say where it leads"
            yield _error("link-words", link.where, problem, "link the title or name of what is there")
        elif targets.setdefault(words, href) != href:
            problem = (
                f"“{whole_characters(words, 40)}” leads to another address than the earlier link with the same words"
            )
            yield _warning("link-twins", link.where, problem, "give each link its own words")


def _error(rule: str, where: str, problem: str, cure: str) -> LintFinding:
    return LintFinding(ERROR, rule, where, "", problem, cure)


def _warning(rule: str, where: str, problem: str, cure: str) -> LintFinding:
    return LintFinding(WARNING, rule, where, "", problem, cure)
