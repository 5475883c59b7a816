"""Read what another tool says of a person in a row: how they stand there, and since when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from subscribers.csv.columns import CsvColumn, cure
from subscribers.csv.dates import read_instant
from subscribers.csv.remarks import asks_to_stop
from subscribers.csv.rows import BadCell, CsvRow
from subscribers.csv.standing import CONSENT_FIELDS, STOPS, UNCLEAR, standing_of, strictest
from subscribers.csv.unknown import UnknownColumns
from subscribers.facets import quoted
from subscribers.tables import STATES

IGNORE = "ignore"  # of a label or a column: it stands for nothing here
_TAKEN = {
    "pending": "taken as pending",
    "left": "taken as left",
    "bounced": "taken as left and suppressed (bounced)",
    "complained": "taken as left and suppressed (complained)",
    "editor": "taken as left and suppressed (editor)",
}
# Fields of dates, the best witness of a consent first.
_DATED = ("confirmed", "subscribed", "subscribed_at", "created_at")


def standing_in(row: CsvRow, unknown: UnknownColumns) -> tuple[str | None, str]:
    """Return the strictest standing that the columns give a row (None: no column speaks), and the remark on it.

    `unknown` sees the row unless a column tells the person to be left alone. Raises BadCell when a cell that may tell
    so cannot be understood or is missing.
    """
    given = [
        (column, text, standing_of(column.field, text))
        for column, text in row.others
        if column.field in CONSENT_FIELDS
    ]
    if any(column.field == "confirmed" and text and standing == "active" for column, text, standing in given):
        # Because of two dates, one to opt in and one to confirm, either will do.
        given = [(column, text, standing) for column, text, standing in given if text or column.field != "confirmed"]
    state = row.cells.get("state", "")
    if state and state.lower() not in STATES and (standing := standing_of("status", state)) != UNCLEAR:
        given.append((CsvColumn("state", "status"), state, standing))
    strict = strictest(standing for _, _, standing in given)
    asks_here = state.lower() == "left" or bool(row.cells.get("suppressed"))
    if row.unreached and strict not in STOPS and not asks_here:
        raise BadCell(
            f"the row ends before column {row.unreached[:40]!r}, which tells whether they may be mailed; add the"
            " cells that are missing"
        )
    if strict is None or strict == "active":
        if not asks_here:
            unknown.see(row)
            _check_remarks(row)
        return strict, ""
    column, text, _ = next(each for each in given if each[2] == strict)
    shown = f"column {column.name[:40]!r} " + (f"holds {quoted(text)}" if text else "is blank")
    if strict == UNCLEAR:
        raise BadCell(
            f"{shown}, which does not tell whether they may be mailed; write active, pending, left, bounced,"
            f" complained or blocked there, or {cure(column.name)}"
        )
    return strict, f"{_TAKEN[strict]}, because {shown}"


def _check_remarks(row: CsvRow) -> None:
    """Raise BadCell when a remark may tell to leave a person alone."""
    for column, text in row.others:
        if column.field == "remark" and asks_to_stop(text):
            raise BadCell(
                f"column {column.name[:40]!r} holds {quoted(text)}, which may tell that they must not be mailed; take"
                " those words out, or write left in a column 'state'"
            )


def consent_date(cells: Sequence[tuple[CsvColumn, str]]) -> datetime | None:
    """Return the date of a consent: of its confirmation, else of the subscription, else of the record there.

    Raises BadCell for a text in a column of dates that is no date, or that may be two.
    """
    dates: dict[str, datetime] = {}
    for column, text in cells:
        if not text or column.field not in _DATED:
            continue
        instant = read_instant(text)
        if instant is not None:
            dates[column.field] = max(instant, dates.get(column.field, instant))
        elif column.field in ("subscribed_at", "created_at") and any(letter.isdecimal() for letter in text):
            raise BadCell(
                f"column {column.name[:40]!r} holds {quoted(text)}, which is no date or may be two; write it like"
                f' 2026-12-31, or leave the column out with --map "{column.name[:40]}={IGNORE}"'
            )
    return next((dates[name] for name in _DATED if name in dates), None)
