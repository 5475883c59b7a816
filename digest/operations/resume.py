"""After a restore or a copy: what the database would send, and going on once a person has said what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digest.editions.due import slot_owed
from digest.errors import WrongUse
from digest.installation import Installation
from digest.store import calendar, deliveries, releases, requests, sources
from digest.store.engine import reading, writing
from digest.store.lock import run_lock

_WHY = "the database was restored: it may have been sent before that"


@dataclass(frozen=True, slots=True)
class Held:
    """What a database in HOLD would do if it went on: letters pending by edition, and slots it thinks are due."""

    pending: dict[int, int]
    due: list[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "pending": [{"edition": number, "letters": count} for number, count in self.pending.items()],
            "due": [{"cadence": cadence, "slot": day} for cadence, day in self.due],
        }


def what_it_would_send(installation: Installation) -> Held:
    """Return what this database would send; changes nothing."""
    pending: dict[int, int] = {}
    now, zone = installation.clock(), installation.settings.site.zone
    with reading(installation.engine) as conn:
        for state in ("pending", "claimed"):
            for one in deliveries.in_state(conn, state):
                pending[one.edition] = pending.get(one.edition, 0) + 1
        owed = [(c.name, slot_owed(conn, c, now, zone)) for c in installation.settings.cadences]
    return Held(pending, [(name, slot.key) for name, slot in owed if slot is not None])


def resume(installation: Installation, *, sent: bool) -> Held:
    """Let the database go on. `sent`: count all that was due by now as sent; else nothing of it was.

    With `sent`, what is pending becomes uncertain, due slots are closed, every reader starts from the present,
    and the next new entries of every source wait for an editor: nobody is mailed twice, and nothing is
    dropped without being listed. WrongUse for a database that is not in HOLD: it would lose what is owed.
    """
    now, zone = installation.clock(), installation.settings.site.zone
    with run_lock(installation.engine):
        # Only now: another may have resumed it, and a run have mailed from it, until the lock was ours.
        if not installation.fence.why():
            raise WrongUse("the database is not in HOLD, so there is nothing to resume; nothing was changed")
        found = what_it_would_send(installation)
        if sent:
            with writing(installation.engine, "resume") as conn:
                owed = [one.id for state in ("pending", "claimed") for one in deliveries.in_state(conn, state)]
                deliveries.doubt(conn, owed, _WHY, now)
                requests.forget(conn, now)
                for cadence in installation.settings.cadences:
                    slot = slot_owed(conn, cadence, now, zone)
                    if slot is not None:
                        calendar.close_slot(conn, slot, "missed", None, now)
                releases.settle_marks(conn, installation.settings.welcome)
                releases.raise_marks(conn)
                sources.hold_next(conn)
        installation.fence.open()
    return found
