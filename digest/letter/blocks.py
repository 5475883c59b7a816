"""Define the values that a letter is made of: facts, blocks, gaps, layouts and the assembled letter.

Standard library and `digest.model` only; nothing here renders a template.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from digest.letter.brand import SHIPPED, Brand
from digest.model import Digest, Reason, Site, Taxonomy, TopLine


@dataclass(frozen=True, slots=True)
class Appearance:
    """Hold what letters are compiled with besides their entries: sender, names of the facets, templates, brand.

    `templates` are folders of templates and of words/<language>.toml. The first folder that has a file wins;
    the last one is the shipped folder, which has all of them.
    """

    site: Site
    taxonomy: Taxonomy
    templates: tuple[Path, ...]
    brand: Brand = SHIPPED


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """Hold what a letter tells about its edition: `day` is the local date it was prepared for readers on, `note` the
    editor's plain text or "", `step` the small step that the editors suggest at the end, or "".

    An empty line separates the paragraphs of `note`. A `subject` that is not "" replaces, for every reader, the
    subject that is made from the top entry. `for_all`: the step closes also the letters with an entry that says who
    to ask. `question` is what the editors ask all readers, or "". `copy`: for the page that is read in a browser and
    passed on, without the links that belong to the reader. `corrects`: some of its letters carry lines on
    entries of earlier ones.
    """

    id: int
    cadence: str
    day: date
    note: str = ""
    subject: str = ""
    step: str = ""
    for_all: bool = False
    question: str = ""
    copy: bool = False
    corrects: bool = False


# Not frozen, because each letter needs one, and freezing makes it take five times as long to make.
@dataclass(slots=True)
class ReaderFacts:
    """Hold what a letter tells about one reader, and their own links (absolute http or https, printable ASCII).

    `interests` is in words ("Housing and Transport, in Wales"); `more_url` "" means `browser_url`. `top_lines` are
    shown above the first part, in the letters of an edition that `corrects`.
    """

    name: str
    email: str
    unsubscribe_url: str
    preferences_url: str
    pause_url: str
    browser_url: str
    interests: str = ""
    more_url: str = ""
    top_lines: tuple[TopLine, ...] = ()


class Gap(NamedTuple):
    """Name the value that fills a gap of a block, and the context that decides how the value is escaped.

    `context` is "text" or "attribute" (both html), or "plain" (the text part).
    """

    name: str
    context: str


# Bytes are quoted-printable and end where a line ends, so that pieces can be joined without encoding them again.
Piece = bytes | Gap
Block = tuple[Piece, ...]
# "head", "foot", "carried", "more", "question" and "correction"; (kind, slug) for a section or group; (section key,
# entry id) for an entry; ("step", id) for the step that an entry suggests, with 0 for that of the editors.
BlockKey = str | tuple[str, str] | tuple[str, int]
Blocks = Mapping[BlockKey, Block]


class Heading(NamedTuple):
    """Hold what the sentence below the heading From elsewhere depends on: whether its entries show ingredients."""

    ingredients: bool


class Exceptional(NamedTuple):
    """Hold the reason of an entry that differs from its group's."""

    reason: Reason


class Sited(NamedTuple):
    """Hold the reason of an entry from elsewhere, and the entry's place or ""."""

    reason: Reason
    place: str


# The source of a part's words that only the digest knows: a reason is a group's; a number is the count of "more".
PartSource = Heading | Exceptional | Sited | Reason | TopLine | int | None
PartKey = tuple[BlockKey, PartSource]

CONTEXTS = ("text", "attribute", "plain")
# Words and links that differ by reader. A template writes them as {{ reader.… }}.
READER_TOKENS = (
    "intro",
    "email",
    "why_letter",
    "unsubscribe_url",
    "preferences_url",
    "pause_url",
    "browser_url",
    "more_url",
)
# The gap between the head and the first part. It holds ready blocks, one for each line, and mostly nothing.
CORRECTIONS = "corrections"
CORRECTION_GAPS = (Gap(CORRECTIONS, "text"), Gap(CORRECTIONS, "plain"))
GAPS = (*(Gap(name, context) for name in READER_TOKENS for context in CONTEXTS), *CORRECTION_GAPS)


class Strip(NamedTuple):
    """Hold a block with the digest's words filled: its pieces, and the reader's gaps as in `Layout`."""

    pieces: Sequence[bytes]
    gaps: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Hold one digest's letter as pieces: all that its readers share is filled, only their own gaps are left.

    `shown` counts the entries in the reader's areas and those from elsewhere. `html_gaps` and `text_gaps` give, for
    each gap of a part, its index in the pieces and its index in `GAPS`.
    """

    subject: str
    feedback_id: str
    shown: tuple[int, int]
    html: Sequence[bytes]
    html_gaps: Sequence[tuple[int, int]]
    text: Sequence[bytes]
    text_gaps: Sequence[tuple[int, int]]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return the distinct gaps of both parts."""
        return tuple(dict.fromkeys(GAPS[index] for _, index in (*self.html_gaps, *self.text_gaps)))


# Not frozen, because each letter needs one, and freezing makes it take five times as long to make.
@dataclass(slots=True)
class Assembled:
    """Hold one reader's letter: a header-safe `subject`, and both parts as quoted-printable lines (CRLF, 7 bit).

    A part is in pieces, because most letters are only joined into a message. `feedback_id` names the edition and
    cadence, never the reader.
    """

    subject: str
    html_pieces: Sequence[bytes]
    text_pieces: Sequence[bytes]
    feedback_id: str = ""

    def html_text(self) -> str:
        """Return the html part decoded; lines end in a line feed."""
        return decode(self.html_pieces)

    def plain_text(self) -> str:
        """Return the text part decoded; lines end in a line feed."""
        return decode(self.text_pieces)


def decode(pieces: Sequence[bytes]) -> str:
    """Return pieces of quoted-printable UTF-8 as text; lines end in a line feed."""
    return binascii.a2b_qp(b"".join(pieces)).decode("utf-8").replace("\r\n", "\n")


def fill(pieces: Sequence[bytes], gaps: Iterable[tuple[int, int]], values: Sequence[bytes]) -> list[bytes]:
    """Return one part of a layout with its gaps filled; `gaps` as in `Layout`, `values` by their index."""
    lines = list(pieces)
    for position, index in gaps:
        lines[position] = values[index]
    return lines


@dataclass(frozen=True, slots=True)
class Layouts:
    """Remember the layouts made last; at most `limit`.

    A layout is found by its digest's identity, because hashing a digest costs as much as filling its layout, and a
    run hands the very same object over for each reader of a digest. `alike`: digests that read the same share a
    layout, for a letter whose layouts take long to make.
    """

    limit: int = 64
    alike: bool = False
    layouts: dict[object, tuple[Digest, Layout]] = field(default_factory=dict)

    def find(self, digest: Digest) -> Layout | None:
        """Return the layout of this digest; None when there is none yet, or none any more."""
        entry = self.layouts.get(self._key(digest))
        return entry[1] if entry is not None and (self.alike or entry[0] is digest) else None

    def keep(self, digest: Digest, layout: Layout) -> None:
        """Remember one layout; when full, forget the oldest."""
        while len(self.layouts) >= self.limit:
            try:
                self.layouts.pop(next(iter(self.layouts)), None)
            except (StopIteration, RuntimeError):  # another thread changed the dictionary at the same time
                break
        self.layouts[self._key(digest)] = digest, layout

    def _key(self, digest: Digest) -> object:
        return (digest.sections, digest.more) if self.alike else id(digest)
