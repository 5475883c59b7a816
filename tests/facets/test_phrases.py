"""The phrases of a policy area: the shipped ones of its slug, and those of config.toml on top."""

from __future__ import annotations

from digest.facets.phrases import phrases_of
from digest.model import Term
from tests.counts import table

OURS = phrases_of("policy_area", Term("housing", "Housing", shipped=True))


@table(
    "term, phrase, weight",
    [
        (Term("housing", "Housing", shipped=True), "homelessness", OURS["homelessness"]),
        (Term("housing", "Housing", (("homelessness", 1),), shipped=True), "homelessness", 1),
        (Term("housing", "Housing", (("homelessness", 0),), shipped=True), "homelessness", None),
        (Term("housing", "Housing", (("warm homes", 4),), shipped=True), "warm homes", 4),
        (Term("housing", "Housing"), "homelessness", None),
        (Term("housing", "Housing", (("warm homes", 4),)), "warm homes", 4),
        (Term("llamas", "Llamas", shipped=True), "homelessness", None),
    ],
)
def test_words_of_config_come_on_top(term: Term, phrase: str, weight: int | None) -> None:
    assert phrases_of("policy_area", term).get(phrase) == weight


def test_the_shipped_phrases_are_well_formed() -> None:
    assert len(OURS) > 50 and set(OURS.values()) <= {1, 2, 3, 4, 5}
    assert all(phrase == phrase.strip().lower() or phrase.isupper() for phrase in OURS)
