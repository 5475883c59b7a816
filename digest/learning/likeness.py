"""Judge whether two entries of different sources tell the same, so that readers get one of them. Pure.

A wrong "yes" takes an entry from readers, a wrong "no" shows them one twice. So any sign of two entries decides:
another number, date, name, place or stage of a story; what is left must be alike in title and text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from heapq import nlargest

from rapidfuzz import fuzz
from rapidfuzz.distance import Prefix

from digest.learning.versions import STOP_WORDS, Version, is_mark, is_quantity, title_words

WINDOW = timedelta(days=30)
_AT_ONCE = timedelta(days=3)  # a notice that comes every week comes later than this
# Of 100: how much of the shorter text stands in the longer, and how many words of texts, and of titles, are common.
_VERBATIM, _COPIED, _ALIKE = 96, 90, 65
_SAME_TITLE, _LIKE_TITLE, _SOME_TITLE = 93, 55, 40
_LEAST_WORDS, _MANY_WORDS, _TELLING_TITLE = 10, 15, 5
_MOST_LIKELY = 20


def are_near_duplicates(a: Version, b: Version) -> bool:
    """Return whether two entries are one text, as a press note or case study that two sources publish."""
    if a.source == b.source or abs(a.day - b.day) > (_AT_ONCE if a.is_regular or b.is_regular else WINDOW):
        return False
    if a.is_advert or b.is_advert or not _titles_agree(a, b) or _disagree(a, b):
        return False
    shared = _shared_names(a, b)
    is_tied = _are_neighbours(a, b) or not shared.isdisjoint(a.source_names ^ b.source_names)
    if not shared or (not is_tied and _may_be_template(a, b, shared)):
        return False
    copied, common = _copied(a, b), fuzz.token_set_ratio(_content(a.title_words), _content(b.title_words))
    tell = {_tells_of(a, b), _tells_of(b, a)}
    if copied >= _VERBATIM and common >= _SOME_TITLE and True in tell:
        return True
    return tell == {True} and ((copied >= _COPIED and common >= _LIKE_TITLE) or (is_tied and _is_retold(a, b)))


def likely(titles: Sequence[str], entries: Iterable[tuple[int, str]]) -> list[list[int]]:
    """Return for each title which of the entries, (id, title) pairs, may be its near-duplicates.

    These have two words in common with it or more; of many, the 20 that have the rarest words in common.
    """
    wanted = [title_words(title) for title in titles]
    holders: dict[str, list[int]] = {word: [] for words in wanted for word in words}
    for number, title in entries:
        for word in title_words(title) & holders.keys():
            holders[word].append(number)
    candidates = []
    for words in wanted:
        shared, weights = Counter[int](), Counter[int]()
        for word in words:
            shared.update(holders[word])
            weights.update(dict.fromkeys(holders[word], 1 / max(1, len(holders[word]))))
        pairs = ((weights[number], -number) for number, count in shared.items() if count > 1)
        candidates.append([-negative for _, negative in nlargest(_MOST_LIKELY, pairs)])
    return candidates


def _are_neighbours(a: Version, b: Version) -> bool:
    """Return whether the names of both sources say the same place, or one of them says more."""
    first, second = sorted((a.source_names, b.source_names), key=len)
    return bool(first) and first <= second


def _may_be_template(a: Version, b: Version, shared: frozenset[str]) -> bool:
    """Return whether a text that names the place of neither source may be one that many bodies publish.

    So it may when both are bodies of single places, or of one federation ("Age UK York"), or when no number and only
    one name tells it from other texts.
    """
    if (a.is_local and b.is_local) or not a.source_names.isdisjoint(b.source_names):
        return True
    names = {name for name in a.text_names if shared.issuperset(name)}
    return len(names) < 2 and not any(map(is_mark, a.words & b.words))


def _copied(a: Version, b: Version) -> float:
    """Return how much of the shorter text stands in the longer one, of 100; 0 for a text of few words."""
    short, long = sorted((a, b), key=lambda each: len(each.opening_words))
    if len(short.opening_words) < _LEAST_WORDS:
        return 0
    texts = " ".join(short.opening_words), " ".join(long.opening_words)
    copied = max(fuzz.partial_ratio(*texts), fuzz.token_sort_ratio(*texts))
    return copied if len(short.opening_words) >= _MANY_WORDS else min(copied, _COPIED)


def _is_retold(a: Version, b: Version) -> bool:
    """Return whether the titles are the same, and telling, and the texts have most words in common."""
    if min(len(_content(each.title_words).split()) for each in (a, b)) < _TELLING_TITLE:
        return False
    if min(len(a.opening_words), len(b.opening_words)) < _LEAST_WORDS:
        return False
    if fuzz.token_sort_ratio(_content(a.title_words), _content(b.title_words)) < _SAME_TITLE:
        return False
    return fuzz.token_set_ratio(_content(a.opening_words), _content(b.opening_words)) >= _ALIKE


def _titles_agree(a: Version, b: Version) -> bool:
    """Return whether each says all that the other's title says in numbers, dates and names."""
    return not any(
        (is_mark(word) and not is_quantity(word) and word not in other.words)
        or (word in own.title_names - a.lower - b.lower and not _is_near(word, other.words, 1))
        for own, other in ((a, b), (b, a))
        for word in own.title_words
    )


def _tells_of(a: Version, b: Version) -> bool:
    """Return whether `b` tells of all that the title of `a` is about, and of the same stage of it."""
    if not a.title_stages <= b.stages:
        return False
    # A word of the title that its own text takes up is what it is about.
    about = [word for word in a.title_words if word not in STOP_WORDS and _is_near(word, a.opening_words)]
    return all(_is_near(word, b.words) for word in about)


def _disagree(a: Version, b: Version) -> bool:
    """Return whether each has a number, or each a name, that the other lacks."""
    numbers = [frozenset(word for word in each.words if is_mark(word)) for each in (a, b)]
    names = [each.names - a.lower - b.lower for each in (a, b)]
    return any(_lacks(mine, b) and _lacks(others, a) for mine, others in (numbers, names))


def _lacks(words: frozenset[str], version: Version) -> bool:
    return any(not _is_near(word, version.words, 1) for word in words)


def _shared_names(a: Version, b: Version) -> frozenset[str]:
    """Return the names that both hold; the first word of a sentence is none unless a source's name holds it too."""
    inside = a.names & b.words | b.names & a.words
    first = a.words & b.words & (a.source_names | b.source_names)
    return (inside | first) - a.lower - b.lower


def _content(words: Collection[str]) -> str:
    return " ".join(word for word in words if word not in STOP_WORDS)


def _is_near(word: str, words: Collection[str], tail: int = 3) -> bool:
    """Return whether a word stands among others, or one that differs by at most `tail` letters at its end."""
    if word in words or f"{word}s" in words or word.removesuffix("s") in words:
        return True
    if len(word) < 4 or is_mark(word):
        return False
    return any(Prefix.distance(word, other) <= tail for other in words if other.startswith(word[:4]))
