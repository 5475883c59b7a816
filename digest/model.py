"""The words of the house as frozen values (docs/glossary.md). Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
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
class Edition:
    """One dated run of one cadence. `slot` is its local date; `state` draft, approved or frozen.

    It considers the releases after `from_release`, the lowest mark it was drafted for, up to `to_release`.
    `content_hash` is of its note and its entries in order, as they will be shown: an approval is of that
    hash, and of `look`, a hash of templates, words and limits. A `held` edition is neither frozen nor sent.
    """

    id: int
    cadence: str
    slot: str
    state: str
    held: bool
    note: str
    to_release: int
    content_hash: str
    approved_at: datetime | None = None
    approved_by: str | None = None
    look: str = ""
    from_release: int = 0


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
    def unexplained(self) -> int:
        """How many eligible readers have no row, or rows no eligible reader: never anything but 0."""
        explained = (
            self.accepted + self.refused + self.suppressed + self.empty + self.held + self.uncertain + self.cancelled
        )
        return self.eligible - explained - self.pending

    @property
    def balanced(self) -> bool:
        """True when every eligible reader is accounted for and nothing is still pending."""
        return self.unexplained == 0 and self.pending == 0


@dataclass(frozen=True, slots=True)
class Term:
    """One policy area or theme: its `slug`, the `name` readers see, and `words`: (phrase, weight 1-5) pairs.

    `names` are the name in other languages: (language, name) pairs, such as ("cy", "Tai").
    """

    slug: str
    name: str
    words: tuple[tuple[str, int], ...] = ()
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The facets an organisation uses, in the order it lists them (the order of a letter's headings)."""

    policy_areas: tuple[Term, ...] = ()
    themes: tuple[Term, ...] = ()

    def name(self, slug: str) -> str:
        """Return what readers see for a policy area, theme or region slug (the slug itself if unknown)."""
        for term in (*self.policy_areas, *self.themes):
            if term.slug == slug:
                return term.name
        return REGIONS.get(slug, slug)


@dataclass(frozen=True, slots=True)
class Site:
    """Who sends: the words and addresses every letter carries. `sender` and `reply_to` are RFC 5322 mailboxes."""

    name: str
    base_url: str
    sender: str
    reply_to: str = ""
    postal_address: str = ""
    language: str = "en"
    zone: str = "Europe/London"


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a letter in light or in dark, each "#rrggbb"; what is set in them must be readable.

    `accent` is the band, the buttons and the rule beside a case study; `background` lies around the `sheet`
    that carries the letter, `panel` under a case study.
    """

    accent: str = "#12545a"
    link: str = "#0b4f86"
    heading: str = "#17212b"
    text: str = "#17212b"
    soft: str = "#4d575f"
    background: str = "#f2f1ec"
    sheet: str = "#ffffff"
    panel: str = "#eef5f3"
    rule: str = "#c9cdd0"


LIGHT = Colours()
DARK = Colours(
    accent="#7fd0c8",
    link="#8ec5ff",
    heading="#f1f2ee",
    text="#f1f2ee",
    soft="#bcc4c9",
    background="#0f1417",
    sheet="#171d21",
    panel="#202b2e",
    rule="#3d474d",
)


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture above the name: absolute https `url`, size in CSS pixels; `alt` "" when it says no more than that."""

    url: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """What makes a letter the organisation's own without a template. "" means: as the site has it.

    `words` are changes to the catalogue by language: (("en", {"areas": "For your patch"}),).
    """

    name: str = ""
    tagline: str = ""
    address: str = ""
    logo: Logo | None = None
    light: Colours = LIGHT
    dark: Colours = DARK
    words: tuple[tuple[str, Mapping[str, object]], ...] = ()


SHIPPED = Brand()  # the look of the templates where config says nothing


@dataclass(frozen=True, slots=True)
class Dkim:
    """Who signs the letters: the domain and selector of the public key, and the private `key` as PEM."""

    domain: str
    selector: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an entry stands in a digest, as data; the letter turns it into words.

    `code` is "area" (a followed policy area and region), "elsewhere-area" or "elsewhere-theme" (a case
    study from another region on a followed policy area or theme); `slug` is the policy area or theme
    followed ("" when the reader follows all), `region` the entry's region that counted.
    """

    code: str
    slug: str = ""
    region: str = NATIONAL


@dataclass(frozen=True, slots=True)
class Placed:
    """One entry in its place in a digest."""

    entry: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one section under one heading: `slug` of a policy area, or "" for the unclassified."""

    slug: str
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """`key` is "areas" (In your areas, grouped by policy area) or "elsewhere" (From elsewhere, one group "")."""

    key: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """What one set of readers gets in an edition: sections in reading order and how many more there are.

    Without sections it is empty, and no letter is written. `left_out` says, by entry id, why each considered
    entry is not in the letter ("outside", "over-cap", "had", "elsewhere-off").
    """

    sections: tuple[Section, ...]
    more: int = 0
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """Every placed entry in reading order."""
        return tuple(p for section in self.sections for group in section.groups for p in group.placed)
