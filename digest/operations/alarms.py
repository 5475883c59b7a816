"""List the alarms that recent events raise: things that a person must look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.errors import counted
from digest.ledger import events
from digest.store import event_history
from subscribers.asked import DAY, newest_flood

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must look at: an edition or a domain (`place`), the problem, and the cure."""

    place: str
    problem: str
    cure: str


def alarms(conn: Connection, now: datetime) -> list[Alarm]:
    """Return the alarms of 30 days for editions, of 7 for domains, of 100 for readers, of a day for the web pages.

    An edition raises an alarm when too many of its readers were suppressed within a day; a domain, when it refuses
    the sender or the text of letters; readers, when their letters come back in words that tell nothing sure; the
    pages, when too many mails were asked for.
    """
    raised = [
        Alarm(
            f"edition {trouble.edition}",
            f"{events.worst_day(trouble.suppressed)} of {trouble.accepted} accepted deliveries were suppressed within"
            " a day",
            "ask the provider for the reason before the next edition goes out; `digest hold` keeps an edition back",
        )
        for trouble in event_history.troubles(conn, now - timedelta(days=30))
        if events.too_many(trouble.accepted, trouble.suppressed)
    ]
    for domain, count in event_history.refusing_domains(conn, now - timedelta(days=7)).items():
        raised.append(
            Alarm(
                domain,
                f"refused the sender or the text {counted(count, 'time')} in 7 days; nobody was suppressed for it",
                "check SPF, DKIM, DMARC and the sender's reputation, and ask their postmaster",
            )
        )
    if readers := event_history.unsure_readers(conn, now - events.STRIKES_WITHIN):
        shown = ", ".join(map(str, readers[:_MOST_NAMED])) + (", …" if len(readers) > _MOST_NAMED else "")
        raised.append(
            Alarm(
                "returned letters",
                f"three letters or more over a week came back from subscribers {shown}, and the answers do not tell"
                " why; letters still go to them",
                "check each address; where it is dead, `digest subscribers suppress EMAIL`",
            )
        )
    return [*raised, *_flood(conn, now)]


def _flood(conn: Connection, now: datetime) -> Iterator[Alarm]:
    if began := newest_flood(conn, now - DAY):
        yield Alarm(
            "joining",
            f"too many mails were asked for on the web pages within an hour, from {began:%Y-%m-%d %H:%M} UTC; in the"
            " rest of that hour nobody got one",
            "if it goes on, set [join] enabled = false for some days; nobody got letters by it, and no address is"
            " mailed more than once a day",
        )
