"""Build the form by which readers choose what they get, and read the answers that come back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from subscribers.characters import whole_characters
from subscribers.errors import SubscribersError
from subscribers.model import Interests, Subscriber

Pairs = Sequence[tuple[str, str]]
FACETS = ("policy_areas", "regions", "themes")
_SWITCHES = ("elsewhere", "carry_over", "silence_notices")  # groups of a single checkbox
# The button sends this pair, because without it an empty POST would mean "follow everything". The number goes up with
# each new group of the form, because a page that was opened before would switch that group off.
WHOLE = ("form", "preferences-4")
_OLDER = ("preferences", "preferences-2", "preferences-3")
SHOWN = "shown"  # the field with the stamp of a form (`stamp`)
_INCOMPLETE = "incomplete"
_LONGEST_ECHO = 60
_MOST_SHOWN = 500  # of the slugs in a stamp


class BadForm(SubscribersError):
    """The answers of a form are refused. `code` says why, for the pages' catalogue; `value` is the answer meant."""

    def __init__(self, code: str, value: str = "") -> None:
        super().__init__(f"{code}: {value}" if value else code)
        self.code, self.value = code, value


class ChangedMeanwhile(SubscribersError):
    """A form and another page have changed the same since it was shown; nothing is saved.

    `name` is the group; `stored` and `typed` are the slugs of both, and `merged` is the form as it may be sent again:
    what is stored, with the changes of the form.
    """

    def __init__(self, name: str, stored: frozenset[str], typed: frozenset[str], merged: Pairs) -> None:
        super().__init__(f"{name} has been changed meanwhile")
        self.name, self.stored, self.typed, self.merged = name, stored, typed, merged


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


def stamp(choices: Choices, person: Subscriber) -> str:
    """Return what the form shows of a person as one line, for a hidden field: the groups with what is ticked.

    By it a form that was opened before another change undoes nothing (`read_preferences`).
    """
    return urlencode([pair for name, slugs in _stored(choices, person).items() for pair in _pairs(name, slugs)])


def read_preferences(pairs: Pairs, choices: Choices, person: Subscriber) -> Subscriber:
    """Return the person with what the form's reader has changed of what its page had shown; the rest stays.

    Raises BadForm for an incomplete form, for one of an earlier version, and for any answer that the page does not
    offer to this person; ChangedMeanwhile where a group was changed otherwise since, so that both cannot be kept.
    """
    if WHOLE not in pairs:
        older = any((WHOLE[0], value) in pairs for value in _OLDER)
        raise BadForm("older" if older else _INCOMPLETE)
    stored = _stored(choices, person)
    shown = _read_stamp(pairs, stored)
    _refuse_unoffered(pairs, choices, person, shown)
    merged, clash = {}, ""
    for name, theirs in stored.items():
        typed = frozenset(value for key, value in pairs if key == name)
        if name == "cadence":
            typed = typed or shown[name]
            if len(typed) > 1:
                raise BadForm("two_cadences")
        merged[name] = _merged(name, shown[name], typed, theirs)
        if not clash and _clashes(name, shown[name], typed, theirs, merged[name]):
            clash, merged[name] = name, typed
    if clash:
        again = [pair for name, slugs in merged.items() for pair in _pairs(name, slugs)]
        raise ChangedMeanwhile(clash, stored[clash], merged[clash], again)
    areas, regions, themes = (merged[facet] for facet in FACETS)
    on = {name: bool(merged.get(name)) for name in _SWITCHES}
    interests = Interests(areas, regions, themes, on["elsewhere"], on["carry_over"])
    silence = on["silence_notices"] if choices.silence else person.silence_notices
    cadence = next(iter(merged["cadence"]), person.cadence)
    return replace(person, cadence=cadence, interests=interests, silence_notices=silence)


def _stored(choices: Choices, person: Subscriber) -> dict[str, frozenset[str]]:
    """Return the slugs that a person has ticked, by group."""
    facets = {facet: getattr(person.interests, facet) for facet in FACETS}
    on = {name: frozenset({"yes"} if _is_on(person, name) else ()) for name in _switches(choices)}
    return {"cadence": frozenset({person.cadence}), **facets, **on}


def _pairs(name: str, slugs: frozenset[str]) -> list[tuple[str, str]]:
    return [(name, slug) for slug in sorted(slugs)]


def _read_stamp(pairs: Pairs, stored: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return what the page had shown by group. Raises BadForm without a stamp that the page can have sent."""
    texts = [value for name, value in pairs if name == SHOWN]
    try:
        (text,) = texts
        parsed = parse_qsl(text, strict_parsing=True, max_num_fields=_MOST_SHOWN)
    except ValueError:
        raise BadForm(_INCOMPLETE) from None
    shown = {name: frozenset(value for key, value in parsed if key == name) for name in stored}
    if len(shown["cadence"]) != 1:
        raise BadForm(_INCOMPLETE)
    return shown


def _refuse_unoffered(
    pairs: Pairs, choices: Choices, person: Subscriber, shown: Mapping[str, frozenset[str]]
) -> None:  # fmt: skip
    """Raise BadForm for an answer that the page neither offers to a person nor had shown as theirs."""
    offered = {facet: {choice.slug for choice in _offered(choices, person, facet)} for facet in FACETS}
    offered["cadence"] = {choice.slug for choice in choices.cadences} | {person.cadence}
    offered |= {name: {"yes"} for name in _switches(choices)}
    offered[WHOLE[0]] = {WHOLE[1]}
    for name, value in pairs:
        if name == SHOWN:
            continue
        if name not in offered:
            raise BadForm("question", short(name))
        if value not in offered[name] and value not in shown.get(name, ()):
            raise BadForm(name, short(value))


def _merged(name: str, shown: frozenset[str], typed: frozenset[str], stored: frozenset[str]) -> frozenset[str]:
    """Return a group with what the form has changed: of a choice of one, all of it, else each tick by itself."""
    if name == "cadence":
        return stored if typed == shown else typed
    return (stored | (typed - shown)) - (shown - typed)


def _clashes(
    name: str, shown: frozenset[str], typed: frozenset[str], stored: frozenset[str], merged: frozenset[str]
) -> bool:
    """Return whether a form and another page have changed a group so that one would undo the other.

    No tick in a facet means all of it, so that ticks of two pages cannot be put together with none.
    """
    if typed in (shown, stored) or stored == shown:
        return False
    return name == "cadence" or (name in FACETS and not all((typed, stored, merged)))


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
