"""Plan an edition: decide what each reader gets of it, or why they get nothing.

`Planner.reader` plans for one subscriber, `Planner.pages` for all of an edition's readers; both apply
`Offer.planned`, so no other code decides what a reader gets. Freeze writes these plans, and preview and
`readers.undecided` show them. After the freeze `delivery.claim` reads consent and suppression once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from digest import group
from digest.config.settings import Settings
from digest.editions.carry_over import LeftOver
from digest.group import Candidate, Match, Matcher
from digest.model import Digest, Edition, Entry
from digest.render import fitting
from digest.schedule import next_slot, slot_of
from digest.store import editions, releases
from digest.store.editions import Shown
from digest.store.plans import digest_of, whole_digest
from subscribers import store as people
from subscribers.mailable import unmailable, unmailable_readers
from subscribers.model import Reader, Subscriber

PAGE = 1000  # readers planned, and deliveries written, at once
# The state of a plan for a subscriber who is not among an edition's readers: freeze writes nothing for them.
NO_READER = "no reader"
_MADE_GOOD = "the next one makes it good"
# The reasons why a reader may not be mailed (`subscribers.consent.may_mail`), to follow "this reader …".
_IN_WORDS = {
    "suppressed": "is suppressed",
    "left": "has left",
    "pending": "has not confirmed yet",
    "paused": "is paused",
    "not on the allow-list": "is not on the allow-list ([transport] only)",
}


class Planned(NamedTuple):
    """Hold the plan for one subscriber: what they get of an edition, or why nothing.

    `state` is pending, empty, suppressed or held, as freeze stores it, or NO_READER; `reason` says why they get no
    letter (nothing of the edition matches: ""). `late`: held only because they joined, changed cadence or came
    back from a pause after the draft, so that it lacks entries they are owed. `match` is None where none was made.
    """

    subscriber: int
    state: str
    reason: str = ""
    late: bool = False
    match: Match | None = None


class Standing(NamedTuple):
    """Hold the facts about one subscriber that their plan depends on.

    `blocked` is why they may not be mailed now, or ""; `mark` the last release considered for them; `had` the ids
    of the edition's entries that a letter of theirs carries already; `left_over` those that are carried over, that a
    letter of theirs had no room for, and that they have not had since.
    """

    reader: Reader | Subscriber
    blocked: str
    mark: int
    had: Collection[int]
    left_over: Collection[int] = ()


@dataclass(slots=True)
class Overview:
    """Count an edition's entries, digests and readers (by state) before it is frozen; list who gets no letter.

    `entries` are the new ones; `offered_again` counts the readers whose letter has carried-over entries instead.
    """

    edition: Edition
    entries: int = 0
    offered_again: int = 0
    digests: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    nothing: list[Planned] = field(default_factory=list)


class Offer:
    """Match the entries of one edition with readers; those whose matches are equal share a digest.

    `earlier` are the case studies of the past year, whose barriers count. `carries`: entries of earlier editions are
    carried over, for readers to whom no new entry goes.
    """

    def __init__(
        self, settings: Settings, edition: Edition, shown: Sequence[Shown], earlier: Iterable[Candidate] = ()
    ) -> None:
        self._edition = edition
        new, pinned = new_entries(shown), edition.arranged[: edition.pinned]
        over = in_editors_order(edition, [row.entry for row in shown if row.entry.carried_from])
        self._entries = [row.entry.id for row in new]
        before = list(earlier)
        candidates = [group.candidate_of(row.entry, row.release) for row in new]
        self._matcher = Matcher(
            candidates,
            cap=settings.letter_cap,
            elsewhere_cap=settings.elsewhere_cap,
            earlier=before,
            pinned=pinned,
        )
        self._carried = Matcher(
            [group.candidate_of(entry, 1) for entry in over],
            cap=min(settings.carry_over, settings.letter_cap),
            elsewhere_cap=settings.elsewhere_cap,
            earlier=[*before, *candidates] if over else (),
            pinned=pinned,
        )
        self.carries = frozenset(entry.id for entry in over)
        # Of the new entries, and of those to carry over.
        self.matchers = (self._matcher, self._carried)
        self._shorten = fitting(settings, edition, [row.entry for row in shown])
        self._shortened = lru_cache(maxsize=PAGE)(self._fit)  # because the size of a letter takes long to count

    def planned(self, standing: Standing) -> Planned:
        """Decide what a subscriber gets, or why they get nothing; no other function decides this."""
        reader = standing.reader
        if reader.state != "active":
            return Planned(reader.id, NO_READER, standing.blocked or reader.state)
        if reader.cadence != self._edition.cadence:
            return Planned(reader.id, NO_READER, f"follows the {reader.cadence} cadence")
        if standing.blocked:
            state = "suppressed" if standing.blocked == "suppressed" else "held"
            return Planned(reader.id, state, standing.blocked)
        if standing.mark < self._edition.from_release:
            return Planned(reader.id, "held", f"{_why_late(self._edition, reader)}; {_MADE_GOOD}", late=True)
        match = self._fitting(self._matcher, self._matcher.match(reader.interests, standing.mark, standing.had))
        if self._matcher.shows(match):
            return Planned(reader.id, "pending", match=match)
        if standing.left_over and reader.interests.carry_over:
            again = self._carried.match(reader.interests, 0, self.carries.difference(standing.left_over))
            again = self._fitting(self._carried, again)
            if self._carried.shows(again):
                # Without the reasons why others are left out, so that readers who get the same share a digest.
                again = self._carried.shown_in(again)
                return Planned(reader.id, "pending", match=self._matcher.joined(match, again))
        return Planned(reader.id, "empty", match=match)

    def digest(self, planned: Planned) -> Digest | None:
        """Return the digest that a subscriber gets, or None; it is empty where nothing of the edition matches."""
        return None if planned.match is None else whole_digest(self.plan(planned.match), self._entries)

    def plan(self, match: Match) -> dict[str, Any]:
        """Return the plan that is stored of the digest of a match."""
        plan = self._matcher.plan(match)
        again = self._matcher.carried_in(match)
        return plan | {"sections": self._carried.plan(again)["sections"], "again": True} if again else plan

    def offers_again(self, planned: Planned) -> bool:
        """Return whether a subscriber's letter has carried-over entries."""
        return planned.match is not None and self._matcher.carried_in(planned.match) != 0

    def _fitting(self, matcher: Matcher, match: Match) -> Match:
        """Return a match whose letter is not too long for mail programs."""
        return match if self._shorten is None else self._shortened(matcher, match, self._shorten)

    def _fit(self, matcher: Matcher, match: Match, shorten: Callable[[Digest], Digest]) -> Match:
        """Return a match with the entries over the cap that would make its letter too long for mail programs."""
        shown = digest_of(matcher.plan(match) | ({"again": True} if matcher is self._carried else {}))
        fitted = shorten(shown)
        if fitted is shown:
            return match
        moved = {placed.entry for placed in shown.placed} - {placed.entry for placed in fitted.placed}
        return matcher.shortened(match, moved)


