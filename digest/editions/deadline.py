"""Meet the deadline of an edition that an editor must approve: its hour.

`draft_in_time` drafts it and tells the editors, once when it is drafted and once when its hour is near. At the hour,
`keep_unapproved` and `send_unapproved` do with an edition that nobody has approved what config.toml declares, and
tell the editors once. Each decision of a deadline is recorded as an act, by "deadline".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.desk.acts import Hand, record
from digest.desk.entry_acts import entry_act
from digest.editions import draft
from digest.editions.approve import appearance_hash
from digest.editions.due import coming_slot
from digest.errors import counted
from digest.installation import Installation
from digest.model import Edition
from digest.notices.to_editors import owe_editors
from digest.schedule import Cadence, Slot
from digest.sources.withdrawal import QUESTION
from digest.store import editions, entry_edits, standings
from digest.store.engine import reading, writing
from digest.store.notices import MISSED, NEAR, READY

DEADLINE = Hand("deadline")
_VERBS = {"wait": "pass", "stop": "stop", "send": "send", "send-without-open-questions": "send"}


class Due(NamedTuple):
    """Hold what is due of an edition before its hour: to be drafted, and the kind of notice to owe ("": none)."""

    draft: bool
    kind: str


def due_before(cadence: Cadence, slot: Slot, edition: Edition | None, now: datetime) -> Due:
    """Return what is due of the edition of a coming slot; `edition` is None before it is drafted.

    Where the hour is near already, the editors are told that alone.
    """
    left = slot.hour - now
    if not cadence.approval_required or not cadence.draft_ahead >= left or now >= slot.hour:
        return Due(draft=False, kind="")
    if edition is not None and (edition.state != "draft" or edition.held):
        return Due(draft=False, kind="")
    near = bool(cadence.remind_ahead) and cadence.remind_ahead >= left
    if near and (edition is None or edition.told_near_at is None):
        kind = NEAR
    else:
        kind = READY if edition is None or edition.told_ready_at is None else ""
    return Due(edition is None, kind)


def draft_in_time(installation: Installation, cadence: Cadence) -> list[str]:
    """Draft the coming edition of a cadence where that is due, and owe the editors what they are to be told.

    Return a line for the operator where there is no editor who can be told. Hold the run lock.
    """
    with reading(installation.engine) as conn:
        if due_before(cadence, *_coming(conn, installation, cadence), installation.clock()) == Due(False, ""):
            return []
    installation.require_secret()
    with writing(installation.engine, "draft ahead") as conn:
        editions.serialise(conn)
        settings, now = installation.settings, installation.clock()
        slot, edition = _coming(conn, installation, cadence)
        due = due_before(cadence, slot, edition, now)
        if due.draft or edition is None:
            edition = draft.draft(conn, settings, cadence, now)
        count = len(editions.shown(conn, edition.id))
        facts = _facts(installation, cadence, slot) | {"entries": counted(count, "entry", "entries")}
        if due.kind and owe_editors(conn, installation, due.kind, edition, facts):
            editions.note_told(conn, edition.id, now, near=due.kind == NEAR)
            return []
    return [
        f"edition {edition.id} ({cadence.name} {edition.slot}) is drafted and not approved; its hour is"
        f" {facts['deadline']}, and there is no editor who could be told (`digest editors add`): look with"
        f" `digest preview --edition {edition.id}`, then `digest approve {edition.id}`"
    ]


def keep_unapproved(conn: Connection, installation: Installation, cadence: Cadence, slot: Slot) -> None:
    """Note at its hour, in the caller's transaction, that an edition waits or is stopped, and owe the editors that.

    An edition that was drafted only at its hour has just become ready: the editors are told that instead.
    """
    now, edition = installation.clock(), editions.find(conn, cadence.name, slot.key)
    if edition is None or not cadence.approval_required or cadence.sends_unapproved or edition.unapproved:
        return
    if edition.state != "draft" or not _missed(installation, slot, edition):
        return
    facts = _facts(installation, cadence, slot)
    if cadence.unapproved == "wait" and edition.created_at is not None and edition.created_at >= slot.hour:
        count = counted(len(editions.shown(conn, edition.id)), "entry", "entries")
        facts |= {"deadline": f"{facts['deadline']}, which has passed", "entries": count}
        if edition.told_ready_at is None and owe_editors(conn, installation, READY, edition, facts):
            editions.note_told(conn, edition.id, now, near=True)
        return
    if cadence.unapproved == "stop":
        editions.hold(conn, edition.id)
        done = f"it is stopped until `digest approve {edition.id}`"
    else:
        done = "it waits until somebody approves it, or the next edition takes its entries over"
    _tell(conn, installation, cadence, edition, facts | {"done": done})


def send_unapproved(conn: Connection, installation: Installation, cadence: Cadence, slot: Slot) -> None:
    """Let an edition that nobody has approved go out at its hour, where that is declared.

    Call it in the transaction that freezes the edition. Entries with an open question are held where that is
    declared, so that their release brings them later. They are held for every cadence, because the question is about
    the entry, so that the approval of another edition with them may end: the editors are told which.
    """
    edition = editions.find(conn, cadence.name, slot.key)
    if edition is None or not cadence.sends_unapproved or not _missed(installation, slot, edition):
        return
    editions.serialise(conn)
    done = "it was sent all the same"
    if cadence.unapproved == "send-without-open-questions":
        done += _take_out(conn, installation, edition)
    _tell(conn, installation, cadence, edition, _facts(installation, cadence, slot) | {"done": done})


def _missed(installation: Installation, slot: Slot, edition: Edition) -> bool:
    """Return whether the hour of an edition has passed, and nobody has stopped it or approved it as it looks now."""
    if edition.held or installation.clock() < slot.hour:
        return False
    other_look = edition.state == "approved" and edition.look != appearance_hash(installation.settings)
    return edition.state == "draft" or other_look


def _take_out(conn: Connection, installation: Installation, edition: Edition) -> str:
    """Hold the entries of an edition that have an open question, and draft it again without them.

    Return a clause that says so, and which other editions have lost their approval by it; "" without such entries.
    """
    from digest.editions.withdraw import keep_back  # here, because few runs need it

    numbers = [row.entry.id for row in editions.shown(conn, edition.id)]
    asked = {number: edit.open_question for number, edit in entry_edits.edits_of(conn, numbers).items()}
    out = sorted(number for number in numbers if asked.get(number))
    if not out:
        return ""
    with entry_act(conn, installation, DEADLINE, "take out", out):
        for number in out:
            standings.hold_ready(conn, number, QUESTION, asked[number])
    approved = {each.id for each in editions.unfrozen(conn) if each.state == "approved"} - {edition.id}
    keep_back(conn, installation, out, installation.clock())
    ended = [each for each in editions.unfrozen(conn) if each.id in approved and each.state == "draft"]
    entries = " ".join(map(str, out))
    which, are, them = ("entry", "is", "it") if len(out) == 1 else ("entries", "are", "them")
    return (
        f", without {which} {entries}, which had an open question and {are} held for every cadence:"
        f" `digest release {entries}` lets {them} out"
    ) + "".join(
        f"; edition {each.id} ({each.cadence} {each.slot}) had {them} too: approve it again" for each in ended
    )


def _tell(
    conn: Connection, installation: Installation, cadence: Cadence, edition: Edition, facts: dict[str, Any]
) -> None:
    """Note what was done with an edition at its hour, record it, and owe the editors a notice of it."""
    done = f"nobody had approved it by {facts['deadline']}: {facts['done']}"
    editions.note_unapproved(conn, edition.id, done)
    values = {"unapproved": edition.unapproved}, {"unapproved": done}
    record(conn, installation, DEADLINE, _VERBS[cadence.unapproved], f"edition {edition.id}", values)
    owe_editors(conn, installation, MISSED, edition, facts | {"done": done})


def _coming(conn: Connection, installation: Installation, cadence: Cadence) -> tuple[Slot, Edition | None]:
    slot = coming_slot(conn, cadence, installation.clock(), installation.settings.site.zone)
    return slot, editions.find(conn, cadence.name, slot.key)


def _facts(installation: Installation, cadence: Cadence, slot: Slot) -> dict[str, Any]:
    zone = installation.settings.site.zone
    return {"deadline": f"{slot.hour.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}", "policy": cadence.unapproved}
