"""Count the barriers and themes that case studies share."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.learning.recurring import recurring
from digest.model import CASE_STUDY, Entry, Facets, Ingredient

DAY = datetime(2026, 11, 22, 9, tzinfo=UTC)
TRUST = Ingredient("in-the-way", "Nobody trusted the list.", ("trust", "law"))
LAW = Ingredient("in-the-way", "The law was unclear.", ("law",))
DID = Ingredient("did", "We met on Mondays, and spoke of the law.")


def study(number: int, *lines: Ingredient, themes: tuple[str, ...] = ()) -> Entry:
    facets = Facets(themes=themes)
    return Entry(number, "Notes", None, f"Story {number}", CASE_STUDY, DAY, DAY, facets=facets, ingredients=lines)


def test_the_most_shared_comes_first_with_the_lines_that_tell_of_it() -> None:
    studies = [
        study(1, TRUST, LAW, themes=("leadership",)),
        study(2, LAW, DID, themes=("leadership", "culture")),
        study(3, TRUST, DID, themes=("leadership",)),
        study(4, TRUST),
    ]
    told = [(each.facet, each.slug, [(entry.id, lines) for entry, lines in each.told]) for each in recurring(studies)]
    assert told == [
        ("barrier", "law", [(1, (TRUST, LAW)), (2, (LAW,)), (3, (TRUST,)), (4, (TRUST,))]),
        ("barrier", "trust", [(1, (TRUST,)), (3, (TRUST,)), (4, (TRUST,))]),
        ("theme", "leadership", [(1, (TRUST,)), (2, (LAW, DID)), (3, (TRUST, DID))]),
    ]


def test_what_two_share_does_not_keep_coming_up() -> None:
    assert recurring([study(1, TRUST), study(2, TRUST)]) == []
    assert recurring([]) == []
