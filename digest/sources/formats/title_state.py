"""Tell from a title or a file's name that its text is not for readers: "DRAFT: …", "draft-x.md". Pure.

A mark stands at an end, set apart by brackets, a colon, a dash or capitals, so that "Drafting a strategy" and "Draft
budget agreed" are titles like any other.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from digest.sources.formats.state_words import plain_key
from subscribers.characters import whole_characters

# "Draft v3 (for comment)"; a draft for consultation is for everybody.
_STAGE = (
    r"(?:\W{1,3}v?(?:ersion)?\.?\s?\d[\d.]*)?\W{1,3}for\s+(?:your\s+|internal\s+)?"
    r"(?:comments?|review|approval|discussion|sign[\s-]?off)"
)
_DRAFT = rf"(?:(?:first|rough|working|early)\s+)?(?:draft|drafft)(?:{_STAGE})?"
_MARK = (
    rf"(?:{_DRAFT}|wip|unpublished|not\s+(?:yet\s+)?for\s+"
    r"(?:publi\w+|release|circulation)|do\s+not\s+(?:publish|circulate|share|release|send)"
    r"|(?:under\s+)?embargo(?:ed)?(?:\s+(?:until|to|for)\b[^:|–—\])}]{1,40}|\s+\d[^:|–—\])}]{1,30})?)"
)
# Titles may begin with these words too, so that they count in brackets or in capitals only.
_RARE = (
    r"(?:work\s+in\s+progress|(?:in|under|for|awaiting)\s+(?:review|approval)|internal(?:\s+(?:use\s+)?only)?"
    r"|(?:strictly\s+)?confidential|official[\s-]+sensitive|hidden|private|archived|withdrawn|retracted|test(?:\s+post)?"
    r"|to\s?do|tbc|pending|unfinished|incomplete|not\s+final|staff\s+only)"
)
_WHOLE = r"(?:tb[cda]|to\s?do|untitled(?:\s+\w+)?|test(?:\s+(?:post|page))?|lorem\s+ipsum.*)"
_VERSION = r"(?:[\s,]*v?(?:ersion)?\.?\s?\d[\d.]*)?"
_ANY = rf"(?:{_MARK}|{_RARE}){_VERSION}"
_APART = r"\s*(?::|\||//|_|[–—]|\s-+\s)"
_PATTERNS = (
    # All of it, as in an unfinished file: "Draft v2", "TBC".
    re.compile(rf"\W*(?:{_MARK}|{_WHOLE}){_VERSION}\W*", re.I),
    re.compile(rf"\W*{_MARK}{_VERSION}{_APART}.*", re.I),
    re.compile(rf"\s*[\[({{<*]+\s*{_ANY}\s*[\])}}>*]+.*", re.I),
    re.compile(rf".*[\[{{]\s*{_ANY}\s*[\]}}]\W*", re.I),
    re.compile(rf".*\(\s*{_DRAFT}{_STAGE}\W*", re.I),
    re.compile(rf".*(?:\s[-–—|]+|:)\s*{_MARK}{_VERSION}\W*", re.I),
    re.compile(r"(?:withdrawn|retracted)\s*:.*", re.I),
    # WordPress writes these before the title of a post that is private or has a password.
    re.compile(r"(?:Private|Protected): .*"),
)  # fmt: skip
_CAPITALS = (
    re.compile(rf"\W*{_ANY}(?P<rest>{_APART}.*)", re.I),
    re.compile(rf"\W*(?:{_MARK}|confidential){_VERSION}(?P<rest>\s.*)", re.I),
    re.compile(rf"(?P<rest>.*)[\s(](?:{_MARK}|confidential){_VERSION}\W*", re.I),
)
ONLY_MARKS = re.compile(rf"\W*(?:(?:{_MARK}|strictly\s+confidential|confidential){_VERSION}\W*)+", re.I)
DRAFT_VERSION = re.compile(rf"\W*(?:v?\d[\d.]*\W+)?{_DRAFT}{_VERSION}\W*", re.I)
_FOLDERS = frozenset(
    ("draft", "drafts", "drafft", "drafftiau", "unpublished", "wip", "workinprogress", "embargoed", "inreview",
     "forreview", "trash", "deleted")
)  # fmt: skip
_NAME = re.compile(
    r"(?:draft|drafft|wip|unpublished)[-_ .].*|.*[-_ .](?:draft|drafft|wip|unpublished)(?:[-_ .]?v?\d+)?"
    r"|.*[(\[](?:draft|drafft|wip)[)\]].*",
    re.I,
)


def title_state(title: str) -> str:
    """Return the mark of a title that is not for readers ("title: DRAFT: Kinship care"), or ""."""
    text = title[:300]
    marked = any(pattern.fullmatch(text) for pattern in _PATTERNS)
    for pattern in _CAPITALS:
        match = pattern.fullmatch(text)
        if match and not marked:
            # A title that is all capitals sets nothing apart by them.
            rest, mark = match["rest"], text.replace(match["rest"], "", 1)
            marked = mark.upper() == mark and rest.upper() != rest
    return f"title: {whole_characters(title, 60)}" if marked else ""


def name_state(parts: tuple[str, ...]) -> str:
    """Return why a file is a draft by its name or its folder's, or ""; `parts` are those of its path."""
    for part in parts[:-1]:
        if plain_key(part) in _FOLDERS:
            return f"folder: {part}"
    stem = PurePosixPath(parts[-1]).stem
    is_draft = stem.startswith("_") or _NAME.fullmatch(stem) is not None
    return f"file name: {parts[-1]}" if is_draft else ""
