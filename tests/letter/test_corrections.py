"""Corrections stand above a letter's first part, in ready blocks; a letter without any is as it always was."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from digest.desk.correct import LONGEST
from digest.errors import ConfigError
from digest.letter.assemble import assemble, extremes, proven, verify
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import Letter, compile_letter
from digest.letter.form import form, random_stem, values
from digest.model import Correction, Tried
from digest.readers.answer import LONGEST_ANSWER, LONGEST_PLACE
from digest.store.corrections import MOST
from digest.transports.sendgrid.limits import SUBSTITUTION_BYTES
from digest.transports.sendgrid.payload import written
from tests.letter import sample
from tests.letter.test_form import filled
from tests.test_render import CROOKED, own_folder

SAVED = Correction(3, 7, "A shared list", "The saving was 3 %, not 30 %.")
AWKWARD = Correction(4, 8, "<b>%%email%%</b>", 'He said "100%% & more" {{ reader.email }} =3D ' + "word " * 40, True)
TOLD = replace(sample.READER, top_lines=(SAVED, AWKWARD))
LINKED = replace(TOLD, unsubscribe_url="https://digest.example.org/u/token")
CORRECTING = replace(sample.EDITION, corrects=True)
BLOCK = re.compile(r'<p class="ink correction"[^>]*>.*</p>\n')


@pytest.fixture(scope="module")
def letter() -> Letter:
    return compile_letter(CORRECTING, sample.entries(), sample.APPEARANCE)


def parts(letter: Letter, reader: ReaderFacts) -> tuple[bytes, bytes]:
    made = assemble(letter, sample.digest(), reader)
    return b"".join(made.html_pieces), b"".join(made.text_pieces)


def test_a_letter_without_corrections_is_the_same_byte_for_byte(letter: Letter) -> None:
    plain = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    assert parts(letter, sample.READER) == parts(plain, sample.READER)
    assert "correction" not in plain.html and parts(plain, TOLD) == parts(plain, sample.READER)


def test_corrections_stand_above_the_first_heading_each_with_its_words_only(letter: Letter) -> None:
    digest = sample.digest()
    without, layout = assemble(letter, digest, sample.READER), letter.memory.find(digest)
    made = assemble(letter, digest, TOLD)
    assert letter.memory.find(digest) is layout is not None, "the readers of a digest share its layout"
    html = made.html_text()
    first, second = BLOCK.findall(html)
    assert "font-size:16px" in first, "its style is inlined"
    assert "Correction to “A shared list”:</strong> <span>The saving was 3 %, not 30 %.</span>" in first
    assert "Withdrawn: “&lt;b&gt;%%email%%&lt;/b&gt;”.</strong> <span>He said" in second
    assert "100%% &amp; more" in second and "{{ reader.email }} =3D word" in second
    assert html.index(first) < html.index(second) < html.index("In your areas</h2>")
    assert BLOCK.sub("", html) == without.html_text()
    text = made.plain_text()
    line = "\nCorrection to “A shared list”: The saving was 3 %, not 30 %.\n"
    assert text.index(line) < text.index("IN YOUR AREAS")
    assert '100%% & more" {{ reader.email }} =3D' in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= max(72, *map(len, without.plain_text().splitlines()))


def test_they_are_in_the_words_of_the_readers_language() -> None:
    welsh = compile_letter(CORRECTING, sample.entries(), sample.APPEARANCE, "cy")
    html = assemble(welsh, sample.digest(), TOLD).html_text()
    assert 'Cywiriad i “A shared list”:</strong> <span lang="en" dir="ltr">The saving' in html
    assert "Tynnwyd yn ôl: “" in html


def test_what_a_place_tried_stands_below_them_and_its_words_fill_no_gap(letter: Letter) -> None:
    tried = Tried(5, 7, "A shared list", "Fife <b>%%name%%", 'We "kept" it {{ reader.email }}\u202e %%email%%.')
    html = assemble(letter, sample.digest(), replace(TOLD, top_lines=(SAVED, tried))).html_text()
    first, second = BLOCK.findall(html)
    assert "Correction to" in first
    assert "Fife &lt;b&gt;%%name%% tried “A shared list”:</strong> <span>We &quot;kept&quot; it {{ reader" in (
        second.replace('"kept"', "&quot;kept&quot;")
    )
    assert "%%email%%." in second and "\u202e" not in second
    welsh = compile_letter(CORRECTING, sample.entries(), sample.APPEARANCE, "cy")
    html = assemble(welsh, sample.digest(), replace(TOLD, top_lines=(tried,))).html_text()
    assert "%%name%% gynnig ar “A shared list”:" in html


def test_a_form_carries_them_as_values_and_readers_without_them_share_it(letter: Letter) -> None:
    blank = form(letter, sample.digest(), LINKED, random_stem())
    for reader in (LINKED, replace(LINKED, top_lines=()), replace(LINKED, top_lines=(SAVED,))):
        made = assemble(letter, sample.digest(), reader)
        assert filled(blank, values(letter, blank, reader)) == (made.html_text(), made.plain_text())
    assert "A shared list" not in filled(blank, [""] * len(blank.marks))[0]


@pytest.mark.parametrize(
    "longest",
    [
        Correction(1, 1, "国" * 500, "国" * LONGEST, True),
        Tried(1, 1, "国" * 500, "国" * LONGEST_PLACE, "国" * LONGEST_ANSWER),
    ],
)
def test_the_longest_that_a_letter_carries_fit_into_what_a_provider_takes(
    letter: Letter, longest: Correction | Tried
) -> None:
    reader = replace(LINKED, interests="Housing, " * 110, top_lines=(longest,) * MOST)
    blank = form(letter, sample.digest(), reader, random_stem())
    own = dict(zip(blank.marks, values(letter, blank, reader), strict=True))
    assert len(written(own).encode()) <= SUBSTITUTION_BYTES


@pytest.mark.long
def test_templates_that_look_at_their_neighbours_do_not_see_them(tmp_path: Path) -> None:
    own = own_folder(tmp_path / "own", CROOKED["first of its kind by style"])
    fast = compile_letter(CORRECTING, sample.entries(), replace(sample.APPEARANCE, templates=(own, sample.TEMPLATES)))
    slow, why = proven(fast, extremes(fast), TOLD)
    assert slow.apart and why
    verify(slow, sample.digest(), TOLD)
    html = assemble(slow, sample.digest(), TOLD).html_text()
    assert len(BLOCK.findall(html)) == 2
    assert BLOCK.sub("", html) == assemble(slow, sample.digest(), sample.READER).html_text()


@pytest.mark.long
def test_an_own_template_of_a_correction_has_no_gap_of_the_reader(tmp_path: Path) -> None:
    own = own_folder(tmp_path / "own", {"correction.html.j2": "<p>{{ part.text }} {{ reader.email }}</p>"})
    with pytest.raises(ConfigError, match="%%email%% cannot be filled here"):
        compile_letter(CORRECTING, sample.entries(), replace(sample.APPEARANCE, templates=(own, sample.TEMPLATES)))
