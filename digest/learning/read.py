"""Read the ingredients of a case study from its own sentences, headings and lists. Pure.

A heading decides most, then the cues in a sentence. A name is left empty rather than filled by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from digest.learning.acts import act_of, begins_with_act, is_daily
from digest.learning.advice import is_adaptable, is_advice, is_wish, tells_whom_to_ask
from digest.learning.alone import stands_alone
from digest.learning.barriers import barriers_of, is_hindrance
from digest.learning.bodies import names_body, names_partners
from digest.learning.changes import is_change, is_effect, is_result, is_rise, says_how_much
from digest.learning.headings import ADVICE, CLOSED, LATER, PARTNERS, section_of
from digest.learning.levels import LEVELS, level_of
from digest.learning.outline import Passage, passages
from digest.learning.told import is_own, is_told
from digest.model import INGREDIENTS, Ingredient

_LEAST, _MOST = 25, 400  # characters of a sentence that is worth a line
_SHORT = range(40, 161)  # characters that fit a line of a letter
_MOST_LINES = {"in-the-way": 3, "did": 3, "changed": 3, "must-stay": 3, "wanted": 2, "may-change": 2, "who-to-ask": 2}
# These tell of the whole, so that the sentence may stand under another name too.
_SHARED = ("place", "who-to-ask", "how-they-know", "how-far")
# A sentence that begins so follows on from another, and stands less well alone.
_FOLLOWS = re.compile(r"(?:this|these|that|however|but|and|so|also|both|here|there|then|yet)\b", re.IGNORECASE)
# An aim in a list begins with what is to be done: "to meet", "Make sure"; no thing, and nothing that is done.
_TO_DO = re.compile(
    r"(?:to\s|(?!(?:the|a|an|our|their|its|we|they|all|no|more|each|there)\b)\w+(?<!ing)(?<!ed)\s)", re.IGNORECASE
)
_ALIKE = 0.8  # of the words of the shorter one
_FIRST = 4  # sentences among which place and who are looked for


class _Candidate(NamedTuple):
    """A sentence that may stand under a name, and how surely."""

    name: str
    points: int
    passage: Passage


def read_ingredients(text: str) -> tuple[Ingredient, ...]:
    """Return the ingredients of a case study, by name in the order of INGREDIENTS, the best sentence of each first.

    `text` is plain text with "## " headings and "- " lists, or HTML. Every line stands in it but for white space.
    Never raises.
    """
    candidates = [each for passage in passages(text) for each in _judge(passage)]
    candidates.sort(key=lambda each: (-each.points, each.passage.place))
    lines: dict[str, list[str]] = {name: [] for name in INGREDIENTS}
    taken: set[str] = set()
    for name, _, passage in candidates:
        is_full = len(lines[name]) >= _MOST_LINES.get(name, 1) or _stands_in(passage.text, lines[name])
        if is_full or (name not in _SHARED and passage.text in taken):
            continue
        lines[name].append(passage.text)
        if name not in _SHARED:
            taken.add(passage.text)
    return tuple(
        Ingredient(name, line, barriers_of(line) if name == "in-the-way" else ())
        for name, texts in lines.items()
        for line in texts
    )


def _stands_in(text: str, lines: list[str]) -> bool:
    """Return whether a text is among lines, but for a few words: a summary and its story begin alike."""
    words = {*text.split()}
    others = [{*line.split()} for line in lines]
    return any(len(words & other) >= _ALIKE * min(len(words), len(other)) for other in others)


def _judge(passage: Passage) -> Iterator[_Candidate]:
    """Yield the names that a sentence may stand under."""
    section = section_of(passage.heading)
    text = passage.text
    if section == CLOSED or passage.is_quotation or not _is_line(passage, section):
        return
    ease = 3 * (len(text) in _SHORT) - 2 * (_FOLLOWS.match(text) is not None) - (len(text) > 250)
    for name, points in _points(passage, section):
        if points > 0:
            yield _Candidate(name, 4 * points + ease, passage)


def _is_line(passage: Passage, section: str) -> bool:
    """Return whether a passage is a sentence, an item of a list or a contact, of a length that says something."""
    text = passage.text
    if not _LEAST <= len(text) <= _MOST:
        return False
    if section == "who-to-ask":
        return True
    is_ended = text.rstrip("\"'”’)]")[-1:] in (".", "!", "?")
    is_begun = text[0].isupper() or text[0].isdigit() or text[0] in "£“‘\"'"
    return len(text.split()) >= 5 and (passage.is_item or (is_ended and is_begun)) and stands_alone(text)


def _points(passage: Passage, section: str) -> Iterator[tuple[str, int]]:
    """Yield (name, points) for each name that a sentence fits; 0 or less: it does not."""
    text = passage.text
    yield "did", _act(passage, section)
    if not text.endswith("?"):
        yield "in-the-way", _hindrance(text, section)
        yield "wanted", _wish(passage, section)
        yield from _advice(text, section)
    yield "place", _place(passage, section)
    if tells_whom_to_ask(text):
        yield "who-to-ask", 4 if section == "who-to-ask" else 2
    if is_told(text):
        yield "changed", _change(text, section)
        for name in LEVELS:
            level = level_of(name, text)
            # A count of need is no count of what came of the work.
            if level and (level != "counted" or section in (name, "changed") or is_change(text)):
                yield name, 2 + (section in (name, "changed"))


def _change(text: str, section: str) -> int:
    if section in ("in-the-way", "wanted", LATER, PARTNERS, "place", "who-to-ask", "did"):
        return 0
    if section == ADVICE and not says_how_much(text):
        return 0
    if section != "changed" and is_rise(text):  # of need, as likely as of what is good
        return 0
    if not is_change(text):
        return 3 if section == "changed" and is_effect(text) else 0
    much = says_how_much(text)
    if section == "changed":
        return 4 + 2 * much
    return 2 + 2 * much if much or is_result(text) else 0


def _act(passage: Passage, section: str) -> int:
    if section in ("wanted", LATER, ADVICE, PARTNERS, "who-to-ask", "how-they-know"):
        return 0
    if passage.is_item and section == "did" and begins_with_act(passage.text):
        return 3
    act = act_of(passage.text)
    if section == "did":
        return {"act": 5, "passive": 4, "weak": 4, "idle": 4}.get(act, 3 * is_daily(passage.text))
    return {"act": 3, "weak": 2, "passive": 0 if section else 2}.get(act, 0) - (section in ("in-the-way", "changed"))


def _hindrance(text: str, section: str) -> int:
    if section in ("changed", "did", LATER, "wanted", "who-to-ask", "how-they-know"):
        return 0
    if section == "in-the-way":
        return 3 + 2 * bool(barriers_of(text)) if is_hindrance(text, strong=False) else 0
    return 3 if is_hindrance(text, strong=True) else 0


def _wish(passage: Passage, section: str) -> int:
    is_aim = passage.is_item and passage.begins and _TO_DO.match(passage.text)
    if section == "wanted" and (is_aim or passage.text.startswith("To ")):
        return 4
    if section in ("changed", LATER, ADVICE, "who-to-ask") or not is_wish(passage.text):
        return 0
    return 5 if section == "wanted" else 3


def _advice(text: str, section: str) -> Iterator[tuple[str, int]]:
    if section in (LATER, "in-the-way", "wanted", "who-to-ask"):
        return
    if is_adaptable(text):
        yield "may-change", 4 if section in (ADVICE, "may-change") else 2
    elif is_advice(text, strong=True):
        yield "must-stay", 4 if section == ADVICE else 2
    elif section == ADVICE and is_advice(text, strong=False):
        yield "must-stay", 3


def _place(passage: Passage, section: str) -> int:
    if section == PARTNERS:
        return 4 * names_partners(passage.text)
    is_opening = passage.place < _FIRST and section in ("", "place") and not _FOLLOWS.match(passage.text)
    return 5 - passage.place if is_opening and names_body(passage.text) and is_own(passage.text) else 0
