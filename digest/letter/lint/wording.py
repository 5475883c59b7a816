"""Check a letter's words and addresses: subject, preheader, links, the same content in both parts, spam signs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from digest.letter.blocks import READER_TOKENS
from digest.letter.lint.finding import ERROR, WARNING, LintFinding
from digest.letter.lint.page import Element, LetterPage
from digest.letter.subject import LIMIT
from digest.letter.views import DIGEST_TOKENS, PART_TOKENS
from subscribers.characters import whole_characters

GMAIL_CLIPS = 102_400  # bytes of decoded html, after which Gmail cuts a letter off
SIZE_WARNING = 80 * 1024  # lower, because a provider may lengthen links
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
    """Yield a finding when Gmail will, or may, cut the letter off."""
    taken = len(html.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    cure = "show fewer entries: lower [letter] cap, the rest is counted as “N more”"
    if taken > GMAIL_CLIPS:
        problem = f"{taken} bytes of html: Gmail cuts off everything after {GMAIL_CLIPS}, the unsubscribe link too"
        yield LintFinding(ERROR, "size", "html", "gmail", problem, cure)
    elif taken > SIZE_WARNING:
        problem = (
            f"{taken} bytes of html: near {GMAIL_CLIPS}, where Gmail cuts it off, and a provider may lengthen links"
        )
        yield LintFinding(WARNING, "size", "html", "gmail", problem, cure)


def subject(line: str) -> Iterator[LintFinding]:
    """Yield faults of the subject: empty, long, more than a line, or written like an advertisement."""
    letters = [c for c in line if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    for bad, level, rule, problem, cure in (
        (not line.strip(), ERROR, "subject-empty", "is empty", "name the letter's top entry"),
        (any(ord(c) < 32 or c in "\x7f\u2028\u2029" for c in line), ERROR, "subject-lines", "has a line break or "
         "control character", "write one line"),
        (len(line) > LIMIT, WARNING, "subject-long", f"{len(line)} characters; phones show about 40",
         f"keep to {LIMIT}, the main point first"),
        (len(letters) >= 10 and capitals > 0.7 * len(letters), WARNING, "subject-capitals", "is all in capitals, "
         "which spam filters count", "write it as a sentence"),
        (line.count("!") > 1, WARNING, "subject-exclaims", "has many exclamation marks", "leave them out"),
        (re.match(r"\s*(?:re|fwd?):", line, re.IGNORECASE) is not None, WARNING, "subject-reply", "pretends to be "
         "a reply", "begin with the main point"),
    ):  # fmt: skip
        if bad:
            yield LintFinding(level, rule, "subject", "", problem, cure)


def preheader(page: LetterPage, subject_line: str) -> Iterator[LintFinding]:
    """Yield faults of the hidden first line that inboxes show after the subject."""
    first = next(iter(page.body_texts), None)
    where = "html, preheader"
    if first is None or not _hidden(first.parent):
        problem = "is missing: inboxes show the letter's first words instead"
        yield LintFinding(WARNING, "preheader", where, "", problem, "write a hidden first line")
        return
    words = " ".join(first.text.translate({ord(c): None for c in _FILLER}).split())
    if not PREHEADER[0] <= len(words) <= PREHEADER[1]:
        yield LintFinding(
            WARNING, "preheader", where, "", f"{len(words)} characters", f"write {PREHEADER[0]} to {PREHEADER[1]}"
        )
    if words and words.lower() == subject_line.lower():
        yield LintFinding(
            WARNING, "preheader", where, "", "repeats the subject", "say something that the subject does not"
        )
    if "mso-hide:all" not in first.parent.attrs.get("style", "").replace(" ", "").lower():
        yield LintFinding(
            ERROR, "preheader", where, "outlook-windows", "is shown above the letter", "add mso-hide:all to its style"
        )


def tokens(page: LetterPage, text: str, subject_line: str) -> Iterator[LintFinding]:
    """Yield tokens and template code that were not filled in.

    A text that only looks like them is a warning in running text, because a stranger may have written it.
    """
    cure = "correct the template, or the code that fills it"
    for where, words in [
        ("subject", subject_line),
        ("text", text),
        *((run.parent.where, run.text) for run in page.body_texts),
    ]:
        suspects = [match.group() for match in _TOKEN.finditer(words)]
        if ours := _OURS.intersection(suspects):
            yield LintFinding(ERROR, "token", where, "", f"{min(ours)} was not filled in", cure)
            suspects = []
        if match := _TEMPLATE.search(words):
            suspects.append(match.group())
        if suspects:
            problem = f"{whole_characters(suspects[-1], 40)} looks like template code"
            yield LintFinding(
                WARNING, "token", where, "", problem, "correct the template, unless the source wrote it so"
            )
    for element in page.elements:
        for name, value in element.attrs.items():
            if match := _TOKEN.search(value) or _TEMPLATE.search(value):
                yield LintFinding(
                    ERROR, "token", f"{element.where}, {name}", "", f"{match.group()[:40]} was not filled in", cure
                )
            elif name in ("href", "src", "lang", "dir", "width", "height") and _NOTHING.search(value):
                yield LintFinding(
                    ERROR, "token", f"{element.where}, {name}", "", f"{value[:60]!r} was not filled in", cure
                )


def links(page: LetterPage) -> Iterator[LintFinding]:
    """Yield addresses that do not work in a letter, or that look like phishing."""
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
    """Yield a finding unless both parts have the same links, and the text has 85 % of the html's words."""
    ours = {href for link in page.all("a") if (href := link.attrs.get("href", "")) and not href.startswith("#")}
    written = {address.rstrip(".,;") for address in re.findall(r"(?:https?://|mailto:)\S+", text)}
    for href in sorted(ours):
        bare = href.removeprefix("mailto:").partition("?")[0] if href.startswith("mailto:") else href
        if href not in written and (bare == href or bare not in text):
            yield LintFinding(
                ERROR, "text-links", "text", "", f"lacks the link {href[:80]}", "write it on a line of its own"
            )
    # An address in the html's running text (such as a summary) is no link there, so it need not be one here.
    shown = " ".join(t.text for t in page.body_texts)
    for address in sorted(link for link in written - ours if link not in shown):
        problem = f"has the link {address[:80]}, which the html lacks"
        yield LintFinding(ERROR, "text-links", "text", "", problem, "give both parts the same links")
    wanted = _words(" ".join(t.text for t in page.body_texts if not _hidden(t.parent)))
    if wanted:
        missing = wanted - _words(text)
        share = 1 - missing.total() / wanted.total()
        if share < COVERED:
            some = ", ".join(word for word, _ in missing.most_common(5))
            problem = f"has {share:.0%} of the html's words, {COVERED:.0%} are needed; missing: {some}"
            yield LintFinding(
                ERROR, "text-words", "text", "", problem, "write the same entries and sentences in both"
            )


