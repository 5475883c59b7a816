"""Known facets: one rule for every way in, and one text with the cure."""

from __future__ import annotations

import pytest

from subscribers.facets import KnownFacets
from tests.counts import table

FACETS = KnownFacets(
    {"housing": "Homes", "childrens-services": "Children’s services", "policing-crime": "Policing & crime"},
    {"south-west": "South West", "national": "National"},
    {"leadership": "Leadership", "homes": "Care homes", "cafe": "Café culture"},
)


@table(
    "facet, text, slug",
    [
        ("policy_areas", "housing", "housing"),
        ("policy_areas", " HOUSING ", "housing"),
        ("policy_areas", "homes", "housing"),
        ("policy_areas", "Children's Services", "childrens-services"),
        ("policy_areas", "policing and crime", "policing-crime"),
        ("policy_areas", "policing_crime", "policing-crime"),
        ("policy_areas", "leadership", None),
        ("policy_areas", "", None),
        ("policy_areas", "house", None),
        ("regions", "South West", "south-west"),
        ("regions", "south_west", "south-west"),
        ("regions", "Narnia", None),
        ("themes", "homes", "homes"),
        ("themes", "cafe culture", "cafe"),
    ],
)
def test_a_value_is_known_by_its_slug_or_name_in_any_case(facet: str, text: str, slug: str | None) -> None:
    assert FACETS.slug(facet, text) == slug


@pytest.mark.parametrize(
    ("facet", "text", "line"),
    [
        ("policy_areas", "housng", "policy area 'housng' is not in config.toml; did you mean 'housing'?"),
        ("themes", "quidditch", "theme 'quidditch' is not in config.toml; known: leadership, homes, cafe"),
        ("regions", "Narnia", "region 'Narnia' is unknown; known: south-west, national"),
        ("themes", "jo@town.example", "theme (hidden: it looks like an address) is not in config.toml; "
         "known: leadership, homes, cafe"),
    ],
)  # fmt: skip
def test_an_unknown_value_is_told_with_the_cure(facet: str, text: str, line: str) -> None:
    assert FACETS.problem(facet, text) == line


def test_a_facet_without_values_says_so() -> None:
    assert KnownFacets({}, {}, {}).problem("themes", "x") == "theme 'x' is not in config.toml; known: none"


def test_several_values_are_read_once_each_and_every_unknown_one_is_told() -> None:
    slugs, problems = FACETS.read("policy_areas", ["Homes", "housing", "x", "policing-crime", "y"])
    assert slugs == ("housing", "policing-crime")
    assert [line.partition(" is ")[0] for line in problems] == ["policy area 'x'", "policy area 'y'"]
