"""Store editions, from draft to frozen, with their entries in order as readers will see them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, insert, or_, select, text, tuple_, update

from digest.ledger.states import OPEN_STATES
from digest.model import CASE_STUDY, Edition, Entry, EntryEdit
from digest.store import acts, entries
from digest.store.acts import Act
from digest.store.schema import delivery, edition, edition_entry, entry, tally
from subscribers.database import among

VOIDED = "void approval"  # the verb of the act that tells of an approval which a change has ended
VOIDED_BY = "a change"
_EDITIONS = 0x6469676573740003


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold one entry of an edition as it will be shown, with the release by which it came in (0: by none)."""

    entry: Entry
    release: int


class EditionWords(NamedTuple):
    """Hold the editors' own words for all letters of an edition; "" where there are none (see model.Edition)."""

    note: str = ""
    subject: str = ""
    question: str = ""
    step: str = ""


def words_of(of: Edition) -> EditionWords:
    """Return the editors' words of an edition."""
    return EditionWords(of.note, of.subject, of.question, of.step)


def content_hash(of: Edition, shown: Sequence[Shown]) -> str:
    """Return the hash that an approval is bound to: of the words and every entry in order, as they will be shown.

    Of which are pinned too, because a pin decides for which entries the letters have room, also where it moves none.
    """
    return _hash_of(of, [shown_content(item.entry) for item in shown])


def _hash_of(of: Edition | None, entries_shown: Sequence[dict[str, Any]]) -> str:
    words = words_of(of) if of else EditionWords()
    content: list[Any] = [words.note, entries_shown]
    # Where there are others, so that approvals given before there were any hold.
    if any(words[1:]):
        content.append([*words[1:]])
    here = {document["id"] for document in entries_shown}
    if pinned := [entry for entry in (of.arranged[: of.pinned] if of else ()) if entry in here]:
        content.append({"pinned": pinned})
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def get(conn: Connection, number: int) -> Edition | None:
    """Return one edition, or None."""
    row = conn.execute(select(edition).where(edition.c.id == number)).one_or_none()
    return _edition(row) if row else None


def by_number(conn: Connection, numbers: Iterable[int]) -> dict[int, Edition]:
    """Return editions by number."""
    query = select(edition).where(among(conn, edition.c.id, sorted(set(numbers))))
    return {row.id: _edition(row) for row in conn.execute(query)}


def find(conn: Connection, cadence: str, day: str) -> Edition | None:
    """Return the edition of a cadence's slot, or None."""
    query = select(edition).where(edition.c.cadence == cadence, edition.c.slot == day)
    row = conn.execute(query).one_or_none()
    return _edition(row) if row else None


def of_slots(conn: Connection, slots: Collection[tuple[str, str]]) -> list[Edition]:
    """Return the editions of slots that have one; `slots` are pairs of cadence and day."""
    query = select(edition).where(tuple_(edition.c.cadence, edition.c.slot).in_(sorted(set(slots))))
    return [_edition(row) for row in conn.execute(query)]


def past(conn: Connection, without: Collection[int], *, offset: int, limit: int) -> list[Edition]:
    """Return a page of the editions, the newest first, without those with some numbers."""
    query = select(edition).where(edition.c.id.not_in(sorted(without)))
    query = query.order_by(edition.c.slot.desc(), edition.c.id.desc()).offset(offset).limit(limit)
    return [_edition(row) for row in conn.execute(query)]


