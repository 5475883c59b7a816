"""Store the corrections of entries: which readers are to be told of each, and which edition's letter tells them.

A correction is owed to the readers who have had the entry when it is given, and to each reader whose letter carries
the entry afterwards. It is told when an edition is frozen, in the transaction that writes the letter that carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from digest.model import Correction, Entry
from digest.store.releases import HAD, has_left, having
from digest.store.schema import correction, correction_reader, delivery, digest_entry, edition, edition_entry
from subscribers.database import among, dialect_insert
from subscribers.tables import subscriber

MOST = 3  # in a letter; the others wait for the next
UNSENT = ("refused", "cancelled", "suppressed")  # a letter that was surely not handed over has told nobody
_COLUMNS = (correction.c.id, correction.c.entry_id, correction.c.title, correction.c.text, correction.c.withdrawn)
_FIRST = (correction.c.withdrawn.desc(), correction.c.id)
_OF_READER = correction_reader.c.subscriber_id
_IN_FORCE = correction.c.cancelled_at.is_(None)
_LETTER = and_(delivery.c.edition_id == correction_reader.c.edition_id, delivery.c.subscriber_id == _OF_READER)


class Told(NamedTuple):
    """Count the readers whose letter in an edition tells them of a correction."""

    correction: int
    entry: int
    withdrawn: bool
    readers: int


class GivenCorrection(NamedTuple):
    """Hold a correction of an entry with its number, who decided it, and how many readers are told of it.

    `told`: readers whose letter tells it, or will because it is frozen. `untold`: readers who are still to be told.
    `cancelled`: it was taken back.
    """

    number: int
    text: str
    withdrawn: bool
    decided_by: str
    decided_at: datetime
    cancelled: bool
    told: int
    untold: int


def count_readers(conn: Connection, entry: int) -> int:
    """Count the subscribers who have had an entry, or will have it by a letter that is owed."""
    return conn.scalar(select(func.count()).where(subscriber.c.id.in_(having(entry)))) or 0


def owe_correction(conn: Connection, entry: Entry, text: str, by: str, now: datetime, *, withdrawn: bool) -> int:
    """Owe a correction to the readers who have had the entry and are not owed it yet; return how many they are.

    The same text of the same entry is the same correction, also when it was taken back in the meantime.
    """
    row = {"entry_id": entry.id, "text": text, "withdrawn": withdrawn}
    same = select(correction.c.id).where(*(correction.c[name] == value for name, value in row.items())).limit(1)
    number = conn.scalar(same)
    if number is None:
        new = insert(correction).values(**row, title=entry.title, decided_by=by, decided_at=now)
        number = conn.execute(new.returning(correction.c.id)).scalar_one()
    else:
        conn.execute(update(correction).where(correction.c.id == number, ~_IN_FORCE).values(cancelled_at=None))
    readers = select(literal(number), subscriber.c.id).where(subscriber.c.id.in_(having(entry.id)))
    return _owe(conn, readers)


def cancel_corrections(
    conn: Connection, entry: int, now: datetime, *, withdrawn: bool, text: str | None = None
) -> list[GivenCorrection]:
    """Take back an entry's withdrawal, or else its corrections (with this `text`); return those that were in force.

    Readers who are still to be told are not told. A frozen letter keeps its lines, because it may be on its way.
    """
    given = [row for row in given_of(conn, entry) if row.withdrawn == withdrawn and not row.cancelled]
    given = [row for row in given if text in (None, row.text)]
    numbers = [row.number for row in given]
    owed = correction_reader.c.edition_id.is_(None)
    conn.execute(delete(correction_reader).where(correction_reader.c.correction_id.in_(numbers), owed))
    conn.execute(update(correction).where(correction.c.id.in_(numbers)).values(cancelled_at=now))
    return given


def texts_in_force(conn: Connection, entry: int, *, withdrawn: bool) -> list[str]:
    """Return the texts of an entry's withdrawal, or else of its corrections, that were not taken back."""
    wanted = (correction.c.entry_id == entry, correction.c.withdrawn.is_(withdrawn), _IN_FORCE)
    return list(conn.scalars(select(correction.c.text).where(*wanted).order_by(correction.c.id)))


