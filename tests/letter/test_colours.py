"""Contrast: how it is measured, the shipped colours, and the cure that config names for a faint colour."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from digest.config.load import load
from digest.config.settings import Settings
from digest.errors import ConfigError
from digest.letter import colours
from digest.letter.assemble import assemble
from digest.letter.brand import DARK, LIGHT
from digest.letter.compile import compile_letter
from tests.counts import table
from tests.letter import sample
from tests.letter.reading import Page

SITE = '[site]\nname = "D"\nbase_url = "https://d.example.org"\nfrom = "D <d@news.example.org>"\n'


def settings(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    (folder / "config.toml").write_text(SITE + text, encoding="utf-8")
    return load(folder / "config.toml", environ or {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(folder, text)
    return caught.value.problems


@pytest.mark.parametrize(
    ("colour", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#FFFFFF", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#0000ff", 2.15),
    ],
)
def test_contrast_is_that_of_wcag(colour: str, other: str, ratio: float) -> None:
    assert colours.contrast(colour, other) == pytest.approx(ratio, abs=0.005)
    assert colours.contrast(other, colour) == colours.contrast(colour, other)


def test_every_colour_has_a_readable_ink() -> None:
    for red, green, blue in itertools.product(range(0, 256, 15), repeat=3):
        ground = f"#{red:02x}{green:02x}{blue:02x}"
        assert colours.contrast(colours.ink_on(ground), ground) >= 4.5


def test_the_shipped_colours_have_no_problem() -> None:
    assert colours.colour_problems(LIGHT, ()) == []
    assert colours.colour_problems(DARK, ()) == []


FAINT = [
    ('[brand.light]\nlink = "#7fb3e6"', "brand.light.link: #7fb3e6 has a contrast of 2.21:1 with the sheet #ffffff"),
    ('[brand.light]\npanel = "#333333"', "brand.light.panel: #333333"),
    ('[brand.light]\nbackground = "#20303a"', "brand.light.background: #20303a"),
    ('[brand.light]\nsheet = "#222222"', "brand.light.sheet: #222222"),
    ('[brand.dark]\nlink = "#0b4f86"', "brand.dark.link: #0b4f86"),
    ('[brand.dark]\nheading = "#333333"', "brand.dark.heading: #333333"),
    ('[brand.light]\naccent = "#dddddd"', "brand.light.accent: #dddddd"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), FAINT)
def test_a_faint_colour_is_told_with_one_that_would_do(tmp_path: Path, text: str, told: str) -> None:
    lines = problems(tmp_path, text)
    assert len(lines) == 1
    assert told in lines[0]
    assert re.search(
        r"contrast of \d+\.\d\d:1 with the \w+ #\w{6}, less than (4\.5|3):1; (#\w{6}) would do", lines[0]
    )
    shade = lines[0].split("; ")[-1].split()[0]
    settings(tmp_path, re.sub(r"#\w{6}", shade, text))


def test_two_colours_that_no_shade_can_mend_say_so(tmp_path: Path) -> None:
    lines = problems(tmp_path, '[brand.light]\nlink = "#777777"\nsheet = "#ffffff"\npanel = "#111111"\n')
    assert any("change" in line or "would do" in line for line in lines)
    assert all(line.startswith("config.toml: brand.light.") for line in lines)


def test_large_and_small_text_are_asked_for_what_they_need(tmp_path: Path) -> None:
    """The accent colours text on the sheet, which needs 4.5, but only a line on the panel, which needs 3."""
    settings(tmp_path, '[brand.light]\naccent = "#6e6e6e"\npanel = "#dddddd"\n')


@pytest.mark.parametrize(
    "value", ["red", "#12545", "#12545g", "#12545a;}", "rgb(1,2,3)", "#fff", "#12545a</style>", "{{ x }}"]
)
def test_only_a_colour_can_be_a_colour(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, f"[brand.light]\nlink = '{value}'")[0].endswith(
        'is not a colour; write it like "#12545a"'
    )


def test_the_environment_can_set_a_colour(tmp_path: Path) -> None:
    assert settings(tmp_path, "", {"DIGEST_BRAND__LIGHT__LINK": "#7A1F5C"}).brand.light.link == "#7a1f5c"


@table(
    "text, told",
    [
        ('[brand]\nnmae = "x"', "brand.nmae: unknown key; did you mean 'name'?"),
        ('[brand.light]\naccnet = "#000000"', "brand.light.accnet: unknown key; did you mean 'accent'?"),
        ('[brand]\nlogo = { url = "http://x.example/l.png", width = 100, height = 40 }', "brand.logo.url: 'http"),
        ('[brand]\nlogo = { url = "/l.png", width = 100, height = 40 }', "brand.logo.url"),
        ('[brand]\nlogo = { url = "https://x.example/l.png", width = 100 }', "brand.logo.height: is missing"),
        ('[brand]\nlogo = { url = "https://x.example/l.png", width = 900, height = 40 }', "brand.logo.width"),
        ("[brand]\nlogo = { url = 'https://x.example/l', width = 9, height = 40, al = '' }", "did you mean 'alt'"),
        ("[brand]\nlogo = { url = 'https://x.example/ x', width = 90, height = 40 }", "brand.logo.url"),
        ('[[policy_area]]\nslug = "a"\nname = "A"\nname_cy = 3', "policy_area.0.names.cy"),
        ('[[policy_area]]\nslug = "a"\nname = "A"\nnam_cy = "B"', "policy_area.0.nam_cy: unknown key"),
    ],
)  # fmt: skip
def test_other_mistakes_in_the_brand_name_their_key(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in line for line in problems(tmp_path, text))


def test_the_brand_is_in_the_letter() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.BRANDED)
    made = assemble(letter, sample.digest(), sample.READER)
    html, page = made.html_text(), Page(made.html_text())
    assert page.headings[0] == (1, "The Learning Digest")
    logo = next(attrs for tag, attrs in page.tags if tag == "img")
    assert (logo["src"], logo["width"], logo["height"], logo["alt"]) == (
        "https://digest.example.org/logo.png", "160", "48", "",
    )  # fmt: skip
    for part in (page.text, made.plain_text()):
        assert "What places learn from each other" in part
    assert "#12545a" not in html and "#0b4f86" not in html
    assert html.count("#7a1f5c") > 20
    assert LIGHT.accent not in html
    assert DARK.accent in html, "what config does not name stays"


def test_the_brands_address_and_words_stand_in_for_the_sites(tmp_path: Path) -> None:
    own = settings(
        tmp_path,
        '[brand]\naddress = "Room 4, The Mill"\ntagline = "T"\n[brand.words.en]\nareas = "On your patch"\n'
        '[brand.words.en.more]\none = "One more <b>."\n[brand.words.cy]\ntagline = "Y"\n',
    )
    branded = replace(sample.APPEARANCE, brand=own.brand)
    letter = compile_letter(sample.EDITION, sample.entries(), branded)
    assembled = assemble(letter, sample.digest(), sample.READER)
    assert "On your patch" in [text for _, text in Page(assembled.html_text()).headings]
    assert "Sent by Learning Digest, Room 4, The Mill." in assembled.plain_text()
    assert letter.book.words.more(1) == "One more <b>."
    assert letter.book.words.more(2) == "2 more entries matched what you follow."
    welsh = compile_letter(sample.EDITION, sample.entries(), branded, "cy")
    assert (letter.book.words.sentences["tagline"], welsh.book.words.sentences["tagline"]) == ("T", "Y")


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"fr": "Tout"}, "brand.words.fr: there is no catalogue"),
        ({"en": "All", "en-GB": "All of it"}, "brand.words.en-GB: another table is for en too"),
    ],
)
def test_words_that_nobody_would_see_are_told(tmp_path: Path, tables: dict[str, str], told: str) -> None:
    lines = "".join(f'[brand.words.{tag}]\nareas = "{words}"\n' for tag, words in tables.items())
    with pytest.raises(ConfigError, match=told):
        settings(tmp_path, lines)
