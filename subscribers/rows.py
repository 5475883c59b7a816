"""Turn a subscriber into a row of the database and back, for the store and the CSV import."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from subscribers.changes import record_changes
from subscribers.characters import whole_characters
from subscribers.invisible import one_line
from subscribers.model import Interests, Reader, Subscriber
from subscribers.tables import REASONS, consent_event, subscriber

LONGEST_NAME = 200  # characters

COLUMNS = (
    subscriber.c.id,
    subscriber.c.email,
    subscriber.c.name,
    subscriber.c.cadence,
    subscriber.c.policy_areas,
    subscriber.c.regions,
    subscriber.c.themes,
    subscriber.c.elsewhere,
    subscriber.c.carry_over,
    subscriber.c.language,
    subscriber.c.state,
    subscriber.c.paused_until,
    subscriber.c.joined_at,
    subscriber.c.key,
    subscriber.c.created_at,
    subscriber.c.silence_notices,
    subscriber.c.zone,
)


def to_subscriber(row: tuple[Any, ...]) -> Subscriber:
    """Return the Subscriber of a row that has the columns of `COLUMNS` in their order."""
    id, email, name, cadence, areas, regions, themes, elsewhere, carry_over, language, *rest = row
    interests = Interests(_slugs(areas), _slugs(regions), _slugs(themes), elsewhere, carry_over)
    return Subscriber(id, email, name, cadence, interests, language, *rest)


READER_COLUMNS = (
    subscriber.c.id,
    subscriber.c.email,
    subscriber.c.email_key,
    subscriber.c.cadence,
    subscriber.c.state,
    subscriber.c.policy_areas,
    subscriber.c.regions,
    subscriber.c.themes,
    subscriber.c.elsewhere,
    subscriber.c.carry_over,
    subscriber.c.paused_until,
    # As `Subscriber.here_since`.
    case((subscriber.c.joined_at < subscriber.c.created_at, subscriber.c.created_at), else_=subscriber.c.joined_at),
)


def to_reader(row: tuple[Any, ...]) -> Reader:
    """Return the Reader of a row that has the columns of `READER_COLUMNS` in their order."""
    id, email, email_key, cadence, state, areas, regions, themes, elsewhere, carry_over, paused, since = row
    interests = Interests(_slugs(areas), _slugs(regions), _slugs(themes), elsewhere, carry_over)
    return Reader(id, email, email_key, cadence, state, interests, paused, since)


@lru_cache(maxsize=20_000)
def _slugs(joined: str) -> frozenset[str]:
    # Cached by facet, because people choose a few thousand sets of policy areas, but far more of all three together.
    return frozenset(map(intern, joined.split(";"))) if joined else frozenset()


def clean_name(name: str) -> str:
    """Return a name fit for a header and a page: one line of at most 200 visible characters, single spaces."""
    return whole_characters(one_line(name), LONGEST_NAME).rstrip()


def interest_columns(interests: Interests) -> dict[str, str | bool]:
    """Return {column: value} for `interests`. Raises ValueError for a slug that could not be split off again."""
    columns: dict[str, str | bool] = {"elsewhere": interests.elsewhere, "carry_over": interests.carry_over}
    for facet in ("policy_areas", "regions", "themes"):
        slugs: frozenset[str] = getattr(interests, facet)
        if any(not slug or ";" in slug or slug != slug.strip() for slug in slugs):
            raise ValueError(f"{facet}: a slug must not be empty, hold ';' or begin or end with a space")
        columns[facet] = ";".join(sorted(slugs))
    return columns


class OwnWord(NamedTuple):
    """Hold what is kept of a person's own word on a page: the network that it came from, and the words shown.

    `words` is the key of the words that they agreed to; "" for both where the event came another way.
    """

    network: str = ""
    words: str = ""


NO_WORD = OwnWord()


def add_consent_events(
    conn: Connection, events: Sequence[tuple[int, str]], *, how: str, now: datetime, word: OwnWord = NO_WORD
) -> None:
    """Add events, as (subscriber id, word of `tables.EVENTS`) pairs, to the consent history."""
    if events:
        rows = [{"subscriber_id": id, "what": what, "how": how, "at": now, **word._asdict()} for id, what in events]
        conn.execute(insert(consent_event), rows)
        record_changes(conn)


def last_lifts(conn: Connection, ids: Collection[int] | None = None) -> dict[int, datetime]:
    """Return when the suppression of each of these subscribers (None: of all) was lifted last, if it ever was."""
    return last_events(conn, "unsuppressed", ids)


def last_events(conn: Connection, what: str, ids: Collection[int] | None = None) -> dict[int, datetime]:
    """Return when each of these subscribers (None: of all) had this event of the consent history last, if ever."""
    query = select(consent_event.c.subscriber_id, func.max(consent_event.c.at).label("at")).where(
        consent_event.c.what == what
    )
    if ids is not None:
        query = query.where(consent_event.c.subscriber_id.in_(ids))
    return {row.subscriber_id: row.at for row in conn.execute(query.group_by(consent_event.c.subscriber_id))}


def suppressed_lines(conn: Connection) -> dict[int, str]:
    """Return the reason by which each subscriber is suppressed, {id: reason}, as the consent history tells it."""
    lines = consent_event.c.what.in_(("suppressed", "unsuppressed"))
    query = select(consent_event.c.subscriber_id, consent_event.c.what, consent_event.c.how).where(lines)
    reasons: dict[int, str] = {}
    for row in conn.execute(query.order_by(consent_event.c.id)):
        if row.what == "unsuppressed":
            reasons.pop(row.subscriber_id, None)
            continue
        reason = row.how.partition(":")[0]
        reasons[row.subscriber_id] = max(reasons.get(row.subscriber_id, reason), reason, key=REASONS.index)
    return reasons


def write_all(conn: Connection, changed: Sequence[Subscriber]) -> None:
    """Store all columns of these subscribers except id and address."""
    if changed:
        conn.execute(
            update(subscriber).where(subscriber.c.id == bindparam("of")),
            [{"of": person.id, **columns_of(person)} for person in changed],
        )


def columns_of(person: Subscriber) -> dict[str, Any]:
    """Return {column: value} for a subscriber, without id and address."""
    return {
        "name": person.name,
        "cadence": person.cadence,
        **interest_columns(person.interests),
        "language": person.language,
        "silence_notices": person.silence_notices,
        "zone": person.zone,
        "state": person.state,
        "paused_until": person.paused_until,
        "joined_at": person.joined_at,
    }
