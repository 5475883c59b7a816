"""Group: the matching rules as a table, and as a property that every match is in the digest or counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from digest import group
from digest.group import Candidate, Match, Matcher
from digest.model import Digest, Entry
from digest.store.plans import whole_digest
from subscribers.model import Interests
from tests.counts import table
from tests.plain_matching import select_plainly

AREAS = ("housing", "transport", "safeguarding")
REGIONS = ("south-west", "wales", "london")
THEMES = ("leadership", "risk-and-trust")
PAIRS = (*((area,) for area in AREAS), *permutations(AREAS, 2))
WHERE = (("national",), ("unknown",), ("wales",), ("wales", "london"), ("london", "wales"))


def a_candidate(
    number: int = 1,
    areas: tuple[str, ...] = ("housing",),
    regions: tuple[str, ...] = ("south-west",),
    themes: tuple[str, ...] = (),
    kind: str = "case-study",
) -> Candidate:
    return Candidate(number, number, kind, areas, regions, themes)


def follows(areas: str = "", regions: str = "", themes: str = "", elsewhere: bool = True) -> Interests:
    return Interests(frozenset(areas.split()), frozenset(regions.split()), frozenset(themes.split()), elsewhere)


def select(
    edition: Sequence[Candidate],
    interests: Interests,
    mark: int = 0,
    had: frozenset[int] = frozenset(),
    cap: int = 12,
    elsewhere_cap: int = 3,
) -> Digest:
    matcher = Matcher(edition, cap=cap, elsewhere_cap=elsewhere_cap)
    return digest_in(matcher, matcher.match(interests, mark, had))


def digest_in(matcher: Matcher, match: Match) -> Digest:
    return whole_digest(matcher.plan(match), [candidate.entry for candidate in matcher.candidates])


def where(digest: Digest) -> str:
    return digest.sections[0].key if digest.sections else dict(digest.left_out).get(1, "not considered")


@table(
    "candidate, interests, expected",
    [
        (a_candidate(), follows("housing", "south-west"), "areas"),
        (a_candidate(), follows(), "areas"),
        (a_candidate(), follows("housing"), "areas"),
        (a_candidate(), follows("", "south-west"), "areas"),
        (a_candidate(), follows("transport", "south-west"), "outside"),
        (a_candidate(), follows("housing", "wales"), "elsewhere"),
        (a_candidate(), follows("housing", "wales", elsewhere=False), "elsewhere-off"),
        (a_candidate(kind="post"), follows("housing", "wales"), "outside"),
        (a_candidate(kind="post"), follows("housing", "south-west"), "areas"),
        (a_candidate(regions=("national",)), follows("housing", "wales"), "areas"),
        (a_candidate(regions=("national",)), follows("transport", "wales"), "outside"),
        (a_candidate(regions=("south-west", "wales")), follows("housing", "wales"), "areas"),
        (a_candidate(regions=("south-west", "london")), follows("housing", "wales"), "elsewhere"),
        (a_candidate(themes=("leadership",)), follows("transport", "wales", "leadership"), "elsewhere"),
        (a_candidate(themes=("leadership",)), follows("transport", "wales"), "outside"),
        (a_candidate(themes=("leadership",)), follows("transport", "south-west", "leadership"), "outside"),
        (a_candidate(areas=()), follows("housing", "south-west"), "outside"),
        (a_candidate(areas=()), follows(), "areas"),
        (a_candidate(areas=()), follows("", "wales"), "elsewhere"),
        (a_candidate(areas=("transport", "housing")), follows("housing", "south-west"), "areas"),
        (a_candidate(), follows("housing", "national"), "elsewhere"),
        # a place that nobody knows: a post goes to all, a case study is from elsewhere
        (a_candidate(regions=("unknown",), kind="post"), follows("housing", "wales"), "areas"),
        (a_candidate(regions=("unknown",), kind="post"), follows("transport", "wales"), "outside"),
        (a_candidate(regions=("unknown",)), follows("housing", "wales"), "elsewhere"),
        (a_candidate(regions=("unknown",)), follows("housing", "wales", elsewhere=False), "elsewhere-off"),
        (a_candidate(regions=("unknown",)), follows("housing"), "areas"),
    ],
)
def test_matching(candidate: Candidate, interests: Interests, expected: str) -> None:
    assert where(select([candidate], interests, mark=0)) == expected


def test_what_is_before_the_mark_is_not_considered_at_all() -> None:
    digest = select([a_candidate(5)], follows(), mark=5)
    assert digest == Digest(())


def test_what_they_had_does_not_come_again() -> None:
    assert where(select([a_candidate(1)], follows(), mark=0, had=frozenset({1}))) == "had"


def test_the_cap_keeps_places_for_elsewhere_and_counts_the_rest() -> None:
    here = [a_candidate(n) for n in range(1, 21)]
    there = [a_candidate(n, regions=("wales",)) for n in range(21, 31)]
    digest = select([*here, *there], follows("housing", "south-west"), mark=0, cap=12, elsewhere_cap=3)
    assert [len(g.placed) for s in digest.sections for g in s.groups] == [9, 3]
    assert digest.more == 18
    assert [p.entry for p in digest.placed] == [*range(1, 10), 21, 22, 23]


def test_groups_follow_what_the_reader_follows_and_the_first_entry_leads() -> None:
    edition = [
        a_candidate(1, ("transport", "housing")),
        a_candidate(2, ("safeguarding",)),
        a_candidate(3, ("housing",)),
    ]
    digest = select(edition, follows("housing safeguarding"), mark=0)
    assert [(g.slug, [p.entry for p in g.placed]) for g in digest.sections[0].groups] == [
        ("housing", [1, 3]),
        ("safeguarding", [2]),
    ]
    everything = select(edition, follows(), mark=0)
    assert [g.slug for g in everything.sections[0].groups] == ["transport", "safeguarding", "housing"]


def test_an_edition_is_ordered_by_day_then_case_studies() -> None:
    day = datetime(2026, 11, 20, 9, tzinfo=UTC)
    entries = [
        Entry(1, "s", None, "old", "post", day - timedelta(days=9), day),
        Entry(2, "s", None, "post", "post", day, day),
        Entry(3, "s", None, "study", "case-study", day - timedelta(hours=3), day),
        Entry(4, "s", None, "undated", "post", None, day + timedelta(days=1)),
    ]
    assert [e.id for e in group.order(entries)] == [4, 3, 2, 1]


def test_equal_matches_are_equal_digests_and_the_other_way_round() -> None:
    edition = [a_candidate(n, areas, regions) for n, (areas, regions) in enumerate(product(PAIRS, WHERE), 1)]
    matcher = Matcher(edition, cap=5)
    readers = [
        follows(f"{a} {b}", r, "", e) for a in AREAS for b in AREAS for r in ("", *REGIONS) for e in (True, False)
    ]
    matches = [matcher.match(reader, mark, had) for reader in readers for mark in (0, 3) for had in ((), (2, 5))]
    assert len(set(matches)) == len({digest_in(matcher, match) for match in matches}) > 40


def test_a_letter_that_is_too_long_shows_less_and_counts_the_rest() -> None:
    matcher = Matcher([a_candidate(n) for n in range(1, 9)], cap=5)
    match = matcher.match(follows("housing"), 0)
    digest = digest_in(matcher, matcher.shortened(match, (4, 5)))
    assert ([p.entry for p in digest.placed], digest.more) == ([1, 2, 3], 5)
    assert digest.left_out == tuple((n, "over-cap") for n in range(4, 9))
    fewer = Matcher([a_candidate(n) for n in range(1, 9)], cap=3)
    assert matcher.shortened(match, (4, 5)) == fewer.match(follows("housing"), 0), "so it is the same digest"


candidates = st.lists(
    st.builds(
        a_candidate,
        st.just(0),
        st.lists(st.sampled_from(AREAS), unique=True, max_size=2).map(tuple),
        st.one_of(
            st.sampled_from((("national",), ("unknown",))),
            st.lists(st.sampled_from(REGIONS), unique=True, min_size=1).map(tuple),
        ),
        st.lists(st.sampled_from(THEMES), unique=True).map(tuple),
        st.sampled_from(("post", "case-study")),
    ),
    max_size=40,
).map(lambda drawn: [replace(c, entry=n, release=n) for n, c in enumerate(drawn, 1)])
subsets = st.builds(
    Interests,
    st.frozensets(st.sampled_from(AREAS)),
    st.frozensets(st.sampled_from((*REGIONS, "national"))),
    st.frozensets(st.sampled_from(THEMES)),
    st.booleans(),
)


@given(
    candidates, subsets, st.integers(0, 40), st.frozensets(st.integers(1, 40)), st.integers(1, 15), st.integers(0, 4)
)
def test_every_entry_matches_and_every_match_is_there_or_counted(
    edition: list[Candidate], interests: Interests, mark: int, had: frozenset[int], cap: int, elsewhere: int
) -> None:
    digest = select(edition, interests, mark=mark, had=had, cap=cap, elsewhere_cap=elsewhere)
    assert digest == select_plainly(edition, interests, mark, had, cap, elsewhere)
    placed = [p.entry for p in digest.placed]
    considered = {c.entry: c for c in edition if c.release > mark}

    def here(c: Candidate) -> bool:
        always = {"national"} if c.kind == "case-study" else {"national", "unknown"}
        return not interests.regions or bool((interests.regions | always) & set(c.regions))

    def theirs(c: Candidate) -> bool:
        return here(c) and (not interests.policy_areas or bool(interests.policy_areas & set(c.policy_areas)))

    def far(c: Candidate) -> bool:
        on = not interests.policy_areas or bool(interests.policy_areas & set(c.policy_areas) or ())
        on = on or bool(interests.themes & set(c.themes))
        return interests.elsewhere and c.kind == "case-study" and on and not here(c)

    owed = {n for n, c in considered.items() if n not in had and (theirs(c) or far(c))}
    assert len(placed) == len(set(placed)) <= cap
    assert set(placed) <= owed
    assert len(placed) + digest.more == len(owed)
    assert sum(len(g.placed) for s in digest.sections if s.key == "elsewhere" for g in s.groups) <= elsewhere
    assert {n for n, _ in digest.left_out} | set(placed) == set(considered)
    assert all(g.placed for s in digest.sections for g in s.groups)
    for section in digest.sections:
        for placed_entry in (p for g in section.groups for p in g.placed):
            assert (theirs if section.key == "areas" else far)(considered[placed_entry.entry])
