"""Show a reader what they follow and when they pause, and save what they change."""

from __future__ import annotations

from digest.letter.words import Words
from digest.store.engine import reading
from digest.web.readers.choosing import active_reader, changing, choices_of, seen_reader, why_no_letter
from digest.web.readers.message import Button, MessageForm, ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers import forms, store
from subscribers.forms import Choice
from subscribers.model import Subscriber
from subscribers.tokens import make_token, read_token


def _show_preferences(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    words = pages.words(person.language)
    with reading(pages.installation.engine) as conn:
        why = why_no_letter(pages, conn, person, words)
    form = MessageForm([Button(words.say("save"), *forms.WHOLE)], forms.preferences(choices_of(pages, words), person))
    lines = [words.say("choices_for", email=forms.masked(person.email)), *why]
    links = _links(pages, words, person, "pause")
    return told(words, ReaderMessage(words.say("choices_title"), lines, form=form, links=links))


def _save_preferences(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "preferences", visit.token)
    with changing(pages) as conn:
        person = active_reader(conn, link)
        words = pages.words(person.language)
        choices = choices_of(pages, words)
        cadence, interests = forms.read_preferences(visit.fields, choices, person)
        store.set_cadence(conn, person.id, cadence, how="preferences page", now=pages.now)
        person = store.update_interests(conn, person.id, interests, how="preferences page", now=pages.now)
        why = why_no_letter(pages, conn, person, words)
    lines = [words.say("choices_saved", email=forms.masked(person.email)), *why]
    rows = [
        (words.form("legend", facet), chosen or [Choice("", words.form("follows_none", facet))])
        for facet, chosen in forms.followed_options(choices, person)
    ]
    rows = [
        (heading, [Choice("", words.say("yes"))] if [each.name for each in chosen] == [""] else chosen)
        for heading, chosen in rows
    ]
    links = [("", words.say("change_again")), *_links(pages, words, person, "pause")]
    return told(words, ReaderMessage(words.say("saved_title"), lines, done=True, summary=rows, links=links))


def _show_pause(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    words = pages.words(person.language)
    with reading(pages.installation.engine) as conn:
        why = why_no_letter(pages, conn, person, words)
    paused = person.paused_until is not None and pages.now < person.paused_until
    lines = [words.say("pause_for", email=forms.masked(person.email)), *why, words.say("meanwhile")]
    form = MessageForm([Button(words.say("save"))], [forms.pauses(paused)])
    title = words.say("paused_title" if paused else "pause_title")
    links = _links(pages, words, person, "preferences")
    return told(words, ReaderMessage(title, lines, form=form, links=links))


def _save_pause(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "preferences", visit.token)
    until = forms.read_pause(visit.fields, pages.now, pages.zone)
    with changing(pages) as conn:
        person = active_reader(conn, link)
        words = pages.words(person.language)
        if until is None:
            person = store.end_pause(conn, person.id, how="pause page", now=pages.now)
        else:
            person = store.pause(conn, person.id, until, how="pause page", now=pages.now)
        why = why_no_letter(pages, conn, person, words)
    lines = [*why, words.say("meanwhile") if until else words.say("goes_on")]
    links = [("", words.say("change_again")), *_links(pages, words, person, "preferences")]
    title = words.say("paused_title" if until else "goes_on_title")
    return told(words, ReaderMessage(title, lines, done=True, links=links))


def _links(pages: ReaderPages, words: Words, person: Subscriber, other: str) -> list[tuple[str, str]]:
    """Return links to the page `other` and to the page on which they leave, as (address, words)."""
    change, leave = (
        make_token(pages.installation.link_keys, purpose, person.id, person.key)
        for purpose in ("preferences", "unsubscribe")
    )
    shown = words.say("pause_title" if other == "pause" else "choices_title")
    return [(f"{pages.root}/{other}/{change}", shown), (f"{pages.root}/unsubscribe/{leave}", words.say("stop"))]


PAGES = (
    ReaderRoute("/preferences/{token}", _show_preferences, _save_preferences),
    ReaderRoute("/pause/{token}", _show_pause, _save_pause),
)
