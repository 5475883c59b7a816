"""Write consent histories as cells of a CSV file, and take them from such cells without loss.

A cell is a JSON list with an object for each event, oldest first: `what` (a word of `tables.EVENTS`), `at`, and where
they are not blank `how`, `network`, and the `words` that the person agreed to, with their `language`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from subscribers.changes import LIFTED, record_changes
from subscribers.confirmations import words_key
from subscribers.csv.rows import BadCell
from subscribers.database import among, dialect_insert
from subscribers.languages import is_language_tag
from subscribers.tables import EVENTS, REASONS, consent_event, consent_words

_TEXTS = ("how", "network", "language", "words")
_KEYS = frozenset({"what", "at", *_TEXTS})
_LONGEST_NETWORK = 43  # characters, of an IPv6 network
_NO_CELL = (
    "consent_history is no list of events as `digest subscribers export` writes it; a spreadsheet may have cut it:"
    " take it from the export again, or leave the cell blank"
)


class PastEvent(NamedTuple):
    """An event of a consent history with the words that were agreed to, in full ("": none were shown)."""

    what: str
    at: datetime
    how: str = ""
    network: str = ""
    language: str = ""
    words: str = ""


def histories_of(conn: Connection, ids: Collection[int]) -> dict[int, list[PastEvent]]:
    """Return the consent histories of these subscribers, each oldest first."""
    columns = (
        consent_event.c.subscriber_id, consent_event.c.what, consent_event.c.at, consent_event.c.how,
        consent_event.c.network, consent_words.c.language, consent_words.c.text,
    )  # fmt: skip
    query = select(*columns).outerjoin(consent_words, consent_words.c.key == consent_event.c.words)
    query = query.where(among(conn, consent_event.c.subscriber_id, ids)).order_by(consent_event.c.id)
    histories: dict[int, list[PastEvent]] = {}
    for id, what, at, how, network, language, words in conn.execute(query):
        histories.setdefault(id, []).append(PastEvent(what, at, how, network, language or "", words or ""))
    return histories


def history_cell(events: Iterable[PastEvent]) -> str:
    """Return the cell of a consent history; "" for one without events."""
    objects = [
        {"what": event.what, "at": event.at.isoformat()}
        | {name: text for name in _TEXTS if (text := getattr(event, name))}
        for event in events
    ]
    return json.dumps(objects, ensure_ascii=False, separators=(",", ":")) if objects else ""


def read_history_cell(cell: str) -> tuple[PastEvent, ...]:
    """Return the events of a cell. Raises BadCell for a cell that `history_cell` did not write."""
    try:
        objects = json.loads(cell)
        if not isinstance(objects, list):
            raise ValueError("no list")
        events = tuple(map(_event, objects))
        # An escape may stand for half a surrogate pair, or for NUL, which no database takes.
        if "\\u" in cell and "\x00" in "".join("".join(event[2:]) for event in events).encode().decode():
            raise ValueError("no text")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise BadCell(_NO_CELL) from None
    return events


def _event(values: Mapping[str, Any]) -> PastEvent:
    """Return the event of an object of JSON. Raises what `read_history_cell` takes for none."""
    at = datetime.fromisoformat(values["at"])
    how, network, language, words = texts = [values.get(name, "") for name in _TEXTS]
    fits = (
        values.keys() <= _KEYS
        and at.tzinfo is not None
        and values["what"] in EVENTS
        and len(network) <= _LONGEST_NETWORK
        and bool(words) == bool(language)
        and (not language or is_language_tag(language))
    )
    "".join(texts)  # TypeError for what is no text
    if not fits:
        raise ValueError("no event")
    return PastEvent(values["what"], at.astimezone(UTC), how, network, language, words)


def add_histories(conn: Connection, histories: Mapping[int, Sequence[PastEvent]]) -> None:
    """Store whole consent histories, {subscriber id: events}, of subscribers who have none yet."""
    shown = {(event.language, event.words) for events in histories.values() for event in events if event.words}
    keys = {each: words_key(*each) for each in sorted(shown)}
    if keys:
        words = [{"key": key, "language": language, "text": text} for (language, text), key in keys.items()]
        row = dialect_insert(conn)(consent_words)
        conn.execute(row.on_conflict_do_nothing(index_elements=["key"]), words)
    rows = [
        {
            "subscriber_id": id, "what": event.what, "at": event.at, "how": event.how, "network": event.network,
            "words": keys.get((event.language, event.words), ""),
        }
        for id, events in histories.items()
        for event in events
    ]  # fmt: skip
    if rows:
        conn.execute(insert(consent_event), rows)
        record_changes(conn)


def told_stop(events: Iterable[PastEvent]) -> str | None:
    """Return how a history ends: the reason of a suppression, "left", LIFTED, or None where it tells of none."""
    stop: str | None = None
    for event in events:
        if event.what == "suppressed":
            reason = event.how.partition(":")[0]
            ranked = [each for each in (stop, reason) if each in REASONS]
            stop = max(ranked, key=REASONS.index) if ranked else stop
        elif event.what == "left":
            stop = stop if stop in REASONS else "left"
        elif event.what == "unsuppressed":
            stop = LIFTED
    return stop
