"""Report the state of an installation: runs, receipts, open editions, coming slots, sources, entries, subscribers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from digest.config.settings import Settings
from digest.desk.sources import source_health
from digest.errors import SchemaTooOld, WrongTables
from digest.installation import Installation, stored_secret
from digest.model import Edition, Receipt
from digest.operations.letter_facts import letter_facts
from digest.operations.owed import Unsent, why_unsent
from digest.operations.workers import ClusterState, cluster_state
from digest.schedule import next_slot
from digest.store import calendar, deliveries, editions, history, migrate, open_letters, runs, sources
from digest.store.engine import reading
from digest.store.schema import entry
from digest.store.sources import State
from subscribers import store as people
from subscribers.errors import BadSecret
from subscribers.suppression import count_suppressed, is_sealed

_MOST_UNAPPROVED = 5  # editions


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an installation at one instant.

    `hold` says why nothing may be mailed from this database, or is "". `in_doubt` counts the uncertain deliveries of
    all editions, and `suppressed` those of the active `subscribers` whose address must not be mailed, None when the
    secret that would tell is lost. `next_slots` has (cadence, day, local hour, approval) rows, `sources` (name,
    state) rows, and `entries` {state: count}. `unapproved` are the newest editions that nobody had approved in time.
    `unsent` says why letters that are owed do not leave; empty when none is owed, or something is sending them.
    `cluster` is None where no workers are configured. `silent` has the day since which a source that can be read has
    brought nothing, much longer than usual, by its name.
    """

    hold: str
    in_doubt: int
    next_slots: list[tuple[str, str, str, str]]
    receipts: list[Receipt]
    open_editions: list[Edition]
    sources: list[tuple[str, State]]
    entries: dict[str, int]
    subscribers: int
    suppressed: int | None
    runs: list[dict[str, Any]]
    slots: list[dict[str, Any]]
    unapproved: list[Edition]
    unsent: list[Unsent]
    cluster: ClusterState | None = None
    silent: dict[str, date] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "hold": self.hold or None,
            "in_doubt": self.in_doubt,
            "unsent": [reason._asdict() for reason in self.unsent],
            "next_slots": [
                dict(zip(("cadence", "slot", "due", "approval"), row, strict=True)) for row in self.next_slots
            ],
            "receipts": [asdict(receipt) | {"balanced": receipt.balanced} for receipt in self.receipts],
            "open_editions": [
                {
                    "edition": edition.id, "cadence": edition.cadence, "slot": edition.slot,
                    "state": edition.state, "held": edition.held, "unapproved": edition.unapproved,
                }
                for edition in self.open_editions
            ],
            "sources": [
                {
                    "name": name, "ok": not state.failures and not state.gone, "gone": state.gone,
                    "failures": state.failures,
                    "checked_at": state.checked_at.isoformat() if state.checked_at else None, "error": state.error,
                    "cut": state.cut, "silent_since": str(self.silent[name]) if name in self.silent else None,
                }
                for name, state in self.sources
            ],
            "entries": self.entries,
            "subscribers": self.subscribers,
            "suppressed": self.suppressed,
            "runs": self.runs,
            "slots": self.slots,
            "unapproved": [
                {
                    "edition": edition.id, "cadence": edition.cadence, "slot": edition.slot,
                    "state": edition.state, "done": edition.unapproved,
                }
                for edition in self.unapproved
            ],
            "cluster": self.cluster.to_json() if self.cluster else None,
        }  # fmt: skip


def status(installation: Installation) -> Status:
    """Return the state of the installation now; change nothing. Raises WrongTables as `digest db upgrade` would."""
    try:
        return _status(installation)
    except (SchemaTooOld, WrongTables):
        migrate.compare_at(installation.settings.storage_url)  # because `digest db upgrade` would refuse it so
        raise


def _status(installation: Installation) -> Status:
    settings, now = installation.settings, installation.clock()
    hold = installation.fence.why()
    health = source_health(installation)
    with reading(installation.engine) as conn:
        listing = editions.listing(conn)
        counts = conn.execute(select(entry.c.state, func.count()).group_by(entry.c.state))
        return Status(
            hold=hold,
            in_doubt=history.count_in_doubt(conn),
            next_slots=[
                (
                    cadence.name,
                    next_slot(cadence, now, settings.site.zone).key,
                    str(cadence.at),
                    "required" if cadence.approval_required else "automatic",
                )
                for cadence in settings.cadences
            ],
            receipts=[deliveries.receipt(conn, edition) for edition in listing if edition.state == "frozen"],
            open_editions=[edition for edition in listing if edition.state != "frozen"],
            sources=source_rows(conn, settings),
            entries={row[0]: row[1] for row in sorted(counts)},
            subscribers=people.count(conn),
            suppressed=_count_suppressed(conn, installation),
            runs=runs.newest(conn),
            slots=calendar.slots(conn),
            unapproved=[edition for edition in listing if edition.unapproved][:_MOST_UNAPPROVED],
            unsent=why_unsent(letter_facts(conn, installation, open_letters.open_editions(conn))),
            cluster=cluster_state(conn, settings),
            silent={
                row.source.name: row.silent_since for row in health if row.standing == "silent" and row.silent_since
            },
        )


def source_rows(conn: Connection, settings: Settings) -> list[tuple[str, State]]:
    """Return each configured source by name, with its state."""
    states = sources.all_states(conn)
    return [(source.name, states.get(source.name, State())) for source in settings.sources]


def _count_suppressed(conn: Connection, installation: Installation) -> int | None:
    """Return how many active subscribers must not be mailed; None when the secret that would tell is lost."""
    if not is_sealed(conn):
        return 0  # because the first suppression seals, and a command that only looks makes no secret
    try:
        return count_suppressed(conn, stored_secret(conn, installation.settings.secret_file))
    except BadSecret:
        return None
