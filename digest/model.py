"""Define the values that every room shares, frozen: from a source and its entries to an edition and its digests.

docs/glossary.md says what each noun means. Imports the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

NATIONAL = "national"
UNKNOWN = "unknown"  # the region of an entry whose texts name no place; nobody can choose it
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
ROLES = ("viewer", "editor", "approver", "admin")  # of those who use the desk; each may do more
INGREDIENTS: dict[str, str] = {
    "place": "Place and who",
    "wanted": "Wanted",
    "in-the-way": "In the way",
    "did": "They did",
    "changed": "Changed",
    "must-stay": "Must stay",
    "may-change": "May change",
    "who-to-ask": "Who to ask",
    "how-they-know": "How they know",
    "how-far": "How far along",
}
BARRIERS = ("culture", "trust", "law", "technology", "money", "capacity", "leadership")


@dataclass(frozen=True, slots=True)
class Backfill:
    """How much of a source's baseline readers get all the same: the newest `count`, or all younger than `span`."""

    count: int = 0
    span: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A configured place to gather from: a feed at `url` or `path`, or a folder of Markdown at `path`.

    Exactly one of `url` and `path` is set; `path` is absolute. Facet slugs are the source's own defaults. `full_text`
    says of which new entries the linked page is read: "none", "case-studies" or "all". `named_in` is the file that
    has it, as messages name it: config.toml, or one that this includes. `public`: the archive shows its entries.
    `username` and `password_file` (absolute) are for a feed that wants a password, else "".
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
    full_text: str = "none"
    named_in: str = "config.toml"
    public: bool = True
    username: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An illustration that the source offers: absolute http(s) `url`, plain-text `alt`, size in CSS pixels."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None


class Ingredient(NamedTuple):
    """One part of a case study that another place could use: a line under a `name` of INGREDIENTS.

    `text` stands in the source, whole sentences, when `by` is ""; else `by` is the name of who wrote it. `barriers`
    (of BARRIERS, up to three) are those that a line "in-the-way" names.
    """

    name: str
    text: str
    barriers: tuple[str, ...] = ()
    by: str = ""


