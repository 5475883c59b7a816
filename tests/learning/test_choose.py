"""The lines that count: an editor's, else the author's, else those that are read; and those that a letter shows."""

from __future__ import annotations

from digest.learning.choose import Given, chosen, letter_lines
from digest.model import Ingredient

READ = (Ingredient("in-the-way", "Read barrier."), Ingredient("did", "Read act."), Ingredient("did", "Second act."))
OWN = Ingredient("did", "Own act.", (), "Author")
MENDED = Ingredient("did", "Mended act.", (), "Editor")


def test_an_editor_comes_before_the_author_and_the_author_before_the_text() -> None:
    assert chosen(READ, Given()) == READ
    assert chosen(READ, Given(source=(OWN,))) == (READ[0], OWN)
    assert chosen(READ, Given(source=(OWN,), editor=(MENDED,))) == (READ[0], MENDED)


def test_nothing_comes_in_the_place_of_a_dropped_line() -> None:
    assert chosen(READ, Given(dropped=frozenset({("did", "Read act.")}))) == (READ[0], READ[2])
    assert chosen(READ, Given(source=(OWN,), dropped=frozenset({("did", "Own act.")}))) == (READ[0],)
    assert chosen(READ, Given(dropped=frozenset({("changed", "Read act.")}))) == READ


def test_a_letter_shows_the_best_line_that_fits_of_three_names() -> None:
    long = Ingredient("did", "x" * 161)
    fits = Ingredient("did", "y" * 160)
    assert letter_lines((long, fits, Ingredient("wanted", "More."), READ[0])) == (READ[0], fits)
    assert letter_lines((long,)) == ()
