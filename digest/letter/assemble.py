"""Assemble one reader's letter from the blocks of a compiled letter, without rendering or encoding anything twice.

Assembling gives the right letter as long as each template and style rule depends on its own part only. `proven` tests
that with digests chosen to show a dependence; if a difference shows, it returns a letter that is compiled digest by
digest instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from html import escape

from digest.errors import ConfigError, DigestError
from digest.letter import views
from digest.letter.blocks import (
    CONTEXTS,
    CORRECTION_GAPS,
    GAPS,
    Assembled,
    Block,
    BlockKey,
    Gap,
    Layout,
    Layouts,
    PartKey,
    ReaderFacts,
    Strip,
    fill,
)
from digest.letter.compile import Letter, compile_digest, render_whole
from digest.letter.inert import reader_url, visible
from digest.letter.mime import quoted_printable
from digest.letter.text_part import COLUMNS, reads_as_mail, wrapped
from digest.letter.words import Words, counts
from digest.model import CASE_STUDY, Digest, Group, Placed, Reason, Section, TopLine

_REMEMBERED = 2048  # html and text of parts, about 6 MB
_INDEXES = {gap: index for index, gap in enumerate(GAPS)}
# Characters that are neither encoded nor escaped; a link of ours has no space among them.
_UNESCAPED = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"&<=>')
_IN_LINKS = _UNESCAPED.replace(b" ", b"")

_IN_HTML, _IN_TEXT = (Strip([b""], [(0, _INDEXES[gap])]) for gap in CORRECTION_GAPS)

Lines = tuple[bytes, bytes, bytes]  # a value as quoted-printable lines in each of CONTEXTS


def assemble(letter: Letter, digest: Digest, reader: ReaderFacts) -> Assembled:
    """Return one reader's letter. Readers of the same digest share everything but their own words and links.

    DigestError when the digest places an entry that the letter was not compiled with; ValueError when a
    link of the reader is not an absolute http(s) address in printable ASCII.
    """
    layout = _layout(letter, digest)
    lines = _lines(letter, reader, layout.shown)
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
    asking = sorted(letter.book.asking)[:1]  # closes a letter with another step than the editors'
    return [
        Digest((near, far) if studies else (near,), more=2),
        Digest((turned,)),
        Digest((far if studies else smallest,)),
        *([Digest((Section("areas", (_trial_group(areas[-1], asking),)),))] if asking else []),
    ]


def _trial_group(area: str, ids: list[int]) -> Group:
    return Group(area, tuple(Placed(entry, Reason("area", area)) for entry in ids))


def _difference(letter: Letter, digest: Digest, reader: ReaderFacts) -> str:
    """Return where the assembled letter differs from the letter rendered as a whole, or ""."""
    # Without lines on earlier entries, because each is a block of its own, whatever the letter's parts look at.
    reader = replace(reader, top_lines=())
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
    return f"e{letter.edition.id}:{letter.edition.cadence}:digest:{_sender_code(letter.book.site.sender.domain)}"


@lru_cache(maxsize=64)
def _sender_code(domain: str) -> str:
    return re.sub(r"[^a-z0-9]", "", domain)[:15].ljust(5, "0")


def _layout(letter: Letter, digest: Digest) -> Layout:
    layout = letter.memory.find(digest)
    if layout is None:
        layout = _make_layout(letter, digest)
        letter.memory.keep(digest, layout)
    return layout


def _make_layout(letter: Letter, digest: Digest) -> Layout:
    shown = counts(digest)
    if not any(shown):
        raise DigestError(f"edition {letter.edition.id}: a digest without entries has no letter; send none")
    parts = [
        _strips(letter, part) for part in views.digest_parts(digest, letter.book)
    ]  # also proves that each entry has a block
    shell = views.digest_values(digest, letter.book, letter.edition.subject)
    if letter.apart:
        parts = [_both(compile_digest(letter, digest, shell), shell)]
    else:
        gap = [(_IN_HTML, _IN_TEXT)] if letter.edition.corrects else []
        parts = [_frame(letter, "head", shell), *gap, *parts, _frame(letter, "foot", shell)]
    html, html_gaps = _one_strip([html for html, _ in parts])
    text, text_gaps = _one_strip([text for _, text in parts])
    return Layout(shell["subject"], feedback_id(letter), shown, html, html_gaps, text, text_gaps)


def _one_strip(strips: Sequence[Strip]) -> Strip:
    """Return strips one after the other as a single one, with the pieces that the letters of an edition share."""
    pieces: list[bytes] = []
    gaps: list[tuple[int, int]] = []
    for strip in strips:
        if strip.gaps:
            begin = len(pieces)
            gaps += [(begin + position, index) for position, index in strip.gaps]
        pieces += strip.pieces
    return Strip(pieces, gaps)


def _strips(letter: Letter, part: PartKey) -> tuple[Strip, Strip]:
    """Return a part's html and text, remembered, because many digests place the same entry for the same reason.

    DigestError when the letter has no block for it.
    """
    strips = letter.strips.get(part)
    if strips is None:
        key, source = part
        if key not in letter.html:
            raise DigestError(
                f"edition {letter.edition.id}: the letter was compiled without {key!r}; compile it again with "
                "every entry of the edition"
            )
        words = views.part_words(letter.book, source)
        strips = _both((letter.html[key], letter.text[key]), words, whole=True)
        if len(letter.strips) >= _REMEMBERED:
            letter.strips.clear()
        letter.strips[part] = strips
    return strips


def _frame(letter: Letter, key: BlockKey, shell: Mapping[str, str]) -> tuple[Strip, Strip]:
    """Return the head or the foot of a letter, remembered unless it shows words of the digest."""
    strips = letter.strips.get((key, None))
    if strips is None:
        blocks = letter.html[key], letter.text[key]
        # Not whole, because the head is long and most of it is the same in all letters.
        strips = _both(blocks, shell)
        if not any(isinstance(piece, Gap) and piece.name in shell for block in blocks for piece in block):
            letter.strips[key, None] = strips
    return strips


def _both(blocks: tuple[Block, Block], words: Mapping[str, str], *, whole: bool = False) -> tuple[Strip, Strip]:
    """Return the html and text blocks of a part with the words filled that only the digest knows."""
    html, text = blocks
    return _strip(html, words, whole=whole), _strip(text, words, whole=whole)


def _strip(block: Block, words: Mapping[str, str], *, whole: bool) -> Strip:
    """Return a block with `words` filled; `whole`: with what stands between two of the reader's gaps in one piece."""
    pieces: list[bytes] = []
    gaps: list[tuple[int, int]] = []
    run: list[bytes] = []
    for piece in block:
        if isinstance(piece, bytes):
            run.append(piece)
        elif piece.name in words:
            run.append(_encoded_once(piece.context, words[piece.name]))
        else:
            pieces += [b"".join(run)] if whole else run
            gaps.append((len(pieces), _INDEXES[piece]))
            pieces.append(b"")
            run = []
    return Strip([*pieces, b"".join(run)] if whole else pieces + run, gaps)


