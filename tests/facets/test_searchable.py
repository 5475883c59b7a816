"""The words of a text and of a query: cut alike, harmless, and marked where they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.facets.searchable import LONGEST_WORD, MOST_WORDS, mark_words, query_words, searchable
from tests.counts import table


@table(
    "text, words",
    [
        ("Tŷ Gwynedd: café, Straße", "ty gwynedd cafe straße"),
        ("the council's co-operation", "the council co operation"),
        ("A & B ½ x²", "a and b 1 2 x2"),
        ("łódź Ærø", "lodz aero"),
        ("‮abc\x00def", "abc def"),
        ('" AND NOT (x OR y)* NEAR/2 -z:', "and not x or y near 2 z"),
        ("-*()\"'", ""),
    ],
)
def test_a_text_is_cut_into_plain_words(text: str, words: str) -> None:
    assert " ".join(searchable(text)) == words


@table(
    "query, words",
    [
        ("housing housing WALES hous", ("housing", "wales", "hous")),
        ("wales housing wales", ("housing", "wales")),
        ("", ()),
        ("w " * 5_000, ("w",)),
        ("x" * 10_000, ("x" * LONGEST_WORD,)),
    ],
)
def test_a_query_has_each_word_once_and_the_last_one_last(query: str, words: tuple[str, ...]) -> None:
    assert query_words(query) == words


@given(st.text())
def test_any_query_is_a_few_words_of_letters_and_digits(query: str) -> None:
    words = query_words(query)
    assert len(words) <= MOST_WORDS
    assert all(word.isalnum() and len(word) <= LONGEST_WORD for word in words)


@table(
    "text, query, marked",
    [
        ("Homes in Tŷ Newydd", "ty home", "[Homes] in [Tŷ] Newydd"),
        ("Homes in Tŷ Newydd", "home ty", "Homes in [Tŷ] Newydd"),  # only the last may be a beginning
        ("<b>Homes</b>", "homes", "<b>[Homes]</b>"),
        ("Nothing", "x", "Nothing"),
        ("", "x", ""),
        ("x", "x", "[x]"),
    ],
)
def test_the_words_of_a_query_are_marked_where_they_stand(text: str, query: str, marked: str) -> None:
    stretches = mark_words(text, query_words(query))
    assert "".join(f"[{part.text}]" if part.hit else part.text for part in stretches) == marked


@given(st.text(), st.text())
def test_marked_stretches_are_the_text(text: str, query: str) -> None:
    assert "".join(part.text for part in mark_words(text, query_words(query))) == text