class NamedLink(NamedTuple):
    """A name that a reader sees, and the absolute address it leads to, or None."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One entry as one fetch of one source shows it, cleaned, before `newness` compares it with stored entries.

    `title`, `summary`, `author` and `categories` are plain text; `html` is sanitised and its links are
    absolute; `link` is an absolute http(s) address of at most 2,000 characters or None; `published` is
    aware UTC or None (absent, unreadable or impossible); `kind` is None when the entry does not declare one.
    `place`, the facets and the `ingredients` are those that the entry itself declares (front matter), else empty.
    `unreleased` is why its source marks it as not released ("draft: true"), or ""; `not_before` is the instant, ahead
    of the reading, before which it is not released; from `not_after` on it has expired. `publisher` is the name of
    the blog or body that a feed of many has the entry from, else "".
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
    ingredients: tuple[Ingredient, ...] = ()
    unreleased: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    publisher: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All sightings of one fetch of one source, in the source's order.

    `problems` has a line for each part of the source that was mended or left out. `deleted` has the guids of entries
    that the source says it has deleted. `whole`: the source has no window, so that an entry it does not show is gone.
    `older` is the address of the page with its older entries, or "".
    """

    sightings: tuple[Sighting, ...]
    title: str = ""
    language: str | None = None
    problems: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    whole: bool = False
    older: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an entry carries one facet value.

    `facet` is "policy_area", "region" or "theme", or "kind" for a kind that a rule sets; `by` is "words", "place",
    "source", "category", "rule" or "editor"; `detail` names the words, the place or the rule ("domestic abuse ×2",
    "Telford → West Midlands", "rule 3 by Ann: 'front door'").
    """

    facet: str
    slug: str
    by: str
    detail: str


@dataclass(frozen=True, slots=True)
class Facets:
    """An entry's policy areas, regions and themes, strongest first, and the evidence for each.

    `regions` is empty for an entry of a baseline that nobody has needed yet (`digest.editions.classified`), else
    never: an entry that names no place, and is not about the whole country, has UNKNOWN. `policy_areas` is empty for
    an unclassified entry. `place` is the name of the place to show a reader ("Cornwall"), or "".
    """

    policy_areas: tuple[str, ...] = ()
    regions: tuple[str, ...] = (NATIONAL,)
    themes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    place: str = ""

    @property
    def kind(self) -> str:
        """Return the kind that a rule has set, as its evidence says, or ""."""
        return next((evidence.slug for evidence in self.evidence if evidence.facet == "kind"), "")


@dataclass(frozen=True, slots=True)
class EntryEdit:
    """How editors have one entry shown, beside what its source says; a text that is "" is the source's own.

    `worded_by` is the name of the editor who gave `title` and `summary`; `note` is words below the entry, by the
    editor `note_by`. While there is an `open_question`, a deadline may leave the entry out. Readers who have chosen a
    region or policy area of `not_for` (slugs) do not get it; nor does anybody after `last_day` (a local date, or "").
    """

    title: str = ""
    summary: str = ""
    worded_by: str = ""
    note: str = ""
    note_by: str = ""
    open_question: str = ""
    not_for: tuple[str, ...] = ()
    last_day: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One post or case study as stored. `id` is the database's own and never changes; dates are aware UTC.

    `state` is "baseline" (seen at a source's first sight, never owed), "held" (waits for an editor's release),
    "withheld" (its source does not release it now: a draft, before its date, expired), "ready" (released to readers),
    "dropped" (refused by an editor) or "duplicate" (it tells what the earlier entry `duplicate_of` of another source
    tells). `held_why` says why it is held, withheld or a duplicate, else "". Of an entry that stands in an edition,
    `ingredients` are those of a case study, by name, the best line of each first; `also_at` names the other sources
    that tell the same, and `earlier` an earlier entry about the same programme; `carried_from` is the slot of the
    newest earlier edition that had no room for it in some letter, so that it may be carried over, or "".
    `edit` is how editors have it shown; its title and summary then are theirs. `publisher` is that of a sighting.
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
    held_why: str = ""
    ingredients: tuple[Ingredient, ...] = ()
    duplicate_of: int | None = None
    also_at: tuple[NamedLink, ...] = ()
    earlier: NamedLink | None = None
    carried_from: str = ""
    edit: EntryEdit | None = None
    publisher: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """One dated run of one cadence. `slot` is its local date; `state` is "draft", "approved" or "frozen".

    It considers the releases after `from_release`, the lowest mark it was drafted for, up to `to_release`.
    `content_hash` is the hash of its note and of its entries in order, as they will be shown; `look` is the hash
    of its appearance: templates, words and limits. An approval is of both. `held` is true for an edition that a
    person has stopped: it is neither frozen nor sent. `key` is a random value to which tags and links are bound
    beside the number, because after a restore the number may be another edition's.

    `subject`, `question` and `step` are the editors' words for all its letters: the subject line, a question that
    closes the letter, and the small step; "" leaves them to the program. `arranged` has the ids of its entries in the
    order that editors gave them, of which the first `pinned` are pinned; entries that came later stand after them.
    `told_ready_at` and `told_near_at` say when the editors were told of the draft and of its deadline, `unapproved`
    what was done at a deadline that nobody met.
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
    frozen_at: datetime | None = None
    key: str = ""
    created_at: datetime | None = None
    subject: str = ""
    question: str = ""
    step: str = ""
    arranged: tuple[int, ...] = ()
    pinned: int = 0
    told_ready_at: datetime | None = None
    told_near_at: datetime | None = None
    unapproved: str = ""


class Correction(NamedTuple):
    """Hold what the readers of an entry are told afterwards: its `title`, and an editor's `text` on one line.

    `withdrawn`: the entry is taken back as a whole.
    """

    number: int
    entry: int
    title: str
    text: str
    withdrawn: bool = False


class Tried(NamedTuple):
    """Hold what a reader's `place` did with a case study (an entry and its `title`), in its own words on one line.

    The editors have accepted it, and the reader wants the place to be named.
    """

    number: int
    entry: int
    title: str
    place: str
    text: str


# A line above a letter's first part, of an entry that its reader had in an earlier letter.
TopLine = Correction | Tried


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
        """Return how many eligible readers the account misses (below 0: it has too many); other than 0 is a fault."""
        explained = (
            self.accepted + self.refused + self.suppressed + self.empty + self.held + self.uncertain + self.cancelled
        )
        return self.eligible - explained - self.pending

    @property
    def balanced(self) -> bool:
        """Return whether every eligible reader is accounted for and no delivery is still pending."""
        return self.unexplained == 0 and self.pending == 0


