"""The letters under test, made once for a run, and what is missing to test them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from digest.letter.assemble import assemble
from digest.letter.compile import compile_letter
from digest.letter.mime.compose import Head, compose
from digest.model import Correction, Entry, EntryEdit, Image
from tests.browser import letters, scenes
from tests.browser.every import Every, every, signed_in, stranger
from tests.browser.letters import Sample
from tests.browser.scenes import Scene
from tests.letter import sample

READERS, OF_REAL_FEEDS = 30, 12
_PICTURE = Image("https://example.org/ward.png", "A nurse and a social worker at one screen", 480, 270)
_CORRECTIONS = (
    Correction(1, 7, "A shared care record", "The saving was 3 %, not 30 %."),
    Correction(2, 8, "Two towns, one front door", "Its figures are being checked again.", withdrawn=True),
)
# What strangers could put into a title, a summary or a name, to break the letter or its layout.
AWKWARD = (
    "\u202e\u2067drawkcab \u202d and forwards",
    "A" * 10_000,
    "https://example.org/" + "averylongaddress" * 40,
    "zero\u200b" * 300,
    "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f 👩‍👩‍👧‍👦 " * 30,
    "</td></table></h4><script>alert(1)</script><b>bold",
    "{{ 7 * 7 }} {% raw %} %%email%% ${x} <%= y %>",
    "تبادل المعلومات بين المجالس والشرطة " * 4,
    "一個沒有空格的很長的標題" * 30,
    "line\r\nbreak\tand\x00nul\x1b[31m",
    "&lt;b&gt; &amp;amp; &#0;",
    "=3D=\r\n.\r\nFrom here",
)


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], None]:
    """Call it with what is lacking: skips the test, or fails it when DIGEST_REQUIRE_BROWSER=1."""

    def call(what: str) -> None:
        if scenes.REQUIRED:
            pytest.fail(f"{what}: {scenes.MISSING}")
        pytest.skip(f"{what}: {scenes.MISSING}")

    return call


@pytest.fixture(scope="module")
def put_back(
    tmp_path_factory: pytest.TempPathFactory, lacking: Callable[[str], None]
) -> Iterator[tuple[Every, tuple[Any, Any]]]:
    """A house with every page and form, to be put back; a page of an admin who is signed in, one of a stranger."""
    if not find_spec("playwright") or not scenes.chromium():
        lacking("no playwright or Chromium")
    with every(tmp_path_factory.mktemp("every")) as house:
        pages = signed_in(house), stranger(house)
        house.keep(*pages)
        yield house, pages


@pytest.fixture(scope="module")
def page_of(lacking: Callable[[str], None]) -> Iterator[Callable[[Scene], Any]]:
    """A function that gives a browser page for a scene."""
    if not find_spec("playwright") or not scenes.chromium() or not scenes.npm("axe-core/axe.min.js"):
        lacking("no playwright, Chromium or axe-core")
    with scenes.looking() as look:
        yield look


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Letters of thirty readers of the demo, of real feeds where there are any, and of the sample's entries.

    The sample's come as they are, in Welsh, with pictures, with awkward words in place of their own, in Welsh with
    corrections, and in Welsh with editors' words, calm and awkward.
    """
    folder = tmp_path_factory.mktemp("letters")
    made = letters.demo(folder / "demo", READERS)
    feeds = Path(__file__).parents[3] / "shared" / "data" / "feeds"
    if feeds.is_dir():
        made += letters.real(folder / "real", feeds, OF_REAL_FEEDS)
    elif os.environ.get("DIGEST_REQUIRE_SHARED") == "1":
        pytest.fail(f"no {feeds}")
    return [
        *made,
        _composed("sample", sample.entries()),
        _composed("welsh", sample.entries(), "cy"),
        _composed("pictured", [replace(entry, image=_PICTURE) for entry in sample.entries()]),
        _composed("awkward", awkward_entries()),
        _composed("corrected", sample.entries(), "cy", _CORRECTIONS),
        _composed("awkward-edits", edited_entries(), "cy"),
    ]


def awkward_entries() -> list[Entry]:
    """The sample's entries with titles, summaries and places that try to be something else."""
    return [
        replace(entry, title=trick, summary=trick, language=("ar", "zh", "cy", None)[number % 4])
        for number, (entry, trick) in enumerate(zip(sample.entries(), AWKWARD, strict=True))
    ]


def edited_entries() -> list[Entry]:
    """The sample's entries, half of them with a wording and a note of an editor, the others with awkward ones."""
    calm = EntryEdit("", "We say it in our words.", "Ann Lee", "Ask them.\nThey answer.\nWe did.", "Ann Lee")
    edits = [
        calm if number % 2 else replace(calm, summary=trick[:300], worded_by=trick, note=trick, note_by=trick)
        for number, trick in enumerate(AWKWARD)
    ]
    return [
        replace(entry, summary=edit.summary, edit=edit) for entry, edit in zip(sample.entries(), edits, strict=True)
    ]


def _composed(
    name: str, entries: list[Entry], language: str = "en", corrections: tuple[Correction, ...] = ()
) -> Sample:
    asked = "Who has what you wait for?" if any(entry.edit for entry in entries) else ""
    edition = replace(sample.EDITION, corrects=bool(corrections), question=asked)
    letter = compile_letter(edition, entries, sample.APPEARANCE, language=language)
    made = assemble(letter, sample.digest(), replace(sample.READER, top_lines=corrections))
    message = compose(
        made,
        Head(
            sample.SITE,
            to=sample.READER.email,
            message_id=f"<{name}@news.example.org>",
            date=entries[0].first_seen,
            list_id="weekly.news.example.org",
            unsubscribe_url=sample.READER.unsubscribe_url,
        ),
    )
    return Sample(name, made.subject, made.html_text(), made.plain_text(), message)
