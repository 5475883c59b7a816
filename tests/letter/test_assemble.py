"""Letters from blocks equal letters rendered as a whole; readers of a digest share a layout, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from digest.errors import DigestError
from digest.letter.assemble import assemble, verify
from digest.letter.blocks import Layouts
from digest.letter.compile import Letter, compile_letter
from digest.model import Digest, Entry, Group, Placed, Reason, Section
from tests.counts import few_and_many
from tests.letter import sample
from tests.letter.reading import Page

NAMES = [
    "",
    "Ceri",
    'O\'Brien "Bo"',
    "<b>%%email%%</b> & co",
    "{{ reader.email }}",
    "Siân 🏴",
    "a" * 300,
    ".",
    "From",
]

HOUSING_ONLY = Digest((Section("areas", (sample.group("housing", 4),)),))


@pytest.fixture(scope="module")
def letter() -> Letter:
    return compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)


def awkward_entries() -> list[Entry]:
    """Return the sample's entries, and as many again whose words look like markup, tokens or encoding."""
    tricks = ["100%% %%reason%%", "<b>&lt;", '"it\'s"', "{{ 7 * 7 }}{% raw %}", "\u202eabc", "x" * 500, "=3D\n.\r\n"]
    plain = sample.entries()
    awkward = [
        replace(entry, id=entry.id + 100, title=f"{tricks[i % 7]} {entry.title}", summary=tricks[(i + 3) % 7] * 9)
        for i, entry in enumerate(plain)
    ]
    return plain + awkward


def check_random(count: int, seed: int, language: str = "en") -> None:
    dice = random.Random(seed)
    pool = awkward_entries()
    made = compile_letter(sample.EDITION, pool, sample.BRANDED, language=language)
    for _ in range(count):
        reader = replace(
            sample.READER,
            name=dice.choice(NAMES),
            interests=dice.choice(["Housing", "Housing & <Homes>, in Wales, " * 9, ""]),
            more_url=dice.choice(["", "https://digest.example.org/more?a=1&b=%25%25" + "c" * 200]),
        )
        verify(made, sample.random_digest(dice, pool), reader)


@few_and_many(10, 150)
def test_random_letters_equal_letters_rendered_whole(count: int) -> None:
    check_random(count, seed=2026)


@pytest.mark.proof
@pytest.mark.parametrize("language", ["en", "cy"])
def test_a_thousand_random_letters_equal_letters_rendered_whole(language: str) -> None:
    check_random(1000, seed=47, language=language)


def test_the_check_sees_a_template_that_looks_at_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "inlined.css").write_text("table + table + table { color: red }", encoding="utf-8")
    crooked = compile_letter(
        sample.EDITION, sample.entries(), replace(sample.APPEARANCE, templates=(tmp_path, sample.TEMPLATES))
    )
    with pytest.raises(DigestError, match="assembled html part differs"):
        for digest in (sample.digest(), HOUSING_ONLY):
            verify(crooked, digest, sample.READER)


def test_the_check_passes_the_shipped_templates(letter: Letter) -> None:
    for digest in (sample.digest(), HOUSING_ONLY):
        verify(letter, digest, sample.READER)


def test_readers_of_one_digest_differ_only_in_their_own_words(letter: Letter) -> None:
    other = replace(
        sample.READER, name="Jo", email="jo@charity.example", unsubscribe_url="https://digest.example.org/u/2"
    )
    ours = assemble(letter, sample.digest(), sample.READER)
    theirs = assemble(letter, sample.digest(), other)
    assert ours.subject == theirs.subject
    assert "ceri.morgan@council.example" not in theirs.html_text() + theirs.plain_text()
    assert theirs.html_text().count("jo@charity.example") == 1
    assert theirs.plain_text().count("https://digest.example.org/u/2\n") == 2


def test_the_readers_of_a_digest_share_a_layout_and_old_layouts_are_forgotten() -> None:
    made = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    made = replace(made, memory=Layouts(limit=2))
    digest = sample.digest()
    assemble(made, digest, sample.READER)
    layout = made.memory.find(digest)
    assemble(made, digest, replace(sample.READER, name="Jo"))
    assert layout is not None and made.memory.find(digest) is layout
    for number in (1, 2, 3):
        assemble(made, Digest((Section("areas", (sample.group("housing", number),)),)), sample.READER)
    assert len(made.memory.layouts) == 2
    assert made.memory.find(digest) is None


def test_more_is_counted_with_a_link_only_when_there_is_more(letter: Letter) -> None:
    with_more = assemble(letter, sample.digest(), replace(sample.READER, more_url="https://digest.example.org/more"))
    assert ("https://digest.example.org/more", "See the other 3") in Page(with_more.html_text()).links
    assert "3 more entries matched what you follow." in with_more.plain_text()
    without = assemble(letter, replace(sample.digest(), more=0), sample.READER)
    assert "more entries" not in without.html_text() + without.plain_text()


def test_from_elsewhere_is_a_section_of_its_own_that_says_why(letter: Letter) -> None:
    page = Page(assemble(letter, sample.digest(), sample.READER).html_text())
    headings = [text for _, text in page.headings]
    far = headings.index("From elsewhere")
    assert headings[far + 1] == "Wearbridge's rent arrears call that starts with a cup of tea"
    assert [level for level, _ in page.headings][far : far + 2] == [2, 3]
    assert "ingredients rather than the recipe" in page.text
    assert "From elsewhere" not in Page(assemble(letter, HOUSING_ONLY, sample.READER).html_text()).text


def test_an_entry_that_the_letter_was_not_compiled_with_is_an_error(letter: Letter) -> None:
    for section, entry in (("areas", 999), ("elsewhere", 2)):
        digest = Digest((Section(section, (Group("", (Placed(1, Reason("area")), Placed(entry, Reason("area")))),)),))
        with pytest.raises(DigestError, match=r"edition 47: the letter was compiled without"):
            assemble(letter, digest, sample.READER)


def test_an_empty_digest_has_no_letter(letter: Letter) -> None:
    with pytest.raises(DigestError, match="has no letter"):
        assemble(letter, Digest(()), sample.READER)


@pytest.mark.parametrize(
    "url", ["", "/u/1", "javascript:alert(1)", "https://x.example/a b", "https://x.example/é", 'https://x.example/"']
)
def test_an_unfit_link_of_ours_is_refused(letter: Letter, url: str) -> None:
    with pytest.raises(ValueError, match="not an absolute"):
        assemble(letter, sample.digest(), replace(sample.READER, unsubscribe_url=url))


def test_a_subject_of_the_editor_stands(letter: Letter) -> None:
    own = replace(letter, edition=replace(sample.EDITION, subject="Winter\r\nBcc: x@example.org"), memory=Layouts())
    made = assemble(own, sample.digest(), sample.READER)
    assert made.subject == "Winter Bcc: x@example.org"
    assert "<title>Winter Bcc: x@example.org</title>" in made.html_text()