def hygiene(page: LetterPage) -> Iterator[LintFinding]:
    """Yield signs of spam other than in the subject: many images, capitals, exclamation marks."""
    read = " ".join(t.text for t in page.body_texts if not _hidden(t.parent))
    images, count = len(page.all("img")), sum(_words(read).values())
    if images and count < 60 * images:
        problem = f"{images} images and {count} words: spam filters take it for an advertisement"
        yield LintFinding(WARNING, "image-only", "html <body>", "", problem, "say more in words: 60 for each image")
    shouting = [
        t for t in page.body_texts
        if len(letters := [c for c in t.text if c.isalpha()]) >= 25 and all(c.isupper() for c in letters)
    ]  # fmt: skip
    for text in shouting:
        problem = "a line all in capitals, which is hard to read and looks like shouting"
        yield LintFinding(WARNING, "capitals", text.parent.where, "", problem, "write it as a sentence")
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
        yield LintFinding(ERROR, "link", where, "", f"{address[:60]!r} is not an address", cure)
        return
    if split.scheme in ("mailto", "tel") and element.tag == "a" and split.path:
        return
    if address.startswith("#") and element.tag == "a":
        yield LintFinding(
            WARNING, "link", where, "gmail", "jumps inside the letter, which many programs cannot do", cure
        )
    elif split.scheme not in ("http", "https") or not host:
        yield LintFinding(ERROR, "link", where, "", f"{address[:60]!r} is not absolute", cure)
    elif split.scheme == "http":
        yield LintFinding(
            WARNING, "link-http", where, "", f"{address[:60]} is not https", "link to https if the site has it"
        )
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        problem = f"leads to the number {host}, as spam does"
        yield LintFinding(ERROR, "link-number", where, "", problem, "link to a host name")
    if len(address) > _LONGEST_LINK:
        yield LintFinding(
            WARNING, "link-long", where, "", f"{len(address)} characters", "shorten it, because some programs cut it"
        )


def _hidden(element: Element) -> bool:
    return any(
        "display:none" in up.attrs.get("style", "").replace(" ", "").lower() or "hidden" in up.attrs
        for up in element.ancestors()
    )


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _host(address: str) -> str:
    try:
        return (urlsplit(address if "//" in address else f"//{address}").hostname or "").removeprefix("www.")
    except ValueError:
        return ""
