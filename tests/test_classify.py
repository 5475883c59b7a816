"""Classify: facets from words, declarations, defaults, categories, links and places, each with evidence."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.classify import MOST_AREAS, MOST_THEMES, Classifier
from digest.facets.entry_text import plain
from digest.facets.lexicon import stem
from digest.facets.phrases import phrases_of
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import REGIONS, UNKNOWN, Facets, Sighting, Source, Taxonomy, Term
from digest.operations.check_labels import expected_regions, place_in_title, score
from tests.counts import table

ROOT = Path(__file__).parents[1]
PLAIN = Source(name="A source")
SMALL = Taxonomy(
    policy_areas=(
        Term("housing", "Housing", (("housing", 3), ("homelessness", 4), ("tenant", 2), ("estate", 1))),
        Term("mental-health", "Mental health", (("mental health", 5), ("crisis", 1))),
        Term("public-health", "Public health", (("health", 3), ("vaccine", 3))),
        Term("domestic-abuse", "Domestic abuse", (("domestic abuse", 4), ("refuge", 1))),
        Term("transport", "Transport", (("bus", 3), ("railway", 3))),
    ),
    themes=(
        Term("leadership", "Leadership", (("leadership", 3), ("chief executive", 2))),
        Term("scaling-up", "Scaling up", (("roll-out", 3),)),
    ),
)


@cache
def small() -> Classifier:
    return Classifier(SMALL, load_gazetteer())


@cache
def shipped() -> Classifier:
    """The rules of the shipped config.toml, read without its other settings."""
    config = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))

    def terms(key: str) -> tuple[Term, ...]:
        return tuple(
            Term(t["slug"], t["name"], background=t.get("background", False), shipped=True) for t in config[key]
        )

    return Classifier(Taxonomy(terms("policy_area"), terms("theme")), load_gazetteer())


def entry(title: str = "", body: str = "", **more: object) -> Sighting:
    return Sighting(guid=None, title=title, html=body, link=more.pop("link", None), **more)  # type: ignore[arg-type]


def why(facets: Facets, slug: str) -> tuple[str, str]:
    return next((e.by, e.detail) for e in facets.evidence if e.slug == slug)


# --- policy areas and themes from words

WORDS: list[tuple[str, str, tuple[str, ...]]] = [
    ("Homelessness falls", "", ("housing",)),
    ("HOMELESSNESS FALLS", "", ("housing",)),
    ("Housing speaks", "", ("housing",)),  # a weight of 3 in the title decides
    ("Tenants speak", "", ()),  # a weight of 2 alone does not, nor does one of 1
    ("An estate", "", ()),
    ("Tenants speak of housing", "", ("housing",)),  # a plural is the same word
    ("Rehousing", "", ()),  # whole words
    ("Buses and railways", "", ("transport",)),
    ("Mental health matters", "", ("mental-health",)),  # the longest phrase; not also "health"
    ("Mental, health", "", ("public-health",)),  # no phrase runs across a comma
    ("Mental-health matters", "", ("mental-health",)),
    ("A title", "<p>One tenant.</p>", ()),  # said once in passing
    ("A title", "<p>Homelessness. More homelessness.</p>", ("housing",)),
    ("A title", "<p>" + "estate " * 50 + "</p>", ()),  # a hint said often stays a hint
    ("Homelessness and mental health", "", ("mental-health", "housing")),  # strongest first
    ("A title", '<p><abbr title="domestic abuse">MARAC</abbr> domestic</p>' * 3, ()),
    ("A title", "<p>Domestic</p><p>abuse</p>" * 3, ()),  # no phrase runs across paragraphs
    ("A title", "<p>dom<b>estic</b> abuse, domestic <i>abuse</i></p>", ("domestic-abuse",)),
    ("A title", '<img alt="housing > housing housing housing" src="x">', ()),
    ("News", "<p>The post Homelessness and housing first appeared on Housing Weekly.</p>" * 2, ()),
    ("News", "<p>Continue reading “Homelessness, housing and housing”</p>", ()),
    ("", "", ()),
]


@table("title, body, areas", WORDS)
def test_policy_areas_from_words(title: str, body: str, areas: tuple[str, ...]) -> None:
    assert small().classify(entry(title, body), PLAIN).policy_areas == areas


def test_themes_come_from_their_own_words() -> None:
    facets = small().classify(entry("Leadership for the roll-out of buses"), PLAIN)
    assert facets.themes == ("leadership", "scaling-up")
    assert facets.policy_areas == ("transport",)
    assert why(facets, "scaling-up") == ("words", "roll-out")


def test_evidence_names_the_words_as_configured() -> None:
    facets = small().classify(entry("Tenants first", "<p>A tenant, tenants, and homelessness.</p>"), PLAIN)
    assert why(facets, "housing") == ("words", "tenant ×3, homelessness")


def test_a_summary_repeated_as_body_counts_once() -> None:
    once = small().classify(entry("T", "<p>Homelessness is falling.</p>"), PLAIN)
    twice = small().classify(entry("T", "<p>Homelessness is falling.</p>", summary="Homelessness is falling."), PLAIN)
    assert once == twice


def test_a_much_weaker_area_is_only_mentioned() -> None:
    body = "<p>" + "Homelessness, housing, tenants. " * 5 + "A bus. A bus.</p>"
    assert small().classify(entry("Homelessness", body), PLAIN).policy_areas == ("housing",)


@table(
    "plural, singular",
    [
        ("services", "service"), ("libraries", "library"), ("children", "child"), ("buses", "bus"), ("bus", "bus"),
        ("businesses", "business"), ("crisis", "crisis"), ("news", "news"), ("taxes", "tax"), ("gas", "gas"),
    ],
)  # fmt: skip
def test_simple_plurals(plural: str, singular: str) -> None:
    assert stem(plural) == singular


# --- declared, defaults, categories, links


def test_what_the_entry_declares_wins() -> None:
    sighting = entry("Homelessness in Leeds", policy_areas=("transport",), regions=("wales",), themes=("Leadership",))
    facets = small().classify(sighting, Source("S", policy_areas=("housing",), regions=("london",)))
    assert (facets.policy_areas, facets.regions, facets.themes) == (("transport",), ("wales",), ("leadership",))
    assert {e.by for e in facets.evidence} == {"source"}


def test_declared_names_are_slugs_too_and_unknown_ones_are_left_out() -> None:
    facets = small().classify(
        entry("T", policy_areas=("Domestic abuse", "Gardening"), regions=("South West", "Atlantis")), PLAIN
    )
    assert (facets.policy_areas, facets.regions) == (("domestic-abuse",), ("south-west",))


def test_a_declared_place_gives_the_region_and_is_shown() -> None:
    facets = small().classify(entry("A title about Leeds", place="Reading"), PLAIN)
    assert (facets.regions, facets.place) == (("south-east",), "Reading")
    assert why(facets, "south-east") == ("source", "Reading → South East")


def test_a_source_adds_its_policy_areas_and_stands_in_for_the_region() -> None:
    source = Source("Housing Weekly", policy_areas=("housing",), regions=("london",))
    nowhere = small().classify(entry("Buses"), source)
    assert (nowhere.policy_areas, nowhere.regions) == (("transport", "housing"), ("london",))
    assert why(nowhere, "london") == ("source", "every entry of Housing Weekly")
    assert small().classify(entry("Buses in Leeds"), source).regions == ("yorkshire-and-the-humber",)
    assert small().classify(entry("Buses in Finland"), source).regions == ("national",)


def test_categories_are_hints() -> None:
    by_name = small().classify(entry("A title", categories=("Featured", "Domestic Abuse", "0", "")), PLAIN)
    assert by_name.policy_areas == ("domestic-abuse",)
    assert why(by_name, "domestic-abuse") == ("category", "category “Domestic Abuse”")
    assert small().classify(entry("A title", categories=("Uncategorized", "estate")), PLAIN).policy_areas == ()
    assert small().classify(entry("A title", categories=("Cornwall",)), PLAIN).regions == ("south-west",)


def test_the_link_says_what_the_title_does_not() -> None:
    facets = small().classify(entry("A title", link="https://news.example.org/wirral/a-title.html"), PLAIN)
    assert (facets.regions, facets.place) == (("north-west",), "Wirral")
    assert why(facets, "north-west") == ("place", "Wirral → North West (link)")


# --- regions

REGION_ROWS: list[tuple[str, str, str | None, tuple[str, ...], str]] = [
    ("Homes in Telford", "", None, ("west-midlands",), "Telford"),
    ("Homes everywhere", "", None, ("unknown",), ""),
    ("Leeds and Cardiff compare notes", "", None, ("yorkshire-and-the-humber", "wales"), "Leeds"),
    ("Leeds, Cardiff, Derby and Bude", "", None, ("national",), ""),  # in four regions is everywhere
    ("Lessons from New York for Manchester", "", None, ("north-west",), "Manchester"),
    ("Lessons from Finland", "", None, ("national",), "Finland"),
    ("England and Wales compared", "", None, ("national",), ""),
    ("Homes", "<p>Kent County Council has opened a hub.</p>", None, ("south-east",), "Kent"),  # short, in the lead
    ("Homes", "<p>" + "Words here. " * 200 + "In Derby one resident said so.</p>", None, ("unknown",), ""),
    ("Homes", "<p>" + "In Derby it works. " * 40 + "</p>", None, ("east-midlands",), "Derby"),
    ("Homes", "<p>" + "Derby. Leeds. Bude. Cardiff. Belfast. " * 9 + "</p>", None, ("national",), ""),
    ("Homes in Wales", "<p>" + "In Derby it works. " * 40 + "</p>", None, ("wales",), "Wales"),  # the title decides
    ("Our conference in Leeds", "", "https://n.example.org/our-conference-leeds", ("unknown",), ""),
    ("Homes", "", "https://www.gov.scot/news/homes", ("scotland",), ""),
    ("Homes", "", "https://www.datacymru.example/", ("wales",), ""),
    ("Homes", "", "https://learning.example.wales/homes", ("wales",), ""),
    ("Homes", "", "https://www.sportscotland.org.uk/homes", ("scotland",), ""),
    ("Homes", "", "https://news.leeds.gov.uk/homes", ("yorkshire-and-the-humber",), "Leeds"),
    ("Homes", "", "https://www.towerhamlets.gov.uk/homes", ("london",), "Tower Hamlets"),
    ("Homes", "", "https://www.reading.gov.uk/x", ("south-east",), "Reading"),
    ("Homes", "", "https://leeds.example.com/homes", ("unknown",), ""),  # not a public body's host
    ("Homes", "", "https://[broken", ("unknown",), ""),
]


@table("title, body, link, regions, place", REGION_ROWS)
def test_regions(title: str, body: str, link: str | None, regions: tuple[str, ...], place: str) -> None:
    facets = small().classify(entry(title, body, link=link), PLAIN)
    assert (facets.regions, facets.place) == (regions, place)


def test_the_evidence_of_a_region_is_its_place() -> None:
    facets = small().classify(entry("Homes in Telford"), PLAIN)
    assert why(facets, "west-midlands") == ("place", "Telford → West Midlands (title)")
    assert why(small().classify(entry("Homes"), PLAIN), "unknown") == ("place", "no place found")


# --- properties

TEXT = st.text(max_size=200) | st.lists(
    st.sampled_from(
        ["Reading", "in", "Leeds", "Durham", ",", "North", "East", "Carolina", "housing", "health", "<p>", "</p>",
         "mental", "domestic", "abuse", "&", "’s", "\n", "The post", "University of", "Jack", "London", "US",
         "<a b='"]
    ),
    max_size=40,
).map(" ".join)  # fmt: skip


@settings(max_examples=60)
@given(title=TEXT, body=TEXT, link=st.none() | TEXT, categories=st.lists(TEXT, max_size=3), place=TEXT)
def test_any_text_gives_facets_with_evidence_for_each(
    title: str, body: str, link: str | None, categories: list[str], place: str
) -> None:
    sighting = entry(title, body, link=link, categories=tuple(categories), place=place, summary=body)
    source = Source("S", policy_areas=("transport",))
    facets = small().classify(sighting, source)
    assert 1 <= len(facets.regions) <= 3
    assert set(facets.regions) <= {*REGIONS, UNKNOWN}
    assert len(facets.policy_areas) <= MOST_AREAS + 1
    assert len(facets.themes) <= MOST_THEMES
    values = [("policy_area", s) for s in facets.policy_areas] + [("region", s) for s in facets.regions]
    values += [("theme", s) for s in facets.themes]
    assert sorted(values) == sorted((e.facet, e.slug) for e in facets.evidence)
    assert all(e.detail for e in facets.evidence)
    assert small().classify(sighting, source) == facets


def test_order_of_the_rules_does_not_change_the_answer() -> None:
    turned = Taxonomy(tuple(reversed(SMALL.policy_areas)), SMALL.themes)
    sighting = entry("Homelessness, mental health and buses in Leeds", "<p>A refuge.</p>")
    left, right = small().classify(sighting, PLAIN), Classifier(turned, load_gazetteer()).classify(sighting, PLAIN)
    assert set(left.policy_areas) == set(right.policy_areas)
    assert left.regions == right.regions


def test_plain_reads_only_so_far_and_keeps_entities_apart() -> None:
    assert plain("<p>Arts &amp; crafts</p><p>2 &lt; 3</p>").split() == ["Arts", "&", "crafts", "2", "<", "3"]
    assert len(plain("word " * 50_000)) <= 20_000


# --- the labels check


def rows() -> list[dict[str, object]]:
    text = (ROOT / "tests" / "data" / "labels.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_shipped_rules_keep_their_marks_on_our_own_titles() -> None:
    report = score(rows(), shipped())
    assert report["region"]["rows"] == len(rows()) >= 30
    assert report["region"]["accuracy_all"] >= 0.95, report["wrong"]
    assert report["region"]["accuracy_answerable"] >= 0.95
    assert report["policy_area"]["f1"] >= 0.8, report["wrong"]


def test_the_shipped_facets_are_the_default_ones() -> None:
    config = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
    assert (len(config["policy_area"]), len(config["theme"])) == (21, 8)
    for facet in ("policy_area", "theme"):
        for term in config[facet]:
            phrases = phrases_of(facet, Term(term["slug"], term["name"], shipped=True))
            assert len(phrases) >= 10, term["slug"]


def test_figures_count_as_they_say() -> None:
    labelled = [
        {"id": "1", "title": "Homelessness in Leeds", "policy_areas": ["housing"],
         "region": "Yorkshire and The Humber", "places": ["Leeds"]},
        {"id": "2", "title": "Buses", "policy_areas": ["transport", "housing"], "region": "Wales",
         "places": ["Cardiff"]},
        {"id": "3", "title": "Nothing", "policy_areas": ["housing"], "region": "national", "places": []},
        {"id": "4", "title": "Vaccines in Kent", "policy_areas": ["housing"], "region": "unheard of", "places": []},
    ]  # fmt: skip
    report = score(labelled, small())
    areas, regions = report["policy_area"], report["region"]
    assert (areas["precision"], areas["recall"], areas["f1"]) == (0.667, 0.4, 0.5)
    assert (areas["rows"], areas["accuracy_all"], areas["abstained"]) == (4, 0.25, 1)
    assert (regions["rows"], regions["accuracy_all"], regions["abstained"]) == (
        3,
        1.0,
        2,
    )  # unknown without a clue is right
    assert (regions["accuracy"], regions["decided"]) == (1.0, 1)
    assert (regions["accuracy_answerable"], regions["answerable"]) == (1.0, 1)
    assert [row["id"] for row in report["wrong"]] == ["2", "3", "4"]
    assert report["wrong"][0]["regions"] == {"expected": ["wales"], "got": ["unknown"]}


@table(
    "row, expected",
    [
        ({"region": "North West"}, {"north-west"}),
        ({"region": "yorkshire-and-the-humber"}, {"yorkshire-and-the-humber"}),
        ({"region": "national"}, {"national"}),
        ({"region": "outside UK"}, {"national"}),
        ({"region": "multiple", "regions": ["Wales", "London"]}, {"wales", "london"}),
        ({"region": "multiple"}, {"national"}),
        ({"region": "unknown"}, {"unknown"}),
        ({"region": "Atlantis"}, None),
        ({}, None),
    ],
)
def test_labels_become_slugs(row: dict[str, object], expected: set[str] | None) -> None:
    assert expected_regions(row) == (None if expected is None else frozenset(expected))


def test_links_are_read_only_when_asked() -> None:
    row = {
        "title": "Homes",
        "url": "https://news.leeds.gov.uk/1",
        "region": "Yorkshire and The Humber",
        "places": ["Leeds"],
    }
    assert score([row], small())["region"]["decided"] == 0
    assert score([row], small(), shown="address")["region"]["decided"] == 1
    assert (place_in_title(row), place_in_title(row, url=True)) == (False, True)
