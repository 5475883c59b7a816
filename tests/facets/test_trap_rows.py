"""Made-up titles and summaries that mislead, by class: tests/data/traps.jsonl."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from digest.operations.check_labels import score
from tests.test_classify import shipped

FILE = Path(__file__).parents[1] / "data" / "traps.jsonl"
ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
NEVER_WRONG = ("longer-name", "moved-by-following", "peoples-breeds", "company-brand", "surname")


@cache
def report() -> dict[str, Any]:
    return score(ROWS, shipped(), shown="all")


def test_traps_have_the_right_region_and_none_of_the_worst_is_wrong() -> None:
    assert len(ROWS) >= 150
    assert report()["region"]["accuracy_all"] >= 0.95, report()["wrong"]
    assert {name: report()["classes"][name]["region"]["never"] for name in NEVER_WRONG} == dict.fromkeys(
        NEVER_WRONG, 0
    )


def test_traps_have_a_right_policy_area_and_kind() -> None:
    assert report()["policy_area"]["f1"] >= 0.7
    assert report()["policy_area"]["one_right"] >= 0.85
    assert report()["classes"]["kind"]["kind"]["accuracy"] == 1
