"""Store what readers answer to entries that they had: useful, not for them, or what they did with it.

An answer that its reader words anew gets a new number, so that no editor accepts words that they have not seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, insert, literal, select, update

from digest.model import Tried
from digest.store.reader_tables import answer, answer_reader
from digest.store.releases import has_left
from digest.store.schema import delivery, entry
from subscribers.database import among

USEFUL, NOT_FOR_ME, TRIED = ANSWERS = ("useful", "not-for-me", "tried")
WAITING, ACCEPTED, ASIDE = ANSWER_STATES = ("waiting", "accepted", "aside")
_REPLACED = "replaced"  # the kind of an answer while another takes its place, because a reader has one of each kind


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """One answer of a reader to an entry; `kind` is one of ANSWERS, `text` one line or "".

    `named`: an accepted "tried" may be shown with the name of `place`. `number` is 0 before it is stored.
    """

    entry: int
    kind: str
    text: str = ""
    place: str = ""
    named: bool = False
    number: int = 0
    state: str = WAITING
    decided_by: str = ""
    title: str = ""  # of the entry, where it was asked for

    @property
    def content(self) -> tuple[str, str, str, bool]:
        """Return what the reader decides of it."""
        return self.kind, self.text, self.place, self.named


@dataclass(frozen=True, slots=True)
class EntryAnswers:
    """Count the answers to an entry: useful, not for the reader, tried."""

    entry: int
    title: str
    useful: int
    not_for_me: int
    tried: int


def entries_had(conn: Connection, reader: int, entries: Collection[int]) -> set[int]:
    """Return those of some entries that a letter has brought to a reader, or may have."""
    wanted = (among(conn, entry.c.id, sorted(entries)), has_left(literal(reader), entry.c.id))
    return set(conn.scalars(select(entry.c.id).where(*wanted)))


def answers_of(conn: Connection, reader: int, entries: Collection[int] | None = None) -> list[EntryAnswer]:
    """Return a reader's answers, to all entries or to some, by entry and kind."""
    query = select(answer).where(answer.c.subscriber_id == reader).order_by(answer.c.entry_id, answer.c.kind)
    if entries is not None:
        query = query.where(among(conn, answer.c.entry_id, sorted(entries)))
    return [_answer(row) for row in conn.execute(query)]


def store_answer(conn: Connection, reader: int, given: EntryAnswer, now: datetime) -> None:
    """Store a reader's answer in the place of theirs of the same kind; the same answer again changes nothing."""
    before = next((each for each in answers_of(conn, reader, [given.entry]) if each.kind == given.kind), None)
    if before and before.content == given.content:
        return
    if before:
        conn.execute(update(answer).where(answer.c.id == before.number).values(kind=_REPLACED))
    # Words wait for an editor; without words there is nothing to decide.
    state = WAITING if given.text else ACCEPTED
    values = {"entry_id": given.entry, "kind": given.kind, "text": given.text, "place": given.place}
    new = insert(answer).values(**values, named=given.named, subscriber_id=reader, state=state, answered_at=now)
    number = conn.execute(new.returning(answer.c.id)).scalar_one()
    if before:
        untell(conn, before.number)
        told = update(answer_reader).where(answer_reader.c.answer_id == before.number)
        conn.execute(told.values(answer_id=number))  # because nobody is told twice what a place tried
        conn.execute(delete(answer).where(answer.c.id == before.number))


def remove_answer(conn: Connection, reader: int, entry_id: int, kind: str) -> None:
    """Remove a reader's answer of a kind to an entry, if any; no letter that is still to leave tells it."""
    wanted = (answer.c.subscriber_id == reader, answer.c.entry_id == entry_id, answer.c.kind == kind)
    conn.execute(delete(answer).where(*wanted))


def get(conn: Connection, number: int) -> EntryAnswer | None:
    """Return one answer by its number, or None."""
    row = conn.execute(select(answer).where(answer.c.id == number).with_for_update()).one_or_none()
    return _answer(row) if row else None


