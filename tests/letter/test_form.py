"""Forms: with the marks replaced they equal the reader's letter, and no word of an entry is ever replaced."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from digest.letter.assemble import assemble
from digest.letter.blocks import ReaderFacts, decode
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


def filled(blank: Form, own: Sequence[str]) -> tuple[str, str]:
    html, text = decode(blank.html), decode(blank.text)
    for mark, value in zip(blank.marks, own, strict=True):
        html, text = html.replace(mark, value), text.replace(mark, value)
    return html, text


def readers() -> list[ReaderFacts]:
    plain = replace(sample.READER, unsubscribe_url="https://digest.example.org/u/token")
    return [replace(plain, name=name, interests=interests) for name in NAMES for interests in ("", plain.interests)]


def test_a_form_filled_is_the_very_letter(letter: Letter) -> None:
    everyone = readers()
    blank = form(letter, sample.digest(), everyone[0], random_stem())
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
        blank = form(made, digest, reader, random_stem())
        whole = assemble(made, digest, reader)
        assert filled(blank, values(made, blank, reader)) == (whole.html_text(), whole.plain_text())


def test_text_that_providers_replace_stays_as_it_was_written() -> None:
    entries = [replace(e, title=f"{TRICKS} {e.id}", summary=TRICKS, source=TRICKS[:60]) for e in sample.entries()]
    made = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    blank = form(made, sample.digest(), sample.READER, random_stem())
    whole = assemble(made, sample.digest(), sample.READER)
    own = values(made, blank, sample.READER)
    assert filled(blank, own) == (whole.html_text(), whole.plain_text())
    assert "<%asm_group_unsubscribe_raw_url%>" in whole.plain_text().replace("\n", " ")
    assert not any(mark in TRICKS or trick == mark for mark in blank.marks for trick in TRICKS.split())


def test_few_marks_so_that_1000_readers_fit_into_a_request(letter: Letter) -> None:
    """SendGrid takes 10,000 substitutions a request, also of letters that end in "3 more"."""
    base = "https://digest.example.org"
    links = {"unsubscribe_url": f"{base}/unsubscribe/t1", "preferences_url": f"{base}/preferences/t2"}
    links |= {
        "pause_url": f"{base}/pause/t2",
        "browser_url": f"{base}/letters/t3",
        "more_url": f"{base}/letters/t3#more",
    }
    reader = replace(sample.READER, **links)
    blank = form(letter, replace(sample.digest(), more=3), reader, random_stem())
    assert any(gap.name == "more_url" for gaps in blank.marks.values() for gap, *_ in gaps)
    assert len(blank.marks) <= 9
    assert {"t1", "t2", "t3"} <= set(values(letter, blank, reader))
    whole = assemble(letter, replace(sample.digest(), more=3), reader)
    assert filled(blank, values(letter, blank, reader)) == (whole.html_text(), whole.plain_text())


def test_a_link_that_is_made_in_another_way_than_those_of_others_is_refused(letter: Letter) -> None:
    plain = readers()[0]
    blank = form(letter, sample.digest(), plain, random_stem())
    for other in ("https://other.example.org/p/token", "https://digest.example.org/p/two/parts"):
        with pytest.raises(ValueError, match="preferences_url"):
            values(letter, blank, replace(plain, preferences_url=other))


def test_a_link_with_an_ampersand_has_a_mark_for_each_spelling(letter: Letter) -> None:
    blank = form(letter, sample.digest(), sample.READER, random_stem())
    spelt = {value for value in values(letter, blank, sample.READER) if "/u/" in value}
    assert spelt == {sample.READER.unsubscribe_url, sample.READER.unsubscribe_url.replace("&", "&amp;")}


def test_a_link_that_fits_one_mark_for_others_but_not_here_is_refused(letter: Letter) -> None:
    blank = form(letter, sample.digest(), readers()[0], random_stem())
    with pytest.raises(ValueError, match="leave out its &"):
        values(letter, blank, sample.READER)


def test_marks_that_the_content_holds_are_drawn_again() -> None:
    stolen = "stolenstolenstolen"
    entries = [replace(e, title=f"{e.title} {stolen}aa") for e in sample.entries()]
    made = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    blank = form(made, sample.digest(), sample.READER, stolen)
    assert len(blank.marks) > 5 and not any(mark.startswith(stolen) for mark in blank.marks)


def test_marks_cannot_be_guessed(letter: Letter) -> None:
    stems = {random_stem() for _ in range(200)}
    assert len(stems) == 200 and all(len(stem) == 18 and stem.isalpha() and stem.islower() for stem in stems)
    first, second = (form(letter, sample.digest(), sample.READER, random_stem()) for _ in "ab")
    assert not set(first.marks) & set(second.marks)
