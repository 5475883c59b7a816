"""Give readers all that is kept of them: as one JSON document, and their letters as a CSV file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Entry
from digest.readers.history import HadEntry, HadLetter, history_of
from digest.store import deliveries, event_history, reader_record
from subscribers import kept
from subscribers.addresses import parse_address
from subscribers.csv.rows import guarded
from subscribers.model import Subscriber
from subscribers.suppression import address_hash, is_suppressed

_ALL = 10**9
_COLUMNS = ("letter", "cadence", "state", "title", "link", "kind", "source", "place", "reason")
Worded = Callable[[HadEntry], str]


def all_kept(conn: Connection, installation: Installation, person: Subscriber, reason: Worded) -> bytes:
    """Return all that is kept of a reader as a JSON document; `reason` words why an entry was in their letter."""
    secret = installation.secret
    hashed = address_hash(secret, parse_address(person.email).key)
    document = {
        "person": _person(person) | {"suppressed": is_suppressed(conn, person.email, secret=secret)},
        "consents": kept.consents(conn, person.id),
        "wishes": kept.open_wishes(conn, person.id, hashed),
        "asked": kept.times_asked(conn, hashed),
        "left": kept.reasons_to_leave(conn, person.id),
        "letters": _letters(conn, installation, person, reason),
        "answers": reader_record.answers_by(conn, person.id),
        "answers_told": reader_record.answers_told(conn, person.id),
        "notices": reader_record.notices_to(conn, hashed),
        "silence_told": reader_record.silences_told(conn, person.id),
    }
    return json.dumps(document, ensure_ascii=False, indent=2, default=_plain).encode()


def letters_table(conn: Connection, installation: Installation, person: Subscriber, reason: Worded) -> bytes:
    """Return a reader's letters as CSV, a line for each entry and for each letter without any, newest first.

    A cell that a spreadsheet would run gets a leading "'". With the mark of UTF-8, by which Excel knows it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for letter in history_of(conn, installation, person, limit=_ALL).letters:
        head = (letter.edition.slot, letter.edition.cadence, letter.state)
        rows = [_cells(had.entry, reason(had)) for had in letter.entries] or [("",) * 6]
        writer.writerows([guarded(cell) for cell in (*head, *row)] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cells(entry: Entry, reason: str) -> tuple[str, ...]:
    return entry.title, entry.url or "", entry.kind, entry.source, entry.facets.place, reason


def _person(person: Subscriber) -> dict[str, Any]:
    follows = person.interests
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "cadence": person.cadence,
        "policy_areas": sorted(follows.policy_areas),
        "regions": sorted(follows.regions),
        "themes": sorted(follows.themes),
        "elsewhere": follows.elsewhere,
        "carry_over": follows.carry_over,
        "silence_notices": person.silence_notices,
        "zone": person.zone,
        "language": person.language,
        "state": person.state,
        "paused_until": person.paused_until,
        "joined_at": person.joined_at,
        "created_at": person.created_at,
    }


def _letters(
    conn: Connection, installation: Installation, person: Subscriber, reason: Worded
) -> Sequence[Mapping[str, Any]]:
    rows = deliveries.of_subscriber(conn, person.id)
    numbers: dict[int, list[int]] = {}
    for row in rows:
        if row.id:
            numbers.setdefault(row.edition, []).append(row.id)
    events = event_history.events_by_delivery(conn, [row.id for row in rows if row.id])
    return [
        _letter(letter, reason)
        | {
            "events": [
                {"at": event.at, "what": event.kind, "status": event.status, "reason": event.reason}
                for number in numbers.get(letter.edition.id, ())
                for event in events.get(number, ())
            ]
        }
        for letter in history_of(conn, installation, person, limit=_ALL).letters
    ]


def _letter(letter: HadLetter, reason: Worded) -> dict[str, Any]:
    return {
        "edition": letter.edition.id,
        "cadence": letter.edition.cadence,
        "day": letter.edition.slot,
        "state": letter.letter.state,
        "reason": letter.letter.reason,
        "more": letter.more,
        "entries": [
            {
                "id": had.entry.id,
                "title": had.entry.title,
                "link": had.entry.url,
                "kind": had.entry.kind,
                "source": had.entry.source,
                "place": had.entry.facets.place,
                "section": had.section,
                "reason": reason(had),
            }
            for had in letter.entries
        ],
    }


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
