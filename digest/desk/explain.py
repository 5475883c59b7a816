"""Explain to an operator why a reader got an entry, or did not: `digest.readers.explained` decides, this words it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.desk.explained import edition_in_words, explained_lines
from digest.desk.words import FATES
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Entry, Sighting
from digest.readers.explained import explained
from digest.readers.record import ReaderHistory, read_history
from digest.sources.newness import LINK, keys_of
from digest.store import entries
from digest.store.deliveries import Delivery
from digest.store.engine import reading
from subscribers import store as people


@dataclass(frozen=True, slots=True)
class Explanation:
    """`outcome` says in a word what happened; `reasons` are lines for a person, newest first."""

    outcome: str
    reasons: tuple[str, ...]

    def to_json(self, subscriber: int, entry: int | None) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {"subscriber": subscriber, "entry": entry, "outcome": self.outcome, "reasons": list(self.reasons)}


def find_entry(conn: Connection, text: str) -> Entry:
    """Return the entry with this id or address; an earlier address and the address of a copy count too.

    Raises WrongUse when there is none.
    """
    # At most 18 digits, because no database takes a longer number as an id.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
    entry = entries.find(conn, text) if number is None else entries.get(conn, number)
    if entry is None and number is None:
        key = keys_of(Sighting(None, text, ""), "").get(LINK)
        original = entries.stored_keys(conn, [key]).keys.get(key) if key else None
        entry = entries.get(conn, original) if original else None
    if entry is None:
        raise WrongUse(f"entry {text!r} was never gathered; see `digest entries`")
    return entry


def explain(installation: Installation, email: str, entry: str | None = None) -> tuple[int, int | None, Explanation]:
    """Return the ids of the subscriber and the entry, and why the subscriber got the entry or did not.

    `entry` is an id or an address; None: explain each edition of the subscriber, newest first. Raises NoSubscriber,
    and WrongUse for an entry that does not exist.
    """
    with reading(installation.engine) as conn:
        person = people.named(conn, email)
        if entry is None:
            history = read_history(conn, installation, person)
            lines = tuple(_delivery_line(delivery, history) for delivery in history.deliveries)
            state = history.deliveries[0].state if history.deliveries else "none"
            return person.id, None, Explanation(state, lines or ("no edition has considered this subscriber yet",))
        original = find_entry(conn, entry)
        history = read_history(conn, installation, person, about=[original.id, original.duplicate_of or 0])
        taxonomy = installation.settings.taxonomy
        decided = explained(conn, installation, original, history)
        explanation = Explanation(decided.outcome, explained_lines(decided, taxonomy))
        if original.state == "duplicate" and (first := entries.get(conn, original.duplicate_of or 0)):
            of_first = explained_lines(explained(conn, installation, first, history), taxonomy)
            lines = (*explanation.reasons, *(f"entry {first.id}: {line}" for line in of_first))
            explanation = Explanation(explanation.outcome, lines)
        if not entry.isdecimal() and entry != original.url:
            address = f", {original.url}" if original.url else ""
            line = f"a duplicate of entry {original.id}{address}, which stands for it"
            explanation = Explanation(explanation.outcome, (line, *explanation.reasons))
        return person.id, original.id, explanation


def _delivery_line(delivery: Delivery, history: ReaderHistory) -> str:
    """Return a line on a delivery: edition, state, fate, and the number of its entries."""
    digest = history.digest(delivery)
    more = f", {digest.more} more" if digest and delivery.state != "had" else ""  # because that is not kept
    carries = counted(len(digest.placed), "entry", "entries") + more if digest and digest.placed else "no letter"
    fate = history.letter(delivery).fate
    reason = f" ({delivery.reason})" if delivery.reason else ""
    fate_in_words = f", {FATES.get(fate, fate)}" if fate else ""
    return f"{edition_in_words(history.edition(delivery))}: {delivery.state}{reason}{fate_in_words}; {carries}"
