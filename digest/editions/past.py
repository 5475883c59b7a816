"""Plan the letters that the editions of the last twelve weeks would have brought a reader, had they read them all.

The letters are decided by `plan.Offer`, as those of any edition are, with its caps and its carry-over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.draft import entries_in_window
from digest.editions.plan import Offer, Standing, in_editors_order, new_entries
from digest.group import Candidate, Match, Matcher, candidate_of
from digest.model import Edition
from digest.store import editions
from subscribers.model import Interests, Subscriber

TWELVE_WEEKS = timedelta(weeks=12)


@dataclass(frozen=True, slots=True, eq=False)
class PastEdition:
    """Hold a frozen edition, to plan letters of it again.

    `mark` is the last release that the editions of its cadence before it considered; `candidates` are its entries by
    id. `stopped`: a person has kept it from going out any further. `made_of` tells whether it is still the same.
    """

    frozen_at: datetime
    cadence: str
    mark: int
    offer: Offer
    candidates: Mapping[int, Candidate]
    stopped: bool = False
    made_of: tuple[object, ...] = ()


class PlannedLetter(NamedTuple):
    """Hold what a letter of a past edition would have shown: its entries, and those of them from elsewhere."""

    edition: PastEdition
    shown: frozenset[int]
    elsewhere: frozenset[int]


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

    def values(self) -> tuple[set[str], set[str]]:
        """Return the regions and the themes of all these entries."""
        candidates = [each for edition in self.past for each in edition.candidates.values()]
        return {slug for each in candidates for slug in each.regions}, {s for each in candidates for s in each.themes}

    def letters(self, interests: Interests, had: frozenset[int] = frozenset()) -> Iterator[PlannedLetter]:
        """Yield the letters that a reader of these interests would have got, who `had` some of the entries before."""
        shown, over = set(had), set[int]()
        unread: list[tuple[Matcher, Match]] = []
        # Of what was shown only the entries that several editions have, because to look for all of them takes long.
        again = set(had)
        for edition in self.past:
            offer, (new, carried) = edition.offer, edition.offer.matchers
            person = Subscriber(0, "", cadence=edition.cadence, interests=interests)
            standing = Standing(person, "", edition.mark, again)
            planned = offer.planned(standing)
            if planned.state == "empty" and offer.carries:
                over.update(*[matcher.entries_over_cap(match) for matcher, match in unread])
                unread.clear()
                if left_over := over.intersection(offer.carries) - shown:
                    planned = offer.planned(standing._replace(left_over=left_over))
            if planned.state != "pending" or planned.match is None:
                continue
            unread.append((new, planned.match))
            over_again = new.carried_in(planned.match)
            matcher, match = (carried, over_again) if over_again else (new, planned.match)
            letter = PlannedLetter(edition, matcher.entries(match), matcher.entries_from_elsewhere(match))
            shown |= letter.shown
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
            candidates = {each.entry: each for matcher in offer.matchers for each in matcher.candidates}
            at = edition.frozen_at or now
            same = PastEdition(at, edition.cadence, mark, offer, candidates, edition.held, made_of)
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
