"""Read a frozen edition for the desk: how far it is sent, its account, and how many readers had each entry."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from digest.desk.arrange import edition_name
from digest.desk.receipts import EditionAccount, account_by
from digest.editions.draft import next_edition, passed_over
from digest.errors import ConfigError, WrongUse
from digest.installation import Installation
from digest.model import CASE_STUDY, Correction, Edition, Entry, Receipt
from digest.store import acts, corrections, deliveries, editions, event_history, requests, runs
from digest.store.engine import reading
from digest.store.reach import EntryReached, reached_by

INLINE = 5_000  # readers up to which a page reads an edition's details itself


@dataclass(frozen=True, slots=True)
class SentDetails:
    """Hold the parts of a large edition that take long to read: its account, and by entry how many readers had it."""

    account: EditionAccount
    reached: Mapping[int, EntryReached]


@dataclass(frozen=True, slots=True)
class SentEdition:
    """A frozen edition as it stands: its receipt, its entries in order, and what its readers are told of them.

    `version` is the newest act on it; `key` differs when its details may. `corrections` are in force. `can_stop`:
    some letters have not left, or wait at a provider that may give them back.
    """

    edition: Edition
    receipt: Receipt
    entries: tuple[Entry, ...]
    corrections: tuple[Correction, ...]
    version: int
    key: Hashable
    can_stop: bool


def read_sent(conn: Connection, installation: Installation, edition: Edition) -> SentEdition:
    """Return a frozen edition with all that is read quickly, whatever its size."""
    receipt = deliveries.receipt(conn, edition)
    entries = tuple(row.entry for row in editions.shown(conn, edition.id))
    version = acts.version_of(conn, edition_name(edition.id))
    key = receipt, edition.held, version, event_history.newest_event(conn), runs.newest_step(conn)
    told = corrections.in_force(conn, [entry.id for entry in entries])
    can_stop = not edition.held and (receipt.pending > 0 or _waits_at_provider(conn, installation, edition))
    return SentEdition(edition, receipt, entries, tuple(told), version, key, can_stop)


def _waits_at_provider(conn: Connection, installation: Installation, edition: Edition) -> bool:
    """Return whether letters of an edition wait at a provider for their hour."""
    # Only where any cadence is handed over ahead of its hour, because the search takes long in a large edition.
    ahead = any(cadence.ahead for cadence in installation.settings.cadences)
    return ahead and bool(requests.of_edition(conn, edition.id, installation.clock()))


def read_details(installation: Installation, edition: Edition) -> SentDetails:
    """Return the account of a frozen edition, and how many readers had each of its entries."""
    with reading(installation.engine) as conn:
        return SentDetails(account_by(conn, installation, edition), reached_by(conn, edition.id))


def progress_of(edition: Edition, receipt: Receipt) -> dict[str, Any]:
    """Return how far an edition is sent: the counts of its receipt, and of all `letters` those that are `done`.

    `under_way`: letters are owed, and nobody has stopped them.
    """
    done = receipt.accepted + receipt.refused + receipt.uncertain + receipt.cancelled
    under_way = receipt.pending > 0 and not edition.held
    return asdict(receipt) | {
        "letters": done + receipt.pending, "done": done, "stopped": edition.held, "under_way": under_way
    }  # fmt: skip


def case_studies(entries: Sequence[Entry], reached: Mapping[int, EntryReached]) -> list[tuple[Entry, EntryReached]]:
    """Return the case studies among entries, those that most readers elsewhere had first."""
    rows = [(entry, reached.get(entry.id, EntryReached())) for entry in entries if entry.kind == CASE_STUDY]
    return sorted(rows, key=lambda row: (-row[1].elsewhere, -row[1].readers, row[0].id))


def reach_document(installation: Installation, number: int) -> list[dict[str, Any]]:
    """Return the case studies of a frozen edition with their readers, as `digest receipt --reach` prints them.

    Raises WrongUse for an edition that does not exist or that is not frozen.
    """
    with reading(installation.engine) as conn:
        edition = editions.get(conn, number)
        if edition is None or edition.state != "frozen":
            raise WrongUse(f"edition {number} is not frozen, so nobody has had it; see `digest status`")
        entries = [row.entry for row in editions.shown(conn, number)]
        reached = reached_by(conn, number)
    return [
        {"entry": entry.id, "title": entry.title, **count._asdict(), "readers": count.readers}
        for entry, count in case_studies(entries, reached)
    ]


@dataclass(frozen=True, slots=True)
class UnsentEdition:
    """An edition that is not frozen: the one its cadence's readers are offered next (`is_next`), or a past one.

    `carried_by` is the slot of the edition that carries the entries of one that was passed over, "" if unknown.
    """

    edition: Edition
    is_next: bool
    carried_by: str = ""


def read_unsent(conn: Connection, installation: Installation, edition: Edition) -> UnsentEdition:
    """Return what became of an edition that is not frozen."""
    settings, now = installation.settings, installation.clock()
    try:
        following = next_edition(conn, settings, edition.cadence, now)
        return UnsentEdition(edition, following.id == edition.id, passed_over(conn, settings, edition, now))
    except ConfigError:
        return UnsentEdition(edition, is_next=False)
