"""Export subscribers as a CSV file that imports again without loss and is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import IO

from sqlalchemy import Connection

from subscribers.addresses import parse_address
from subscribers.csv.answers import AnswerColumn
from subscribers.csv.columns import COLUMNS
from subscribers.csv.histories import histories_of, history_cell
from subscribers.csv.rows import STRUCK, guarded
from subscribers.model import Subscriber
from subscribers.store import stream as subscribers_after
from subscribers.suppression import reasons_for


def export_csv(
    conn: Connection,
    stream: IO[bytes],
    *,
    secret: bytes | None = None,
    answers: AnswerColumn | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write all subscribers, in any state, to a binary stream, UTF-8 with CRLF, by id; return their number.

    With the secret, a column says why an address is suppressed. Without it, the file has no bounces and complaints,
    so a database that imports it does not learn of them. `answers` gives the cells of the last column. A cell that a
    spreadsheet would run as a formula gets a leading "'", which the import removes. `progress` is called after each
    page with the number of subscribers so far. Raises BadSecret.
    """
    names = [name for name in COLUMNS if name != "suppressed" or secret is not None]
    stream.write((",".join(names) + "\r\n").encode())
    total = after = 0
    while page := subscribers_after(conn, state=None, after=after):
        after = page[-1].id
        total += len(page)
        ids = [person.id for person in page]
        keys = {person.id: parse_address(person.email).key for person in page}
        reasons = reasons_for(conn, secret, keys.values()) if secret is not None else {}
        histories = histories_of(conn, ids)
        answered = answers.cells(conn, ids) if answers is not None else {}
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        for person in page:
            own = [reasons.get(keys[person.id], "")] if secret is not None else []
            further = [history_cell(histories.get(person.id, ())), answered.get(person.id, "")]
            cells = [*_cells(person), *own, "yes" if person.silence_notices else "no", person.zone, *further]
            writer.writerow([guarded(cell) for cell in cells])
        stream.write(text.getvalue().encode("utf-8"))
        if progress is not None:
            progress(total)
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
