"""The report on labelled pages: what of a row is shown, and kinds, classes, values and bad mistakes."""

from __future__ import annotations

from typing import Any

from digest.classify import Classifier
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import Taxonomy, Term
from digest.operations.check_labels import score

RULES = Classifier(
    Taxonomy((Term("housing", "Housing", (("homes", 4),)), Term("transport", "Transport", (("bus", 4),)))),
    load_gazetteer(),
)
ROWS: list[dict[str, Any]] = [
    {"title": "Homes", "url": "https://x.example/case-studies/homes", "summary": "In Leeds.",
     "policy_areas": ["housing"], "region": "Yorkshire and The Humber", "places": ["Leeds"], "kind": "case study",
     "class": "thin"},
    {"title": "Untitled", "opening": "A bus, and a bus.", "policy_areas": ["transport", "housing"],
     "region": "national", "kind": "post", "class": "thin"},
    {"title": "Bus", "categories": ["Case studies"], "policy_areas": ["housing"], "region": "Wales",
     "places": ["Wales"], "never": ["South West"], "summary": "From Cornwall.", "kind": "other", "class": "wide"},
]  # fmt: skip


def test_a_row_is_judged_by_what_is_shown_of_it() -> None:
    by_title, by_address, by_texts = (score(ROWS, RULES, shown=shown) for shown in ("title", "address", "all"))
    assert [each["policy_area"]["abstained"] for each in (by_title, by_address, by_texts)] == [1, 1, 0]
    assert [each["kind"]["accuracy"] for each in (by_title, by_address, by_texts)] == [0.667, 1.0, 0.667]
    assert [each["region"]["accuracy_all"] for each in (by_title, by_address, by_texts)] == [1.0, 1.0, 0.667]
    assert [each["region"]["never"] for each in (by_title, by_address, by_texts)] == [0, 0, 1]


def test_the_report_tells_values_and_classes_apart() -> None:
    report = score(ROWS, RULES, shown="all")
    assert report["policy_area"]["one_right"] == 0.667
    assert report["policy_area"]["extra"] == {"transport": 1}
    assert report["policy_area"]["missed"] == {"housing": 2}
    assert report["region"]["extra"] == {"south-west": 1}
    assert report["kind"]["extra"] == {"case-study": 1}
    assert {name: each["policy_area"]["one_right"] for name, each in report["classes"].items()} == {
        "thin": 1,
        "wide": 0,
    }
    assert report["classes"]["thin"]["kind"]["rows"] == 2
    assert [row["title"] for row in report["wrong"]] == ["Untitled", "Bus"]


def test_rows_without_labels_count_nowhere() -> None:
    report = score([{"title": "Homes"}], RULES, shown="all")
    assert (report["region"]["rows"], report["kind"]["rows"], report["classes"]) == (0, 0, {})
