"""Assembles one reader's letter from the blocks of a compiled one; nothing is rendered or encoded twice.

That is safe where templates and style rules keep to their own part. `proven` tries a letter on digests made
to bring out the contrary, and returns one that is compiled digest by digest where they do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape

from digest.errors import ConfigError, DigestError
from digest.letter import views
from digest.letter.blocks import Assembled, BlockKey, Blocks, FilledPlans, Gap, Plan, ReaderFacts
from digest.letter.compile import Letter, compile_digest, render_whole
from digest.letter.mime import headers, quoted_printable
from digest.letter.words import counts
from digest.model import CASE_STUDY, Digest, Group, Placed, Reason, Section

# Long sentences that many readers have in common: encoding one costs more than the rest of a letter.
_SHARED = frozenset({"why_letter"})


def assemble(letter: Letter, digest: Digest, reader: ReaderFacts) -> Assembled:
    """Return one reader's letter. Readers of the same digest share everything but their own words and links.

    DigestError when the digest places an entry that the letter was not compiled with; ValueError when a
    link of the reader is not an absolute http(s) address in printable ASCII.
    """
    plan = _plan(letter, digest)
    values = views.reader_values(reader, letter.book.words, letter.edition.cadence, plan.shown)
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
    difference = _difference(letter, digest, reader)
    if difference:
        raise DigestError(
            f"edition {letter.edition.id}: {difference}; a template rule or condition looks beyond its own part: "
            "keep each part independent of its neighbours"
        )


def proven(letter: Letter, digests: Iterable[Digest], reader: ReaderFacts) -> tuple[Letter, str]:
    """Return a letter that is right for `digests`, and why it had to be compiled digest by digest ("": it had not).

    ConfigError when even so a letter differs from the one rendered whole: its template judges by a reader's own
    words, which nothing but rendering each letter could follow.
    """
    for digest in digests:
        difference = "" if letter.apart else _difference(letter, digest, reader)
        if difference:
            slow = replace(letter, apart=True, memory=FilledPlans())
            if still := _difference(slow, digest, reader):
                raise ConfigError([f"letter templates: {still}; a condition must not ask for a reader's own words"])
            return slow, difference
    return letter, ""


def extremes(letter: Letter) -> list[Digest]:
    """Return digests of the letter's own entries, at the extremes: as full, as small, and as turned about as can be.

    What looks at its neighbours or its number differs between them.
    """
    areas = [*dict.fromkeys(slug for e in letter.book.entries.values() for slug in e.facets.policy_areas), ""][:2]
    ids = list(letter.book.entries)[:6]
    studies = [e.id for e in letter.book.entries.values() if e.kind == CASE_STUDY][:2]
    if not ids:
        return []
    near = Section("areas", tuple(_trial_group(area, ids) for area in areas))
    turned = Section("areas", tuple(_trial_group(area, ids[::-1]) for area in areas[::-1]))
    far = Section("elsewhere", (Group("", tuple(Placed(i, Reason("elsewhere-area")) for i in studies)),))
    one = Section("areas", (_trial_group(areas[-1], ids[-1:]),))
    return [
        Digest((near, far) if studies else (near,), more=2),
        Digest((turned,)),
        Digest((far if studies else one,)),
    ]


def _trial_group(area: str, ids: list[int]) -> Group:
    return Group(area, tuple(Placed(entry, Reason("area", area)) for entry in ids))


def _difference(letter: Letter, digest: Digest, reader: ReaderFacts) -> str:
    """Return where the assembled letter differs from the one rendered whole, or ""."""
    made = assemble(letter, digest, reader)
    values = views.digest_values(digest, letter.book, letter.edition.subject) | views.reader_values(
        reader, letter.book.words, letter.edition.cadence, counts(digest)
    )
    whole = render_whole(letter, digest, values)
    for name, ours, theirs in zip(("html", "text"), (made.html_text(), made.plain_text()), whole, strict=True):
        if ours != theirs:
            at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(ours))
            return (
                f"the assembled {name} part differs from the whole one at character {at}: "
                f"{ours[at : at + 60]!r} for {theirs[at : at + 60]!r}"
            )
    return ""


def feedback_id(letter: Letter) -> str:
    """Return the Feedback-ID of an edition: its number, cadence and sender; nothing about a reader."""
    domain = headers.domain_of("site.from", letter.book.site.sender)
    sender = re.sub(r"[^a-z0-9]", "", domain.lower())[:15]
    return f"e{letter.edition.id}:{letter.edition.cadence}:digest:{sender.ljust(5, '0')}"


def _plan(letter: Letter, digest: Digest) -> Plan:
    plan = letter.memory.find(digest)
    if plan is None:
        plan = _make_plan(letter, digest)
        letter.memory.keep(digest, plan)
    return plan


def _make_plan(letter: Letter, digest: Digest) -> Plan:
    if not digest.placed:
        raise DigestError(f"edition {letter.edition.id}: a digest without entries has no letter; send none")
    _check_held(letter, digest)
    shell = views.digest_values(digest, letter.book, letter.edition.subject)
    html_blocks, text_blocks = letter.html, letter.text
    keys: list[tuple[BlockKey, Mapping[str, str]]] = [
        ("head", shell),
        *views.digest_keys(digest, letter.book),
        ("foot", shell),
    ]
    if letter.apart:
        html_block, text_block = compile_digest(letter, digest, shell)
        html_blocks, text_blocks, keys = {"whole": html_block}, {"whole": text_block}, [("whole", shell)]
    slots: dict[Gap, int] = {}
    html, html_gaps = _lay_out(html_blocks, keys, slots)
    text, text_gaps = _lay_out(text_blocks, keys, slots)
    return Plan(shell["subject"], counts(digest), tuple(slots), html, html_gaps, text, text_gaps)


def _check_held(letter: Letter, digest: Digest) -> None:
    for key, _ in views.digest_keys(digest, letter.book):
        if key not in letter.html:
            raise DigestError(
                f"edition {letter.edition.id}: the letter was compiled without {key!r}; compile it again with "
                "every entry of the edition"
            )


def _lay_out(
    blocks: Blocks, keys: list[tuple[BlockKey, Mapping[str, str]]], slots: dict[Gap, int]
) -> tuple[tuple[bytes, ...], tuple[tuple[int, int], ...]]:
    """Return one part's pieces in reading order and its gaps; the digest's own words are filled."""
    pieces: list[bytes] = []
    gaps: list[tuple[int, int]] = []
    for key, own in keys:
        for piece in blocks[key]:
            if isinstance(piece, bytes):
                pieces.append(piece)
            elif piece.name in own:
                pieces.append(_fill(piece, own))
            else:
                gaps.append((len(pieces), slots.setdefault(piece, len(slots))))
                pieces.append(b"")
    return tuple(pieces), tuple(gaps)


def _fill(slot: Gap, values: Mapping[str, str]) -> bytes:
    """Return a value as quoted-printable lines, escaped for the place where it goes."""
    value = values[slot.name]
    return _shared(slot.place, value) if slot.name in _SHARED else _encoded(slot.place, value)


def _encoded(place: str, value: str) -> bytes:
    if place == "plain":
        return quoted_printable.encode_value(views.wrapped(value))
    value = escape(value, quote=False)
    return quoted_printable.encode_value(value.replace('"', "&quot;") if place == "attribute" else value)


_shared = lru_cache(maxsize=8192)(_encoded)


def _join(pieces: tuple[bytes, ...], gaps: tuple[tuple[int, int], ...], filled: list[bytes]) -> bytes:
    own = list(pieces)
    for at, slot in gaps:
        own[at] = filled[slot]
    return b"".join(own)
