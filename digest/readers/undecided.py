"""Decide what becomes of an entry that no edition has decided about for a reader, and what the next one will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection

from digest.editions.draft import as_it_stands, drafted_anew, passed_over
from digest.editions.due import coming_slot
from digest.editions.plan import Planner, made_good_by
from digest.errors import ConfigError
from digest.group import ELSEWHERE_OFF, HAD, NOT_FOR, OUTSIDE, OVER_CAP
from digest.installation import Installation
from digest.model import Digest, Edition, Entry, Reason
from digest.readers.decisions import (
    AWAITED,
    BEFORE_JOINING,
    BEFORE_RESTORE,
    COMING,
    NO_CADENCE,
    NO_DIGEST,
    NOT_KEPT,
    NOT_MAILED,
    NOT_READY,
    TOO_LATE,
    Decided,
    Explained,
    named_edition,
)
from digest.readers.missed import missed_facets
from digest.readers.record import ReaderHistory
from digest.store import editions, releases
from digest.store import history as past
from digest.store.deliveries import CONSIDERED
from digest.store.editions import Shown
from digest.store.tallies import is_condensed
from subscribers import store as people
from subscribers.model import Subscriber

_LEFT_OUT = frozenset({OUTSIDE, OVER_CAP, HAD, ELSEWHERE_OFF, NOT_FOR})
OWED = "owed"  # the outcome of an entry that an edition to come will consider
# {why the reader must not be mailed now: outcome}
_OUTCOMES = {"left": "left", "pending": "unconfirmed", "paused": "held", "not on the allow-list": "held"}


def undecided(conn: Connection, installation: Installation, entry: Entry, history: ReaderHistory) -> Explained:
    """Return the outcome for an entry that no digest of the reader has or leaves out, with its reasons."""
    person, welcome = history.person, installation.settings.welcome
    if entry.state != "ready":
        return Explained(entry.state, (Decided(NOT_READY, state=entry.state, why=entry.held_why),))
    number, at = past.released(conn, entry.id) or (0, entry.first_seen)
    mark = releases.mark_of(conn, person.id, person.here_since, welcome, default=0)
    without_digest = tuple(_without_digest(conn, entry, history))
    considered = any(each.letter and each.letter.state in CONSIDERED for each in without_digest)
    since = person.here_since - welcome if person.here_since else None
    if number <= mark and since is not None and (at < since or (at == since and not considered)):
        return Explained("before-joining", (Decided(BEFORE_JOINING),))
    if considered:
        return Explained("suppressed", without_digest)
    if number <= mark and (not_kept := _not_kept(conn, entry, person)):
        return Explained("not-kept", (*not_kept, *without_digest))
    if blocked := _not_mailed(conn, installation, history):
        return Explained(blocked.outcome, (*blocked.decisions, *without_digest))
    if number <= mark:
        return Explained("before-restore", (Decided(BEFORE_RESTORE), *without_digest))
    coming = _next(conn, installation, entry, person)
    return Explained(coming.code if coming.code in _LEFT_OUT else OWED, (coming, *without_digest))


def _without_digest(conn: Connection, entry: Entry, history: ReaderHistory) -> Iterator[Decided]:
    """Yield a decision for each edition that carries the entry and planned no digest for the reader."""
    carried = past.carried(conn, entry.id)
    for delivery in history.deliveries:
        if history.digest(delivery) is None and delivery.edition in carried:
            yield Decided(NO_DIGEST, history.edition(delivery), history.letter(delivery))


def _not_kept(conn: Connection, entry: Entry, person: Subscriber) -> list[Decided]:
    """Return a decision for each edition that carried the entry and of whose deliveries only counts are kept.

    Of editions of the reader's own cadence; only where there is none, of others, which they may have followed then.
    """
    numbers = [number for number in past.carried(conn, entry.id) if is_condensed(conn, number)]
    condensed = editions.by_number(conn, numbers)
    carried = [condensed[number] for number in sorted(condensed, reverse=True)]
    own = [each for each in carried if each.cadence == person.cadence] or carried
    return [Decided(NOT_KEPT, named_edition(edition)) for edition in own]


def _not_mailed(conn: Connection, installation: Installation, history: ReaderHistory) -> Explained | None:
    """Return the outcome for a reader who must not be mailed now, whatever the entry; None for others."""
    person, reason = history.person, history.blocked
    if not reason:
        return None
    if reason == "suppressed" and person.state != "left":
        cause = people.is_suppressed(conn, person.email, secret=installation.secret)
        return Explained("suppressed", (Decided(NOT_MAILED, state="suppressed", why=str(cause)),))
    reason = "left" if reason == "suppressed" else reason
    return Explained(_OUTCOMES[reason], (Decided(NOT_MAILED, state=reason),))


def _next(conn: Connection, installation: Installation, entry: Entry, person: Subscriber) -> Decided:
    """Return what the edition that will consider the entry does with it for the reader."""
    settings, name, now = installation.settings, person.cadence, installation.clock()
    try:
        cadence = settings.cadence(name)
    except ConfigError:
        return Decided(NO_CADENCE, cadence=name)
    carried = past.carried(conn, entry.id)
    for edition in editions.unfrozen(conn, name):
        if edition.id in carried and not passed_over(conn, settings, edition, now):
            edition, shown = as_it_stands(conn, settings, edition, person, now)
            return in_edition(conn, installation, entry, person, (edition, shown))
    day = coming_slot(conn, cadence, now, settings.site.zone).key
    drafted = editions.find(conn, name, day)
    if drafted is not None and not drafted_anew(drafted, approval_required=cadence.approval_required):
        day = made_good_by(settings, drafted)  # because this draft stays as it is, without the entry
    return Decided(AWAITED, cadence=name, day=day)


def in_edition(
    conn: Connection,
    installation: Installation,
    entry: Entry,
    person: Subscriber,
    coming: tuple[Edition, list[Shown]],
) -> Decided:
    """Return what an edition that is not frozen would do with the entry for the reader if it were frozen now."""
    edition, shown = coming
    planner = planner_of(conn, installation, edition, shown)
    planned = planner.reader(person)
    state = "stopped" if edition.held else edition.state
    decided = Decided(COMING, named_edition(edition), edition_state=state, cadence=edition.cadence, day=edition.slot)
    if planned.late:
        good = made_good_by(installation.settings, edition)
        return replace(decided, code=TOO_LATE, why=planned.reason, day=good)
    digest = planner.offer.digest(planned)
    code = next((code for number, code in digest.left_out if number == entry.id), "") if digest else ""
    carried = next((row.entry for row in shown if row.entry.id == entry.id), entry)
    decided = replace(decided, entry=carried)
    if code:
        return replace(decided, code=code, missed=missed_facets(carried, person.interests, code))
    return replace(decided, reason=reason_in(digest, entry.id), again=digest.again if digest else False)


def planner_of(conn: Connection, installation: Installation, edition: Edition, shown: list[Shown]) -> Planner:
    """Return the planner of an edition, for this installation as it stands now."""
    return Planner(conn, installation.settings, edition, shown, installation.secret, installation.clock())


def reason_in(digest: Digest | None, entry: int) -> Reason | None:
    """Return why a digest has an entry, or None when it does not."""
    return next((placed.reason for placed in digest.placed if placed.entry == entry), None) if digest else None
