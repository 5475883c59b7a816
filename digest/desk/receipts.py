"""Receipts: an edition's account as a document and as a page, which balances or says loudly that it does not.

No address and no name of a reader is in either: a receipt may be mailed, printed and kept.
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
from digest.errors import WrongUse
from digest.installation import Installation
from digest.ledger.redact import redacted
from digest.model import Edition, Receipt
from digest.store import deliveries, editions, history
from digest.store.deliveries import Delivery
from digest.store.engine import reading
from digest.store.history import Worked
from digest.system.pages import render_page, stylesheet
from subscribers import store as people
from subscribers.database import chunks

MOST_NAMED = 200  # uncertain deliveries, and reasons, that a page lists
# The parts of the whole in the order of the sum, and what each means to who reads it first.
PARTS = {
    "accepted": "taken by the transport",
    "refused": "the letter was not taken",
    "suppressed": "must not be mailed",
    "empty": "nothing new for them, so no letter",
    "held": "not to be mailed at that time; a later edition makes it good",
    "uncertain": "handed over, the answer is unknown",
    "cancelled": "owed a letter, then not to be mailed any more",
    "pending": "not handed over yet",
}
_SERVERS_WORDS = ("refused", "uncertain", "pending", "claimed")  # their reasons may come from a mail server
_OUR_YES = ("settled by", "an event tells", "sandbox")


@dataclass(frozen=True, slots=True)
class ReceiptDoubt:
    """One uncertain delivery as a receipt names it: by its number."""

    delivery: int
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class EditionAccount:
    """An edition's receipt and what stands behind it, as of `at`; `why` are (state, reason, count) rows."""

    edition: Edition
    receipt: Receipt
    at: datetime
    frozen_at: datetime
    entries: int
    digests: int
    fates: dict[str, int]
    why: tuple[tuple[str, str, int], ...]
    doubts: tuple[ReceiptDoubt, ...]
    runs: tuple[Worked, ...]

    @property
    def verdict(self) -> tuple[str, tuple[str, ...]]:
        """Return "wrong", "person", "open" or "balanced", and a sentence for each thing that is so, worst first."""
        one = self.receipt
        said: list[tuple[str, str]] = []
        if one.unexplained > 0:
            said.append(("wrong", f"{one.unexplained:,} of {one.eligible:,} eligible readers are not accounted for."))
        elif one.unexplained < 0:
            said.append(("wrong", f"{-one.unexplained:,} deliveries belong to no eligible reader."))
        if one.uncertain:
            said.append(("person", f"In doubt: {one.uncertain:,}. Nobody is mailed again until a person decides."))
        if one.pending and self.edition.held:
            cure = f"`digest approve {self.edition.id}`"
            said.append(("open", f"Not handed over: {one.pending:,}. The edition is stopped until {cure}."))
        elif one.pending:
            said.append(("open", f"Not handed over yet: {one.pending:,}. A later run goes on with them."))
        if not said:
            said.append(("balanced", f"Every one of the {one.eligible:,} eligible readers is accounted for."))
        return said[0][0], tuple(line for _, line in said)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `digest receipt --json` prints: the receipt's keys, and what stands behind it."""
        return asdict(self.receipt) | {
            "balanced": self.receipt.balanced,
            "at": self.at.isoformat(),
            "frozen_at": self.frozen_at.isoformat(),
            "fates": self.fates,
            "why": [{"state": state, "reason": reason, "count": count} for state, reason, count in self.why],
            "in_doubt": [
                {"delivery": one.delivery, "since": one.since.isoformat(), "reason": one.reason}
                for one in self.doubts
            ],
            "runs": [
                {"id": one.id, "command": one.command, "started_at": one.started_at.isoformat(),
                 "finished_at": one.finished_at.isoformat() if one.finished_at else None, "outcome": one.outcome}
                for one in self.runs
            ],
        }  # fmt: skip


def newest_frozen(installation: Installation) -> int:
    """Return the number of the newest frozen edition. Raises WrongUse when there is none."""
    with reading(installation.engine) as conn:
        for one in editions.listing(conn):
            if one.state == "frozen":
                return one.id
    raise WrongUse("no edition has been frozen yet; `digest run` does it when one is due")


