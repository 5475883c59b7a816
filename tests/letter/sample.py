"""Provide an invented edition for tests: its organisations, places and addresses stand for no real ones."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from digest.letter import catalogue
from digest.letter.blocks import Appearance, EditionFacts, ReaderFacts
from digest.letter.brand import LIGHT, Brand, Logo
from digest.model import (
    CASE_STUDY,
    NATIONAL,
    POST,
    Digest,
    Entry,
    Facets,
    Group,
    Ingredient,
    NamedAddress,
    NamedLink,
    Placed,
    Reason,
    Section,
    Site,
    Taxonomy,
    Term,
)

TEMPLATES = Path(__file__).parents[2] / "templates" / "email"
ENGLISH = catalogue.load_catalogue([TEMPLATES], "en")
WELSH = catalogue.load_catalogue([TEMPLATES], "cy")

SITE = Site(
    name="Learning Digest",
    base_url="https://digest.example.org",
    sender=NamedAddress("digest@news.example.org", "Learning Digest"),
    reply_to=NamedAddress("editors@news.example.org"),
    postal_address="Centre for Shared Learning, 1 Example Square, Sampleton SA1 1AA",
)
TAXONOMY = Taxonomy(
    policy_areas=(
        Term("health-social-care", "Health and social care"),
        Term("housing", "Housing"),
        Term("domestic-abuse", "Domestic abuse"),
        Term("digital-data", "Digital and data"),
        Term("transport", "Transport"),
        Term("environment-climate", "Environment and climate"),
    ),
    themes=(
        Term("risk-and-trust", "Risk and trust"),
        Term("data-and-evidence", "Data and evidence"),
        Term("leadership", "Leadership"),
    ),
)
BRAND = Brand(
    name="The Learning Digest",
    tagline="What places learn from each other",
    logo=Logo("https://digest.example.org/logo.png", 160, 48),
    light=replace(LIGHT, accent="#7a1f5c", link="#7a1f5c"),
)
APPEARANCE = Appearance(SITE, TAXONOMY, (TEMPLATES,))
BRANDED = replace(APPEARANCE, brand=BRAND)
EDITION = EditionFacts(
    id=47,
    cadence="weekly",
    day=date(2026, 11, 20),
    note=(
        "Winter planning runs through this week's letter. Three of the case studies below began with a "
        "single phone call between a council and a hospital ward.\n\n"
        "If your area has tried something like it, reply to this letter and tell us what you would do "
        "differently."
    ),
    step="Ask one partner which form they would most like to stop filling in.",
)
READER = ReaderFacts(
    name="Ceri",
    email="ceri.morgan@council.example",
    unsubscribe_url="https://digest.example.org/u/c2FtcGxlLXRva2VuLWZvci1hLXJlYWRlcg?list=weekly&e=47",
    preferences_url="https://digest.example.org/p/c2FtcGxlLXRva2VuLWZvci1hLXJlYWRlcg",
    pause_url="https://digest.example.org/p/c2FtcGxlLXRva2VuLWZvci1hLXJlYWRlcg?pause=1",
    browser_url="https://digest.example.org/l/47/c2FtcGxlLXRva2VuLWZvci1hLXJlYWRlcg",
    interests="Health and social care, Housing, Domestic abuse and Transport, in the South East and Wales",
)

_ROWS: list[tuple[str, str, str, str, int, str, str, str, str]] = [
    # area, region, place, kind, day of November (0: undated), source, title, theme, summary
    (
        "health-social-care",
        "south-east",
        "Southmere",
        CASE_STUDY,
        17,
        "Estuary Care Partnership",
        "Southmere's shared care record, and the two years before it",
        "risk-and-trust",
        "Nurses, social workers and a hospice now see one page about a person. The software took four months; "
        "agreeing who could see what took the rest, and the partners say that was time well spent.",
    ),
    (
        "health-social-care",
        NATIONAL,
        "",
        POST,
        16,
        "Office for Joined-up Care",
        "Guidance: sharing information when someone leaves hospital",
        "",
        "A plain summary of what the law allows between a ward, a council and a housing provider, with six "
        "worked examples and the form of words that each can use.",
    ),
    (
        "health-social-care",
        "wales",
        "Gwynfa",
        POST,
        12,
        "Gwynfa Regional Board",
        "What falls data told us about our own streets",
        "",
        "Ambulance call-outs laid over a pavement survey showed eleven short stretches that account for a "
        "fifth of winter falls.",
    ),
    (
        "housing",
        "south-east",
        "Kentbourne",
        POST,
        18,
        "Kentbourne Council",
        "A damp and mould register that tenants can read",
        "",
        "Reports, visits and repairs are listed in one place, in the words the tenant used.",
    ),
    (
        "housing",
        "wales",
        "",
        CASE_STUDY,
        0,
        "Homes Cymru Exchange",
        "Nine landlords, one list of empty homes",
        "data-and-evidence",
        "Landlords and a council pooled meter readings to find homes that stood empty, and brought 140 back "
        "into use in a year.",
    ),
    (
        "domestic-abuse",
        "south-east",
        "Thameside",
        CASE_STUDY,
        11,
        "Safe Doors Network",
        "How a refuge and a police force agreed on one risk form",
        "risk-and-trust",
        "Two forms asked the same frightened person the same questions on the same night. The joint form has "
        "nine questions, and the refuge decides when to ask them.",
    ),
    (
        "domestic-abuse",
        NATIONAL,
        "",
        POST,
        10,
        "Commission on Safety at Home",
        "Call for evidence on information sharing with schools",
        "",
        "Responses are invited until 12 January from anyone who has sent or received a notice.",
    ),
    (
        "transport",
        "wales",
        "Cwm Derw",
        POST,
        9,
        "Valleys Transport Forum",
        "Buses on demand: the first 10,000 journeys",
        "",
        "Half of all bookings were for health appointments, so the timetable now starts from clinic hours.",
    ),
    (
        "transport",
        "south-east",
        "",
        POST,
        6,
        "South Coast Roads",
        "Counting cyclists without counting faces",
        "",
        "A short note on sensors that see wheels only, and what the information officer asked before saying yes.",
    ),
    (
        "housing",
        "north-east",
        "Wearbridge",
        CASE_STUDY,
        13,
        "Northern Learning Exchange",
        "Wearbridge's rent arrears call that starts with a cup of tea",
        "leadership",
        "Arrears letters became visits. Evictions fell by a third, and staff stayed longer in the job.",
    ),
    (
        "health-social-care",
        "scotland",
        "Strathellen",
        CASE_STUDY,
        4,
        "Strathellen Health and Care",
        "One consent conversation for six services",
        "risk-and-trust",
        "A family is asked once. The script is a page long and was written with people who had been asked six times.",
    ),
    (
        "digital-data",
        "yorkshire-and-the-humber",
        "Calderby",
        CASE_STUDY,
        2,
        "Calderby Data Club",
        "A data club that meets in the library",
        "data-and-evidence",
        "Analysts from the fire service, the council and two charities bring one question a month.",
    ),
]


# The ingredients of the case studies 1, 10 and 11; the last line is signed by an editor.
_INGREDIENTS: dict[int, tuple[Ingredient, ...]] = {
    1: (
        Ingredient("in-the-way", "Nobody on the wards trusted a record that others could write in.", ("trust",)),
        Ingredient("did", "A nurse, a social worker and a lawyer wrote the rules for each field in one room."),
        Ingredient("changed", "A person who comes into hospital now tells their story once."),
    ),
    10: (
        Ingredient("did", "We asked tenants to photograph the damp, and sent the surveyor with the picture."),
        Ingredient(
            "who-to-ask", "The repairs team will show its forms to anybody who asks: repairs@northam.example."
        ),
    ),
    11: (Ingredient("changed", "Beds freed a day sooner", (), "Editors of the Digest"),),
}


# Other sources that tell what entry 4 tells.
_ALSO_AT = {
    4: (
        NamedLink("Tenants' Voice & Co", "https://tenants.example/damp?from=feed&page=2"),
        NamedLink("Homes Wire", None),
    )
}


_EARLIER = {
    9: NamedLink("Safer Streets Weekly counts its first cyclists", "https://south.example/learning/first-count")
}


def entries() -> list[Entry]:
    """Return the twelve entries of the sample edition, ids 1 to 12."""
    sample = []
    for number, (area, region, place, kind, day, source, title, theme, summary) in enumerate(_ROWS, 1):
        slug = title.lower().replace(" ", "-").replace("'", "").replace(",", "").replace(":", "")
        sample.append(
            Entry(
                id=number,
                source=source,
                url=f"https://{source.split()[0].lower()}.example/learning/{slug}",
                title=title,
                kind=kind,
                published=datetime(2026, 11, day, 23, 30, tzinfo=UTC) if day else None,
                first_seen=datetime(2026, 11, 19, 6, tzinfo=UTC),
                summary=summary,
                facets=Facets((area,), (region,), (theme,) if theme else (), (), place),
                ingredients=_INGREDIENTS.get(number, ()),
                earlier=_EARLIER.get(number),
                also_at=_ALSO_AT.get(number, ()),
            )
        )
    return sample


def group(slug: str, *ids: int) -> Group:
    """Return a group of the sample's entries under one policy area."""
    regions = {entry.id: entry.facets.regions[0] for entry in entries()}
    return Group(slug, tuple(Placed(i, Reason("area", slug, regions[i])) for i in ids))


