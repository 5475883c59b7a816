"""One rule for language tags: that of config, which is the strictest, for feeds, letters and the CSV import too."""

from __future__ import annotations

import pytest

from subscribers.languages import is_language_tag
from tests.counts import table


@table(
    "tag",
    [
        "en",
        "EN",
        "cy",
        "gsw",
        "en-GB",
        "en-gb",
        "zh-Hant-TW",
        "zh-cmn-Hans-CN",
        "sr-Latn",
        "es-419",
        "de-1996",
        "sl-rozaj",
    ],
)
def test_a_language_tag(tag: str) -> None:
    assert is_language_tag(tag)


@table(
    "text",
    ["", "e", "english", "en_GB", "en-", "-en", "en--GB", "en GB", "en-GB\n", " en", "en-G", "ën", "en-GB-GB"],
)
def test_no_language_tag(text: str) -> None:
    assert not is_language_tag(text)


@pytest.mark.parametrize("text", ["en-x-private", "i-klingon", "x-any", "en-u-ca-gregory"])
def test_no_tag_that_says_more_than_a_language(text: str) -> None:
    assert not is_language_tag(text)


def test_no_tag_that_a_row_cannot_hold() -> None:
    longest = "de-variant1-variant2-variant3-variant"
    assert not is_language_tag(longest) and is_language_tag(longest[:28])
