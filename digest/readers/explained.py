"""Decide why a reader got an entry or did not: by their frozen digests, else by what the next edition will do.

Nothing else decides it: `digest explain`, the desk and the reader's page word what is returned here.
"""

from __future__ import annotations

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Entry
from digest.readers.decisions import INCLUDED, Decided, Explained
from digest.readers.missed import missed_facets
from digest.readers.record import ReaderHistory
from digest.readers.undecided import undecided
from digest.store import letter_entries
from digest.store.deliveries import Delivery

# {state of a delivery: outcome} where the reader has, or may have, the letter: such an outcome outranks all others.
_IN_HAND = {"accepted": "included", "uncertain": "uncertain", "claimed": "pending", "pending": "pending",
            "had": "included"}  # fmt: skip


def explained(conn: Connection, installation: Installation, entry: Entry, history: ReaderHistory) -> Explained:
    """Return why a reader got an entry or did not, by what was decided, else by what the next edition will."""
    return _decided(conn, entry, history) or undecided(conn, installation, entry, history)


def _decided(conn: Connection, entry: Entry, history: ReaderHistory) -> Explained | None:
    """Return what the reader's frozen digests decided about an entry, or None when none of them did.

    The newest decision is the outcome, but a letter in the reader's hands outranks it.
    """
    newest, in_hand, decisions = "", "", []
    for delivery in history.deliveries:
        for decided in _in_digest(conn, entry, history, delivery):
            decisions.append(decided)
            newest = newest or (delivery.state if decided.code == INCLUDED else decided.code)
            if decided.code == INCLUDED and delivery.state in _IN_HAND:
                bounced = decided.letter is not None and decided.letter.fate == "bounced"
                in_hand = in_hand or ("bounced" if bounced else _IN_HAND[delivery.state])
    return Explained(in_hand or newest, tuple(decisions)) if decisions else None


def _in_digest(conn: Connection, entry: Entry, history: ReaderHistory, delivery: Delivery) -> list[Decided]:
    """Return what the frozen digest of a delivery decided about an entry; it may carry one over and leave it out."""
    digest = history.digest(delivery)
    if digest is None:
        return []
    placed = [each for each in digest.placed if each.entry == entry.id]
    codes = [code for number, code in digest.left_out if number == entry.id]
    if not placed and not codes:
        return []
    edition, letter = history.edition(delivery), history.letter(delivery)
    carried = letter_entries.shown_entry(conn, delivery.edition, entry.id) or entry
    interests = history.person.interests
    return [
        *(Decided(INCLUDED, edition, letter, each.reason, digest.again, carried) for each in placed),
        *(
            Decided(code, edition, letter, entry=carried, missed=missed_facets(carried, interests, code))
            for code in codes
        ),
    ]