def is_withdrawn(conn: Connection, entry: Entry) -> bool:
    """Return whether an entry is withdrawn, and not released since."""
    query = select(correction.c.id).where(correction.c.entry_id == entry.id, correction.c.withdrawn, _IN_FORCE)
    return entry.state == "dropped" and conn.scalar(query.limit(1)) is not None


def given_of(conn: Connection, entry: int) -> list[GivenCorrection]:
    """Return the corrections of an entry, oldest first, also those that were taken back."""
    # A delivery that was condensed has told its reader.
    told = and_(correction_reader.c.edition_id.is_not(None), func.coalesce(delivery.c.state, "accepted").in_(HAD))
    untold = and_(_OF_READER.is_not(None), ~told, _IN_FORCE)
    counts = [func.count(case((condition, 1))) for condition in (told, untold)]
    columns = (
        correction.c.id,
        correction.c.text,
        correction.c.withdrawn,
        correction.c.decided_by,
        correction.c.decided_at,
        ~_IN_FORCE,
    )
    query = (
        select(*columns, *counts)
        .outerjoin(correction_reader, correction_reader.c.correction_id == correction.c.id)
        .outerjoin(delivery, _LETTER)
        .where(correction.c.entry_id == entry)
        .group_by(correction.c.id)
        .order_by(correction.c.id)
    )
    return [GivenCorrection(*row) for row in conn.execute(query)]


def corrections_due(conn: Connection, reader: int, entries: Collection[int]) -> tuple[Correction, ...]:
    """Return what a reader's next letter tells if it has `entries`: withdrawals, then the oldest; at most MOST."""
    own = and_(correction_reader.c.correction_id == correction.c.id, correction_reader.c.subscriber_id == reader)
    owed = and_(_OF_READER.is_not(None), or_(correction_reader.c.edition_id.is_(None), delivery.c.state.in_(UNSENT)))
    in_letter = among(conn, correction.c.entry_id, sorted(entries))
    query = (
        select(*_COLUMNS)
        .outerjoin(correction_reader, own)
        .outerjoin(delivery, _LETTER)
        .where(_IN_FORCE)
        .where(
            or_(
                and_(owed, or_(in_letter, has_left(_OF_READER, correction.c.entry_id))),
                and_(_OF_READER.is_(None), ~correction.c.withdrawn, in_letter),
            )
        )
    )
    return tuple(Correction(*row) for row in conn.execute(query.order_by(*_FIRST).limit(MOST)))


def carry_due(conn: Connection, number: int) -> None:
    """Write down which corrections the letters of an edition carry, once its deliveries are stored.

    They are those that `corrections_due` returns for each reader. A correction of an entry that is still to be handed
    over waits, because that letter may yet be cancelled.
    """
    _owe_new_readers(conn, number)
    owe_unsent_again(conn, correction_reader)
    owed = correction_reader.c.edition_id.is_(None)
    # Ask first, because mostly nothing is owed; in the index's order, or PostgreSQL may search all rows for it.
    if conn.scalar(select(_OF_READER).where(owed).order_by(_OF_READER).limit(1)) is None:
        return
    in_letter = exists().where(
        digest_entry.c.digest_id == delivery.c.digest_id, digest_entry.c.entry_id == correction.c.entry_id
    )
    letter = and_(delivery.c.edition_id == number, delivery.c.subscriber_id == _OF_READER)
    place = func.row_number().over(partition_by=_OF_READER, order_by=_FIRST).label("place")
    due = (
        select(correction_reader.c.correction_id, _OF_READER, place)
        .join(correction, correction.c.id == correction_reader.c.correction_id)
        .join(delivery, letter)
        .where(owed, delivery.c.state == "pending", _IN_FORCE)
        .where(or_(in_letter, has_left(_OF_READER, correction.c.entry_id)))
        .subquery()
    )
    first = select(due.c.correction_id, due.c.subscriber_id).where(due.c.place <= MOST)
    key = tuple_(correction_reader.c.correction_id, _OF_READER)
    conn.execute(update(correction_reader).where(key.in_(first)).values(edition_id=number))


