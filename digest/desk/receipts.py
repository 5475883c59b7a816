"""Make an edition's receipt as a JSON document and as an HTML page.

Both say loudly when the receipt does not balance. Neither holds an address or a name of a reader, because people
mail, print and keep receipts.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.delivery.parcel import folder_of
from digest.editions.named import edition_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.ledger.redact import SERVERS_WORDS, reason_for_receipt, redacted
from digest.model import Edition, Receipt
from digest.store import corrections, deliveries, editions, history, tried_told
from digest.store.corrections import Told
from digest.store.engine import reading
from digest.store.history import EditionRun
from digest.store.tallies import is_condensed, tallied_reasons
from digest.system.pages import render_page, stylesheet
from digest.system.private import make_private_folder, write_private

MOST_NAMED = 200  # uncertain deliveries, and reasons, that a page lists
# {part: its meaning in words}, in the order of the sum on the page.
PARTS = {
    "accepted": "taken by the transport",
    "refused": "the letter was not taken",
    "suppressed": "must not be mailed",
    "empty": "there was nothing new for them, so they got no letter",
    "held": "must not be mailed at that time; a later edition brings the entries",
    "uncertain": "handed over, the answer is unknown",
    "cancelled": "a letter was frozen, but must not be mailed any more",
    "pending": "not handed over yet",
}


@dataclass(frozen=True, slots=True)
class ReceiptDoubt:
    """An uncertain delivery on a receipt, which names it by its number."""

    delivery: int
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class EditionAccount:
    """An edition's receipt with its details, as they stand at `at`; `why` has (state, reason, count) rows.

    `condensed`: the counts are kept, and no delivery can be named any more. `told`: the corrections in its letters.
    `tried`: how many letters tell what places tried with each entry.
    """

    edition: Edition
    receipt: Receipt
    at: datetime
    frozen_at: datetime
    entries: int
    digests: int
    fates: dict[str, int]
    why: tuple[tuple[str, str, int], ...]
    doubts: tuple[ReceiptDoubt, ...]
    runs: tuple[EditionRun, ...]
    condensed: bool
    told: tuple[Told, ...]
    tried: dict[int, int]

    @property
    def verdict(self) -> tuple[str, tuple[str, ...]]:
        """Return the worst verdict and its sentences, as `verdict_of` does."""
        return verdict_of(self.edition, self.receipt)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `digest receipt --json` prints: the receipt's keys, and the details."""
        return asdict(self.receipt) | {
            "balanced": self.receipt.balanced,
            "at": self.at.isoformat(),
            "frozen_at": self.frozen_at.isoformat(),
            "condensed": self.condensed,
            "corrections": [told._asdict() for told in self.told],
            "tried": [{"entry": entry, "readers": readers} for entry, readers in self.tried.items()],
            "fates": self.fates,
            "why": [{"state": state, "reason": reason, "count": count} for state, reason, count in self.why],
            "in_doubt": [
                {"delivery": doubt.delivery, "since": doubt.since.isoformat(), "reason": doubt.reason}
                for doubt in self.doubts
            ],
            "runs": [
                {"id": run.id, "command": run.command, "started_at": run.started_at.isoformat(),
                 "finished_at": run.finished_at.isoformat() if run.finished_at else None, "outcome": run.outcome}
                for run in self.runs
            ],
        }  # fmt: skip


def verdict_of(edition: Edition, receipt: Receipt) -> tuple[str, tuple[str, ...]]:
    """Return the worst verdict ("wrong", "person", "open" or "balanced"), and its sentences, worst first."""
    missing, eligible = receipt.unexplained, receipt.eligible
    verdicts: list[tuple[str, str]] = []
    if missing > 0:
        verdicts.append(("wrong", f"{missing:,} of {eligible:,} eligible readers are not accounted for."))
    elif missing < 0:
        verdicts.append(("wrong", f"Deliveries that belong to no eligible reader: {-missing:,}."))
    if receipt.uncertain:
        line = f"In doubt: {receipt.uncertain:,}. These readers are not mailed again until a person decides."
        verdicts.append(("person", line))
    if receipt.pending and edition.held:
        cure = f"`digest approve {edition.id}`"
        verdicts.append(("open", f"Not handed over: {receipt.pending:,}. The edition is stopped until {cure}."))
    elif receipt.pending:
        verdicts.append(("open", f"Not handed over yet: {receipt.pending:,}. A later run hands them over."))
    if not verdicts:
        verdicts.append(("balanced", f"Every one of the {eligible:,} eligible readers is accounted for."))
    return verdicts[0][0], tuple(line for _, line in verdicts)


