"""Store the corrections of entries: which readers are to be told of each, and which edition's letter tells them.

A correction is owed to the readers who have had the entry when it is given. It is told when an edition is frozen, in
the transaction that writes the letter that carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, exists, func, insert, literal, or_, select, update

from digest.model import Correction, Entry
from digest.store.releases import HAD, having
from digest.store.schema import correction, correction_reader, delivery, digest_entry, had
from subscribers.database import among
from subscribers.tables import subscriber

MOST = 3  # in a letter; the others wait for the next
_LEFT = tuple(state for state in HAD if state != "pending")
_COLUMNS = (correction.c.id, correction.c.entry_id, correction.c.title, correction.c.text, correction.c.withdrawn)
_OF_READER = correction_reader.c.subscriber_id


class Told(NamedTuple):
    """Count the readers whose letter in an edition tells them of a correction."""

    correction: int
    entry: int
    withdrawn: bool
    readers: int


def count_readers(conn: Connection, entry: int) -> int:
    """Count the subscribers who have had an entry, or will have it by a letter that is owed."""
    return conn.scalar(select(func.count()).where(subscriber.c.id.in_(having(entry)))) or 0


def owe_correction(conn: Connection, entry: Entry, text: str, by: str, now: datetime, *, withdrawn: bool) -> int:
    """Store a correction, owed to everybody who has had the entry; return how many they are."""
    row = {"entry_id": entry.id, "title": entry.title, "text": text, "withdrawn": withdrawn}
    new = insert(correction).values(**row, decided_by=by, decided_at=now)
    number = conn.execute(new.returning(correction.c.id)).scalar_one()
    readers = select(literal(number), subscriber.c.id).where(subscriber.c.id.in_(having(entry.id)))
    conn.execute(insert(correction_reader).from_select(["correction_id", "subscriber_id"], readers))
    return conn.scalar(select(func.count()).where(correction_reader.c.correction_id == number)) or 0


def any_given(conn: Connection) -> bool:
    """Return whether any correction was ever given."""
    return conn.scalar(select(correction.c.id).limit(1)) is not None


def corrections_due(conn: Connection, subscribers: Collection[int]) -> dict[int, tuple[Correction, ...]]:
    """Return what the next letter of each of these subscribers tells: the oldest corrections, at most MOST.

    A letter that was surely not handed over has told nobody: what it carried is due again. A correction of an entry
    that is still to be handed over waits, because that letter may yet be cancelled.
    """
    carrying = (
        delivery.c.edition_id == correction_reader.c.edition_id,
        delivery.c.subscriber_id == _OF_READER,
        delivery.c.state.not_in(HAD),
    )
    of_entry = select(digest_entry.c.digest_id).where(digest_entry.c.entry_id == correction.c.entry_id)
    letter = delivery.alias()
    has_left = (letter.c.subscriber_id == _OF_READER, letter.c.state.in_(_LEFT), letter.c.digest_id.in_(of_entry))
    condensed = (had.c.subscriber_id == _OF_READER, had.c.digest_id.in_(of_entry))
    query = _of_readers().where(
        among(conn, _OF_READER, subscribers),
        or_(correction_reader.c.edition_id.is_(None), exists().where(*carrying)),
        or_(exists().where(*has_left), exists().where(*condensed)),
    )
    return {number: rows[:MOST] for number, rows in _by_reader(conn, query).items()}


def carry_due(conn: Connection, edition: int, subscribers: Collection[int]) -> None:
    """Write down that the letters of an edition to these subscribers carry the corrections that are due to them."""
    readers: dict[int, list[int]] = {}
    for number, rows in corrections_due(conn, subscribers).items():
        for row in rows:
            readers.setdefault(row.number, []).append(number)
    for number, told in readers.items():
        step = update(correction_reader).where(correction_reader.c.correction_id == number)
        conn.execute(step.where(among(conn, _OF_READER, told)).values(edition_id=edition))


def carries_any(conn: Connection, edition: int) -> bool:
    """Return whether a letter of a frozen edition carries a correction."""
    query = select(_OF_READER).where(correction_reader.c.edition_id == edition)
    return conn.scalar(query.limit(1)) is not None


def carried_to(conn: Connection, edition: int, subscribers: Collection[int]) -> dict[int, tuple[Correction, ...]]:
    """Return the corrections that the letters of a frozen edition to these subscribers carry, oldest first."""
    carried = (correction_reader.c.edition_id == edition, among(conn, _OF_READER, subscribers))
    return _by_reader(conn, _of_readers().where(*carried))


def given_since(conn: Connection, entries: Iterable[int], since: datetime) -> list[Correction]:
    """Return the corrections of some entries that were given since an instant, oldest first."""
    of_entries = among(conn, correction.c.entry_id, sorted(set(entries)))
    query = select(*_COLUMNS).where(of_entries, correction.c.decided_at >= since)
    return [Correction(*row) for row in conn.execute(query.order_by(correction.c.id))]


def told_by(conn: Connection, edition: int) -> list[Told]:
    """Count the readers whom an edition's letters tell of each correction, without letters that did not leave."""
    unsent = exists().where(
        delivery.c.edition_id == edition, delivery.c.subscriber_id == _OF_READER, delivery.c.state.not_in(HAD)
    )
    query = (
        select(correction.c.id, correction.c.entry_id, correction.c.withdrawn, func.count())
        .join(correction_reader, correction_reader.c.correction_id == correction.c.id)
        .where(correction_reader.c.edition_id == edition, ~unsent)
        .group_by(correction.c.id, correction.c.entry_id, correction.c.withdrawn)
    )
    return [Told(*row) for row in conn.execute(query.order_by(correction.c.id))]


def _of_readers() -> Select[Any]:
    joined = select(_OF_READER, *_COLUMNS).join(correction, correction.c.id == correction_reader.c.correction_id)
    return joined.order_by(_OF_READER, correction.c.id)


def _by_reader(conn: Connection, query: Select[Any]) -> dict[int, tuple[Correction, ...]]:
    """Return the corrections of each reader, of rows that begin with the reader's id."""
    corrections: dict[int, tuple[Correction, ...]] = {}
    for number, *columns in conn.execute(query):
        corrections[number] = (*corrections.get(number, ()), Correction(*columns))
    return corrections
