"""Test the classifier of replies against tests/data/replies.toml, which holds real forms and their classes."""

from __future__ import annotations

import tomllib
from pathlib import Path

from digest.ledger.replies import classify, status_in, wait_asked
from tests.counts import table

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "replies.toml").read_text(encoding="utf-8"))


@table("row", TABLE["replies"])
def test_each_real_form_has_its_class(row: list[str]) -> None:
    _, _, expected, text, status = [*row, ""][:5]
    assert classify(text, status=status or None) == expected


@table("row", TABLE["replies"])
def test_a_code_that_is_given_apart_is_the_same_as_one_in_the_text(row: list[str]) -> None:
    _, where, expected, text, *_ = row
    if where in ("report", "webhook", "API"):
        return
    code, _, rest = text.partition(" ") if text[3:4] != "-" else text.partition("-")
    assert classify(rest, code=int(code)) == expected


@table("text, seconds", TABLE["waits"])
def test_a_wait_is_read_only_where_a_reply_asks_for_it(text: str, seconds: int) -> None:
    assert wait_asked(text) == (seconds or None)
    assert wait_asked(f"4.7.1 {text}") == (seconds or None)


@table("text, status", TABLE["codes"])
def test_an_enhanced_code_is_read_only_where_it_stands_as_a_code(text: str, status: str) -> None:
    assert status_in(text) == (status or None)
