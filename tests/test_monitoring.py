"""docs/monitoring.md and the rules of Prometheus name what the program tells, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import digest
from digest.operations.monitor import CHECKS
from digest.operations.monitor_figures import STANDINGS
from digest.operations.owed import CODES
from digest.web.metrics import METRICS

ROOT = Path(digest.__file__).parents[1]
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = (ROOT / "deploy" / "prometheus" / "digest.rules.yml").read_text(encoding="utf-8")


def rows_after(heading: str) -> list[str]:
    """Return the words in code marks that begin the rows of the first table after a heading of its first column."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_the_page_names_every_metric_check_and_reason_in_their_order() -> None:
    assert rows_after("metric") == list(METRICS)
    assert rows_after("check") == list(CHECKS)
    assert rows_after("reason") == list(CODES)
    assert ", ".join(STANDINGS) in PAGE


def test_the_rules_use_metrics_and_labels_that_there_are() -> None:
    names = set(re.findall(r"\bdigest_[a-z_]+", RULES))
    assert names <= set(METRICS) and "digest_readers_owed_and_nothing_about_to_send" in names
    labels = set(re.findall(r'(\w+)!?=~?"([^"]+)"', RULES))
    assert labels == {("job", "digest"), ("check", "letters"), ("standing", "failing|gone")}
    alerts = re.findall(r"- alert: (\w+)\n", RULES)
    assert len(alerts) == len(set(alerts)) == RULES.count("expr:") == RULES.count("summary:")
