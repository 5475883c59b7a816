"""Count over labelled rows how often the values that classify gives are those expected, and turn that into shares."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Count:
    """Counts the hits and misses of a facet over rows."""

    def __init__(self) -> None:
        self.rows = self.exact = self.abstained = self.decided_exact = self.one_right = 0
        self.hit = 0
        self.extra: Counter[str] = Counter()  # how often a value was given that was not expected
        self.missed: Counter[str] = Counter()

    def add(self, want: frozenset[str], got: frozenset[str], *, abstained: bool) -> None:
        """Count a row that expects some values and has got others."""
        self.rows += 1
        self.exact += want == got
        self.abstained += abstained
        self.decided_exact += want == got and not abstained
        self.one_right += bool(want & got)
        self.hit += len(want & got)
        self.extra.update(got - want)
        self.missed.update(want - got)

    @property
    def accuracy_all(self) -> float:
        """Return the share of rows that are exactly right."""
        return round(_share(self.exact, self.rows), 3)

    def figures(self) -> dict[str, Any]:
        """Return the figures, shares rounded to three decimals; a share of nothing is 0.0.

        `precision`, `recall` and `f1` are micro: over all pairs of row and value, of all rows. `accuracy` is of the
        `decided` rows, those that have not `abstained`; `accuracy_all` of all `rows`. A row is right when it has just
        the values expected; `one_right` is the share that has at least one. `extra` and `missed` count by value.
        """
        precision = _share(self.hit, self.hit + self.extra.total())
        recall = _share(self.hit, self.hit + self.missed.total())
        return {
            "rows": self.rows,
            "precision": round(precision, 3),
            "recall": round(recall, 3),
            "f1": round(_share(2 * precision * recall, precision + recall), 3),
            "accuracy": round(_share(self.decided_exact, self.rows - self.abstained), 3),
            "decided": self.rows - self.abstained,
            "abstained": self.abstained,
            "accuracy_all": self.accuracy_all,
            "one_right": round(_share(self.one_right, self.rows), 3),
            "extra": dict(self.extra.most_common()),
            "missed": dict(self.missed.most_common()),
        }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