class Planner:
    """Plan one edition for its readers, by the rows of the caller's transaction."""

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
        earlier = [group.candidate_of(entry, 0) for entry in editions.earlier_studies(conn, edition)]
        self.offer = Offer(settings, edition, shown, earlier)
        self._left_over = LeftOver(conn, edition.cadence, self.offer.carries, now)

    def pages(self) -> Iterator[list[Planned]]:
        """Yield the plans for all active subscribers of the edition's cadence, in the order of ids, page by page."""
        for _, plans in self.pages_with_readers():
            yield plans

    def pages_with_readers(self) -> Iterator[tuple[list[Reader], list[Planned]]]:
        """Yield the same pages, each with its readers before their plans."""
        last = 0
        while page := people.readers(self._conn, cadence=self._edition.cadence, after=last, limit=PAGE):
            last = page[-1].id
            yield page, self.plans(self._standings(page, self._blocked(page), self._had))

    def standings(self, readers: Sequence[Reader]) -> list[Standing]:
        """Return what the plans of these few readers depend on, for `plans`."""
        had = releases.readers_who_had(self._conn, self._again, [reader.id for reader in readers])
        return self._standings(readers, self._blocked(readers), had)

    def reader(self, person: Subscriber) -> Planned:
        """Return the plan for one stored subscriber, whatever their state and cadence."""
        conn, settings = self._conn, self._settings
        blocked = unmailable(conn, [person], secret=self._secret, allow_list=settings.only, now=self._now)
        had = releases.readers_who_had(conn, self._again, [person.id])
        (planned,) = self.plans(self._standings([person], blocked, had))
        return planned

    def anyone(self, person: Subscriber) -> Planned:
        """Return the plan for an imagined reader, who may be mailed and has had no entry of the edition."""
        return self.offer.planned(Standing(person, "", self._edition.from_release, ()))

    def plans(self, standings: Sequence[Standing]) -> list[Planned]:
        """Return the plans for the subscribers of these standings, in their order."""
        planned = self.offer.planned
        plans = [planned(standing) for standing in standings]
        # Only for readers to whom no new entry goes, because the others must cost nothing.
        left_over = self._left_over.of([plan.subscriber for plan in plans if plan.state == "empty"])
        if not left_over:
            return plans
        return [
            planned(standing._replace(left_over=left_over[plan.subscriber])) if plan.subscriber in left_over else plan
            for plan, standing in zip(plans, standings, strict=True)
        ]

    def _standings(
        self, page: Sequence[Reader | Subscriber], blocked: Mapping[int, str], had: Mapping[int, frozenset[int]]
    ) -> list[Standing]:
        marks = releases.marks(self._conn, {each.id: each.here_since for each in page}, self._settings.welcome)
        return [Standing(each, blocked.get(each.id, ""), marks[each.id], had.get(each.id, ())) for each in page]

    def _blocked(self, page: Sequence[Reader]) -> dict[int, str]:
        return unmailable_readers(
            self._conn, page, secret=self._secret, allow_list=self._settings.only, now=self._now
        )  # fmt: skip

    @cached_property
    def _again(self) -> list[int]:
        return _released_before(self._conn, new_entries(self._shown))

    @cached_property
    def _had(self) -> Mapping[int, frozenset[int]]:
        return releases.readers_who_had(self._conn, self._again)


