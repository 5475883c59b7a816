"""The words of the house as frozen values (docs/glossary.md). Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

NATIONAL = "national"
REGIONS: dict[str, str] = {
    "east-midlands": "East Midlands",
    "east-of-england": "East of England",
    "london": "London",
    "north-east": "North East",
    "north-west": "North West",
    "south-east": "South East",
    "south-west": "South West",
    "west-midlands": "West Midlands",
    "yorkshire-and-the-humber": "Yorkshire and The Humber",
    "northern-ireland": "Northern Ireland",
    "scotland": "Scotland",
    "wales": "Wales",
    NATIONAL: "National",
}
POST = "post"
CASE_STUDY = "case-study"
KINDS = (POST, CASE_STUDY)
CADENCES = ("daily", "weekly", "monthly")


@dataclass(frozen=True, slots=True)
class Backfill:
    """How much of a source's first sight is owed to readers: the newest `count`, or all younger than `span`."""

    count: int = 0
    span: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A configured place to gather from: a feed at `url` or `path`, or a folder of Markdown at `path`.

    Exactly one of `url` and `path` is set; `path` is absolute. Facet slugs are the source's own defaults.
    """

    name: str
    url: str | None = None
    path: str | None = None
    kind: str = POST
    policy_areas: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    backfill: Backfill = Backfill()
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An illustration that the source offers: absolute http(s) `url`, plain-text `alt`, size in CSS pixels."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One entry as one fetch of one source shows it, cleaned, before anyone asks whether it is new.

    `title`, `summary`, `author` and `categories` are plain text; `html` is sanitised and its links are
    absolute; `link` is an absolute http(s) address of at most 2,000 characters or None; `published` is
    aware UTC or None (absent, unreadable or impossible); `kind` is None when the entry does not say.
    `place` and the facets are what the entry itself declares (front matter), else empty.
    """

    guid: str | None
    link: str | None
    title: str
    published: datetime | None = None
    summary: str = ""
    html: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    language: str | None = None
    image: Image | None = None
    kind: str | None = None
    place: str = ""
    policy_areas: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one fetch of one source holds, in the source's order. `problems`: what was mended or left out."""

    sightings: tuple[Sighting, ...]
    title: str = ""
    language: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an entry carries one facet value.

    `facet` is "policy_area", "region" or "theme"; `by` is "words", "place", "source", "category" or
    "editor"; `detail` is what was met ("domestic abuse ×2", "Telford → West Midlands").
    """

    facet: str
    slug: str
    by: str
    detail: str


@dataclass(frozen=True, slots=True)
class Facets:
    """An entry's policy areas, regions and themes, strongest first, and the evidence for each.

    `regions` is never empty (nothing found means `national`); `policy_areas` may be (unclassified).
    `place` is the name to show a reader ("Cornwall"), or "".
    """

    policy_areas: tuple[str, ...] = ()
    regions: tuple[str, ...] = (NATIONAL,)
    themes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One post or case study as stored. `id` is ours and permanent; dates are aware UTC.

    `state` is "baseline" (seen at a source's first sight, never owed), "held" (an editor decides),
    "ready" (released to readers) or "dropped" (an editor said no).
    """

    id: int
    source: str
    url: str | None
    title: str
    kind: str
    published: datetime | None
    first_seen: datetime
    summary: str = ""
    author: str = ""
    language: str | None = None
    image: Image | None = None
    facets: Facets = field(default_factory=Facets)
    state: str = "ready"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The account of one edition: eligible = the sum of the rest, or `balanced` is false."""

    edition: int
    cadence: str
    slot: str
    eligible: int
    accepted: int = 0
    refused: int = 0
    suppressed: int = 0
    empty: int = 0
    held: int = 0
    uncertain: int = 0
    cancelled: int = 0
    pending: int = 0

    @property
    def balanced(self) -> bool:
        """True when every eligible reader is accounted for and nothing is still pending."""
        explained = (
            self.accepted + self.refused + self.suppressed + self.empty
            + self.held + self.uncertain + self.cancelled
        )
        return explained == self.eligible
