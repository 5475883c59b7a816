"""Build the forms of the readers' pages, and read the answers that come back. Pure: values in, values out."""

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
# The answers to "For how long?": {value in the form: words on the page}, in the order of the page.
PAUSES = {"2-weeks": "2 weeks", "1-month": "1 month", "3-months": "3 months"}
GO_ON = "now"
_HINTS = {
    "policy_areas": "Tick none to follow all of them.",
    "regions": "Tick none to follow all of them. Entries of national interest always come too.",
    # This is the rule of digest.group: themes add case studies from elsewhere; without themes, policy areas decide.
    "themes": "Case studies from other regions on these themes come too. Tick none to go by policy areas alone.",
}
_NONE = {"policy_areas": "All", "regions": "All", "themes": "None in particular"}
# The button sends this pair, because without it an empty POST would mean "follow everything". The number goes up with
# each new group of the form, because a page that was opened before would switch that group off.
WHOLE = ("form", "preferences-2")
_INCOMPLETE = "the form did not arrive whole; open the link in your letter again"
_MOST_FIELDS = 500
_LONGEST_ECHO = 60


class BadForm(SubscribersError):
    """The answers of a form are refused; the message tells the reader which answer and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a reader can choose: its slug, its name, and the language of the name unless it is English."""

    slug: str
    name: str
    language: str = ""


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
    """One group of a form: `kind` is "radio" or "checkbox", `name` is the name of its answers in the POST."""

    name: str
    kind: str
    legend: str
    hint: str
    options: Sequence[Option]


def preferences(choices: Choices, person: Subscriber) -> list[Fields]:
    """Return the groups of the preferences page, with the choices that `person` has now ticked."""
    cadences = [Option(choice, choice.slug == person.cadence) for choice in choices.cadences]
    offered = any(option.ticked for option in cadences)
    hint = "" if offered else f"No letters come at the time you chose before ({person.cadence}); choose another."
    groups = [Fields("cadence", "radio", "How often", hint, cadences)]
    for facet in FACETS:
        followed = getattr(person.interests, facet)
        options = [Option(choice, choice.slug in followed) for choice in _offered(choices, person, facet)]
        if options:
            groups.append(Fields(facet, "checkbox", LEGENDS[facet], _HINTS[facet], options))
    further = Choice("yes", "Also send case studies from other regions")
    hint = (
        "For readers who chose regions: on what you follow, or where the same things were in the way, such as money."
    )
    groups.append(
        Fields("elsewhere", "checkbox", "From elsewhere", hint, [Option(further, person.interests.elsewhere)])
    )
    earlier = Choice("yes", "When there is nothing new for me, send entries that earlier letters had no room for")
    hint = "At most three, each once, with the month they are from."
    groups.append(
        Fields("carry_over", "checkbox", "From earlier", hint, [Option(earlier, person.interests.carry_over)])
    )
    return groups


def read_preferences(body: bytes, choices: Choices, person: Subscriber) -> tuple[str, Interests]:
    """Return the cadence and the interests in a form's body; without a cadence there, the person's present cadence.

    Raises BadForm for an incomplete form, and for any answer that the page does not offer to this person.
    """
    pairs = read_form(body)
    if WHOLE not in pairs:
        raise BadForm(_INCOMPLETE)
    offered = {facet: {choice.slug for choice in _offered(choices, person, facet)} for facet in FACETS}
    offered["cadence"] = {choice.slug for choice in choices.cadences} | {person.cadence}
    offered["elsewhere"] = offered["carry_over"] = {"yes"}
    offered[WHOLE[0]] = {WHOLE[1]}
    for name, value in pairs:
        if name not in offered:
            raise BadForm(f"“{_short(name)}” is not a question of this form")
        if value not in offered[name]:
            raise BadForm(f"“{_short(value)}” is not one of the choices for {LEGENDS.get(name, name).lower()}")
    answers = {name: frozenset(value for n, value in pairs if n == name) for name in offered}
    if len(answers["cadence"]) > 1:
        raise BadForm("the form has two cadences; choose one")
    cadence = next(iter(answers["cadence"]), person.cadence)
    areas, regions, themes = (answers[facet] for facet in FACETS)
    return cadence, Interests(areas, regions, themes, bool(answers["elsewhere"]), bool(answers["carry_over"]))


def pauses(paused: bool) -> Fields:
    """Return the group of the pause page, with nothing ticked; a reader who is `paused` may also end the pause."""
    words = ({GO_ON: "End the pause now"} if paused else {}) | PAUSES
    options = [Option(Choice(slug, name), False) for slug, name in words.items()]
    hint = "From today. It replaces the present pause." if paused else "From today."
    return Fields("for", "radio", "For how long?", hint, options)


def read_pause(body: bytes, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the pause that a form's body asks for; None: end the present pause. Raises BadForm.

    A pause is counted in whole days of `zone`, because the same answer on the same day must give the same pause.
    """
    answers = [value for name, value in read_form(body) if name == "for"]
    if not answers:
        raise BadForm("nothing was chosen; choose for how long")
    if len(answers) > 1:
        raise BadForm("the form has two answers; choose one")
    if answers[0] == GO_ON:
        return None
    if answers[0] not in PAUSES:
        raise BadForm(f"“{_short(answers[0])}” is not one of the choices for how long")
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
    """Return the cadence and interests of a person as (heading, choices) rows, for the page after saving."""
    cadence = [choice for choice in choices.cadences if choice.slug == person.cadence]
    lines: list[tuple[str, Sequence[Choice]]] = [("How often", cadence or [Choice("", person.cadence)])]
    for facet in FACETS:
        offered = _offered(choices, person, facet)
        followed = [choice for choice in offered if choice.slug in getattr(person.interests, facet)]
        if offered:
            lines.append((LEGENDS[facet], followed or [Choice("", _NONE[facet])]))
    for heading, wanted in (
        ("From elsewhere", person.interests.elsewhere),
        ("From earlier", person.interests.carry_over),
    ):
        lines.append((heading, [Choice("", "Yes" if wanted else "No")]))
    return lines


def masked(email: str) -> str:
    """Return an address that only its owner can recognise: "h•••@example.org"."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def day(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day of an instant in `zone`, "16 November 2026"."""
    local = moment.astimezone(zone)
    return f"{local.day} {calendar.month_name[local.month]} {local.year}"


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Return the (name, value) pairs in a form's body. Raises BadForm when it is not a form."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadForm(_INCOMPLETE) from None


def _offered(choices: Choices, person: Subscriber, facet: str) -> list[Choice]:
    """Return the choices of a facet, and then the values that only this person still follows.

    These must be on the page, because otherwise saving another change would silently remove them; and if they were
    all that the person follows of the facet, "none" would then mean "all".
    """
    current: Sequence[Choice] = getattr(choices, facet)
    slugs = {choice.slug for choice in current}
    gone = sorted(getattr(person.interests, facet) - slugs)
    return [*current, *(Choice(slug, f"{slug} (not used any more)") for slug in gone)]


def _short(text: str) -> str:
    """Return the start of a reader's own text, printable, to repeat in an error."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:_LONGEST_ECHO])
    return shown if len(text) <= _LONGEST_ECHO else shown + "…"
