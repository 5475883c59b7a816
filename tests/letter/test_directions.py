"""Each text keeps its own direction, and moves nothing beside it: in html by attributes, elsewhere by isolates."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import cache

from digest.letter.assemble import assemble, verify
from digest.letter.bidi import direction_of, isolated
from digest.letter.blocks import Assembled
from digest.letter.compile import compile_letter
from digest.model import CASE_STUDY, Digest, EntryEdit, Group, Ingredient, NamedLink, Placed, Reason, Section
from tests.counts import table
from tests.letter import sample
from tests.letter.reading import Page

FSI, RLI, LRI, PDI, RLM = "\u2068", "\u2067", "\u2066", "\u2069", "\u200f"
PERSIAN = "بازی خانه (2027)!"
HEBREW = "דיור: shared homes, 3 ערים?"
YIDDISH = "„היימען“ 5%"
URDU = "رہائش — Leeds 2026."
MIXED = "Homes in Haifa: “בית ראשון”, part 2!"
RTL = [PERSIAN, HEBREW, YIDDISH, URDU]


@table(
    "text, otherwise, seen",
    [
        ("Homes", "rtl", "ltr"),
        ("2026 (3)", "rtl", "rtl"),
        ("2026 (3)", "ltr", "ltr"),
        ("“בית”", "ltr", "rtl"),
        ("3 ערים", "ltr", "rtl"),
        ("É بيت", "rtl", "ltr"),
        ("ދިވެހި", "ltr", "rtl"),
        ("ⴰⵎⴰⵣⵉⵖ", "rtl", "ltr"),
        ("", "rtl", "rtl"),
        ("𞤀𞤁 5", "ltr", "rtl"),
    ],
)
def test_the_first_strong_character_gives_the_direction(text: str, otherwise: str, seen: str) -> None:
    assert direction_of(text, otherwise) == seen


def test_only_what_could_move_its_neighbours_is_isolated() -> None:
    assert isolated("Homes: 5!") == "Homes: 5!"
    assert isolated(MIXED) == f"{FSI}{MIXED}{PDI}"
    assert isolated(isolated(MIXED)) == isolated(MIXED)
    assert isolated("Homes: 5!", "rtl") == f"{FSI}Homes: 5!{PDI}"
    assert isolated(PERSIAN, "rtl") == PERSIAN


@cache
def made_of(words: str, language: str | None = None, place: str = "") -> Assembled:
    lines = (Ingredient("did", words), Ingredient("changed", words, (), "Ceri"))
    first, second, *_ = sample.entries()
    post = replace(
        first, id=1, kind="post", title=words, summary=words, source=words, language=language, ingredients=(),
        edit=EntryEdit(note=words, note_by="Ceri"), also_at=(NamedLink(words, None),),
    )  # fmt: skip
    study = replace(second, id=2, kind=CASE_STUDY, title=words, source=words, language=language, ingredients=lines)
    study = replace(study, facets=replace(study.facets, place=place))
    edition = replace(sample.EDITION, note=words, step=words)
    letter = compile_letter(edition, [post, study], sample.APPEARANCE)
    digest = Digest(
        (Section("areas", (Group("housing", tuple(Placed(n, Reason("area", "housing")) for n in (1, 2))),)),)
    )
    reader = replace(sample.READER, name=words)
    verify(letter, digest, reader)
    return assemble(letter, digest, reader)


@table("words", RTL)
def test_html_names_the_direction_of_each_text(words: str) -> None:
    tags = Page(made_of(words).html_text()).tags
    titles = [attrs for tag, attrs in tags if tag == "h4"]
    assert len(titles) == 2
    assert all(attrs.get("dir") == "rtl" and "text-align:right" in (attrs["style"] or "") for attrs in titles)
    rest = [tag for tag, attrs in tags if attrs.get("dir") == "rtl" and tag != "h4"]
    assert {tag: rest.count(tag) for tag in rest} == {"p": 2, "span": 3}, "step, note; two lines, a note"


@table("words", ["Homes, 5!", MIXED, "2026"])
def test_a_text_from_left_to_right_needs_no_attribute(words: str) -> None:
    assert not [tag for tag, attrs in Page(made_of(words).html_text()).tags if attrs.get("dir") == "rtl"]


@table(
    "language, words, seen",
    [
        ("ar", "Homes 2027", ("ar", "ltr")),
        ("fa-IR", PERSIAN, ("fa-IR", "rtl")),
        ("he", "2027", ("he", "rtl")),
        ("en-GB", URDU, (None, "rtl")),
        ("cy", HEBREW, ("cy", "rtl")),
    ],
)
def test_the_text_decides_before_the_language_of_its_feed(
    language: str, words: str, seen: tuple[str | None, str]
) -> None:
    titles = [attrs for tag, attrs in Page(made_of(words, language).html_text()).tags if tag == "h4"]
    assert [(attrs.get("lang"), attrs.get("dir")) for attrs in titles] == [seen, seen]


@table("words", [*RTL, MIXED])
def test_a_subject_isolates_the_title_and_not_our_words(words: str) -> None:
    subject = made_of(words).subject
    assert subject.startswith(f"{FSI}{words}{PDI}")
    assert subject.removeprefix(f"{FSI}{words}{PDI}") in ("", ", and 1 more")


@table("words", [" ".join([words] * 9) for words in (*RTL, MIXED)])
def test_an_isolate_ends_in_its_line_and_goes_on_in_the_next(words: str) -> None:
    for line in made_of(words).plain_text().split("\n"):
        assert sum(map(line.count, (FSI, RLI, LRI))) == line.count(PDI)
        assert direction_of(words) == "ltr" or not any(map(_is_rtl, _without_isolates(line)))


@table("words", [*RTL, MIXED])
def test_every_line_of_the_text_part_keeps_its_order(words: str) -> None:
    """In each line strong characters from right to left stand in an isolate, which ends in that line."""
    text = made_of(words, None, words).plain_text()
    bare = [line for line in text.split("\n") if any(_is_rtl(char) for char in _without_isolates(line))]
    # A line that is one text from left to right and begins so needs none.
    assert not [line for line in bare if line.strip() not in words or direction_of(line) == "rtl"]
    for line in text.split("\n"):
        depth = 0
        for char in line:
            depth += (char in (FSI, RLI, LRI)) - (char == PDI)
            assert depth >= 0
        assert depth == 0
    assert f"{FSI}{words}{PDI}, here are 2 entries" in text or f"{FSI}{words}{PDI}, here" in text.replace("\n", " ")


def test_a_long_text_is_from_right_to_left_in_each_of_its_lines() -> None:
    lines = [line for line in made_of(" ".join([URDU] * 8)[:190]).plain_text().split("\n") if "رہائش" in line]
    alone = [line for line in lines if line.startswith(RLM)]
    assert len(alone) >= 4
    assert all(line.startswith(RLM + RLI) and line.endswith(PDI) for line in alone)


@table(
    "control", ["\u202e", "\u202d", "\u202a", "\u202b", "\u2066", "\u2067", "\u2068", "\u200f", "\u061c", "\u202c"]
)
def test_a_sources_own_direction_characters_are_removed(control: str) -> None:
    made = made_of(f"pay {control}eciov 5", None, f"{control}Leeds{control}")
    for shown in (made.subject, made.html_text(), made.plain_text()):
        assert control not in shown
        assert "pay eciov 5" in " ".join(shown.split())


def _without_isolates(line: str) -> str:
    return re.sub(f"[{FSI}{RLI}{LRI}][^{PDI}]*{PDI}", "", line.replace(RLM, ""))


def _is_rtl(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL")
