"""Compare two texts sentence by sentence, to tell whether one stands in the other. Pure.

A word more, a word less or another word may turn a sentence round ("agreed", "not agreed"; "under", "over"), so only
words that never do are passed over.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from digest.learning.outline import sentences
from digest.learning.telling_words import denials, listed

MOST = 20_000  # characters of a text that are compared, because a stranger wrote it
_MOST_READ = 3 * MOST  # characters of which these are, with its tags
_BLOCK = re.compile(r"</?(?:p|div|li|ul|ol|h[1-6]|br|tr|td|th|section|article|blockquote|figcaption)\b[^<>]*>", re.I)
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"\n\s*\n")
_CUT = re.compile(r"(?:…|\.\.\.)[\s)\]]*$")
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*(?:'[^\W\d_]+)?")
# Words that sites add to a text, and remarks on its correction or its origin.
_ADDED = re.compile(
    r"(?:continue reading|read (?:more|the full|the rest|on)\b|\[correction\b"
    r"|the post .{5,300}? (?:appeared first|first appeared) on\b)",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\(corrected from [^)]{1,80}\)"
    r"|, (?:new |the )?(?:figures|data|report|study|survey|council|trust) (?:shows?|says?)(?=[.!?])",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"by (?:\S+ ){1,7}\S+\.", re.IGNORECASE)
_FILLERS = listed("a an the that which this these those of who are is their its")
_MOST_NAMES = 6  # words of each of two things that change places ("the trust and the council")
# Sentences that are looked for by their words, and words of one in which things change places, at most: a stranger
# wrote them.
_MOST_SENTENCES, _MOST_WORDS = 40, 100


class Sentence(NamedTuple):
    """Hold the words of a sentence that may tell something; `cut` of one that ends with dots in place of the rest."""

    words: tuple[str, ...]
    cut: bool = False


def sentences_of(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text, plain or HTML, as far as it is compared; headings and list items are some."""
    plain = html.unescape(_TAG.sub(" ", _BLOCK.sub("\n\n", text[:_MOST_READ])))
    plain = _REMARK.sub(" ", plain.replace("’", "'").replace("‘", "'"))
    blocks = (" ".join(block.split()) for block in _BREAK.split(plain[:MOST]))
    parts = [part for block in blocks for part in sentences(block) if not _ADDED.match(part)]
    if parts and _BYLINE.fullmatch(parts[0]):
        del parts[0]
    told = [Sentence(words_that_tell(part), _CUT.search(part) is not None) for part in parts]
    if len(plain) > MOST and told:
        told[-1] = told[-1]._replace(cut=True)
    return tuple(sentence for sentence in told if sentence.words)


def words_that_tell(text: str) -> tuple[str, ...]:
    """Return the words of a plain text that may tell something, without case."""
    words = (word.casefold().removesuffix("'s") for word in _WORD.findall(text))
    return tuple(word for word in words if word not in _FILLERS)


def is_contained(a: Sequence[Sentence], b: Sequence[Sentence]) -> bool:
    """Return whether each sentence of one of two texts stands in the other, as each one of a teaser does."""
    return bool(a and b) and (not _missing(a, b) or not _missing(b, a))


def _missing(some: Iterable[Sentence], others: Sequence[Sentence]) -> bool:
    """Return whether one of the sentences does not stand among the others."""
    whole = {other.words for other in others}
    left = [sentence for sentence in some if sentence.words not in whole]
    return len(left) > _MOST_SENTENCES or any(
        not any(_is_like(sentence, other) for other in others) for sentence in left
    )


def _is_like(sentence: Sentence, other: Sentence) -> bool:
    """Return whether two sentences have the same words in the same order; a cut one those it has."""
    words, others = sentence.words, other.words
    if sentence.cut and len(words) < len(others):
        # The last word may be cut too.
        return others[: len(words) - 1] == words[:-1] and others[len(words) - 1].startswith(words[-1])
    return _is_turned(words, others)


def _is_turned(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether two things joined by "and" change places, as the names of two bodies in their joint note."""
    if len(words) > _MOST_WORDS or Counter(words) != Counter(others):
        return False
    return any(
        words[:start] + words[at + 1 : end] + ("and",) + words[start:at] + words[end:] == others
        and not denials(words[start:end])
        for at in (at for at, word in enumerate(words) if word == "and")
        for start in range(max(0, at - _MOST_NAMES), at)
        for end in range(at + 2, min(at + 1 + _MOST_NAMES, len(words)) + 1)
    )
