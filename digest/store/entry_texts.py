"""Store the whole texts of the pages that entries link to, and which pages are still to be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from digest.model import CASE_STUDY
from digest.store.schema import edition, edition_entry, entry, entry_text
from subscribers.database import chunks

# Pages are read of the entries that are this young, so that an upgrade does not read those of years.
WINDOW = timedelta(days=14)
_MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """Name the page of an entry that is to be read; `tries` counts those that have failed."""

    entry: int
    source: str
    url: str | None
    tries: int


@dataclass(frozen=True, slots=True)
class PageText:
    """Hold what reading the page of an entry brought: its whole text, or the `problem`.

    `retry_at`: when the page is asked again; None when it was read, or is asked no more.
    """

    entry: int
    tries: int
    text: str = ""
    problem: str = ""
    retry_at: datetime | None = None


def unread(
    conn: Connection, every: Collection[str], case_studies: Collection[str], now: datetime
) -> list[UnreadPage]:
    """Return the pages to be read now, newest first: of ready entries of the sources `every`, and of case studies.

    `case_studies` names the sources of which only these are read. At most 1,000.
    """
    wanted = or_(entry.c.source.in_(every), and_(entry.c.source.in_(case_studies), entry.c.kind == CASE_STUDY))
    waits = or_(entry_text.c.entry_id.is_(None), entry_text.c.retry_at <= now)
    young = entry.c.first_seen >= now - WINDOW
    # By their numbers too, because by state or source alone the entries of years would be looked at. An entry with a
    # higher number was seen later.
    first = select(entry.c.id).where(young).order_by(entry.c.first_seen, entry.c.id).limit(1).scalar_subquery()
    query = (
        select(entry.c.id, entry.c.source, entry.c.url, func.coalesce(entry_text.c.tries, 0))
        .outerjoin(entry_text, entry_text.c.entry_id == entry.c.id)
        .where(entry.c.id >= first, young, entry.c.state == "ready", wanted, waits)
        .order_by(entry.c.id.desc())
        .limit(_MOST_LOOKED_AT)
    )
    return [UnreadPage(*row) for row in conn.execute(query)]


def keep(conn: Connection, results: Sequence[PageText], now: datetime) -> None:
    """Store what reading pages brought, over what earlier tries have brought."""
    for result in results:
        values = {
            "text": result.text, "asked_at": now, "tries": result.tries, "retry_at": result.retry_at,
            "problem": result.problem,
        }  # fmt: skip
        change = update(entry_text).where(entry_text.c.entry_id == result.entry).values(values)
        if conn.execute(change).rowcount == 0:
            conn.execute(insert(entry_text).values(entry_id=result.entry, **values))


def texts_of(conn: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Return the whole texts of these entries, by id; an entry without any is left out."""
    texts: dict[int, str] = {}
    for chunk in chunks(sorted(set(numbers))):
        query = select(entry_text.c.entry_id, entry_text.c.text)
        rows = conn.execute(query.where(entry_text.c.entry_id.in_(chunk), entry_text.c.text != ""))
        texts.update((row.entry_id, row.text) for row in rows)
    return texts


def given_up(conn: Connection, sources: Collection[str], since: datetime) -> dict[str, list[str]]:
    """Return, by source, why pages are asked no more that were asked last since an instant, the newest first."""
    problems: dict[str, list[str]] = {}
    query = (
        select(entry.c.source, entry_text.c.problem)
        .join(entry_text, entry_text.c.entry_id == entry.c.id)
        .where(entry.c.source.in_(sources), entry_text.c.asked_at >= since, _is_given_up())
        .order_by(entry_text.c.asked_at.desc(), entry.c.id.desc())
    )
    for row in conn.execute(query):
        problems.setdefault(row.source, []).append(row.problem)
    return problems


def outcome(conn: Connection, number: int) -> str:
    """Return in words what asking the page of an entry last brought, "" when it was not asked."""
    columns = (func.length(entry_text.c.text).label("size"), entry_text.c.problem, entry_text.c.retry_at)
    row = conn.execute(select(*columns).where(entry_text.c.entry_id == number)).one_or_none()
    if row is None or not (row.size or row.problem):
        return ""
    again = f"; asked again after {row.retry_at:%Y-%m-%d %H:%M} UTC" if row.retry_at else ""
    return (
        f"its page was not read: {row.problem}{again}" if row.problem else f"{row.size:,} characters of its page read"
    )


def may_classify(conn: Connection, numbers: Iterable[int], *, lock: bool = True) -> set[int]:
    """Return which of these entries may get other facets: no editor has given them, and no frozen edition has it.

    `lock`: they are to be changed in this transaction.
    """
    free: set[int] = set()
    frozen = exists().where(
        edition_entry.c.entry_id == entry.c.id,
        edition_entry.c.edition_id == edition.c.id,
        edition.c.state == "frozen",
    )
    for chunk in chunks(sorted(set(numbers))):
        query = select(entry.c.id).where(entry.c.id.in_(chunk), entry.c.retagged.is_(False), ~frozen)
        free.update(conn.scalars(query.with_for_update(of=entry) if lock else query))
    return free


def _is_given_up() -> ColumnElement[bool]:
    return and_(entry_text.c.retry_at.is_(None), entry_text.c.problem != "")
