"""Give a subscriber another address, inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from subscribers.addresses import parse_address
from subscribers.consent import next_state
from subscribers.errors import NoSubscriber, NotAllowed
from subscribers.model import Subscriber
from subscribers.rows import COLUMNS, add_consent_events, to_subscriber
from subscribers.suppression import is_suppressed
from subscribers.tables import subscriber


def move_address(conn: Connection, id: int, email: str, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Store another address of a subscriber, who keeps everything else, also the links in their letters.

    A mailbox that does not exist is a reason to move; any other suppression must be lifted first, because it would
    end by the move. Raises BadAddress, NoSubscriber, and NotAllowed for a subscriber who has left, and for an address
    that is suppressed or another subscriber's.
    """
    address = parse_address(email)
    row = conn.execute(select(*COLUMNS).where(subscriber.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise NoSubscriber(f"no subscriber has the id {id}")
    person = to_subscriber(row)
    if next_state(person.state, "changed") is None:
        raise NotAllowed(f"subscriber {id} is {person.state}: 'changed' is not possible")
    if address.email == person.email:
        return person
    for text, whose in ((person.email, "the present address"), (address.email, "the new address")):
        reason = is_suppressed(conn, text, secret=secret)
        if reason and not (reason == "bounced" and text == person.email):
            raise NotAllowed(
                f"{whose} must not be mailed ({reason}); lift the suppression first: `digest subscribers unsuppress`"
            )
    taken = select(subscriber.c.id).where(subscriber.c.email_key == address.key, subscriber.c.id != id)
    if conn.scalar(taken) is not None:
        raise NotAllowed("the new address is another subscriber's; erase that one first: `digest subscribers forget`")
    moved = update(subscriber).where(subscriber.c.id == id).values(email=address.email, email_key=address.key)
    after = conn.execute(moved.returning(*COLUMNS)).one()
    add_consent_events(conn, [(id, "changed")], how=how, now=now)
    return to_subscriber(after)
