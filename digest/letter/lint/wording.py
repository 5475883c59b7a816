"""Checks a letter's words and addresses: subject, preheader, links, both parts alike, what filters distrust."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from digest.letter.lint.finding import ERROR, WARNING, LintFinding
from digest.letter.lint.page import Element, LetterPage, Text
from digest.letter.views import DIGEST_TOKENS, PART_TOKENS, READER_TOKENS

GMAIL_CLIPS = 102_400  # bytes of decoded html
SIZE_WARNING = 80 * 1024  # leaves room for what a provider adds to links
SUBJECT_LIMIT = 78
PREHEADER = (20, 256)  # characters; mail programs show 35 to 140
COVERED = 0.85
_LONGEST_LINK = 2000
_TOKEN = re.compile(r"%%[A-Za-z_]+%%")
_OURS = frozenset(f"%%{name}%%" for name in (*READER_TOKENS, *DIGEST_TOKENS, *PART_TOKENS))
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>", re.DOTALL)
_NOTHING = re.compile(r"(?:^|/)(?:undefined|none|null|nan)(?:$|[/?#])", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_FILLER = "\u034f\u200c\u200b\u00a0\u00ad\u2007\ufeff"


def size(html: str) -> Iterator[LintFinding]:
    """Yield a finding when Gmail will clip the letter, or might."""
    taken = len(html.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    cure = "show fewer entries: lower [letter] cap, the rest is counted as “N more”"
    if taken > GMAIL_CLIPS:
        problem = f"{taken} bytes of html: what stands after {GMAIL_CLIPS} is cut off, the way to unsubscribe too"
        yield LintFinding(ERROR, "size", "html", "gmail", problem, cure)
    elif taken > SIZE_WARNING:
        problem = f"{taken} bytes of html: near {GMAIL_CLIPS}, where it is cut off, and links may still grow"
        yield LintFinding(WARNING, "size", "html", "gmail", problem, cure)


def subject(line: str) -> Iterator[LintFinding]:
    """Yield faults of the subject: empty, long, broken, or written as advertisers write."""
    letters = [c for c in line if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    for bad, level, rule, problem, cure in (
        (not line.strip(), ERROR, "subject-empty", "is empty", "name the letter's top entry"),
        (any(ord(c) < 32 or c in "\x7f\u2028\u2029" for c in line), ERROR, "subject-lines", "holds a line break or "
         "control character", "write one line"),
        (len(line) > SUBJECT_LIMIT, WARNING, "subject-long", f"{len(line)} characters; phones show about 40",
         f"keep to {SUBJECT_LIMIT}, the gist first"),
        (len(letters) >= 10 and capitals > 0.7 * len(letters), WARNING, "subject-capitals", "shouts in capitals, "
         "which spam filters count", "write it as a sentence"),
        (line.count("!") > 1, WARNING, "subject-exclaims", "has many exclamation marks", "leave them out"),
        (re.match(r"\s*(?:re|fwd?):", line, re.IGNORECASE) is not None, WARNING, "subject-reply", "pretends to be "
         "a reply", "begin with the gist"),
    ):  # fmt: skip
        if bad:
            yield LintFinding(level, rule, "subject", "", problem, cure)


def preheader(page: LetterPage, subject_line: str) -> Iterator[LintFinding]:
    """Yield faults of the hidden first line that inboxes show after the subject."""
    first = next(iter(page.body_texts), None)
    where = "html, preheader"
    if first is None or not _hidden(first.parent):
        problem = "there is none: inboxes show the letter's first words"
        yield LintFinding(WARNING, "preheader", where, "", problem, "write a hidden first line of its own")
        return
    words = " ".join(first.text.translate({ord(c): None for c in _FILLER}).split())
    if not PREHEADER[0] <= len(words) <= PREHEADER[1]:
        yield LintFinding(
            WARNING, "preheader", where, "", f"{len(words)} characters", f"write {PREHEADER[0]} to {PREHEADER[1]}"
        )
    if words and words.lower() == subject_line.lower():
        yield LintFinding(WARNING, "preheader", where, "", "says the subject again", "say what the subject does not")
    if "mso-hide:all" not in first.parent.attrs.get("style", "").replace(" ", "").lower():
        yield LintFinding(
            ERROR, "preheader", where, "outlook-windows", "is shown above the letter", "add mso-hide:all to its style"
        )


def tokens(page: LetterPage, text: str, subject_line: str) -> Iterator[LintFinding]:
    """Yield what should have been filled in and was not. In running text a stranger may have written as much."""
    cure = "fill it in: the template or the code that fills it is mistaken"
    for where, words in [
        ("subject", subject_line),
        ("text", text),
        *((run.parent.where, run.text) for run in page.body_texts),
    ]:
        looks = [found.group() for found in _TOKEN.finditer(words)]
        if left := _OURS.intersection(looks):
            yield LintFinding(ERROR, "token", where, "", f"{min(left)} is left over", cure)
            looks = []
        if found := _TEMPLATE.search(words):
            looks.append(found.group())
        if looks:
            problem = f"{looks[-1][:40]} looks like a template's code"
            yield LintFinding(
                WARNING, "token", where, "", problem, "correct the template, or the title if it is meant so"
            )
    for element in page.elements:
        for name, value in element.attrs.items():
            if found := _TOKEN.search(value) or _TEMPLATE.search(value):
                yield LintFinding(
                    ERROR, "token", f"{element.where}, {name}", "", f"{found.group()[:40]} is left over", cure
                )
            elif name in ("href", "src", "lang", "dir", "width", "height") and _NOTHING.search(value):
                yield LintFinding(
                    ERROR, "token", f"{element.where}, {name}", "", f"{value[:60]!r} was never filled", cure
                )


def links(page: LetterPage) -> Iterator[LintFinding]:
    """Yield addresses that do not work from an inbox, or that look like a trick."""
    for element in page.all("a", "img", "area"):
        name = "src" if element.tag == "img" else "href"
        if name in element.attrs or element.tag != "a":
            yield from _address(element, element.attrs.get(name, ""), name)
    for link in page.all("a"):
        shown, href = _ADDRESS.match(link.words), link.attrs.get("href", "")
        if shown:
            problem = "shows a bare address instead of words"
            if _host(shown.group()) != _host(href):
                problem = f"shows {_host(shown.group())} and leads to {_host(href)}, as phishing does"
            yield LintFinding(ERROR, "link-address", link.where, "", problem, "write words that say where it leads")


def parts(page: LetterPage, text: str) -> Iterator[LintFinding]:
    """Yield a finding unless both parts carry the same links and the text 85 % of the html's words."""
    ours = {href for link in page.all("a") if (href := link.attrs.get("href", "")) and not href.startswith("#")}
    written = {address.rstrip(".,;") for address in re.findall(r"(?:https?://|mailto:)\S+", text)}
    for href in sorted(ours):
        bare = href.removeprefix("mailto:").partition("?")[0] if href.startswith("mailto:") else href
        if href not in written and (bare == href or bare not in text):
            yield LintFinding(
                ERROR, "text-links", "text", "", f"lacks the link {href[:80]}", "write it on a line of its own"
            )
    shown = " ".join(t.text for t in page.body_texts)  # in a summary, an address is only words
    for address in sorted(one for one in written - ours if one not in shown):
        problem = f"has the link {address[:80]}, which the html lacks"
        yield LintFinding(ERROR, "text-links", "text", "", problem, "show both parts' readers the same")
    wanted = _words(" ".join(t.text for t in page.body_texts if not _aside(t)))
    if wanted:
        missing = wanted - _words(text)
        share = 1 - missing.total() / wanted.total()
        if share < COVERED:
            some = ", ".join(word for word, _ in missing.most_common(5))
            problem = f"carries {share:.0%} of the html's words, {COVERED:.0%} is asked; missing: {some}"
            yield LintFinding(
                ERROR, "text-words", "text", "", problem, "write the same entries and sentences in both"
            )


