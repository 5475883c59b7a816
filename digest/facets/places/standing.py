"""Judge by the words around a place name how firmly it stands in its text. Pure.

`seq` is the words of the text, and seq[first:last] the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from digest.facets.places import context
from digest.facets.words import BREAK, Word, key_at, word_set

# How a name stands: FIRM where it has, holds or does something ("in Luton", "Luton's nurses", "Luton opens a hub"),
# PLAIN, or LOOSE as a part of a longer name, which may be a company's or a person's ("Luton Nanopore").
FIRM, PLAIN, LOOSE = 2, 1, 0

_WITHIN = word_set("in across around throughout within for of")
# Words with a capital after a place that make the name of a body or site of that place.
_LOCAL = word_set(
    "council councils city town borough county district unitary combined metropolitan hospital hospitals infirmary "
    "nhs health healthcare care trust police constabulary fire ambulance prison school schools academy college "
    "library museum market station airport port harbour street road park forest castle cathedral estate centre youth "
    "community communities partnership consortium board authority housing homes safeguarding safer early help hub "
    "hubs pilot pilots scheme project programme service services and deal mind carers families voluntary local mayor "
    "mp mps crisis women domestic drug social adult children mental integrated area north south east west central "
    "rail water bus transport civic islands island valley bay coast beach fell moor"
)
# Names of places that are at least as often met as surnames: those among the 5,000 most frequent.
_SURNAMES = word_set(
    "ashford atherton bedford blackburn bolton bromley buxton carlisle chester crawley cromer dover dudley durham "
    "galloway gower grantham harlow hatfield hendon hull kent lancaster lincoln livingston loftus mansfield matlock "
    "oldham poole preston salisbury scarborough spalding stafford stockton stroud sutherland wakefield winchester "
    "york"
)
_PERSONAL = word_set("i me my myself you yourself")
# Words of a sentence that is about a meeting; awards and events are the news of a place.
_MEETINGS = word_set(
    "conference conferences summit roundtable webinar seminar symposium keynote hackathon expo unconference hosted "
    "podium debate speaking"
)
_REACH = 40  # words on each side of a name that are searched, because a sentence is rarely longer


def standing(text: str, seq: Sequence[Word], first: int, last: int, *, capitals: bool) -> int:
    """Return how firmly a name stands: FIRM, PLAIN or LOOSE.

    `capitals`: the text has capitals on nearly all words, so that they tell nothing.
    """
    before = first - 2 if key_at(seq, first - 1) == "the" else first - 1
    if key_at(seq, before) in _WITHIN or context.is_local(text, seq, first, last):
        return FIRM
    if not capitals and _is_part(text, seq, first, last):
        return LOOSE
    starts = key_at(seq, first - 1) == BREAK
    if starts and key_at(seq, last) == BREAK:  # "Stafford: how meals came back"
        return FIRM
    if last - first == 1 and seq[first].key in _SURNAMES:  # "Stafford asks" may be of a person
        return LOOSE
    return FIRM if starts else PLAIN


def _is_part(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether a word with a capital stands right beside a name, and is no local body's."""
    if last - first == 1 and last < len(seq) and _is_capitalised(text, seq[last]) and seq[last].key not in _LOCAL:
        return "-" not in text[seq[last - 1].end : seq[last].start]
    before = first - 1
    inside = before > 0 and seq[before - 1].key != BREAK and "-" not in text[seq[before].end : seq[first].start]
    return inside and _is_capitalised(text, seq[before]) and not context.is_compass(seq, before, first)


def _is_capitalised(text: str, word: Word) -> bool:
    """Return whether a word begins with its only capital, unlike "NHS" and "GPs"."""
    written = text[word.start : word.end]
    return written[:1].isupper() and written[1:2].islower()


def level_lists(stands: list[int], listed: Sequence[bool]) -> None:
    """Let each name of a list stand as firmly as its firmest; FIRM where three are listed.

    `listed` tells of each name but the last whether a list goes on from it to the next.
    """
    first = 0
    for number in range(len(stands)):
        if number < len(listed) and listed[number]:
            continue
        if number > first:
            firmest = FIRM if number - first > 1 else max(stands[first : number + 1])
            stands[first : number + 1] = [firmest] * (number + 1 - first)
        first = number + 1


def has_capitals(text: str, seq: Sequence[Word]) -> bool:
    """Return whether nearly all longer words of a text begin with a capital, as in some titles."""
    longer = [w for before, w in pairwise(seq) if w.end - w.start > 4 and before.key != BREAK]
    return 4 * sum(text[word.start].islower() for word in longer) < len(longer)


def sentence_words(text: str, seq: Sequence[Word], first: int, last: int) -> frozenset[str]:
    """Return the words of the sentence that a name stands in."""
    start = end = first
    while start > max(0, first - _REACH) and text[seq[start - 1].start] not in ".?!\n":
        start -= 1
    while end < min(len(seq), last + _REACH) and text[seq[end].start] not in ".?!\n":
        end += 1
    return frozenset(word.key for word in seq[start:end])


def is_personal(words: frozenset[str]) -> bool:
    """Return whether the words of a sentence speak of its writer or its reader."""
    return not words.isdisjoint(_PERSONAL)


def is_meeting(words: frozenset[str]) -> bool:
    """Return whether the words of a sentence speak of a meeting."""
    return not words.isdisjoint(_MEETINGS)
