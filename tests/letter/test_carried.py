"""A letter of carried-over entries says so once above them, and each card names its month."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.letter.assemble import assemble, verify
from digest.letter.compile import compile_letter
from tests.letter import sample

SENTENCE = {
    "en": "There is nothing new for you this time, so here is something from earlier",
    "cy": "Nid oes dim byd newydd i chi y tro hwn, felly dyma rywbeth o gyfnod cynharach nad oedd lle iddo",
}
MONTH = {"en": "From September", "cy": "O fis Medi"}


@pytest.mark.parametrize("language", ["en", "cy"])
def test_a_letter_of_carried_over_entries_says_so(language: str) -> None:
    entries = [replace(entry, carried_from="2026-09-12") for entry in sample.entries()]
    letter = compile_letter(sample.EDITION, entries, sample.APPEARANCE, language)
    digest = replace(sample.digest(), again=True)
    again, new = (assemble(letter, each, sample.READER) for each in (digest, sample.digest()))
    verify(letter, digest, sample.READER)
    html, text = again.html_text(), " ".join(again.plain_text().split())
    assert html.index(SENTENCE[language]) < html.index("sectionhead")
    assert SENTENCE[language] in text and SENTENCE[language] not in new.html_text() + new.plain_text()
    cards = len(digest.placed)
    assert html.count(f"&middot; {MONTH[language]}</p>") + html.count(f"· {MONTH[language]}</p>") == cards
    assert text.count(f"({MONTH[language]})") == cards


def test_an_edition_that_carries_nothing_over_has_no_part_for_it() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    assert "carried" not in letter.html
    assert "(From " not in assemble(letter, sample.digest(), sample.READER).plain_text()
