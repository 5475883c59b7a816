"""Turn a digest's letter into a form for providers that substitute values per recipient.

A form has a mark where the letter has a gap. The marks are drawn at random after the entries were written, so no
stranger's text can contain one, and `form` checks that each mark stands only in gaps. Replacing each mark of a form
by the reader's value gives the letter that `assemble` makes for that reader.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from digest.errors import DigestError
from digest.letter import views
from digest.letter.assemble import assemble, escaped
from digest.letter.blocks import Gap, ReaderFacts, decode, fill
from digest.letter.compile import Letter
from digest.model import Digest

_STEM_LETTERS = 18


@dataclass(frozen=True, slots=True)
class Form:
    """Hold a letter with marks. `marks` gives the gaps of each mark; for any reader they have the same value.

    `html` and `text` are decoded; lines end in a line feed.
    """

    subject: str
    html: str
    text: str
    marks: Mapping[str, tuple[Gap, ...]]
    shown: tuple[int, int]
    feedback_id: str = ""


def random_stem() -> str:
    """Return 18 random letters that nobody can guess; every mark of one form begins with them."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_STEM_LETTERS))


def form(letter: Letter, digest: Digest, reader: ReaderFacts, stems: Callable[[], str] = random_stem) -> Form:
    """Return a digest's letter with marks where its readers differ. `reader` is any of them.

    DigestError when the content contains the marks drawn for it three times, which does not happen by chance.
    """
    assembled = assemble(letter, digest, reader)
    layout = letter.memory.find(digest)
    if layout is None:
        raise DigestError(
            f"edition {letter.edition.id}: a digest's layout was forgotten while it was used; send again"
        )
    values = views.reader_values(reader, letter.book.words, letter.edition.cadence, layout.shown)
    for _ in range(3):
        stem = stems()
        marks = _marks(layout.gaps, stem, values)
        mark_of = {gap: mark for mark, gaps in marks.items() for gap in gaps}
        lines = [mark_of[gap].encode("ascii") + b"=\r\n" for gap in layout.gaps]
        html = decode(fill(layout.html, layout.html_gaps, lines))
        text = decode(fill(layout.text, layout.text_gaps, lines))
        everything = "\n".join((html, text, layout.subject, assembled.feedback_id))
        if everything.count(stem) == len(layout.html_gaps) + len(layout.text_gaps):
            return Form(layout.subject, html, text, marks, layout.shown, assembled.feedback_id)
    raise DigestError(f"edition {letter.edition.id}: its content holds the marks drawn for it; send again")


def values(letter: Letter, blank: Form, reader: ReaderFacts) -> dict[str, str]:
    """Return one reader's value for each mark of a form. ValueError when a link of the reader is unfit."""
    own = views.reader_values(reader, letter.book.words, letter.edition.cadence, blank.shown)
    substitutes = {}
    for mark, gaps in blank.marks.items():
        spellings = {escaped(gap.context, own[gap.name]) for gap in gaps}
        if len(spellings) > 1:
            raise ValueError(
                f"link {own[gaps[0].name][:80]!r} is spelt differently in html and in text; leave out its &"
            )
        substitutes[mark] = spellings.pop()
    return substitutes


def _marks(gaps: tuple[Gap, ...], stem: str, values: Mapping[str, str]) -> dict[str, tuple[Gap, ...]]:
    """Return the gaps under each mark.

    A link without & is spelt alike in every context, so its gaps share a mark, because each mark counts towards the
    limits of providers.
    """
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        alike = gap.name.endswith("_url") and "&" not in values[gap.name]
        groups.setdefault((gap.name, "" if alike else gap.context), []).append(gap)
    # All marks have the same length, so that no mark is part of another.
    pairs = (a + b for a in string.ascii_lowercase for b in string.ascii_lowercase)
    return {stem + pair: tuple(group) for pair, group in zip(pairs, groups.values(), strict=False)}
