"""Subscribers as a CSV file that the import takes back without loss, and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from typing import IO

from sqlalchemy import Connection

from subscribers.addresses import parse_address
from subscribers.csv.rows import COLUMNS, guarded
from subscribers.model import Subscriber
from subscribers.store import stream as pages
from subscribers.suppression import reasons_for


def export_csv(conn: Connection, stream: IO[bytes], *, secret: bytes | None = None) -> int:
    """Write every subscriber in any state to a binary stream, UTF-8 with CRLF, by id; return how many.

    With the secret, the last column says why an address is suppressed; without it, bounces and complaints
    are not in the file and would not be known to another database that imports it. A cell that a spreadsheet
    would run as a formula gets a leading "'", which the import takes off again.
    """
    names = COLUMNS if secret is not None else COLUMNS[:-1]
    stream.write((",".join(names) + "\r\n").encode())
    total = after = 0
    while page := pages(conn, state=None, after=after):
        after = page[-1].id
        total += len(page)
        keys = [parse_address(one.email).key for one in page]
        reasons = reasons_for(conn, secret, keys) if secret is not None else {}
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for key, one in zip(keys, page, strict=True):
            cells = [*_cells(one), reasons.get(key, "")][: len(names)]
            writer.writerow([guarded(cell) for cell in cells])
        stream.write(text.getvalue().encode("utf-8"))
    return total


def _cells(one: Subscriber) -> list[str]:
    return [
        one.email,
        one.name,
        one.cadence,
        ";".join(sorted(one.interests.policy_areas)),
        ";".join(sorted(one.interests.regions)),
        ";".join(sorted(one.interests.themes)),
        "yes" if one.interests.elsewhere else "no",
        one.language,
        one.state,
        one.paused_until.isoformat() if one.paused_until else "",
        one.joined_at.isoformat() if one.joined_at else "",
    ]
