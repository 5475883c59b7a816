"""Take what a reader answers to an entry that they had: useful, not for them, or what they did with it.

A reader has one answer of each kind to an entry, and may change it or take it back. "Useful" takes the place of "not
for me", and the other way round. The same answer twice is one answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from digest.installation import Installation
from digest.store import answers, entries
from digest.store.answers import ANSWERS, NOT_FOR_ME, TRIED, USEFUL, EntryAnswer
from subscribers.errors import SubscribersError
from subscribers.invisible import one_line

LONGEST_ANSWER = 200  # characters, because a letter tells it on one line
LONGEST_PLACE = 60
_OTHER = {USEFUL: NOT_FOR_ME, NOT_FOR_ME: USEFUL}


class NotTheirs(SubscribersError):
    """A reader answers to an entry that no letter has brought them."""


@dataclass(frozen=True, slots=True)
class EntryToAnswer:
    """Hold what the form at an entry shows: the entry, and the reader's answers to it by kind."""

    number: int
    title: str
    given: Mapping[str, EntryAnswer] = field(default_factory=dict)


def entries_to_answer(conn: Connection, reader: int, numbers: Collection[int]) -> dict[int, EntryToAnswer]:
    """Return those of some entries that a reader may answer, as they had them, with their answers."""
    had = answers.entries_had(conn, reader, numbers)
    titles = {number: entry.title for number, entry in entries.many(conn, sorted(had)).items()}
    given: dict[int, dict[str, EntryAnswer]] = {}
    for answer in answers.answers_of(conn, reader, had):
        given.setdefault(answer.entry, {})[answer.kind] = answer
    return {number: EntryToAnswer(number, title, given.get(number, {})) for number, title in titles.items()}


def mistakes_in(answer: EntryAnswer) -> dict[str, str]:
    """Return {field: code of what is wrong with it} of an answer as it was typed, {} without a mistake."""
    wrong = {}
    if answer.kind == TRIED and not answer.text:
        wrong["text"] = "empty"
    if len(answer.text) > LONGEST_ANSWER:
        wrong["text"] = "long"
    if answer.named and not answer.place:
        wrong["place"] = "no_place"
    if len(answer.place) > LONGEST_PLACE:
        wrong["place"] = "long_place"
    return wrong


def typed_answer(entry: int, kind: str, text: str, place: str, *, named: bool) -> EntryAnswer:
    """Return an answer of the typed fields: on one line each, and only those that its kind has."""
    if kind not in ANSWERS:
        raise ValueError(f"{kind!r} is no kind of answer")
    named = named and kind == TRIED
    words = "" if kind == USEFUL else one_line(text)
    # No place is kept of a reader who does not want it to be named, because nobody needs it.
    return EntryAnswer(entry, kind, words, one_line(place) if named else "", named)


def give_answer(conn: Connection, installation: Installation, reader: int, answer: EntryAnswer) -> None:
    """Store an answer without mistakes. Raises NotTheirs."""
    _check_had(conn, reader, answer.entry)
    if other := _OTHER.get(answer.kind):
        answers.remove_answer(conn, reader, answer.entry, other)
    answers.store_answer(conn, reader, answer, installation.clock())


def take_answer_back(conn: Connection, reader: int, entry: int, kind: str) -> None:
    """Remove a reader's answer, from wherever it stands; nothing happens where there is none. Raises NotTheirs."""
    _check_had(conn, reader, entry)
    answers.remove_answer(conn, reader, entry, kind)


def _check_had(conn: Connection, reader: int, entry: int) -> None:
    if entry not in answers.entries_had(conn, reader, [entry]):
        raise NotTheirs(f"no letter has brought them entry {entry}")
