"""What the labels of another tool stand for: a mapping file, its mistakes, and the file of labels to fill in."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.csv.labels import Labels, Meaning
from subscribers.csv.mapping import read_mapping, skeleton
from subscribers.csv.rows import BadCell
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets
from tests.counts import few_and_many, table

FACETS = KnownFacets(
    {"housing": "Housing", "risk": "Risk"}, {"south-west": "South West", "london": "London"}, {"risk": "Risk"}
)


def labels_of(text: str) -> Labels:
    """Return the labels that a mapping file explains."""
    return Labels(FACETS, read_mapping(text, "mapping.toml"))


def test_labels_become_what_the_file_says_and_what_is_left_is_counted() -> None:
    labels = labels_of("""
        [interests]
        "Housing news" = "Housing"
        "South" = ["south-west", "London"]
        "Risk, and trust" = "themes:risk"
        VIP = "ignore"
    """)
    assert labels.read(["housing NEWS; south", "London|vip"]) == {
        "policy_areas": {"housing"}, "regions": {"south-west", "london"},
    }  # fmt: skip
    assert labels.read(["Risk, and trust"]) == {"themes": {"risk"}}
    for cell in ("Bins; bins; VIP", "Bins", "Parks"):
        with pytest.raises(BadCell, match="is no policy area, region or theme; say what it stands for"):
            labels.read([cell])
    assert labels.unknown == {"Bins": 3, "Parks": 1}


@table(
    "text, problem",
    [
        ("[interests]\na = 'housng'", "'a': 'housng' is no policy area, region or theme; did you mean 'housing'?"),
        ("[interests]\na = ['housing', 'bins']", "'a': 'bins' is no policy area, region or theme; known: housing,"),
        ("[interests]\na = 'risk'", "'risk' is the name of several; write policy_areas:risk or themes:risk"),
        ("[interests]\na = 'regions:risk'", "'regions:risk' is no policy area, region or theme"),
        ("[interests]\na = ''", "mapping.toml: 'a': is not filled in; write the name of"),
        ("[interests]\na = []", "mapping.toml: 'a': is not filled in"),
        ("[interests]\na = 7", "mapping.toml: 'a': is not filled in"),
        ("[interests]\n'A b' = 'housing'\na-B = 'london'", "'a-B' is the same label as 'A b'; leave one"),
        ("a = 'housing'", "mapping.toml: 'a' is unknown; put all labels below [interests]"),
        ("", "mapping.toml: has no table [interests]; write lines like"),
        ("interests = 1", "mapping.toml: has no table [interests]"),
        ("[interests", "mapping.toml: is no TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        labels_of(text)
    assert problem in str(caught.value)


@few_and_many(10, 300)
def test_the_file_to_fill_in_has_every_label_once_filled_in(count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(1, 9), max_size=5))
    def check(labels: dict[str, int]) -> None:
        assert tomllib.loads(skeleton(labels, FACETS))["interests"] == dict.fromkeys(labels, "")

    check()
    filled = skeleton({"Housing news": 3, "x": 1}, FACETS).replace('""', '"housing"')
    assert read_mapping(filled, "m") == {"Housing news": Meaning(("housing",), "m"), "x": Meaning(("housing",), "m")}
