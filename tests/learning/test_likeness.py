"""Tell near-duplicates by the labelled pairs of tests/data/near_duplicates.jsonl, half of which nobody tunes to."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from digest.classify import Classifier
from digest.facets.places.gazetteer import load_gazetteer
from digest.learning.likeness import are_near_duplicates
from digest.learning.sentences import is_contained, sentences_of
from digest.learning.versions import Version
from digest.model import Sighting, Source, Taxonomy
from tests.counts import table

PAIRS = Path(__file__).parents[1] / "data" / "near_duplicates.jsonl"
TUNED, JUDGED = slice(0, None, 2), slice(1, None, 2)  # lines for tuning, and lines for judging
NOTE = "A team in Ludlow and Wem visits each of the 40 farms that had asked for help, and comes back within a week."
LATER = "In the first winter three families gave up a shed and got a shower for it."


def pairs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PAIRS.read_text("utf-8").splitlines()]


@cache
def classifier() -> Classifier:
    return Classifier(Taxonomy(), load_gazetteer())


def version(of: dict[str, str]) -> Version:
    day = datetime.fromisoformat(of["date"]).replace(tzinfo=UTC)
    sighting = Sighting(None, None, of["title"], summary=of["summary"])
    place = classifier().classify(sighting, Source(of["source"])).place
    return Version(of["title"], of["summary"], of["source"], day, place)


def test_the_pairs_are_many_and_half_of_them_are_hard() -> None:
    labels = Counter(pair["same"] for pair in pairs())
    assert labels[True] >= 60
    assert labels[False] >= labels[True]
    assert min(Counter(pair["kind"] for pair in pairs()).values()) >= 2


@pytest.mark.parametrize("half", [TUNED, JUDGED], ids=["tuned", "judged"])
def test_no_two_entries_become_one_and_most_near_duplicates_are_recognised(half: slice) -> None:
    verdicts = Counter[tuple[bool, bool]]()
    for pair in pairs()[half]:
        a, b = version(pair["a"]), version(pair["b"])
        verdict = are_near_duplicates(a, b)
        assert are_near_duplicates(b, a) is verdict
        verdicts[pair["same"], verdict] += 1
    print(f"near-duplicates: {verdicts[True, True]} recognised, {verdicts[True, False]} missed; "
          f"{verdicts[False, True]} false of {verdicts[False, False] + verdicts[False, True]}")  # fmt: skip
    assert verdicts[False, True] == 0
    assert verdicts[True, True] >= 0.95 * (verdicts[True, True] + verdicts[True, False])


@table(
    "title, text, source, days, same",
    [
        ("Farm visits in Ludlow", NOTE, "Wem Town Council", 0, True),
        ("Farm visits in Ludlow", NOTE, "Wem Town Council", 30, True),
        ("Farm visits in Ludlow", NOTE, "Wem Town Council", 31, False),
        ("Farm visits in Ludlow", NOTE, "Shropshire Council", 0, False),  # of its own source
        ("News: farm visits in Ludlow | Wem Town Council", f"<p>{NOTE}</p>", "Wem Town Council", 0, True),
        ("Farm visits in Ludlow, part 2", NOTE, "Wem Town Council", 0, False),
        ("Farm visits in Ludlow 2027", NOTE, "Wem Town Council", 0, False),
        ("Farm visits in Whitchurch", NOTE, "Wem Town Council", 0, False),
        ("Farm visits in Ludlow to end", NOTE, "Wem Town Council", 0, True),  # its text alone tells, word by word
        ("Farm visits in Ludlow", NOTE.replace("40", "60"), "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", NOTE.replace("week", "year"), "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", NOTE, "Farmers Weekly", 0, False),  # neither source is named, nor any place known
        ("Farm visits in Ludlow", NOTE.replace("Wem", "Clun"), "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", "", "Wem Town Council", 0, False),
        ("", "", "Wem Town Council", 0, False),
        ("Monthly farm visits in Ludlow", NOTE, "Wem Town Council", 3, True),
        ("Monthly farm visits in Ludlow", NOTE, "Wem Town Council", 4, False),
        ("Vacancy: farm visits in Ludlow", NOTE, "Wem Town Council", 0, False),
        ("Farm visits in Ludlow not to end", NOTE, "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", NOTE.replace("had asked", "had not asked"), "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", NOTE.replace("each", "only some"), "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", f"{NOTE} {LATER}", "Wem Town Council", 0, True),  # all of NOTE stands in it
        ("Farm visits in Ludlow", f"{NOTE[:90]}…", "Wem Town Council", 0, True),
        ("Farm visits in Ludlow", f"{NOTE[:-1]} at most.", "Wem Town Council", 0, False),
        ("Farm visits in Ludlow", f"Read more: {NOTE}", "Wem Town Council", 0, False),  # nothing is left of it
    ],
)
def test_what_tells_two_entries_apart(title: str, text: str, source: str, days: int, same: bool) -> None:
    first = Version("Farm visits in Ludlow", NOTE, "Shropshire Council", datetime(2026, 3, 1, tzinfo=UTC))
    other = Version(title, text, source, first.day + timedelta(days=days))
    assert are_near_duplicates(first, other) is same


LONG = " ".join(f"In Ludlow farm {n} of the {n + 3} was seen by the team." for n in range(90))


@table(
    "first, other, contained",
    [
        (LONG, LONG, True),
        (f"{LONG} They rate it good.", f"{LONG} They rate it inadequate.", False),
        (f"{LONG} They rate it good.", LONG, True),
        (f"Few came. {LONG}", f"{LONG} Many came.", False),
        ("<h2>Who came</h2><p>Farmers &amp; nurses.</p>", "Who came\n\nFarmers & nurses.", True),
        ("Wem Council and Clun Trust agree.", "Clun Trust and Wem Council agree.", True),
        ("The bus from Wem goes to Clun.", "The bus to Wem goes from Clun.", False),
        ("He shuts the homes in Wem.", "He shuts a home in Wem.", False),
        ("Wem Council and not Clun Trust pays.", "Not Clun Trust and Wem Council pays.", False),
        ("They met in Wem…", "They met in Wem on Monday.", True),
        ("They met in Wem.", "They met in Wem on Monday.", False),
        ("<p" * 40_000, "A b. " * 12_000, False),
        ("A b. " * 12_000, " ".join(f"A {n}." for n in range(9_000)), False),
    ],
)
def test_a_text_stands_in_another_when_each_sentence_does(first: str, other: str, contained: bool) -> None:
    texts = sentences_of(first), sentences_of(other)
    assert is_contained(*texts) is is_contained(*reversed(texts)) is contained
