"""Count for the desk what waits in editions that are not frozen and elsewhere, by one query for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, select

from digest.model import UNKNOWN
from digest.store.desk_tables import act, entry_edit
from digest.store.schema import counter, delivery, edition, edition_entry, entry, gathering, release
from subscribers.tables import consent_change, subscriber


class Waiting(NamedTuple):
    """Count what waits for a person beside the editions: held entries, and uncertain deliveries of all editions."""

    held_entries: int
    in_doubt: int


def count_waiting(conn: Connection) -> Waiting:
    """Return the counts of what waits for a person."""
    held = select(func.count()).where(entry.c.state == "held").scalar_subquery()
    uncertain = select(func.count()).where(delivery.c.state == "uncertain").scalar_subquery()
    return Waiting(*conn.execute(select(held, uncertain)).one())


def newest_changes(conn: Connection) -> tuple[int, ...]:
    """Return numbers that differ when the counts of an edition may: by one query, whatever the number of readers.

    They are those of the newest release, reading of a source, act of a person, and change of a subscriber, and how
    many editions are frozen.
    """
    released = select(counter.c.value).where(counter.c.name == "release")
    newest = (select(func.max(table.c.id)) for table in (gathering, act, consent_change))
    frozen = select(func.count()).where(edition.c.state == "frozen")
    row = conn.execute(select(*(query.scalar_subquery() for query in (released, *newest, frozen)))).one()
    return tuple(number or 0 for number in row)


def count_followers(conn: Connection) -> dict[str, int]:
    """Return how many active subscribers follow each cadence."""
    query = select(subscriber.c.cadence, func.count()).where(subscriber.c.state == "active")
    return {row[0]: row[1] for row in conn.execute(query.group_by(subscriber.c.cadence))}


def count_came(conn: Connection, numbers: Collection[int]) -> dict[int, int]:
    """Return by edition how many entries were released since it was drafted that are not in it."""
    inside = exists().where(
        edition_entry.c.edition_id == edition.c.id, edition_entry.c.entry_id == release.c.entry_id
    )
    query = (
        select(edition.c.id, func.count(release.c.entry_id.distinct()))
        .join(release, release.c.number > edition.c.to_release)
        .where(edition.c.id.in_(numbers), ~inside)
        .group_by(edition.c.id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def count_doubts(conn: Connection, numbers: Collection[int]) -> dict[int, Counter[str]]:
    """Return by edition how many of its entries an editor should look at, by code.

    The codes are "no-area", "no-place" and "question" (see digest.desk.pool.PoolEntry).
    """
    content = edition_entry.c.content
    query = (
        select(
            edition_entry.c.edition_id,
            content["policy_areas"].as_json(),
            content["regions"].as_json(),
            entry_edit.c.open_question,
        )
        .outerjoin(entry_edit, entry_edit.c.entry_id == edition_entry.c.entry_id)
        .where(edition_entry.c.edition_id.in_(numbers))
    )
    counts: dict[int, Counter[str]] = {number: Counter() for number in numbers}
    for number, areas, regions, question in conn.execute(query):
        holds = {"no-area": not areas, "no-place": UNKNOWN in regions, "question": bool(question)}
        counts[number].update(code for code, held in holds.items() if held)
    return counts
