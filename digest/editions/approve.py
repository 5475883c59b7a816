"""Approve or hold an edition: record the editor's decision about exactly the content they looked at."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.named import edition_of
from digest.errors import PersonNeeded, WrongUse
from digest.model import Edition
from digest.schedule import due_slot
from digest.store import calendar, editions, requests
from digest.store.archive_rows import settle_archive
from digest.system.resources import resource


def approve(conn: Connection, settings: Settings, number: int, editor: str, now: datetime, seen: str = "") -> Edition:
    """Approve an edition as it is stored, and as templates and config now show it; return it.

    A frozen edition that was stopped goes on. `editor` is their name; `seen` is the content hash (or its beginning)
    of the edition they looked at. Raises PersonNeeded when the content has another hash by now, WrongUse when there
    is nothing to approve.
    """
    editions.serialise(conn)
    stopped = editions.get(conn, number)
    if stopped is not None and stopped.state == "frozen" and stopped.held:
        if not stopped.content_hash.startswith(seen):
            raise PersonNeeded(f"edition {number} does not have this content; nothing is approved, preview it again")
        editions.let_go(conn, number)
        settle_archive(conn, number)
        requests.go_on(conn, number)
        return stopped
    edition = _open_edition(conn, number)
    cadence, slot = settings.cadence(edition.cadence), edition.slot
    newer = due_slot(cadence, now, settings.site.zone).key
    if not edition.held and (slot < newer or (calendar.last_slot(conn, cadence.name, now) or "") >= slot):
        raise WrongUse(
            f"edition {number} ({cadence.name} {slot}) is past: {newer} is due and carries its entries;"
            f" `digest prepare {cadence.name}`, then approve the edition it drafts"
        )
    if not edition.content_hash.startswith(seen):
        raise PersonNeeded(f"edition {number} has changed since you looked; nothing is approved, preview it again")
    editions.approve(conn, number, editor, appearance_hash(settings), now)
    return _open_edition(conn, number)


def appearance_hash(settings: Settings) -> str:
    """Return a hash of all that decides how an edition reads besides its entries: templates, words and limits."""
    folders = [resource("templates") / "email", *([settings.templates] if settings.templates else [])]
    hasher = hashlib.sha256()
    limits = (settings.letter_cap, settings.elsewhere_cap, settings.carry_over)
    for value in (settings.site, settings.brand, settings.taxonomy, *limits, settings.steps):
        hasher.update(repr(value).encode())
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            hasher.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()


def hold(conn: Connection, number: int) -> Edition:
    """Hold an edition until it is approved. Raises WrongUse when it is frozen or does not exist."""
    editions.serialise(conn)
    _open_edition(conn, number)
    editions.hold(conn, number)
    return _open_edition(conn, number)


def _open_edition(conn: Connection, number: int) -> Edition:
    """Return an edition that is not frozen; raises WrongUse when it is, or does not exist."""
    edition = edition_of(conn, number)
    if edition.state == "frozen":
        raise WrongUse(
            f"edition {number} is frozen: its deliveries are written, it can no longer be changed;"
            f" `digest hold {number} --stop` stops what has not left yet"
        )
    return edition


def waits_for_approval(conn: Connection, edition: Edition, why: str, zone: str) -> PersonNeeded:
    """Return the error that tells why an edition waits for an editor, what was decided, and how to approve it."""
    from digest.editions.approval_story import approval_story  # here, because few runs have anything to tell

    number = edition.id
    story = "; ".join(approval_story(conn, edition, zone))
    return PersonNeeded(
        f"edition {number} ({edition.cadence} {edition.slot}) {why}{f' ({story})' if story else ''};"
        f" look with `digest preview --edition {number}`,"
        f" then `digest approve {number} --hash {edition.content_hash[:12]}`"
    )
