"""Assembles one reader's letter from the blocks of a compiled one; nothing is rendered or encoded twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape

from digest.errors import DigestError
from digest.letter import parts, qp, words
from digest.letter.compile import Letter, render_whole
from digest.letter.values import Assembled, Block, BlockKey, Blocks, Plan, ReaderFacts, Slot, plan_key
from digest.model import Digest

# Long sentences that many readers have in common: encoding one costs more than the rest of a letter.
_SHARED = frozenset({"why_letter"})


def assemble(letter: Letter, digest: Digest, reader: ReaderFacts) -> Assembled:
    """Return one reader's letter. Readers of the same digest share everything but their own words and links.

    DigestError when the digest places an entry that the letter was not compiled with; ValueError when a
    link of the reader is not an absolute http(s) address in printable ASCII.
    """
    plan = _plan(letter, digest)
    values = parts.reader_values(reader, letter.edition.cadence, plan.shown)
    filled = [_fill(slot, values) for slot in plan.slots]
    return Assembled(
        plan.subject,
        _join(plan.html, plan.html_gaps, filled),
        _join(plan.text, plan.text_gaps, filled),
        feedback_id(letter),
    )


def verify(letter: Letter, digest: Digest, reader: ReaderFacts) -> None:
    """Raise DigestError unless the assembled letter equals the one rendered and inlined whole.

    Costs one inlining: for tests, and for a few digests when an edition is frozen.
    """
    made = assemble(letter, digest, reader)
    values = parts.digest_values(digest, letter.book, letter.edition.subject) | parts.reader_values(
        reader, letter.edition.cadence, words.counts(digest)
    )
    whole = render_whole(letter, digest, values)
    for name, ours, theirs in zip(("html", "text"), (made.html_text(), made.plain_text()), whole, strict=True):
        if ours != theirs:
            at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(ours))
            raise DigestError(
                f"edition {letter.edition.id}: the assembled {name} part differs from the whole one at "
                f"character {at}: {ours[at : at + 60]!r} for {theirs[at : at + 60]!r}; a template rule or "
                "condition looks beyond its own part: keep each part independent of its neighbours"
            )


def feedback_id(letter: Letter) -> str:
    """Return the Feedback-ID of an edition: its number, cadence and sender; nothing about a reader."""
    domain = letter.book.site.sender.rpartition("@")[2]
    sender = re.sub(r"[^a-z0-9]", "", domain.lower())[:15]
    return f"e{letter.edition.id}:{letter.edition.cadence}:digest:{sender.ljust(5, '0')}"


def _plan(letter: Letter, digest: Digest) -> Plan:
    key = plan_key(digest)
    plan = letter.memory.plans.get(key)
    if plan is None:
        plan = _make_plan(letter, digest)
        letter.memory.keep(key, plan)
    return plan


def _make_plan(letter: Letter, digest: Digest) -> Plan:
    shell = parts.digest_values(digest, letter.book, letter.edition.subject) if digest.placed else None
    if shell is None:
        raise DigestError(f"edition {letter.edition.id}: a digest without entries has no letter; send none")
    keys: list[tuple[BlockKey, Mapping[str, str]]] = [
        ("head", shell),
        *parts.digest_keys(digest, letter.book.taxonomy),
        ("foot", shell),
    ]
    slots: dict[Slot, int] = {}
    html, html_gaps = _lay_out(letter, letter.html, keys, slots)
    text, text_gaps = _lay_out(letter, letter.text, keys, slots)
    return Plan(shell["subject"], words.counts(digest), tuple(slots), html, html_gaps, text, text_gaps)


def _lay_out(
    letter: Letter, blocks: Blocks, keys: list[tuple[BlockKey, Mapping[str, str]]], slots: dict[Slot, int]
) -> tuple[tuple[bytes, ...], tuple[tuple[int, int], ...]]:
    """Return one part's pieces in reading order and its gaps; the digest's own words are filled."""
    pieces: list[bytes] = []
    gaps: list[tuple[int, int]] = []
    for key, own in keys:
        for piece in _block(letter, blocks, key):
            if isinstance(piece, bytes):
                pieces.append(piece)
            elif piece.name in own:
                pieces.append(_fill(piece, own))
            else:
                gaps.append((len(pieces), slots.setdefault(piece, len(slots))))
                pieces.append(b"")
    return tuple(pieces), tuple(gaps)


def _block(letter: Letter, blocks: Blocks, key: BlockKey) -> Block:
    try:
        return blocks[key]
    except KeyError:
        raise DigestError(
            f"edition {letter.edition.id}: the letter was compiled without {key!r}; compile it again with "
            "every entry of the edition"
        ) from None


def _fill(slot: Slot, values: Mapping[str, str]) -> bytes:
    """Return a value as quoted-printable lines, escaped for the place where it goes."""
    value = values[slot.name]
    return _shared(slot.place, value) if slot.name in _SHARED else _encoded(slot.place, value)


def _encoded(place: str, value: str) -> bytes:
    if place == "plain":
        return qp.encode_value(parts.wrapped(value))
    value = escape(value, quote=False)
    return qp.encode_value(value.replace('"', "&quot;") if place == "attribute" else value)


_shared = lru_cache(maxsize=8192)(_encoded)


def _join(pieces: tuple[bytes, ...], gaps: tuple[tuple[int, int], ...], filled: list[bytes]) -> bytes:
    own = list(pieces)
    for at, slot in gaps:
        own[at] = filled[slot]
    return b"".join(own)
