"""Assemble one reader's letter from the blocks of a compiled letter, without rendering or encoding anything twice.

Assembling gives the right letter as long as each template and style rule depends on its own part only. `proven` tests
that with digests chosen to show a dependence; if a difference shows, it returns a letter that is compiled digest by
digest instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape

from digest.errors import ConfigError, DigestError
from digest.letter import views
from digest.letter.blocks import Assembled, BlockKey, Blocks, Gap, Layout, Layouts, ReaderFacts, fill
from digest.letter.compile import Letter, compile_digest, render_whole
from digest.letter.mime import quoted_printable
from digest.letter.words import counts
from digest.model import CASE_STUDY, Digest, Group, Placed, Reason, Section

# All other values are sentences that readers share, and are encoded once.
_OWN = frozenset({"email", "unsubscribe_url", "preferences_url", "pause_url", "browser_url", "more_url"})


def assemble(letter: Letter, digest: Digest, reader: ReaderFacts) -> Assembled:
    """Return one reader's letter. Readers of the same digest share everything but their own words and links.

    DigestError when the digest places an entry that the letter was not compiled with; ValueError when a
    link of the reader is not an absolute http(s) address in printable ASCII.
    """
    layout = _layout(letter, digest)
    values = views.reader_values(reader, letter.book.words, letter.edition.cadence, layout.shown)
    lines = _lines(layout.gaps, values)
    return Assembled(
        layout.subject,
        fill(layout.html, layout.html_gaps, lines),
        fill(layout.text, layout.text_gaps, lines),
        layout.feedback_id,
    )


def verify(letter: Letter, digest: Digest, reader: ReaderFacts) -> None:
    """Raise DigestError unless the assembled letter equals the letter that is rendered and inlined as a whole.

    It costs one inlining: use it in tests, and for a few digests when an edition is frozen.
    """
    difference = _difference(letter, digest, reader)
    if difference:
        raise DigestError(
            f"edition {letter.edition.id}: {difference}; a template rule or condition looks beyond its own part: "
            "keep each part independent of its neighbours"
        )


def proven(letter: Letter, digests: Iterable[Digest], reader: ReaderFacts) -> tuple[Letter, str]:
    """Return a letter that is right for `digests`, and the difference that made it slow ("" when it stays fast).

    A slow letter is compiled digest by digest. ConfigError when even that letter differs from the one rendered as a
    whole, because then a template has a condition on a reader's own words, and only rendering each reader's letter
    by itself could obey it.
    """
    for digest in digests:
        difference = "" if letter.apart else _difference(letter, digest, reader)
        if difference:
            slow = replace(letter, apart=True, memory=Layouts(alike=True))
            if remaining := _difference(slow, digest, reader):
                raise ConfigError(
                    [f"letter templates: {remaining}; a condition must not ask for a reader's own words"]
                )
            return slow, difference
    return letter, ""


def extremes(letter: Letter) -> list[Digest]:
    """Return trial digests of the letter's own entries: as full as possible, in reverse order, as small as possible.

    A template that depends on a part's neighbours or number gives different html in at least one of them.
    """
    areas = [*dict.fromkeys(slug for e in letter.book.entries.values() for slug in e.facets.policy_areas), ""][:2]
    ids = list(letter.book.entries)[:6]
    studies = [e.id for e in letter.book.entries.values() if e.kind == CASE_STUDY][:2]
    if not ids:
        return []
    near = Section("areas", tuple(_trial_group(area, ids) for area in areas))
    turned = Section("areas", tuple(_trial_group(area, ids[::-1]) for area in areas[::-1]))
    far = Section("elsewhere", (Group("", tuple(Placed(i, Reason("elsewhere-area")) for i in studies)),))
    smallest = Section("areas", (_trial_group(areas[-1], ids[-1:]),))
    return [
        Digest((near, far) if studies else (near,), more=2),
        Digest((turned,)),
        Digest((far if studies else smallest,)),
    ]


def _trial_group(area: str, ids: list[int]) -> Group:
    return Group(area, tuple(Placed(entry, Reason("area", area)) for entry in ids))


def _difference(letter: Letter, digest: Digest, reader: ReaderFacts) -> str:
    """Return where the assembled letter differs from the letter rendered as a whole, or ""."""
    assembled = assemble(letter, digest, reader)
    values = views.digest_values(digest, letter.book, letter.edition.subject) | views.reader_values(
        reader, letter.book.words, letter.edition.cadence, counts(digest)
    )
    whole = render_whole(letter, digest, values)
    for name, ours, theirs in zip(
        ("html", "text"), (assembled.html_text(), assembled.plain_text()), whole, strict=True
    ):
        if ours != theirs:
            at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(ours))
            return (
                f"the assembled {name} part differs from the whole one at character {at}: "
                f"{ours[at : at + 60]!r} for {theirs[at : at + 60]!r}"
            )
    return ""


def feedback_id(letter: Letter) -> str:
    """Return the Feedback-ID of an edition: its number, cadence and sender; nothing about a reader."""
    sender = re.sub(r"[^a-z0-9]", "", letter.book.site.sender.domain)[:15]
    return f"e{letter.edition.id}:{letter.edition.cadence}:digest:{sender.ljust(5, '0')}"


def _layout(letter: Letter, digest: Digest) -> Layout:
    layout = letter.memory.find(digest)
    if layout is None:
        layout = _make_layout(letter, digest)
        letter.memory.keep(digest, layout)
    return layout


def _make_layout(letter: Letter, digest: Digest) -> Layout:
    if not digest.placed:
        raise DigestError(f"edition {letter.edition.id}: a digest without entries has no letter; send none")
    parts = views.digest_keys(digest, letter.book)
    _require_blocks(letter, [key for key, _ in parts])
    shell = views.digest_values(digest, letter.book, letter.edition.subject)
    html_blocks, text_blocks = letter.html, letter.text
    keys: list[tuple[BlockKey, Mapping[str, str]]] = [("head", shell), *parts, ("foot", shell)]
    if letter.apart:
        html_block, text_block = compile_digest(letter, digest, shell)
        html_blocks, text_blocks, keys = {"whole": html_block}, {"whole": text_block}, [("whole", shell)]
    indexes: dict[Gap, int] = {}
    html, html_gaps = _lay_out(html_blocks, keys, indexes)
    text, text_gaps = _lay_out(text_blocks, keys, indexes)
    return Layout(
        shell["subject"], feedback_id(letter), counts(digest), tuple(indexes), html, html_gaps, text, text_gaps
    )


def _require_blocks(letter: Letter, keys: Iterable[BlockKey]) -> None:
    """Raise DigestError unless the letter has a block for each part of a digest."""
    for key in keys:
        if key not in letter.html:
            raise DigestError(
                f"edition {letter.edition.id}: the letter was compiled without {key!r}; compile it again with "
                "every entry of the edition"
            )


def _lay_out(
    blocks: Blocks, keys: list[tuple[BlockKey, Mapping[str, str]]], indexes: dict[Gap, int]
) -> tuple[tuple[bytes, ...], tuple[tuple[int, int], ...]]:
    """Return one part's pieces in reading order, with the digest's own words filled, and its remaining gaps.

    `keys` pair each block with the words that only the digest knows; `indexes` numbers the gaps of both parts and
    grows here.
    """
    pieces: list[bytes] = []
    gaps: list[tuple[int, int]] = []
    for key, words in keys:
        for piece in blocks[key]:
            if isinstance(piece, bytes):
                pieces.append(piece)
            elif piece.name in words:
                pieces.append(_encoded_once(piece.context, words[piece.name]))
            else:
                gaps.append((len(pieces), indexes.setdefault(piece, len(indexes))))
                pieces.append(b"")
    return tuple(pieces), tuple(gaps)


def _lines(gaps: Iterable[Gap], values: Mapping[str, str]) -> list[bytes]:
    """Return each gap's value as quoted-printable lines, escaped for the gap's context."""
    lines = []
    own: dict[str, bytes] = {}  # by spelling, because most links are spelt alike in both parts
    for name, context in gaps:
        value = values[name]
        if name not in _OWN:
            lines.append(_encoded_once(context, value))
            continue
        spelling = escaped(context, value)
        if spelling not in own:
            own[spelling] = quoted_printable.encode(spelling)
        lines.append(own[spelling])
    return lines


@lru_cache(maxsize=2048)
def _encoded_once(context: str, value: str) -> bytes:
    return quoted_printable.encode(escaped(context, value))


def escaped(context: str, value: str) -> str:
    """Return a value as it is written into a gap of this context (see `Gap`): wrapped in text, escaped in html."""
    if context == "plain":
        return views.wrapped(value)
    value = escape(value, quote=False)
    return value.replace('"', "&quot;") if context == "attribute" else value
