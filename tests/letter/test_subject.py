"""A letter's subject: whole phrases of at most 60 characters, never cut off."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from digest.letter.subject import LIMIT, headline, subject
from digest.model import CASE_STUDY, POST, Digest, Entry, Facets, Group, Ingredient, Placed, Reason, Section
from tests.counts import table
from tests.letter.sample import ENGLISH as words
from tests.letter.sample import TAXONOMY
from tests.letter.sample import WELSH as cy

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
LONG = "How a small rural district brought its health visitors, wardens and police into a single team"


def entry(number: int, title: str, kind: str = POST, place: str = "", *changed: str, summary: str = "") -> Entry:
    lines = tuple(Ingredient("changed", text) for text in changed)
    return Entry(number, "", None, title, kind, NOW, NOW, summary, facets=Facets(place=place), ingredients=lines)


def digest_of(*entries: Entry, area: str = "housing") -> Digest:
    near = tuple(Placed(entry.id, Reason("area", area)) for entry in entries if entry.kind == POST)
    far = tuple(Placed(entry.id, Reason("elsewhere-area", area)) for entry in entries if entry.kind == CASE_STUDY)
    sections = [Section("areas", (Group(area, near),))] if near else []
    return Digest((*sections, *([Section("elsewhere", (Group("", far),))] if far else [])))


def subject_of(*entries: Entry, area: str = "housing") -> str:
    return subject(words, digest_of(*entries, area=area), {entry.id: entry for entry in entries}, TAXONOMY)


TOOK = "One front door for every family in trouble, and what it took"


@table(
    "title, seen",
    [
        ("Southend's shared care record", "Southend's shared care record"),
        ("Supporting families: how one front door cut the waiting times of children", "Supporting families"),
        ("Is your data ready? Ten questions that every head of service should ask", "Is your data ready?"),
        (
            "News: One front door for every family – what it took to open it at all",
            "News: One front door for every family",
        ),
        (f"News: {TOOK} | Melton", f"News: {TOOK[:-18]}"),
        (f"News: {TOOK[:-18]} | Melton Borough Council", f"News: {TOOK[:-18]}"),
        (f"News in brief of May: {TOOK[:-18]} | Melton", "News in brief of May"),
        (
            "Community builders of the old dock, and the allotment that started it all",
            "Community builders of the old dock",
        ),
        ("What councils, health and police in four counties learned about one form", ""),
        ("What the council in St. Helens learned about sharing what its services and partners know", ""),
        ("How we worked with Dr. Smith and the whole of the practice to cut waiting times for all in town", ""),
        ("The council that said “we will share: everything with everybody” and what came of it after", ""),
        ("A way for councils (small, large: and others) to share all that they know about families", ""),
        (
            "How a council shares what it knows with partners (and what it learned from a long winter)",
            "How a council shares what it knows with partners",
        ),
        ("word " * 119 + "wording: an end", ""),
        (LONG, ""),
        ("x" * 300, ""),
        ("", ""),
        ("A\r\nB", "A B"),
    ],
)
def test_the_headline_of_a_title(title: str, seen: str) -> None:
    assert headline(title) == seen


COAST = "Warm homes for all who live on the coast of the far north"
FALLS = "Falls at home fell by a third."
ONE = entry(1, "Warm homes")


@table(
    "entries, seen",
    [
        ([ONE], "Warm homes"),
        ([ONE, entry(2, "Cold homes"), entry(3, "Homes")], "Warm homes, and 2 more"),
        ([entry(1, COAST), entry(2, "No room for a count")], COAST),
        ([entry(1, LONG, summary="A home."), entry(2, "Cold homes")], "Cold homes, and 1 more"),
        ([entry(1, "Who should go?"), entry(2, "Cold homes")], "Who should go?"),
        (
            [entry(1, "", summary="A warm home for all. It is cheap, and all who want it get it in May.")],
            "A warm home for all.",
        ),
        ([entry(1, LONG)], "Housing"),
        ([entry(1, LONG), entry(2, LONG, CASE_STUDY)], "Housing and 1 from elsewhere"),
        ([ONE, entry(2, LONG, CASE_STUDY, "Fife", FALLS)], "Fife: Falls at home fell by a third, and 1 more"),
        ([ONE, entry(2, LONG, CASE_STUDY, "Truro", "In Leeds, falls fell by a third.")], "Warm homes, and 1 more"),
        ([ONE, entry(2, LONG, CASE_STUDY, "", FALLS)], "Warm homes, and 1 more"),
        ([ONE, entry(2, LONG, CASE_STUDY, "Fife", f"{FALLS} {FALLS}")], "Warm homes, and 1 more"),
    ],
)
def test_the_subject(entries: list[Entry], seen: str) -> None:
    assert subject_of(*entries) == seen


def test_a_subject_in_welsh() -> None:
    shown = [entry(1, "Un peth"), entry(2, "Dau"), entry(3, "Tri")]
    assert subject(cy, digest_of(*shown), {item.id: item for item in shown}, TAXONOMY) == "Un peth, a 2 arall"


def test_an_entry_that_says_nothing_has_a_subject() -> None:
    assert subject_of(entry(1, ""), area="") == "Entries for you"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=120), min_size=1, max_size=4))
def test_no_subject_is_cut(titles: list[str]) -> None:
    shown = [entry(number, title) for number, title in enumerate(titles)]
    line = subject_of(*shown)
    assert (0 < len(line) <= LIMIT and not line.endswith("…")) or line in titles
