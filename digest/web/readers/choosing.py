"""Know the reader whom a link names, what they may choose, and why they get no letter now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from digest.letter.words import Words
from digest.model import Term
from digest.store.engine import reading, writing
from digest.web.readers.page import NotConfirmed, ReaderPages
from subscribers.errors import NoSubscriber
from subscribers.forms import Choice, Choices
from subscribers.links import person_of
from subscribers.mailable import unmailable
from subscribers.model import Subscriber
from subscribers.tokens import Token, read_token


@contextmanager
def changing(pages: ReaderPages) -> Iterator[Connection]:
    """Open the transaction of a change that a reader makes on a page, and keep it for the fence afterwards."""
    installation = pages.installation
    with writing(installation.engine, "reader") as conn:
        yield conn
    installation.fence.follow(begin=False)


def seen_reader(pages: ReaderPages, token: str) -> Subscriber:
    """Return the active reader whom a link of their letters names, for a page that is shown."""
    link = read_token(pages.installation.link_keys, "preferences", token)
    with reading(pages.installation.engine) as conn:
        return active_reader(conn, link)


def active_reader(conn: Connection, link: Token) -> Subscriber:
    """Return the active subscriber that a link names.

    Raises OldLink, NoSubscriber for one who has left or was erased, NotConfirmed for one who has not confirmed.
    """
    person = person_of(conn, link)
    if person is None or person.state == "left":
        raise NoSubscriber(f"no subscriber has the id {link.subscriber}")
    if person.state != "active":
        raise NotConfirmed
    return person


def choices_of(pages: ReaderPages, words: Words) -> Choices:
    """Return what readers may choose, with its names in the language of a page.

    A term without a name in it keeps the name in the site's language, which the page then marks.
    """
    settings, letter = pages.settings, pages.letter_words(words.language)
    site = settings.site.language.lower().partition("-")[0]

    def terms(listed: Sequence[Term]) -> list[Choice]:
        own = [letter.translated(settings.taxonomy, term.slug) for term in listed]
        foreign = "" if words.language == site else settings.site.language
        return [
            Choice(term.slug, name or term.name, "" if name else foreign)
            for term, name in zip(listed, own, strict=True)
        ]

    cadences = [Choice(cadence.name, words.form("cadence", cadence.name)) for cadence in settings.cadences]
    regions = [Choice(slug, letter.region(slug)) for slug in settings.taxonomy.region_names]
    areas, themes = terms(settings.taxonomy.policy_areas), terms(settings.taxonomy.themes)
    return Choices(cadences, areas, regions, themes, settings.silence_notices)


def why_no_letter(pages: ReaderPages, conn: Connection, person: Subscriber, words: Words) -> list[str]:
    """Return a sentence that tells an active reader why they get no letter now, or none when they may get one."""
    reasons = unmailable(
        conn, [person], secret=pages.installation.secret, allow_list=pages.settings.only, now=pages.now
    )
    reason = reasons.get(person.id)
    if reason in ("suppressed", "not on the allow-list"):
        return [words.say("not_written_to", editors=pages.editors)]
    if reason == "paused" and person.paused_until is not None:
        return [words.say("paused_until", day=words.day(person.paused_until, pages.settings.site.zone))]
    return []
