"""Judge a place by the words around it: is it the subject, or a venue, an address, a surname, a word? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from digest.facets.words import BREAK, Word


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Words that put the next name on a map.
_PREPOSITIONS = _set("in near around across throughout outside within from at")
_OF = _set("city town borough district county council people residents university port bishop mayor")
# Words right after a name that only a place of that name has.
_CIVIC = _set(
    "council councils councillor councillors borough hospital hospitals residents nhs ccg icb police station "
    "constabulary mayor mp mps prison academy district county city town"
)
_UK_ONLY = _set("borough district nhs ccg icb constabulary metropolitan unitary")
_STREETS = _set("road street lane avenue square gardens terrace crescent")
_HALLS = _set("hall stadium arena hotel racecourse")
# Words that make "in LEEDS" the place of a meeting and not what the text is about.
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
_REACH = 8  # words before a name in which a meeting is looked for


@cache
def _given() -> frozenset[str]:
    data = files("digest.facets.places").joinpath("data", "given.txt").read_text(encoding="utf-8")
    return frozenset(line for line in data.splitlines() if not line.startswith("#"))


def _key(seq: Sequence[Word], here: int) -> str:
    return seq[here].key if 0 <= here < len(seq) else BREAK


def is_compass(seq: Sequence[Word], first: int, last: int) -> bool:
    """True when the words are only compass points: "North East", "Mid"."""
    return all(seq[i].key in _COMPASS for i in range(first, last))


def names_its_country(text: str, seq: Sequence[Word], last: int, first: int, end: int) -> bool:
    """True for "Durham, Ohio": a comma between, and neither a list ("Leeds, Oslo and Rome") nor a people."""
    if first - last != 1 or seq[last].key != "," or seq[first].key in _PEOPLES:
        return False
    listed = _key(seq, end) == "," and end + 1 < len(seq) and text[seq[end + 1].start].isupper()
    return not listed and _key(seq, end) not in ("and", "or")


def doubt(text: str, seq: Sequence[Word], first: int, last: int, kind: str) -> str:
    """Return why the name at words[first:last] is not what the text is about, or ""."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if kind in ("town", "council", "county") and before in _given() and text[seq[first - 1].start].isupper():
        return "a surname"
    if kind not in ("nation", "region", "outside") and after in _STREETS and text[seq[last].start].isupper():
        return "an address"
    if (before == "of" and _key(seq, first - 2) == "university") or after in ("university", "uni"):
        return "a university"
    if kind != "outside" and _is_venue(seq, first, last):
        return "a venue"
    return ""


def _is_venue(seq: Sequence[Word], first: int, last: int) -> bool:
    """A meeting named just before "in" or "at" the place, a hall named after it, or a date following it."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if after in _HALLS or (before in ("at", "in") and _key(seq, last + 1) in _HALLS):
        return True
    if after == "," and _is_date(seq, last + 1):
        return True
    # "Hack Day 13 - London", "Annual conference: Leeds": a meeting, and its place as the last word.
    last_word = after == BREAK
    start = first - 1 if not (last_word and before == BREAK) else first - 2
    near: list[str] = []
    for here in range(start, max(-1, start - _REACH), -1):
        if seq[here].key == BREAK:
            break
        near.append(seq[here].key)
    near.reverse()
    if not near or not (near[-1] in _AT or (last_word and (before == BREAK or _labels_it(near[-1])))):
        return False
    return any(key in _MEETINGS for key in near) or any(pair in _MEETING_PAIRS for pair in pairwise(near))


def _labels_it(key: str) -> bool:
    """True for what stands between a meeting and its place when no preposition does: a number, or the meeting."""
    return key[:1].isdigit() or key == "day" or key in _MEETINGS


def _is_date(seq: Sequence[Word], here: int) -> bool:
    pair = (_key(seq, here), _key(seq, here + 1))
    return (pair[0][:1].isdigit() and pair[1] in _MONTHS) or (pair[0] in _MONTHS and pair[1][:1].isdigit())


def civic(seq: Sequence[Word], first: int, last: int) -> bool:
    """True for words that only a British place of that name has: "Boston Borough Council", "Borough of Reading"."""
    if _key(seq, first - 1) == "of" and _key(seq, first - 2) in ("borough", "district"):
        return True
    return _key(seq, last) in _UK_ONLY


def located(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """True when the words around put the name on a map: "in Reading", "Reading council", "the city of Bath"."""
    before, after = _key(seq, first - 1), _key(seq, last)
    if after in _CIVIC:
        return True
    if before == "of":
        return _key(seq, first - 2) in _OF
    if before not in _PREPOSITIONS:
        return False
    # "in Bath Time" and "in March 2024": a capital or a number goes on where a place would end.
    return not (last < len(seq) and (after[:1].isdigit() or _goes_on(text, seq, first, last)))


def _goes_on(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """True when a capitalised longer word follows directly: "in Reading Skills". Says nothing in ALL CAPITALS."""
    word, before = seq[last], seq[first - 1]
    shouted = text[before.start : before.end].isupper()
    return word.key not in (",", BREAK) and len(word.key) > 3 and text[word.start].isupper() and not shouted
