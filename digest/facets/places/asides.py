"""Judge by the words around a place name whether it is only a venue or an example. Pure.

`seq` is the words of the text, and seq[first:last] the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from digest.facets.words import BREAK, Word, key_at, word_set


def _lines(listed: str) -> tuple[str, ...]:
    """Return the endings that a text of words, divided by spaces, is compared with, from a list divided by commas."""
    return tuple(f" {phrase.strip()}" for phrase in listed.split(","))


_HALLS = word_set("hall stadium arena hotel racecourse nec")
# Words before "in Leeds" that make it the venue of a meeting, and not the subject of the text.
_MEETINGS = word_set(
    "conference conferences event events seminar seminars roundtable webinar summit symposium unconference hackday "
    "hackathon meetup agm festival camp exhibition expo congress convention venue keynote attending attended attend "
    "attendees delegates hosted gathered masterclass barcamp roadshow ceremony awards showcase lecture"
)
# Words right after a name that make it the venue: "at a Leeds conference".
_LABELLED = word_set(
    "conference summit seminar symposium congress convention hackday hackathon webinar roundtable unconference "
    "meetup ceremony roadshow stage workshop workshops lecture podium"
)
_MEETING_PAIRS = frozenset(
    {
        ("hack", "day"), ("held", "in"), ("held", "at"), ("taking", "place"), ("took", "place"), ("takes", "place"),
        ("meeting", "in"), ("meeting", "at"), ("workshop", "in"), ("workshop", "at"), ("workshops", "in"),
        ("join", "us"), ("met", "in"), ("met", "at"), ("meet", "in"), ("meet", "at"), ("meets", "in"),
        ("meets", "at"), ("gather", "in"), ("gather", "at"), ("gathers", "in"), ("gathers", "at"), ("convene", "in"),
        ("convenes", "in"), ("convened", "in"), ("story", "in"), ("stage", "in"), ("stage", "at"), ("prize", "at"),
        ("prize", "in"), ("award", "at"), ("award", "in"), ("presented", "in"),
        ("speaks", "in"), ("speaking", "in"), ("speaking", "at"),
        ("spoke", "in"), ("spoke", "at"), ("talk", "in"),
        ("talks", "in"), ("panel", "in"),
        ("training", "day"), ("away", "day"), ("study", "visit"),
    }
)  # fmt: skip
_WORK = word_set("trial trials pilot pilots scheme project programme study evaluation research")
_AT = frozenset(("in", "at", ",", "the", "to"))
_MONTHS = word_set("january february march april may june july august september october november december")
# Words right before a name that make it an example, or a place that somebody came through.
_EXAMPLES = _lines(
    "such as,for example,for instance,e g,like,unlike,as in,than in,similar to,compared with,compared to,"
    "inspired by,modelled on,borrowed from,copied from,idea from,idea in,idea of,example for,example from,"
    "examples for,examples from,examples in,examples of,examples include,examples are,live from,walk from,"
    "minutes from,as a child in,as a student in,day out in,day out to,trip to,outing to,holiday in,holidays in,"
    "weekend in,born in,grew up in,brought up in,out of,fled,fled from,escaped from,lived in,living in,lives in,"
    "live in,visiting,visited,visit to,leaving,left,moved from,moved to,way to,way from,train to,train from,bus to,"
    "bus from,drove to,drove from,cycled to,cycled from,walked to,walked from,flew to,flew from,travelled to,"
    "travelled from,went to,went from"
)
_LEARNT = _lines("learn from,learned from,learnt from,learning from,lesson from,lessons from")
_BEGAN = (" began with ", " started with ", " began over ", " started over ")
# Words beside a name that make it the name of a way of working: "the Preston model", "model Preston".
_WAYS = word_set("model models approach method deal way formula experiment blueprint playbook dull cynllun dulliau")
# Words by which a way of working is taken up elsewhere: "comes to Wales", "inspires Kirklees".
_TAKEN_UP = word_set(
    "comes come came coming goes go went going spreads spread spreading travels travel travelled travelling arrives "
    "arrive arrived arriving reaches reach reached reaching lands land landed moves moved crosses crossed crossing "
    "inspires inspire inspired inspiring copied adopted adapted borrowed imported exported transplanted replicated "
    "rolled tried tested dod mynd cyrraedd ysbrydoli lledaenu"
)
_REACH = 8  # words before a name that are searched


def _near(seq: Sequence[Word], start: int) -> list[str]:
    """Return the words from seq[start] back to the start of the phrase, at most eight, in the order of the text."""
    near: list[str] = []
    for index in range(start, max(-1, start - _REACH), -1):
        if seq[index].key == BREAK:
            break
        near.append(seq[index].key)
    near.reverse()
    return near


def is_venue(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is a venue: a meeting beside it, a hall named after it, or a date beside it."""
    before, after = key_at(seq, first - 1), key_at(seq, last)
    if after in _HALLS or (before in ("at", "in") and key_at(seq, last + 1) in _HALLS):
        return True
    owns = text[seq[last - 1].start : seq[last - 1].end].endswith(("'s", "’s"))  # "Hull's conference trade is back"
    if (after in _LABELLED and not owns) or (
        after in ("host", "hosts") and any(w.key in _MEETINGS for w in seq[last : last + 8])
    ):
        return True
    if (
        _is_date(seq, last)
        or (after == "," and _is_date(seq, last + 1))
        or (before in (",", "in", "at") and _is_date(seq, first - 3))
    ):
        return True
    # "Hack Day 13 - London", "Annual conference: Leeds": a meeting, with its venue as the last word.
    last_word = after == BREAK
    near = _near(seq, first - 1 if not (last_word and before == BREAK) else first - 2)
    if not near or not (near[-1] in _AT or (last_word and (before == BREAK or _labels_venue(near[-1])))):
        return False
    if near[-1] == "," and after not in (",", "and", BREAK):  # "At a conference, Devon nurses told …"
        return False
    if any(key in _WORK for key in near):  # "the trial took place in Luton"
        return False
    return any(key in _MEETINGS for key in near) or any(pair in _MEETING_PAIRS for pair in pairwise(near))


