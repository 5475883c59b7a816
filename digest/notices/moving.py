"""Owe and word the notice to the address from which a reader's letters have moved: with the link that undoes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.letter.words import Words
from digest.model import Site
from digest.store import notices
from digest.store.notices import MOVED
from subscribers.confirmations import Confirmation
from subscribers.consent import on_allow_list
from subscribers.suppression import is_suppressed
from subscribers.tokens import make_token


def owe_moved(conn: Connection, waiting: Confirmation, language: str) -> None:
    """Write down the notice with the link that undoes a move, in the transaction that moves."""
    at = waiting.asked_at
    facts = {"number": waiting.number, "key": waiting.key, "language": language, "at": at.isoformat()}
    notices.add(conn, MOVED, waiting.wish.email, waiting.wish.address_hash, at, facts)


def why_not_told(conn: Connection, installation: Installation, email: str) -> str:
    """Return why an address must not be told of a move from it, or ""; it need not be a reader's."""
    if suppressed := is_suppressed(conn, email, secret=installation.secret):
        return f"it is suppressed ({suppressed})"
    return "" if on_allow_list(email, installation.settings.only) else "it is not in [transport] only"


def words_moved(site: Site, words: Words, facts: Mapping[str, Any], keys: Sequence[bytes]) -> tuple[str, ...]:
    """Return the subject and the paragraphs of the notice."""
    token = make_token(keys, "undo", facts["number"], facts["key"], now=datetime.fromisoformat(facts["at"]))
    form = partial(words.form, "moved_notice", name=site.name)
    return form("subject"), form("asked"), form("link"), f"{site.base_url}/undo/{token}", form("other")
