"""Count in one pass what an edition would bring its readers if it were frozen now, for all pages of the desk.

`count_edition` asks the planner that freeze asks, so that every count equals the receipt afterwards. Nothing here
names a reader: a digest is told by the id of its first subscriber.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from digest.desk.last_edition import LastEdition, last_edition
from digest.desk.silent import SilentReaders, look_silent
from digest.desk.words import NO_LETTER
from digest.editions.draft import as_it_stands, going_out
from digest.editions.plan import Offer, Planned, Planner, made_good_by, new_entries
from digest.group import ELSEWHERE, ELSEWHERE_OFF, HAD, NEAR, NOT_FOR, OVER_CAP, Match, Matcher
from digest.installation import Installation
from digest.model import Edition
from digest.store.editions import Shown
from subscribers.model import Interests

ANY = "*"
MOST_SILENT = 20  # silent readers whose reasons are kept
MOST_NAMED = 10  # readers without a letter who are named by their number, for each reason
Chosen = tuple[str, str]
Reason = tuple[str, str, bool]  # state and reason of a plan, and whether a later edition makes it good


class EntryReach(NamedTuple):
    """Hold to how many readers one entry of an edition goes, or would go but for one thing.

    It is shown to `near` readers in their areas and to `elsewhere` ones from elsewhere; to `again` of these it is
    offered again. Others whose interests it matches do not get it: the cap leaves no room (`over_cap`), they have
    `had` it, or they have switched off what comes from elsewhere (`off`). `not_for` chose a region or policy area
    that an editor has said it is not for, whether or not it matches what else they follow.
    """

    near: int = 0
    elsewhere: int = 0
    again: int = 0
    over_cap: int = 0
    had: int = 0
    off: int = 0
    not_for: int = 0

    @property
    def readers(self) -> int:
        """Return how many readers get the entry."""
        return self.near + self.elsewhere


class DigestCount(NamedTuple):
    """Hold how many readers share a digest, the lowest id of them, and how many entries it shows."""

    readers: int
    first: int
    entries: int


class WithoutLetter(NamedTuple):
    """Hold why some readers get no letter: state and reason of their plans, the reason in words, and their number.

    `some` are the ids of the first of them.
    """

    state: str
    reason: str
    why: str
    readers: int
    some: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EditionCounts:
    """Hold an edition as it stood `at` an instant, and the counts of its readers.

    `readers` are by state of their plans (pending, empty, suppressed, held); `no_letter` has those who get none,
    the most frequent reason first. `reach` is by entry, `digests` has the largest first; `letters` is how many
    letters have so many entries; `offered_again` is how many of them carry entries over.

    `follow` counts the readers who may be mailed, `unmailed` the others: by the (policy area, region) that they
    chose, "" for a reader who chose none, which means all of them. With ANY for either, a reader counts once.
    `silent` are the readers to whom no letter was written for four weeks, `last` is the edition before this one.
    """

    edition: Edition
    shown: tuple[Shown, ...]
    at: datetime
    readers: Mapping[str, int]
    no_letter: tuple[WithoutLetter, ...]
    reach: Mapping[int, EntryReach]
    digests: tuple[DigestCount, ...]
    letters: Mapping[int, int]
    offered_again: int
    follow: Mapping[Chosen, int]
    unmailed: Mapping[Chosen, int]
    silent: SilentReaders
    last: LastEdition | None

    @property
    def eligible(self) -> int:
        """Return how many readers the edition has, with and without a letter."""
        return sum(self.readers.values())

    @property
    def entries(self) -> int:
        """Return the number of new entries, without those that are only carried over."""
        return len(new_entries(self.shown))


class _Pass:
    """The counters of one pass over an edition's readers."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self.some: defaultdict[Reason, list[int]] = defaultdict(list)
        self.matches: dict[Match, int] = {}
        self.first: dict[Match, int] = {}
        self.unshown: Counter[Match] = Counter()
        self.interests: Counter[Interests] = Counter()
        self.unmailed: Counter[Interests] = Counter()

    def add(self, planned: Planned, interests: Interests) -> None:
        """Count one reader."""
        self.states[planned.state] += 1
        match = planned.match
        if planned.state == "pending" and match is not None:
            if match in self.matches:
                self.matches[match] += 1
            else:
                self.matches[match], self.first[match] = 1, planned.subscriber
        else:
            reason = planned.state, planned.reason, planned.late
            self.reasons[reason] += 1
            if self.reasons[reason] <= MOST_NAMED:
                self.some[reason].append(planned.subscriber)
            if match is not None:
                self.unshown[match] += 1
        mailed = planned.state in ("pending", "empty") or planned.late
        (self.interests if mailed else self.unmailed)[interests] += 1


