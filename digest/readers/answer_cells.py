"""Write answers to entries as cells of the CSV file of subscribers, and take them from such cells.

A cell is a JSON list with an object for each answer: `source`, `guid` and `link` name its entry, the rest is what the
reader answered and what an editor decided. Answers to entries that are not here are told, and taken when the file is
imported again after their sources were gathered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from digest.store import answer_rows
from digest.store.answer_rows import AnswerRow, EntryName

_NAMES = ("source", "guid", "link", "title")
_TEXTS = (*_NAMES, "text", "place", "decided_by")
_KINDS = ("useful", "not-for-me", "tried")
_STATES = ("waiting", "accepted", "aside")
_NO_CELL = (
    "is no list of answers as `digest subscribers export` writes it; a spreadsheet may have cut it: take it from the"
    " export again, or leave the cell blank"
)


class AnswerCells:
    """The column of answers in the CSV file of subscribers (`subscribers.csv.answers.AnswerColumn`)."""

    def cells(self, conn: Connection, ids: Collection[int]) -> Mapping[int, str]:
        """Return the cell of each of these subscribers who has answered anything."""
        return {id: answer_cell(rows) for id, rows in answer_rows.rows_of(conn, ids).items()}

    def problem(self, cell: str) -> str:
        """Return what is wrong with a cell and the cure, or ""."""
        try:
            read_answer_cell(cell)
        except ValueError:
            return _NO_CELL
        return ""

    def take(self, conn: Connection, cells: Mapping[str, str], ids: Mapping[str, int]) -> Mapping[str, str]:
        """Store the answers of cells, {address: cell}, of the subscribers with an id; return remarks by address."""
        answers = {key: read_answer_cell(cell) for key, cell in cells.items()}
        names = {row.entry for rows in answers.values() for row in rows}
        entries = answer_rows.entries_named(conn, names)
        answer_rows.restore(conn, {ids[key]: rows for key, rows in answers.items() if key in ids}, entries)
        lacking = {key: [row for row in rows if row.entry not in entries] for key, rows in answers.items()}
        return {key: _left_out(rows) for key, rows in lacking.items() if rows}


def _left_out(rows: list[AnswerRow]) -> str:
    """Return the remark on answers to entries that are not here."""
    name = rows[0].entry
    return (
        f"answers to entries that are not here are left out: {len(rows)}, such as to"
        f" {name.link or name.guid or name.title}; gather their sources and import the file again"
    )


def answer_cell(rows: Collection[AnswerRow]) -> str:
    """Return the cell of some answers."""
    return json.dumps([answer_values(row) for row in rows], ensure_ascii=False, separators=(",", ":"))


def answer_values(row: AnswerRow) -> dict[str, Any]:
    """Return an answer as a JSON object, without what is blank."""
    moments = {"at": row.at, "decided_at": row.decided_at}
    values = {
        **row.entry._asdict(),
        **{name: getattr(row, name) for name in ("kind", "text", "place", "named", "state", "decided_by")},
        **{name: moment.isoformat() for name, moment in moments.items() if moment},
    }
    return {name: value for name, value in values.items() if value not in ("", False)}


def read_answer_cell(cell: str) -> list[AnswerRow]:
    """Return the answers of a cell. Raises ValueError for a cell that `answer_cell` did not write."""
    try:
        objects = json.loads(cell)
        cell.encode()
        return [_row(each) for each in objects]
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no answers") from error


def _row(values: Mapping[str, Any]) -> AnswerRow:
    """Return the answer of an object of JSON. Raises ValueError, TypeError, KeyError or AttributeError."""
    texts = {name: values.get(name, "") for name in _TEXTS}
    moments = {
        name: datetime.fromisoformat(values[name]) if name == "at" or name in values else None
        for name in ("at", "decided_at")
    }
    fits = (
        values.keys() <= {*_TEXTS, "kind", "named", "state", *moments}
        and values["kind"] in _KINDS
        and values["state"] in _STATES
        and isinstance(values.get("named", False), bool)
        and all(isinstance(text, str) and "\x00" not in text for text in texts.values())
        and all(moment is None or moment.tzinfo is not None for moment in moments.values())
        and bool(texts["guid"] or texts["link"] or texts["title"])
    )
    if not fits:
        raise ValueError("no answer")
    "".join(texts.values()).encode()  # half a surrogate pair is no text
    at, decided_at = (moment.astimezone(UTC) if moment else None for moment in moments.values())
    assert at is not None
    return AnswerRow(
        EntryName(*(texts[name] for name in _NAMES)),
        values["kind"], texts["text"], texts["place"], values.get("named", False), values["state"], at,
        texts["decided_by"], decided_at,
    )  # fmt: skip
