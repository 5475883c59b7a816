"""A body in another country works by config alone: its regions and places stand where the shipped ones stood."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.classify import Classifier
from digest.config.load import load
from digest.config.settings import Settings
from digest.errors import ConfigError
from digest.facets.known import known_facets
from digest.facets.places.gazetteer import gazetteer_of, load_gazetteer
from digest.letter.catalogue import words_for
from digest.model import UNKNOWN, Reason, Sighting, Source, Taxonomy, Term
from digest.sources.formats.folder import read_folder
from digest.system.resources import resource
from subscribers.model import Interests
from tests.counts import table
from tests.letter import sample

SOURCES = '[[source]]\nname = "Post"\nurl = "https://post.example/feed"\nregions = ["REGION"]\n'
COUNTRY = """
[site]
name = "Learning Ruritania"
base_url = "https://learn.example"
from = "Learning <letters@learn.example>"

[places]
gazetteer = "none"

[[policy_area]]
slug = "housing"
name = "Housing"
words = ["homes"]

[[region]]
slug = "north-west"
name = "Upper Strelsau"
names = { cy = "Strelsau Uchaf" }
places = ["Zenda", "Hentzau"]

[[region]]
slug = "coast"
name = "The Coast"
places = ["Port Rupert"]

[[region]]
slug = "national"
name = "Ruritania"
"""


def settings_of(folder: Path, more: str = "") -> Settings:
    (folder / "config.toml").write_text(COUNTRY + more, encoding="utf-8")
    return load(folder / "config.toml", {})


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_of(tmp_path_factory.mktemp("country"))


@table(
    "title, regions, place",
    [
        ("Homes in Zenda", ("north-west",), "Zenda"),
        ("Port Rupert opens a hub", ("coast",), "Port Rupert"),
        ("Upper Strelsau and Port Rupert compare notes", ("north-west", "coast"), "Upper Strelsau"),
        ("Half of Ruritania's homes are cold", ("national",), ""),
        ("Homes in Leeds", (UNKNOWN,), ""),
        ("Homes", (UNKNOWN,), ""),
    ],
)
def test_an_entry_is_in_its_regions(country: Settings, title: str, regions: tuple[str, ...], place: str) -> None:
    classifier = Classifier(country.taxonomy, gazetteer_of(country.taxonomy, country.gazetteer))
    facets = classifier.classify(Sighting(None, "https://www.gov.scot/x", title), Source("Post"))
    assert (facets.regions, facets.place) == (regions, place)
    declared = classifier.classify(Sighting(None, None, title, regions=("The Coast", "wales")), Source("Post"))
    assert declared.regions == ("coast",)


def test_a_letter_names_them(country: Settings) -> None:
    folders = (resource("templates") / "email",)
    site, brand, regions = country.site, country.brand, country.taxonomy.regions
    english, welsh = (words_for(folders, language, site, brand, regions) for language in ("en", "cy"))
    assert english.place("Zenda", ("north-west",)) == "Zenda, Upper Strelsau"
    assert english.reason(Reason("area", "housing", "coast"), country.taxonomy).endswith("comes from The Coast.")
    assert english.region("national") == "Ruritania"
    assert welsh.region("north-west") == "Strelsau Uchaf"
    assert "Upper Strelsau" in english.interests(Interests(frozenset(), frozenset({"north-west"})), country.taxonomy)


def test_only_they_can_be_chosen(country: Settings, tmp_path: Path) -> None:
    facets = known_facets(country.taxonomy)
    assert list(facets.regions) == ["north-west", "coast", "national"]
    (tmp_path / "a.md").write_text("---\ntitle: A\nregion: The Coast\n---\n", encoding="utf-8")
    (tmp_path / "b.md").write_text("---\ntitle: B\nregion: Wales\n---\n", encoding="utf-8")
    snapshot = read_folder(tmp_path, now=datetime(2026, 11, 1, tzinfo=UTC), facets=facets)
    assert [sighting.regions for sighting in snapshot.sightings] == [("coast",), ()]
    assert [problem for problem in snapshot.problems if "'Wales' is unknown" in problem]


@table(
    "more, problem",
    [
        (SOURCES.replace("REGION", "wales"), "region 'wales' is unknown"),
        ('[[region]]\nslug = "unknown"\nname = "X"\n', "is kept for entries that name no place"),
        ('[[region]]\nslug = "coast"\nname = "X"\n', "is defined twice"),
    ],
)
def test_a_mistake_is_named(more: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=problem):
        settings_of(tmp_path, more)


def test_own_regions_can_use_the_shipped_places_and_without_any_all_is_as_shipped(tmp_path: Path) -> None:
    own = Taxonomy(regions=(Term("scotland", "Scotland", (("Scotland", 1), ("Nowhere Glen", 1))),))
    gazetteer = gazetteer_of(own, "uk")
    assert [m.regions for m in gazetteer.find("Fife, Nowhere Glen, Leeds")] == [("scotland",), ("scotland",)]
    assert gazetteer_of(Taxonomy(), "uk") is load_gazetteer()
    assert settings_of(tmp_path, SOURCES.replace("REGION", "coast")).sources[0].regions == ("coast",)
    assert sample.ENGLISH.region("north-west") == "North West"
