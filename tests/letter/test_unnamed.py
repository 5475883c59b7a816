"""Entries without a title are named by their address, and nothing is said twice."""

from __future__ import annotations

from digest.letter.unnamed import name_and_rest, name_by_address
from tests.counts import table


@table(
    "url, name",
    [
        ("https://a.example/news/2026/carers-can-book-breaks", "Carers can book breaks"),
        ("https://a.example/blog/carers_can_book.html?x=1", "Carers can book"),
        ("https://a.example/Newyddion/gofalwyr-a%27u-hawliau/", "Gofalwyr a'u hawliau"),
        ("https://a.example/carers-book-breaks-20261118", "Carers book breaks"),
        ("https://a.example/?p=12", ""),
        ("https://a.example/2026/11/18/4711", ""),
        ("https://a.example/@ann/112233445566", ""),
        ("https://a.example/notes/3kbx7q2m4z2a", ""),
        ("https://[bad", ""),
        (None, ""),
    ],
)
def test_an_address_in_words(url: str | None, name: str) -> None:
    assert name_by_address(url) == name


@table(
    "summary, name, rest",
    [
        ("A short note.", "A short note.", ""),
        ("Carers book online. " + "It takes a minute. " * 4, "Carers book online. It takes a minute.", "It takes a minute. " * 3),  # noqa: E501
        ("word " * 30, "word " * 15 + "word…", "…" + "word " * 14),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_note_is_named_by_its_first_words_and_says_the_rest_once(summary: str, name: str, rest: str) -> None:
    assert name_and_rest(summary) == (name, rest.strip())
