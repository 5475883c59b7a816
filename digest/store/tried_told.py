"""Store which readers are told in a letter what a named place did with a case study that they had.

It is owed to those who have had the case study when an editor accepts it, and to those whose letters bring it later.
Each is told once, in a letter after that. It is told when an edition is frozen, as corrections are.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, func, literal, or_, select, tuple_, update

from digest.model import Tried
from digest.store.answers import shown_by_name, tried_query
from digest.store.corrections import MOST, UNSENT, owe_unsent_again
from digest.store.reader_tables import answer, answer_reader
from digest.store.releases import HAD, has_left, having
from digest.store.schema import correction_reader, delivery, digest_entry, edition_entry
from subscribers.database import among, dialect_insert
from subscribers.tables import subscriber

_OF_READER = answer_reader.c.subscriber_id
_LETTER = and_(delivery.c.edition_id == answer_reader.c.edition_id, delivery.c.subscriber_id == _OF_READER)
_PAIR = ["answer_id", "subscriber_id"]


def owe_tried(conn: Connection, number: int, entry: int) -> int:
    """Owe an answer to the readers who have had its entry, but for its own; return how many are to be told."""
    own = select(answer.c.subscriber_id).where(answer.c.id == number).scalar_subquery()
    wanted = (subscriber.c.id.in_(having(entry)), subscriber.c.id != own)
    new = dialect_insert(conn)(answer_reader).from_select(
        _PAIR, select(literal(number), subscriber.c.id).where(*wanted)
    )
    conn.execute(new.on_conflict_do_nothing())
    owed = (answer_reader.c.answer_id == number, answer_reader.c.edition_id.is_(None))
    return conn.scalar(select(func.count()).where(*owed)) or 0


def tried_due(conn: Connection, reader: int, most: int) -> tuple[Tried, ...]:
    """Return what a reader's next letter tells of what places tried, the oldest first; at most so many."""
    query = (
        tried_query()
        .join(answer_reader, answer_reader.c.answer_id == answer.c.id)
        .outerjoin(delivery, _LETTER)
        .where(reader == _OF_READER, shown_by_name(), has_left(_OF_READER, answer.c.entry_id))
        .where(or_(answer_reader.c.edition_id.is_(None), delivery.c.state.in_(UNSENT)))
        .order_by(answer.c.id)
    )
    return tuple(Tried(*row) for row in conn.execute(query.limit(most)))


def carry_tried(conn: Connection, number: int) -> None:
    """Write down what the letters of an edition tell, once its deliveries and corrections are stored.

    It is what `tried_due` returns for each reader.
    """
    owe_unsent_again(conn, answer_reader)
    owed = answer_reader.c.edition_id.is_(None)
    if conn.scalar(select(_OF_READER).where(owed).limit(1)) is not None:
        letter = and_(delivery.c.edition_id == number, delivery.c.subscriber_id == _OF_READER)
        place = func.row_number().over(partition_by=_OF_READER, order_by=answer.c.id).label("place")
        ours = (correction_reader.c.edition_id == number, correction_reader.c.subscriber_id == _OF_READER)
        corrections = select(func.count()).where(*ours).correlate(answer_reader).scalar_subquery()
        due = (
            select(answer_reader.c.answer_id, _OF_READER, place, corrections.label("corrections"))
            .join(answer, answer.c.id == answer_reader.c.answer_id)
            .join(delivery, letter)
            .where(owed, delivery.c.state == "pending", shown_by_name(), has_left(_OF_READER, answer.c.entry_id))
            .subquery()
        )
        first = select(due.c.answer_id, due.c.subscriber_id).where(due.c.place + due.c.corrections <= MOST)
        key = tuple_(answer_reader.c.answer_id, _OF_READER)
        conn.execute(update(answer_reader).where(key.in_(first)).values(edition_id=number))
    # Last, because a reader who gets a case study now is told of it in a later letter.
    _owe_later_readers(conn, number)


def carries_tried(conn: Connection, edition: int) -> bool:
    """Return whether a letter of a frozen edition tells what a place tried."""
    return conn.scalar(select(_OF_READER).where(answer_reader.c.edition_id == edition).limit(1)) is not None


def carried_tried(conn: Connection, edition: int, subscribers: Collection[int]) -> dict[int, tuple[Tried, ...]]:
    """Return what the letters of a frozen edition tell these subscribers; what is taken back since is left out."""
    query = tried_query().add_columns(_OF_READER).join(answer_reader, answer_reader.c.answer_id == answer.c.id)
    carried = (answer_reader.c.edition_id == edition, among(conn, _OF_READER, subscribers), shown_by_name())
    tried: dict[int, tuple[Tried, ...]] = {}
    for *columns, reader in conn.execute(query.where(*carried).order_by(answer.c.id)):
        tried[reader] = (*tried.get(reader, ()), Tried(*columns))
    return tried


def tried_in(conn: Connection, edition: int) -> dict[int, int]:
    """Count by entry the lines on what places tried in an edition's letters, without letters that did not leave."""
    query = (
        select(answer.c.entry_id, func.count())
        .join(answer_reader, answer_reader.c.answer_id == answer.c.id)
        .outerjoin(delivery, _LETTER)
        # A delivery that was condensed has told its reader.
        .where(answer_reader.c.edition_id == edition, func.coalesce(delivery.c.state, "accepted").in_(HAD))
        .group_by(answer.c.entry_id)
        .order_by(answer.c.entry_id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def _owe_later_readers(conn: Connection, number: int) -> None:
    """Owe the accepted answers to the entries of an edition to the readers whose letters in it bring these."""
    of_edition = select(edition_entry.c.entry_id).where(edition_entry.c.edition_id == number)
    wanted = (shown_by_name(), answer.c.entry_id.in_(of_edition))
    if conn.scalar(select(answer.c.id).where(*wanted).limit(1)) is None:
        return
    of_digest = and_(
        delivery.c.edition_id == number,
        delivery.c.state == "pending",
        delivery.c.digest_id == digest_entry.c.digest_id,
    )
    readers = (
        select(answer.c.id, delivery.c.subscriber_id)
        .join(digest_entry, digest_entry.c.entry_id == answer.c.entry_id)
        .join(delivery, of_digest)
        .where(*wanted, delivery.c.subscriber_id != answer.c.subscriber_id)
    )
    new = dialect_insert(conn)(answer_reader).from_select(_PAIR, readers)
    conn.execute(new.on_conflict_do_nothing())
