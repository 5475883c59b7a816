"""Keep a letter below the size at which Gmail cuts it off: entries that do not fit are counted as "N more"."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from digest.group import OVER_CAP
from digest.letter.blocks import READER_TOKENS, Block, BlockKey, Gap, decode
from digest.letter.compile import Letter
from digest.letter.lint.wording import SIZE_WARNING
from digest.letter.views import digest_parts
from digest.model import Digest, Section

# Bytes reserved for each gap of a reader's own words or links, for each gap of a digest's words, and, once a letter,
# for the reader's interests, because those can be much longer.
_OWN, _SHARED, _INTERESTS = 300, 150, 1500


def fit(
    letter: Letter, digest: Digest, limit: int = SIZE_WARNING, *, pinned: Collection[int] = frozenset()
) -> Digest:
    """Return the digest with just enough of its last entries moved into `more` to keep its html below `limit` bytes.

    The result holds for every reader, because room is reserved for the longest words and links of a reader. The
    reader's own areas are shortened first, as in `digest.group`, and entries `pinned` last; one entry always stays.
    Entries that are moved are left out as "over-cap".
    """
    # This quick test suffices for most digests, because quoted-printable is never shorter than the text it encodes.
    if _wire(letter, digest) <= limit:
        return digest
    sizes: dict[BlockKey, int] = {}
    while len(digest.placed) > 1 and _bytes(letter, digest, sizes) > limit:
        digest = _without_last(digest, pinned)
    return digest


def _wire(letter: Letter, digest: Digest) -> int:
    """Return the encoded size of a digest's html, gaps reserved."""
    return _INTERESTS + sum(
        len(piece) if isinstance(piece, bytes) else _gap(piece)
        for key in _keys(letter, digest)
        for piece in letter.html.get(key, ())
    )


def _bytes(letter: Letter, digest: Digest, sizes: dict[BlockKey, int]) -> int:
    """Return the decoded size of a digest's html, gaps reserved; `sizes` remembers each block's."""
    for key in _keys(letter, digest):
        if key not in sizes:
            sizes[key] = _decoded(letter.html.get(key, ()))
    return _INTERESTS + sum(sizes[key] for key in _keys(letter, digest))


def _decoded(block: Block) -> int:
    html = decode([piece for piece in block if isinstance(piece, bytes)])
    return len(html.encode()) + html.count("\n") + sum(_gap(p) for p in block if not isinstance(p, bytes))


def _gap(gap: Gap) -> int:
    return _OWN if gap.name in READER_TOKENS else _SHARED


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
