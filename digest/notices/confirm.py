"""Owe and word the notice by which somebody confirms what they asked for on a page: to join, come back, or move.

It goes to the address itself, so that only the person behind it can press the button on the page of its link. A
reader who asks to join again is told that they get the letters already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.letter.words import Words
from digest.model import Site
from digest.store import notices
from digest.store.notices import ALREADY, CONFIRM, Owed
from subscribers.confirmations import Confirmation, awaits_word
from subscribers.consent import on_allow_list, own_word_lifts
from subscribers.suppression import is_suppressed
from subscribers.tokens import LIFETIMES, make_token


def why_not_confirm(conn: Connection, installation: Installation, email: str) -> str:
    """Return why an address must not be asked to confirm, or ""."""
    return why_unasked(installation, email, is_suppressed(conn, email, secret=installation.secret))


def why_unasked(installation: Installation, email: str, suppressed: str | None) -> str:
    """Return why an address, suppressed for a reason or not (None), must not be asked to confirm, or "".

    It need not be a reader's, and somebody who has left may come back. Any other suppression counts, because their
    press would not lift it, and a mail to a mailbox that bounces or complains may cost the installation its account.
    """
    if not own_word_lifts(suppressed):
        return f"it is suppressed ({suppressed})"
    return "" if on_allow_list(email, installation.settings.only) else "it is not in [transport] only"


def why_answered(conn: Connection, owed: Owed) -> str:
    """Return why a notice to confirm asks for nothing any more, or ""; "" for a notice of another kind."""
    asks = owed.kind == CONFIRM and owed.facts is not None
    if not asks or awaits_word(conn, owed.facts["number"] if owed.facts else 0):
        return ""
    return "what it asks for was confirmed or forgotten"


def owe_confirm(conn: Connection, waiting: Confirmation, language: str) -> None:
    """Write down the notice with the link of a wish, to the wish's address, in the transaction that stores it."""
    wish = waiting.wish
    facts = {
        "number": waiting.number, "key": waiting.key, "kind": wish.kind, "language": language,
        "at": waiting.asked_at.isoformat(),
    }  # fmt: skip
    notices.add(conn, CONFIRM, wish.email, wish.address_hash, waiting.asked_at, facts)


def owe_already(conn: Connection, email: str, address_hash: str, now: datetime) -> None:
    """Write down the notice to a reader who asks to join again."""
    # With facts, because then it is stored by the very statement that stores the other one.
    notices.add(conn, ALREADY, email, address_hash, now, {"asked": "join"})


def words_to_confirm(site: Site, words: Words, facts: Mapping[str, Any], keys: Sequence[bytes]) -> tuple[str, ...]:
    """Return the subject and the paragraphs of a notice to confirm."""
    at = datetime.fromisoformat(facts["at"])
    lifetime = LIFETIMES["confirm"]
    assert lifetime is not None
    token = make_token(keys, "confirm", facts["number"], facts["key"], now=at)
    name = f"confirm_{facts['kind']}"
    day = words.day(at + lifetime, site.zone)
    lines = [words.form(name, line, name=site.name, day=day) for line in ("subject", "asked", "link")]
    return *lines, f"{site.base_url}/confirm/{token}", words.form(name, "other", name=site.name)


def words_already(site: Site, words: Words, link: str) -> tuple[str, ...]:
    """Return the subject and the paragraphs of a notice to a reader who asked to join; `link` is their own."""
    lines = [words.form("already", line, name=site.name) for line in ("subject", "asked", "link", "other")]
    return *lines[:3], link, lines[3]
