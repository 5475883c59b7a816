"""Compose a notice: its words by its kind, as plain text and as simple html. No subject names a person."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from html import escape

from digest.config.settings import Settings
from digest.delivery.parcel import compose_message, hashed_message_id
from digest.editions.choices import Addition
from digest.editions.past import TWELVE_WEEKS
from digest.editions.silence import WhySilent
from digest.letter import catalogue
from digest.letter.blocks import Assembled
from digest.letter.mime.compose import Head
from digest.letter.mime.quoted_printable import encode
from digest.letter.words import Words, direction
from digest.notices.confirm import words_already, words_to_confirm
from digest.notices.moving import words_moved
from digest.notices.sign_in import SIGN_IN, sign_in_words
from digest.notices.to_editors import words_to_editors
from digest.notices.to_operators import words_to_operators
from digest.store.notices import ALARM, ALREADY, CONFIRM, LETTER, MOVED, SILENCE, TO_EDITORS, Owed
from digest.system.resources import resource
from digest.transports.base import Parcel
from subscribers.keyring import Keyring
from subscribers.model import Subscriber
from subscribers.tokens import make_token

FOLDER = "notices"  # of the file transport

# The subject and the paragraphs of a test; "{name}" and "{sender}" are those of the site. Only operators read it.
_TEST = (
    "Test letter from {name}",
    "This is a test of the mail account of {name}. It was asked for by `digest test`, and no reader gets it.",
    "It came from {sender}. In its headers, look for spf=pass, dkim=pass and dmarc=pass: where one of them is"
    " missing, the DNS of the sender's domain does not name this mail account yet.",
    "If it lay among unwanted mail, so will the letters of your readers.",
)

# In the colours of the mail program, light or dark. A long address is broken, because a phone would scroll sideways.
_META = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark">'
)
_STYLE = (
    "font: 16px/1.5 Helvetica, Arial, sans-serif; max-width: 36em; margin: 0 auto; padding: 24px 20px;"
    " overflow-wrap: anywhere; word-break: break-word"
)


def notice_parcel(settings: Settings, owed: Owed, person: Subscriber | None, keys: Keyring, now: datetime) -> Parcel:
    """Return a notice as a parcel for any transport; `person` is the subscriber with its address.

    Raises BadHeader for an address unfit for a header, ConfigError for a mistake in the words.
    """
    site, letter = settings.site, _letter(settings, owed, person, keys)
    message_id = hashed_message_id(site, f"notice {owed.number} {now.isoformat()}", keys.secret)
    list_id = unsubscribe_url = ""
    if owed.kind == SILENCE and person is not None:  # because nobody has asked for this one
        list_id = site.list_id
        unsubscribe_url = _link(settings, person, keys, "unsubscribe")
    headers = Head(site, owed.email, message_id, now, list_id, unsubscribe_url)
    # The tag names no delivery, because a report about a notice is about no letter.
    pieces = compose_message(settings, letter, headers)
    return Parcel(owed.number, FOLDER, owed.email, pieces, letter, None, "notice", headers.message_id, composed=True)


def _letter(settings: Settings, owed: Owed, person: Subscriber | None, keys: Keyring) -> Assembled:
    """Return both parts of a notice; those of a test letter were rendered when it was asked for."""
    if owed.kind == LETTER and owed.facts is not None:
        html, text = (owed.facts[part].encode("ascii") for part in ("html", "text"))
        return Assembled(owed.facts["subject"], [html], [text])
    language, (subject, *paragraphs) = _words(settings, owed, person, keys)
    html = "".join(f"<p>{_linked(paragraph)}</p>\n" for paragraph in paragraphs)
    tags = f'<html lang="{escape(language)}" dir="{direction(language)}">'
    head = f"<head>{_META}<title>{escape(subject)}</title></head>"
    page = f'<!DOCTYPE html>\n{tags}{head}\n<body style="{_STYLE}">\n{html}</body></html>\n'
    return Assembled(subject, [encode(page)], [encode("\n\n".join(paragraphs) + "\n")])


def _words(settings: Settings, owed: Owed, person: Subscriber | None, keys: Keyring) -> tuple[str, tuple[str, ...]]:
    """Return the language of a notice, and its subject with its paragraphs."""
    site = settings.site
    if owed.kind == SIGN_IN and owed.facts is not None:
        return "en", sign_in_words(site, owed.facts, keys.secret)
    if owed.kind in TO_EDITORS:
        return "en", words_to_editors(site, owed)
    if owed.kind == ALARM and owed.facts is not None:
        return "en", words_to_operators(site, owed.facts)
    if owed.kind in (CONFIRM, MOVED) and owed.facts is not None:
        words = _catalogue(settings, owed.facts["language"])
        if owed.kind == CONFIRM:
            return words.language, words_to_confirm(site, words, owed.facts, keys.links)
        return words.language, words_moved(site, words, owed.facts, keys.links)
    values = {"name": site.name, "sender": site.sender.address}
    if owed.kind == "test" or person is None:
        return "en", tuple(text.format(**values) for text in _TEST)
    words = _catalogue(settings, person.language)
    link = _link(settings, person, keys, "yours")
    if owed.kind == ALREADY:
        return words.language, words_already(site, words, link)
    if owed.kind == SILENCE and owed.facts is not None:
        choice = owed.facts["choice"]
        told = WhySilent(**{**owed.facts, "choice": Addition(*choice) if choice else None})
        return words.language, _of_silence(settings, words, told, person, link)
    form = partial(words.form, "new_link", name=site.name)
    return words.language, (form("subject"), form("asked"), form("link"), link, form("other"))


def _catalogue(settings: Settings, language: str) -> Words:
    own = (settings.templates,) if settings.templates else ()
    folders, regions = (*own, resource("templates") / "email"), settings.taxonomy.regions
    return catalogue.words_for(folders, language, settings.site, settings.brand, regions)


def _of_silence(settings: Settings, words: Words, told: WhySilent, person: Subscriber, link: str) -> tuple[str, ...]:
    """Return the subject and the paragraphs of a notice to a silent reader; only what is stored as true is told."""
    site, taxonomy, choice = settings.site, settings.taxonomy, told.choice
    form = partial(words.form, "silence", name=site.name)
    since = datetime.fromisoformat(told.since)
    if told.last:
        last = form("last", day=words.day(date.fromisoformat(told.last), site.zone))
    else:
        last = form("never")
    day, follows = words.day(since, site.zone), words.interests(person.interests, taxonomy)
    if not told.editions:
        why = form("no_edition", day=day)
    elif not told.entries:
        why = form("no_entry", day=day)
    else:
        why = words.count("silence_why", told.entries, day=day, interests=follows)
    if choice is None:
        what = form("no_choice", weeks=TWELVE_WEEKS.days // 7)
    else:
        name = words.region if choice.facet == "region" else partial(words.name, taxonomy)
        more = words.form("silence_choice", choice.facet, choice=name(choice.slug) if choice.slug else "")
        what = words.count("silence_gain", choice.entries, choice=more, weeks=TWELVE_WEEKS.days // 7)
    return form("subject"), last, why, what, form("link"), link, form("other")


def _link(settings: Settings, person: Subscriber, keys: Keyring, page: str) -> str:
    """Return the address of a page for one reader alone: "yours" or "unsubscribe"."""
    purpose = "preferences" if page == "yours" else page
    return f"{settings.site.base_url}/{page}/{make_token(keys.links, purpose, person.id, person.key)}"


def _linked(paragraph: str) -> str:
    """Return a paragraph as html; one that is an address becomes a link."""
    shown = escape(paragraph)
    return f'<a href="{shown}">{shown}</a>' if paragraph.startswith(("https://", "http://")) else shown
