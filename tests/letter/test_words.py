"""Sentences of a letter in English, and cutting text to a length."""

from __future__ import annotations

import textwrap
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.parcel import Links, reader_facts
from digest.letter.compile import compile_letter
from digest.letter.text_part import wrapped
from digest.letter.words import counts
from digest.model import NATIONAL, UNKNOWN, Digest, Group, Placed, Reason, Section
from subscribers.characters import cut
from subscribers.model import Interests, Subscriber
from tests.counts import table
from tests.letter import sample

TAXONOMY = sample.TAXONOMY
words = sample.ENGLISH
LETTER = compile_letter(sample.EDITION, [], sample.APPEARANCE)


@table(
    "moment, zone, seen",
    [
        (None, "Europe/London", ""),
        (date(2026, 10, 12), "Europe/London", "12 October 2026"),
        (datetime(2026, 10, 12, 22, 59, tzinfo=UTC), "Europe/London", "12 October 2026"),
        (datetime(2026, 10, 12, 23, 0, tzinfo=UTC), "Europe/London", "13 October 2026"),
        (datetime(2026, 12, 12, 23, 59, tzinfo=UTC), "Europe/London", "12 December 2026"),
        (datetime(1, 1, 1, tzinfo=UTC), "Europe/London", ""),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Asia/Tokyo", ""),
    ],
)
def test_a_day_is_the_readers_day(moment: date | None, zone: str, seen: str) -> None:
    assert words.day(moment, zone) == seen


@table(
    "name, regions, seen",
    [
        ("", (NATIONAL,), "National"),
        ("Cornwall", ("south-west",), "Cornwall, South West"),
        ("Wales", ("wales",), "Wales"),
        ("Leeds", (NATIONAL,), "Leeds"),
        ("", (UNKNOWN,), ""),
        ("Littlecombe", (UNKNOWN,), "Littlecombe"),
        ("", ("wales", "scotland"), "Wales, Scotland"),
        ("", ("unknown",), ""),
        ("Ambridge", ("unknown",), "Ambridge"),
        ("", ("wales", "scotland", "london", "north-east"), "Wales and 3 more regions"),
    ],
)
def test_the_place(name: str, regions: tuple[str, ...], seen: str) -> None:
    assert words.place(name, regions) == seen


@table(
    "reason, seen",
    [
        (Reason("area", "housing", "wales"), "You follow Housing; this comes from Wales."),
        (Reason("area", "housing", "south-west"), "You follow Housing; this comes from the South West."),
        (Reason("area", "housing"), "You follow Housing; this goes to every region."),
        (Reason("area", "", "london"), "You follow every policy area; this comes from London."),
        (Reason("area", "housing", UNKNOWN), "You follow Housing."),
        (Reason("elsewhere-area", "housing", UNKNOWN), "You follow Housing."),
        (Reason("elsewhere-theme", "leadership", UNKNOWN), "You follow Leadership."),
        (
            Reason("elsewhere-theme", "leadership", "east-of-england"),
            "You follow Leadership; this was done in the East of England.",
        ),
        (
            Reason("elsewhere-theme", "", "northern-ireland"),
            "You follow every theme; this was done in Northern Ireland.",
        ),
        (Reason("elsewhere-area", "housing", "unknown"), "You follow Housing."),
        (
            Reason("elsewhere-area", "housing", "yorkshire-and-the-humber"),
            "You follow Housing; this was done in Yorkshire and The Humber.",
        ),
    ],
)
def test_the_reason(reason: Reason, seen: str) -> None:
    assert words.reason(reason, TAXONOMY) == seen


