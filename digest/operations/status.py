"""How the installation is: what ran, what is owed, which sources fail, and what a person should do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from digest.installation import Installation
from digest.model import Edition, Receipt
from digest.schedule import next_slot
from digest.store import calendar, deliveries, editions, history, runs, sources
from digest.store.engine import reading
from digest.store.schema import entry
from digest.store.sources import State
from subscribers import store as people


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the installation; `next_slots` are (cadence, day, local hour, approval) rows.

    `hold`: why nothing may be mailed from this database, or ""; `in_doubt`: uncertain deliveries of all editions.
    """

    hold: str
    in_doubt: int
    next_slots: list[tuple[str, str, str, str]]
    receipts: list[Receipt]
    open_editions: list[Edition]
    sources: list[tuple[str, State]]
    entries: dict[str, int]
    subscribers: int
    runs: list[dict[str, Any]]
    slots: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "hold": self.hold or None,
            "in_doubt": self.in_doubt,
            "next_slots": [
                dict(zip(("cadence", "slot", "due", "approval"), row, strict=True)) for row in self.next_slots
            ],
            "receipts": [asdict(one) | {"balanced": one.balanced} for one in self.receipts],
            "open_editions": [
                {"edition": e.id, "cadence": e.cadence, "slot": e.slot, "state": e.state, "held": e.held}
                for e in self.open_editions
            ],
            "sources": [
                {
                    "name": name, "ok": not s.failures and not s.gone, "gone": s.gone, "failures": s.failures,
                    "checked_at": s.checked_at.isoformat() if s.checked_at else None, "error": s.error,
                }
                for name, s in self.sources
            ],
            "entries": self.entries,
            "subscribers": self.subscribers,
            "runs": self.runs,
            "slots": self.slots,
        }  # fmt: skip


def status(installation: Installation) -> Status:
    """Look at everything; change nothing."""
    settings, now = installation.settings, installation.clock()
    zone = settings.site.zone
    coming = [(c, next_slot(c, now, zone)) for c in settings.cadences]
    hold = installation.fence.why()
    with reading(installation.engine) as conn:
        known = sources.all_states(conn)
        found = editions.listing(conn)
        counts = conn.execute(select(entry.c.state, func.count()).group_by(entry.c.state))
        return Status(
            hold=hold,
            in_doubt=history.count_in_doubt(conn),
            next_slots=[
                (
                    c.name,
                    s.key,
                    f"{c.at.hour:02d}:{c.at.minute:02d}",
                    "required" if c.approval_required else "automatic",
                )
                for c, s in coming
            ],
            receipts=[deliveries.receipt(conn, one) for one in found if one.state == "frozen"],
            open_editions=[one for one in found if one.state != "frozen"],
            sources=[(s.name, known.get(s.name, State())) for s in settings.sources],
            entries={row[0]: row[1] for row in sorted(counts)},
            subscribers=people.count(conn),
            runs=runs.newest(conn),
            slots=calendar.slots(conn),
        )
