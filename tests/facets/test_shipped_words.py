"""The words of the shipped config.toml: on posts of a centre for information sharing, and on everyday words."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.model import Facets, Sighting, Source
from tests.counts import table
from tests.test_classify import shipped

CENTRE = Source("Centre of Excellence for Information Sharing")

# In the shape of a founding post: a long way round to the point, four themes, and its policy area by the way.
OVER_THE_YEAR = (
    "<p>My shed needs sorting, so naturally I have been alphabetising the seed packets instead. It is easier to"
    " finish a small job than to face a large one, and no job feels larger than the one with no edges. I notice"
    " the same in the towns we visit. People are asked to work differently, nobody can say when it is done, and"
    " so the diary fills up with everything else. We sat down last week, with biscuits, to ask what the places "
    "that moved had in common, and what the others might borrow from them before another twelve months have "
    "gone by. None of it will surprise you, and none of it is about computers. It took us an afternoon, two "
    "flip charts and most of the biscuits, and I would not call it finished, because each of us had a different"
    " town in mind and each of us was right about that town. Still, four things came up at every table, and I "
    "promised to write them down before the shed called me back. The first may sound like flattery to those who"
    " sign the cheques, so I shall begin with the hardest of them.</p>"
    "<p>Changing culture is slow, and a change of culture cannot be ordered. It helps when leadership comes "
    "from more than one desk: leaders who say out loud why they want this, and senior leaders who turn up.</p>"
    "<p>A team in one county joined up support for people who need health and social care, and then asked how "
    "health and social care staff elsewhere could do so too. How can it be scaled up beyond the first valley? "
    "Other places can replicate the questions, if not the answers, and good practice travels on foot.</p>"
    "<p>Last comes capacity and capability. Information sharing needs the right skills in the room, and teams "
    "at full stretch have no spare time to learn them. Next year we shall say more.</p>"
)
AT_THE_LAUNCH = (
    "<p>On Tuesday I stood at the back of the launch of the Reform Commission's report on service "
    "transformation, where its vice-chair compared case studies to other people's holiday photographs: look, be"
    " inspired, and go somewhere of your own. The commission was set up by ministers to speed up public service"
    " transformation across the country. It asks services to join up around people with complex needs, and to "
    "share information when that helps them. Our Centre for Information Sharing welcomed it. So which of the "
    "photographs will you take with you?</p>"
)


def judged(title: str, body: str = "") -> Facets:
    return shipped().classify(Sighting(None, None, title, html=body), CENTRE)


def test_a_post_about_four_themes_gets_them_and_the_policy_area_it_mentions() -> None:
    facets = judged("Before the seeds go in", OVER_THE_YEAR)
    assert set(facets.themes) == {"leadership", "culture-change", "capacity-and-capability", "scaling-up"}
    assert facets.policy_areas == ("health-social-care",)
    evidence = {evidence.slug: evidence.detail for evidence in facets.evidence}
    assert "capacity and capability" in evidence["capacity-and-capability"]
    assert evidence["health-social-care"] == "health and social care ×2"


def test_a_post_on_the_launch_of_a_report_is_no_news_of_the_organisation() -> None:
    facets = judged("Whose holiday is it anyway?", AT_THE_LAUNCH)
    assert facets.policy_areas == ("local-government-reform",)


@pytest.mark.corpus
def test_the_founding_posts(shared_data: Path) -> None:
    culture, ingredients = (
        judged(title, body)
        for title, _, body in (
            path.read_text(encoding="utf-8").partition("\n") for path in sorted((shared_data / "seeds").glob("*.txt"))
        )
    )
    assert set(culture.themes) == {"leadership", "culture-change", "capacity-and-capability", "scaling-up"}
    assert "health-social-care" in culture.policy_areas
    assert "organisation-news" not in ingredients.policy_areas
    assert ingredients.policy_areas == ("local-government-reform",)


@table(
    "title",
    [
        "Building on what we know",
        "Community voices",
        "Residents meet on a street",
        "A shared partnership",
        "Launch day",
        "The chair of the ward",
        "Rural and urban",
        "Transformation",
        "Our council and its partners",
        "Planning ahead",
        "Safe and sound",
        "Care to join us?",
        "People and places",
    ],
)
def test_everyday_words_decide_nothing(title: str) -> None:
    assert judged(title).policy_areas == ()


@table(
    "title, area",
    [
        ("Community planning partners agree a plan for Angus", "local-government-reform"),
        ("Ten years of the Hillside Trust: a look back", "organisation-news"),
        ("Weeknotes: five things from a wet April", "organisation-news"),
        ("Our new chief executive starts in May", "organisation-news"),
        ("A shared care record for the islands", "digital-data"),
        ("Wearables and sensors at home", "digital-data"),
        ("Needle exchange opens until midnight", "public-health"),
        ("Empty shops become workshops for makers", "economy-skills"),
        ("Out-of-court disposals for young adults", "policing-crime"),
        ("Council tax and the long squeeze on budgets", "local-government-reform"),
        ("Information sharing: where to begin", "information-governance"),
        ("Information sharing and homelessness", "housing"),
    ],
)
def test_what_such_bodies_write_about(title: str, area: str) -> None:
    facets = judged(title)
    assert area in facets.policy_areas, facets
    assert area == "information-governance" or "information-governance" not in facets.policy_areas
