"""The report on labelled pages: what of a row is shown, and kinds, classes, values and bad mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digest.classify import Classifier
from digest.facets.known import known_facets
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import Taxonomy, Term
from digest.operations.check_labels import expected_regions, score
from digest.operations.label_rows import row_problems, unread_keys
from tests.console import digest
from tests.counts import table
from tests.house import CONFIG

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


COAST = known_facets(Taxonomy((Term("housing", "Housing"),), regions=(Term("coast", "The Coast"),)))


@table(
    "row, problem",
    [
        ({}, "title is missing; write the title of the page"),
        ({"title": 3}, "title is 3; write a text"),
        ({"title": "A", "kind": False}, "kind is False; write a text"),
        ({"title": "A", "policy_areas": 3}, "policy_areas is 3; write a list of texts"),
        ({"title": "A", "places": "Leeds"}, "places is 'Leeds'; write a list of texts"),
        ({"title": "A", "never": ["Wales", 1]}, "never is ['Wales', 1]; write a list of texts"),
        ({"title": "A", "policy_areas": ["hosing"]}, "did you mean 'housing'?"),
        ({"title": "A", "region": "Wales"}, "region 'Wales' is unknown; known: coast, national, or unknown"),
        ({"title": "A", "region": "multiple", "regions": ["coast", "Wales"]}, "region 'Wales' is unknown"),
        ({"title": "A", "region": "coast", "regions": ["coast"]}, "regions counts only where region is"),
        ({"title": "A", "never": ["transport"]}, "never: 'transport' is neither a region nor a policy area"),
        ({"title": "A", "kind": "Case studies"}, "kind 'Case studies' counts as a post"),
        ({"title": "A", "policy_areas": None, "url": None, "confidence": 3, "kind": "Case-Study"}, None),
        ({"title": "A", "policy_areas": ["Housing"], "region": "The Coast", "never": ["housing", "multiple"]}, None),
        ({"title": "A", "region": "outside UK", "kind": "leaflet", "never": ["unknown", "national"]}, None),
    ],
)
def test_a_mistake_in_a_row_is_named(row: dict[str, Any], problem: str | None) -> None:
    problems = row_problems(row, COAST)
    assert [problem in each for each in problems] == [True] if problem else problems == []


def test_keys_that_nothing_reads_are_told() -> None:
    assert unread_keys(
        [{"title": "A", "policy_area": ["x"], "why": ""}, {"policy_area": [], "id": 1, "date": ""}]
    ) == [
        "'policy_area' (2 rows) is read by nothing; did you mean 'policy_areas'?",
        "these keys say nothing to the score: date, why",
    ]


def test_regions_of_an_own_config_are_scored() -> None:
    assert expected_regions({"region": "multiple", "regions": ["The Coast", "unknown"]}, COAST) == {
        "coast",
        "unknown",
    }
    rows = [{"title": "Homes in Leeds", "never": ["multiple", "housing"]}, {"title": "A bus in Leeds and Wales",
             "never": ["multiple", "housing", "outside UK"]}]  # fmt: skip
    report = score(rows, RULES)
    assert (report["region"]["never"], report["policy_area"]["never"]) == (1, 1)


def test_the_command_names_file_and_line_of_each_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"title": "A", "policy_areas": 3}\n\n{"titel": "B"}\n', encoding="utf-8")
    told = digest(tmp_path, "check", "--labels", "labels.jsonl")
    assert (told.code, told.stdout) == (2, "")
    assert "labels.jsonl:1: policy_areas is 3" in told.stderr and "labels.jsonl:3: title is missing" in told.stderr
    labels.write_text('{"title": "A", "policy_area": ["housing"]}\n', encoding="utf-8")
    assert "did you mean 'policy_areas'?" in digest(tmp_path, "check", "--labels", "labels.jsonl").stderr
    labels.write_text("\n", encoding="utf-8")
    assert "holds no row" in digest(tmp_path, "check", "--labels", "labels.jsonl").stderr
