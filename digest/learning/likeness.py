"""Judge whether two entries of different sources tell the same, so that readers get one of them. Pure.

A wrong "yes" takes an entry from readers, a wrong "no" shows them one twice. So any sign of two entries decides:
another number, date, name, place or stage of a story; what is left must be alike in title and text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from heapq import nlargest
from itertools import filterfalse

from rapidfuzz import fuzz
from rapidfuzz.distance import Prefix

from digest.learning.sentences import is_contained
from digest.learning.telling_words import (
    STOP_WORDS,
    denials,
    is_headline_verb,
    is_limit,
    is_mark,
    is_quantity,
    is_verdict,
)
from digest.learning.versions import Version, title_words

WINDOW = timedelta(days=30)
_AT_ONCE = timedelta(days=3)  # a notice that comes every week comes later than this
_WITHOUT_NUMBERS = timedelta(days=14)  # and one of every month, which tells no number, later than this
# Of 100: how much of the shorter text stands in the longer, and how many words of texts, and of titles, are common.
_VERBATIM, _COPIED, _ALIKE = 96, 90, 65
_SAME_TITLE, _LIKE_TITLE, _SOME_TITLE = 93, 55, 40
_LEAST_WORDS, _MANY_WORDS, _TELLING_TITLE = 10, 15, 5
_MOST_LIKELY = 20
_SUMMARY = 900  # characters of a text that may be a summary in other words; of a longer one too much may differ
# Of 100: how many words two such may have in the same order; of more, one is the other with a word changed.
_ANEW = 60
_STEM = 6  # letters that words of one family have in common ("prescribing", "prescription")


def are_near_duplicates(a: Version, b: Version) -> bool:
    """Return whether two entries are one text, as a press note or case study that two sources publish."""
    if a.source == b.source or abs(a.day - b.day) > _window(a, b):
        return False
    if a.is_advert or b.is_advert or not _titles_agree(a, b) or _disagree(a, b) or _tell_apart(a, b):
        return False
    if not _are_of_one_place(a, b):
        return False
    copied, common = _copied(a, b), fuzz.token_set_ratio(_content(a.title_words), _content(b.title_words))
    if copied >= _COPIED and common >= (_SOME_TITLE if copied >= _VERBATIM else _LIKE_TITLE):
        # The sentences last, because they are those of the whole texts.
        return is_contained(a.sentences, b.sentences) or _is_retold(a, b)
    return _is_retold(a, b)


def _window(a: Version, b: Version) -> timedelta:
    """Return how far apart two entries may come out: a notice that is given again and again comes again soon."""
    if a.is_regular or b.is_regular:
        return _AT_ONCE
    return WINDOW if any(map(is_mark, a.words & b.words)) else _WITHOUT_NUMBERS


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


def _are_of_one_place(a: Version, b: Version) -> bool:
    """Return whether both tell of one place, or their text names one of the sources, or the sources are of one place.

    Else it may be a template, as of a week of the nation, that bodies of many places publish in the same words.
    """
    first, second = sorted((a.source_names, b.source_names), key=len)
    if a.place_names and a.place_names == b.place_names:
        return True
    # A word that both sources have is that of a federation ("Age UK York"), unless one name is in the other.
    return bool(_shared_names(a, b) & (first ^ second)) or (bool(first) and first <= second)


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
    if max(len(a.text), len(b.text)) > _SUMMARY or not _tell_as_much(a, b):
        return False
    if fuzz.ratio(a.opening_words, b.opening_words) > _ANEW:
        return False
    if fuzz.token_sort_ratio(_content(a.title_words), _content(b.title_words)) < _SAME_TITLE:
        return False
    return fuzz.token_set_ratio(_content(a.opening_words), _content(b.opening_words)) >= _ALIKE


def _tell_as_much(a: Version, b: Version) -> bool:
    """Return whether two summaries in different words have the same numbers, names, stages, verdicts and denials."""
    if a.text_stages != b.text_stages or denials(a.opening_words) != denials(b.opening_words):
        return False
    return not any(
        (is_mark(word) or is_limit(word) or is_verdict(word) or word in own.names - own.lower)
        and not _is_near(word, other.words, 1)
        for own, other in ((a, b), (b, a))
        for word in own.words
    )


def _titles_agree(a: Version, b: Version) -> bool:
    """Return whether each says all that the other's title says in numbers, dates, names, limits and denials."""
    if denials(a.title_words) != denials(b.title_words):
        return False
    return not any(
        (is_limit(word) and word not in other.title_words and not {word} <= {*a.opening_words} & {*b.opening_words})
        or (is_mark(word) and not is_quantity(word) and word not in other.words)
        or (word in own.title_names - a.lower - b.lower and not _is_near(word, other.words, 1))
        for own, other in ((a, b), (b, a))
        for word in own.title_words
    )


def _tell_apart(a: Version, b: Version) -> bool:
    """Return whether two titles are about different things, or different stages of one thing.

    A title is about a word that its own text takes up; such a word must stand in the other entry. Of the other words
    that the other entry lacks, one title may have some ("Farm visits to end" and "Farm visits"), but not both.
    """
    (about_a, loose_a), (about_b, loose_b) = _lacking(a, b), _lacking(b, a)
    of_one_stem = {word for word in loose_a if any(word[:_STEM] == other[:_STEM] for other in loose_b)}
    return bool(about_a or about_b or (loose_a - of_one_stem and loose_b))


def _lacking(a: Version, b: Version) -> tuple[set[str], set[str]]:
    """Return the words and stages of the title of `a` that `b` lacks: those that its own text has, and the others."""
    words = {word for word in a.title_words if word not in STOP_WORDS and not _is_near(word, b.words)}
    about = {word for word in words if _is_near(word, a.opening_words)}
    stages = a.title_stages - b.stages
    return about | (stages & a.text_stages), {*filterfalse(is_headline_verb, words - about)} | (
        stages - a.text_stages
    )


def _disagree(a: Version, b: Version) -> bool:
    """Return whether each has a number, or each a name, that the other lacks."""
    numbers = [frozenset(word for word in each.words if is_mark(word)) for each in (a, b)]
    names = [each.names - a.lower - b.lower for each in (a, b)]
    return any(_lacks(mine, b) and _lacks(others, a) for mine, others in (numbers, names))


def _lacks(words: Collection[str], version: Version) -> bool:
    return any(word not in STOP_WORDS and not _is_near(word, version.words, 1) for word in words)


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