def serialise(conn: Connection) -> None:
    """Let no other transaction that calls this go on until this one ends. On SQLite the write lock does that."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _EDITIONS})


def listing(conn: Connection, limit: int = 50) -> list[Edition]:
    """Return the newest editions, and each older one that is not settled; newest first.

    Not settled: it has letters owed or in doubt, or it is approved or stopped and not frozen yet.
    """
    newest = select(edition.c.id).order_by(edition.c.id.desc()).limit(limit).scalar_subquery()
    owing = exists().where(delivery.c.edition_id == edition.c.id, delivery.c.state.in_(OPEN_STATES))
    waiting = and_(edition.c.state != "frozen", or_(edition.c.state == "approved", edition.c.held))
    query = select(edition).where(or_(edition.c.id.in_(newest), owing, waiting)).order_by(edition.c.id.desc())
    return [_edition(row) for row in conn.execute(query)]


def newest_of_each(conn: Connection) -> list[Edition]:
    """Return the newest frozen edition of each cadence that ever had one."""
    newest = select(edition.c.cadence, func.max(edition.c.slot)).where(edition.c.state == "frozen")
    is_newest = tuple_(edition.c.cadence, edition.c.slot).in_(newest.group_by(edition.c.cadence))
    return [_edition(row) for row in conn.execute(select(edition).where(is_newest))]


def frozen_before(conn: Connection, of: Edition) -> Edition | None:
    """Return the newest frozen edition of the same cadence before an edition, or None."""
    query = select(edition).where(
        edition.c.cadence == of.cadence, edition.c.state == "frozen", edition.c.slot < of.slot
    )
    row = conn.execute(query.order_by(edition.c.slot.desc()).limit(1)).one_or_none()
    return _edition(row) if row else None


def unbalanced(conn: Connection) -> list[Edition]:
    """Return the frozen editions whose deliveries and tallies are not their eligible readers, newest first."""
    rows = select(delivery.c.edition_id, func.count().label("readers")).group_by(delivery.c.edition_id).subquery()
    counts = select(tally.c.edition_id, func.sum(tally.c.count).label("readers")).group_by(tally.c.edition_id)
    tallies = counts.subquery()
    explained = func.coalesce(rows.c.readers, 0) + func.coalesce(tallies.c.readers, 0)
    query = (
        select(edition)
        .outerjoin(rows, rows.c.edition_id == edition.c.id)
        .outerjoin(tallies, tallies.c.edition_id == edition.c.id)
        .where(edition.c.state == "frozen", edition.c.eligible != explained)
        .order_by(edition.c.id.desc())
    )
    return [_edition(row) for row in conn.execute(query)]


def unfrozen(conn: Connection, cadence: str | None = None) -> list[Edition]:
    """Return every edition that is not frozen (of one cadence), oldest slot first."""
    query = select(edition).where(edition.c.state != "frozen").order_by(edition.c.slot, edition.c.id)
    if cadence is not None:
        query = query.where(edition.c.cadence == cadence)
    return [_edition(row) for row in conn.execute(query)]


def shown(conn: Connection, number: int) -> list[Shown]:
    """Return an edition's entries in order."""
    rows = conn.execute(
        select(edition_entry.c.content, edition_entry.c.release)
        .where(edition_entry.c.edition_id == number)
        .order_by(edition_entry.c.position)
    ).all()
    return [Shown(entries.from_json(row.content), row.release) for row in rows]


def frozen_since(conn: Connection, cadence: str, since: datetime) -> list[Edition]:
    """Return the editions of a cadence that were frozen since an instant, oldest slot first."""
    query = select(edition).where(edition.c.cadence == cadence, edition.c.state == "frozen")
    return [_edition(row) for row in conn.execute(query.where(edition.c.frozen_at >= since).order_by(edition.c.slot))]


def considered_before(conn: Connection, of: Edition) -> int:
    """Return the last release that the frozen editions of a cadence before one of them have considered, or 0."""
    before = (edition.c.cadence == of.cadence, edition.c.state == "frozen", edition.c.slot < of.slot)
    return conn.scalar(select(func.max(edition.c.to_release)).where(*before)) or 0


def a_year_before(of: Edition) -> str:
    """Return the local date from which on earlier editions count for an edition."""
    return (date.fromisoformat(of.slot) - timedelta(days=365)).isoformat()


def earlier_studies(conn: Connection, of: Edition) -> list[Entry]:
    """Return the case studies of the frozen editions of the same cadence in the year before an edition, each once.

    They are returned as the newest of these editions shows them.
    """
    rows = conn.execute(_studies(of.cadence, a_year_before(of)).where(edition.c.slot < of.slot))
    newest = {row.entry_id: row.content for row in rows}
    return [entries.from_json(content) for content in newest.values()]


def studies_since(conn: Connection, cadence: str, day: str) -> list[tuple[str, Entry]]:
    """Return each case study of the frozen editions of a cadence since a local date, with its slot, oldest first."""
    return [(row.slot, entries.from_json(row.content)) for row in conn.execute(_studies(cadence, day))]


def draft(
    conn: Connection, cadence: str, day: str, window: tuple[int, int], content: Sequence[Shown], now: datetime
) -> Edition:
    """Store the draft of a slot, in place of an earlier draft of it; an approval ends when the content has changed.

    `window`: the releases considered, low < number ≤ high.
    """
    earlier = find(conn, cadence, day)
    low, high = window
    documents = [shown_content(item.entry) for item in content]
    hashed = _hash_of(earlier, documents)
    values: dict[str, Any] = {"from_release": low, "to_release": high, "content_hash": hashed}
    if earlier is None:
        row = insert(edition).values(
            cadence=cadence, slot=day, state="draft", held=False, note="", created_at=now, **values
        )
        number = conn.execute(row.returning(edition.c.id)).scalar_one()
    else:
        number = earlier.id
        if earlier.content_hash != values["content_hash"]:
            if earlier.state == "approved":
                tell_voided(conn, earlier, content, values["content_hash"], now)
            values |= {"state": "draft", "approved_at": None, "approved_by": None, "look": ""}
        conn.execute(update(edition).where(edition.c.id == number).values(values))
        conn.execute(delete(edition_entry).where(edition_entry.c.edition_id == number))
    rows = [
        {"edition_id": number, "entry_id": item.entry.id, "position": n, "release": item.release,
         "content": document}
        for n, (item, document) in enumerate(zip(content, documents, strict=True))
    ]  # fmt: skip
    if rows:
        conn.execute(insert(edition_entry), rows)
    stored = get(conn, number)
    assert stored is not None
    return stored


def set_words(conn: Connection, number: int, words: EditionWords) -> None:
    """Store the editors' words of an edition; draft it again afterwards, because its content changes."""
    conn.execute(update(edition).where(edition.c.id == number).values(words._asdict()))


