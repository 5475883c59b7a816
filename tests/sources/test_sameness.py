"""The quick look at the start of two texts never parts texts that are equal word for word."""

from __future__ import annotations

import random

from digest.sources.sameness import Showing, _begin_differently

PIECES = (
    "<p>", "</p>", "<a href='https://a.example/a>b'>", "</a>", "<br/>", " ", "\n", "care", "Häuser", "e\u0301", "½",
    "№ 5", "a<b", "&amp;", "“quoted”", "x" * 90, "-", "<", ">",
)  # fmt: skip


def test_equal_texts_never_begin_differently() -> None:
    chance = random.Random(7)
    equal = 0
    for _ in range(500):
        pieces = chance.choices(PIECES, k=40)
        other = [each for each in pieces if not (each.startswith("<p") and chance.random() < 0.5)]
        a, b = (Showing("", None, None, "".join(text)) for text in (pieces, other))
        if a.text_words == b.text_words:
            equal += 1
            assert not _begin_differently(a, b)
    assert equal > 30


def test_texts_that_begin_differently_are_told_apart_at_once() -> None:
    a, b = (Showing("", None, None, f"<p>{word} begins a text of some length, to its end</p>") for word in ("A", "B"))
    assert _begin_differently(a, b)
