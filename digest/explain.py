"""Explain: why a reader got an entry, or did not, from the reasons that were stored when it was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import Digest, Edition, Entry, Reason, Taxonomy
from digest.store import deliveries, editions, entries, releases
from digest.store.deliveries import Delivery
from digest.store.engine import reading
from subscribers import store as people

_LEFT_OUT = {
    "outside": "outside their interests",
    "over-cap": 'over the cap: counted in "N more"',
    "had": "already had in an earlier letter",
    "elsewhere-off": "from elsewhere, which they switched off",
}
_STATES = {
    "baseline": "seen at the first sight of its source: never owed",
    "held": "held for an editor",
    "dropped": "dropped by an editor",
}
_BECAME = {
    "accepted": "accepted by the transport",
    "pending": "frozen, to be handed over",
    "claimed": "being handed over",
    "uncertain": "in doubt: handed over, answer unknown",
    "refused": "refused",
    "cancelled": "cancelled before it was handed over",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`outcome` is one word for what happened; `reasons` are lines for a person, newest first."""

    outcome: str
    reasons: tuple[str, ...]

    def to_json(self, subscriber: int, entry: int | None) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {"subscriber": subscriber, "entry": entry, "outcome": self.outcome, "reasons": list(self.reasons)}


def find_entry(conn: Connection, text: str) -> Entry:
    """Return the entry with this id or address. Raises WrongUse when there is none."""
    # More digits than an id can have are no id, and no database takes them.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
    found = entries.find(conn, text) if number is None else entries.get(conn, number)
    if found is None:
        raise WrongUse(f"entry {text!r} was never gathered; see `digest entries`")
    return found


def explain(place: Installation, email: str, entry: str | None = None) -> tuple[int, int | None, Explanation]:
    """Return the subscriber's id, the entry's, and why they got (or did not get) what they did."""
    with reading(place.engine) as conn:
        person = people.find(conn, email)
        if person is None:
            raise WrongUse("no subscriber has this address; see `digest subscribers list`")
        account = deliveries.of_subscriber(conn, person.id)
        plans = deliveries.digests(conn, [d.digest for d in account if d.digest])
        named = {d.edition: found for d in account if (found := editions.get(conn, d.edition))}
        if entry is None:
            lines = tuple(_delivery_line(d, named[d.edition], plans.get(d.digest or 0)) for d in account)
            word = account[0].state if account else "none"
            return person.id, None, Explanation(word, lines or ("no edition has considered this subscriber yet",))
        one = find_entry(conn, entry)
        decided = _of_entry(place.settings.taxonomy, one, account, plans, named)
        if decided is None:
            mark = releases.mark_of(conn, person.id, person.joined_at, place.settings.welcome, default=0)
            decided = _undecided(conn, one, mark)
        return person.id, one.id, decided


def _of_entry(
    taxonomy: Taxonomy,
    one: Entry,
    account: list[Delivery],
    plans: dict[int, Digest],
    named: dict[int, Edition],
) -> Explanation | None:
    """Return what the subscriber's editions decided about an entry; an inclusion tells before anything else."""
    outcome, reasons = "", []
    for delivery in account:
        digest = plans.get(delivery.digest or 0)
        if digest is None:
            continue
        edition = named[delivery.edition]
        where = f"edition {edition.id} ({edition.cadence} {edition.slot})"
        for placed in digest.placed:
            if placed.entry == one.id:
                became = _BECAME.get(delivery.state, delivery.state)
                why = f" ({delivery.reason})" if delivery.reason else ""
                reasons.append(f"included in {where}, {became}{why}: {words(placed.reason, taxonomy)}")
                in_hand = delivery.state in ("accepted", "pending", "claimed", "uncertain")
                outcome = "included" if in_hand else outcome or delivery.state
        for entry, code in digest.left_out:
            if entry == one.id:
                reasons.append(f"not in {where}: {_LEFT_OUT.get(code, code)}")
                outcome = outcome or code
    return Explanation(outcome, tuple(reasons)) if outcome else None


def _undecided(conn: Connection, one: Entry, mark: int) -> Explanation:
    """Return why no edition has decided about an entry for a reader."""
    if one.state != "ready":
        return Explanation(one.state, (_STATES[one.state],))
    numbers = [r.number for r in releases.after(conn, 0, releases.latest(conn)) if r.entry == one.id]
    if numbers and max(numbers) <= mark:
        return Explanation("before-joining", ("released before this subscriber's first edition",))
    return Explanation("owed", ("not considered yet: the next edition of their cadence will",))


def _delivery_line(delivery: Delivery, edition: Edition, digest: Digest | None) -> str:
    carries = f"{len(digest.placed)} entries, {digest.more} more" if digest and digest.placed else "no letter"
    why = f" ({delivery.reason})" if delivery.reason else ""
    return f"edition {edition.id} ({edition.cadence} {edition.slot}): {delivery.state}{why}; {carries}"


def words(reason: Reason, taxonomy: Taxonomy) -> str:
    """Return a reason in words, for the desk and the terminal."""
    followed = f"they follow {taxonomy.name(reason.slug)}" if reason.slug else "they follow every policy area"
    region = taxonomy.name(reason.region)
    if reason.code == "area":
        return f"{followed}; {region}"
    return f"from elsewhere ({region}): {followed}"
