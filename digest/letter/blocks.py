"""The values a letter is made of. Standard library only; nothing here renders."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from digest.model import Digest


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """What a letter says of its edition: `slot` is its local date, `note` the editor's plain text or "".

    Paragraphs of `note` are parted by an empty line. A `subject` that is not "" replaces the one made
    from the top entry, for every reader.
    """

    id: int
    cadence: str
    slot: date
    note: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """What a letter says of one reader, and their own links (absolute http or https, printable ASCII).

    `interests` is in words ("Housing and Transport, in Wales"); `more_url` "" means `browser_url`.
    """

    name: str
    email: str
    unsubscribe_url: str
    preferences_url: str
    pause_url: str
    browser_url: str
    interests: str = ""
    more_url: str = ""


class Gap(NamedTuple):
    """A gap in a block. `place` tells how a value is escaped: "text", "attribute" (html) or "plain"."""

    name: str
    place: str


# Quoted-printable bytes that end where a line ends, or a gap between two of them.
Piece = bytes | Gap
Block = tuple[Piece, ...]
# "head", "foot" and "more"; (kind, slug) for a section or group; (section key, entry id) for an entry.
BlockKey = str | tuple[str, str] | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """One digest as pieces: everything its readers share is filled, only their own slots are left.

    `slots` are the distinct gaps of both parts; `*_gaps` give each gap's position and index in `slots`.
    """

    subject: str
    shown: tuple[int, int]
    slots: tuple[Gap, ...]
    html: tuple[bytes, ...]
    html_gaps: tuple[tuple[int, int], ...]
    text: tuple[bytes, ...]
    text_gaps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Assembled:
    """One reader's letter: a header-safe `subject` and both parts as quoted-printable lines (CRLF, 7 bit).

    `feedback_id` names the edition and cadence, never the reader.
    """

    subject: str
    html: bytes
    text: bytes
    feedback_id: str = ""

    def html_text(self) -> str:
        """Return the html part decoded, lines ended by a line feed."""
        return decode(self.html)

    def plain_text(self) -> str:
        """Return the text part decoded, lines ended by a line feed."""
        return decode(self.text)


def decode(wire: bytes) -> str:
    """Return quoted-printable UTF-8 bytes as text, lines ended by a line feed."""
    return binascii.a2b_qp(wire).decode("utf-8").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class FilledPlans:
    """Plans already made, newest last; at most `limit` are kept.

    Hashing a digest costs as much as filling its plan, and readers of one come together, so a digest that is
    the very same value as a moment ago is known by its place in memory.
    """

    limit: int = 2048
    plans: dict[object, Plan] = field(default_factory=dict)
    recent: dict[int, tuple[Digest, Plan]] = field(default_factory=dict)

    def find(self, digest: Digest) -> Plan | None:
        """Return the plan of a digest, or of one that reads the same."""
        known = self.recent.get(id(digest))
        if known is not None and known[0] is digest:
            return known[1]
        plan = self.plans.get(_key(digest))
        if plan is not None:
            self._note(digest, plan)
        return plan

    def keep(self, digest: Digest, plan: Plan) -> None:
        """Remember one plan; when full, forget the oldest."""
        _make_room(self.plans, self.limit)
        self.plans[_key(digest)] = plan
        self._note(digest, plan)

    def _note(self, digest: Digest, plan: Plan) -> None:
        _make_room(self.recent, self.limit)
        self.recent[id(digest)] = digest, plan


def _make_room(known: dict[Any, Any], limit: int) -> None:
    while len(known) >= limit:
        try:
            known.pop(next(iter(known)), None)
        except (StopIteration, RuntimeError):  # another thread was quicker
            break


def _key(digest: Digest) -> object:
    """Return what two digests share when they read the same, whatever was left out of them."""
    return digest.sections, digest.more


Blocks = Mapping[BlockKey, Block]
