"""What the pages behind a letter's links ask, and what the answers mean. Pure: values in, values out."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from subscribers.errors import SubscribersError
from subscribers.model import Interests, Subscriber

FACETS = ("policy_areas", "regions", "themes")
LEGENDS = {"policy_areas": "Policy areas", "regions": "Regions", "themes": "Themes"}
# What a form answers to "for how long?", in the order of the page.
PAUSES = {"2-weeks": "2 weeks", "1-month": "1 month", "3-months": "3 months"}
GO_ON = "now"
_HINTS = {
    "policy_areas": "Tick none to follow all of them.",
    "regions": "Tick none to follow all of them. What is of national interest comes in any case.",
    # digest.group: themes add to what comes from elsewhere; without any, policy areas alone decide.
    "themes": "Case studies from other regions on these themes come too. Tick none to go by policy areas alone.",
}
_NONE = {"policy_areas": "All", "regions": "All", "themes": "None in particular"}
# What the button says: without it, an empty call would read as "all of everything".
WHOLE = ("form", "preferences")
_MOST_FIELDS = 500
_LONGEST_ECHO = 60


class BadForm(SubscribersError):
    """A form's answers cannot be taken; the message says which, for the person who sent them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its slug, its name, and the language of the name where it is not English."""

    slug: str
    name: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What an installation offers its readers, each in the order of the page."""

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
    """One group of a form: `kind` is "radio" or "checkbox", `name` what the answers are called."""

    name: str
    kind: str
    legend: str
    hint: str
    options: Sequence[Option]


def preferences(choices: Choices, person: Subscriber) -> list[Fields]:
    """Return the groups of the preferences page with what `person` has ticked."""
    cadences = [Option(one, one.slug == person.cadence) for one in choices.cadences]
    known = any(option.ticked for option in cadences)
    hint = "" if known else f"No letters come at the time you chose before ({person.cadence}); choose another."
    groups = [Fields("cadence", "radio", "How often", hint, cadences)]
    for facet in FACETS:
        followed = getattr(person.interests, facet)
        options = [Option(one, one.slug in followed) for one in _offered(choices, person, facet)]
        if options:
            groups.append(Fields(facet, "checkbox", LEGENDS[facet], _HINTS[facet], options))
    further = Choice("yes", "Also send case studies from other regions")
    hint = "For readers who chose regions: how other places did it, on what you follow."
    groups.append(
        Fields("elsewhere", "checkbox", "From elsewhere", hint, [Option(further, person.interests.elsewhere)])
    )
    return groups


def read_preferences(body: bytes, choices: Choices, person: Subscriber) -> tuple[str, Interests]:
    """Return the cadence and the interests that a form says; without a cadence, the person's own.

    Raises BadForm for anything that the page does not offer to this person.
    """
    said = read_form(body)
    if WHOLE not in said:
        raise BadForm("the form did not arrive whole; open the link in your letter again")
    offered = {facet: {one.slug for one in _offered(choices, person, facet)} for facet in FACETS}
    offered["cadence"] = {one.slug for one in choices.cadences} | {person.cadence}
    offered["elsewhere"], offered[WHOLE[0]] = {"yes"}, {WHOLE[1]}
    for name, value in said:
        if name not in offered:
            raise BadForm(f"“{_short(name)}” is not a question of this form")
        if value not in offered[name]:
            raise BadForm(f"“{_short(value)}” is not one of the choices for {LEGENDS.get(name, name).lower()}")
    answers = {name: frozenset(value for n, value in said if n == name) for name in offered}
    if len(answers["cadence"]) > 1:
        raise BadForm("the form says two cadences; choose one")
    cadence = next(iter(answers["cadence"]), person.cadence)
    areas, regions, themes = (answers[facet] for facet in FACETS)
    return cadence, Interests(areas, regions, themes, bool(answers["elsewhere"]))


def pauses(paused: bool) -> Fields:
    """Return the group of the pause page; nothing is chosen beforehand."""
    words = ({GO_ON: "No longer: go on now"} if paused else {}) | PAUSES
    options = [Option(Choice(slug, name), False) for slug, name in words.items()]
    hint = "From today, in place of the pause there is." if paused else "From today."
    return Fields("for", "radio", "For how long?", hint, options)


def read_pause(body: bytes, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when a form asks to be paused, None for no longer; BadForm for anything else.

    Whole days of `zone`, so that the same wish on the same day is the same pause.
    """
    said = [value for name, value in read_form(body) if name == "for"]
    if not said:
        raise BadForm("nothing was chosen; choose for how long")
    if len(said) > 1:
        raise BadForm("the form says two times; choose one")
    if said[0] == GO_ON:
        return None
    if said[0] not in PAUSES:
        raise BadForm(f"“{_short(said[0])}” is not a time we know")
    today = now.astimezone(zone).date()
    count, unit = said[0].split("-", 1)
    if unit == "weeks":
        day = today + timedelta(weeks=int(count))
    else:
        year, month = divmod(today.year * 12 + today.month - 1 + int(count), 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = today.replace(year=year, month=month + 1, day=min(today.day, last))
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def followed_options(choices: Choices, person: Subscriber) -> list[tuple[str, Sequence[Choice]]]:
    """Return what a person follows now, for the page that says it is saved: (heading, names)."""
    cadence = [one for one in choices.cadences if one.slug == person.cadence]
    lines: list[tuple[str, Sequence[Choice]]] = [("How often", cadence or [Choice("", person.cadence)])]
    for facet in FACETS:
        offered = _offered(choices, person, facet)
        names = [one for one in offered if one.slug in getattr(person.interests, facet)]
        if offered:
            lines.append((LEGENDS[facet], names or [Choice("", _NONE[facet])]))
    lines.append(("From elsewhere", [Choice("", "Yes" if person.interests.elsewhere else "No")]))
    return lines


def masked(email: str) -> str:
    """Return an address as its owner knows it and nobody else: "h•••@example.org"."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def day(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day of an instant in `zone`, "16 November 2026"."""
    local = moment.astimezone(zone)
    return f"{local.day} {calendar.month_name[local.month]} {local.year}"


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Return the (name, value) pairs of a form's body; BadForm when it is none."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadForm("the form did not arrive whole; open the link in your letter again") from None


def _offered(choices: Choices, person: Subscriber, facet: str) -> list[Choice]:
    """Return the choices of a facet, and what the person follows of it that is not offered to others any more.

    Without those, saving something else would silently drop them; and where they were all, "none" means all.
    """
    known: Sequence[Choice] = getattr(choices, facet)
    slugs = {one.slug for one in known}
    gone = sorted(getattr(person.interests, facet) - slugs)
    return [*known, *(Choice(slug, f"{slug} (not used any more)") for slug in gone)]


def _short(text: str) -> str:
    shown = "".join(char if char.isprintable() else "�" for char in text[:_LONGEST_ECHO])
    return shown if len(text) <= _LONGEST_ECHO else shown + "…"
