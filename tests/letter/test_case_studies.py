"""The lines of a case study, the reasons of a group and the small step, as a reader sees them in a letter."""

from __future__ import annotations

from dataclasses import replace

from digest.letter.assemble import assemble, verify
from digest.letter.compile import compile_letter
from digest.model import CASE_STUDY, UNKNOWN, Digest, Entry, Facets, Group, Ingredient, Placed, Reason, Section
from tests.counts import table
from tests.letter import sample

PLAIN, STUDY = sample.entries()[1], sample.entries()[11]
DID = Ingredient("did", "They asked.")
CHANGED = Ingredient("changed", "It fell.")
MINE = Ingredient("did", "They asked.", (), "Ann Lee")


def text_of(*reasons: Reason, entries: list[Entry], elsewhere: bool = False, step: str = "") -> str:
    """Return the text part of a letter with one entry for each reason."""
    placed = tuple(Placed(entry.id, reason) for entry, reason in zip(entries, reasons, strict=True))
    section = Section("elsewhere" if elsewhere else "areas", (Group("" if elsewhere else "housing", placed),))
    letter = compile_letter(replace(sample.EDITION, step=step), entries, sample.APPEARANCE)
    verify(letter, Digest((section,)), sample.READER)
    return assemble(letter, Digest((section,)), sample.READER).plain_text()


def study(*lines: Ingredient) -> Entry:
    return replace(STUDY, kind=CASE_STUDY, summary="A summary.", ingredients=lines, facets=Facets(regions=("wales",)))


@table(
    "lines, seen, not_seen",
    [
        ((), ["A summary."], ["They did", "Told by"]),
        ((DID,), ["They did: “They asked.”"], ["A summary.", "Changed", "Told by"]),
        ((DID, CHANGED), ["They did: “They asked.”", "Changed: “It fell.”"], ["A summary."]),
        ((MINE,), ["They did: They asked.", "2026\nTold by Ann Lee"], ["“", "(Ann Lee)"]),
        ((MINE, CHANGED), ["They did: They asked. (Ann Lee)", "Changed: “It fell.”"], ["Told by"]),
        ((Ingredient("did", "“We asked.”"),), ["They did: “We asked.”"], ["““"]),
        ((Ingredient("wanted", "Fewer forms."),), ["A summary."], ["Fewer forms."]),
        ((Ingredient("did", "They asked. " * 20),), ["A summary."], ["They asked."]),
    ],
)
def test_a_case_study_shows_what_it_tells(
    lines: tuple[Ingredient, ...], seen: list[str], not_seen: list[str]
) -> None:
    text = text_of(Reason("area", "housing", "wales"), entries=[study(*lines)])
    assert [phrase for phrase in seen if phrase not in text] == []
    assert [phrase for phrase in not_seen if phrase in text] == []


def test_a_post_shows_no_lines() -> None:
    assert "They did" not in text_of(Reason("area", "housing"), entries=[replace(PLAIN, ingredients=(DID,))])


@table("lines, promised", [((DID,), True), ((), False), ((Ingredient("wanted", "Fewer forms."),), False)])
def test_ingredients_are_promised_only_above_cards_that_show_some(
    lines: tuple[Ingredient, ...], promised: bool
) -> None:
    text = text_of(Reason("elsewhere-area", "housing", "wales"), entries=[study(*lines)], elsewhere=True)
    assert ("ingredients rather than the recipe" in " ".join(text.split())) == promised


WALES, LONDON, NOWHERE = (Reason("area", "housing", region) for region in ("wales", "london", UNKNOWN))


@table(
    "reasons, heading, cards",
    [
        ([WALES], "You follow Housing; this comes from Wales.", [""]),
        ([WALES, WALES], "You follow Housing; this comes from Wales.", ["", ""]),
        ([LONDON, WALES, WALES], "You follow Housing; this comes from Wales.", ["; comes from London", "", ""]),
        ([LONDON, WALES], "You follow Housing; this comes from London.", ["", "; comes from Wales"]),
        # Of a place that is not known nothing is said, not even by the group.
        ([WALES, NOWHERE], "You follow Housing.", ["; comes from Wales", ""]),
        ([NOWHERE], "You follow Housing.", [""]),
    ],
)
def test_a_group_says_its_reason_once(reasons: list[Reason], heading: str, cards: list[str]) -> None:
    entries = [replace(PLAIN, id=number, source=f"Source {number}") for number in range(len(reasons))]
    text = text_of(*reasons, entries=entries)
    assert text.count("You follow Housing") == 1 and f"-------\n{heading}\n" in text
    said = [line.partition("2026")[2] for line in text.splitlines() if line.startswith("Source ")]
    assert said == cards


@table(
    "lines, step, seen",
    [
        ((), "", ""),
        ((), "Ring a partner.", "Ring a partner."),
        ((Ingredient("who-to-ask", "Ask Ann."),), "Ring a partner.", f"{STUDY.title}: “Ask Ann.”"),
        ((Ingredient("who-to-ask", "Ask Ann. " * 20),), "", ""),
    ],
)
def test_the_small_step(lines: tuple[Ingredient, ...], step: str, seen: str) -> None:
    text = text_of(Reason("area", "housing"), entries=[study(*lines)], step=step)
    assert ("ONE SMALL STEP THIS WEEK" in text) == bool(seen)
    assert seen in text
