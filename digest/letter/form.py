"""Turn a digest's letter into a form for providers that substitute values per recipient.

A form has a mark where the letter has a gap, or where a link in a gap has its token. The marks begin with letters
drawn at random after the entries were written, so that no stranger's text can contain one, and `form` checks that it
does not. Replacing each mark of a form by the reader's value gives the letter that `assemble` makes for that reader.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from digest.errors import DigestError
from digest.letter import views
from digest.letter.assemble import assemble, escaped, lines_written
from digest.letter.blocks import CORRECTION_GAPS, GAPS, Gap, ReaderFacts, decode, fill
from digest.letter.compile import Letter
from digest.letter.mime import quoted_printable
from digest.model import Digest

_STEM_LETTERS = 18


class MarkedGap(NamedTuple):
    """Name a gap that has a mark in it, and what stands there `before` and `after` the mark for every reader."""

    gap: Gap
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """Hold a letter with marks. `marks` gives the gaps of each mark; for any reader they need the same value.

    `html` and `text` are pieces of quoted-printable, as in `Assembled`, most of them shared with other letters.
    """

    subject: str
    html: Sequence[bytes]
    text: Sequence[bytes]
    marks: Mapping[str, tuple[MarkedGap, ...]]
    shown: tuple[int, int]
    feedback_id: str = ""


def random_stem() -> str:
    """Return 18 random letters that nobody can guess; every mark of a form begins with them."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_STEM_LETTERS))


def form(letter: Letter, digest: Digest, reader: ReaderFacts, stem: str) -> Form:
    """Return a digest's letter with marks where its readers differ. `reader` is any of them.

    The marks begin with `stem`, from `random_stem`, or with another one should the content hold it.
    """
    if letter.memory.find(digest) is None:
        assemble(letter, digest, reader)
    layout = letter.memory.find(digest)
    if layout is None:
        raise DigestError(
            f"edition {letter.edition.id}: a digest's layout was forgotten while it was used; send again"
        )
    while stem in layout.subject or any(_holds(piece, stem) for piece in (*layout.html, *layout.text)):
        stem = random_stem()
    marks = _marks(layout.gaps, stem, _own(letter, reader, layout.shown))
    lines = {
        gap: quoted_printable.encode(before + mark + after)
        for mark, gaps in marks.items()
        for gap, before, after in gaps
    }
    in_order = [lines.get(gap, b"") for gap in GAPS]
    html, text = (
        fill(part, gaps, in_order)
        for part, gaps in ((layout.html, layout.html_gaps), (layout.text, layout.text_gaps))
    )
    return Form(layout.subject, html, text, marks, layout.shown, layout.feedback_id)


def values(letter: Letter, blank: Form, reader: ReaderFacts) -> tuple[str, ...]:
    """Return a reader's values for the marks of a form, in their order. ValueError when a link of theirs is unfit."""
    own = _own(letter, reader, blank.shown)
    ready: dict[Gap, str] = {}
    if letter.edition.corrects:
        written = lines_written(letter, reader.top_lines)
        ready = {gap: decode((value,)) for gap, value in zip(CORRECTION_GAPS, written, strict=True)}
    return tuple(_value(gaps, own, ready) for gaps in blank.marks.values())


def _own(letter: Letter, reader: ReaderFacts, shown: tuple[int, int]) -> dict[str, str]:
    """Return a reader's words and links by the names of their gaps."""
    return views.reader_values(reader, letter.book.words, letter.edition.cadence, shown)


def _value(gaps: Sequence[MarkedGap], own: Mapping[str, str], ready: Mapping[Gap, str]) -> str:
    """Return the value that one mark stands for in all of its gaps; `ready` are those that need no escaping."""
    spellings = set()
    for gap, before, after in gaps:
        value = ready[gap] if gap in ready else escaped(gap.context, own[gap.name])
        if not (value.startswith(before) and value.endswith(after)):
            raise ValueError(f"the link {gap.name} is made in another way than those of other readers")
        spellings.add(value[len(before) : len(value) - len(after)])
    if len(spellings) > 1:
        raise ValueError(f"the link {gaps[0].gap.name} is spelt differently in html and in text; leave out its &")
    return spellings.pop()


def _marks(gaps: Sequence[Gap], stem: str, values: Mapping[str, str]) -> dict[str, tuple[MarkedGap, ...]]:
    """Return the gaps of each mark.

    A link without & is spelt alike in every context, and several links have the same token. Their gaps share a mark,
    because a provider takes so many marks a request: with up to 10, a thousand readers fit into one.
    """
    groups: dict[tuple[str, str], list[MarkedGap]] = {}
    for gap in gaps:
        if gap.name.endswith("_url") and "&" not in (value := values[gap.name]):
            path, slash, last = value.rpartition("/")
            token, sign, anchor = last.partition("#")
            groups.setdefault(("", token), []).append(MarkedGap(gap, path + slash, sign + anchor))
        else:
            groups.setdefault(gap, []).append(MarkedGap(gap))
    # All marks have the same length, so that no mark is part of another.
    pairs = (a + b for a in string.ascii_lowercase for b in string.ascii_lowercase)
    return {stem + pair: tuple(group) for pair, group in zip(pairs, groups.values(), strict=False)}


# Remembered, because the letters of an edition share most of their pieces.
@lru_cache(maxsize=2048)
def _holds(piece: bytes, stem: str) -> bool:
    """Return whether a piece of quoted-printable says `stem`, also where a line break cuts it."""
    return stem in decode((piece,))
