"""Leave by the link of a letter, or take less; say why; and tell how things stand whenever the link is opened.

A reader who left is shown when, and the button to come back sends them a mail, because the link may have been passed
on (`digest.readers.join`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.installation import Installation
from digest.store.engine import reading, writing
from subscribers import store
from subscribers.consent import own_word_lifts
from subscribers.errors import NoSubscriber
from subscribers.leaving import REASONS_TO_LEAVE, keep_reason, left_at
from subscribers.links import person_of
from subscribers.model import Subscriber
from subscribers.suppression import is_suppressed
from subscribers.tokens import Token, read_token


@dataclass(frozen=True, slots=True)
class Leaver:
    """How the reader of a link stands: `left_at` is when they left.

    `barred`: their own word does not lift the suppression of their address (`consent.own_word_lifts`).
    `retired`: a retired key has signed the link, so that it does no more than to let them leave.
    """

    person: Subscriber
    left_at: datetime | None = None
    barred: bool = False
    retired: bool = False

    @property
    def has_left(self) -> bool:
        """Return whether they left."""
        return self.person.state == "left"


def leaver_of(installation: Installation, token: str) -> Leaver | None:
    """Return the reader whom a link to leave names, None for one who was erased. Raises BadToken and OldLink."""
    link = _link(installation, token)
    with reading(installation.engine) as conn:
        person = person_of(conn, link)
        return _leaver(conn, installation, link, person) if person else None


def leave_by_link(installation: Installation, token: str) -> Leaver | None:
    """Let the reader of a link leave; safe to repeat. Return as `leaver_of` does.

    A reader who was erased needs nothing, because they are not written to either.
    """
    link, now = _link(installation, token), installation.clock()
    leaver = None
    with writing(installation.engine, "reader") as conn, suppress(NoSubscriber):
        if person := person_of(conn, link):
            person = store.leave(conn, person.id, how="unsubscribe link", now=now, secret=installation.secret)
            leaver = _leaver(conn, installation, link, person)
    installation.fence.follow(begin=False)
    return leaver


def take_monthly(installation: Installation, token: str) -> Leaver | None:
    """Let the active reader of a link have monthly letters instead of leaving. Return as `leaver_of` does."""
    link, now = _link(installation, token), installation.clock()
    installation.settings.cadence("monthly")
    with writing(installation.engine, "reader") as conn:
        person = person_of(conn, link)
        if person and person.state == "active" and not link.retired:
            store.set_cadence(conn, person.id, "monthly", how="leave page", now=now)
    installation.fence.follow(begin=False)
    return leaver_of(installation, token)


def say_why(installation: Installation, token: str, reason: str, text: str) -> Leaver | None:
    """Keep why a reader left, of REASONS_TO_LEAVE, and their own words. Return as `leaver_of` does."""
    if reason not in REASONS_TO_LEAVE:
        raise ValueError(f"not a reason to leave: {reason!r}")
    link = _link(installation, token)
    with writing(installation.engine, "reader") as conn:
        person = person_of(conn, link)
        if person and person.state == "left" and not link.retired:
            keep_reason(conn, person.id, reason, " ".join(text.split()), installation.clock())
    return leaver_of(installation, token)


def _link(installation: Installation, token: str) -> Token:
    return read_token(installation.link_keys, "unsubscribe", token)


def _leaver(conn: Connection, installation: Installation, link: Token, person: Subscriber) -> Leaver:
    barred = not own_word_lifts(is_suppressed(conn, person.email, secret=installation.secret))
    left = left_at(conn, person.id) if person.state == "left" else None
    return Leaver(person, left, barred, link.retired)
