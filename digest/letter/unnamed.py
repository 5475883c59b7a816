"""Name an entry that has no title: by its address, else by the first words of its summary. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from digest.letter.inert import visible
from subscribers.characters import cut

_LONGEST = 80  # characters of a name
_LEAST_WORDS = 2
_ENDING = re.compile(r"\.(?:html?|php|aspx?|jsp|cfm|md|xml)\Z", re.IGNORECASE)
_NO_NAME = frozenset(
    {"index", "default", "home", "amp", "feed", "article", "articles", "news", "blog", "post", "posts"}
)
_SENTENCE = re.compile(r"[.!?…][\"'”’)]*(?=\s|\Z)")


def name_by_address(url: str | None) -> str:
    """Return the last part of an address as words ("Three family hubs open"), or "" where it holds none."""
    try:
        path = unquote(urlsplit(url or "").path)
    except ValueError:
        return ""
    for part in reversed([each for each in path.split("/") if each][-3:]):
        words = visible(re.sub(r"[-_+\s]+", " ", _ENDING.sub("", part))).split()
        while words and not any(char.isalpha() for char in words[-1]) and len(words[-1]) >= 4:
            words.pop()  # the number of the entry
        if " ".join(words).casefold() in _NO_NAME:
            continue
        # An id in letters and digits is no word.
        is_readable = all(word.isalpha() or word.isdigit() or len(word) < 12 for word in words)
        if sum(word.isalpha() for word in words) >= _LEAST_WORDS and is_readable:
            name = " ".join(words)
            return cut(name[0].upper() + name[1:], _LONGEST)
        return ""
    return ""


def name_and_rest(summary: str) -> tuple[str, str]:
    """Return the first words of a summary as a name, and the words after them, so that nothing is said twice."""
    line = visible(summary)
    if len(line) <= _LONGEST:
        return line, ""
    ends = [end.end() for end in _SENTENCE.finditer(line[: _LONGEST + 1]) if end.end() >= _LONGEST // 4]
    if ends:
        return line[: ends[0]], line[ends[0] :].strip()
    name = cut(line, _LONGEST)
    return name, f"…{line[len(name) - 1 :].lstrip()}"
