"""Make somebody a subscriber by their own word, which they gave by pressing the button behind the link in a mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from subscribers import store
from subscribers.confirmations import BACK, Wish
from subscribers.consent import own_word_lifts
from subscribers.errors import NoSubscriber, NotAllowed
from subscribers.model import Interests, NewSubscriber, Subscriber
from subscribers.rows import OwnWord

_HOW = {"join": "join page", BACK: "come back page"}


def chosen_interests(choices: Mapping[str, Any], carry_over: bool = True) -> Interests:
    """Return the interests in the choices of a wish."""
    areas, regions, themes = (frozenset(choices.get(facet, ())) for facet in ("policy_areas", "regions", "themes"))
    return Interests(areas, regions, themes, bool(choices.get("elsewhere", True)), carry_over)


def bring_in(conn: Connection, wish: Wish, word: OwnWord, *, now: datetime, secret: bytes) -> Subscriber:
    """Make the person of a confirmed wish to join or to come back an active subscriber; return them.

    It lifts the suppressions that `consent.own_word_lifts` tells. To join brings the new choices; to come back, those
    of before. Raises NotAllowed while another suppression stands, and NoSubscriber for somebody who was erased since
    they asked to come back.
    """
    how = _HOW[wish.kind]
    person = store.find(conn, wish.email) if wish.kind != BACK else store.get(conn, wish.subscriber or 0)
    if person is None and wish.kind == BACK:
        raise NoSubscriber("they were erased since")
    email = person.email if person else wish.email
    reason = store.is_suppressed(conn, email, secret=secret)
    if not own_word_lifts(reason):
        raise NotAllowed(f"this address must not be mailed ({reason})")
    if reason:
        store.lift(conn, email, how=how, force=True, now=now, secret=secret)
    if person is None:
        person = store.add(conn, _new(wish), how=how, now=now, secret=secret)
    return store.confirm_by_word(conn, with_choices(person, wish), word, how=how, now=now)


def _new(wish: Wish) -> NewSubscriber:
    choices = wish.choices
    interests = chosen_interests(choices)
    return NewSubscriber(wish.email, choices["cadence"], choices["name"], interests, choices["language"])


def with_choices(person: Subscriber, wish: Wish) -> Subscriber:
    """Return a person with the choices of their wish; to come back changes none of them."""
    if wish.kind == BACK:
        return person
    choices, carry_over = wish.choices, person.interests.carry_over
    return replace(
        person,
        name=choices["name"] or person.name,
        cadence=choices["cadence"],
        interests=chosen_interests(choices, carry_over),
        language=choices["language"],
    )
