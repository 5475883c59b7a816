"""Decide what each reader gets of an edition, or why they get nothing: what freeze writes and preview shows.

`Planner.reader` answers for one subscriber, `Planner.everyone` for all of an edition's readers; both apply
`Offer.planned`, so no other code decides who is held, suppressed or left out. `going_out` says which edition, with
which entries, a cadence's readers are offered next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from digest import group
from digest.config.settings import Settings
from digest.editions.due import coming_slot, passed_editions
from digest.model import Digest, Edition
from digest.render import fitting
from digest.schedule import next_slot, slot_of
from digest.store import editions, entries, releases
from digest.store.editions import Shown
from subscribers import store as people
from subscribers.mailable import unmailable
from subscribers.model import Interests, Subscriber

PAGE = 1000
# The state of a plan for somebody who is not among an edition's readers: freeze writes nothing for them.
NO_READER = "no reader"
_JOINED_LATE = "joined this cadence after the edition was drafted"
# Why somebody may not be mailed (`subscribers.consent.may_mail`), after "this reader …".
_IN_WORDS = {
    "suppressed": "is suppressed",
    "left": "has left",
    "pending": "has not confirmed yet",
    "paused": "is paused",
    "not on the allow-list": "is not on the allow-list ([transport] only)",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """What one subscriber gets of an edition.

    `state` is pending, empty, suppressed or held, as freeze stores it, or NO_READER; `reason` says why they get no
    letter (nothing of the edition matches: ""). `late`: held only because they joined, changed cadence or came
    back from a pause after the draft, so that it lacks entries they are owed.
    """

    subscriber: Subscriber
    digest: Digest | None
    state: str
    reason: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What an edition asks of one subscriber.

    `blocked` is why they may not be mailed now, or ""; `mark` the last release considered for them; `had` which
    of the edition's entries a letter of theirs carries already.
    """

    subscriber: Subscriber
    blocked: str
    mark: int
    had: frozenset[int]


@dataclass(slots=True)
class Overview:
    """An edition before it is frozen: how many entries, digests and readers, and who gets nothing."""

    edition: Edition
    entries: int = 0
    digests: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    nothing: list[Planned] = field(default_factory=list)


class Offer:
    """The entries of one edition, matched with readers.

    Readers with the same interests, mark and history share one Digest object.
    """

    def __init__(self, settings: Settings, edition: Edition, shown: Sequence[Shown]) -> None:
        self._settings = settings
        self._edition = edition
        self._candidates = [group.candidate_of(s.entry, s.release) for s in shown]
        self._fitted = fitting(settings, edition, [s.entry for s in shown])
        self._digests: dict[tuple[Interests, int, frozenset[int]], Digest] = {}

    def planned(self, standing: Standing) -> Planned:
        """Return what a subscriber gets, or why not: the only place where this is decided."""
        person = standing.subscriber
        if person.state != "active":
            return Planned(person, None, NO_READER, standing.blocked or person.state)
        if person.cadence != self._edition.cadence:
            return Planned(person, None, NO_READER, f"follows the {person.cadence} cadence")
        if standing.blocked:
            state = "suppressed" if standing.blocked == "suppressed" else "held"
            return Planned(person, None, state, standing.blocked)
        if standing.mark < self._edition.from_release:
            return Planned(person, None, "held", f"{_JOINED_LATE}; the next one makes it good", late=True)
        digest = self._digest(person.interests, standing.mark, standing.had)
        return Planned(person, digest, "pending" if digest.placed else "empty")

    def _digest(self, interests: Interests, mark: int, had: frozenset[int]) -> Digest:
        key = (interests, mark, had)
        if key not in self._digests:
            settings = self._settings
            selected = group.select(
                self._candidates, interests, mark=mark, had=had,
                cap=settings.letter_cap, elsewhere_cap=settings.elsewhere_cap,
            )  # fmt: skip
            self._digests[key] = self._fitted(selected)
        return self._digests[key]


class Planner:
    """Plans one edition for its readers, from what the database says of them in the caller's transaction."""

    def __init__(
        self, conn: Connection, settings: Settings, edition: Edition, shown: Sequence[Shown], secret: bytes,
        now: datetime,
    ) -> None:  # fmt: skip
        self._conn = conn
        self._settings = settings
        self._edition = edition
        self._shown = shown
        self._secret = secret
        self._now = now
        self._offer = Offer(settings, edition, shown)

    def everyone(self) -> Iterator[Planned]:
        """Yield what each active subscriber of the edition's cadence gets, in the order of their ids."""
        last = 0
        while page := people.stream(self._conn, cadence=self._edition.cadence, after=last, limit=PAGE):
            last = page[-1].id
            for standing in self._standings(page):
                yield self._offer.planned(standing)

    def reader(self, person: Subscriber) -> Planned:
        """Return what one stored subscriber gets, whatever their state and cadence."""
        (standing,) = self._standings([person])
        return self._offer.planned(standing)

    def anyone(self, person: Subscriber) -> Planned:
        """Return what an imagined reader gets: somebody new who may be mailed and has had nothing of the edition."""
        return self._offer.planned(Standing(person, "", self._edition.from_release, frozenset()))

    def _standings(self, page: Sequence[Subscriber]) -> Iterator[Standing]:
        conn, settings = self._conn, self._settings
        marks = releases.marks(conn, {person.id: person.joined_at for person in page}, settings.welcome)
        blocked = unmailable(conn, page, secret=self._secret, allow_list=settings.only, now=self._now)
        for person in page:
            why = blocked.get(person.id, "")
            yield Standing(person, why, marks[person.id], self._had.get(person.id, frozenset()))

    @cached_property
    def _had(self) -> Mapping[int, frozenset[int]]:
        return releases.readers_who_had(self._conn, _released_before(self._conn, self._shown))