def account(installation: Installation, number: int) -> EditionAccount:
    """Return an edition's account as it stands now. Raises WrongUse for one that is unknown or not frozen."""
    with reading(installation.engine) as conn:
        one = editions.get(conn, number)
        if one is None:
            raise WrongUse(f"edition {number} does not exist; see `digest status`")
        if one.state != "frozen":
            raise WrongUse(f"edition {number} is not frozen yet: nobody is owed anything of it")
        entries, digests = history.sizes(conn, number)
        return EditionAccount(
            one,
            deliveries.receipt(conn, one),
            installation.clock(),
            deliveries.frozen_at(conn, number),
            entries,
            digests,
            history.fates(conn, number),
            tuple(_why(conn, number)),
            tuple(
                ReceiptDoubt(row.id, row.updated_at, reason)
                for row, reason in _redacted(conn, deliveries.in_state(conn, "uncertain", number))
            ),
            tuple(history.runs_of(conn, number)),
        )


def page(installation: Installation, one: EditionAccount) -> str:
    """Return the account as one self-contained HTML page, without scripts and without anything from elsewhere."""
    zone = ZoneInfo(installation.settings.site.zone)
    counts = asdict(one.receipt) | {"unexplained": max(one.receipt.unexplained, 0)}
    level, lines = one.verdict
    values = {
        "css": stylesheet("receipt.css"),
        "site": installation.settings.site.name,
        "account": one,
        "receipt": one.receipt,
        "level": level,
        "lines": lines,
        "counts": counts,
        "shown": [name for name in PARTS if name != "pending" or counts[name]],
        "means": PARTS,
        "most": MOST_NAMED,
        "hour": lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        "number": lambda count: f"{count:,}",
        "share": _share,
        "redacted": redacted,
    }
    return render_page("receipt.html.j2", values)


def path_of(installation: Installation, one: Edition) -> Path:
    """Return where an edition's page is kept: beside config.toml, in receipts/."""
    return installation.settings.home / "receipts" / f"{folder_of(one)}.html"


def write(installation: Installation, numbers: Sequence[int]) -> list[Path]:
    """Write the pages of editions as their accounts stand now, over earlier ones; return where. Raises OSError."""
    written = []
    for number in numbers:
        one = account(installation, number)
        written.append(path_of(installation, one.edition))
        save(written[-1], page(installation, one))
    return written


def save(path: Path, text: str) -> None:
    """Write a page whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _share(count: int, whole: int) -> str:
    """Return a part in per cent; a small one is not rounded to nothing, nor all but one to all."""
    if not whole or not count:
        return "" if not whole else "0 %"
    share = 100 * count / whole
    if share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < share < 100 else f"{share:.1f} %"


def _why(conn: Connection, number: int) -> Iterator[tuple[str, str, int]]:
    """Yield (state, reason, count), in the order of PARTS and the most frequent first, without any address."""
    counts: Counter[tuple[str, str]] = Counter()
    for (state, reason), count in history.reasons(conn, number).items():
        # A server's yes has another number for each letter.
        if state == "accepted" and not reason.startswith(_OUR_YES):
            continue
        if reason and state not in _SERVERS_WORDS:
            counts[state, redacted(reason)] += count
    for state in ("refused", "pending"):
        for row, reason in _redacted(conn, deliveries.in_state(conn, state, number)):
            if reason:
                counts[row.state, reason] += 1
    order = list(PARTS)
    for (state, reason), count in sorted(counts.items(), key=lambda c: (order.index(c[0][0]), -c[1], c[0][1])):
        yield state, reason, count


def _redacted(conn: Connection, rows: Sequence[Delivery]) -> Iterator[tuple[Delivery, str]]:
    """Yield deliveries with their reasons, in which neither the reader's address nor its local part is left."""
    for some in chunks(rows):
        persons = people.many(conn, {one.subscriber for one in some})
        for one in some:
            person = persons.get(one.subscriber)
            # A server may name the mailbox without its domain; whose it was, nobody knows any more.
            if person is None and one.reason:
                yield one, "the reader has been erased"
            else:
                yield one, redacted(one.reason, person.email if person else None)
