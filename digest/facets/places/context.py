"""Judge by the words around a place name whether the text is about that place. Pure.

A name may also be a venue, an address, a surname or an ordinary word. `seq` is the words of the text, and
seq[first:last] the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from digest.facets.words import BREAK, Word


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Words before a name that make it a place.
_PREPOSITIONS = _set("in near around across throughout outside within from at")
_OF = _set("city town borough district county council people residents university port bishop mayor")
# Words right after a name that only a place can have.
_CIVIC = _set(
    "council councils councillor councillors borough hospital hospitals residents nhs ccg icb police station "
    "constabulary mayor mp mps prison academy district county city town"
)
_UK_ONLY = _set("borough district nhs ccg icb constabulary metropolitan unitary")
_STREETS = _set("road street lane avenue square gardens terrace crescent")
_HALLS = _set("hall stadium arena hotel racecourse")
# Words before "in Leeds" that make it the venue of a meeting, and not the subject of the text.
_MEETINGS = _set(
    "conference conferences event events seminar seminars roundtable webinar summit symposium unconference "
    "hackday hackathon meetup agm festival camp exhibition expo congress convention venue keynote speaking "
    "speak spoke attending attended attend attendees delegates hosted gathered masterclass barcamp"
)
_MEETING_PAIRS = frozenset(
    {
        ("hack", "day"), ("held", "in"), ("held", "at"), ("taking", "place"), ("took", "place"), ("takes", "place"),
        ("meeting", "in"), ("meeting", "at"), ("workshop", "in"), ("workshop", "at"), ("workshops", "in"),
        ("join", "us"), ("met", "in"), ("training", "day"), ("away", "day"), ("study", "visit"),
    }
)  # fmt: skip
_AT = frozenset(("in", "at", ",", "the", "to"))
_MONTHS = _set("january february march april may june july august september october november december")
_COMPASS = _set("north south east west northern southern eastern western central mid greater")
_PEOPLES = _set(
    "american australian canadian chinese danish dutch european finnish french german irish italian japanese nordic "
    "spanish swedish"
)
_REACH = 8  # words before a name that are searched for a meeting


@cache
def _given_names() -> frozenset[str]:
    """Return the given names of people, which make the next word a surname."""
    data = files("digest.facets.places").joinpath("data", "given.txt").read_text(encoding="utf-8")
    return frozenset(line for line in data.splitlines() if not line.startswith("#"))


def _key(seq: Sequence[Word], index: int) -> str:
    """Return the folded word at an index, BREAK before the first word and after the last."""
    return seq[index].key if 0 <= index < len(seq) else BREAK


def is_compass(seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is only compass points: "North East", "Mid"."""
    return all(seq[i].key in _COMPASS for i in range(first, last))


def names_its_country(text: str, seq: Sequence[Word], last: int, first: int, end: int) -> bool:
    """Return whether the name seq[first:end] is the country of the name that ends before seq[last].

    True for "Durham, Ohio": a comma between them, and neither a list ("Leeds, Oslo and Rome") nor a people.
    """
    if first - last != 1 or seq[last].key != "," or seq[first].key in _PEOPLES:
        return False
    listed = _key(seq, end) == "," and end + 1 < len(seq) and text[seq[end + 1].start].isupper()
    return not listed and _key(seq, end) not in ("and", "or")


def other_meaning(text: str, seq: Sequence[Word], first: int, last: int, kind: str) -> str:
    """Return why the text is not about the place of this name and `kind`, or ""."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if kind in ("town", "council", "county") and before in _given_names() and text[seq[first - 1].start].isupper():
        return "a surname"
    if kind not in ("nation", "region", "outside") and after in _STREETS and text[seq[last].start].isupper():
        return "an address"
    if (before == "of" and _key(seq, first - 2) == "university") or after in ("university", "uni"):
        return "a university"
    if kind != "outside" and _is_venue(seq, first, last):
        return "a venue"
    return ""


def _is_venue(seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is a venue: a meeting just before it, a hall named after it, or a date following it."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if after in _HALLS or (before in ("at", "in") and _key(seq, last + 1) in _HALLS):
        return True
    if after == "," and _is_date(seq, last + 1):
        return True
    # "Hack Day 13 - London", "Annual conference: Leeds": a meeting, with its venue as the last word.
    last_word = after == BREAK
    start = first - 1 if not (last_word and before == BREAK) else first - 2
    near: list[str] = []
    for index in range(start, max(-1, start - _REACH), -1):
        if seq[index].key == BREAK:
            break
        near.append(seq[index].key)
    near.reverse()
    if not near or not (near[-1] in _AT or (last_word and (before == BREAK or _labels_venue(near[-1])))):
        return False
    return any(key in _MEETINGS for key in near) or any(pair in _MEETING_PAIRS for pair in pairwise(near))


def _labels_venue(key: str) -> bool:
    """Return whether a word may stand right before a venue in place of a preposition: a number, or a meeting."""
    return key[:1].isdigit() or key == "day" or key in _MEETINGS


def _is_date(seq: Sequence[Word], index: int) -> bool:
    """Return whether a date begins at an index: "12 June", "June 12"."""
    pair = (_key(seq, index), _key(seq, index + 1))
    return (pair[0][:1].isdigit() and pair[1] in _MONTHS) or (pair[0] in _MONTHS and pair[1][:1].isdigit())


def civic(seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the words around the name are British: "Boston Borough Council", "Borough of Reading"."""
    if _key(seq, first - 1) == "of" and _key(seq, first - 2) in ("borough", "district"):
        return True
    return _key(seq, last) in _UK_ONLY


def located(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether words around the name make it a place: "in Reading", "Reading council", "the city of Bath"."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if after in _CIVIC:
        return True
    if before == "of":
        return _key(seq, first - 2) in _OF
    if before not in _PREPOSITIONS:
        return False
    # Not so in "in Bath Time" and "in March 2024", because a capital or a number follows where a place would end.
    return not (last < len(seq) and (after[:1].isdigit() or _goes_on(text, seq, first, last)))


def _goes_on(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether a capitalised longer word follows: "in Reading Skills". False where all is in CAPITALS."""
    word, before = seq[last], seq[first - 1]
    shouted = text[before.start : before.end].isupper()
    return word.key not in (",", BREAK) and len(word.key) > 3 and text[word.start].isupper() and not shouted
