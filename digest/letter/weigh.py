"""Bound the size of a letter by the texts of its entries, without compiling it, because most are far from the limit.

The bounds are of the wire form (quoted-printable), which is never shorter than the html that it encodes. They hold
for the shipped templates; `tests/letter/test_weigh.py` compares them with compiled letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from digest.letter import cards
from digest.model import CASE_STUDY, Digest, Edition, Entry, NamedLink

# Bytes of markup: of a letter without entries, of a group's heading, of a card, and of what a card may have besides.
_FRAME, _GROUP = 20_000, 1_000
_POST, _STUDY, _LINE, _NOTE, _PICTURE, _LINK, _OWN_LANGUAGE = 1_300, 1_800, 320, 1_100, 700, 260, 70
_MOST_LINES = 5  # of a case study, and its barriers in words
_WORDS = 400  # of the program's own, in a card: kind, day, region, reason, who wrote it
_LONGEST = 12  # bytes of a character: four of UTF-8, each as "=F0"
_ESCAPED = {"&": 4, "<": 3, ">": 3, '"': 4, "'": 4, "=": 2}  # bytes that are added
_FOLDED = 1.05  # because a soft line break stands in each line of 76 columns
_HIGH = bytes(range(0x80, 0x100))


def frame_bytes(edition: Edition, own: Iterable[str] = ()) -> int:
    """Return a bound of the bytes of an edition's letter without its entries; `own` are texts of the organisation."""
    return _FRAME + sum(text_bytes(text) for text in (edition.note, edition.question, edition.step, *own))


def digest_bytes(digest: Digest, weights: dict[int, int], frame: int) -> int:
    """Return a bound of the bytes of a digest's letter; `weights` are the bounds of its entries by number."""
    groups = sum(len(section.groups) for section in digest.sections)
    return frame + groups * _GROUP + sum(weights[placed.entry] for placed in digest.placed)


def heaviest_bytes(weights: dict[int, int], count: int, groups: int, frame: int) -> int:
    """Return a bound of the bytes of any letter with at most `count` of the entries, in at most so many groups."""
    return frame + groups * _GROUP + sum(sorted(weights.values(), reverse=True)[:count])


def card_bytes(entry: Entry) -> int:
    """Return a bound of the bytes of an entry's card, and of the step that it may suggest."""
    edit, picture = entry.edit, entry.image
    study = entry.kind == CASE_STUDY
    texts = (
        (2 if study else 1) * text_bytes(entry.title, cards.TITLE)
        + text_bytes(entry.source, 80)
        + text_bytes(entry.url or "")
    )
    texts += text_bytes(entry.summary, cards.SUMMARY) + text_bytes(entry.facets.place, cards.PLACE)
    texts += _OWN_LANGUAGE * 4 + _WORDS
    if edit is not None:
        note = text_bytes(edit.note, cards.NOTE + cards.MOST_PARAGRAPHS)
        texts += 2 * _LONGEST * cards.WRITER + (note + _NOTE if edit.note else 0)
    texts += sum(_named(each) for each in entry.also_at[: cards.MOST_ALSO])
    texts += _named(entry.earlier) if entry.earlier else 0
    if not study:
        return _POST + texts
    if picture is not None:
        texts += _PICTURE + text_bytes(picture.url) + text_bytes(picture.alt, cards.TITLE)
    lines = sorted((text_bytes(f"{line.text} {line.by}") + _LINE for line in entry.ingredients), reverse=True)
    # The longest once more, because the step repeats a line.
    return _STUDY + texts + sum(lines[:_MOST_LINES]) + sum(lines[:1])


def text_bytes(text: str, limit: int | None = None) -> int:
    """Return a bound of the bytes of a text in a letter, which shows at most `limit` characters of it."""
    if text.isascii():
        if limit is not None and len(text) > limit:
            text = " ".join(text.split())[:limit]
        count = len(text)
    else:
        text = unicodedata.normalize("NFC", text[: None if limit is None else 8 * limit])
        if limit is not None and len(text) > limit:
            return _LONGEST * limit  # because those that are not shown may stand first
        data = text.encode("utf-8", "replace")
        count = 3 * len(data) - 2 * len(data.translate(None, _HIGH))
    return round(_FOLDED * (count + sum(more * text.count(char) for char, more in _ESCAPED.items()))) + 3


def _named(link: NamedLink) -> int:
    return _LINK + text_bytes(link.name, cards.NAME) + text_bytes(link.url or "")
