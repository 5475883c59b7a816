"""The kind of an entry: what its title, address and categories say, and what only speaks of case studies."""

from __future__ import annotations

from digest.classify import kind_of
from digest.model import CASE_STUDY, POST, Sighting, Source
from tests.counts import table

SITE = "https://www.example.org"


@table(
    "title, is_case_study",
    [
        ("Case study: a shared front door in Thanet", True),
        ("CASE STUDY 4 – Orkney", True),
        ("Thanet: a case study", True),
        ("Project case-study: the Orkney ferry", True),
        ("Why we merged two teams: a case study", True),
        ("A case study of patience", True),
        ("Amina's story", True),
        ("Amina Khan’s story: from hostel to home", True),
        ("Volunteers' week: Amina's story", True),
        ("Stories: a new start", True),
        ("Evaluation of the night bus", True),
        ("Orkney schools pilot evaluation report", True),
        ("Evaluating the night bus", True),
        ("Handover at night: a quality improvement project", True),
        ("How Orkney halved the time to a placement", True),
        ("What changed when the desk went", True),
        ("How do we halve our waiting times?", False),
        ("Evaluation of evidence: a primer", False),
        ("Our story", False),
        ("The story so far", False),
        ("Case studies", False),
        ("Case studies: housing", False),
        ("Housing case studies | Example", False),
        ("Four case studies of trust", False),
        ("Call for case studies", False),
        ("Calling for your best case study", False),
        ("Send us a case study by Friday", False),
        ("How to write a case study", False),
        ("What makes a good case study?", False),
        ("Why we no longer publish a case study each week", False),
        ("The case-study library has a new address", False),
        ("Case study template", False),
        ("Case study webinar on 4 May", False),
        ("A staircase study", False),
        ("", False),
    ],
)
def test_the_kind_by_title(title: str, is_case_study: bool) -> None:
    assert kind_of(Sighting(None, None, title), Source("s")) == (CASE_STUDY if is_case_study else POST)


@table(
    "path, is_case_study",
    [
        ("/case-studies/thanet-front-door", True),
        ("/case-studies/2024/05/thanet/", True),
        ("/resources/case-study/thanet/", True),
        ("/casestudies/thanet.html", True),
        ("/housing-case-studies/thanet", True),
        ("/success-stories/thanet", True),
        ("/About-Us/Customer-Stories/amina", True),
        ("/our-stories/thanet", True),
        ("/stories-of-change/thanet", True),
        ("/evaluations/thanet", True),
        ("/impact/thanet", True),
        ("/impact/", False),
        ("/news-stories/thanet", False),
        ("/news/thanet-case-study", True),
        ("/news/case-study-thanet.aspx", True),
        ("/case-studies?id=44", True),
        ("/case-studies#thanet", True),
        ("/case-studies", False),
        ("/case-studies/", False),
        ("/case-studies/index.html", False),
        ("/case-studies/page/3/", False),
        ("/case-studies/category/housing", False),
        ("/news/how-to-write-a-case-study", False),
        ("/news/call-for-case-studies", False),
        ("/showcase-studies/thanet", False),
        ("/news/thanet", False),
        ("", False),
    ],
)
def test_the_kind_by_address(path: str, is_case_study: bool) -> None:
    assert kind_of(Sighting(None, SITE + path, "Thanet"), Source("s")) == (CASE_STUDY if is_case_study else POST)


@table(
    "title, summary, is_case_study",
    [
        ("Finding work for Amina", "She came in May. Her mentor met her each week until she found a job.", True),
        ("Supporting Theo", "<p>He was two.</p><p>His keyworker and his mother sang to him.</p>", True),
        ("Finding work", "She came in May. Her mentor met her each week until she found a job.", False),
        ("Finding work for Amina", "The scheme began in May.", False),
        ("Amina Khan joins the board", "She has run hospitals. Her term is four years; she begins in May.", False),
        ("Our chair, Amina, retires", "She leaves in May.", False),
    ],
)
def test_the_kind_of_one_persons_story(title: str, summary: str, is_case_study: bool) -> None:
    sighting = Sighting(None, None, title, summary=summary)
    assert kind_of(sighting, Source("s")) == (CASE_STUDY if is_case_study else POST)


@table(
    "declared, categories, title, default, kind",
    [
        (None, (), "T", "post", "post"),
        (None, (), "T", "case-study", "case-study"),
        (None, ("Featured", "Case Study"), "T", "post", "case-study"),
        (None, ("case-studies",), "T", "post", "case-study"),
        (None, ("Why case studies matter",), "T", "post", "post"),
        (None, ("Case studies",), "Call for case studies", "post", "post"),
        (None, (), "Call for case studies", "case-study", "post"),
        ("post", ("Case study",), "Case study: Thanet", "case-study", "post"),
        ("case-study", (), "Call for case studies", "post", "case-study"),
    ],
)
def test_what_decides_before_what(
    declared: str | None, categories: tuple[str, ...], title: str, default: str, kind: str
) -> None:
    sighting = Sighting(None, None, title, categories=categories, kind=declared)
    assert kind_of(sighting, Source("s", kind=default)) == kind


@table(
    "text",
    [
        "a " * 5_000,
        "a'" * 5_000,
        "'" * 9_000 + "x",
        "call " * 3_000,
        "case studies " * 2_000,
        "case-" * 4_000,
        ": " * 5_000,
    ],
)
def test_a_long_title_or_address_does_not_hang(text: str) -> None:
    for link in (f"{SITE}/{text.replace(' ', '/')}", "https://[broken"):
        assert kind_of(Sighting(None, link, text), Source("s")) in (POST, CASE_STUDY)