def overview(conn: Connection, settings: Settings, edition: Edition, secret: bytes, now: datetime) -> Overview:
    """Return what an edition would do if it were frozen now; changes nothing."""
    shown = editions.shown(conn, edition.id)
    result = Overview(edition, entries=len(shown))
    digests: dict[int, Digest] = {}  # by id(), which could be another's if the Digest were let go
    for planned in Planner(conn, settings, edition, shown, secret, now).everyone():
        result.readers[planned.state] = result.readers.get(planned.state, 0) + 1
        if planned.state != "pending":
            result.nothing.append(planned)
        elif planned.digest is not None:
            digests[id(planned.digest)] = planned.digest
    result.digests = len(digests)
    return result


def going_out(
    conn: Connection, settings: Settings, cadence_name: str, person: Subscriber, now: datetime
) -> tuple[Edition, list[Shown]]:
    """Return the edition that a cadence's readers are offered next, and its entries; changes nothing.

    First an earlier edition that still waits to go out, else that of the coming slot, as `as_it_stands` shows it;
    its id is 0 when nothing is stored. ConfigError when config.toml has no such cadence.
    """
    cadence, zone = settings.cadence(cadence_name), settings.site.zone
    earlier = passed_editions(conn, cadence, now, zone)
    slot = coming_slot(conn, cadence, now, zone)
    stored = earlier[0] if earlier else editions.find(conn, cadence_name, slot.key)
    edition = stored or Edition(0, cadence_name, slot.key, "draft", False, "", 0, "")
    return as_it_stands(conn, settings, edition, person, now)


def as_it_stands(
    conn: Connection, settings: Settings, edition: Edition, person: Subscriber, now: datetime
) -> tuple[Edition, list[Shown]]:
    """Return an edition and its entries as a run would take them now; changes nothing.

    A draft that a run makes anew is returned as it would be made now, also for `person` if they have no mark yet.
    """
    anew = drafted_anew(edition, approval_required=settings.cadence(edition.cadence).approval_required)
    # An edition without an id has no entries stored: its draft is still to be made.
    if edition.id and (not anew or passed_over(conn, settings, edition, now)):
        return edition, editions.shown(conn, edition.id)
    high = releases.latest(conn)
    low = releases.lowest_mark(conn, edition.cadence, now, default=high)
    if person.id:
        low = min(low, releases.mark_of(conn, person.id, person.joined_at, settings.welcome, default=high))
    shown = content(conn, low, high)
    hashed = editions.content_hash(edition.note, shown)
    return replace(edition, from_release=low, to_release=high, content_hash=hashed), shown


def passed_over(conn: Connection, settings: Settings, edition: Edition, now: datetime) -> str:
    """Return the slot key that took the entries of a draft nobody approved in time, or "" for any other edition."""
    if edition.state != "draft" or edition.held:
        return ""
    newer = coming_slot(conn, settings.cadence(edition.cadence), now, settings.site.zone).key
    return newer if edition.slot < newer else ""


def drafted_anew(edition: Edition, *, approval_required: bool) -> bool:
    """Return whether a run drafts a stored edition again when its hour comes: nobody but the program made it.

    What an editor may be looking at is never drafted anew behind their back.
    """
    return edition.state == "draft" and not edition.held and not approval_required


def made_good_by(settings: Settings, edition: Edition) -> str:
    """Return the slot key of the edition after `edition`: it considers those who joined too late for this one."""
    cadence, zone = settings.cadence(edition.cadence), settings.site.zone
    return next_slot(cadence, slot_of(cadence, edition.slot, zone).instant, zone).key


def in_words(settings: Settings, edition: Edition, planned: Planned) -> str:
    """Return why a subscriber gets no letter of an edition, as a sentence for an editor; "" when they get one."""
    if planned.state == "pending":
        return ""
    if planned.state == "empty":
        return "nothing in this edition matches: no letter is written"
    if planned.late:
        good = made_good_by(settings, edition)
        return (
            f"this edition holds this reader, who {_JOINED_LATE};"
            f" the {edition.cadence} edition of {good} makes it good"
        )  # fmt: skip
    return reader_is(planned.reason)


def reader_is(reason: str) -> str:
    """Return a plan's or a claim's reason as a sentence."""
    return f"this reader {_IN_WORDS.get(reason, reason)}"


def content(conn: Connection, low: int, high: int) -> list[Shown]:
    """Return the entries of the releases with low < number ≤ high, in an edition's order."""
    newest = {release.entry: release.number for release in releases.after(conn, low, high)}
    ready = [entry for entry in entries.many(conn, newest).values() if entry.state == "ready"]
    return [Shown(entry, newest[entry.id]) for entry in group.order(ready)]


def _released_before(conn: Connection, shown: Sequence[Shown]) -> list[int]:
    """Return the entries that came in by a second release: some readers may have had them."""
    if not shown:
        return []
    numbers = [s.release for s in shown]
    again = {r.number for r in releases.after(conn, min(numbers) - 1, max(numbers)) if r.again}
    return [s.entry.id for s in shown if s.release in again]
