"""Points of phrases: what decides about an entry, what only adds, and what the rest of a long text may say."""

from __future__ import annotations

from digest.classify import Classifier
from digest.facets.entry_text import LEAD
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import Facets, Sighting, Source, Taxonomy, Term
from tests.counts import table

AREAS = (
    Term("governance", "Information governance", (("data sharing", 5), ("privacy", 4)), background=True),
    Term("housing", "Housing", (("housing", 3), ("homelessness", 4), ("tenant", 2), ("estate", 2), ("building", 1))),
    Term("transport", "Transport", (("bus", 3), ("cycle lane", 4), ("road", 2))),
    Term("planning", "Planning", (("planning", 3), ("planning ahead", 1))),
)
THEMES = tuple(
    Term(slug, slug, ((slug, 4),)) for slug in ("leadership", "culture", "capacity", "scaling", "trust", "evidence")
)
RULES = Classifier(Taxonomy(AREAS, THEMES), load_gazetteer())
FILLER = "Words of no subject stand here. " * 40  # longer than the lead
SOURCE = Source("Centre for Data Sharing")


def judged(title: str, body: str = "", **more: object) -> Facets:
    return RULES.classify(Sighting(None, None, title, html=f"<p>{body}</p>", **more), SOURCE)  # type: ignore[arg-type]


@table(
    "title, body, areas",
    [
        # Hints decide nothing alone, however often they come, and add to what decides.
        ("A tenant", "", ()),
        ("A tenant", "Tenant, tenant, tenant.", ()),
        ("Building trust", "We are building a building.", ()),
        ("News", "A bus. A tenant. More tenants.", ("transport",)),
        # Where nothing decides, different hints that agree give one value.
        ("A tenant on the estate", "", ("housing",)),
        ("A tenant on the estate, by road", "Roads.", ("housing",)),
        # A long phrase of little weight takes its words away from a short one.
        ("Planning ahead", "", ()),
        ("Planning ahead for the planning committee", "", ("planning",)),
        # The title stands; what only the text mentions needs a share of the strongest.
        ("A bus for the homelessness team", "", ("housing", "transport")),
        ("Homelessness", "Housing for all. " * 3 + "A bus.", ("housing",)),
        ("One year on", "Homelessness fell. A cycle lane opened.", ("housing", "transport")),
    ],
)
def test_hints_add_and_clear_phrases_decide(title: str, body: str, areas: tuple[str, ...]) -> None:
    assert judged(title, body).policy_areas == areas


@table(
    "title, body, areas",
    [
        # The rest confirms what the lead has said once, and adds nothing of its own beside it.
        ("News", FILLER[: LEAD - 60] + "A bus.", ()),
        ("News", FILLER[: LEAD - 60] + "A bus. " + FILLER + "Another bus.", ("transport",)),
        ("Housing", FILLER + "Cycle lane. " * 20, ("housing",)),
        # Nor does it change which value is the strongest.
        ("Housing and a bus", FILLER + "Bus. " * 20, ("housing", "transport")),
        # It speaks where title and lead say nothing, by what is clear and comes more than once.
        ("News", FILLER + "Cycle lanes. A cycle lane.", ("transport",)),
        ("News", FILLER + "A cycle lane.", ()),
        ("News", FILLER + "Buses. " * 20, ()),
    ],
)
def test_the_lead_decides_and_the_rest_confirms(title: str, body: str, areas: tuple[str, ...]) -> None:
    assert judged(title, body).policy_areas == areas


@table(
    "title, body, areas",
    [
        ("Data sharing", "", ("governance",)),
        ("Data sharing for homelessness", "", ("housing",)),
        ("Data sharing and privacy", "Data sharing. Privacy. A bus came.", ("transport",)),
        ("Data sharing", FILLER + "A cycle lane, and a cycle lane.", ("transport",)),
        ("Data sharing", "A tenant on an estate.", ("governance",)),  # it yields to no hints
        ("The Centre for Data Sharing moves", "By the Centre for Data Sharing.", ()),  # its name is no subject
    ],
)
def test_the_organisations_own_subject_yields(title: str, body: str, areas: tuple[str, ...]) -> None:
    assert judged(title, body).policy_areas == areas


def test_a_text_about_four_themes_has_four() -> None:
    body = (
        FILLER
        + "Leadership first. Then culture, and a change of culture. Capacity and capacity. Scaling it, scaling."
    )
    facets = judged("Leadership", body)
    assert set(facets.themes) == {"leadership", "culture", "capacity", "scaling"}
    assert facets.policy_areas == ()


def test_the_evidence_names_words_of_the_rest_too_and_counts_each_once() -> None:
    facets = judged("Housing", "Tenants met. " + FILLER + "Housing, and housing.")
    assert [(e.slug, e.detail) for e in facets.evidence if e.facet == "policy_area"] == [
        ("housing", "housing ×3, tenant")
    ]
