"""Show readers the page "Your letters": what comes next, what they had and follow, and all they may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from digest.letter import catalogue
from digest.letter.words import Words
from digest.model import CADENCES
from digest.readers.history import history_of
from digest.readers.lately import tell_lately
from digest.readers.next_letter import next_letter
from digest.readers.words import page_languages
from digest.schedule import WEEKDAYS
from digest.store.engine import reading
from digest.web.readers.answer_page import answer_address
from digest.web.readers.choosing import choices_of, seen_reader, why_no_letter
from digest.web.readers.history_words import HistoryWords
from digest.web.readers.letter_views import letter_views, may_answer
from digest.web.readers.page import ReaderAnswer, ReaderPages, Visit
from subscribers import forms
from subscribers.forms import BadForm, ChangedMeanwhile, Choice, Choices
from subscribers.model import Subscriber
from subscribers.pauses import UNTIL, pause_days, pauses
from subscribers.tokens import make_token

NEWEST = 3  # letters on this page; all of them are on the page of what a reader had
MONTHLY = CADENCES[-1]


@dataclass(frozen=True, slots=True)
class Refused:
    """A form of the page that was refused: the part of the page, the field, why, and what was typed.

    `status` is that of the answer.
    """

    part: str
    field: str
    line: str
    fields: Sequence[tuple[str, str]] = ()
    status: int = 400


@dataclass(frozen=True, slots=True)
class Done:
    """A change that the page confirms above all else: a title, sentences, and what the reader follows now."""

    title: str
    lines: Sequence[str] = ()
    summary: Sequence[tuple[str, Sequence[Choice]]] = field(default_factory=tuple)


def show_yours(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    """Return the page of a reader."""
    return yours(pages, visit)


def yours(pages: ReaderPages, visit: Visit, refused: Refused | None = None) -> ReaderAnswer:
    """Return the page of a reader; with a form that was refused, it says so and keeps what was typed."""
    person = seen_reader(pages, visit.token)
    words = pages.words(person.language)
    choices = choices_of(pages, words)
    history = HistoryWords(words, pages.letter_words(words.language), pages.settings.taxonomy)
    with reading(pages.installation.engine) as conn:
        blocked = why_no_letter(pages, conn, person, words)
        had = history_of(conn, pages.installation, person, limit=NEWEST)
        answers = may_answer(conn, pages, person.id, had.letters)
        lately = tell_lately(pages.lately.of(conn, person.cadence), person.interests, words)
    values = {
        **shared_values(pages, visit, person),
        "refused": refused,
        "done": None if refused else done_by(pages, words, person, choices, visit.text("done")),
        "paused": person.paused_until is not None and pages.now < person.paused_until,
        "state": [*blocked, *_next(pages, person, words)],
        "letters": letter_views(history, had.letters, answers),
        "older": had.older,
        "lately": lately,
        "switches": ("elsewhere", "carry_over", "silence_notices"),
        **_choice_values(choices, person, refused),
        **_pause_values(pages, refused),
        "own_languages": _languages(pages, person),
        "own_zones": _zones(pages, person),
        "hour": _hour(pages, person),
        "typed_address": _typed(refused, "address", "email"),
        "mails": pages.can_mail,
    }
    return ReaderAnswer("readers/yours.html.j2", words, values, refused.status if refused else 200)


def shared_values(pages: ReaderPages, visit: Visit, person: Subscriber) -> dict[str, object]:
    """Return the values that every page below "Your letters" has: whose it is, its address, and the way to leave."""
    leave = make_token(pages.installation.link_keys, "unsubscribe", person.id, person.key)
    return {
        "email": forms.masked(person.email),
        "at": f"{pages.root}/yours/{visit.token}",
        "answer_at": answer_address(pages, visit.token),
        "leave": f"{pages.root}/unsubscribe/{leave}",
    }


def refused_by(words: Words, part: str, error: BadForm, fields: Sequence[tuple[str, str]]) -> Refused:
    """Return what the page tells of a form that was refused for an error."""
    line = words.form("mistake", error.code, value=error.value)
    own = [name for name, _ in fields if name == error.code]
    where = {"two_cadences": "cadence", "day": UNTIL, "no_day": UNTIL, "day_past": UNTIL, "day_late": UNTIL}
    is_group = error.code in (*forms.FACETS, "cadence") and own
    return Refused(part, error.code if is_group else where.get(error.code, part), line, fields)


def clash_of(pages: ReaderPages, person: Subscriber, clash: ChangedMeanwhile) -> Refused:
    """Return what the page tells of choices that another page has changed meanwhile: what is stored, what was typed.

    The form stands there with what was typed, so that to save it again is a choice.
    """
    words = pages.words(person.language)
    names = {option.choice.slug: option.choice.name for group in _groups(pages, person) for option in group.options}

    def told(slugs: frozenset[str]) -> str:
        none = words.form("follows_none", clash.name) if clash.name in forms.FACETS else words.say("no")
        return ", ".join(names.get(slug) or slug for slug in sorted(slugs)) or none

    line = words.say("changed_meanwhile", stored=told(clash.stored), typed=told(clash.typed))
    return Refused("choices", clash.name, line, clash.merged, 409)


def _groups(pages: ReaderPages, person: Subscriber) -> list[forms.Fields]:
    return forms.preferences(choices_of(pages, pages.words(person.language)), person)


def done_by(pages: ReaderPages, words: Words, person: Subscriber, choices: Choices, what: str) -> Done | None:
    """Return what the page confirms after a change; None for a change that it does not know, or that is not so."""
    paused = person.paused_until is not None and pages.now < person.paused_until
    if what == "choices":
        summary = followed_rows(words, choices, person)
        return Done(words.say("saved_title"), [words.say("yours_saved")], summary)
    if what == "monthly" and person.cadence == MONTHLY:
        return Done(words.say("yours_monthly_title"), [words.say("yours_monthly_done")])
    if what == "pause" and paused:
        day = words.day(person.paused_until, pages.settings.site.zone)
        return Done(words.say("paused_title"), [words.say("paused_until", day=day), words.say("meanwhile")])
    if what == "resumed" and not paused:
        return Done(words.say("goes_on_title"), [words.say("goes_on")])
    if what == "language":
        told = words.say("yours_language_done", language=words.say("language_name"))
        return Done(words.say("yours_language_title"), [told])
    if what == "zone":
        told = words.say("yours_zone_done", hour=_hour(pages, person), zone=_city(_zone_of(pages, person)))
        return Done(words.say("yours_zone_title"), [told])
    if what == "address":
        lines = [words.say("yours_address_asked"), words.say("link_none", editors=pages.editors)]
        return Done(words.say("yours_address_title"), lines)
    return None


def followed_rows(words: Words, choices: Choices, person: Subscriber) -> list[tuple[str, Sequence[Choice]]]:
    """Return what a person follows as (heading, choices) rows of a summary."""
    rows: list[tuple[str, Sequence[Choice]]] = []
    for name, chosen in forms.followed_options(choices, person):
        named = [each if each.name else Choice("", words.say("yes")) for each in chosen]
        rows.append((words.form("legend", name), named or [Choice("", words.form("follows_none", name))]))
    return rows


def _next(pages: ReaderPages, person: Subscriber, words: Words) -> list[str]:
    """Return a sentence that tells when the next letter is due."""
    slot = next_letter(pages.settings, person, pages.now)
    if slot is None:
        return [words.say("yours_no_cadence")]
    return [words.form("yours_next", person.cadence, day=_day(words, slot.day))]


def _day(words: Words, day: date) -> str:
    return words.form("yours_weekday", WEEKDAYS[day.weekday()], day=words.day(day, ""))


def _choice_values(choices: Choices, person: Subscriber, refused: Refused | None) -> dict[str, object]:
    groups = forms.preferences(choices, person)
    if refused and refused.part == "choices":
        groups = forms.answered(groups, refused.fields)
    # Of a form that was refused, what its own page had shown, because it may be older than what is stored.
    stamp = _typed(refused, "choices", forms.SHOWN, most=10_000) or forms.stamp(choices, person)
    shown = (forms.SHOWN, stamp)
    return {"groups": groups, "whole": forms.WHOLE, "shown": shown, "monthly": _offers_monthly(choices, person)}


def _offers_monthly(choices: Choices, person: Subscriber) -> bool:
    return person.cadence != MONTHLY and any(choice.slug == MONTHLY for choice in choices.cadences)


def _pause_values(pages: ReaderPages, refused: Refused | None) -> dict[str, object]:
    first, last = pause_days(pages.now, pages.zone)
    group = pauses(_typed(refused, "pause", "for"))
    return {"pauses": group, "first_day": first, "last_day": last, "typed_day": _typed(refused, "pause", UNTIL)}


def _typed(refused: Refused | None, part: str, name: str, most: int = 254) -> str:
    """Return what was typed into a field of a part of the page that was refused, or ""."""
    if refused is None or refused.part != part:
        return ""
    return next((value for key, value in refused.fields if key == name), "")[:most]


def _zones(pages: ReaderPages, person: Subscriber) -> list[tuple[str, str, bool]]:
    """Return the time zones that a reader may choose, as (zone, its city, whether it is theirs); none: no choice."""
    site, theirs = pages.settings.site, _zone_of(pages, person)
    if not site.reader_zones or not _hour(pages, person):
        return []
    return [(zone, _city(zone), zone == theirs) for zone in (site.zone, *site.reader_zones)]


def _zone_of(pages: ReaderPages, person: Subscriber) -> str:
    site = pages.settings.site
    return person.zone if person.zone in site.reader_zones else site.zone


def _city(zone: str) -> str:
    """Return the name of a zone's city: "New York" of "America/New_York"."""
    return zone.rpartition("/")[2].replace("_", " ")


def _hour(pages: ReaderPages, person: Subscriber) -> str:
    """Return the hour at which a reader's letters come, "08:00"; "" where their cadence has none."""
    return next((str(cadence.at) for cadence in pages.settings.cadences if cadence.name == person.cadence), "")


def _languages(pages: ReaderPages, person: Subscriber) -> list[tuple[str, str, bool]]:
    """Return the languages that a reader may choose, as (tag, its own name, whether it is theirs)."""
    offered = page_languages(pages.settings)
    theirs = catalogue.best((person.language, pages.settings.site.language), frozenset(offered))
    return [(tag, name, tag == theirs) for tag, name in offered.items()]
