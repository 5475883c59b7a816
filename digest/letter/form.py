"""One digest's letter as a form with marks, and each reader's values for them; filling it gives the very letter.

For transports whose provider fills the gaps: a mark is drawn at random for each form, after the entries were
written, so that no stranger's text can hold one; and it stands exactly where the letter has its gaps, which is
checked. What strangers wrote is never a mark, and no value of a reader's may hold one.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from digest.errors import DigestError
from digest.letter import views
from digest.letter.assemble import assemble
from digest.letter.blocks import Gap, ReaderFacts, decode
from digest.letter.compile import Letter
from digest.model import Digest

_LETTERS = 18


@dataclass(frozen=True, slots=True)
class Form:
    """A letter with marks. `marks` gives each mark's slots, whose values are the same for any reader.

    Its parts are decoded text, lines ended by a line feed.
    """

    subject: str
    html: str
    text: str
    marks: Mapping[str, tuple[Gap, ...]]
    shown: tuple[int, int]
    feedback_id: str = ""


def random_stem() -> str:
    """Return letters that nobody can guess; every mark of one form begins with them."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_LETTERS))


def form(letter: Letter, digest: Digest, reader: ReaderFacts, stems: Callable[[], str] = random_stem) -> Form:
    """Return a digest's letter with marks where its readers differ. `reader` is any of them.

    DigestError when the marks cannot be kept apart from the content, which chance alone does not bring about.
    """
    made = assemble(letter, digest, reader)
    plan = letter.memory.find(digest)
    if plan is None:
        raise DigestError(f"edition {letter.edition.id}: a digest's plan was forgotten while it was used; send again")
    own = views.reader_values(reader, letter.book.words, letter.edition.cadence, plan.shown)
    for _ in range(3):
        stem = stems()
        marks = _marks(plan.slots, stem, own)
        of = {slot: mark for mark, slots in marks.items() for slot in slots}
        wire = {slot: of[slot].encode("ascii") + b"=\r\n" for slot in plan.slots}
        html = _joined(plan.html, plan.html_gaps, [wire[slot] for slot in plan.slots])
        text = _joined(plan.text, plan.text_gaps, [wire[slot] for slot in plan.slots])
        everywhere = "\n".join((html, text, plan.subject, made.feedback_id))
        if everywhere.count(stem) == len(plan.html_gaps) + len(plan.text_gaps):
            return Form(plan.subject, html, text, marks, plan.shown, made.feedback_id)
    raise DigestError(f"edition {letter.edition.id}: its content holds the marks drawn for it; send again")


def values(letter: Letter, blank: Form, reader: ReaderFacts) -> dict[str, str]:
    """Return one reader's value for each mark of a form; ValueError for an unfit link.

    Replacing each mark by its value gives the letter that `assemble` makes for them.
    """
    own = views.reader_values(reader, letter.book.words, letter.edition.cadence, blank.shown)
    found = {}
    for mark, slots in blank.marks.items():
        spelt = {_spelt(slot, own[slot.name]) for slot in slots}
        if len(spelt) > 1:
            raise ValueError(
                f"link {own[slots[0].name][:80]!r} reads otherwise in html than in text; leave out its &"
            )
        found[mark] = spelt.pop()
    return found


def _marks(slots: tuple[Gap, ...], stem: str, own: Mapping[str, str]) -> dict[str, tuple[Gap, ...]]:
    """Return the slots under each mark. A link without & has one for all its places: each counts."""
    under: dict[tuple[str, str], list[Gap]] = {}
    for slot in slots:
        alike = slot.name.endswith("_url") and "&" not in own[slot.name]
        under.setdefault((slot.name, "" if alike else slot.place), []).append(slot)
    # All equally long, so that none is part of another.
    pairs = (a + b for a in string.ascii_lowercase for b in string.ascii_lowercase)
    return {stem + pair: tuple(some) for pair, some in zip(pairs, under.values(), strict=False)}


def _spelt(slot: Gap, value: str) -> str:
    if slot.place == "plain":
        return views.wrapped(value)
    value = escape(value, quote=False)
    return value.replace('"', "&quot;") if slot.place == "attribute" else value


def _joined(pieces: tuple[bytes, ...], gaps: tuple[tuple[int, int], ...], filled: list[bytes]) -> str:
    own = list(pieces)
    for at, slot in gaps:
        own[at] = filled[slot]
    return decode(b"".join(own))
