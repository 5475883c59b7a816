"""Raise alarms: what recent events say that a person must look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.ledger import events as decide
from digest.store import event_history


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must look at: where, what, and the cure."""

    place: str
    problem: str
    cure: str


def alarms(conn: Connection, now: datetime) -> list[Alarm]:
    """Return what recent events say is wrong: mass suppression in an edition, and domains that refuse us."""
    found = [
        Alarm(
            f"edition {one.edition}",
            f"{decide.worst_day(one.suppressed)} of {one.accepted} accepted deliveries were suppressed within a day",
            "find out from the provider what happened before the next edition; `digest hold` keeps it back",
        )
        for one in event_history.troubles(conn, now - timedelta(days=30))
        if decide.too_many(one.accepted, one.suppressed)
    ]
    for domain, count in event_history.refusing_domains(conn, now - timedelta(days=7)).items():
        found.append(
            Alarm(
                domain,
                f"refused the sender or the text {count} times in 7 days; nobody was suppressed for it",
                "check SPF, DKIM, DMARC and the sender's reputation, and ask their postmaster",
            )
        )
    return found
