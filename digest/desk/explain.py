"""Explain why a reader got an entry, or did not, by the frozen digests; `undecided` asks the planner for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.desk.reader_history import ReaderHistory, read_history
from digest.desk.undecided import undecided
from digest.desk.words import CARRIED_OVER, DELIVERY_STATES, FATES, LEFT_OUT, reason_in_words
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Entry, Sighting, Taxonomy
from digest.sources.newness import LINK, keys_of
from digest.store import editions, entries, event_history
from digest.store.deliveries import Delivery
from digest.store.engine import reading
from subscribers import store as people

# {state of a delivery: outcome} where the reader has, or may have, the letter: such an outcome outranks all others.
_IN_HAND = {"accepted": "included", "uncertain": "uncertain", "claimed": "pending", "pending": "pending",
            "had": "included"}  # fmt: skip


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
        history = read_history(conn, installation, person)
        if entry is None:
            lines = tuple(_delivery_line(delivery, history) for delivery in history.deliveries)
            state = history.deliveries[0].state if history.deliveries else "none"
            return person.id, None, Explanation(state, lines or ("no edition has considered this subscriber yet",))
        original = find_entry(conn, entry)
        explanation = _explained(conn, installation, original, history)
        if original.state == "duplicate" and (first := entries.get(conn, original.duplicate_of or 0)):
            lines = tuple(
                f"entry {first.id}: {line}" for line in _explained(conn, installation, first, history).reasons
            )
            explanation = Explanation(explanation.outcome, (*explanation.reasons, *lines))
        if not entry.isdecimal() and entry != original.url:
            address = f", {original.url}" if original.url else ""
            line = f"a duplicate of entry {original.id}{address}, which stands for it"
            explanation = Explanation(explanation.outcome, (line, *explanation.reasons))
        return person.id, original.id, explanation


def _explained(conn: Connection, installation: Installation, entry: Entry, history: ReaderHistory) -> Explanation:
    """Return why a reader got an entry or did not, by what was decided, else by what the next edition will."""
    decided = _decided(conn, installation.settings.taxonomy, entry, history)
    return decided or Explanation(*undecided(conn, installation, entry, history))


def _decided(conn: Connection, taxonomy: Taxonomy, entry: Entry, history: ReaderHistory) -> Explanation | None:
    """Return what the reader's frozen digests decided about an entry, or None when none of them did.

    The newest decision is the outcome, but a letter in the reader's hands outranks it.
    """
    newest, in_hand, reasons = "", "", []
    for delivery in history.deliveries:
        digest = history.digest(delivery)
        if digest is None:
            continue
        where = history.edition(delivery)
        for placed in digest.placed:
            if placed.entry == entry.id:
                state = _state_in_words(conn, delivery, history)
                again = f"; {CARRIED_OVER}" if digest.again else ""
                reasons.append(f"included in {where}, {state}: {reason_in_words(placed.reason, taxonomy)}{again}")
                if delivery.state in _IN_HAND:
                    bounced = history.fates.get(delivery.id) == "bounced"
                    in_hand = in_hand or ("bounced" if bounced else _IN_HAND[delivery.state])
                newest = newest or delivery.state
        for number, code in digest.left_out:
            if number == entry.id:
                about = f" ({_facets(conn, delivery.edition, entry, taxonomy)})" if code == "outside" else ""
                reasons.append(f"not in {where}: {LEFT_OUT.get(code, code)}{about}")
                newest = newest or code
    return Explanation(in_hand or newest, tuple(reasons)) if newest else None


def _state_in_words(conn: Connection, delivery: Delivery, history: ReaderHistory) -> str:
    """Return the state of a letter in words, with the fate that later events told."""
    reason, state = delivery.reason, DELIVERY_STATES.get(delivery.state, delivery.state)
    if delivery.state == "pending" and history.blocked:
        # Because the claim checks again: a paused reader's letter waits, others are not handed over.
        reason = history.blocked
        state = state if reason == "paused" else "frozen, but not to be handed over"
    line = f"{state}{f' ({reason})' if reason else ''}"
    if (fate := history.fates.get(delivery.id)) is not None:
        events = event_history.events_by_delivery(conn, [delivery.id]).get(delivery.id, [])
        reason = next((event.reason for event in reversed(events) if event.reason), "")
        line += f", {FATES.get(fate, fate)}{f' ({reason})' if reason else ''}"
    return line


def _facets(conn: Connection, edition: int, entry: Entry, taxonomy: Taxonomy) -> str:
    """Return an entry's kind, policy areas and regions in words, as an edition carried them."""
    carried = next((row.entry for row in editions.shown(conn, edition) if row.entry.id == entry.id), entry)
    slugs = (*carried.facets.policy_areas, *carried.facets.regions)
    return f"{carried.kind}; {', '.join(taxonomy.name(slug) for slug in slugs)}"


def _delivery_line(delivery: Delivery, history: ReaderHistory) -> str:
    """Return a line on a delivery: edition, state, fate, and the number of its entries."""
    digest = history.digest(delivery)
    more = f", {digest.more} more" if digest and delivery.state != "had" else ""  # because that is not kept
    carries = counted(len(digest.placed), "entry", "entries") + more if digest and digest.placed else "no letter"
    fate = history.fates.get(delivery.id)
    reason = f" ({delivery.reason})" if delivery.reason else ""
    fate_in_words = f", {FATES.get(fate, fate)}" if fate else ""
    return f"{history.edition(delivery)}: {delivery.state}{reason}{fate_in_words}; {carries}"
