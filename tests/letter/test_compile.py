"""Compiling a letter: golden parts, a single inlining, the structure of the html, and errors in templates."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.letter.assemble import assemble
from digest.letter.compile import Letter, compile_letter
from digest.letter.inliner import inline_styles
from digest.letter.templates import environment, render
from digest.model import Digest, Section
from tests.counts import spread
from tests.letter import golden, sample
from tests.letter.reading import Page


def compiled(*folders: Path) -> Letter:
    return compile_letter(
        sample.EDITION, sample.entries(), replace(sample.APPEARANCE, templates=(*folders, sample.TEMPLATES))
    )


@pytest.mark.parametrize("part", ["letter.html", "letter.txt"])
def test_the_letter_is_the_golden_one(part: str) -> None:
    made = golden.letter()
    text = made.html_text() if part.endswith("html") else made.plain_text()
    assert text == (golden.FOLDER / part).read_text(encoding="utf-8")


@pytest.mark.long
def test_a_template_that_is_new_changed_or_gone_shows_at_once(tmp_path: Path) -> None:
    own = tmp_path / "more.txt.j2"
    shipped = (sample.TEMPLATES / own.name).read_text(encoding="utf-8")
    more = compiled(tmp_path).text["more"]
    for line in ("Ring us.", "Call us!"):
        own.write_text(f"{shipped}{line}\n", encoding="utf-8")
        assert line in str(compiled(tmp_path).text["more"])
    own.unlink()
    assert compiled(tmp_path).text["more"] == more


def test_a_file_put_in_anothers_place_is_seen(tmp_path: Path) -> None:
    for words in ("aaa", "bbb"):
        (tmp_path / "new").write_text(words)
        os.utime(tmp_path / "new", (1, 1))
        (tmp_path / "new").replace(tmp_path / "x.txt.j2")
        assert render(environment([tmp_path]), "x.txt.j2", {}) == words


def test_styles_are_inlined_once_whatever_the_number_of_readers() -> None:
    calls: list[int] = []

    def counting(html: str) -> str:
        calls.append(len(html))
        return inline_styles(html)

    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE, inline=counting)
    for areas in (("housing", 4, 5), ("transport", 8, 9), ("housing", 5, 4)):
        assemble(letter, Digest((Section("areas", (sample.group(*areas),)),)), sample.READER)
    assert len(calls) == 1


def test_the_html_is_built_for_every_client() -> None:
    html = golden.letter().html_text()
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert len(html.encode()) < 60_000
    assert "%%" not in html
    assert all(attrs.get("role") == "presentation" for tag, attrs in page.tags if tag == "table")
    top = dict(page.tags)["html"]
    assert (top["lang"], top["dir"]) == ("en", "ltr")
    article = next(attrs for _, attrs in page.tags if attrs.get("role") == "article")
    assert (article["lang"], article["dir"]) == ("en", "ltr")
    assert "<!--[if mso]>" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "!important" in html
    assert "[data-ogsc]" in html
    assert not [tag for tag, _ in page.tags if tag in ("script", "form", "iframe", "link", "img")]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]


def test_headings_skip_no_level_and_titles_are_links() -> None:
    page = Page(golden.letter().html_text())
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    titles = [text for _, text in page.headings]
    for entry in sample.entries():
        assert entry.title in titles
        assert (entry.url, entry.title) in page.links
    assert all(text.strip() for _, text in page.links)


def test_no_text_is_small_and_lines_are_open() -> None:
    html = golden.letter().html_text()
    body = html[html.index("<body") :]
    sizes = [int(size) for size in re.findall(r"font-size:(\d+)px", body)]
    assert sorted(set(sizes))[0] == 1  # the coloured band holds no words
    assert min(size for size in sizes if size != 1) >= 14
    for size, height in re.findall(r"font-size:(\d+)px;[^\"]*?line-height:(\d+)px", body):
        assert int(height) >= 1.15 * int(size)


def test_text_part_has_the_words_and_links_of_the_html() -> None:
    made = golden.letter()
    page, text = Page(made.html_text()), made.plain_text()
    lines = text.splitlines()
    for href, _ in page.links:
        if not href.startswith("mailto:"):
            assert href in lines, "an address stands alone on its line"
    words = set(re.findall(r"\w+", page.text.lower()))
    assert len(words & set(re.findall(r"\w+", text.lower()))) / len(words) >= 0.85
    long = [line for line in lines if len(line) > 72 and not line.startswith("http")]
    assert long == []
    assert "\u034f" not in text, "the preheader's filler is no text"


@pytest.mark.parametrize("language", ["en", "cy"])
def test_text_covers_the_html_whatever_the_digest_and_the_language(language: str) -> None:
    dice = random.Random(3)
    letter = compile_letter(sample.EDITION, sample.entries(), sample.BRANDED, language=language)
    for _ in range(40):
        made = assemble(letter, sample.random_digest(dice, sample.entries()), sample.READER)
        page, text = Page(made.html_text()), made.plain_text()
        words = Counter(re.findall(r"\w+", page.text.lower()))
        shared = words & Counter(re.findall(r"\w+", text.lower()))
        assert shared.total() >= 0.85 * words.total()
        assert {href.removeprefix("mailto:") for href, _ in page.links} <= set(text.split())


def test_every_entry_shows_what_a_reader_needs() -> None:
    made = golden.letter()
    for part in (Page(made.html_text()).text, made.plain_text()):
        assert "Kentbourne Council, 18 November 2026" in part
        assert "Kentbourne, South East" in part
        assert "You follow Housing; this comes from the South East." in part
        assert "You follow Housing; this was done in the North East." in part
        assert re.search("case study", part, re.IGNORECASE)
    assert "Homes Cymru Exchange; comes from Wales\n" in made.plain_text(), "an undated entry shows no date"


def own_templates(folder: Path, **files: str) -> Path:
    for name, body in files.items():
        (folder / name.replace("__", ".")).write_text(body, encoding="utf-8")
    return folder


def test_an_organisations_own_templates_come_first(tmp_path: Path) -> None:
    own = own_templates(tmp_path, group__html__j2="<h3>Our own {{ part.title }}</h3>")
    letter = compiled(own)
    made = assemble(letter, sample.digest(), sample.READER)
    assert ">Our own Housing</h3>" in made.html_text()
    assert "Our own" not in made.plain_text()


BROKEN = [
    ("group__html__j2", "<h3>\n{{ part.titel }}</h3>", ["group.html.j2, line 2", "titel"]),
    ("card__txt__j2", "{{ part.title }}\n\n{{ author }}", ["card.txt.j2, line 3", "author", "parts"]),
    ("section__html__j2", "a\n{% if %}", ["section.html.j2, line 2"]),
    ("more__txt__j2", "{{ 1 / 0 }}", ["more.txt.j2, line 1", "division"]),
    ("group__html__j2", "<h3>%%secret%%</h3>", ["letter.html.j2", "%%secret%%"]),
    ("group__html__j2", "<!-- {{ reader.email }} -->", ["letter.html.j2", "%%email%%", "comment"]),
    ("letter__txt__j2", "{% for part in parts %}{{ part.open }}{{ part.close }} {% endfor %}", ["letter.txt.j2"]),
    ("letter__txt__j2", "no parts at all", ["letter.txt.j2", "0 written"]),
    ("letter__txt__j2", "{% include 'absent.j2' %}", ["absent.j2", "not found"]),
    ("group__txt__j2", "{% include 'group.txt.j2' %}", ["group.txt.j2, line 1", "includes itself"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "told"), spread(4, BROKEN))
def test_a_mistaken_template_is_named_with_its_line(tmp_path: Path, name: str, body: str, told: list[str]) -> None:
    own = own_templates(tmp_path, **{name: body})
    with pytest.raises(ConfigError) as caught:
        compiled(own)
    for word in told:
        assert word in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_template_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "group.html.j2").write_bytes("<h3>Café</h3>".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"not UTF-8.*save it as UTF-8"):
        compiled(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"words/en\.toml: not found"):
        compile_letter(sample.EDITION, sample.entries(), replace(sample.APPEARANCE, templates=(tmp_path,)))


def test_a_missing_template_is_told(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en.toml").write_bytes((sample.TEMPLATES / "words" / "en.toml").read_bytes())
    with pytest.raises(ConfigError, match=r"letter\.html\.j2: not found in"):
        compile_letter(sample.EDITION, sample.entries(), replace(sample.APPEARANCE, templates=(tmp_path,)))


def test_without_a_note_no_editor_speaks() -> None:
    quiet = replace(sample.EDITION, note=" \n\n ")
    letter = compile_letter(quiet, sample.entries(), sample.APPEARANCE)
    made = assemble(letter, sample.digest(), sample.READER)
    assert "From the editor" not in made.html_text() + made.plain_text()
