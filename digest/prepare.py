"""Prepare: draft the edition a cadence owes, plan what each reader gets, take the editor's word, freeze the debt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest import group
from digest.config.settings import Settings
from digest.errors import PersonNeeded, WrongUse
from digest.failpoint import failpoint
from digest.model import Digest, Edition
from digest.render import fitting
from digest.resources import resource
from digest.schedule import Cadence, Slot, due_slot, next_slot, slot_of, slots_between
from digest.store import deliveries, editions, entries, releases, slots
from digest.store.editions import Shown
from subscribers import store as people
from subscribers.consent import may_mail
from subscribers.model import Interests, Subscriber

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Planned:
    """What one eligible reader of an edition gets. `state`: pending, empty, suppressed or held; `reason` says why."""

    subscriber: Subscriber
    digest: Digest | None
    state: str
    reason: str = ""


@dataclass(slots=True)
class Overview:
    """An edition before it is frozen: how many entries, digests and readers, and who gets nothing."""

    edition: Edition
    entries: int = 0
    digests: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    nothing: list[Planned] = field(default_factory=list)


def slot_owed(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot | None:
    """Return the newest due slot of a cadence unless it is accounted for already; older ones it makes good."""
    due = due_slot(cadence, now, zone)
    last = editions.last_slot(conn, cadence.name, now)
    known = editions.find(conn, cadence.name, due.key)
    done = (last is not None and last >= due.key) or (known is not None and known.state == "frozen")
    return None if done else due


def slots_to_run(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Slot]:
    """Return the slots a run has to freeze, oldest first: passed ones an editor has approved, then the one owed.

    Raises PersonNeeded while an edition of a passed slot is held: what an editor holds back does not go out
    under a later date.
    """
    due = slot_owed(conn, cadence, now, zone)
    passed = [one for one in editions.unfrozen(conn, cadence.name) if one.slot < due_slot(cadence, now, zone).key]
    for one in passed:
        if one.held:
            raise _waits(one, "is held")
    approved = [slot_of(cadence, one.slot, zone) for one in passed if one.state == "approved"]
    return approved + ([due] if due else [])


def draft(conn: Connection, settings: Settings, cadence: Cadence, now: datetime) -> Edition:
    """Draft the edition of the slot now owed, or else of the next one, and return it.

    An approved edition is left as it is (hold it first to draft it again); so is a frozen one.
    """
    editions.serialise(conn)
    slot = slot_owed(conn, cadence, now, settings.site.zone) or next_slot(cadence, now, settings.site.zone)
    known = editions.find(conn, cadence.name, slot.key)
    if known and (known.state == "frozen" or (known.state == "approved" and not known.held)):
        return known
    return _draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)


def redraft(conn: Connection, settings: Settings, entry: int, now: datetime) -> list[Edition]:
    """Draft anew every open edition that carries `entry`, after an editor's change; return them."""
    editions.serialise(conn)
    return [
        _draft(conn, settings, one.cadence, one.slot, one.to_release, now)
        for one in editions.unfrozen(conn)
        if any(s.entry.id == entry for s in editions.shown(conn, one.id))
    ]


def _draft(conn: Connection, settings: Settings, cadence: str, day: str, high: int, now: datetime) -> Edition:
    releases.settle_marks(conn, settings.welcome)
    low = releases.lowest_mark(conn, cadence, now, default=high)
    return editions.draft(conn, cadence, day, (low, high), content(conn, low, high), now)


def content(conn: Connection, low: int, high: int) -> list[Shown]:
    """Return the entries of the releases with low < number ≤ high, in an edition's order."""
    newest = {one.entry: one.number for one in releases.after(conn, low, high)}
    ready = [one for one in entries.many(conn, newest).values() if one.state == "ready"]
    return [Shown(one, newest[one.id]) for one in group.order(ready)]


def plan(
    conn: Connection, settings: Settings, one: Edition, shown: Sequence[Shown], secret: bytes, now: datetime
) -> Iterator[Planned]:
    """Yield what each eligible reader of an edition gets, in the order of their ids.

    Eligible is who is active in the edition's cadence. Readers with the same interests, mark and history
    share one Digest object.
    """
    candidates = [group.candidate(s.entry, s.release) for s in shown]
    fitted = fitting(settings, one, [s.entry for s in shown])
    had = releases.readers_who_had(conn, _released_before(conn, shown))
    made: dict[tuple[Interests, int, frozenset[int]], Digest] = {}
    last = 0
    while page := people.stream(conn, cadence=one.cadence, after=last, limit=PAGE):
        last = page[-1].id
        ids = [person.id for person in page]
        marks = releases.marks(conn, ids, default=one.to_release)
        suppressed = people.suppressed_ids(conn, secret, ids)
        for person in page:
            why = may_mail(person, person.id in suppressed, now)
            if not why and not settings.may_reach(person.email):
                why = "not on the allow-list"
            if not why and marks[person.id] < one.from_release:
                # Back from a pause, or from another cadence, since the draft was made: it lacks what they are owed.
                why = "joined this cadence after the edition was drafted; the next one makes it good"
            if why:
                yield Planned(person, None, "suppressed" if why == "suppressed" else "held", why)
                continue
            key = (person.interests, marks[person.id], had.get(person.id, frozenset()))
            digest = made.get(key)
            if digest is None:
                digest = group.select(
                    candidates, key[0], mark=key[1], had=key[2],
                    cap=settings.letter_cap, elsewhere_cap=settings.elsewhere_cap,
                )  # fmt: skip
                digest = made[key] = fitted(digest)
            yield Planned(person, digest, "pending" if digest.placed else "empty")


