"""Group: the matching rules as a table, and as a property that every match is in the digest or counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from digest import group
from digest.group import Candidate, Match, Matcher
from digest.model import Digest, Entry, EntryEdit, Facets, Ingredient, Reason
from digest.store.plans import whole_digest
from subscribers.model import Interests
from tests.counts import few_and_many, table
from tests.plain_matching import Limits, barrier_in_common, is_away, like_region, select_plainly

AREAS = ("housing", "transport", "safeguarding")
REGIONS = ("south-west", "wales", "london")
THEMES = ("leadership", "risk-and-trust")
PAIRS = (*((area,) for area in AREAS), *permutations(AREAS, 2))
BARRIERS = ("capacity", "culture", "money", "trust")
WHERE = (("national",), ("unknown",), ("wales",), ("wales", "london"), ("london", "wales"))


def a_candidate(
    number: int = 1,
    areas: tuple[str, ...] = ("housing",),
    regions: tuple[str, ...] = ("south-west",),
    themes: tuple[str, ...] = (),
    kind: str = "case-study",
    barriers: tuple[str, ...] = (),
    source: str = "",
    not_for: tuple[str, ...] = (),
) -> Candidate:
    return Candidate(number, number, kind, areas, regions, themes, barriers, source, not_for)


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


def reasons(digest: Digest) -> list[tuple[int, str, str]]:
    far = [placed for s in digest.sections if s.key == "elsewhere" for g in s.groups for placed in g.placed]
    return [(placed.entry, placed.reason.code.removeprefix("elsewhere-"), placed.reason.slug) for placed in far]


def far_of(
    edition: Sequence[Candidate], interests: Interests, earlier: Sequence[Candidate] = ()
) -> list[tuple[int, str, str]]:
    matcher = Matcher(edition, earlier=earlier)
    return reasons(digest_in(matcher, matcher.match(interests, 0)))


def test_a_case_study_of_another_policy_area_comes_for_the_barrier_in_common() -> None:
    melton = a_candidate(1, ("safeguarding",), ("london",), barriers=("trust",))
    cornish = a_candidate(7, ("housing",), ("south-west",), barriers=("trust", "weather"))
    reader = follows("housing", "south-west")
    assert far_of([melton], reader) == []
    assert far_of([melton], reader, [cornish]) == [(1, "barrier", "trust")], "a case study of the past year counts"
    assert far_of([melton], follows("transport", "south-west"), [cornish]) == []
    assert far_of([melton], follows("housing", "south-west", elsewhere=False), [cornish]) == []
    assert far_of([melton], reader, [replace(cornish, entry=1)]) == [], "its own earlier release is not another"
    twice = [replace(cornish, entry=n, barriers=(slug,)) for n, slug in enumerate(("law", "money", "trust", "trust"))]
    assert far_of([replace(melton, entry=9)], reader, twice) == [(9, "barrier", "trust")]
    often = [replace(cornish, entry=n, barriers=(slug,)) for n, slug in enumerate(("money", "law") * 2, 10)]
    assert far_of([melton], reader, [*often, cornish]) == [], "trust is not what housing names most often"
    third = replace(melton, entry=2, regions=("wales",), source="another")
    assert far_of([melton, third], reader, [cornish]) == [(1, "barrier", "trust")], "one such case study is enough"
    near = replace(melton, entry=2, policy_areas=("housing",), barriers=())
    assert far_of([melton, near], reader, [cornish]) == [(1, "barrier", "trust"), (2, "area", "housing")]
    both = replace(near, barriers=("trust",))
    assert far_of([melton, both], reader, [cornish]) == [(2, "barrier", "trust")], "it is of a region of its own"


def test_in_the_own_policy_area_each_barrier_counts_that_another_case_study_names() -> None:
    alone = a_candidate(1, regions=("wales",), barriers=("trust",))
    reader = follows("housing", "south-west")
    assert far_of([alone], reader) == [(1, "area", "housing")], "nobody else names it, so that it is not there too"
    others = [a_candidate(n, regions=("wales",), barriers=(slug,)) for n, slug in enumerate(("law", "money") * 2, 10)]
    both = [alone, replace(alone, entry=2, release=2)]
    assert far_of(both, reader, others) == [(1, "barrier", "trust"), (2, "barrier", "trust")]
    assert far_of(both, follows("", "south-west")) == [(1, "barrier", "trust"), (2, "barrier", "trust")]


def test_the_best_come_from_elsewhere_and_no_two_alike_while_others_wait() -> None:
    earlier = [a_candidate(90, regions=("south-west",), barriers=("trust",))]
    area, theme = a_candidate(1, regions=("wales",)), a_candidate(2, ("transport",), ("wales",), ("leadership",))
    barrier = a_candidate(3, ("transport",), ("wales",), barriers=("trust",))
    both = a_candidate(4, ("housing",), ("wales",), barriers=("trust",))
    edition = [replace(each, source=f"source {each.entry}") for each in (area, theme, barrier, both)]
    reader = follows("housing", "south-west", "leadership")
    expected = [(4, "barrier", "trust"), (2, "theme", "leadership"), (1, "area", "housing")]
    assert far_of(edition, reader, earlier) == expected, "all are of Wales, and 3 is on nothing that they follow"
    away = a_candidate(5, regions=("london",))
    expected = [(4, "barrier", "trust"), (2, "theme", "leadership"), (5, "area", "housing")]
    assert far_of([*edition, away], reader, earlier) == expected, "one of London waits"
    edition[2] = replace(edition[2], regions=("scotland",))
    expected = [(3, "barrier", "trust"), (4, "barrier", "trust"), (5, "area", "housing")]
    assert far_of([*edition, away], reader, earlier) == expected, "a barrier in common goes before a theme"
    placeless = [replace(area, entry=n, regions=("unknown",), source=f"source {n}") for n in (6, 7)]
    edition[2] = replace(edition[2], regions=("wales",))
    expected = [(4, "barrier", "trust"), (6, "area", "housing"), (7, "area", "housing")]
    assert far_of([*edition, *placeless], reader, earlier) == expected, "an unknown place is like no other"
    twins = [replace(each, source="source 4") for each in placeless]
    expected = [(4, "barrier", "trust"), (5, "area", "housing"), (6, "area", "housing")]
    assert far_of([*edition, away, *twins], reader, earlier) == expected, "a source twice, rather than a region"
    regions = ("wales", "london", "scotland", "north-east")
    edition = [a_candidate(n, regions=(slug,), source="a" if n < 4 else "b") for n, slug in enumerate(regions, 1)]
    assert [n for n, *_ in far_of(edition, reader)] == [1, 2, 4], "one of another source waits"


def pinning(edition: Sequence[Candidate], pinned: int, cap: int = 12, elsewhere_cap: int = 3) -> Matcher:
    """Return a matcher of an edition whose first entries are pinned."""
    first = [candidate.entry for candidate in edition[:pinned]]
    return Matcher(edition, cap=cap, elsewhere_cap=elsewhere_cap, pinned=first)


def groups(matcher: Matcher, interests: Interests) -> list[tuple[str, list[int]]]:
    digest = digest_in(matcher, matcher.match(interests, 0))
    return [(g.slug or s.key, [p.entry for p in g.placed]) for s in digest.sections for g in s.groups]


def test_a_pinned_entry_leads_its_group_and_its_group_leads_the_letter() -> None:
    edition = [a_candidate(9, ("transport",)), *(a_candidate(n) for n in range(1, 4)), a_candidate(4, ("transport",))]
    reader = follows("housing transport", "south-west")
    assert groups(pinning(edition, 1), reader) == [("transport", [9, 4]), ("housing", [1, 2, 3])]
    assert groups(pinning(edition, 1, cap=2), reader) == [("transport", [9]), ("housing", [1])]


@table(
    "cap, elsewhere, pinned, seen",
    [
        (12, 3, 0, [("housing", [1, 2, 3]), ("elsewhere", [4, 5, 6])]),
        (3, 3, 0, [("elsewhere", [4, 5, 6])]),
        (3, 3, 1, [("housing", [1]), ("elsewhere", [4, 5])]),
        (3, 3, 2, [("housing", [1, 2]), ("elsewhere", [4])]),
        (3, 1, 2, [("housing", [1, 2]), ("elsewhere", [4])]),
        (2, 2, 3, [("housing", [1, 2])]),  # more are pinned than the letter may show
    ],
)
def test_what_is_pinned_in_their_areas_is_never_cut_for_what_comes_from_elsewhere(
    cap: int, elsewhere: int, pinned: int, seen: list[tuple[str, list[int]]]
) -> None:
    regions = ("wales", "london", "scotland")
    edition = [
        *(a_candidate(n) for n in (1, 2, 3)),
        *(a_candidate(n, regions=(r,)) for n, r in enumerate(regions, 4)),
    ]
    assert groups(pinning(edition, pinned, cap, elsewhere), follows("housing", "south-west")) == seen


def test_what_is_pinned_comes_first_from_elsewhere_whatever_the_reason_and_however_alike() -> None:
    plain = [a_candidate(n, regions=("wales",), source=f"source {n}") for n in (1, 2)]
    others = [
        a_candidate(n, regions=(region,), barriers=("trust",), source=f"source {n}")
        for n, region in enumerate(("london", "scotland", "north-east"), 3)
    ]
    reader = follows("housing", "south-west")
    assert groups(pinning([*plain, *others], 0), reader) == [("elsewhere", [3, 4, 5])], "they share a barrier"
    assert groups(pinning([*plain, *others], 1), reader) == [("elsewhere", [1, 3, 4])]
    assert groups(pinning([*plain, *others], 2), reader) == [("elsewhere", [1, 2, 3])], "both of Wales"
    strangers = [a_candidate(n, ("transport",), (r,), barriers=("trust",)) for n, r in ((8, "wales"), (9, "london"))]
    edition = [*strangers, *(replace(each, source=f"source {each.entry}") for each in others)]
    assert groups(pinning(edition, 2), reader) == [("elsewhere", [8, 3, 4])], "one on nothing that they follow"


@table(
    "not_for, interests, expected",
    [
        ((), follows("housing", "south-west"), "areas"),
        (("south-west",), follows("housing", "south-west"), "not-for"),
        (("housing",), follows("housing", "south-west"), "not-for"),
        (("wales",), follows("housing", "south-west"), "areas"),
        (("wales",), follows("housing", "south-west wales"), "not-for"),
        (("wales",), follows("housing", "wales"), "not-for"),  # from elsewhere too
        (("london",), follows("housing", "wales"), "elsewhere"),
        (("transport", "wales"), follows("housing transport"), "not-for"),
        (("south-west", "housing"), follows(), "areas"),  # who has chosen nothing gets it
        (("south-west",), follows("housing"), "areas"),
        (("wales",), follows("transport", "wales"), "not-for"),  # that it is outside their interests comes second
        (("leadership",), follows("housing", "south-west", "leadership"), "areas"),  # a theme keeps nobody from it
    ],
)
def test_an_entry_is_kept_from_followers_of_what_it_is_not_for(
    not_for: tuple[str, ...], interests: Interests, expected: str
) -> None:
    edition = [a_candidate(not_for=not_for)]
    assert where(select(edition, interests)) == expected
    assert where(select(edition, interests, had=frozenset({1}))) == "had"


def test_an_entry_that_is_kept_from_a_reader_takes_nobodys_room_and_is_not_counted_as_more() -> None:
    kept = [a_candidate(n, not_for=("south-west",)) for n in (1, 2)]
    far = [a_candidate(n, regions=("wales",), not_for=("south-west",)) for n in (3, 4)]
    edition = [*kept, *far, a_candidate(5), a_candidate(6, regions=("london",)), a_candidate(7)]
    digest = select(edition, follows("housing", "south-west"), cap=2, elsewhere_cap=1)
    assert [p.entry for p in digest.placed] == [5, 6]
    assert (digest.more, digest.left_out) == (1, (*((n, "not-for") for n in (1, 2, 3, 4)), (7, "over-cap")))


def test_only_what_they_follow_is_counted_as_more() -> None:
    there = [a_candidate(n, regions=("wales",), barriers=("trust",)) for n in range(1, 5)]
    others = [replace(each, entry=each.entry + 10, policy_areas=("transport",)) for each in there]
    digest = select([*others, *there], follows("housing", "south-west"))
    assert [n for n, _, _ in reasons(digest)] == [1, 2, 3]
    assert digest.more == 1
    assert digest.left_out == (*((n, "outside") for n in range(11, 15)), (4, "over-cap"))


def test_a_candidate_has_the_barriers_of_its_lines_and_those_of_the_line_shown_first() -> None:
    day = datetime(2026, 11, 20, 9, tzinfo=UTC)
    lines = (
        Ingredient("wanted", "W"), Ingredient("in-the-way", "A" * 200, ("trust", "law")), Ingredient("did", "D"),
        Ingredient("in-the-way", "B", ("law", "money", "culture")),
    )  # fmt: skip
    entry = Entry(1, "s", None, "t", "case-study", day, day, facets=Facets(("housing",)), ingredients=lines)
    expected = Candidate(1, 4, "case-study", ("housing",), ("national",), (), ("law", "money", "culture"), "s")
    assert group.candidate_of(entry, 4) == expected
    edited = replace(entry, edit=EntryEdit(note="N.", not_for=("wales",)))
    assert group.candidate_of(edited, 4) == replace(expected, not_for=("wales",))


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
        st.sampled_from(("post", "case-study", "case-study")),
        st.lists(st.sampled_from(BARRIERS), unique=True, max_size=3).map(tuple),
        st.sampled_from("abcd"),
        st.one_of(st.just(()), st.lists(st.sampled_from((*AREAS, *REGIONS)), unique=True, max_size=2).map(tuple)),
    ),
    max_size=40,
).map(lambda drawn: [replace(c, entry=n, release=n) for n, c in enumerate(drawn, 1)])
earlier_studies = candidates.map(lambda drawn: [replace(c, entry=c.entry + 30) for c in drawn])
subsets = st.builds(
    Interests,
    st.frozensets(st.sampled_from(AREAS)),
    st.frozensets(st.sampled_from((*REGIONS, "national"))),
    st.frozensets(st.sampled_from(THEMES)),
    st.booleans(),
)


limits = st.builds(Limits, st.integers(1, 15), st.integers(0, 4), st.one_of(st.just(0), st.integers(0, 9)))


@given(candidates, earlier_studies, subsets, st.integers(0, 40), st.frozensets(st.integers(1, 40)), limits)
def test_every_entry_matches_and_every_match_is_there_or_counted(
    edition: list[Candidate],
    earlier: list[Candidate],
    interests: Interests,
    mark: int,
    had: frozenset[int],
    limits: Limits,
) -> None:
    first = [c.entry for c in edition[: limits.pinned]]
    matcher = Matcher(edition, cap=limits.cap, elsewhere_cap=limits.elsewhere, earlier=earlier, pinned=first)
    digest = digest_in(matcher, matcher.match(interests, mark, had))
    assert digest == select_plainly(edition, interests, mark, had, limits, earlier)
    placed = [p.entry for p in digest.placed]
    considered = {c.entry: c for c in edition if c.release > mark}
    studies = [*edition, *(c for c in earlier if c.entry > len(edition))]

    def here(c: Candidate) -> bool:
        always = {"national"} if c.kind == "case-study" else {"national", "unknown"}
        return not interests.regions or bool((interests.regions | always) & set(c.regions))

    def theirs(c: Candidate) -> bool:
        return here(c) and (not interests.policy_areas or bool(interests.policy_areas & set(c.policy_areas)))

    def followed(c: Candidate) -> bool:
        on = not interests.policy_areas or bool(interests.policy_areas & set(c.policy_areas))
        on = on or bool(interests.themes & set(c.themes))
        return interests.elsewhere and c.kind == "case-study" and on and not here(c)

    def far(c: Candidate) -> bool:
        if not interests.elsewhere or c.kind != "case-study" or here(c):
            return False
        return followed(c) or bool(barrier_in_common(c, interests, studies))

    shown_far = {p.entry for s in digest.sections if s.key == "elsewhere" for g in s.groups for p in g.placed}
    chosen = interests.policy_areas | interests.regions
    barred = {n for n, c in considered.items() if n not in had and chosen.intersection(c.not_for)}
    assert barred == {n for n, why in digest.left_out if why == "not-for"}
    owed = {n for n, c in considered.items() if n not in had | barred and (theirs(c) or followed(c))}
    assert not barred & set(placed)
    assert len(placed) == len(set(placed)) <= limits.cap
    assert set(placed) - owed <= shown_far and not had & set(placed)
    assert len(owed & set(placed)) + digest.more == len(owed)
    assert len(shown_far) <= limits.elsewhere
    assert {n for n, _ in digest.left_out} | set(placed) == set(considered)
    assert all(g.placed for s in digest.sections for g in s.groups)
    for section in digest.sections:
        for placed_entry in (p for g in section.groups for p in g.placed):
            assert (theirs if section.key == "areas" else far)(considered[placed_entry.entry])


crowds = st.lists(
    st.builds(
        a_candidate,
        st.just(0),
        st.sampled_from(PAIRS),
        st.sampled_from((("unknown",), ("wales",), ("london",), ("wales", "london"), ("scotland",), ("north-east",))),
        st.lists(st.sampled_from(THEMES), max_size=1).map(tuple),
        st.just("case-study"),
        st.lists(st.sampled_from(BARRIERS), unique=True, max_size=2).map(tuple),
        st.sampled_from("abc"),
    ),
    min_size=4,
    max_size=9,
).map(lambda drawn: [replace(c, entry=n, release=n) for n, c in enumerate(drawn, 1)])


@few_and_many(15, 500)
def test_from_elsewhere_keeps_its_promises(count: int) -> None:
    """No own region, nothing had before, every reason true, none alike while others wait: told without a ranking."""

    @settings(max_examples=count)
    @given(crowds, crowds, subsets, st.frozensets(st.integers(1, 9), max_size=3), st.integers(1, 4))
    def keeps(
        edition: list[Candidate], before: list[Candidate], interests: Interests, had: frozenset[int], most: int
    ) -> None:
        earlier = [replace(c, entry=c.entry + 9) for c in before]
        matcher = Matcher(edition, elsewhere_cap=most, earlier=earlier)
        digest = digest_in(matcher, matcher.match(interests, 0, had))
        far = [p for s in digest.sections if s.key == "elsewhere" for g in s.groups for p in g.placed]
        for p in far:
            assert is_true(p.reason, edition[p.entry - 1], interests, [*edition, *earlier])
            assert is_away(edition[p.entry - 1], interests) and p.entry not in had
        shown = [edition[p.entry - 1] for p in far]
        waiting = [c for c in edition if c not in shown and c.entry not in had and is_owed(c, interests)]
        for is_like in (like_region, like_region_or_source):
            if any(is_like(a, b) for a, b in combinations(shown, 2)):
                assert all(any(is_like(c, other) for other in shown) for c in waiting)

    keeps()


def is_true(reason: Reason, c: Candidate, interests: Interests, studies: list[Candidate]) -> bool:
    """Return whether the reason of a case study from elsewhere holds."""
    areas = interests.policy_areas
    others = [each for each in studies if each.entry != c.entry and (not areas or areas & set(each.policy_areas))]
    followed = {
        "elsewhere-barrier": {slug for each in others for slug in each.barriers} & set(c.barriers),
        "elsewhere-theme": interests.themes & set(c.themes),
        "elsewhere-area": areas & set(c.policy_areas) if areas else {""},
    }
    if reason.area and not (
        reason.area in (areas or {reason.area})
        and any(reason.slug in each.barriers and reason.area in each.policy_areas for each in others)
    ):
        return False
    return reason.region == c.regions[0] and reason.slug in followed[reason.code]


def is_owed(c: Candidate, interests: Interests) -> bool:
    on = (
        not interests.policy_areas or interests.policy_areas & set(c.policy_areas) or interests.themes & set(c.themes)
    )
    return interests.elsewhere and is_away(c, interests) and bool(on)


def like_region_or_source(a: Candidate, b: Candidate) -> bool:
    return like_region(a, b) or a.source == b.source
