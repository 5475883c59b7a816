"""The shipped sample content is sound: it parses, it reaches every facet, and it names no real address."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest
import yaml

from digest.learning.choose import letter_lines
from digest.learning.given import from_matter
from digest.learning.read import read_ingredients
from digest.model import CADENCES, NATIONAL, REGIONS

EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCES = EXAMPLES / "sources"
FRONT_MATTER = {"title", "date", "regions", "policy_areas", "themes", "url", "author", "summary"}
RESERVED = ("example", "example.org", "example.com", "example.net")
# A phrase of each policy area that any sensible rule would know; the content has to use it.
AREA_PHRASES = {
    "blue-light": "emergency services",
    "children-families": "early help",
    "culture-leisure": "libraries",
    "digital-data": "digital inclusion",
    "domestic-abuse": "domestic abuse",
    "economy-skills": "apprentice",
    "education-early-years": "early years",
    "environment-climate": "retrofit",
    "equalities-community": "under-represented groups",
    "health-social-care": "social care",
    "housing": "homelessness",
    "information-governance": "data sharing agreement",
    "local-government-reform": "reorganisation",
    "mental-health": "mental health",
    "organisation-news": "we are hiring",
    "planning-regeneration": "regeneration",
    "policing-crime": "anti-social behaviour",
    "public-health": "public health",
    "safeguarding": "safeguarding",
    "transport": "bus service",
    "welfare-employment": "universal credit",
}
THEME_PHRASES = {
    "leadership": "chief executive",
    "culture-change": "culture change",
    "vision-and-collaboration": "joint working",
    "capacity-and-capability": "training programme",
    "risk-and-trust": "lawful basis",
    "data-and-evidence": "evaluation",
    "outcomes-for-people": "wellbeing",
    "scaling-up": "scaling up",
}
REGION_PLACES = {
    "east-midlands": "Lincolnshire",
    "east-of-england": "Norwich",
    "london": "Lewisham",
    "north-east": "Gateshead",
    "north-west": "Rochdale",
    "northern-ireland": "Strabane",
    "scotland": "Fife",
    "south-east": "Reading Borough Council",
    "south-west": "Bath and North East Somerset",
    "wales": "Wrexham",
    "west-midlands": "Telford and Wrekin",
    "yorkshire-and-the-humber": "Calderdale",
}


def _feed(name: str) -> Any:
    return feedparser.parse((SOURCES / name).read_bytes())


def _json_items() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads((SOURCES / "housing-and-place.json").read_text("utf-8"))["items"]
    return items


def _markdown() -> Iterator[tuple[dict[str, Any], str]]:
    for path in sorted((EXAMPLES / "case-studies").glob("*.md")):
        _, front, body = path.read_text("utf-8").split("---\n", 2)
        yield yaml.safe_load(front), body


def _readers() -> list[dict[str, str]]:
    with (EXAMPLES / "subscribers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _everything() -> str:
    files = [*SOURCES.iterdir(), *(EXAMPLES / "case-studies").iterdir()]
    return " ".join(" ".join(path.read_text("utf-8") for path in files).split())


def _is_reserved(host: str) -> bool:
    return any(host == name or host.endswith("." + name) for name in RESERVED)


@pytest.mark.parametrize(
    ("name", "version", "entries"),
    [
        ("centre-for-shared-learning.xml", "atom10", 14),
        ("councils-in-practice.xml", "rss20", 14),
        ("blue-light-exchange.rdf", "rss10", 9),
        ("voluntary-sector-voices.xml", "rss20", 11),
    ],
)
def test_each_feed_parses_without_complaint(name: str, version: str, entries: int) -> None:
    feed = _feed(name)
    assert (feed.bozo, feed.version, len(feed.entries)) == (0, version, entries)


@pytest.mark.parametrize("name", ["councils-in-practice.xml", "centre-for-shared-learning.xml"])
def test_the_tidy_feeds_date_identify_and_link_every_entry(name: str) -> None:
    entries = _feed(name).entries
    assert all(entry.published_parsed and entry.title and entry.content[0].value for entry in entries)
    assert len({entry.id for entry in entries}) == len({entry.link for entry in entries}) == len(entries)
    assert {entry.link[:8] for entry in entries} == {"https://"}


def test_the_json_feed_has_what_the_format_asks_for() -> None:
    items = _json_items()
    assert len(items) == 9
    assert len({item["id"] for item in items}) == 9
    assert all(isinstance(item["id"], str) for item in items)
    assert all(item.get("content_html") or item.get("content_text") for item in items)
    assert all(datetime.fromisoformat(item["date_published"]).tzinfo for item in items)


def test_the_untidy_feed_is_untidy_in_the_ways_it_should_be() -> None:
    entries = _feed("voluntary-sector-voices.xml").entries
    assert [e.title for e in entries if "id" not in e] == [
        "Dial-a-ride grows up: six community minibuses in Essex share one phone"
    ]
    assert [e.link.split("?")[0] for e in entries if not e.get("title")] == [
        "https://voices.example.org/2026/refugee-welcome/"
    ]
    undated = [e for e in entries if "published" not in e]
    unreadable = [e for e in entries if "published" in e and e.published_parsed is None]
    assert [len(undated), len(unreadable)] == [1, 1]
    assert [e.title for e in entries if "&amp;" in e.get("title", "")] == [
        "Arts &amp; minds: a Margate studio that GPs can prescribe"
    ]
    assert all(re.search("utm_|fbclid", e.link) for e in entries)
    others = {e.link for e in _feed("councils-in-practice.xml").entries}
    assert len([e for e in entries if e.link.split("?")[0] in others]) == 1


def test_front_matter_loads_and_uses_known_regions_and_facets() -> None:
    pages = list(_markdown())
    assert len(pages) >= 12
    for front, body in pages:
        assert set(front) - {"place", "ingredients", "ingredients_by"} == FRONT_MATTER, front["title"]
        assert type(front["date"]) is date
        assert front["regions"] and set(front["regions"]) <= REGIONS.keys()
        assert front["policy_areas"] and set(front["policy_areas"]) <= AREA_PHRASES.keys()
        assert front["themes"] and set(front["themes"]) <= THEME_PHRASES.keys()
        assert len(body.split("\n\n")) >= 4


def test_half_of_the_folder_gives_its_ingredients_and_the_other_half_tells_them() -> None:
    pages = list(_markdown())
    given = [
        from_matter(front["ingredients"], front["ingredients_by"]) for front, _ in pages if "ingredients" in front
    ]
    read = [read_ingredients(body) for front, body in pages if "ingredients" not in front]
    assert len(given) == 8 and all(len(letter_lines(lines)) >= 1 for lines in given)
    assert len(read) == 7 and all(len(letter_lines(lines)) >= 1 for lines in read)
    assert {front["author"] for front, _ in pages if "ingredients" in front} == {
        line.by for lines in given for line in lines
    }


@pytest.mark.long
def test_the_feeds_tell_what_was_in_the_way() -> None:
    feeds = [_feed(path.name) for path in SOURCES.iterdir() if path.suffix != ".json"]
    bodies = [e.content[0].value for feed in feeds for e in feed.entries if "content" in e]
    bodies += [item.get("content_html", "") for item in _json_items()]
    barriers = {
        barrier for body in bodies for line in letter_lines(read_ingredients(body)) for barrier in line.barriers
    }
    assert {"culture", "trust", "law", "technology"} <= barriers


def test_every_region_is_declared_by_some_case_study_in_the_folder() -> None:
    assert {region for front, _ in _markdown() for region in front["regions"]} == REGIONS.keys()


def test_every_policy_area_region_and_theme_is_reachable_by_words() -> None:
    text = _everything()
    assert {a for a, phrase in AREA_PHRASES.items() if phrase not in text.lower()} == set()
    assert {t for t, phrase in THEME_PHRASES.items() if phrase not in text.lower()} == set()
    assert {r for r, place in REGION_PLACES.items() if place not in text} == set()
    assert REGION_PLACES.keys() | {NATIONAL} == REGIONS.keys()


def test_links_and_addresses_are_at_reserved_domains() -> None:
    feeds = [_feed(path.name) for path in SOURCES.iterdir() if path.suffix != ".json"]
    links = [feed.feed.link for feed in feeds] + [e.link for feed in feeds for e in feed.entries]
    links += [item["url"] for item in _json_items()] + [front["url"] for front, _ in _markdown()]
    bodies = [e.content[0].value for feed in feeds for e in feed.entries if "content" in e]
    bodies += [item.get("content_html", "") for item in _json_items()] + [body for _, body in _markdown()]
    inside = re.findall(r"""(?:href|src)=["']([^"']+)|(https?://[^\s)"'<]+)""", " ".join(bodies))
    links += [urljoin("https://shared-learning.example/", a or b) for a, b in inside]
    strangers = {link for link in links if not _is_reserved(urlsplit(link).hostname or "")}
    assert len(links) > 80 and strangers == set()
    addresses = re.findall(r"[\w.+-]+@([\w.-]+)", _everything()) + [
        row["email"].partition("@")[2] for row in _readers()
    ]
    assert {host for host in addresses if not _is_reserved(host)} == set()


def test_every_date_lies_between_july_and_the_twentieth_of_november_2026() -> None:
    names = ["centre-for-shared-learning.xml", "councils-in-practice.xml", "blue-light-exchange.rdf"]
    days = [date(*e.published_parsed[:3]) for name in names for e in _feed(name).entries if "published" in e]
    days += [date(*e.updated_parsed[:3]) for name in names for e in _feed(name).entries if "updated" in e]
    days += [date.fromisoformat(item["date_published"][:10]) for item in _json_items()]
    days += [front["date"] for front, _ in _markdown()]
    assert date(2026, 7, 1) <= min(days) and max(days) <= date(2026, 11, 20)


def test_there_are_250_distinct_readers_with_known_interests() -> None:
    readers = _readers()
    assert len({row["email"].casefold() for row in readers}) == len(readers) == 250
    known = {"policy_areas": AREA_PHRASES.keys(), "regions": REGIONS.keys(), "themes": THEME_PHRASES.keys()}
    for row in readers:
        assert re.fullmatch(r"[a-z.]+@[a-z.-]+", row["email"]) and row["name"].strip()
        assert row["cadence"] in CADENCES and row["elsewhere"] in ("yes", "no")
        for facet, slugs in known.items():
            chosen = row[facet].split(";") if row[facet] else []
            assert set(chosen) <= slugs and len(set(chosen)) == len(chosen), row
    assert Counter(row["cadence"] for row in readers) == {"weekly": 175, "daily": 30, "monthly": 45}


def test_the_readers_the_documentation_speaks_of_are_there() -> None:
    readers = _readers()
    head = readers[0]
    assert head["email"] == "morwenna.tregear@cornwall-council.example"
    assert (head["policy_areas"], head["regions"]) == ("children-families;safeguarding", "south-west")
    assert len([r for r in readers if not (r["policy_areas"] or r["regions"] or r["themes"])]) == 4
    assert {a for r in readers for a in r["policy_areas"].split(";") if a} == AREA_PHRASES.keys()
