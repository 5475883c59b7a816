"""Build the forms by which readers choose and pause, and read the answers that come back. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from subscribers.errors import SubscribersError
from subscribers.model import Interests, Subscriber

FACETS = ("policy_areas", "regions", "themes")
# The answers to "For how long?", in the order of the page.
PAUSES = ("2-weeks", "1-month", "3-months")
GO_ON = "now"
# The button sends this pair, because without it an empty POST would mean "follow everything". The number goes up with
# each new group of the form, because a page that was opened before would switch that group off.
WHOLE = ("form", "preferences-2")
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
    """The choices that an installation offers its readers, in the order of the page."""

    cadences: Sequence[Choice] = ()
    policy_areas: Sequence[Choice] = ()
    regions: Sequence[Choice] = ()
    themes: Sequence[Choice] = ()


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
    interests = person.interests
    for name, ticked in (("elsewhere", interests.elsewhere), ("carry_over", interests.carry_over)):
        groups.append(Fields(name, "checkbox", [Option(Choice("yes"), ticked)], name))
    return groups


def read_preferences(pairs: Sequence[tuple[str, str]], choices: Choices, person: Subscriber) -> tuple[str, Interests]:
    """Return the cadence and the interests in a form's fields; without a cadence, the person's present cadence.

    Raises BadForm for an incomplete form, and for any answer that the page does not offer to this person.
    """
    if WHOLE not in pairs:
        raise BadForm(_INCOMPLETE)
    offered = {facet: {choice.slug for choice in _offered(choices, person, facet)} for facet in FACETS}
    offered["cadence"] = {choice.slug for choice in choices.cadences} | {person.cadence}
    offered["elsewhere"] = offered["carry_over"] = {"yes"}
    offered[WHOLE[0]] = {WHOLE[1]}
    for name, value in pairs:
        if name not in offered:
            raise BadForm("question", _short(name))
        if value not in offered[name]:
            raise BadForm(name, _short(value))
    answers = {name: frozenset(value for n, value in pairs if n == name) for name in offered}
    if len(answers["cadence"]) > 1:
        raise BadForm("two_cadences")
    cadence = next(iter(answers["cadence"]), person.cadence)
    areas, regions, themes = (answers[facet] for facet in FACETS)
    return cadence, Interests(areas, regions, themes, bool(answers["elsewhere"]), bool(answers["carry_over"]))


def pauses(paused: bool) -> Fields:
    """Return the group of the pause page, with nothing ticked; a reader who is `paused` may also end the pause."""
    options = [Option(Choice(slug), False) for slug in (*((GO_ON,) if paused else ()), *PAUSES)]
    return Fields("for", "radio", options, "pause_again" if paused else "pause")


def read_pause(pairs: Sequence[tuple[str, str]], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the pause that a form's fields ask for; None: end the present pause. Raises BadForm.

    A pause is counted in whole days of `zone`, because the same answer on the same day must give the same pause.
    """
    answers = [value for name, value in pairs if name == "for"]
    if not answers:
        raise BadForm("no_length")
    if len(answers) > 1:
        raise BadForm("two_lengths")
    if answers[0] == GO_ON:
        return None
    if answers[0] not in PAUSES:
        raise BadForm("length", _short(answers[0]))
    return pause_end(answers[0], now, zone)


def pause_end(length: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the end of a pause of a length of PAUSES, which begins today in `zone`."""
    today = now.astimezone(zone).date()
    count, unit = length.split("-", 1)
    if unit == "weeks":
        day = today + timedelta(weeks=int(count))
    else:
        year, month = divmod(today.year * 12 + today.month - 1 + int(count), 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = today.replace(year=year, month=month + 1, day=min(today.day, last))
    return datetime(day.year, day.month, day.day, tzinfo=zone)


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
    for facet, wanted in (("elsewhere", person.interests.elsewhere), ("carry_over", person.interests.carry_over)):
        lines.append((facet, [Choice("yes")] if wanted else []))
    return lines


def masked(email: str) -> str:
    """Return an address that only its owner can recognise: "h•••@example.org"."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _offered(choices: Choices, person: Subscriber, facet: str) -> list[Choice]:
    """Return the choices of a facet, and then the values that only this person still follows.

    These must be on the page, because otherwise saving another change would silently remove them; and if they were
    all that the person follows of the facet, "none" would then mean "all".
    """
    current: Sequence[Choice] = getattr(choices, facet)
    slugs = {choice.slug for choice in current}
    gone = sorted(getattr(person.interests, facet) - slugs)
    return [*current, *(Choice(slug, slug, gone=True) for slug in gone)]


def _short(text: str) -> str:
    """Return the start of a reader's own text, printable, to repeat in an error."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:_LONGEST_ECHO])
    return shown if len(text) <= _LONGEST_ECHO else shown + "…"
