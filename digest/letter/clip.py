"""Keep a letter below the size at which Gmail cuts it off: entries that do not fit are counted as "N more".

Gmail is seen to cut after 102,400 bytes of the html as it reads, decoded. The wire form, in which a letter of Arabic
or emoji is up to three times as long, is kept below that too, because Gmail documents for neither that it counts it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from digest.group import OVER_CAP
from digest.letter.blocks import READER_TOKENS, BlockKey, Piece, decode
from digest.letter.compile import Letter
from digest.letter.lint.wording import SIZE_WARNING
from digest.letter.views import digest_parts
from digest.model import Digest, Section

# Bytes reserved for each gap of a reader's own words or links, for each gap of a digest's words, and, once a letter,
# for the reader's interests, because those can be much longer.
_OWN, _SHARED, _INTERESTS = 300, 150, 1500
# Bytes of quoted-printable. Below 102,400, because a subject of emoji, and corrections, are longer than their room.
ON_THE_WIRE = 96 * 1024


def fit(
    letter: Letter, digest: Digest, limit: int = SIZE_WARNING, *, pinned: Collection[int] = frozenset()
) -> Digest:
    """Return the digest with just enough of its last entries moved into `more` to keep its html below `limit` bytes.

    Its wire form stays below `ON_THE_WIRE` too. The result holds for every reader, because room is reserved for the
    longest words and links of a reader. The reader's own areas are shortened first, as in `digest.group`, and entries
    `pinned` last; one entry always stays. Entries that are moved are left out as "over-cap".
    """
    while len(digest.placed) > 1 and not _fits(letter, digest, limit):
        digest = _without_last(digest, pinned)
    return digest


def _fits(letter: Letter, digest: Digest, limit: int) -> bool:
    sizes = [_size(letter, key) for key in _keys(letter, digest)]
    html, wire = sum(size for size, _ in sizes), sum(size for _, size in sizes)
    return _INTERESTS + html <= limit and _INTERESTS + wire <= ON_THE_WIRE


def _size(letter: Letter, key: BlockKey) -> tuple[int, int]:
    """Return the bytes of a block's html, decoded and on the wire, with room for its gaps; counted once a letter."""
    if key not in letter.sizes:
        block = letter.html.get(key, ())
        pieces, gaps = [piece for piece in block if isinstance(piece, bytes)], sum(map(_gap, block))
        html = decode(pieces)
        letter.sizes[key] = len(html.encode()) + html.count("\n") + gaps, sum(map(len, pieces)) + gaps
    return letter.sizes[key]


def _gap(piece: Piece) -> int:
    """Return the bytes to reserve for a piece of a block, none for one that is ready."""
    if isinstance(piece, bytes):
        return 0
    return _OWN if piece.name in READER_TOKENS else _SHARED


def _keys(letter: Letter, digest: Digest) -> list[BlockKey]:
    """Return the key of each block of a digest; "more" in any case, because shortening the digest may bring it."""
    return ["head", "foot", *dict.fromkeys(["more", *(key for key, _ in digest_parts(digest, letter.book))])]


def _without_last(digest: Digest, pinned: Collection[int]) -> Digest:
    """Return the digest without the last entry of its areas, or of elsewhere when the areas have only one.

    Without the last that is not of `pinned`, if there is one.
    """
    long = [s for s in digest.sections if sum(len(g.placed) for g in s.groups) > 1]
    long = [s for s in long if s.key == "areas"] + [s for s in long if s.key != "areas"] or [digest.sections[-1]]
    lasts = [placed.entry for s in long for group in s.groups[::-1] for placed in group.placed[::-1]]
    entry = next((last for last in lasts if last not in pinned), lasts[0])
    sections = [_without(section, entry) for section in digest.sections]
    return replace(
        digest,
        sections=tuple(s for s in sections if s.groups),
        more=digest.more + 1,
        left_out=(*digest.left_out, (entry, OVER_CAP)),
    )


def _without(section: Section, entry: int) -> Section:
    groups = [replace(g, placed=tuple(each for each in g.placed if each.entry != entry)) for g in section.groups]
    return replace(section, groups=tuple(group for group in groups if group.placed))