def count_cadence(conn: Connection, installation: Installation, cadence: str) -> EditionCounts:
    """Return the counts of the edition that a cadence's readers are offered next, as it stands.

    Its id is 0 when none is stored. Raises ConfigError when config.toml has no such cadence.
    """
    return count_edition(
        conn, installation, *going_out(conn, installation.settings, cadence, None, installation.clock())
    )


def count_as_it_stands(conn: Connection, installation: Installation, edition: Edition) -> EditionCounts:
    """Return the counts of a stored edition that is not frozen, as a run would freeze it now."""
    standing = as_it_stands(conn, installation.settings, edition, None, installation.clock())
    return count_edition(conn, installation, *standing)


def count_edition(
    conn: Connection, installation: Installation, edition: Edition, shown: Sequence[Shown]
) -> EditionCounts:  # fmt: skip
    """Return the counts of an edition and its entries as they are given, in one pass over its readers."""
    settings, now = installation.settings, installation.clock()
    planner = Planner(conn, settings, edition, shown, installation.secret, now)
    counted = _Pass()
    for readers, plans in planner.pages_with_readers():
        for reader, planned in zip(readers, plans, strict=True):
            counted.add(planned, reader.interests)
    matches, sizes = counted.matches, _sizes(planner.offer, counted.matches)
    digests = [DigestCount(readers, counted.first[match], sizes[match]) for match, readers in matches.items()]
    letters: Counter[int] = Counter()
    for each in digests:
        letters[each.entries] += each.readers
    return EditionCounts(
        edition,
        tuple(shown),
        now,
        dict(counted.states),
        tuple(_no_letter(installation, edition, counted)),
        _reach(planner.offer, matches, counted.unshown),
        tuple(sorted(digests, key=lambda each: (-each.readers, each.first))),
        dict(sorted(letters.items())),
        sum(readers for match, readers in matches.items() if planner.offer.matchers[0].carried_in(match)),
        _chosen(counted.interests),
        _chosen(counted.unmailed),
        look_silent(conn, installation, edition.cadence, MOST_SILENT),
        last_edition(conn, edition),
    )


def _chosen(interests: Mapping[Interests, int]) -> dict[Chosen, int]:
    """Return how many readers chose each policy area and region, of those who follow the same by their number."""
    chosen: Counter[Chosen] = Counter()
    for wanted, readers in interests.items():
        for area in (*(wanted.policy_areas or ("",)), ANY):
            for region in (*(wanted.regions or ("",)), ANY):
                chosen[area, region] += readers
    return dict(chosen)


def _sizes(offer: Offer, matches: Mapping[Match, int]) -> dict[Match, int]:
    """Return the number of entries that the letter of each match shows."""
    new, carried = offer.matchers
    return {match: new.count_shown(match) or carried.count_shown(new.carried_in(match)) for match in matches}


def _reach(offer: Offer, matches: Mapping[Match, int], unshown: Mapping[Match, int]) -> dict[int, EntryReach]:
    """Return by entry to how many readers it goes; `unshown` are the matches of readers without a letter."""
    new, carried = offer.matchers
    again = Counter[Match]()
    for match, readers in matches.items():
        if theirs := new.carried_in(match):
            again[theirs] += readers
    reach = _reach_of(new, Counter(matches) + Counter(unshown))
    for entry, other in _reach_of(carried, again).items():
        before = reach.get(entry, EntryReach())
        near, far = before.near + other.near, before.elsewhere + other.elsewhere
        reach[entry] = before._replace(near=near, elsewhere=far, again=other.readers)
    return reach


def _reach_of(matcher: Matcher, matches: Mapping[Match, int]) -> dict[int, EntryReach]:
    """Return the reach of each candidate of a matcher. It reads no reader, only the matches that differ."""
    counts = matcher.reach(matches)
    columns = (counts[name] for name in (NEAR, ELSEWHERE, OVER_CAP, HAD, ELSEWHERE_OFF, NOT_FOR))
    rows = zip(matcher.candidates, *columns, strict=True)
    return {each.entry: EntryReach(near, far, 0, *others) for each, near, far, *others in rows}


def _no_letter(installation: Installation, edition: Edition, counted: _Pass) -> list[WithoutLetter]:
    """Return why readers get no letter, the most frequent reason first."""
    rows = sorted(counted.reasons.items(), key=lambda item: (-item[1], item[0]))
    good = made_good_by(installation.settings, edition) if any(late for (*_, late), _ in rows) else ""
    later = f"the {edition.cadence} edition of {good}"
    return [
        WithoutLetter(*key[:2], _why(key[1] or key[0], key[2], later), readers, tuple(counted.some[key]))
        for key, readers in rows
    ]


def _why(reason: str, late: bool, later: str) -> str:
    return f"they {reason.partition(';')[0]}; {later} makes it good" if late else NO_LETTER.get(reason, reason)
