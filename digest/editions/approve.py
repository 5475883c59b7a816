"""Approve or hold an edition: record the editor's decision about exactly what they looked at."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.errors import PersonNeeded, WrongUse
from digest.model import Edition
from digest.schedule import due_slot
from digest.store import calendar, editions, requests
from digest.system.resources import resource


def approve(conn: Connection, settings: Settings, number: int, who: str, now: datetime, seen: str = "") -> Edition:
    """Record the editor's word for an edition as it is stored, and as templates and config now show it.

    `seen`: the content hash (or its beginning) of what they looked at; PersonNeeded when it is another by now.
    A frozen edition that was stopped goes on. Raises WrongUse when there is nothing to approve.
    """
    editions.serialise(conn)
    stopped = editions.get(conn, number)
    if stopped is not None and stopped.state == "frozen" and stopped.held:
        if not stopped.content_hash.startswith(seen):
            raise PersonNeeded(f"edition {number} does not have this content; nothing is approved, preview it again")
        editions.let_go(conn, number)
        requests.go_on(conn, number)
        return stopped
    one = _open_edition(conn, number)
    cadence = settings.cadence(one.cadence)
    newer = due_slot(cadence, now, settings.site.zone).key
    if not one.held and (one.slot < newer or (calendar.last_slot(conn, one.cadence, now) or "") >= one.slot):
        raise WrongUse(
            f"edition {number} ({one.cadence} {one.slot}) is past: {newer} is due and carries its entries;"
            f" `digest prepare {one.cadence}`, then approve that one"
        )
    if not one.content_hash.startswith(seen):
        raise PersonNeeded(f"edition {number} has changed since you looked; nothing is approved, preview it again")
    editions.approve(conn, number, who, appearance_hash(settings), now)
    return _open_edition(conn, number)


def appearance_hash(settings: Settings) -> str:
    """Return a hash of everything but the entries that decides how an edition reads: templates, words, limits."""
    folders = [resource("templates") / "email", *([settings.templates] if settings.templates else [])]
    said = hashlib.sha256()
    for value in (settings.site, settings.brand, settings.taxonomy, settings.letter_cap, settings.elsewhere_cap):
        said.update(repr(value).encode())
    for folder in folders:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            said.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return said.hexdigest()


def hold(conn: Connection, number: int) -> Edition:
    """Keep an edition back until it is approved. Raises WrongUse when it is frozen or unknown."""
    editions.serialise(conn)
    _open_edition(conn, number)
    editions.hold(conn, number)
    return _open_edition(conn, number)


def _open_edition(conn: Connection, number: int) -> Edition:
    one = editions.get(conn, number)
    if one is None:
        raise WrongUse(f"edition {number} does not exist; see `digest status`")
    if one.state == "frozen":
        raise WrongUse(
            f"edition {number} is frozen: its deliveries are written, it can no longer be changed;"
            f" `digest hold {number} --stop` stops what has not left yet"
        )
    return one


def waits_for_approval(one: Edition, why: str) -> PersonNeeded:
    return PersonNeeded(
        f"edition {one.id} ({one.cadence} {one.slot}) {why}; look with `digest preview --edition {one.id}`,"
        f" then `digest approve {one.id} --hash {one.content_hash[:12]}`"
    )
