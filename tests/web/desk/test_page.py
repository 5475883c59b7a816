"""Fields of a form and parts of a path are what a page can have sent, or are refused in words."""

from __future__ import annotations

import pytest

from digest.errors import WrongUse
from digest.web.desk.page import NoPage, Parameters, number_in_path
from tests.counts import table


def given(text: str) -> Parameters:
    return Parameters([("field", text)], {"entry": text})


@table("text, number", [("", None), (" ", None), ("0", 0), (" 12 ", 12), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_field_is_a_whole_number(text: str, number: int | None) -> None:
    assert given(text).number("field") == number


@table("text", ["-1", "1.5", "1e3", "٣", "²", "one", "9" * 19])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(WrongUse, match=r"“field” must be a whole number; nothing was changed"):
        given(text).number("field")
    with pytest.raises(NoPage, match="There is no entry"):
        number_in_path(given(text), "entry")


def test_the_lines_of_a_text_end_in_one_way() -> None:
    assert given("one\r\ntwo\nthree").text("field") == "one\ntwo\nthree"
    assert given("x" * 10_000).text("field") == "x" * 10_000


@table(
    "text, told", [("x" * 10_001, "has 10,001 characters; write at most 10,000"), ("a\0b", "no database can keep")]
)
def test_a_text_that_cannot_be_kept_is_refused(text: str, told: str) -> None:
    with pytest.raises(WrongUse, match=f"“field” .*{told}; nothing was changed"):
        given(text).text("field")
