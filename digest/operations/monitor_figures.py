"""Count what Prometheus is told beside a look: deliveries by state, sources by how they do, approvals, next slots.

These counts read whole indexes, so `SharedValue` makes them seldom: at most a twentieth of the time goes into them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from digest.desk.sources import source_health
from digest.editions.due import next_of_each
from digest.installation import Installation
from digest.operations.workers import ClusterState, cluster_state
from digest.schedule import next_slot
from digest.store import open_letters
from digest.store.engine import reading

STANDINGS = ("well", "silent", "failing", "gone", "muted", "not read yet")


class EditionStates(NamedTuple):
    """Hold the deliveries of one edition that is not settled, counted by state."""

    number: int
    cadence: str
    slot: str
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class MonitorFigures:
    """Hold counts of an installation. `sources`: how many by STANDINGS; `next_slots`: when each cadence is due next.

    `unapproved`: how many editions that go out next wait for an editor's approval. `cluster`: its workers and queues.
    """

    editions: tuple[EditionStates, ...]
    sources: dict[str, int]
    unapproved: int
    next_slots: dict[str, datetime]
    cluster: ClusterState | None = None

    @property
    def uncertain(self) -> int:
        """Return how many deliveries are in doubt."""
        return sum(edition.states.get("uncertain", 0) for edition in self.editions)


def count_figures(installation: Installation) -> MonitorFigures:
    """Return the counts as they are now. Raises DigestError when the database is away."""
    settings, now = installation.settings, installation.clock()
    zone = settings.site.zone
    with reading(installation.engine) as conn:
        unsettled = open_letters.open_editions(conn)
        states = open_letters.count_states(conn, [edition.number for edition in unsettled])
        coming = next_of_each(conn, settings.cadences, now, zone)
        cluster = cluster_state(conn, settings)
    asked = {cadence.name for cadence in settings.cadences if cadence.approval_required}
    waiting = [edition for _, edition in coming.values() if edition.id and edition.cadence in asked]
    standings = Counter(health.standing for health in source_health(installation))
    return MonitorFigures(
        editions=tuple(
            EditionStates(edition.number, edition.cadence, edition.slot, states[edition.number])
            for edition in unsettled
        ),
        sources={standing: standings[standing] for standing in STANDINGS},
        unapproved=sum(edition.state == "draft" for edition in waiting),
        next_slots={cadence.name: next_slot(cadence, now, zone).instant for cadence in settings.cadences},
        cluster=cluster,
    )
