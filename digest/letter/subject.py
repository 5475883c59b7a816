"""Choose the subject of a digest's letters: whole phrases of at most 60 characters, nothing cut off. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from digest.learning.outline import ABBREVIATED
from digest.letter.bidi import isolated
from digest.letter.inert import visible
from digest.letter.words import Words, counts, direction
from digest.model import CASE_STUDY, Digest, Entry, Taxonomy

LIMIT = 60  # characters, because phones show about 40 and most other programs 60 to 70
_SHORTEST = 15  # characters: less of a title ("Case study", "Update") does not tell what it is about
_LOOKED_AT = 5  # entries that are tried, in the letter's order
# Ends of a phrase inside a title: the words before a bracket, a dash, a colon or a new clause read well alone.
_END = re.compile(
    r"(?<=[?!.])\s+|\s*[:;|]\s*|\s*[(\[](?=[^()\[\]]*[)\]]\s*$)|\s+[-–—]\s*|\s*[–—]\s+"
    r"|,\s+(?=(?:and (?:the|what|how|why|who|where|a|an)|but|because|which|who|where|how|what|so)\b)"
)


def subject(words: Words, digest: Digest, entries: Mapping[int, Entry], taxonomy: Taxonomy) -> str:
    """Return the subject of a digest: a place and what changed there, or else the title of an entry; how many others.

    A place with what changed is that of the first case study. Of the titles, the first that fits as a whole or in
    whole phrases is taken; an entry without a title is known by its summary. When nothing fits, the subject
    lists the policy areas ("Housing, Transport and 2 from elsewhere").
    """
    placed = digest.placed
    shown = [entries[each.entry] for each in placed]
    line = _change(shown) or next(filter(None, map(_name, shown[:_LOOKED_AT])), "")
    if not line:
        return _listed(words, digest, taxonomy)
    others = len(placed) - 1
    # Not after the mark that ends a sentence, because "who should go?, and 3 more" reads badly.
    rest = words.count("subject_others", others) if others and line[-1] not in "?!." else ""
    # In an isolate, because a title from right to left would move the number after it.
    title = isolated(line, direction(words.language))
    return title + rest if len(line + rest) <= LIMIT else title


def _change(shown: Sequence[Entry]) -> str:
    """Return the place of the first case study and what changed there, if a line says so that fits."""
    study = next((entry for entry in shown if entry.kind == CASE_STUDY), None)
    if study is None or not study.facets.place:
        return ""
    place = visible(study.facets.place)
    texts = [visible(line.text) for line in study.ingredients if line.name == "changed"]
    lines = (f"{place}: {text}" for text in texts if not _names_others(text, place))
    return next((line.rstrip(".") for line in lines if len(line) <= LIMIT), "")


def _names_others(text: str, place: str) -> bool:
    """Return whether a sentence has a name besides the place, because it may tell of somewhere else."""
    return any(word[:1].isupper() and word not in place for word in re.findall(r"[^\W_]+", text)[1:])


def _name(entry: Entry) -> str:
    return headline(entry.title if visible(entry.title) else entry.summary)


@lru_cache(maxsize=4096)
def headline(title: str) -> str:
    """Return a title, or as many whole phrases from its beginning as fit, or its first phrase that fits; else ""."""
    line = visible(title)
    if len(line) <= LIMIT:
        return line
    phrases = _phrases(line)
    fitting = [end for _, end in phrases if _SHORTEST <= end <= LIMIT and _is_closed(line[:end])]
    if fitting:
        return line[: fitting[-1]]
    alone = (line[start:end] for start, end in phrases if _SHORTEST <= end - start <= LIMIT)
    return next((phrase for phrase in alone if phrase[0].isupper() and _is_closed(phrase)), "")


def _is_closed(phrase: str) -> bool:
    """Return whether each quotation mark and bracket that a phrase opens is closed in it."""
    pairs = (phrase.count(opening) == phrase.count(closing) for opening, closing in ("“”", "()", "[]", "«»"))
    return all(pairs) and phrase.count('"') % 2 == 0


def _phrases(line: str) -> list[tuple[int, int]]:
    """Return where each phrase of a title starts and ends; a mark that ends a sentence belongs to its phrase."""
    phrases, start = [], 0
    for match in _END.finditer(line):
        if ABBREVIATED.search(line[: match.start()]):  # "St. Helens"
            continue
        phrases.append((start, match.start()))
        start = match.end()
    return [*phrases, (start, len(line))]


def _listed(words: Words, digest: Digest, taxonomy: Taxonomy) -> str:
    """Return the policy areas of a digest and its count from elsewhere, as many as fit."""
    areas = [group.slug for section in digest.sections if section.key == "areas" for group in section.groups]
    names = [words.name(taxonomy, slug) for slug in areas if slug]
    far = counts(digest)[1]
    for shown in range(len(names), -1, -1):
        parts = names[:shown]
        if shown and shown < len(names):
            parts.append(words.count("more_areas", len(names) - shown))
        if far:
            parts.append(words.count("from_elsewhere", far))
        line = words.listed(parts) if parts else ""
        if line and len(line) <= LIMIT:
            return line[:1].upper() + line[1:]
    return words.sentences["no_title"]