def reader_view(
    conn: Connection, one: Edition, shown: Sequence[Shown], person: Subscriber, welcome: timedelta
) -> tuple[list[group.Candidate], int, frozenset[int]]:
    """Return an edition's candidates, one subscriber's mark and which of the entries they have had."""
    candidates = [group.candidate(s.entry, s.release) for s in shown]
    had = releases.readers_who_had(conn, _released_before(conn, shown))
    mark = releases.mark_of(conn, person.id, person.joined_at, welcome, default=one.to_release)
    return candidates, mark, had.get(person.id, frozenset())


def _released_before(conn: Connection, shown: Sequence[Shown]) -> list[int]:
    """Return the entries that came in by a second release: some readers may have had them."""
    if not shown:
        return []
    numbers = [s.release for s in shown]
    again = {r.number for r in releases.after(conn, min(numbers) - 1, max(numbers)) if r.again}
    return [s.entry.id for s in shown if s.release in again]


def overview(conn: Connection, settings: Settings, one: Edition, secret: bytes, now: datetime) -> Overview:
    """Return what an edition would do if it were frozen now; changes nothing."""
    shown = editions.shown(conn, one.id)
    result = Overview(one, entries=len(shown))
    digests: set[int] = set()
    keep: list[Digest] = []
    for planned in plan(conn, settings, one, shown, secret, now):
        result.readers[planned.state] = result.readers.get(planned.state, 0) + 1
        if planned.state != "pending":
            result.nothing.append(planned)
        elif planned.digest is not None and id(planned.digest) not in digests:
            digests.add(id(planned.digest))
            keep.append(planned.digest)  # or its id() could be given to another
    result.digests = len(keep)
    return result


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
        slots.go_on(conn, number)
        return stopped
    one = _open_edition(conn, number)
    cadence = settings.cadence(one.cadence)
    newer = due_slot(cadence, now, settings.site.zone).key
    if not one.held and (one.slot < newer or (editions.last_slot(conn, one.cadence, now) or "") >= one.slot):
        raise WrongUse(
            f"edition {number} ({one.cadence} {one.slot}) is past: {newer} is due and carries its entries;"
            f" `digest prepare {one.cadence}`, then approve that one"
        )
    if not one.content_hash.startswith(seen):
        raise PersonNeeded(f"edition {number} has changed since you looked; nothing is approved, preview it again")
    editions.approve(conn, number, who, look(settings), now)
    return _open_edition(conn, number)


def look(settings: Settings) -> str:
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


def ready(conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, now: datetime) -> Edition:
    """Return the edition of a due slot: drafted up to the present, unless an editor has the word.

    What an editor may be looking at is never drafted anew behind their back; `draft` does it when asked to.
    """
    editions.serialise(conn)
    one = editions.find(conn, cadence.name, slot.key)
    if one is None or (one.state == "draft" and not one.held and not cadence.approval_required):
        one = _draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)
    return one


def freeze(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, secret: bytes, now: datetime
) -> Edition:
    """Write down the whole debt of a drafted slot in the caller's transaction: digests, deliveries, marks, slots.

    Raises PersonNeeded when the edition waits for an editor's word; nothing is written then.
    """
    editions.serialise(conn)
    people.keep_still(conn)
    one = editions.find(conn, cadence.name, slot.key)
    if one is None:
        raise PersonNeeded(f"{cadence.name} {slot.key} has no draft; make it with `digest prepare {cadence.name}`")
    if one.held:
        raise _waits(one, "is held")
    if cadence.approval_required and one.state != "approved":
        raise _waits(one, "is not approved")
    shown = editions.shown(conn, one.id)
    if editions.content_hash(one.note, shown) != one.content_hash:
        raise _waits(one, "is not what was approved")
    if one.state == "approved" and one.look != look(settings):
        raise _waits(one, "was approved with other templates, words or limits than config has now")
    stored: dict[Digest, int] = {}
    rows = []
    for planned in plan(conn, settings, one, shown, secret, now):
        digest = None
        if planned.digest is not None:
            digest = stored.get(planned.digest)
            if digest is None:
                digest = stored[planned.digest] = deliveries.add_digest(conn, one.id, planned.digest)
        rows.append(
            {"subscriber_id": planned.subscriber.id, "digest_id": digest, "state": planned.state,
             "reason": planned.reason}
        )  # fmt: skip
        if len(rows) >= PAGE:
            deliveries.add(conn, one.id, rows, now)
            failpoint("planned: one page")
            rows = []
    deliveries.add(conn, one.id, rows, now)
    failpoint("planned: all pages")
    deliveries.move_marks(conn, one)
    editions.freeze(conn, one.id, people.count(conn, cadence=one.cadence), now)
    _close_slots(conn, settings, cadence, slot, one, now)
    failpoint("planned: before commit")
    frozen = editions.get(conn, one.id)
    assert frozen is not None
    return frozen


def _close_slots(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, one: Edition, now: datetime
) -> None:
    """Account for the slot, and for those that passed unseen since the last one."""
    last = editions.last_slot(conn, cadence.name, now)
    if last is not None:
        day = datetime.fromisoformat(last).date()
        for missed in slots_between(cadence, day, slot.day, settings.site.zone):
            editions.close_slot(conn, missed, "missed", None, now)
    editions.close_slot(conn, slot, "run", one.id, now)


def _waits(one: Edition, why: str) -> PersonNeeded:
    return PersonNeeded(
        f"edition {one.id} ({one.cadence} {one.slot}) {why}; look with `digest preview --edition {one.id}`,"
        f" then `digest approve {one.id} --hash {one.content_hash[:12]}`"
    )
