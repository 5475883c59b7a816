"""Tell from a title or the first lines of a text that it is not for readers, or not until a date. Pure.

"EMBARGOED UNTIL 00:01 1 January 2027", "Not for release before Friday", "DRAFT - do not circulate".
"""

from __future__ import annotations

import html
import re
from datetime import datetime, tzinfo

from digest.sources.formats.dates import instant
from digest.sources.formats.title_state import ONLY_MARKS, title_state
from subscribers.characters import whole_characters

_LONGEST = 120  # characters of a line that is a mark and no prose
_EMBARGO = r"(?:strictly\s+|under\s+(?:strict\s+)?|dan\s+)*embargo(?:ed)?\b"
_LEAD = re.compile(
    rf"(?:{_EMBARGO}(?:\s+(?:date|ends|lifts|lifted))?"
    r"|(?:strictly\s+)?not\s+(?:yet\s+)?(?:for|to\s+be)\s+"
    r"(?:publi\w+|released?|broadcast|circulat\w+|distribut\w+|shared?)"
    r"|do\s+not\s+(?:publish|release|circulate|share|broadcast|send|use)"
    r"|(?:for\s+release|release\s+date|to\s+be\s+(?:published|released))(?=\W+(?:on|at|after)?\W*\d))",
    re.I,
)
_OUTSET = re.compile(
    r"\W*(?:(?:strictly\s+|under\s+(?:strict\s+)?|dan\s+)+embargo(?:ed)?\b|embargoed\s+(?:until|till|to)\b"
    r"|not\s+(?:yet\s+)?(?:for|to\s+be)\s+(?:publi\w+|released?|broadcast)\s+(?:until|till|before)\b)",
    re.I,
)
_CAPITALS = re.compile(r"\W*(?:STRICTLY |UNDER )*EMBARGO(?:ED)?\b(?P<rest>.*)")
_MONTHS = r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WHEN = re.compile(
    rf"\d[\d:.,/-]*(?:st|nd|rd|th|am|pm|hrs|hours)?|(?:{_MONTHS}|mon|tue|wed|thu|fri|sat|sun)\w*"
    r"|until|till|before|to|for|on|at|after|or|and|the|of|from|am|pm|hrs|hours|noon|midday|midnight|gmt|bst|utc|uk|time"
    r"|tomorrow|today|tonight|next|week|month|year|further|notice|publi\w+|release|released|launch|lifted"
    r"|broadcast|circulation|tan|hyd|tb[acd]",
    re.I,
)
_WORD = re.compile(r"[^\W_][\w:./-]*")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?[^\W\d]{3,12},?\s+\d{4}"
    rf"|(?:{_MONTHS})[a-z]*\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}",
    re.I,
)
_TIME = re.compile(r"\b(?P<hour>\d{1,2})(?:(?P<mark>[:.])?(?P<minute>\d\d))?\s*(?P<half>[ap]\.?m\b)?(?!\w)", re.I)
_LIMITS = re.compile(r"embargo|\b(?:until|till|before|tan)\b|\brelease|\bto be (?:publi|releas)", re.I)
_FOREVER = re.compile(r"\b(?:draft|drafft|wip|unpublished|confidential|circulat\w+)\b", re.I)
_BREAK = re.compile(r"<(?:br|/p|/h\d|/div|/li|/tr|hr)\b[^<>]*>", re.I)


def text_state(title: str, text: str, zone: tzinfo) -> tuple[str, datetime | None]:
    """Return the mark by which a title or a first line keeps its text back, and until when.

    The mark is "" where there is none, or where it names a date, until which the text waits. `text` is Markdown, or
    HTML with its tags. A time without a zone is one of `zone`.
    """
    states: list[str] = []
    limits: list[datetime] = []
    lines = [(f"first line: {whole_characters(line, 60)}", line) for line in first_lines(text) if _is_mark(line)]
    for state, line in [(title_state(title), title), *lines]:
        if not state:
            continue
        until = _until(line, zone)
        if until is None:
            states.append(state)
        else:
            limits.append(until)
    return next(iter(states), ""), max(limits, default=None)


def first_lines(text: str) -> list[str]:
    """Return the first line of a text, and the next one where the first is a heading."""
    # Two thousand characters, because a line that is a mark is short.
    plain = html.unescape(re.sub(r"<[^<>]*>", "", _BREAK.sub(r"\n\g<0>", text[:2_000])))
    lines = [line.strip() for line in plain.splitlines() if re.search(r"\w", line)]
    is_heading = re.match(r"\s*(?:#|<h\d)", text) or re.match(r"\s*[^\n]+\n(?:=+|-+)\s*\n", text)
    return lines[: 2 if is_heading else 1]


def _is_mark(line: str) -> bool:
    """Return whether a line holds nothing but a mark, or begins with an embargo."""
    capitals = _CAPITALS.match(line)
    if capitals and (capitals["rest"].upper() != capitals["rest"] or _DATE.search(line)):
        return True  # also with the text behind it
    if len(line) > _LONGEST:
        return False
    if (ONLY_MARKS.fullmatch(line) and len(line) <= 80) or _OUTSET.match(line):
        return True
    start = _LEAD.match(re.sub(r"\A\W+", "", line))
    return bool(start) and all(_WHEN.fullmatch(word.rstrip(".:-/")) for word in _WORD.findall(_LEAD.sub(" ", line)))


def _until(line: str, zone: tzinfo) -> datetime | None:
    """Return the instant until which a mark keeps its text back; None where it names none that can be read."""
    date = _DATE.search(line)
    if not date or not _LIMITS.search(line) or _FOREVER.search(line):
        return None
    hour, minute = 0, 0
    for time in _TIME.finditer(line.replace(date[0], " ; ", 1)):
        if time["half"] or time["minute"]:
            half = (time["half"] or "").lower()[:1]
            hour = int(time["hour"]) % 12 + 12 * (half == "p") if half else int(time["hour"])
            minute = int(time["minute"] or 0)
            break
    if re.search(r"\b(?:noon|midday)\b", line, re.I):
        hour = 12
    if hour > 23 or minute > 59:
        return None
    return instant(f"{date[0]} {hour:02}:{minute:02}", zone)
