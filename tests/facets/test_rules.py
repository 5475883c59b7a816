"""Editors' rules: where each holds, what it changes, and what beats it."""

from __future__ import annotations

from dataclasses import replace

from digest.classify import Classifier
from digest.facets.entry_text import LEAD, entry_text
from digest.facets.known import known_facets
from digest.facets.places.gazetteer import load_gazetteer
from digest.facets.rules import EditorRule, Rules, number_of, ruled, title_phrases
from digest.model import Evidence, Facets, Sighting, Source, Taxonomy, Term
from tests.counts import table

TAXONOMY = Taxonomy(
    (Term("sharing", "Information sharing", (("data", 3),)), Term("health", "Health", (("ward", 3),))),
    (Term("trust", "Trust", (("trust", 4),)),),
)
CLASSIFIER = Classifier(TAXONOMY, load_gazetteer())
SOURCE = Source("Notes", regions=("wales",))
FRONT_DOOR = Sighting(None, "https://www.notes.example/case/one", "One front door for data", html="<p>In Leeds.</p>")
RULE = EditorRule(3, "Ann", "front doors")
TO_HEALTH = replace(RULE, added=(("policy_area", "health"),), removed=(("policy_area", "sharing"),))
WHY = "rule 3 by Ann: 'front doors'"


@table(
    "rule, holds",
    [
        (EditorRule(1, "A", "front doors"), True),  # a plural is the same word
        (EditorRule(1, "A", "“Front-door”."), True),
        (EditorRule(1, "A", "data in Leeds"), False),  # no phrase runs from the title into the text
        (EditorRule(1, "A", "in leeds"), True),
        (EditorRule(1, "A", "ron"), False),
        (EditorRule(1, "A", source="Notes"), True),
        (EditorRule(1, "A", source="notes"), False),
        (EditorRule(1, "A", "front door", source="Other"), False),
        (EditorRule(1, "A", address="notes.example/case/"), True),
        (EditorRule(1, "A", address="HTTP://notes.example"), True),
        (EditorRule(1, "A", address="notes.exam"), False),
        (EditorRule(1, "A", "front door", "Notes", "https://www.notes.example/case/o"), True),
    ],
)
def test_a_rule_holds_where_all_its_conditions_do(rule: EditorRule, holds: bool) -> None:
    holding = Rules([rule]).matching(entry_text(FRONT_DOOR, "Notes"), FRONT_DOOR.link)
    assert holding == ([rule] if holds else [])


def test_only_title_and_lead_are_looked_at() -> None:
    far = Sighting(None, None, "News", html=f"<p>{'word ' * (LEAD // 5)}front door</p>", categories=("Front door",))
    assert Rules([RULE]).matching(entry_text(far, "Notes"), None) == []


@table(
    "sighting, areas, kind",
    [
        (FRONT_DOOR, ("health",), "case-study"),
        (replace(FRONT_DOOR, title="A door for data"), ("sharing",), ""),
        (replace(FRONT_DOOR, policy_areas=("sharing",)), ("sharing",), "case-study"),
        (replace(FRONT_DOOR, policy_areas=("nonsense",)), ("health",), "case-study"),
        (replace(FRONT_DOOR, kind="post"), ("health",), ""),
        (replace(FRONT_DOOR, title="Front doors: a case study of data"), ("health",), ""),  # it is that kind already
    ],
)
def test_what_is_declared_beats_a_rule_and_a_rule_beats_words(
    sighting: Sighting, areas: tuple[str, ...], kind: str
) -> None:
    facets = CLASSIFIER.classify(sighting, SOURCE, Rules([replace(TO_HEALTH, kind="case-study")]))
    assert (facets.policy_areas, facets.kind) == (areas, kind)


@table(
    "rules, regions",
    [
        ([], ("yorkshire-and-the-humber",)),
        ([replace(RULE, added=(("region", "scotland"),))], ("scotland",)),
        ([replace(RULE, added=(("region", "scotland"),)), replace(RULE, added=(("region", "london"),))],
         ("london", "scotland")),
        ([replace(RULE, removed=(("region", "yorkshire-and-the-humber"),))], ("unknown",)),
        ([replace(RULE, added=(("region", "yorkshire-and-the-humber"),))], ("yorkshire-and-the-humber",)),
    ],
)  # fmt: skip
def test_a_region_of_a_rule_takes_the_place_of_others(rules: list[EditorRule], regions: tuple[str, ...]) -> None:
    facets = CLASSIFIER.classify(FRONT_DOOR, SOURCE, Rules(rules))
    assert facets.regions == regions
    assert bool(facets.place) == (regions == ("yorkshire-and-the-humber",))
    declared = CLASSIFIER.classify(replace(FRONT_DOOR, regions=("wales",)), SOURCE, Rules(rules))
    assert declared.regions == ("wales",)


def test_the_evidence_names_the_rule() -> None:
    facets = CLASSIFIER.classify(FRONT_DOOR, SOURCE, Rules([TO_HEALTH]))
    of_areas = [each for each in facets.evidence if each.facet == "policy_area"]
    assert of_areas == [
        Evidence("policy_area", "health", "rule", WHY),
        Evidence("policy_area", "sharing", "rule", f"taken out by {WHY}"),
    ]
    assert {number_of(each) for each in of_areas} == {3}
    assert number_of(Evidence("theme", "trust", "words", "rule 3 by Ann")) is None


def test_a_later_rule_beats_an_earlier_one() -> None:
    back = EditorRule(
        4, "Ben", source="Notes", added=(("policy_area", "sharing"),), removed=(("policy_area", "health"),)
    )
    facets = ruled(Facets(("sharing",)), [TO_HEALTH, back], "post")
    assert facets.policy_areas == ("sharing",)
    assert [(each.slug, number_of(each)) for each in facets.evidence] == [("sharing", 4), ("health", 4)]
    kinds = [replace(RULE, kind="case-study"), replace(back, kind="post")]
    assert ruled(Facets(), kinds, "post").kind == "post"


def test_values_that_are_no_more_are_left_out() -> None:
    rule = replace(TO_HEALTH, added=(("policy_area", "gone"), ("theme", "trust"), ("region", "wales")))
    assert rule.within(known_facets(TAXONOMY)).added == (("theme", "trust"), ("region", "wales"))


def test_phrases_of_a_title_are_whole_and_say_something() -> None:
    assert title_phrases("One front door, and safeguarding") == ["front door", "safeguarding"]
    assert title_phrases("Case for change in Fife") == ["Case for change", "change in Fife"]