@table(
    "reason, place, seen",
    [
        (("trust", "scotland", "housing"), "Fife", "In Fife, too little trust was in the way, as in Housing."),
        (("law", "south-west"), "", "In the South West, the law was in the way, as in what you follow."),
        (
            ("money", "east-midlands"),
            "East Midlands",
            "In the East Midlands, money was in the way, as in what you follow.",
        ),
        (("trust", "unknown"), "", "Too little trust was in the way, as in what you follow."),
        (("law", "unknown", "housing"), "Ambridge", "In Ambridge, the law was in the way, as in Housing."),
        (("weather", "unknown"), "", "The same thing was in the way, as in what you follow."),
    ],
)
def test_the_reason_of_a_barrier_in_common(reason: tuple[str, ...], place: str, seen: str) -> None:
    assert words.reason(Reason("elsewhere-barrier", *reason), TAXONOMY, place) == seen
    assert len(seen.split()) <= 16


def placed(*slugs: str, far: int = 0) -> Digest:
    near = tuple(Group(slug, (Placed(n, Reason("area", slug)),)) for n, slug in enumerate(slugs))
    away = tuple(Placed(100 + n, Reason("elsewhere-area")) for n in range(far))
    sections = [Section("areas", near)] if near else []
    return Digest((*sections, *([Section("elsewhere", (Group("", away),))] if away else [])))


@table(
    "digest, preheader, intro",
    [
        (
            placed("housing", "transport", far=2),
            "Housing, Transport and 2 from elsewhere",
            "Here are 4 entries for you: 2 in your areas and 2 from elsewhere.",
        ),
        (
            placed("housing"),
            "Housing. Here is one entry for you, in your areas.",
            "Here is one entry for you, in your areas.",
        ),
        (
            placed(far=3),
            "3 from elsewhere. Here are 3 entries for you, from elsewhere.",
            "Here are 3 entries for you, from elsewhere.",
        ),
        (
            placed(""),
            "Other entries. Here is one entry for you, in your areas.",
            "Here is one entry for you, in your areas.",
        ),
        (
            placed("a", "b", "c", "d", "e", "f"),
            "A, b, c, d and 2 more policy areas",
            "Here are 6 entries for you, in your areas.",
        ),
    ],
)
def test_the_preheader_and_the_opening_sentence(digest: Digest, preheader: str, intro: str) -> None:
    assert words.preheader(digest, TAXONOMY) == preheader
    assert words.intro("", counts(digest)) == intro


@pytest.mark.parametrize(
    ("interests", "seen"),
    [
        (Interests(), "every policy area, in every region"),
        (
            Interests(frozenset({"transport", "housing"}), frozenset({"wales", "south-west"})),
            "Housing and Transport, in the South West and Wales",
        ),
        (
            Interests(frozenset({"housing"}), frozenset({NATIONAL}), frozenset({"leadership"})),
            "Housing, nationally, and the theme Leadership",
        ),
        (
            Interests(themes=frozenset({"leadership", "risk-and-trust"})),
            "every policy area, in every region, and the themes Risk and trust and Leadership",
        ),
    ],
)
def test_interests_in_words(interests: Interests, seen: str) -> None:
    assert words.interests(interests, TAXONOMY) == seen
    facts = reader_facts(
        LETTER,
        Subscriber(1, "a@x.example", "A", interests=interests),
        Links(*(f"https://x.example/{name}" for name in "upzbm")),
    )
    assert (facts.name, facts.email, facts.interests) == ("A", "a@x.example", seen)


@table(
    "text, limit, seen",
    [
        ("short", 10, "short"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two, three", 9, "one two…"),
        ("onetwothree four", 8, "onetwot…"),
        ("one two three", 8, "one two…"),
    ],
)
def test_cutting(text: str, limit: int, seen: str) -> None:
    assert cut(text, limit) == seen
    assert len(seen) <= limit


@given(st.text(" abc.\t\n\u00a0é", max_size=400))
def test_rows_are_those_of_textwrap(text: str) -> None:
    for sentence in (text, "a " * 40 + text, " ".join(text.split()), "x" * 80 + " " + text):
        rows = textwrap.fill(sentence, 72, break_long_words=False, break_on_hyphens=False)
        assert wrapped(sentence) == (rows if len(sentence) > 72 else sentence)
