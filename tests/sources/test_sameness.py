"""The quick look at the start of two texts never parts texts that are equal word for word."""

from __future__ import annotations

import random

import pytest

from digest.sources.sameness import VERY_START, Showing, _begin_differently, beginnings

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
            assert not a.is_long or beginnings([a.html, "<p>Another text of some length, to its end.</p>"])(
                b.html[:VERY_START]
            )
    assert equal > 30


def test_texts_that_begin_differently_are_told_apart_at_once() -> None:
    a, b = (Showing("", None, None, f"<p>{word} begins a text of some length, to its end</p>") for word in ("A", "B"))
    assert _begin_differently(a, b)


def test_most_texts_of_other_moments_are_left_out_by_their_first_characters() -> None:
    hub = "<p>The council met residents on Monday to plan a family hub that brings early help and advice.</p>"
    may_be = beginnings([hub, "<p>Short.</p>"])
    assert may_be(f"<div>{hub}"[:VERY_START])
    for other in (
        "<p>The council sold its old town hall to a trust that makes flats of it for young families.</p>",
        "<p>Residents met the council on Monday to plan a family hub that brings early help and advice.</p>",
        "<p>Short.</p>",
        "",
    ):
        assert not may_be(other[:VERY_START])
    assert not beginnings(["<p>Short.</p>"])(hub[:VERY_START])
    in_a_link = '<a href="https://a.example/a-long-address-that-is-cut-in-its-middle">The council</a> met residents.'
    assert may_be(in_a_link[:VERY_START]) and beginnings([in_a_link])(hub[:VERY_START])


@pytest.mark.parametrize(
    "html",
    [
        "<p>The council met residents on Monday to plan a family hub that brings early help and advice.</p>",
        "<p>Short.</p>",
        "",
        '<p><a href="https://a.example/a-long-address-that-is-cut-in-its-middle">The council</a> met residents.</p>',
        "Fewer than 3 < 5 places that the council met in, and a cafe\u0301 of residents among them all the time.",
        "a " * 200,
    ],
)
def test_the_very_first_words_of_a_text_are_the_first_ones(html: str) -> None:
    showing = Showing("", None, None, html)
    few = showing.very_first_words
    assert showing.first_words[: len(few)] == few and len(few) <= len(showing.first_words)
