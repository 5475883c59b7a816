"""Keep and count who asked for a mail on a page: by the hash of the address, by network, and in all.

The counts are the limits' (`digest/readers/limits.py`); they are in the database because several processes answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, literal, select, text
from sqlalchemy.sql.expression import ScalarSelect

from subscribers.tables import asked

# The kinds of rows: a mail to confirm, a mail with a new link, asked for beyond the limits, and that a flood began.
TO_CONFIRM, NEW_LINK, BEYOND, FLOOD = "confirm", "link", "beyond", "flood"
_MAILS = (TO_CONFIRM, NEW_LINK)
HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Counts:
    """Count the askings that limits look at: of a kind for an address within an hour, a day and 30 days.

    `network_day` are those of a network of any kind within a day. `mails` are those of a kind of everybody within an
    hour that the limits let pass, `askings` all of any kind in that hour.
    """

    address_hour: int = 0
    address_day: int = 0
    address_month: int = 0
    network_day: int = 0
    mails: int = 0
    askings: int = 0


def serialise_askings(conn: Connection) -> None:
    """Let other askings wait until this transaction ends, because two at once would not see each other's rows.

    SQLite's write lock does that already.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE asked IN SHARE ROW EXCLUSIVE MODE"))


def count_askings(conn: Connection, kind: str, address_hash: str, network: str, now: datetime) -> Counts:
    """Return the counts of a kind for an address and a network, by one statement."""
    since = {"hour": now - HOUR, "day": now - DAY, "month": now - MONTH}
    return Counts(*conn.execute(_COUNTS, {"of": kind, "hash": address_hash, "near": network, **since}).one())


def note_asking(conn: Connection, kind: str, address_hash: str, network: str, now: datetime) -> None:
    """Store that somebody asked; `kind` is one of those above."""
    conn.execute(insert(asked).values(kind=kind, address_hash=address_hash, network=network, at=now))


def note_flood(conn: Connection, now: datetime) -> bool:
    """Store that a flood began, unless that is known of the day before; return whether it was not."""
    if newest_flood(conn, now - DAY) is not None:
        return False
    note_asking(conn, FLOOD, "", "", now)
    return True


def newest_flood(conn: Connection, since: datetime) -> datetime | None:
    """Return when the newest flood since an instant began, or None."""
    began: datetime | None = conn.scalar(
        select(asked.c.at).where(asked.c.kind == FLOOD, asked.c.at > since).order_by(asked.c.at.desc()).limit(1)
    )
    return began


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count(literal(1))).where(*conditions).select_from(asked).scalar_subquery()


def _counts() -> Select[int, int, int, int, int, int]:
    theirs, nearby = asked.c.address_hash == bindparam("hash"), asked.c.network == bindparam("near")
    mail = asked.c.kind == bindparam("of")
    hour, day, month = (asked.c.at > bindparam(name) for name in ("hour", "day", "month"))
    return select(
        _count(mail, theirs, hour),
        _count(mail, theirs, day),
        _count(mail, theirs, month),
        _count(asked.c.kind.in_(_MAILS), nearby, day),
        _count(mail, hour),
        _count(asked.c.kind != FLOOD, hour),
    )


_COUNTS = _counts()  # built once, because each visitor who joins is counted twice
