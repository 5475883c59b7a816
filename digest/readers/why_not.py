"""Tell a reader why they got an entry or did not, what the next letter will do, and which choice would bring it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from digest.editions.draft import as_it_stands, going_out
from digest.group import ELSEWHERE_OFF, OUTSIDE
from digest.installation import Installation
from digest.model import Edition, Entry
from digest.readers.decisions import AWAITED, Decided, OneChoice
from digest.readers.explained import explained
from digest.readers.helpful_choice import Plan, helpful_choice, plan_of_coming, plan_of_frozen
from digest.readers.record import ReaderHistory, read_history
from digest.readers.undecided import in_edition
from digest.store import editions, entries
from digest.store.editions import Shown
from subscribers.model import Subscriber


@dataclass(frozen=True, slots=True)
class ReaderWhy:
    """Hold why a reader got an entry or did not: the `outcome` in a word and the decisions behind it, newest first.

    `expected` is what the next edition would do if it were frozen now, where it is not drafted with the entry yet.
    `choice` is the one more thing to follow that would have brought the entry, in the edition that left it out.
    `original` is the same of the entry that this one, a near-duplicate, tells again.
    """

    entry: Entry
    outcome: str
    decisions: tuple[Decided, ...]
    expected: Decided | None = None
    choice: OneChoice | None = None
    original: ReaderWhy | None = None


def why(conn: Connection, installation: Installation, person: Subscriber, entry: Entry) -> ReaderWhy:
    """Return why a reader got an entry or did not, as `digest explain` tells it, and what would bring it."""
    history = read_history(conn, installation, person, about=[entry.id, entry.duplicate_of or 0])
    told = _why(conn, installation, history, entry)
    first = entries.get(conn, entry.duplicate_of or 0) if entry.state == "duplicate" else None
    if first is None:
        return told
    original = _why(conn, installation, history, first)
    return ReaderWhy(entry, told.outcome, told.decisions, told.expected, told.choice, original)


def _why(conn: Connection, installation: Installation, history: ReaderHistory, entry: Entry) -> ReaderWhy:
    told = explained(conn, installation, entry, history)
    newest, expected = told.decisions[0], None
    coming = _coming(conn, installation, history.person, newest)
    if newest.code == AWAITED and coming and any(row.entry.id == entry.id and row.release for row in coming[1]):
        expected = in_edition(conn, installation, entry, history.person, coming)
    decisive, choice = expected or newest, None
    # Not of a decision that does not count, because the reader has the entry by an earlier letter.
    if decisive.code in (OUTSIDE, ELSEWHERE_OFF) and (expected or told.outcome == newest.code):
        plan = _plan(conn, installation, history, decisive, coming)
        taxonomy, interests = installation.settings.taxonomy, history.person.interests
        choice = helpful_choice(taxonomy, interests, decisive.entry or entry, plan)
    return ReaderWhy(entry, told.outcome, told.decisions, expected, choice)


def _coming(
    conn: Connection, installation: Installation, person: Subscriber, newest: Decided
) -> tuple[Edition, list[Shown]] | None:
    """Return the edition to come that a decision names, as it would be frozen now; None where it names none."""
    settings, now = installation.settings, installation.clock()
    if newest.edition and newest.edition_state:
        stored = editions.by_number(conn, [newest.edition.id])[newest.edition.id]
        return as_it_stands(conn, settings, stored, person, now)
    if newest.code != AWAITED:
        return None
    edition, shown = going_out(conn, settings, person.cadence, person, now)
    return (edition, shown) if edition.slot == newest.day else None


def _plan(
    conn: Connection,
    installation: Installation,
    history: ReaderHistory,
    decided: Decided,
    coming: tuple[Edition, list[Shown]] | None,
) -> Plan:
    """Return how the edition that left an entry out is planned for other interests."""
    if coming:
        return plan_of_coming(conn, installation, coming, history.person)
    delivery = next(each for each in history.deliveries if decided.edition and each.edition == decided.edition.id)
    digest = history.digest(delivery)
    assert digest is not None  # because it has left the entry out
    return plan_of_frozen(conn, installation, history.editions[delivery.edition], history.person, digest)
