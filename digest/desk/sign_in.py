"""Let editors sign in by a link in a mail, which is good once and for 15 minutes, and tell who uses a session.

The tokens of links and sessions are never stored, only hashes of them with the installation's secret. A link's token
is made of its notice's random `seed` and the secret, so that a copy of the database opens no door either.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from digest.desk.acts import Hand, record
from digest.desk.editors import is_open
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse
from digest.installation import Installation
from digest.notices.hand_over import why_not
from digest.notices.sign_in import SIGN_IN, link_token
from digest.store import editors, notices, sessions
from digest.store.editors import Editor
from digest.store.engine import reading, writing, writing_at_once
from digest.store.sessions import Asking
from subscribers.addresses import parse_address
from subscribers.keyed import keyed_hash
from subscribers.suppression import address_hash, seal

GOOD_FOR = timedelta(minutes=15)
MOST_LINKS, MOST_ASKINGS = 3, 20  # an hour: links for an address, and askings of a network for any address
_HOUR, _DAY, _MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
_SEEN_EVERY = timedelta(minutes=1)  # because each page would write otherwise
_LONGEST_TOKEN, _LONGEST_DEVICE = 100, 80  # characters


class TooMany(TryLater):
    """A network has asked for too many links within an hour."""


class SpentLink(WrongUse):
    """A link to sign in was used, is too old, or never was one."""


def ask(installation: Installation, email: str, network: str, to: str = "") -> None:
    """Owe a link to sign in to the editor with this address; where there is none, do the same but for the mail.

    Nobody may learn who is an editor, so the caller is told nothing, also when an address has had its links of an
    hour. `network` is the asker's, coarse; `to` is the page of the desk that the link leads on to. Raises BadAddress,
    TooMany when a network has asked too often, and PersonNeeded in HOLD, because then nothing would leave for long.
    """
    key, now, secret = parse_address(email).key, installation.clock(), installation.secret
    if installation.settings.fence_file.exists() and (why := installation.fence.why()):
        raise PersonNeeded(f"somebody asks to sign in, and the database is in HOLD: {why}")
    hashed = address_hash(secret, key)
    nearby = keyed_hash(secret, f"network {network}".encode()).hex()
    seed = secrets.token_urlsafe(24)
    token_hash = _hash(secret, "link", link_token(secret, seed))
    with writing(installation.engine, "ask to sign in") as conn:
        sessions.forget_askings(conn, now - _DAY)
        links, askings = sessions.count_askings(conn, hashed, nearby, now - _HOUR)
        if askings >= MOST_ASKINGS:
            raise TooMany(f"a network has asked for {MOST_ASKINGS} links within an hour; try again in an hour")
        person, why = editors.with_address(conn, key), why_not(conn, installation, SIGN_IN, email)
        good = person is not None and not why and links < MOST_LINKS
        number = person.number if person and good else None
        asking = Asking(number, token_hash if good else None, hashed, nearby, now, now + GOOD_FOR)
        sessions.add_asking(conn, asking)
        if person and good:
            facts = {"seed": seed, "until": asking.expires_at.isoformat(), "to": to}
            notices.add(conn, SIGN_IN, person.email, hashed, now, facts)
        seal(conn, secret)


def editor_behind(installation: Installation, token: str) -> Editor | None:
    """Return the editor whom a link would sign in, or None for a link that is not good; change nothing."""
    with reading(installation.engine) as conn:
        return sessions.editor_of_link(conn, _hash(installation.secret, "link", token), installation.clock())


def redeem(installation: Installation, token: str, device: str) -> str:
    """Use a link up and begin a session; return its token, which is a new one each time.

    `device` is the kind of browser, in words. Raises SpentLink for a link that is not good, or not any more.
    """
    secret, now, own = installation.secret, installation.clock(), secrets.token_urlsafe(32)
    hashed = _hash(secret, "link", token)
    with writing(installation.engine, "sign in") as conn:
        person = sessions.editor_of_link(conn, hashed, now)
        if person is None or not sessions.use_link(conn, hashed, now):
            raise SpentLink("this link was used, or is older than 15 minutes; ask for a new one")
        sessions.forget(conn, now - _MONTH)
        number = sessions.begin(conn, _hash(secret, "session", own), person.number, device[:_LONGEST_DEVICE], now)
        record(conn, installation, Hand(person.name), "begin", f"session {number}", ({}, {"device": device}))
    return own


def who(installation: Installation, token: str) -> tuple[Editor, int] | None:
    """Return the editor who uses a session, and the session's number; None for a token that lets nobody in."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    now = installation.clock()
    with reading(installation.engine) as conn:
        pair = sessions.with_token(conn, _hash(installation.secret, "session", token))
    if pair is None or pair[1].removed_at is not None or not is_open(pair[0], now):
        return None
    session, person = pair
    if now - session.seen_at >= _SEEN_EVERY:
        _note_use(installation, session.number, now)
    return person, session.number


def sign_out(installation: Installation, number: int) -> None:
    """End a session for its own editor."""
    with writing(installation.engine, "sign out") as conn:
        sessions.end(conn, [number], installation.clock())


def form_token(secret: bytes, token: str) -> str:
    """Return the text that stands in each form of a session, so that no other site can send one."""
    return keyed_hash(secret, b"form " + token.encode()).hex()


def _note_use(installation: Installation, number: int, now: datetime) -> None:
    """Note that a session was used; where that cannot be written at once, the page is shown all the same."""
    with suppress(DigestError), writing_at_once(installation.engine, "session used") as conn:
        sessions.touch(conn, number, now)


def _hash(secret: bytes, kind: str, token: str) -> str:
    """Return the hash under which the token of a link or session is stored; any other text has one too."""
    return keyed_hash(secret, f"desk {kind} {token}".encode("utf-8", "replace")).hex()
