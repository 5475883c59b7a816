"""Ask for letters: store what somebody chose, and owe the mail by which they confirm it.

The same statements are executed for every address, whether it is new, a reader's, suppressed or erased, so that
neither the answer nor its time tells who is a reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from digest.errors import PersonNeeded
from digest.installation import Installation
from digest.notices.confirm import owe_already, owe_confirm, why_not_confirm, why_unasked
from digest.readers.limits import admit, is_flooded
from digest.store import notices
from digest.store.engine import writing
from digest.store.notices import CONFIRM
from subscribers.addresses import parse_address
from subscribers.asked import TO_CONFIRM
from subscribers.confirmations import BACK, JOIN, Wish, add_wish, keep_words
from subscribers.join_form import Joining
from subscribers.model import Subscriber
from subscribers.store import find
from subscribers.suppression import address_hash, reasons_for, seal


@dataclass(frozen=True, slots=True)
class FromPage:
    """The asker on a page: the network of the request, and the language and words of consent that the page showed."""

    network: str
    language: str
    words: str = field(repr=False)


def ask_to_join(installation: Installation, joining: Joining, asking: FromPage) -> None:
    """Owe a mail to an address without mistakes: to confirm, or to a reader that they get the letters already.

    Nothing is owed to an address that bounced, complained or was suppressed by an editor, that [transport] only
    leaves out, or that has had its mails. The caller is told nothing of this. Raises PersonNeeded in HOLD, because
    then nothing would leave for long.
    """
    hashed = _before(installation, joining.key)
    if hashed is None:
        return
    now, secret = installation.clock(), installation.secret
    with writing(installation.engine, "ask to join") as conn:
        allowed = admit(conn, TO_CONFIRM, hashed, asking.network, now)
        person = find(conn, joining.email)
        reason = reasons_for(conn, secret, [joining.key]).get(joining.key)
        is_reader = person is not None and person.state == "active" and reason is None
        mailed = allowed and not why_unasked(installation, joining.email, reason)
        key = keep_words(conn, asking.language, asking.words)
        # A wish that nobody can confirm is stored as well, without the address, for the sake of the same work.
        email, choices = (joining.email, joining.choices()) if mailed and not is_reader else ("", {})
        waiting = add_wish(conn, Wish(JOIN, email, hashed, choices, asking.network, key), now)
        if not mailed:
            notices.add_none(conn, CONFIRM, hashed, now)
        elif person is not None and is_reader:
            owe_already(conn, person.email, hashed, now)
        else:
            owe_confirm(conn, waiting, joining.language)
        seal(conn, secret)


def ask_to_come_back(installation: Installation, person: Subscriber, asking: FromPage) -> None:
    """Owe a mail to the stored address of somebody who left, whose button brings their letters back.

    By mail, because the link of an old letter may have been passed on. Raises PersonNeeded in HOLD.
    """
    hashed = _before(installation, parse_address(person.email).key)
    if hashed is None:
        return
    now = installation.clock()
    with writing(installation.engine, "ask to come back") as conn:
        if _owe_back(conn, installation, person, asking, (hashed, now)):
            seal(conn, installation.secret)


def _owe_back(
    conn: Connection, installation: Installation, person: Subscriber, asking: FromPage, of: tuple[str, datetime]
) -> bool:
    hashed, now = of
    if not admit(conn, TO_CONFIRM, hashed, asking.network, now) or why_not_confirm(conn, installation, person.email):
        return False
    key = keep_words(conn, asking.language, asking.words)
    wish = Wish(BACK, person.email, hashed, {}, asking.network, key, person.id)
    owe_confirm(conn, add_wish(conn, wish, now), person.language)
    return True


def _before(installation: Installation, key: str) -> str | None:
    """Return the hash of an address, or None in a flood, when nothing is done for any address."""
    if installation.settings.fence_file.exists() and (why := installation.fence.why()):
        raise PersonNeeded(f"somebody asks for letters, and the database is in HOLD: {why}")
    return None if is_flooded(installation, TO_CONFIRM) else address_hash(installation.secret, key)