def decide(conn: Connection, number: int, state: str, by: str, now: datetime) -> None:
    """Set the state of an answer, decided by a person."""
    values = {"state": state, "decided_by": by, "decided_at": now}
    conn.execute(update(answer).where(answer.c.id == number).values(values))


def untell(conn: Connection, number: int) -> None:
    """Let nobody be told of an answer any more, except by letters that have left, or may have."""
    letter = and_(
        delivery.c.edition_id == answer_reader.c.edition_id, delivery.c.subscriber_id == answer_reader.c.subscriber_id
    )
    still = select(delivery.c.id).where(letter, delivery.c.state == "pending").exists()
    ours = answer_reader.c.answer_id == number
    conn.execute(delete(answer_reader).where(ours, answer_reader.c.edition_id.is_(None) | still))


def waiting_answers(conn: Connection, most: int | None = None) -> list[EntryAnswer]:
    """Return the answers that wait for an editor, with the titles of their entries, by entry; at most so many."""
    query = _with_titles().where(answer.c.text != "", answer.c.state == WAITING)
    return [_titled(row) for row in conn.execute(query.order_by(answer.c.entry_id, answer.c.id).limit(most))]


def decided_answers(conn: Connection, most: int | None = None) -> list[EntryAnswer]:
    """Return the answers with words that were accepted or left aside, the newest first; at most so many."""
    query = _with_titles().where(answer.c.text != "", answer.c.state != WAITING)
    return [_titled(row) for row in conn.execute(query.order_by(answer.c.id.desc()).limit(most))]


def count_waiting(conn: Connection) -> int:
    """Count the answers that wait for an editor."""
    wanted = (answer.c.text != "", answer.c.state == WAITING)
    return conn.scalar(select(func.count()).select_from(answer).where(*wanted)) or 0


def counted_answers(conn: Connection, most: int | None = None) -> list[EntryAnswers]:
    """Count the answers to each entry that has any, the entry with the newest answer first; at most so many."""
    counts = [func.count(case((answer.c.kind == kind, 1))) for kind in ANSWERS]
    query = select(entry.c.id, entry.c.title, *counts).join(answer, answer.c.entry_id == entry.c.id)
    query = query.group_by(entry.c.id, entry.c.title).order_by(func.max(answer.c.id).desc())
    return [EntryAnswers(*row) for row in conn.execute(query.limit(most))]


def tried_of(conn: Connection, entries: Collection[int]) -> dict[int, tuple[Tried, ...]]:
    """Return what named places did with some entries, by entry: answers that editors accepted, the oldest first."""
    tried: dict[int, tuple[Tried, ...]] = {}
    wanted = (shown_by_name(), among(conn, answer.c.entry_id, sorted(entries)))
    for row in conn.execute(tried_query().where(*wanted).order_by(answer.c.id)):
        tried[row.entry_id] = (*tried.get(row.entry_id, ()), Tried(*row))
    return tried


def tried_query() -> Any:
    """Return the query for what places tried, with the columns of `Tried`."""
    columns = (answer.c.id, answer.c.entry_id, entry.c.title, answer.c.place, answer.c.text)
    return select(*columns).join(entry, entry.c.id == answer.c.entry_id)


def shown_by_name() -> Any:
    """Return the condition that an answer is shown with the name of its place."""
    return and_(answer.c.kind == TRIED, answer.c.named, answer.c.state == ACCEPTED)


def _with_titles() -> Any:
    return select(answer, entry.c.title).join(entry, entry.c.id == answer.c.entry_id)


def _titled(row: Row[Any]) -> EntryAnswer:
    return replace(_answer(row), title=row.title)


def _answer(row: Row[Any]) -> EntryAnswer:
    return EntryAnswer(row.entry_id, row.kind, row.text, row.place, row.named, row.id, row.state, row.decided_by)
