"""Leave out what a publishing tool prints before a text: the title again, an account's name, a date, labels. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from digest.sources.blocks import Block, Piece
from digest.sources.site_lines import is_label, without_site_lines
from digest.sources.tails import Frame, plain_line

_MOST = 24  # blocks that may stand before the text
_LONGEST = 120
_MOST_NAMES = 5  # words of names in a byline
_POSTED = re.compile(
    r"\b(?:posted|published|submitted|updated|created|written|last (?:modified|updated)|postiwyd|cyhoeddwyd|gan"
    r"|veröffentlicht|gepostet|erstellt|eingereicht|publié|posté|mis à jour|soumis|publicado|enviado|pubblicato"
    r"|inviato|geplaatst|ingediend|opublikowan\w+)\b",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\A\W*(?:by|gan|von|par|por|di|door|av|av:|author|written by|words by|awdur)\b[: ]\s*\S", re.IGNORECASE
)
_LITTLE = re.compile(
    r"\b(?:posted|published|submitted|updated|created|written|last|modified|on|by|at|in|the|of|am|pm|gmt|bst|utc|gan|ar|am"
    r"|von|vom|um|uhr|le|par|à|el|por|de|di|il|da|door|op|den|av|postiwyd|cyhoeddwyd|veröffentlicht|publié|publicado"
    r"|date|dyddiad|datum|min(?:ute)?s?|read|reading|time|comments?|no|news|blog|category)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SENTENCE = re.compile(r"[.!?…][\"'”’)]*\s+\S|[.!?][\"'”’)]*\Z")
# A weekday and a month are words, and so is "of" or "de" between them.
_ONLY_DATE = re.compile(
    r"(?:[^\W\d_]{1,12}\.?|\d{1,4}(?:st|nd|rd|th)?|[\s,/.:–—|•-]+|\d{1,2}[:.]\d\d(?:am|pm)?)+", re.IGNORECASE
)
_SHORTENED = re.compile(r"\b[^\W\d_]{1,3}\.(?=\W|\Z)")  # "Nov.", "J."
_AFTER_TITLE = " \t.:;,–—-|·•/»…"


def leave_out_prints(blocks: list[Block], frame: Frame) -> list[Block]:
    """Return the blocks of a text without those that are printed around it."""
    rest = without_site_lines([block for block in blocks if not block.mark] or blocks)
    for _ in range(_MOST):
        if not rest:
            break
        first = _without_printed_parts(rest[0], frame)
        if first is None or is_label(first, rest[1:]):
            rest = rest[1:]
            continue
        rest = [first, *rest[1:]]
        break
    return rest


def _without_printed_parts(block: Block, frame: Frame) -> Block | None:
    """Return a first block without what is printed at its start; None when nothing is left."""
    text = block.text
    if _is_title(text, frame) or is_byline(text, frame):
        return None
    parts = block.parts
    start = 0
    if len(parts) > 1 and _is_title(parts[0], frame):
        start = 1
        # An account's name stands between the title and the date.
        for ahead in range(1, min(len(parts), 4)):
            if is_dated(parts[ahead], None) and len(parts[ahead]) <= _LONGEST:
                start = ahead + 1
                break
        while start < len(parts) and is_byline(parts[start], frame):
            start += 1
        if start == len(parts):
            return None
        return Block(block.kind, block.mark, block.row, [Piece(0, " ".join(parts[start:]))])
    shorter = _without_title(text, frame.title)
    if shorter == text:
        return block
    if not shorter or is_byline(shorter, frame):
        return None
    return Block(block.kind, block.mark, block.row, [Piece(0, shorter)])


def _is_title(text: str, frame: Frame) -> bool:
    return bool(frame.title) and plain_line(text) == plain_line(frame.title)


def _without_title(text: str, title: str) -> str:
    """Return a text without the title that it begins with, where a sentence or a mark ends it there."""
    stem = title.rstrip(_AFTER_TITLE)
    if len(stem.split()) < 3 or not text.casefold().startswith(stem.casefold()):
        return text
    rest = text[len(stem) :]
    if title.endswith(("…", "...")):
        return f"…{rest}" if rest.strip(_AFTER_TITLE) else ""
    if not rest.strip(_AFTER_TITLE):
        return ""
    cut = re.match(r"[\"'”’)]*\s*[.:|–—·•»…?!-]+\s+", rest)
    after = rest[cut.end() :] if cut else rest.lstrip()
    # A title that a capital follows without any mark was a heading, unless the title is how the sentence begins.
    if cut or (rest.startswith(" ") and is_dated(rest[:40], None)):
        return after
    return text


def is_byline(text: str, frame: Frame) -> bool:
    """Return whether a line only names the author or the date at which the entry was published."""
    if len(text) > _LONGEST:
        return False
    if frame.author and plain_line(text) == plain_line(frame.author):
        return True
    if _is_only_date(text):
        return True
    posted, by = bool(_POSTED.search(text)), bool(_BY.match(text))
    dated = is_dated(text, frame.published) or (posted and bool(_YEAR.search(text)))
    if not (dated or (posted and by) or by) or _SENTENCE.search(_SHORTENED.sub("", text)):
        return False
    names = [word for word in re.findall(r"[^\W\d_][\w.'’-]*", _LITTLE.sub(" ", text)) if word != "|"]
    weekday_and_month = 2 if dated else 0
    if by and not dated:
        return len(names) <= _MOST_NAMES and all(word[0].isupper() or "." in word for word in names)
    if posted or by:
        lower = [word for word in names if word[0].islower() and "." not in word]
        return len(names) <= _MOST_NAMES + weekday_and_month and len(lower) <= 1 + weekday_and_month
    # Of a date alone, because "20 November 2026, Town Hall" is when something takes place.
    return len(names) <= weekday_and_month


def _is_only_date(text: str) -> bool:
    """Return whether a line is a date, perhaps with a weekday and a time, and no more."""
    words = re.findall(r"[^\W\d_]+", _LITTLE.sub(" ", text))
    return is_dated(text, None) and len(text) <= 50 and len(words) <= 2 and bool(_ONLY_DATE.fullmatch(text))


def is_dated(text: str, published: datetime | None) -> bool:
    """Return whether a line holds the day and year at which the entry was published; without that, any date's."""
    numbers = {int(number[:8]) for number in _NUMBER.findall(text)}
    if published is None:
        return bool(_YEAR.search(text)) and any(0 < number <= 31 for number in numbers)
    days = [published + timedelta(days=shift) for shift in (-1, 0, 1)]
    return any({day.day, day.year} <= numbers or {day.day, day.month, day.year % 100} <= numbers for day in days)
