"""Cut texts between characters as people see them, whatever they are made of."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from digest.letter.inert import visible
from digest.sources.post import summary_text
from digest.sources.sanitise import title_text
from subscribers.characters import cut, cut_anywhere, last_characters, whole_characters
from tests.counts import table

# One character each, as people see it, of several code points.
CHARACTERS = {
    "a flag": "\U0001f1e8\U0001f1fe",
    "the flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a couple": "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f468\U0001f3ff",
    "a wave": "\U0001f44b\U0001f3fe",
    "a fire in a heart": "\u2764\ufe0f\u200d\U0001f525",
    "a key": "7\ufe0f\u20e3",
    "accents": "x\u0301\u0323",
    "jamo": "\u1112\u1161\u11ab",
    "a conjunct": "\u0915\u094d\u0937\u093f",
    "a vowel sign": "\u0bae\u0bcb",
    "a Thai vowel": "\u0e01\u0e33",
    "a Hebrew point": "\u05e9\u05c1\u05b8",
}


@table("name", CHARACTERS)
def test_no_limit_cuts_inside_a_character(name: str) -> None:
    character = CHARACTERS[name]
    text = "\u4f4f\u623f" + character * 3 + "\u7d42"
    ends = {2 + len(character) * count for count in range(4)} | {0, 1, len(text)}
    for limit in range(len(text) + 2):
        head, tail = whole_characters(text, limit), last_characters(text, limit)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) in ends
        assert len(head) == max(end for end in ends if end <= limit)
        assert len(text) - len(tail) in ends
        assert len(tail) <= limit
        for short in (cut(text, limit), cut_anywhere(text, limit)) if limit > 1 else ():
            assert len(short) <= limit
            assert len(short.removesuffix("…")) in ends


@table("name", CHARACTERS)
def test_no_text_of_a_letter_is_cut_inside_a_character(name: str) -> None:
    """Each limit of the product, at each place inside the character that stands across it."""
    character = CHARACTERS[name]
    for limit in (60, 80, 200, 300):
        for before in range(limit - len(character) - 2, limit + 1):
            sent = "\u4f4f" * before + character * 4
            for seen in (visible(sent, limit), summary_text(f"<p>{sent}</p>", limit), title_text(sent, limit)):
                body = seen.removesuffix("…")
                assert len(seen) <= limit
                left = normalize("NFC", body.lstrip("\u4f4f"))
                assert left in (normalize("NFC", character * count) for count in range(5)), (limit, before)


def test_a_character_longer_than_the_limit_is_cut_all_the_same() -> None:
    assert whole_characters("e" + "\u0301" * 50, 10) == "e" + "\u0301" * 9


@pytest.mark.parametrize("text", ["plain words", "", "caf\u00e9"])
def test_a_short_text_stays(text: str) -> None:
    assert whole_characters(text, 20) == last_characters(text, 20) == cut(text, 20) == cut_anywhere(text, 20) == text


def test_a_line_end_of_two_stays_whole() -> None:
    assert whole_characters("ab\r\ncd", 3) == "ab"
    assert whole_characters("abcd", 0) == last_characters("abcd", 0) == ""
