"""Keep what somebody asked for on a page until they confirm it by the link in a mail: to join, come back, or move.

Nothing of it is true before the press on the page behind that link. A confirmed wish stays for some days without
address and choices, so that the link tells what it did when it is opened again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from subscribers.database import KEY, dialect_insert
from subscribers.tables import confirmation, consent_words, suppression

JOIN, BACK, MOVE = "join", "back", "move"
KEPT_FOR = timedelta(days=7)  # a confirmation, also one that was confirmed
_DONE: Mapping[str, Any] = {"done": True}


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish of somebody on a page: `kind` is JOIN, BACK or MOVE, `choices` what they chose.

    `network` is where it came from, coarsely, and `words` the key of the words of consent that the page showed.
    `subscriber` is the id of the subscriber whose wish it is, None of somebody who is none yet.
    """

    kind: str
    email: str = field(repr=False)
    address_hash: str
    choices: Mapping[str, Any]
    network: str
    words: str
    subscriber: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A stored wish: its number, the random key to which its link is bound, and when it was asked for."""

    number: int
    key: str = field(repr=False)
    wish: Wish
    asked_at: datetime

    @property
    def done(self) -> bool:
        """Return whether it was confirmed."""
        return dict(self.wish.choices) == _DONE


def add_wish(conn: Connection, wish: Wish, now: datetime) -> Confirmation:
    """Store a wish that waits to be confirmed."""
    values = {
        "kind": wish.kind, "email": wish.email, "address_hash": wish.address_hash, "choices": dict(wish.choices),
        "network": wish.network, "words": wish.words, "asked_at": now, "subscriber_id": wish.subscriber,
    }  # fmt: skip
    row = conn.execute(insert(confirmation).values(values).returning(confirmation.c.id, confirmation.c.key)).one()
    return Confirmation(row.id, row.key, wish, now)


def wish_of(conn: Connection, number: int, key: str, *, lock: bool = False) -> Confirmation | None:
    """Return the confirmation of a link, None when it is not kept any more; `lock` it for a change."""
    query = select(confirmation).where(confirmation.c.id == number, confirmation.c.key == key)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    wish = Wish(
        row.kind, row.email, row.address_hash, row.choices, row.network, row.words, subscriber=row.subscriber_id
    )
    return Confirmation(row.id, row.key, wish, row.asked_at)


def awaits_word(conn: Connection, number: int) -> bool:
    """Return whether a wish still waits to be confirmed."""
    stored = conn.scalar(select(confirmation.c.choices).where(confirmation.c.id == number))
    return stored is not None and stored != _DONE


def end_wish(conn: Connection, ended: Confirmation, subscriber: int) -> None:
    """Store that a wish of a subscriber was confirmed, and forget it; other wishes of the same address go.

    They go because an older link that is pressed later would bring older choices back.
    """
    others = (confirmation.c.address_hash == ended.wish.address_hash) & (confirmation.c.id != ended.number)
    conn.execute(delete(confirmation).where(others))
    values = {"email": "", "choices": dict(_DONE), "subscriber_id": subscriber}
    conn.execute(update(confirmation).where(confirmation.c.id == ended.number).values(values))


def drop_wishes_of_erased(conn: Connection) -> int:
    """Remove the wishes of addresses that are suppressed as erased, because an older database brought them back.

    Returns how many there were; most are of people who were no subscribers yet.
    """
    erased = select(suppression.c.address_hash).where(suppression.c.reason == "erased")
    return conn.execute(delete(confirmation).where(confirmation.c.address_hash.in_(erased))).rowcount


def keep_words(conn: Connection, language: str, text: str) -> str:
    """Store words of consent as a page shows them, once for all who agree to them; return their key."""
    key = words_key(language, text)
    row = dialect_insert(conn)(consent_words).values(key=key, language=language, text=text)
    conn.execute(row.on_conflict_do_nothing(index_elements=["key"]))
    return key


def words_key(language: str, text: str) -> str:
    """Return the key of words of consent: a hash of language and text."""
    return hashlib.blake2b(f"{language}\n{text}".encode(), digest_size=KEY // 2).hexdigest()


def words_agreed_to(conn: Connection, key: str) -> tuple[str, str] | None:
    """Return the language and the text of words of consent, or None for an unknown key."""
    row = conn.execute(select(consent_words).where(consent_words.c.key == key)).one_or_none()
    return (row.language, row.text) if row else None
