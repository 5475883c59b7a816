"""Build the form by which somebody joins, and read the answers that come back, of a browser or of a program. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from subscribers.addresses import parse_address
from subscribers.characters import whole_characters
from subscribers.errors import BadAddress
from subscribers.forms import FACETS, Choice, Choices, Fields, Option

# The form of a browser sends this pair, because in it a checkbox that is not ticked is an answer; a program that
# leaves a question out has not answered it.
WHOLE = ("form", "join-1")
TRAP = "website"  # a field that people do not see, and programs that fill in every field do
LONGEST_NAME = 100  # characters
_SINGLE = ("email", "name", "cadence", "language", "elsewhere", *WHOLE[:1], TRAP)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in an answer: the field, and the code of the sentence that tells it; `value` fills its gap."""

    field: str
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Joining:
    """The answers of somebody who joins, as they are shown again; `key` is the normalised address, "" if mistaken."""

    email: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    cadence: str = ""
    policy_areas: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    elsewhere: bool = True
    language: str = ""

    def choices(self) -> dict[str, Any]:
        """Return what is stored until it is confirmed."""
        facets = {facet: sorted(getattr(self, facet)) for facet in FACETS}
        return {
            "name": self.name, "cadence": self.cadence, **facets, "elsewhere": self.elsewhere,
            "language": self.language,
        }  # fmt: skip


def join_fields(choices: Choices, languages: Mapping[str, str], typed: Joining) -> list[Fields]:
    """Return the groups of the form, with what was chosen ticked; `languages` are {tag: its own name}."""
    cadences = [Option(choice, choice.slug == typed.cadence) for choice in choices.cadences]
    groups = [Fields("cadence", "radio", cadences)]
    for facet in FACETS:
        ticked = getattr(typed, facet)
        options = [Option(choice, choice.slug in ticked) for choice in getattr(choices, facet)]
        if options:
            groups.append(Fields(facet, "checkbox", options, facet))
    groups.append(Fields("elsewhere", "checkbox", [Option(Choice("yes"), typed.elsewhere)], "elsewhere"))
    if len(languages) > 1:
        tongues = [Option(Choice(tag, name, tag), tag == typed.language) for tag, name in languages.items()]
        groups.append(Fields("language", "radio", tongues))
    return groups


def read_join(
    pairs: Sequence[tuple[str, str]], choices: Choices, languages: Mapping[str, str], before: Joining
) -> tuple[Joining, list[Mistake]]:
    """Return what the fields of a form say, and its mistakes; `before` has the answers where the form has none."""
    offered = {facet: {choice.slug for choice in getattr(choices, facet)} for facet in FACETS}
    allowed = {
        **offered, "cadence": {choice.slug for choice in choices.cadences}, "language": set(languages),
        "elsewhere": {"yes", "no"},
    }  # fmt: skip
    answers: dict[str, list[str]] = {name: [] for name in (*_SINGLE, *FACETS)}
    mistakes: list[Mistake] = []
    for name, value in pairs:
        if name not in answers:
            mistakes.append(Mistake("", "question", _short(name)))
        elif name in allowed and value not in allowed[name]:
            mistakes.append(Mistake(name, name, _short(value)))
        else:
            answers[name].append(value.strip())
    mistakes += [Mistake(name, "twice") for name in _SINGLE if len(answers[name]) > 1]
    single = {name: answers[name][0] if answers[name] else "" for name in _SINGLE}
    key, email, wrong = _address(single["email"])
    if len(single["name"]) > LONGEST_NAME:
        mistakes.append(Mistake("name", "name_long"))
    areas, regions, themes = (frozenset(answers[facet]) for facet in FACETS)
    joining = Joining(
        email,
        key,
        whole_characters(single["name"], LONGEST_NAME),
        single["cadence"] or before.cadence,
        areas,
        regions,
        themes,
        single["elsewhere"] == "yes" or (not single["elsewhere"] and WHOLE not in pairs),
        single["language"] or before.language,
    )
    return joining, _in_order([*wrong, *mistakes])


def _address(typed: str) -> tuple[str, str, list[Mistake]]:
    """Return the normalised address, the address as it is stored, else as it was typed, and its mistake."""
    if not typed:
        return "", "", [Mistake("email", "no_email")]
    try:
        address = parse_address(typed)
    except BadAddress:
        return "", typed[:300], [Mistake("email", "bad_email")]
    return address.key, address.email, []


def _in_order(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return mistakes in the order of the page, so that a summary leads through it from top to bottom."""
    order = ("email", "name", "cadence", *FACETS, "elsewhere", "language")
    return sorted(mistakes, key=lambda each: order.index(each.field) if each.field in order else len(order))


def _short(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text[:60])
