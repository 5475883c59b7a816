"""Forms: with the marks replaced they equal the reader's letter, and no word of an entry is ever replaced."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from digest.errors import DigestError
from digest.letter.assemble import assemble
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import Letter, compile_letter
from digest.letter.form import Form, form, random_stem, values
from tests.letter import sample
from tests.letter.test_assemble import NAMES, awkward_entries

# Text that some provider would replace; replaced in a link, it would leak a reader's address to the linked site.
TRICKS = (
    "-name- %name% %%name%% {{name}} {{{name}}} *|FNAME|* [Unsubscribe] [unsubscribe]"
    " <%asm_group_unsubscribe_raw_url%> <%asm_preferences_raw_url%> %%intro%% -email- [%name%] #name# {name} ${name}"
)


@pytest.fixture(scope="module")
def letter() -> Letter:
    return compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)


def filled(blank: Form, own: dict[str, str]) -> tuple[str, str]:
    html, text = blank.html, blank.text
    for mark, value in own.items():
        html, text = html.replace(mark, value), text.replace(mark, value)
    return html, text


def readers() -> list[ReaderFacts]:
    plain = replace(sample.READER, unsubscribe_url="https://digest.example.org/u/token")
    return [replace(plain, name=name, interests=interests) for name in NAMES for interests in ("", plain.interests)]


def test_a_form_filled_is_the_very_letter(letter: Letter) -> None:
    everyone = readers()
    blank = form(letter, sample.digest(), everyone[0])
    for reader in everyone:
        made = assemble(letter, sample.digest(), reader)
        assert filled(blank, values(letter, blank, reader)) == (made.html_text(), made.plain_text())
        assert (blank.subject, blank.feedback_id) == (made.subject, made.feedback_id)


def test_a_form_of_awkward_entries_filled_is_the_very_letter() -> None:
    dice, pool = random.Random(7), awkward_entries()
    made = compile_letter(sample.EDITION, pool, sample.APPEARANCE)
    for _ in range(25):
        digest = sample.random_digest(dice, pool)
        reader = replace(sample.READER, name=dice.choice(NAMES))
        blank = form(made, digest, reader)
        whole = assemble(made, digest, reader)
        assert filled(blank, values(made, blank, reader)) == (whole.html_text(), whole.plain_text())


def test_text_that_providers_replace_stays_as_it_was_written() -> None:
    entries = [replace(e, title=f"{TRICKS} {e.id}", summary=TRICKS, source=TRICKS[:60]) for e in sample.entries()]
    made = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    blank = form(made, sample.digest(), sample.READER)
    whole = assemble(made, sample.digest(), sample.READER)
    own = values(made, blank, sample.READER)
    assert filled(blank, own) == (whole.html_text(), whole.plain_text())
    assert "<%asm_group_unsubscribe_raw_url%>" in whole.plain_text().replace("\n", " ")
    assert not any(mark in TRICKS or trick == mark for mark in own for trick in TRICKS.split())


def test_few_marks_and_equal_ones_share(letter: Letter) -> None:
    plain = readers()[0]
    blank = form(letter, sample.digest(), replace(plain, pause_url="https://digest.example.org/p/x"))
    names = [{gap.name for gap in gaps} for gaps in blank.marks.values()]
    assert all(len(name) == 1 for name in names)
    assert len(blank.marks) <= 11 and sum(map(len, blank.marks.values())) > len(blank.marks)


def test_a_link_with_an_ampersand_has_a_mark_for_each_spelling(letter: Letter) -> None:
    blank = form(letter, sample.digest(), sample.READER)
    spelt = {value for mark, value in values(letter, blank, sample.READER).items() if "/u/" in value}
    assert spelt == {sample.READER.unsubscribe_url, sample.READER.unsubscribe_url.replace("&", "&amp;")}


def test_a_link_that_fits_one_mark_for_others_but_not_here_is_refused(letter: Letter) -> None:
    blank = form(letter, sample.digest(), readers()[0])
    with pytest.raises(ValueError, match="leave out its &"):
        values(letter, blank, sample.READER)


def test_marks_that_the_content_holds_are_drawn_again() -> None:
    stolen = "stolenstolenstolen"
    entries = [replace(e, title=f"{e.title} {stolen}aa") for e in sample.entries()]
    made = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    draws = iter([stolen, stolen, "freshfreshfreshfre"])
    blank = form(made, sample.digest(), sample.READER, lambda: next(draws))
    assert all(mark.startswith("fresh") for mark in blank.marks)
    with pytest.raises(DigestError, match="send again"):
        form(made, sample.digest(), sample.READER, lambda: stolen)


def test_marks_cannot_be_guessed(letter: Letter) -> None:
    stems = {random_stem() for _ in range(200)}
    assert len(stems) == 200 and all(len(stem) == 18 and stem.isalpha() and stem.islower() for stem in stems)
    first, second = (form(letter, sample.digest(), sample.READER) for _ in "ab")
    assert not set(first.marks) & set(second.marks)
