"""The shares that the rules reach on data/labelled_pages.jsonl: pages of the public web, by title and address.

The rules were tuned on them. They are shipped so that others can repeat the figures, and see what a change does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.operations.check_labels import score
from tests.test_classify import shipped

FILE = Path(__file__).parents[1] / "data" / "labelled_pages.jsonl"


@pytest.mark.long
def test_labelled_pages_keep_their_shares() -> None:
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    report = score(rows, shipped(), shown="address")
    assert len(rows) >= 60
    assert report["region"]["accuracy_all"] >= 0.92, report["wrong"]
    assert report["region"]["accuracy"] >= 0.95, report["wrong"]  # of those decided
    assert report["policy_area"]["f1"] >= 0.68, report["wrong"]
    assert report["kind"]["accuracy"] >= 0.86
