"""Measure the classifying of 10,000 entries by the shipped rules: `python -m benchmarks.classify`.

The entries are those of the generated feeds (`benchmarks.feeds`), each with the texts of three of them, about 4,000
characters, so that it has a lead and a rest. The cost is that of a process which makes them one after another and
classifies each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.cost import cost_of
from benchmarks.feeds import ENTRIES, entry_of
from benchmarks.figures import Figure, count_off, report
from digest.classify import Classifier, kind_of
from digest.config.load import load
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import Sighting, Source

ROOT = Path(__file__).parents[1]
COUNT = 10_000  # entries
SHORT = "each text is cut into words, and each word is looked up among places and phrases"


def measure(repetitions: int) -> list[Figure]:
    """Return the processor time and the peak memory of classifying `COUNT` entries."""
    command = [sys.executable, "-m", "benchmarks.classify", "--here", str(COUNT)]
    costs = [cost_of(command) for _ in count_off(repetitions)]
    return [
        Figure(
            "classify-time", f"processor time of classifying {COUNT:,} entries",
            tuple(cost.processor for cost in costs), "s", reach=60, stretch=30, more=False, short=SHORT,
        ),
        Figure(
            "classify-memory", f"peak memory of classifying {COUNT:,} entries",
            tuple(cost.memory for cost in costs), "MB", reach=300, stretch=150, more=False, short=SHORT,
        ),
    ]  # fmt: skip


def classify_here(count: int) -> None:
    """Classify `count` entries in this process, and print how many have a policy area."""
    classifier = Classifier(load(ROOT / "config.toml").taxonomy, load_gazetteer())
    source = Source("Journal")
    with_area = 0
    for number in range(count):
        sighting = _sighting(number)
        with_area += bool(classifier.classify(sighting, source).policy_areas)
        kind_of(sighting, source)
    print(f"{with_area} of {count} have a policy area")


def _sighting(number: int) -> Sighting:
    texts = [entry_of(feed, number % ENTRIES) for feed in range(number // ENTRIES * 3, number // ENTRIES * 3 + 3)]
    title = texts[0][0]
    html = "".join(text for _, text, _ in texts)
    return Sighting(None, f"https://journal.example.org/{title.replace(' ', '-')}", title, html=html)


if __name__ == "__main__":
    if "--here" in sys.argv:
        classify_here(int(sys.argv[-1]))
    else:
        report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