def _labels_venue(key: str) -> bool:
    """Return whether a word may stand right before a venue in place of a preposition: a number, or a meeting."""
    return key[:1].isdigit() or key == "day" or key in _MEETINGS


def _is_date(seq: Sequence[Word], index: int) -> bool:
    """Return whether a date begins at an index: "12 June", "June 12"."""
    pair = (key_at(seq, index), key_at(seq, index + 1))
    return (pair[0][:1].isdigit() and pair[1] in _MONTHS) or (pair[0] in _MONTHS and pair[1][:1].isdigit())


def announces_venues(seq: Sequence[Word], last: int) -> bool:
    """Return whether a list of names that ends before seq[last] is one of venues: "Leeds, Exeter: roadshow dates"."""
    return key_at(seq, last) == BREAK and any(key_at(seq, last + n) in _LABELLED | _MEETINGS for n in (1, 2))


def is_example(text: str, seq: Sequence[Word], first: int, last: int, *, headline: bool) -> bool:
    """Return whether the name is an example, a comparison or an anecdote, and not what the text is about.

    "Lessons from Glasgow" are about Glasgow in a headline, and an example elsewhere.
    """
    if key_at(seq, last) in ("style", "esque", "born") and text[seq[last].start - 1] == "-":
        return True
    if [key_at(seq, last + n) for n in range(3)] in ([",", "for", "example"], [",", "for", "instance"]):
        return True
    if _is_way_taken_up(text, seq, first, last):
        return True
    near = " " + " ".join(_near(seq, first - 1)).removesuffix(" ,")
    if near.endswith(_EXAMPLES) or (near.endswith(_LEARNT) and not headline):
        return True
    return any(began in near for began in _BEGAN)


def _is_way_taken_up(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is that of a way of working, which the text says another place takes up."""
    if key_at(seq, last) not in _WAYS and key_at(seq, first - 1) not in _WAYS:
        return False
    verb = next((index for index in range(last, last + 5) if key_at(seq, index) in _TAKEN_UP), 0)
    # A name must follow the verb, because "the Preston model is tried" tells of Preston.
    after = range(verb + 1, min(verb + 5, len(seq))) if verb else ()
    return any(text[seq[index].start].isupper() for index in after)


def divides_list(seq: Sequence[Word], last: int, first: int) -> bool:
    """Return whether only commas, "and" and "or" stand between a name that ends before seq[last] and seq[first]."""
    between = [seq[index].key for index in range(last, first)]
    return bool(between) and len(between) <= 2 and set(between) <= {",", "and", "or", "then"}