def arrange(conn: Connection, number: int, arranged: Sequence[int], pinned: int) -> None:
    """Store the order that editors gave an edition's entries; draft it again afterwards, because it changes."""
    values = {"arranged": list(arranged), "pinned": pinned}
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def tell_voided(
    conn: Connection, approved: Edition, content: Sequence[Shown], content_hash: str, now: datetime
) -> None:
    """Record as an act that an approval has ended, with the numbers of the entries that made the difference.

    Call it before the new content is stored.
    """
    before = {row.entry.id: shown_content(row.entry) for row in shown(conn, approved.id)}
    after = {row.entry.id: shown_content(row.entry) for row in content}
    gone, came = ([n for n in some if n not in others] for some, others in ((before, after), (after, before)))
    changed = [number for number in before if number in after and before[number] != after[number]]
    at = approved.approved_at.isoformat() if approved.approved_at else ""
    was = {"approved_by": approved.approved_by, "approved_at": at, "content": approved.content_hash}
    now_is = {"content": content_hash, "taken_out": gone, "put_in": came, "changed": changed}
    acts.add(conn, Act(0, now, VOIDED_BY, VOIDED, f"edition {approved.id}", was, now_is))


def approve(conn: Connection, number: int, editor: str, look: str, now: datetime) -> None:
    """Store an editor's approval of the edition as it stands; `look` is the hash of the appearance approved."""
    values = {"state": "approved", "held": False, "approved_at": now, "approved_by": editor, "look": look}
    values |= {"unapproved": ""}  # because what was done for want of an approval holds no longer
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def hold(conn: Connection, number: int) -> None:
    """Hold a draft until it is approved, or stop a frozen edition."""
    conn.execute(update(edition).where(edition.c.id == number).values(held=True))


def let_go(conn: Connection, number: int) -> None:
    """Let a stopped edition go on."""
    conn.execute(update(edition).where(edition.c.id == number).values(held=False))


def note_told(conn: Connection, number: int, now: datetime, *, near: bool) -> None:
    """Store that the editors are told of a draft, and with `near` that they are told of its deadline."""
    values = {"told_ready_at": func.coalesce(edition.c.told_ready_at, now)} | ({"told_near_at": now} if near else {})
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def note_unapproved(conn: Connection, number: int, done: str) -> None:
    """Store what was done with an edition at a deadline that nobody met."""
    conn.execute(update(edition).where(edition.c.id == number).values(unapproved=done))


def freeze(conn: Connection, number: int, eligible: int, now: datetime) -> None:
    """Mark an edition frozen with `eligible` readers: from here on its content and its deliveries are fixed."""
    values = {"state": "frozen", "frozen_at": now, "eligible": eligible}
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def _studies(cadence: str, day: str) -> Select[Any]:
    return (
        select(edition.c.slot, edition_entry.c.entry_id, edition_entry.c.content)
        .join(edition, edition.c.id == edition_entry.c.edition_id)
        .join(entry, entry.c.id == edition_entry.c.entry_id)
        .where(
            entry.c.state == "ready",  # because no reason may rest on what an editor or its source has withdrawn
            edition.c.cadence == cadence,
            edition.c.state == "frozen",
            edition.c.slot >= day,
            edition_entry.c.release > 0,  # because what is only carried over stands in an earlier edition too
            edition_entry.c.content["kind"].as_string() == CASE_STUDY,
        )
        .order_by(edition.c.slot)
    )


def shown_content(item: Entry) -> dict[str, Any]:
    """Return an entry as JSON, as a letter shows it: without the evidence of its facets, which shows nowhere.

    A part that it lacks is left out, so that approvals given before there was such a part hold.
    """
    told = {"ingredients": [line._asdict() for line in item.ingredients]} if item.ingredients else {}
    also = {"also_at": [link._asdict() for link in item.also_at]} if item.also_at else {}
    earlier = {"earlier": item.earlier._asdict()} if item.earlier else {}
    carried = {"carried_from": item.carried_from} if item.carried_from else {}
    # Without the open question, because it is for editors, and to settle it changes no letter.
    edit = replace(item.edit, open_question="") if item.edit else EntryEdit()
    edited = {} if edit == EntryEdit() else {"edit": asdict(edit) | {"not_for": list(edit.not_for)}}
    return {**entries.to_json(item, evidence=False), **told, **also, **earlier, **carried, **edited}


def edition_of_row(row: Row[Any]) -> Edition:
    """Return the edition of a row of its table, for queries of other modules that join it."""
    return _edition(row)


def _edition(row: Row[Any]) -> Edition:
    return Edition(
        row.id, row.cadence, row.slot, row.state, row.held, row.note, row.to_release, row.content_hash,
        row.approved_at, row.approved_by, row.look, row.from_release, row.frozen_at, row.key, row.created_at,
        row.subject, row.question, row.step, tuple(row.arranged), row.pinned, row.told_ready_at, row.told_near_at,
        row.unapproved,
    )  # fmt: skip
