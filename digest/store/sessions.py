"""Store how editors sign in: the links that they asked for, and their sessions.

Of a link and of a session only the hash of its token is kept, so that nobody gets in with a copy of the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from digest.store.desk_tables import editor, session, sign_in
from digest.store.editors import Editor, to_editor

_COLUMNS = (
    session.c.id, session.c.editor_id, session.c.device, session.c.began_at, session.c.seen_at, session.c.ended_at,
)  # fmt: skip
_PERSON = (
    editor.c.id, editor.c.email, editor.c.name, editor.c.role, editor.c.added_at, editor.c.removed_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asking:
    """Hold one asking for a link. `editor` and `token_hash` are None where none was made; it counts all the same."""

    editor: int | None
    token_hash: str | None
    address_hash: str
    network_hash: str
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeskSession:
    """Hold one session: whose it is, the kind of browser, when it began and was last used, and when it was ended."""

    number: int
    editor: int
    device: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None

    @property
    def object_name(self) -> str:
        """Return how the audit log names this session."""
        return f"session {self.number}"


def add_asking(conn: Connection, asking: Asking) -> None:
    """Store that somebody has asked for a link."""
    values = {
        "editor_id": asking.editor, "token_hash": asking.token_hash, "address_hash": asking.address_hash,
        "network_hash": asking.network_hash, "asked_at": asking.asked_at, "expires_at": asking.expires_at,
    }  # fmt: skip
    conn.execute(insert(sign_in).values(values))


def count_askings(conn: Connection, address_hash: str, network_hash: str, since: datetime) -> tuple[int, int]:
    """Return how many links an address had since an instant, and how often a network has asked, for any address."""
    links = func.count().filter(sign_in.c.address_hash == address_hash, sign_in.c.token_hash.is_not(None))
    asked = func.count().filter(sign_in.c.network_hash == network_hash)
    row = conn.execute(select(links, asked).where(sign_in.c.asked_at > since)).one()
    return row[0], row[1]


def forget_askings(conn: Connection, before: datetime) -> None:
    """Remove the askings from before an instant, because they count for no limit any more."""
    conn.execute(delete(sign_in).where(sign_in.c.asked_at < before))


def editor_of_link(conn: Connection, token_hash: str, now: datetime) -> Editor | None:
    """Return the editor whom a link signs in; None for one that is unknown, used, too old, or of a removed editor."""
    query = select(editor).join(sign_in, sign_in.c.editor_id == editor.c.id).where(*_good(token_hash, now))
    row = conn.execute(query.where(editor.c.removed_at.is_(None))).one_or_none()
    return to_editor(row) if row else None


def use_link(conn: Connection, token_hash: str, now: datetime) -> bool:
    """Use a link up; return whether it was good until now. Of several uses at once, the first alone counts."""
    return conn.execute(update(sign_in).where(*_good(token_hash, now)).values(used_at=now)).rowcount == 1


def close_links(conn: Connection, number: int, now: datetime) -> None:
    """Let no link that an editor was sent work any more."""
    conn.execute(
        update(sign_in).where(sign_in.c.editor_id == number, sign_in.c.used_at.is_(None)).values(used_at=now)
    )


def begin(conn: Connection, token_hash: str, number: int, device: str, now: datetime) -> int:
    """Begin a session of an editor; return its number."""
    values = {"token_hash": token_hash, "editor_id": number, "device": device, "began_at": now, "seen_at": now}
    return int(conn.execute(insert(session).values(values).returning(session.c.id)).scalar_one())


def with_token(conn: Connection, token_hash: str) -> tuple[DeskSession, Editor] | None:
    """Return the session of a token with its editor, whether it has ended or not; None for an unknown token."""
    query = select(*_COLUMNS, *_PERSON).join(editor, session.c.editor_id == editor.c.id)
    row = conn.execute(query.where(session.c.token_hash == token_hash)).one_or_none()
    return (DeskSession(*row[: len(_COLUMNS)]), Editor(*row[len(_COLUMNS) :])) if row else None


def get(conn: Connection, number: int) -> DeskSession | None:
    """Return one session, ended or not, or None."""
    row = conn.execute(select(*_COLUMNS).where(session.c.id == number)).one_or_none()
    return DeskSession(*row) if row else None


def not_ended(conn: Connection, number: int | None = None) -> list[DeskSession]:
    """Return the sessions that nobody has ended, of one editor or of all, the one used last first."""
    query = select(*_COLUMNS).where(session.c.ended_at.is_(None))
    if number is not None:
        query = query.where(session.c.editor_id == number)
    rows = conn.execute(query.order_by(session.c.seen_at.desc(), session.c.id.desc()))
    return [DeskSession(*row) for row in rows]


def touch(conn: Connection, number: int, now: datetime) -> None:
    """Note that a session was used."""
    conn.execute(update(session).where(session.c.id == number).values(seen_at=now))


def end(conn: Connection, numbers: Sequence[int], now: datetime) -> None:
    """End some sessions; those that were ended already keep their time."""
    rows = session.c.id.in_(numbers) & session.c.ended_at.is_(None)
    conn.execute(update(session).where(rows).values(ended_at=now))


def end_all(conn: Connection, now: datetime) -> None:
    """End every session and let no link work any more, because a restore may have brought back what was ended."""
    conn.execute(update(session).where(session.c.ended_at.is_(None)).values(ended_at=now))
    conn.execute(update(sign_in).where(sign_in.c.used_at.is_(None)).values(used_at=now))


def forget(conn: Connection, before: datetime) -> None:
    """Remove the sessions that were last used, or ended, before an instant."""
    conn.execute(delete(session).where(or_(session.c.seen_at < before, session.c.ended_at < before)))


def _good(token_hash: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a link that may be used."""
    return sign_in.c.token_hash == token_hash, sign_in.c.used_at.is_(None), sign_in.c.expires_at > now
