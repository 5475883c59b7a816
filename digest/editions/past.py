"""Plan the letters that the editions of the last twelve weeks would have brought a reader, had they read them all.

The letters are decided by `plan.Offer`, as those of any edition are, with its caps and its carry-over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.draft import entries_in_window
from digest.editions.plan import Offer, Standing, in_editors_order, new_entries
from digest.group import Candidate, Match, candidate_of
from digest.model import Edition
from digest.store import editions
from subscribers.forms import FACETS
from subscribers.model import Interests, Subscriber

TWELVE_WEEKS = timedelta(weeks=12)


@dataclass(frozen=True, eq=False)
class PastEdition:
    """Hold a frozen edition, to plan letters of it again.

    `mark` is the last release that the editions of its cadence before it considered. `stopped`: a person has kept it
    from going out any further. `made_of` tells whether it is still the same.
    """

    frozen_at: datetime
    cadence: str
    mark: int
    offer: Offer
    stopped: bool = False
    made_of: tuple[object, ...] = ()

    @cached_property
    def about(self) -> tuple[Mapping[tuple[str, str], int], ...]:
        """Return by facet and slug the masks of the new entries with that value, and of those to carry over."""
        both: list[dict[tuple[str, str], int]] = []
        for matcher in self.offer.matchers:
            masks: dict[tuple[str, str], int] = {}
            for number, candidate in enumerate(matcher.candidates):
                for facet in FACETS:
                    for slug in getattr(candidate, facet):
                        masks[facet, slug] = masks.get((facet, slug), 0) | 1 << number
            both.append(masks)
        return tuple(both)


class ReplayedLetter(NamedTuple):
    """Hold a letter of a past edition that a reader would have got, as its plan has it.

    `again`: it offers entries again, which are carried over; then `match` is of those, else of the new ones.
    """

    edition: PastEdition
    planned: Match
    again: bool
    match: Match

    @property
    def shown(self) -> frozenset[int]:
        """The entries that it shows."""
        return self.edition.offer.matchers[self.again].entries(self.match)

    @property
    def elsewhere(self) -> frozenset[int]:
        """The entries that it shows from elsewhere."""
        return self.edition.offer.matchers[self.again].entries_from_elsewhere(self.match)

    @property
    def over_cap(self) -> frozenset[int]:
        """The new entries that it has no room for."""
        return self.edition.offer.matchers[False].entries_over_cap(self.planned)

    def count_about(self, facet: str, slug: str) -> int:
        """Return how many of the entries that it shows have a value of a facet."""
        mask = self.edition.about[self.again].get((facet, slug), 0)
        return (self.edition.offer.matchers[self.again].mask_shown(self.match) & mask).bit_count()


class PastEditions:
    """Answer what the frozen editions of a cadence would have brought, which are given in the order they froze.

    `whole`: the cadence had an edition before them too, so that nothing of these weeks lies before its beginning.
    """

    def __init__(self, past: Sequence[PastEdition], *, whole: bool = False) -> None:
        self.past, self.whole = past, whole
        counts = Counter(each.entry for edition in past for each in edition.offer.matchers[0].candidates)
        self._again = {entry for entry, count in counts.items() if count > 1}
        self.carried = frozenset(counts)
        # Remembered, because many readers follow the same, and few of them had any of these entries.
        self.brought = cache(self.bring)
        self.since = cache(self._since)

    def values(self, facet: str) -> set[str]:
        """Return the values of a facet that any of these entries has."""
        return {slug for edition in self.past for masks in edition.about for name, slug in masks if name == facet}

    def letters(self, interests: Interests, had: frozenset[int] = frozenset()) -> Iterator[ReplayedLetter]:
        """Yield the letters that a reader of these interests would have got, who `had` some of the entries before.

        No entry is in two of them.
        """
        person = Subscriber(0, "", cadence=self.past[0].cadence if self.past else "", interests=interests)
        shown, over = set(had), set[int]()
        unread: list[ReplayedLetter] = []  # whose entries are not in `shown` and `over` yet
        # Of what was shown only the entries that several editions have, because to look for all of them takes long.
        again = set(had)
        for edition in self.past:
            offer = edition.offer
            standing = Standing(person, "", edition.mark, again)
            planned = offer.planned(standing)
            if planned.state == "empty" and offer.carries:
                shown.update(*[letter.shown for letter in unread])
                over.update(*[letter.over_cap for letter in unread])
                unread.clear()
                if left_over := over.intersection(offer.carries) - shown:
                    planned = offer.planned(standing._replace(left_over=left_over))
            if planned.state == "pending" and planned.match is not None:
                over_again = offer.matchers[False].carried_in(planned.match)
                letter = ReplayedLetter(edition, planned.match, over_again != 0, over_again or planned.match)
                unread.append(letter)
                if self._again:
                    again |= letter.shown & self._again
                yield letter

    def forget_answers(self) -> None:
        """Let go of what was remembered of the interests so far."""
        for edition in self.past:
            for matcher in edition.offer.matchers:
                matcher.forget_answers()

    def _since(self, at: datetime) -> tuple[int, frozenset[int]]:
        """Return how many editions were frozen since an instant, and the entries that were new in them."""
        past = [edition for edition in self.past if edition.frozen_at >= at]
        new = [
            each.entry
            for edition in past
            for each in edition.offer.matchers[0].candidates
            if each.release > edition.mark
        ]
        return len(past), frozenset(new)

    def bring(self, interests: Interests, had: frozenset[int]) -> frozenset[int]:
        """Return the entries that letters would have shown to a reader of these interests who `had` some before.

        `brought` answers the same, and remembers it.
        """
        return frozenset[int]().union(*[letter.shown for letter in self.letters(interests, had)])


def past_editions(
    conn: Connection, settings: Settings, cadence: str, now: datetime, known_before: PastEditions | None = None
) -> PastEditions:
    """Return the editions of a cadence that were frozen in the last twelve weeks, as they were planned then.

    An edition that its few readers were offered only in part is completed, as it would have been drafted for a reader
    who was there. Those of `known_before` that are still the same are taken from there, because reading takes time.
    """
    frozen = editions.frozen_since(conn, cadence, now - TWELVE_WEEKS)
    if not frozen:
        return PastEditions(())
    # Read once for all editions, because each counts the case studies of the year before it.
    studies = [
        (slot, candidate_of(entry, 0))
        for slot, entry in editions.studies_since(conn, cadence, editions.a_year_before(frozen[0]))
    ]
    whole = editions.frozen_before(conn, frozen[0]) is not None
    mark = editions.considered_before(conn, frozen[0]) if whole else frozen[0].from_release
    kept = {each.made_of: each for each in known_before.past} if known_before else {}
    past: list[PastEdition] = []
    for edition in frozen:
        since = editions.a_year_before(edition)
        earlier = {study.entry: study for slot, study in studies if since <= slot < edition.slot}
        made_of = (edition.id, edition.key, edition.held, mark, *earlier)
        if (same := kept.get(made_of)) is None:
            offer = _offer(conn, settings, edition, mark, list(earlier.values()), now)
            same = PastEdition(edition.frozen_at or now, cadence, mark, offer, edition.held, made_of)
        past.append(same)
        mark = max(mark, edition.to_release)
    return PastEditions(sorted(past, key=lambda each: each.frozen_at), whole=whole)


def _offer(
    conn: Connection, settings: Settings, edition: Edition, mark: int, earlier: Sequence[Candidate], now: datetime
) -> Offer:
    """Return what an edition offers to a reader who has considered the releases up to `mark`.

    Where its own readers had considered more, it lacks what was released between: that is added as it is now.
    """
    shown = editions.shown(conn, edition.id)
    if mark < edition.from_release:
        window = (mark, edition.from_release)
        missed = entries_in_window(conn, replace(settings, carry_over=0), edition, window, now)
        # The edition's own last, because it shows an entry that was released again as it was then.
        new = {row.entry.id: row for row in (*missed, *new_entries(shown))}
        order = in_editors_order(edition, [row.entry for row in new.values()])
        shown = [new[entry.id] for entry in order] + [row for row in shown if not row.release]
        edition = replace(edition, from_release=mark)
    return Offer(settings, edition, shown, earlier)
