"""Given ingredients: signed, known and whole, or refused by name."""

from __future__ import annotations

import pytest

from digest.learning.given import NotKnown, from_matter, given_ingredient
from digest.model import Ingredient
from tests.counts import table

LINE = "Nobody knew who held the key."


def test_front_matter_gives_lines() -> None:
    matter = {
        "In the way": [LINE, {"text": "Money ran out.", "barriers": ["Money", "trust"]}],
        "did": "They asked.",
        "how_far": "A year, in three schools.",
        "must-stay": [],
    }
    assert from_matter(matter, "Ann Lee") == (
        Ingredient("in-the-way", LINE, (), "Ann Lee"),
        Ingredient("in-the-way", "Money ran out.", ("money", "trust"), "Ann Lee"),
        Ingredient("did", "They asked.", (), "Ann Lee"),
        Ingredient("how-far", "A year, in three schools.", (), "Ann Lee"),
    )


def test_the_barriers_of_a_line_are_read_when_none_are_named() -> None:
    assert given_ingredient("in-the-way", "There was no funding.", None, "Ann").barriers == ("money",)
    assert given_ingredient("in-the-way", "There was no funding.", [], "Ann").barriers == ()


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@table(
    "matter, by, words",
    [
        ({"did": LINE}, None, "add ingredients_by"),
        ({"did": LINE}, " \u200b", "add ingredients_by"),
        ("did: it", "Ann", "are no table"),
        ({"done": LINE}, "Ann", "'done' is not known; write one of wanted, in-the-way, did"),
        ({"place": LINE}, "Ann", "'place' is not known"),
        ({7: LINE}, "Ann", "is not known"),
        (
            {"in_the_way": {"text": LINE, "barriers": ["fear"]}},
            "Ann",
            "'fear' is not known; write one of culture, trust",
        ),
        ({"in_the_way": {"text": LINE, "barriers": [7]}}, "Ann", "is not known; write one of culture"),
        ({"in_the_way": {"text": LINE, "barriers": ["law", "trust", "money", "culture"]}}, "Ann", "at most 3"),
        (
            {"in_the_way": {"text": LINE, "barrier": ["law"]}},
            "Ann",
            "'barrier' in the line of in-the-way is not known",
        ),
        ({"did": {"text": LINE, "barriers": ["law"]}}, "Ann", "only a line of in-the-way"),
        ({"did": ""}, "Ann", "has 0 characters"),
        ({"did": "x" * 401}, "Ann", "has 401 characters"),
        ({"did": None}, "Ann", "is no text"),
        ({"did": ENDLESS}, "Ann", "is no text"),
        ({"in_the_way": {"text": LINE, "barriers": ENDLESS}}, "Ann", "is not known"),
        ({"did": [LINE] * 41}, "Ann", "more than 40 lines"),
        ({"how_far": "Soon."}, "Ann", "says none of spread, a year, trying"),
    ],
)
def test_what_is_not_known_is_refused_by_name(matter: object, by: object, words: str) -> None:
    with pytest.raises(NotKnown) as refused:
        from_matter(matter, by)
    assert words in str(refused.value)
