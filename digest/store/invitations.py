"""Store the invitations to places to tell their own story: what each form begins with, and what was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, null, select, update

from digest.store.reader_tables import invitation

OPEN, TOLD, TAKEN, ENDED = ("open", "told", "taken", "ended")
Parts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation of a place. `given` is what the form begins with; `story` what was saved or sent, or None.

    `entry` is the entry whose story it is (None: a new one), or that it became; `state` is open,
    told, taken or ended.
    """

    number: int
    key: str
    place: str
    entry: int | None
    given: Parts
    state: str
    invited_by: str
    invited_at: datetime
    story: Parts | None
    told_by: str
    told_at: datetime | None


def add_invitation(
    conn: Connection, place: str, entry: int | None, given: Parts, by: str, now: datetime
) -> int:  # fmt: skip
    """Store a new invitation; return its number."""
    values = {"place": place, "entry_id": entry, "given": dict(given), "state": OPEN, "invited_by": by}
    new = insert(invitation).values(**values, invited_at=now).returning(invitation.c.id)
    return int(conn.execute(new).scalar_one())


def get(conn: Connection, number: int) -> Invitation | None:
    """Return an invitation, or None. In a transaction that writes, nobody else changes it until its end."""
    query = select(invitation).where(invitation.c.id == number)
    row = conn.execute(query).one_or_none()
    return _invitation(row) if row else None


def hold_still(conn: Connection, number: int) -> None:
    """Keep others from changing an invitation until this transaction ends."""
    conn.execute(select(invitation.c.id).where(invitation.c.id == number).with_for_update())


def every_invitation(conn: Connection) -> list[Invitation]:
    """Return all invitations, the newest first."""
    return [_invitation(row) for row in conn.execute(select(invitation).order_by(invitation.c.id.desc()))]


def set_invitation(conn: Connection, number: int, **values: Any) -> None:
    """Set columns of an invitation."""
    conn.execute(update(invitation).where(invitation.c.id == number).values(**values))


def end_old(conn: Connection, before: datetime) -> int:
    """End the open invitations that nobody has made or given again since an instant; return how many.

    Their drafts go, because they have the name of a person, and no link leads to them any more.
    """
    old = (invitation.c.state == OPEN, invitation.c.invited_at < before)
    ended = update(invitation).where(*old).values(state=ENDED, story=null(), told_by="")
    return conn.execute(ended).rowcount


def _invitation(row: Row[Any]) -> Invitation:
    columns = (row.id, row.key, row.place, row.entry_id, row.given, row.state, row.invited_by, row.invited_at)
    return Invitation(*columns, row.story, row.told_by, row.told_at)
