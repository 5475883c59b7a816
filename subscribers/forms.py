"""Build the form by which readers choose what they get, and read the answers that come back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from subscribers.characters import whole_characters
from subscribers.errors import SubscribersError
from subscribers.model import Interests, Subscriber

FACETS = ("policy_areas", "regions", "themes")
_SWITCHES = ("elsewhere", "carry_over", "silence_notices")  # groups of a single checkbox
# The button sends this pair, because without it an empty POST would mean "follow everything". The number goes up with
# each new group of the form, because a page that was opened before would switch that group off.
WHOLE = ("form", "preferences-3")
_OLDER = ("preferences", "preferences-2")
_INCOMPLETE = "incomplete"
_LONGEST_ECHO = 60


class BadForm(SubscribersError):
    """The answers of a form are refused. `code` says why, for the pages' catalogue; `value` is the answer meant."""

    def __init__(self, code: str, value: str = "") -> None:
        super().__init__(f"{code}: {value}" if value else code)
        self.code, self.value = code, value


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a reader can choose: its slug, its name, and the language of the name unless it is the page's.

    `gone`: only this reader still follows it, because the installation has it no more.
    """

    slug: str
    name: str = ""
    language: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices that an installation offers its readers, in the order of the page.

    `silence`: it tells readers why they have heard nothing for long, so that they may choose not to be told.
    """

    cadences: Sequence[Choice] = ()
    policy_areas: Sequence[Choice] = ()
    regions: Sequence[Choice] = ()
    themes: Sequence[Choice] = ()
    silence: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One radio button or checkbox."""

    choice: Choice
    ticked: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """One group of a form: `kind` is "radio" or "checkbox", `name` is the name of its answers in the POST.

    `hint` is the name of the words below its legend, "" for none, and `value` fills their gap.
    """

    name: str
    kind: str
    options: Sequence[Option]
    hint: str = ""
    value: str = ""


def preferences(choices: Choices, person: Subscriber) -> list[Fields]:
    """Return the groups of the form of choices, with those that `person` has now ticked."""
    cadences = [Option(choice, choice.slug == person.cadence) for choice in choices.cadences]
    offered = any(option.ticked for option in cadences)
    groups = [Fields("cadence", "radio", cadences, "" if offered else "cadence_gone", person.cadence)]
    for facet in FACETS:
        followed = getattr(person.interests, facet)
        options = [Option(choice, choice.slug in followed) for choice in _offered(choices, person, facet)]
        if options:
            groups.append(Fields(facet, "checkbox", options, facet))
    for name in _switches(choices):
        groups.append(Fields(name, "checkbox", [Option(Choice("yes"), _is_on(person, name))], name))
    return groups


def answered(groups: Sequence[Fields], pairs: Sequence[tuple[str, str]]) -> list[Fields]:
    """Return the groups with those options ticked that a form's fields have, to show a refused form again."""
    return [
        replace(
            group,
            options=[replace(option, ticked=(group.name, option.choice.slug) in pairs) for option in group.options],
        )
        for group in groups
    ]


def read_preferences(pairs: Sequence[tuple[str, str]], choices: Choices, person: Subscriber) -> Subscriber:
    """Return the person with the cadence, interests and notices in a form's fields; without a cadence, theirs stays.

    Raises BadForm for an incomplete form, for one of an earlier version, and for any answer that the page does not
    offer to this person.
    """
    if WHOLE not in pairs:
        older = any((WHOLE[0], value) in pairs for value in _OLDER)
        raise BadForm("older" if older else _INCOMPLETE)
    offered = {facet: {choice.slug for choice in _offered(choices, person, facet)} for facet in FACETS}
    offered["cadence"] = {choice.slug for choice in choices.cadences} | {person.cadence}
    offered |= {name: {"yes"} for name in _switches(choices)}
    offered[WHOLE[0]] = {WHOLE[1]}
    for name, value in pairs:
        if name not in offered:
            raise BadForm("question", short(name))
        if value not in offered[name]:
            raise BadForm(name, short(value))
    answers = {name: frozenset(value for n, value in pairs if n == name) for name in offered}
    if len(answers["cadence"]) > 1:
        raise BadForm("two_cadences")
    cadence = next(iter(answers["cadence"]), person.cadence)
    areas, regions, themes = (answers[facet] for facet in FACETS)
    interests = Interests(areas, regions, themes, bool(answers["elsewhere"]), bool(answers["carry_over"]))
    silence = bool(answers["silence_notices"]) if choices.silence else person.silence_notices
    return replace(person, cadence=cadence, interests=interests, silence_notices=silence)


def followed_options(choices: Choices, person: Subscriber) -> list[tuple[str, Sequence[Choice]]]:
    """Return the cadence and interests of a person as (facet, choices) rows, without the facets that they follow all.

    The rows are those of a summary after saving.
    """
    cadence = [choice for choice in choices.cadences if choice.slug == person.cadence]
    lines: list[tuple[str, Sequence[Choice]]] = [("cadence", cadence or [Choice(person.cadence, person.cadence)])]
    for facet in FACETS:
        offered = _offered(choices, person, facet)
        followed = [choice for choice in offered if choice.slug in getattr(person.interests, facet)]
        if offered:
            lines.append((facet, followed))
    lines += [(name, [Choice("yes")] if _is_on(person, name) else []) for name in _switches(choices)]
    return lines


def masked(email: str) -> str:
    """Return an address that only its owner can recognise: "h•••@example.org"."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _switches(choices: Choices) -> tuple[str, ...]:
    return _SWITCHES if choices.silence else _SWITCHES[:-1]


def _is_on(person: Subscriber, switch: str) -> bool:
    return person.silence_notices if switch == _SWITCHES[-1] else bool(getattr(person.interests, switch))


def _offered(choices: Choices, person: Subscriber, facet: str) -> list[Choice]:
    """Return the choices of a facet, and then the values that only this person still follows.

    These must be on the page, because otherwise saving another change would silently remove them; and if they were
    all that the person follows of the facet, "none" would then mean "all".
    """
    current: Sequence[Choice] = getattr(choices, facet)
    slugs = {choice.slug for choice in current}
    gone = sorted(getattr(person.interests, facet) - slugs)
    return [*current, *(Choice(slug, slug, gone=True) for slug in gone)]


def short(text: str) -> str:
    """Return the start of a reader's own text, printable, to repeat in an error."""
    shown = "".join(char if char.isprintable() else "�" for char in whole_characters(text, _LONGEST_ECHO))
    return shown if len(text) <= _LONGEST_ECHO else shown + "…"
