"""Export subscribers as a CSV file that imports again without loss and is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import IO

from sqlalchemy import Connection

from subscribers.addresses import parse_address
from subscribers.csv.columns import COLUMNS
from subscribers.csv.rows import STRUCK, guarded
from subscribers.model import Subscriber
from subscribers.store import stream as subscribers_after
from subscribers.suppression import reasons_for


def export_csv(conn: Connection, stream: IO[bytes], *, secret: bytes | None = None) -> int:
    """Write all subscribers, in any state, to a binary stream, UTF-8 with CRLF, by id; return their number.

    With the secret, the last column says why an address is suppressed. Without it, the file has no bounces and
    complaints, so a database that imports it does not learn of them. A cell that a spreadsheet would run as a
    formula gets a leading "'", which the import removes. Raises BadSecret.
    """
    names = COLUMNS if secret is not None else COLUMNS[:-1]
    stream.write((",".join(names) + "\r\n").encode())
    total = after = 0
    while page := subscribers_after(conn, state=None, after=after):
        after = page[-1].id
        total += len(page)
        keys = [parse_address(person.email).key for person in page]
        reasons = reasons_for(conn, secret, keys) if secret is not None else {}
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for key, person in zip(keys, page, strict=True):
            cells = [*_cells(person), reasons.get(key, "")][: len(names)]
            writer.writerow([guarded(cell) for cell in cells])
        stream.write(text.getvalue().encode("utf-8"))
    return total


def _cells(person: Subscriber) -> list[str]:
    return [
        f"<{person.email}>" if STRUCK.match(person.email) else person.email,
        person.name,
        person.cadence,
        ";".join(sorted(person.interests.policy_areas)),
        ";".join(sorted(person.interests.regions)),
        ";".join(sorted(person.interests.themes)),
        "yes" if person.interests.elsewhere else "no",
        person.language,
        person.state,
        person.paused_until.isoformat() if person.paused_until else "",
        person.joined_at.isoformat() if person.joined_at else "",
        "yes" if person.interests.carry_over else "no",
    ]
