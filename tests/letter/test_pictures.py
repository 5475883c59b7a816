"""Pictures: only case studies have them, poor ones are not shown, and the letter is complete without them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.letter.assemble import assemble, verify
from digest.letter.compile import compile_letter
from digest.model import CASE_STUDY, POST, Digest, Group, Image, Placed, Reason, Section
from tests.counts import spread
from tests.letter import sample
from tests.letter.reading import Page

GOOD = Image("https://source.example/walk.jpg", "Two nurses and a map", 1200, 800)


def letter_with(image: Image | None, kind: str = CASE_STUDY) -> tuple[Page, str]:
    entry = replace(sample.entries()[0], image=image, kind=kind)
    letter = compile_letter(sample.EDITION, [entry], sample.APPEARANCE)
    digest = Digest((Section("areas", (Group("housing", (Placed(1, Reason("area", "housing")),)),)),))
    verify(letter, digest, sample.READER)
    made = assemble(letter, digest, sample.READER)
    return Page(made.html_text()), made.plain_text()


def pictures(image: Image | None, kind: str = CASE_STUDY) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in letter_with(image, kind)[0].tags if tag == "img"]


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [(1200, 800, ("480", "320")), (480, 100, ("480", "100")), (300, 300, ("300", "300")), (2000, 1, ("480", "1"))],
)
def test_a_picture_has_its_size_and_its_words(width: int, height: int, shown: tuple[str, str]) -> None:
    (image,) = pictures(replace(GOOD, width=width, height=height))
    assert (image["src"], image["alt"]) == ("https://source.example/walk.jpg", "Two nurses and a map")
    assert (image["width"], image["height"]) == shown
    assert int(shown[0]) <= 552
    assert "display:block" in (image["style"] or "")


POOR = [
    None,
    replace(GOOD, url="http://source.example/walk.jpg"),
    replace(GOOD, url="/walk.jpg"),
    replace(GOOD, url="data:image/png;base64,AAAA"),
    replace(GOOD, url='https://source.example/a b"\n.jpg'),
    replace(GOOD, alt=""),
    replace(GOOD, alt=" \u200b "),
    replace(GOOD, width=299),
    replace(GOOD, width=None),
    replace(GOOD, height=None),
    replace(GOOD, height=0),
    replace(GOOD, width=300, height=6000),
]


@pytest.mark.parametrize("image", spread(4, POOR))
def test_a_picture_not_worth_showing_is_not_shown(image: Image | None) -> None:
    assert pictures(image) == []


def test_a_posts_picture_is_not_shown() -> None:
    assert pictures(GOOD, POST) == []


def test_the_letter_is_complete_without_its_picture() -> None:
    with_it, without = letter_with(GOOD), letter_with(None)
    assert with_it[0].text == without[0].text
    assert with_it[0].links == without[0].links
    assert with_it[1] == without[1]


def test_hostile_words_for_a_picture_are_only_words() -> None:
    trick = '"><script>%%email%%{{ 7*7 }}</script>'
    (image,) = pictures(replace(GOOD, alt=trick, url="https://source.example/%%email%%.jpg"))
    assert image["alt"] == trick
    assert image["src"] == "https://source.example/%25%25email%25%25.jpg"