def digest() -> Digest:
    """Return the digest of a reader who gets all twelve entries and three more."""
    elsewhere = (
        Placed(10, Reason("elsewhere-area", "housing", "north-east")),
        Placed(11, Reason("elsewhere-barrier", "money", "scotland")),
        Placed(12, Reason("elsewhere-theme", "data-and-evidence", "yorkshire-and-the-humber")),
    )
    areas = (
        group("health-social-care", 1, 2, 3),
        group("housing", 4, 5),
        group("domestic-abuse", 6, 7),
        group("transport", 8, 9),
    )
    return Digest((Section("areas", areas), Section("elsewhere", (Group("", elsewhere),))), more=3)


def random_digest(dice: random.Random, pool: list[Entry], taxonomy: Taxonomy = TAXONOMY) -> Digest:
    """Return a digest of some of `pool` in any order, grouped or elsewhere, as grouping could make it."""
    chosen = dice.sample(pool, dice.randint(1, min(12, len(pool))))
    studies = [entry for entry in chosen if entry.kind == CASE_STUDY][: dice.randint(0, 3)]
    near = [entry for entry in chosen if entry not in studies]
    slugs = [term.slug for term in taxonomy.policy_areas] + [""]
    groups: dict[str, list[Placed]] = {}
    for entry in near:
        slug = dice.choice(slugs)
        reason = Reason("area", dice.choice([slug, ""]), dice.choice(entry.facets.regions))
        groups.setdefault(slug, []).append(Placed(entry.id, reason))
    codes = ["elsewhere-area", "elsewhere-theme", "elsewhere-barrier"]
    far = [Placed(entry.id, Reason(dice.choice(codes), dice.choice(slugs[:-1]))) for entry in studies]
    sections = []
    if groups:
        sections.append(Section("areas", tuple(Group(slug, tuple(p)) for slug, p in groups.items())))
    if far:
        sections.append(Section("elsewhere", (Group("", tuple(far)),)))
    return Digest(tuple(sections), more=dice.choice([0, 0, 1, 7]))
