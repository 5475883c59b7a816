"""Find the silent readers, to whom no letter was written for four weeks, and remember when each was told why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select, union_all

from digest.model import CADENCES
from digest.store.releases import HAD
from digest.store.schema import counter, delivery, digest, digest_entry, edition, had, silence
from subscribers.database import among, dialect_insert
from subscribers.model import Reader
from subscribers.rows import READER_COLUMNS, to_reader
from subscribers.tables import consent_event, subscriber

MONTH = timedelta(days=31)  # at least, between two notices to a subscriber
_FOUR_WEEKS = timedelta(weeks=4)
# Monthly editions are up to 31 days apart, and an editor may take some days to approve one.
_OF_MONTHLY = timedelta(days=35)
# The states of a delivery for which no letter was written. A letter that was refused is no silence.
_UNWRITTEN = ("empty", "held", "suppressed")
_LOOK = "silence"  # a row of `counter`


def quiet_since(cadence: str, now: datetime) -> datetime:
    """Return the instant since when a reader of a cadence must have heard nothing to be silent."""
    return now - (_OF_MONTHLY if cadence == "monthly" else _FOUR_WEEKS)


def silent_readers(
    conn: Connection, now: datetime, *, after: int = 0, limit: int | None = None, untold: bool = False
) -> list[Reader]:
    """Return the active subscribers for whom no letter was written for four weeks, in the order of ids.

    Nobody is silent who joined, paused or changed anything since then, because what they follow now has not been
    tried for so long. Suppressed subscribers are among them. `untold`: only those who want to be told, and were not
    within a month.
    """
    query = select(*READER_COLUMNS).where(_is_silent(conn, now), subscriber.c.id > after)
    if untold:
        lately = (silence.c.subscriber_id == subscriber.c.id, silence.c.told_at > now - MONTH)
        query = query.where(subscriber.c.silence_notices, ~exists().where(*lately))
    return [to_reader(row) for row in conn.execute(query.order_by(subscriber.c.id).limit(limit)).all()]


def is_silent(conn: Connection, number: int, now: datetime) -> bool:
    """Return whether a subscriber is one of `silent_readers`."""
    query = select(subscriber.c.id).where(subscriber.c.id == number, _is_silent(conn, now))
    return conn.scalar(query) is not None


def last_letters(conn: Connection, numbers: Collection[int]) -> dict[int, str]:
    """Return the local date, "2027-10-31", of the edition of each subscriber's last letter, if there was any."""
    letters = (
        select(delivery.c.subscriber_id, edition.c.slot)
        .join(edition, edition.c.id == delivery.c.edition_id)
        .where(among(conn, delivery.c.subscriber_id, numbers), delivery.c.state.in_(HAD))
    )
    condensed = (
        select(had.c.subscriber_id, edition.c.slot)
        .join(digest, digest.c.id == had.c.digest_id)
        .join(edition, edition.c.id == digest.c.edition_id)
        .where(among(conn, had.c.subscriber_id, numbers))
    )
    both = union_all(letters, condensed).subquery()
    rows = conn.execute(select(both.c.subscriber_id, func.max(both.c.slot)).group_by(both.c.subscriber_id))
    return {row[0]: row[1] for row in rows}


def entries_had(conn: Connection, numbers: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the entries that letters to each of these subscribers carry."""
    letters = (
        select(delivery.c.subscriber_id, digest_entry.c.entry_id)
        .join(digest_entry, digest_entry.c.digest_id == delivery.c.digest_id)
        .where(among(conn, delivery.c.subscriber_id, numbers), delivery.c.state.in_(HAD))
    )
    condensed = (
        select(had.c.subscriber_id, digest_entry.c.entry_id)
        .join(digest_entry, digest_entry.c.digest_id == had.c.digest_id)
        .where(among(conn, had.c.subscriber_id, numbers))
    )
    entries: dict[int, set[int]] = {}
    for number, entry in conn.execute(union_all(letters, condensed)):
        entries.setdefault(number, set()).add(entry)
    return {number: frozenset(some) for number, some in entries.items()}


def note_told(conn: Connection, number: int, now: datetime) -> bool:
    """Remember that a subscriber is told, or looked at, now; return False when they were within a month."""
    row = dialect_insert(conn)(silence).values(subscriber_id=number, told_at=now)
    later = row.on_conflict_do_update(
        index_elements=["subscriber_id"], set_={"told_at": now}, where=silence.c.told_at <= now - MONTH
    )
    return conn.scalar(later.returning(silence.c.subscriber_id)) is not None


def note_all_told(conn: Connection, now: datetime) -> None:
    """Let nobody be told within a month, because which letters they had is not known any more."""
    everybody = select(subscriber.c.id, literal(now, silence.c.told_at.type)).where(subscriber.c.state == "active")
    row = dialect_insert(conn)(silence).from_select(["subscriber_id", "told_at"], everybody)
    conn.execute(row.on_conflict_do_update(index_elements=["subscriber_id"], set_={"told_at": now}))


def has_look_due(conn: Connection) -> bool:
    """Return whether silent readers are still to be looked for: an edition was frozen, or a run has left some."""
    return bool(conn.scalar(select(counter.c.value).where(counter.c.name == _LOOK)))


def keep_look(conn: Connection, *, due: bool) -> None:
    """Remember whether silent readers are still to be looked for."""
    row = dialect_insert(conn)(counter).values(name=_LOOK, value=int(due))
    conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": int(due)}))


def _is_silent(conn: Connection, now: datetime) -> ColumnElement[bool]:
    cadence = subscriber.c.cadence
    each = [and_(cadence == name, _is_quiet(conn, name, now)) for name in CADENCES]
    return and_(subscriber.c.state == "active", or_(*each, and_(cadence.not_in(CADENCES), _is_quiet(conn, "", now))))


def _is_quiet(conn: Connection, cadence: str, now: datetime) -> ColumnElement[bool]:
    """Return the condition of a reader of a cadence who changed nothing for so long, and to whom nothing was written.

    The history of consent has a row for every change: joining, pausing, other interests, the end of a suppression. A
    reader without one had letters of no other cadence.
    """
    since = quiet_since(cadence, now)
    # By their numbers, so that a reader costs a search for each of a few editions, not one through all their letters.
    recent = select(edition.c.id).where(edition.c.cadence == cadence, edition.c.frozen_at >= since)
    letter = (
        delivery.c.edition_id.in_(conn.scalars(recent).all()),
        delivery.c.subscriber_id == subscriber.c.id,
        delivery.c.state.not_in(_UNWRITTEN),
    )
    change = (consent_event.c.subscriber_id == subscriber.c.id, consent_event.c.at >= since)
    awake = or_(subscriber.c.paused_until.is_(None), subscriber.c.paused_until <= since)
    return and_(awake, ~exists().where(*letter), ~exists().where(*change))
