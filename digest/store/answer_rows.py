"""Read and store whole answers of readers with what names their entries elsewhere, for the export and the import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from digest.store.reader_tables import answer
from digest.store.schema import entry
from subscribers.database import among, dialect_insert


class EntryName(NamedTuple):
    """Hold what names an entry in another installation: its source with the source's own id of it, and its link.

    `title` is that of an entry that has neither, else "".
    """

    source: str
    guid: str
    link: str
    title: str = ""


class AnswerRow(NamedTuple):
    """Hold one answer as it is stored, without the numbers of this database."""

    entry: EntryName
    kind: str
    text: str
    place: str
    named: bool
    state: str
    at: datetime
    decided_by: str
    decided_at: datetime | None


def rows_of(conn: Connection, subscribers: Collection[int]) -> dict[int, list[AnswerRow]]:
    """Return the answers of some subscribers, {subscriber id: answers}, by entry and kind."""
    a, e = answer.c, entry.c
    query = select(
        a.subscriber_id, e.source, e.guid, e.url, e.title, a.kind, a.text, a.place, a.named, a.state, a.answered_at,
        a.decided_by, a.decided_at,
    ).join(entry, e.id == a.entry_id)  # fmt: skip
    rows: dict[int, list[AnswerRow]] = {}
    for subscriber, source, guid, url, title, *rest in conn.execute(
        query.where(among(conn, a.subscriber_id, subscribers))
    ):
        name = EntryName(source, guid or "", url or "", "" if guid or url else title)
        rows.setdefault(subscriber, []).append(AnswerRow(name, *rest))
    # Not by the entry's number, because an installation that imports them may give other numbers.
    return {subscriber: sorted(some, key=lambda row: (row.entry, row.kind)) for subscriber, some in rows.items()}


def entries_named(conn: Connection, names: Iterable[EntryName]) -> dict[EntryName, int]:
    """Return the entries that are here by their names: by source and id, else by link; doubtful ones are left out."""
    wanted = set(names)
    e = entry.c
    columns = {"guid": e.guid, "link": e.url, "title": e.title}
    parts = {part: sorted({getattr(name, part) for name in wanted} - {""}) for part in columns}
    alike = or_(*(among(conn, columns[part], texts) for part, texts in parts.items()))
    ids: dict[tuple[str, ...], set[int]] = {}
    for id, source, guid, url, title in conn.execute(
        select(entry.c.id, entry.c.source, *columns.values()).where(alike)
    ):
        for key in (("guid", source, guid or ""), ("link", url or ""), ("title", source, title)):
            ids.setdefault(key, set()).add(id)
    entries: dict[EntryName, int] = {}
    for name in wanted:
        keys = (("guid", name.source, name.guid), ("link", name.link), ("title", name.source, name.title))
        same = next((ids[key] for key in keys if key[-1] and key in ids), set())
        if len(same) == 1:
            entries[name] = next(iter(same))
    return entries


def restore(conn: Connection, rows: Mapping[int, Sequence[AnswerRow]], entries: Mapping[EntryName, int]) -> None:
    """Store answers, {subscriber id: answers}, to the entries that are here; what is stored already stays."""
    values = [
        {
            "subscriber_id": subscriber, "entry_id": entries[row.entry], "kind": row.kind, "text": row.text,
            "place": row.place, "named": row.named, "state": row.state, "answered_at": row.at,
            "decided_by": row.decided_by, "decided_at": row.decided_at,
        }
        for subscriber, some in rows.items()
        for row in some
        if row.entry in entries
    ]  # fmt: skip
    if values:
        keys = ["subscriber_id", "entry_id", "kind"]
        conn.execute(dialect_insert(conn)(answer).on_conflict_do_nothing(index_elements=keys), values)


def count_kinds(conn: Connection, subscriber: int) -> dict[str, int]:
    """Return how many answers of each kind a subscriber has given."""
    query = select(answer.c.kind, func.count()).where(answer.c.subscriber_id == subscriber).group_by(answer.c.kind)
    return {row[0]: row[1] for row in conn.execute(query.order_by(answer.c.kind))}