def newest_frozen(installation: Installation) -> int:
    """Return the number of the newest frozen edition. Raises WrongUse when there is none."""
    with reading(installation.engine) as conn:
        newest = editions.newest_of_each(conn)
    if newest:
        return max(edition.id for edition in newest)
    raise WrongUse("no edition has been frozen yet; `digest run` freezes an edition when it is due")


def account(installation: Installation, number: int) -> EditionAccount:
    """Return an edition's account as it stands now. Raises WrongUse for an edition that is unknown or not frozen."""
    with reading(installation.engine) as conn:
        edition = edition_of(conn, number)
        if edition.state != "frozen":
            raise WrongUse(f"edition {number} is not frozen yet, so it has no receipt; see `digest status`")
        return account_by(conn, installation, edition)


def account_by(conn: Connection, installation: Installation, edition: Edition) -> EditionAccount:
    """Return the account of an edition that is frozen."""
    number = edition.id
    assert edition.frozen_at is not None
    return EditionAccount(
        edition,
        deliveries.receipt(conn, edition),
        installation.clock(),
        edition.frozen_at,
        *history.sizes(conn, number),
        history.fates(conn, number),
        tuple(_why(conn, number)),
        tuple(_doubts(conn, number)),
        tuple(history.runs_of(conn, number)),
        is_condensed(conn, number),
        tuple(corrections.told_by(conn, number)),
        tried_told.tried_in(conn, number),
    )


def page(installation: Installation, edition_account: EditionAccount) -> str:
    """Return the account as one HTML page that has no scripts and loads nothing from the network."""
    zone = ZoneInfo(installation.settings.site.zone)
    receipt = edition_account.receipt
    counts = asdict(receipt) | {"unexplained": max(receipt.unexplained, 0)}
    level, lines = edition_account.verdict
    values = {
        "css": stylesheet("receipt.css"),
        "site": installation.settings.site.name,
        "account": edition_account,
        "receipt": receipt,
        "level": level,
        "lines": lines,
        "counts": counts,
        "shown": [name for name in PARTS if name != "pending" or counts[name]],
        "means": PARTS,
        "most": MOST_NAMED,
        "hour": lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        "number": lambda count: f"{count:,}",
        "share": share_of,
        "redacted": redacted,
    }
    return render_page("receipt.html.j2", values)


def path_of(installation: Installation, edition: Edition) -> Path:
    """Return the path of an edition's receipt page, in the folder that `receipts` of [storage] names."""
    return installation.settings.receipts / f"{folder_of(edition)}.html"


def write(installation: Installation, numbers: Sequence[int]) -> list[Path]:
    """Write the receipt pages of editions as they stand now, over earlier pages; return their paths.

    Raises OSError, and WrongUse as `account` does.
    """
    written = []
    for number in numbers:
        edition_account = account(installation, number)
        written.append(path_of(installation, edition_account.edition))
        save(written[-1], page(installation, edition_account))
    return written


def save(path: Path, text: str) -> None:
    """Write a page whole or not at all. Raises OSError."""
    make_private_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_private(beside, text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def share_of(count: int, whole: int) -> str:
    """Return a part in per cent; only nothing is "0 %", and only the whole is "100.0 %"."""
    if not whole or not count:
        return "" if not whole else "0 %"
    share = 100 * count / whole
    if share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < share < 100 else f"{share:.1f} %"


def _why(conn: Connection, number: int) -> Iterator[tuple[str, str, int]]:
    """Yield (state, reason, count) without any address, in the order of PARTS, the most frequent reason first."""
    counts: Counter[tuple[str, str]] = Counter(tallied_reasons(conn, number))
    for (state, reason), count in history.reasons(conn, number).items():
        if state not in SERVERS_WORDS:
            counts[state, reason_for_receipt(state, reason, None)] += count
    for row in deliveries.worded(conn, number, ("refused", "pending")):
        counts[row.state, reason_for_receipt(row.state, row.reason, row.email)] += 1
    order = list(PARTS)
    rows = [(state, reason, count) for (state, reason), count in counts.items() if reason]
    yield from sorted(rows, key=lambda row: (order.index(row[0]), -row[2], row[1]))


def _doubts(conn: Connection, number: int) -> Iterator[ReceiptDoubt]:
    """Yield the uncertain deliveries, in whose reasons no address stands."""
    for row in deliveries.worded(conn, number, ("uncertain",)):
        yield ReceiptDoubt(row.id, row.updated_at, reason_for_receipt(row.state, row.reason, row.email))
