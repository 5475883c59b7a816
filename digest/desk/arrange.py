"""Arrange an edition for an editor: pin and order its entries, give its subject, note, question and small step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from digest import group
from digest.desk.acts import Hand, check_fresh, record
from digest.editions import draft
from digest.editions.named import edition_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import Edition
from digest.store import editions
from digest.store.editions import EditionWords
from digest.store.engine import writing
from subscribers.invisible import one_line

# {field of EditionWords: the most characters}.
MOST_WORDS = {"note": 2_000, "subject": 120, "question": 300, "step": 300}


def edition_name(number: int) -> str:
    """Return the name of an edition in the log."""
    return f"edition {number}"


def pin(installation: Installation, hand: Hand, number: int, entry: int, *, on: bool = True) -> list[str]:
    """Pin an entry of an edition: it stands before all that are not pinned; or take the pin out (`on` false).

    Return lines for a person. Raises WrongUse for an edition that is frozen and an entry that is not in it.
    """
    with _rearranging(installation, hand, number, "pin" if on else "unpin") as (order, pinned, move):
        place = _place_of(number, order, entry)
        if on == (place < pinned):
            raise WrongUse(f"entry {entry} is {'pinned already' if on else 'not pinned'}; nothing was changed")
        rest = [each for each in order if each != entry]
        at = pinned if on else pinned - 1
        move([*rest[:at], entry, *rest[at:]], pinned + 1 if on else pinned - 1, entry)
    return [f"entry {entry} is {'pinned' if on else 'not pinned any more'} in edition {number}"]


def move_entry(installation: Installation, hand: Hand, number: int, entry: int, place: int) -> list[str]:
    """Move an entry to a place of its edition, counted from 1; return lines for a person.

    Pinned entries stay before the others: past their end, an entry is not pinned any more; among them, it is pinned.
    Raises WrongUse as `pin` does.
    """
    with _rearranging(installation, hand, number, "move") as (order, pinned, move):
        here = _place_of(number, order, entry)
        rest = [each for each in order if each != entry]
        at = min(max(place, 1), len(order)) - 1
        still = pinned - (here < pinned)
        count = still + 1 if at < still else still + (here < pinned and at == still)
        move([*rest[:at], entry, *rest[at:]], count, entry)
    return [f"entry {entry} is number {at + 1} in edition {number}"]


def as_it_came(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Forget pins and places of an edition, so that its entries stand in their own order; return lines."""
    with editing(installation, hand, number, "reset order") as (conn, _):
        editions.arrange(conn, number, [], 0)
    return [f"the entries of edition {number} stand in their own order"]


def word_edition(installation: Installation, hand: Hand, number: int, wanted: Mapping[str, str]) -> list[str]:
    """Give an edition the editors' words for all its letters, {field of EditionWords: text}; return lines.

    A text "" leaves the words to the program. Raises WrongUse for a text that is too long, and as `pin` does.
    """
    fields = {name: _words(name, text) for name, text in wanted.items()}
    with editing(installation, hand, number, "word") as (conn, edition):
        editions.set_words(conn, number, editions.words_of(edition)._replace(**fields))
    return [f"the words of edition {number} are saved"]


def open_edition(conn: Connection, number: int) -> Edition:
    """Return an edition that is not frozen. Raises WrongUse when it is, or does not exist."""
    edition = edition_of(conn, number)
    if edition.state == "frozen":
        raise WrongUse(f"edition {number} is frozen: its letters are fixed; nothing was changed")
    return edition


def edition_values(edition: Edition) -> dict[str, Any]:
    """Return all that editors decide of an edition's words and order, as JSON."""
    return {**editions.words_of(edition)._asdict(), "arranged": list(edition.arranged), "pinned": edition.pinned}


def set_edition_values(conn: Connection, edition: Edition, some: Mapping[str, Any]) -> None:
    """Set some of the values of an edition, as `edition_values` gave them; inside `editing`."""
    values = edition_values(edition) | dict(some)
    editions.set_words(conn, edition.id, EditionWords(**{name: values[name] for name in EditionWords._fields}))
    editions.arrange(conn, edition.id, values["arranged"], values["pinned"])


@contextmanager
def editing(
    installation: Installation, hand: Hand, number: int, verb: str, noted: Mapping[str, Any] | None = None
) -> Iterator[tuple[Connection, Edition]]:  # fmt: skip
    """Open an edition to be changed; afterwards draft it again, and record the act, with what is `noted` of it."""
    with writing(installation.engine, "arrange") as conn:
        editions.serialise(conn)
        edition = open_edition(conn, number)
        check_fresh(conn, edition_name(number), hand)
        yield conn, edition
        draft.restate(conn, installation.settings, edition, installation.clock())
        after = editions.get(conn, number)
        assert after is not None
        values = edition_values(edition), edition_values(after)
        if values[0] != values[1]:
            record(conn, installation, hand, verb, edition_name(number), (values[0], values[1] | dict(noted or {})))


@contextmanager
def _rearranging(installation: Installation, hand: Hand, number: int, verb: str) -> Iterator[tuple[Any, ...]]:
    """Open the order of an edition: yield its ids, how many are pinned, and the function that stores both.

    An entry that was pinned and is not in the edition now keeps its pin, because a drop of it may be taken back.
    """
    noted: dict[str, Any] = {}
    with editing(installation, hand, number, verb, noted) as (conn, edition):
        rows = editions.shown(conn, number)
        order = [row.entry.id for row in rows]
        away = [entry for entry in edition.arranged[: edition.pinned] if entry not in order]
        pinned = edition.pinned - len(away)
        # As a draft has them: the new entries, and behind them those that are only carried over.
        parts = ([row.entry for row in rows if bool(row.release) is new] for new in (True, False))
        own = [entry.id for part in parts for entry in group.order(part)]

        def move(arranged: Sequence[int], count: int, entry: int) -> None:
            # For the log, because an order does not tell which of two neighbours was moved.
            noted.update(entry=entry, place=arranged.index(entry) + 1)
            needed = _needed(arranged, own, count)
            editions.arrange(conn, number, [*needed[:count], *away, *needed[count:]], count + len(away))

        yield order, pinned, move


def _needed(arranged: Sequence[int], own: Sequence[int], pinned: int) -> list[int]:
    """Return the beginning of an order after which the entries stand in their own order.

    Only that is stored, because entries that come later stand behind what is arranged.
    """
    length = len(arranged)
    while length > pinned:
        rest = set(arranged[length - 1 :])
        if list(arranged[length - 1 :]) != [entry for entry in own if entry in rest]:
            break
        length -= 1
    return list(arranged[:length])


def _place_of(number: int, order: Sequence[int], entry: int) -> int:
    if entry not in order:
        raise WrongUse(f"entry {entry} is not in edition {number}; nothing was changed")
    return order.index(entry)


def _words(name: str, text: str) -> str:
    paragraphs = [one_line(paragraph) for paragraph in text.replace("\r", "").split("\n\n")]
    words = "\n\n".join(filter(None, paragraphs)) if name == "note" else one_line(text)
    if len(words) > MOST_WORDS[name]:
        raise WrongUse(
            f"the {name} has {len(words):,} characters; write at most {MOST_WORDS[name]:,}; nothing was changed"
        )
    return words
