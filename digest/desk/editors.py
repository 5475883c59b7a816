"""Add, change and remove editors, and end their sessions; each is an act in the audit log, by name and number.

An act names no address, because the log outlives it: the address of a removed editor is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.desk.acts import Hand, check_fresh, record
from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import ROLES
from digest.store import editions, editors, sessions
from digest.store.editors import Editor
from digest.store.engine import reading, writing
from digest.store.sessions import DeskSession
from subscribers.addresses import parse_address
from subscribers.invisible import one_line

UNUSED, LONGEST = timedelta(hours=12), timedelta(days=7)  # after these a session ends: since its last use, in all
_LONGEST_NAME = 80  # characters


def add_editor(installation: Installation, hand: Hand, email: str, name: str, role: str) -> Editor:
    """Add an editor, who may sign in from now on; return them.

    Raises BadAddress, and WrongUse for an address or a name that another editor has, or a role that does not exist.
    """
    address, person_name = parse_address(email), one_line(name).strip()
    _check_role(role)
    if not person_name or len(person_name) > _LONGEST_NAME:
        raise WrongUse(f"write a name of 1 to {_LONGEST_NAME} characters; the audit log names the editor by it")
    with writing(installation.engine, "add editor") as conn:
        editions.serialise(conn)
        if same := editors.with_address(conn, address.key):
            raise WrongUse(f"this address is that of editor {same.number}, {same.name}; nothing was changed")
        for other in editors.listing(conn):
            if other.name.casefold() == person_name.casefold():
                raise WrongUse(
                    f"editor {other.number} is called {other.name} too, and the audit log could not tell them apart;"
                    " give a longer name"
                )
        person = Editor(0, address.email, person_name, role, installation.clock())
        number = editors.add(conn, person, address.key)
        added = _editor(conn, number)
        record(conn, installation, hand, "add", added.object_name, ({}, {"name": added.name, "role": role}))
    installation.fence.follow()  # because links are mailed before the first run too, and nothing leaves without it
    return added


def change_role(installation: Installation, hand: Hand, number: int, role: str) -> Editor:
    """Give an editor another role, which counts from their next page on; return them.

    Raises WrongUse for an editor or role that does not exist, and for the last admin; StaleForm.
    """
    _check_role(role)
    with writing(installation.engine, "change role") as conn:
        editions.serialise(conn)
        person = _editor(conn, number)
        check_fresh(conn, person.object_name, hand)
        if person.role == role:
            return person
        _check_not_last(conn, person)
        editors.set_role(conn, number, role)
        record(conn, installation, hand, "change", person.object_name, ({"role": person.role}, {"role": role}))
        return _editor(conn, number)


def remove_editor(installation: Installation, hand: Hand, number: int) -> int:
    """Remove an editor, end their sessions and forget their address; return how many sessions were ended.

    Raises WrongUse for an editor who does not exist, and for the last admin; StaleForm.
    """
    with writing(installation.engine, "remove editor") as conn:
        editions.serialise(conn)
        person = _editor(conn, number)
        check_fresh(conn, person.object_name, hand)
        _check_not_last(conn, person)
        now = installation.clock()
        ended = _end_of(conn, number, now)
        editors.remove(conn, number, now)
        values = {"name": person.name, "role": person.role}
        record(conn, installation, hand, "remove", person.object_name, (values, {}))
    return ended


def every_editor(installation: Installation) -> list[Editor]:
    """Return the editors who have not been removed, in the order in which they were added."""
    with reading(installation.engine) as conn:
        return editors.listing(conn)


def open_sessions(installation: Installation) -> list[tuple[DeskSession, Editor]]:
    """Return the sessions that still let their editors in, the one used last first."""
    now = installation.clock()
    with reading(installation.engine) as conn:
        people = {person.number: person for person in editors.listing(conn)}
        return [
            (session, people[session.editor])
            for session in sessions.not_ended(conn)
            if session.editor in people and is_open(session, now)
        ]


def is_open(session: DeskSession, now: datetime) -> bool:
    """Return whether a session still lets its editor in."""
    return session.ended_at is None and now < session.seen_at + UNUSED and now < session.began_at + LONGEST


def end_session(installation: Installation, hand: Hand, number: int, *, of: int | None = None) -> None:
    """End a session, so that its browser must sign in again; `of`: only one of this editor.

    Raises WrongUse for a session that is not open.
    """
    with writing(installation.engine, "end session") as conn:
        session, now = sessions.get(conn, number), installation.clock()
        if session is None or not is_open(session, now) or of not in (None, session.editor):
            raise WrongUse(f"there is no open session {number}; see `digest editors sessions`")
        sessions.end(conn, [number], now)
        values = {"editor": _name(conn, session.editor), "device": session.device}
        record(conn, installation, hand, "end", session.object_name, (values, {}))


def end_sessions_of(installation: Installation, hand: Hand, number: int) -> int:
    """End every session of an editor, and let no link that they were sent work; return how many were ended.

    Raises WrongUse for an editor who does not exist.
    """
    with writing(installation.engine, "end sessions") as conn:
        person = _editor(conn, number)
        ended = _end_of(conn, number, installation.clock())
        record(conn, installation, hand, "end sessions", person.object_name, ({}, {"sessions_ended": ended}))
    return ended


def without_admin(people: Sequence[Editor]) -> str:
    """Return a line for a person where there are editors and none of them is an admin, else ""."""
    if not people or any(person.role == "admin" for person in people):
        return ""
    return "no editor is an admin, so that nobody can add others on the desk; `digest editors role ID admin`"


def _end_of(conn: Connection, number: int, now: datetime) -> int:
    """End the sessions and the links of an editor; return how many open sessions there were."""
    theirs = sessions.not_ended(conn, number)
    sessions.end(conn, [session.number for session in theirs], now)
    sessions.close_links(conn, number, now)
    return sum(is_open(session, now) for session in theirs)


def _editor(conn: Connection, number: int) -> Editor:
    """Return an editor who has not been removed. Raises WrongUse."""
    person = editors.get(conn, number)
    if person is None or person.removed_at is not None:
        raise WrongUse(f"there is no editor {number}; see `digest editors`")
    return person


def _name(conn: Connection, number: int) -> str:
    person = editors.get(conn, number)
    return person.name if person else ""


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise WrongUse(f"there is no role {role!r}; choose {', '.join(ROLES)}")


def _check_not_last(conn: Connection, person: Editor) -> None:
    """Raise WrongUse for the last admin, because nobody could manage the editors on the desk any more."""
    admins = [other for other in editors.listing(conn) if other.role == "admin"]
    if person.role == "admin" and len(admins) == 1:
        raise WrongUse(f"{person.name} is the last admin; make another editor an admin first")
