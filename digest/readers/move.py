"""Move a reader's letters to another address: asked for on a page, confirmed at the new one, undone at the old one.

The link in a letter is the key, and letters are forwarded. So the old address is told of each move, and can undo it
for seven days; after that, no link moves the letters for 30 days. The answer on a page is the same whether or not
somebody has the new address.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.errors import PersonNeeded
from digest.installation import Installation
from digest.notices.confirm import owe_confirm
from digest.notices.moving import owe_moved
from digest.readers.limits import admit, is_flooded
from digest.store import notices
from digest.store.notices import CONFIRM
from subscribers import moves
from subscribers import store as people
from subscribers.addresses import parse_address
from subscribers.asked import TO_CONFIRM
from subscribers.confirmations import MOVE, Confirmation, Wish, add_wish, wish_of
from subscribers.consent import on_allow_list
from subscribers.errors import NotAllowed, SubscribersError
from subscribers.model import Subscriber
from subscribers.moving import move_address
from subscribers.suppression import address_hash, is_suppressed, seal

UNDO_FOR = timedelta(days=7)
_STILL = timedelta(days=30)  # after a move was undone
_A_DAY = 3  # wishes of a reader


class MoveRefused(SubscribersError):
    """A move cannot be asked for; `code` says why, for the pages' catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def may_ask(installation: Installation) -> bool:
    """Return whether wishes are taken now, which a flood of them prevents. Call it before the transaction.

    Raises PersonNeeded in HOLD, because then nothing would leave for long.
    """
    if installation.settings.fence_file.exists() and (why := installation.fence.why()):
        raise PersonNeeded(f"a reader asks to move to another address, and the database is in HOLD: {why}")
    return not is_flooded(installation, TO_CONFIRM)


def ask_to_move(conn: Connection, installation: Installation, person: Subscriber, email: str, network: str) -> None:
    """Owe a confirm notice to the new address of an active reader, if it may be mailed and nobody has it.

    The same is stored in each case. Raises BadAddress, and MoveRefused for the reader's own address, after an undone
    move, and when they have asked too often.
    """
    now, secret = installation.clock(), installation.secret
    address, present = parse_address(email), parse_address(person.email)
    hashed, own = (address_hash(secret, each.key) for each in (address, present))
    if address.key == present.key:
        raise MoveRefused("same_address")
    if moves.was_moved_back(conn, person.id, now - _STILL):
        raise MoveRefused("moved_back")
    if moves.count_moves(conn, own, now - timedelta(days=1)) >= _A_DAY:
        raise MoveRefused("moves")
    moves.note_mover(conn, own, network, now)
    mailed = admit(conn, TO_CONFIRM, hashed, network, now) and not _why_not_to(conn, installation, address.email)
    if not mailed and moves.has_open_move(conn, person.id, hashed):
        # The mail that is on its way stays good, because they asked twice, or asked again before it came.
        notices.add_none(conn, CONFIRM, hashed, now)
        return
    moves.end_open_moves(conn, person.id)
    # A wish that nobody can confirm is stored as well, without the address, for the sake of the same work.
    wish = Wish(MOVE, address.email if mailed else "", hashed, {}, network, "", subscriber=person.id)
    waiting = add_wish(conn, wish, now)
    if mailed:
        owe_confirm(conn, waiting, person.language)
    else:
        notices.add_none(conn, CONFIRM, hashed, now)
    # As for a letter: the hash of the address holds with this secret only.
    seal(conn, secret)


def settle_move(conn: Connection, installation: Installation, confirmation: Confirmation) -> Subscriber | None:
    """Move the letters of a reader to the address at which they confirmed it; return the reader as they are now.

    None, and nothing changes: they have left, a move was undone, or by now the address must not be mailed or is
    somebody else's. The former address is told, with the way back. Twice the same moves once.
    """
    wish, now, secret = confirmation.wish, installation.clock(), installation.secret
    number = wish.subscriber or 0
    moves.lock_subscriber(conn, number)
    person = people.get(conn, number)
    if person is None or person.state != "active" or not wish.email or moves.is_way_back(wish):
        return None
    if parse_address(wish.email).key == parse_address(person.email).key:
        return person
    if moves.was_moved_back(conn, number, now - _STILL) or _why_not_to(conn, installation, wish.email):
        return None
    try:
        moved = move_address(conn, number, wish.email, how=moves.MOVED, now=now, secret=secret)
    except NotAllowed:
        return None
    hashed = address_hash(secret, parse_address(person.email).key)
    back = Wish(MOVE, person.email, hashed, moves.WAY_BACK, "", "", subscriber=number)
    owe_moved(conn, add_wish(conn, back, now), person.language)
    seal(conn, secret)
    return moved


def way_back(conn: Connection, number: int, key: str, now: datetime) -> Confirmation | None:
    """Return the wish that undoes a move; None where it is too late, or its reader is not here any more."""
    waiting = wish_of(conn, number, key, lock=False)
    if waiting is None or not moves.is_way_back(waiting.wish) or now - waiting.asked_at > UNDO_FOR:
        return None
    person = people.get(conn, waiting.wish.subscriber or 0)
    return waiting if person and person.state == "active" else None


def undo_move(conn: Connection, installation: Installation, waiting: Confirmation) -> Subscriber | None:
    """Bring a reader's letters back to the address before a move; None when somebody else has it by now."""
    number, email = waiting.wish.subscriber or 0, waiting.wish.email
    moves.lock_subscriber(conn, number)
    now, secret = installation.clock(), installation.secret
    try:
        return move_address(conn, number, email, how=moves.MOVED_BACK, now=now, secret=secret)
    except NotAllowed:
        return None


def _why_not_to(conn: Connection, installation: Installation, email: str) -> str:
    """Return why letters cannot move to an address, or ""."""
    if suppressed := is_suppressed(conn, email, secret=installation.secret):
        return f"it is suppressed ({suppressed})"
    if not on_allow_list(email, installation.settings.only):
        return "it is not in [transport] only"
    return "somebody has it" if people.find(conn, email) else ""
