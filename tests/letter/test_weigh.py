"""The bound of a letter's size by its texts: never below the size of the compiled letter, and its use in a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from digest.config.load import load
from digest.letter.assemble import assemble
from digest.letter.blocks import Gap
from digest.letter.compile import Letter, compile_letter
from digest.letter.weigh import card_bytes, frame_bytes, text_bytes
from digest.model import (
    CASE_STUDY,
    Digest,
    Edition,
    Entry,
    EntryEdit,
    Group,
    Image,
    Ingredient,
    NamedLink,
    Placed,
    Reason,
    Section,
)
from digest.render import fitting
from tests.counts import table
from tests.house import CONFIG
from tests.letter import sample

CLIPPED = 102_400
LONG = "https://www.example.org/" + "a?b=c&d=" * 240
ALSO = (NamedLink("N" * 120, LONG), NamedLink("صحيفة " * 20, LONG))
POST = next(entry for entry in sample.entries() if entry.kind != CASE_STUDY)
STUDY = next(entry for entry in sample.entries() if entry.kind == CASE_STUDY)
EDITION = Edition(1, "weekly", "2026-11-20", "approved", False, "", 99, "")
TOLD = tuple(
    Ingredient(name, text, (), "Zoë 🏠 Lee " * 5) for name, text in (("did", "=&<\"'" * 60), ("changed", "ж" * 300))
)


def texts(text: str) -> Entry:
    return replace(
        POST, title=text * 200, summary=text * 300, source=text * 80, facets=replace(POST.facets, place=text * 60)
    )


HEAVY = {
    "plain": POST,
    "study": STUDY,
    "emoji": texts("🏠"),
    "Arabic": replace(texts("ع"), language="ar", url=LONG, also_at=ALSO),
    "escapes": texts("&"),
    "quotes": texts("\""),
    "music, which NFC makes longer": texts("\U0001d160"),
    "invisible first": replace(POST, title="\u200b" * 900 + "🏠" * 200, summary="\u200b" * 900 + "я" * 300),
    "links": replace(POST, url=LONG, also_at=ALSO, earlier=NamedLink("E" * 120, LONG)),
    "notes": replace(POST, edit=EntryEdit("T", "S" * 300, "Ann 🏠" * 9, "ф\n" * 300, "Ann Lee")),
    "told": replace(STUDY, ingredients=TOLD, also_at=ALSO, image=Image(LONG, "🏠" * 200, 400, 300), language="cy"),
}  # fmt: skip


def size_of(letter: Letter, *keys: object) -> int:
    """Return the bytes of blocks on the wire, without their gaps."""
    return sum(len(piece) for key in keys for piece in letter.html.get(key, ()) if not isinstance(piece, Gap))  # type: ignore[call-overload]


@pytest.mark.parametrize("language", ["en", "cy"])
def test_no_card_is_heavier_than_its_bound(language: str) -> None:
    entries = [replace(entry, id=number) for number, entry in enumerate(HEAVY.values(), 1)]
    letter = compile_letter(replace(sample.EDITION, question="Why? " * 60), entries, sample.APPEARANCE, language)
    for name, entry in zip(HEAVY, entries, strict=True):
        places = [("areas", entry.id), *([("elsewhere", entry.id)] if entry.kind == CASE_STUDY else [])]
        for place in places:
            assert size_of(letter, place, ("step", entry.id)) <= card_bytes(entry), (name, place)
    shell = (
        "head",
        "foot",
        "more",
        "question",
        "carried",
        ("section", "areas"),
        ("section", "elsewhere"),
        ("step", 0),
    )
    facts = sample.EDITION
    own = (facts.note, facts.step, "Why? " * 60, sample.SITE.name, sample.SITE.postal_address)
    assert size_of(letter, *shell) + 4_000 <= frame_bytes(EDITION, own), "with room for gaps"
    assert max(size_of(letter, key) for key in letter.html if key[0] == "group") <= 1_000


def digest_of(entries: list[Entry]) -> Digest:
    placed = tuple(Placed(entry.id, Reason("area", "housing", "wales")) for entry in entries)
    return Digest((Section("areas", (Group("housing", placed),)),))


@pytest.fixture(scope="module")
def shortened(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[int, Entry], tuple[Digest, Digest | None, list[Entry]]]:
    """A function that fits a digest of so many entries like one; None where nothing was to be compiled."""
    config = tmp_path_factory.mktemp("weigh") / "config.toml"
    config.write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    settings = load(config, {})

    def call(count: int, like: Entry) -> tuple[Digest, Digest | None, list[Entry]]:
        entries = [replace(like, id=number, url=like.url and f"{like.url}{number}") for number in range(1, count + 1)]
        shorten = fitting(replace(settings, letter_cap=count), EDITION, entries)
        whole = digest_of(entries)
        return whole, shorten(whole) if shorten else None, entries

    return call


@table(
    "name, count, shorter",
    [
        ("links", 12, True),
        ("emoji", 12, True),
        ("Arabic", 12, True),
        ("told", 12, True),
        ("notes", 25, True),
        ("escapes", 6, None),
        ("plain", 12, None),
        ("plain", 22, None),
        ("plain", 26, False),
        ("study", 8, None),
    ],
)
def test_a_letter_is_measured_whatever_its_cap(
    shortened: Callable[[int, Entry], tuple[Digest, Digest | None, list[Entry]]],
    name: str,
    count: int,
    shorter: bool | None,
) -> None:
    whole, fitted, entries = shortened(count, HEAVY[name])
    assert (fitted is None) if shorter is None else (fitted is not None and (fitted is not whole) == shorter)
    letter = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    made = assemble(letter, fitted or whole, sample.READER)
    wire, html = sum(map(len, made.html_pieces)), len(made.html_text().encode())
    assert max(wire, html) < CLIPPED
    if shorter:
        assert fitted is not None and fitted.more == count - len(fitted.placed) > 0
        assert max(wire / 1.2, html) > 0.7 * 81_920, "no more is left out than must be"


@table("text, least", [("abc", 3), ("=", 3), ("&", 5), ("é", 6), ("🏠", 12), ("\u200b" * 9 + "é", 6), ("", 0)])
def test_a_text_is_bounded(text: str, least: int) -> None:
    assert text_bytes(text) >= least
    assert text_bytes(text * 50, 50) >= least