@dataclass(frozen=True, slots=True)
class Term:
    """One policy area or theme: its `slug`, the `name` that readers see, and its `words`.

    `words` are (phrase, weight) pairs, weight 1 to 5, or 0 for a shipped phrase that does not count; with `shipped`,
    the product's own phrases for this slug count too. `names` are its names in other languages, (language, name)
    pairs such as ("cy", "Tai"). A policy area that is `background`, the organisation's own subject, stands only where
    an entry is about no other.
    """

    slug: str
    name: str
    words: tuple[tuple[str, int], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    background: bool = False
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The facets an organisation uses, in the order it lists them (the order of a letter's headings).

    `regions` are its own, whose words are the places in them; () for those of the United Kingdom.
    """

    policy_areas: tuple[Term, ...] = ()
    themes: tuple[Term, ...] = ()
    regions: tuple[Term, ...] = ()

    @property
    def region_names(self) -> dict[str, str]:
        """Return the name of each region by slug, NATIONAL among them."""
        own = {term.slug: term.name for term in self.regions}
        return {**own, NATIONAL: own.get(NATIONAL, REGIONS[NATIONAL])} if own else REGIONS

    def name(self, slug: str) -> str:
        """Return the name that people see for a policy area, theme or region; an unknown slug stays as it is."""
        for term in (*self.policy_areas, *self.themes):
            if term.slug == slug:
                return term.name
        return "place unknown" if slug == UNKNOWN else self.region_names.get(slug, slug)

    def __hash__(self) -> int:
        # Of its size, because names are remembered by taxonomy, and hashing its thousand phrases takes far longer.
        return hash((len(self.policy_areas), len(self.themes)))


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """A mail address, its domain in ASCII, and the `name` that is shown beside it ("": none)."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """Return the part after the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Site:
    """The organisation that sends: the words and addresses of every letter.

    `reply_to` None means that answers go to the sender. `base_url` has no slash at its end. `reader_zones` are the
    time zones that readers may choose beside `zone`.
    """

    name: str
    base_url: str
    sender: NamedAddress
    reply_to: NamedAddress | None = None
    postal_address: str = ""
    language: str = "en"
    zone: str = "Europe/London"
    reader_zones: tuple[str, ...] = ()

    def __hash__(self) -> int:
        # Of one field, because headers are remembered by site, and hashing all fields takes as long as the rest.
        return hash(self.base_url)

    @property
    def list_id(self) -> str:
        """Return the name of the list of all letters (RFC 2919).

        The same for every cadence, because a change of cadence is no change of list in a reader's filters.
        """
        return f"digest.{self.sender.domain}"


@dataclass(frozen=True, slots=True)
class Retention:
    """How old a thing gets before a run removes it; None keeps it for ever."""

    runs: timedelta | None
    deliveries: timedelta | None
    letters: timedelta | None
    copies: timedelta | None
    texts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Dkim:
    """The signature of letters: the domain and selector of its public key, and the private `key` as PEM."""

    domain: str
    selector: str
    key: bytes = field(repr=False)


class Reason(NamedTuple):
    """Why an entry stands in a digest, as data that the letter turns into words.

    `code` is "area" (a followed policy area and region), "elsewhere-barrier" (a case study from another region with
    a barrier that another case study of a followed policy area names), "elsewhere-theme" or "elsewhere-area" (one on
    a followed theme or policy area); `slug` is that policy area ("" when the reader follows all), barrier or theme,
    `region` the region of the entry that matched, or UNKNOWN. `area` is, of a barrier, the followed policy area that
    shares it, so far as the digest tells it of all its readers; else "".
    """

    code: str
    slug: str = ""
    region: str = NATIONAL
    area: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """One entry of a digest, by its id, and the reason why it stands there."""

    entry: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one section under one heading: the `slug` of a policy area, or ""."""

    slug: str
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a digest.

    `key` is "areas" (In your areas, grouped by policy area) or "elsewhere" (From elsewhere, one group with slug "").
    """

    key: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """The entries that one set of readers gets in an edition: sections in reading order.

    `more` counts the owed entries over the cap. Without sections the digest is empty, and no letter is written.
    `left_out` has an (entry id, why) pair for each considered entry that is not in the letter: "outside",
    "over-cap", "had", "elsewhere-off" or "not-for". `again`: its entries are carried over, as it has nothing new.
    """

    sections: tuple[Section, ...]
    more: int = 0
    left_out: tuple[tuple[int, str], ...] = ()
    again: bool = False

    @property
    def placed(self) -> tuple[Placed, ...]:
        """Return every placed entry in reading order."""
        return tuple(placed for section in self.sections for group in section.groups for placed in group.placed)