def overview(conn: Connection, settings: Settings, edition: Edition, secret: bytes, now: datetime) -> Overview:
    """Count the readers and digests an edition would have if it were frozen now; changes nothing."""
    shown = editions.shown(conn, edition.id)
    result = Overview(edition, entries=len(new_entries(shown)))
    matches: set[Match] = set()
    planner = Planner(conn, settings, edition, shown, secret, now)
    for page in planner.pages():
        for planned in page:
            result.readers[planned.state] = result.readers.get(planned.state, 0) + 1
            if planned.state != "pending":
                result.nothing.append(planned)
            elif planned.match is not None:
                matches.add(planned.match)
                result.offered_again += planner.offer.offers_again(planned)
    result.digests = len(matches)
    return result


def new_entries(shown: Sequence[Shown]) -> list[Shown]:
    """Return the entries of an edition that came in by a release, without those that it only carries over."""
    return [row for row in shown if row.release]


def in_editors_order(edition: Edition, entries: Sequence[Entry]) -> list[Entry]:
    """Return entries in the order that editors gave them; the others follow as an edition has them by itself."""
    places = {number: place for place, number in enumerate(edition.arranged)}
    return sorted(group.order(entries), key=lambda entry: places.get(entry.id, len(places)))


def made_good_by(settings: Settings, edition: Edition) -> str:
    """Return the slot key of the edition after `edition`: the first for readers who joined too late for this one."""
    cadence, zone = settings.cadence(edition.cadence), settings.site.zone
    return next_slot(cadence, slot_of(cadence, edition.slot, zone).instant, zone).key


def in_words(settings: Settings, edition: Edition, planned: Planned) -> str:
    """Return why a subscriber gets no letter of an edition, as a sentence for an editor; "" when they get one."""
    if planned.state == "pending":
        return ""
    if planned.state == "empty":
        return "nothing in this edition matches: no letter is written"
    if planned.late:
        return late_in_words(edition.cadence, planned.reason, made_good_by(settings, edition))
    return reader_is(planned.reason)


def late_in_words(cadence: str, reason: str, day: str) -> str:
    """Return why an edition holds a reader who came too late for it; the edition of a `day` makes it good."""
    lacks = f"this edition holds this reader, who {reason.removesuffix(_MADE_GOOD)}"
    return f"{lacks}the {cadence} edition of {day} makes it good"


def reader_is(reason: str) -> str:
    """Return a plan's or a claim's reason as a sentence."""
    return f"this reader {_IN_WORDS.get(reason, reason)}"


def _why_late(edition: Edition, person: Reader | Subscriber) -> str:
    """Return why a subscriber is owed entries that an edition lacks, so far as the record of them tells."""
    drafted = edition.created_at
    if drafted and person.paused_until and person.paused_until > drafted:
        cause = "came back from a pause"
    elif drafted and person.here_since and person.here_since > drafted:
        cause = "joined"
    else:
        # The record keeps neither an earlier cadence, nor a suppression that was lifted, nor an earlier allow-list.
        cause = "came to this cadence, or may be mailed again,"
    return f"{cause} after the edition was drafted"


def _released_before(conn: Connection, shown: Sequence[Shown]) -> list[int]:
    """Return the ids of the entries that came in by a second release, which some readers may have had."""
    if not shown:
        return []
    numbers = [row.release for row in shown]
    again = {release.number for release in releases.after(conn, min(numbers) - 1, max(numbers)) if release.again}
    return [row.entry.id for row in shown if row.release in again]