def hygiene(page: LetterPage) -> Iterator[LintFinding]:
    """Yield what spam filters count against a letter, beside the subject."""
    read = " ".join(t.text for t in page.body_texts if not _hidden(t.parent))
    images, count = len(page.all("img")), sum(_words(read).values())
    if images and count < 60 * images:
        problem = f"{images} images and {count} words: filters take it for an advertisement"
        yield LintFinding(
            WARNING, "image-only", "html <body>", "", problem, "let words carry it; aim at 60 for each image"
        )
    shouting = [
        t for t in page.body_texts
        if len(letters := [c for c in t.text if c.isalpha()]) >= 25 and all(c.isupper() for c in letters)
    ]  # fmt: skip
    for one in shouting:
        problem = "a line all in capitals, which is hard to read and counts as shouting"
        yield LintFinding(WARNING, "capitals", one.parent.where, "", problem, "write it as a sentence")
    if re.search(r"!\s*!\s*!", read):
        at = next(t for t in page.body_texts if re.search(r"!\s*!\s*!", t.text) or "!" in t.text)
        yield LintFinding(WARNING, "exclaims", at.parent.where, "", "rows of exclamation marks", "leave them out")


def _address(element: Element, address: str, name: str) -> Iterator[LintFinding]:
    where = f"{element.where}, {name}"
    cure = "write the whole address, from https:// on"
    try:
        split = urlsplit(address)
        host = split.hostname or ""
    except ValueError:
        yield LintFinding(ERROR, "link", where, "", f"{address[:60]!r} is no address", cure)
        return
    if split.scheme in ("mailto", "tel") and element.tag == "a" and split.path:
        return
    if address.startswith("#") and element.tag == "a":
        yield LintFinding(
            WARNING, "link", where, "gmail", "jumps inside the letter, which many programs cannot", cure
        )
    elif split.scheme not in ("http", "https") or not host:
        yield LintFinding(ERROR, "link", where, "", f"{address[:60]!r} is not absolute", cure)
    elif split.scheme == "http":
        yield LintFinding(
            WARNING, "link-http", where, "", f"{address[:60]} is not https", "link https where it exists"
        )
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        problem = f"leads to the number {host}, as spam does"
        yield LintFinding(ERROR, "link-number", where, "", problem, "link a name")
    if len(address) > _LONGEST_LINK:
        yield LintFinding(
            WARNING, "link-long", where, "", f"{len(address)} characters", "some programs cut it; shorten it"
        )


def _hidden(element: Element) -> bool:
    return any(
        "display:none" in up.attrs.get("style", "").replace(" ", "").lower() or "hidden" in up.attrs
        for up in element.ancestors()
    )


def _aside(run: Text) -> bool:
    """Return whether a run is no part of the letter proper: the preheader, which a text part has no use for."""
    return _hidden(run.parent)


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _host(address: str) -> str:
    try:
        return (urlsplit(address if "//" in address else f"//{address}").hostname or "").removeprefix("www.")
    except ValueError:
        return ""
