"""Show what somebody asked for and has to confirm, and make it true when they press the button."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from digest.installation import Installation
from digest.readers.move import settle_move
from digest.store.engine import reading, writing
from subscribers import store
from subscribers.confirmations import BACK, MOVE, Confirmation, end_wish, keep_words, wish_of
from subscribers.errors import NoSubscriber, NotAllowed
from subscribers.joining import bring_in, with_choices
from subscribers.model import Subscriber
from subscribers.moves import is_way_back
from subscribers.rows import OwnWord
from subscribers.tokens import Token, read_token


class NothingToConfirm(NoSubscriber):
    """A link's wish is not kept any more: it was replaced, or is older than seven days."""


@dataclass(frozen=True, slots=True)
class WaitingWish:
    """The wish of a link: its kind, and the person as they would be by it, or as they are if `done`."""

    kind: str
    person: Subscriber
    done: bool


def waiting_for(installation: Installation, token: str) -> WaitingWish:
    """Return what the link of a notice confirms; change nothing. Raises BadToken and NothingToConfirm."""
    link = _link(installation, token)
    with reading(installation.engine) as conn:
        waiting = _stored(conn, link)
        return WaitingWish(waiting.wish.kind, _person(conn, installation, waiting), waiting.done)


def make_true(installation: Installation, token: str, network: str, words: tuple[str, str]) -> WaitingWish:
    """Make true what a link confirms, because its button was pressed; pressed again, it changes nothing.

    `words` are those of consent with their language, as the page showed them. Raises BadToken, NothingToConfirm, and
    NotAllowed while a suppression stands that the press does not lift, and for a move that cannot be.
    """
    link = _link(installation, token)
    with writing(installation.engine, "confirm on page") as conn:
        waiting = _stored(conn, link, lock=True)
        if waiting.done:
            return WaitingWish(waiting.wish.kind, _person(conn, installation, waiting), done=True)
        if waiting.wish.kind == MOVE:
            person = _moved(conn, installation, waiting)
        else:
            word = OwnWord(network, keep_words(conn, *words))
            person = bring_in(conn, waiting.wish, word, now=installation.clock(), secret=installation.secret)
        end_wish(conn, waiting, person.id)
    installation.fence.follow(begin=False)
    return WaitingWish(waiting.wish.kind, person, done=True)


def _moved(conn: Connection, installation: Installation, waiting: Confirmation) -> Subscriber:
    person = settle_move(conn, installation, waiting)
    if person is None:
        raise NotAllowed("the letters cannot move to this address")
    return person


def _link(installation: Installation, token: str) -> Token:
    return read_token(installation.link_keys, "confirm", token, now=installation.clock())


def _stored(conn: Connection, link: Token, *, lock: bool = False) -> Confirmation:
    waiting = wish_of(conn, link.subscriber, link.key, lock=lock)
    if waiting is None:
        raise NothingToConfirm("nothing waits for this link")
    return waiting


def _person(conn: Connection, installation: Installation, waiting: Confirmation) -> Subscriber:
    """Return the person of a wish: as they are, or as the wish would make them."""
    wish = waiting.wish
    if waiting.done or wish.kind == BACK:
        person = store.get(conn, wish.subscriber or 0)
        if person is None or (waiting.done and person.state != "active"):
            raise NothingToConfirm("they have left or were erased since")
        return person
    if wish.kind == MOVE:
        return _mover(conn, waiting)
    nobody = Subscriber(0, wish.email, language=installation.settings.site.language, state="pending")
    return with_choices(store.find(conn, wish.email) or nobody, wish)


def _mover(conn: Connection, waiting: Confirmation) -> Subscriber:
    """Return the reader of a wish to move, with the new address."""
    person = store.get(conn, waiting.wish.subscriber or 0)
    if person is None or person.state != "active" or is_way_back(waiting.wish):
        raise NothingToConfirm("they have left or were erased since")
    return replace(person, email=waiting.wish.email)
