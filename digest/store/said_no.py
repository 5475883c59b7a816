"""Find who is known to have said no by everything but the suppressions, for the day on which their secret is lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from digest.store.schema import delivery, event
from subscribers.rows import last_events, last_lifts, suppressed_lines
from subscribers.tables import REASONS, subscriber


def known_to_have_said_no(conn: Connection) -> dict[str, str]:
    """Return {normalised address: reason} of subscribers who must not be mailed, as their other records tell.

    They have left, were suppressed by the consent history, a letter to them bounced for good or was complained about.
    Where none of it is known, being passed over as suppressed by the newest edition counts as "editor". Older than a
    lift of their suppression, none of it counts.
    """
    keys: dict[int, str] = {}
    told: dict[int, list[tuple[str, datetime]]] = {}
    left = last_events(conn, "left")
    for row in conn.execute(select(subscriber)):
        keys[row.id] = row.email_key
        if row.state == "left":
            told.setdefault(row.id, []).append(("left", left.get(row.id, row.created_at)))
    acts = select(delivery.c.subscriber_id, event.c.action, event.c.at).join(
        delivery, delivery.c.id == event.c.delivery_id
    )
    for row in conn.execute(acts.where(event.c.action.in_(("bounced", "complained")))):
        told.setdefault(row.subscriber_id, []).append((row.action, row.at))
    newest = select(func.max(delivery.c.id)).group_by(delivery.c.subscriber_id)
    passed = select(delivery.c.subscriber_id, delivery.c.updated_at).where(
        delivery.c.id.in_(newest), delivery.c.state == "suppressed"
    )
    passed_over = {row.subscriber_id: row.updated_at for row in conn.execute(passed)}
    lifts, lines = last_lifts(conn), suppressed_lines(conn)
    reasons = {}
    for id, key in keys.items():
        standing = [reason for reason, at in told.get(id, ()) if id not in lifts or at > lifts[id]]
        standing += [lines[id]] if id in lines else []
        # Only where no record tells the reason, because "editor" would stand above a bounce.
        if not standing and id in passed_over and (id not in lifts or passed_over[id] > lifts[id]):
            standing = ["editor"]
        if standing:
            reasons[key] = max(standing, key=REASONS.index)
    return reasons


def forget_strikes(conn: Connection) -> None:
    """Forget which address each stored strike is of, because its hash was made with a secret that is lost."""
    conn.execute(update(event).where(event.c.address_hash.is_not(None)).values(address_hash=None))
