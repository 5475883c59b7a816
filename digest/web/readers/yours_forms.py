"""Save what a reader changes on the page "Your letters": choices, cadence, pause and language. Each act acts once."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from digest.readers.words import page_languages
from digest.web.readers.choosing import active_reader, changing, choices_of, seen_reader
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_page import MONTHLY, Refused, clash_of, refused_by, show_yours, yours
from subscribers import forms, store
from subscribers.forms import BadForm, ChangedMeanwhile
from subscribers.model import Subscriber
from subscribers.pauses import read_pause
from subscribers.tokens import read_token

_HOW = "your letters page"


def _save_choices(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    try:
        with changing(pages) as conn:
            person = changed_reader(pages, conn, visit)
            choices = choices_of(pages, pages.words(person.language))
            chosen = forms.read_preferences(visit.fields, choices, person)
            store.change(conn, chosen, how=_HOW, now=pages.now)
    except BadForm as error:
        return _again(pages, visit, "choices", error)
    except ChangedMeanwhile as clash:
        return yours(pages, visit, clash_of(pages, seen_reader(pages, visit.token), clash))
    return onward(visit, "choices")


def _save_monthly(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    if all(cadence.name != MONTHLY for cadence in pages.settings.cadences):
        return _again(pages, visit, "pause", BadForm("cadence", MONTHLY))
    with changing(pages) as conn:
        person = changed_reader(pages, conn, visit)
        store.set_cadence(conn, person.id, MONTHLY, how=_HOW, now=pages.now)
    return onward(visit, "monthly")


def _save_pause(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    try:
        until = read_pause(visit.fields, pages.now, pages.zone)
        with changing(pages) as conn:
            person = changed_reader(pages, conn, visit)
            if until is None:
                store.end_pause(conn, person.id, how=_HOW, now=pages.now)
            else:
                store.pause(conn, person.id, until, how=_HOW, now=pages.now)
    except BadForm as error:
        return _again(pages, visit, "pause", error)
    return onward(visit, "resumed" if until is None else "pause")


def _lead_to_pause(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    """Return the way from an old link to the part of the page where letters are paused."""
    seen_reader(pages, visit.token)
    return ReaderAnswer(location=f"/yours/{visit.token}#pause")


def _save_language(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    wanted, offered = visit.text("language"), page_languages(pages.settings)
    if wanted not in offered:
        return _again(pages, visit, "language", BadForm("language", forms.short(wanted)))
    with changing(pages) as conn:
        person = changed_reader(pages, conn, visit)
        # A reader of "en-GB" who chooses English keeps it.
        if pages.words(person.language).language != wanted:
            store.change(conn, replace(person, language=wanted), how=_HOW, now=pages.now)
    return onward(visit, "language")


def _offers_zones(pages: ReaderPages) -> bool:
    return bool(pages.settings.site.reader_zones)


def _save_zone(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    wanted, site = visit.text("zone"), pages.settings.site
    if wanted not in (site.zone, *site.reader_zones):
        return _again(pages, visit, "zone", BadForm("zone", forms.short(wanted)))
    with changing(pages) as conn:
        person = changed_reader(pages, conn, visit)
        own = "" if wanted == site.zone else wanted
        store.change(conn, replace(person, zone=own), how=_HOW, now=pages.now)
    return onward(visit, "zone")


def changed_reader(pages: ReaderPages, conn: Connection, visit: Visit) -> Subscriber:
    """Return the active reader whom a link names, in the transaction that changes them."""
    return active_reader(conn, read_token(pages.installation.link_keys, "preferences", visit.token))


def onward(visit: Visit, done: str, *, sends: bool = False) -> ReaderAnswer:
    """Return the way to the page that confirms a change, so that a page loaded again changes nothing again."""
    return ReaderAnswer(location=f"/yours/{visit.token}?done={done}", sends=sends)


def _again(pages: ReaderPages, visit: Visit, part: str, error: BadForm) -> ReaderAnswer:
    words = pages.words(seen_reader(pages, visit.token).language)
    refused: Refused = refused_by(words, part, error, visit.fields)
    return yours(pages, visit, refused)


PAGES = (
    ReaderRoute("/yours/{token}", show_yours),
    ReaderRoute("/yours/{token}/choices", show_yours, _save_choices),
    ReaderRoute("/yours/{token}/monthly", show_yours, _save_monthly),
    ReaderRoute("/yours/{token}/pause", show_yours, _save_pause),
    ReaderRoute("/yours/{token}/language", show_yours, _save_language),
    ReaderRoute("/yours/{token}/zone", show_yours, _save_zone, offered=_offers_zones),
    # The addresses of these forms in letters and pages of earlier versions.
    ReaderRoute("/preferences/{token}", show_yours, _save_choices),
    ReaderRoute("/pause/{token}", _lead_to_pause, _save_pause),
)