def owe_unsent_again(conn: Connection, told: Table) -> None:
    """Owe again what letters told that were surely not handed over, without a look at the other rows.

    `told` is a table of readers and of the editions whose letters tell them something.
    """
    # One look by an index for each edition and state, because a search of all rows takes longer with each of them.
    any_row = select(told.c.subscriber_id).where(told.c.edition_id == edition.c.id).limit(1).scalar_subquery()
    carrying = list(conn.scalars(select(edition.c.id).where(any_row.is_not(None))))
    of_unsent = (delivery.c.edition_id.in_(carrying), delivery.c.state.in_(UNSENT))
    unsent = list(conn.scalars(select(delivery.c.id).where(*of_unsent))) if carrying else []
    if unsent:
        keys = select(delivery.c.edition_id, delivery.c.subscriber_id).where(among(conn, delivery.c.id, unsent))
        key = tuple_(told.c.edition_id, told.c.subscriber_id)
        conn.execute(update(told).where(key.in_(keys)).values(edition_id=None))


def carries_any(conn: Connection, edition: int) -> bool:
    """Return whether a letter of a frozen edition carries a correction."""
    query = select(_OF_READER).where(correction_reader.c.edition_id == edition)
    return conn.scalar(query.limit(1)) is not None


def carried_to(conn: Connection, edition: int, subscribers: Collection[int]) -> dict[int, tuple[Correction, ...]]:
    """Return the corrections that the letters of a frozen edition to these subscribers carry, in their order."""
    carried = (correction_reader.c.edition_id == edition, among(conn, _OF_READER, subscribers))
    return _by_reader(conn, _of_readers().where(*carried))


def in_force(conn: Connection, entries: Iterable[int]) -> list[Correction]:
    """Return the corrections of some entries that were not taken back, withdrawals first, then the oldest."""
    of_entries = among(conn, correction.c.entry_id, sorted(set(entries)))
    return [
        Correction(*row) for row in conn.execute(select(*_COLUMNS).where(of_entries, _IN_FORCE).order_by(*_FIRST))
    ]


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


def _owe(conn: Connection, readers: Select[Any]) -> int:
    """Owe corrections to readers, of rows (correction, subscriber), where they are not owed yet; return how many."""
    new = dialect_insert(conn)(correction_reader).from_select(["correction_id", "subscriber_id"], readers)
    # Asked for, because SQLAlchemy keeps the count of an INSERT only then.
    return conn.execute(new.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True}).rowcount


def _owe_new_readers(conn: Connection, number: int) -> None:
    """Owe the corrections of the entries of an edition to the readers whose letters in it carry these."""
    of_edition = select(edition_entry.c.entry_id).where(edition_entry.c.edition_id == number)
    wanted = (correction.c.entry_id.in_(of_edition), ~correction.c.withdrawn, _IN_FORCE)
    if conn.scalar(select(correction.c.id).where(*wanted).limit(1)) is None:
        return
    of_digest = and_(
        delivery.c.edition_id == number,
        delivery.c.state == "pending",
        delivery.c.digest_id == digest_entry.c.digest_id,
    )
    readers = (
        select(correction.c.id, delivery.c.subscriber_id)
        .join(digest_entry, digest_entry.c.entry_id == correction.c.entry_id)
        .join(delivery, of_digest)
        .where(*wanted)
    )
    _owe(conn, readers)


def _of_readers() -> Select[Any]:
    joined = select(_OF_READER, *_COLUMNS).join(correction, correction.c.id == correction_reader.c.correction_id)
    return joined.order_by(_OF_READER, *_FIRST)


def _by_reader(conn: Connection, query: Select[Any]) -> dict[int, tuple[Correction, ...]]:
    """Return the corrections of each reader, of rows that begin with the reader's id."""
    corrections: dict[int, tuple[Correction, ...]] = {}
    for number, *columns in conn.execute(query):
        corrections[number] = (*corrections.get(number, ()), Correction(*columns))
    return corrections