def _lines(letter: Letter, reader: ReaderFacts, shown: tuple[int, int]) -> tuple[bytes, ...]:
    """Return a reader's words and links as lines, in the order of `GAPS`; ValueError for an unfit link."""
    words = letter.book.words
    links = (
        reader.unsubscribe_url,
        reader.preferences_url,
        reader.pause_url,
        reader.browser_url,
        reader.more_url or reader.browser_url,
    )
    return (
        *_written(words.intro(reader.name, shown)),
        *_written(visible(reader.email)),
        *_why_written(words, letter.edition.cadence, reader.interests),
        *_links_written(links),
        *(lines_written(letter, reader.top_lines) if letter.edition.corrects else ()),
    )


def lines_written(letter: Letter, top_lines: Sequence[TopLine]) -> tuple[bytes, bytes]:
    """Return what fills the two `CORRECTION_GAPS`: a block for each line, b"" without any."""
    strips = [_strips(letter, ("correction", line)) for line in top_lines]
    return (
        b"".join([piece for html, _ in strips for piece in html.pieces]),
        b"".join([piece for _, text in strips for piece in text.pieces]),
    )


def _written(value: str) -> Lines:
    """Return a value in each context."""
    if value.encode("utf-8").translate(None, _UNESCAPED):
        text, attribute, plain = (quoted_printable.encode(escaped(context, value)) for context in CONTEXTS)
        return text, attribute, plain
    line = quoted_printable.soft_line(value)
    if len(value) <= COLUMNS and not reads_as_mail(value):
        return line, line, line
    return line, line, quoted_printable.encode(wrapped(value))


@lru_cache(maxsize=4096)
def _why_written(words: Words, cadence: str, interests: str) -> Lines:
    """Return the sentences that tell why a reader gets the letter, in each context."""
    return _written(views.why_letter(words, cadence, interests))


def _links_written(links: Sequence[str]) -> list[bytes]:
    """Return links in each context, one after the other; ValueError for an unfit link."""
    lines: list[bytes] = []
    unusual = "".join(links).encode("utf-8").translate(None, _IN_LINKS)
    for link in links:
        if unusual or not link.startswith(("https://", "http://")):
            lines += _written(reader_url(link))
        else:
            line = quoted_printable.soft_line(link)
            lines += (line, line, line)
    return lines


@lru_cache(maxsize=2048)
def _encoded_once(context: str, value: str) -> bytes:
    return quoted_printable.encode(escaped(context, value))


def escaped(context: str, value: str) -> str:
    """Return a value as it is written into a gap of this context (see `Gap`): wrapped in text, escaped in html."""
    if context == "plain":
        return wrapped(value)
    value = escape(value, quote=False)
    return value.replace('"', "&quot;") if context == "attribute" else value
