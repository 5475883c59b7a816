"""Word the notice with the link by which an editor signs in to the desk. Only editors read it, in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Site
from digest.store import editors
from digest.store.notices import Owed
from subscribers.addresses import parse_address
from subscribers.consent import on_allow_list
from subscribers.keyed import keyed_hash
from subscribers.suppression import is_suppressed

SIGN_IN = "sign-in"


def link_token(secret: bytes, seed: str) -> str:
    """Return the token of the link of a notice, which its stored `seed` makes with the secret alone."""
    return keyed_hash(secret, f"sign-in link {seed}".encode()).hex()


def why_no_link(conn: Connection, installation: Installation, email: str) -> str:
    """Return why an address must not get a link to sign in, or "".

    An editor need not be a reader: one who has left as a reader may still sign in. A complaint counts, because the
    next one may cost the installation its mail account.
    """
    if is_suppressed(conn, email, secret=installation.secret) == "complained":
        return "it is suppressed (complained)"
    if not on_allow_list(email, installation.settings.only):
        return "it is not in [transport] only"
    return "" if editors.with_address(conn, parse_address(email).key) else "no editor has it"


def why_late(owed: Owed, now: datetime) -> str:
    """Return why the link of a notice is not good any more, or ""; "" for a notice of another kind."""
    late = owed.kind == SIGN_IN and (owed.facts is None or now >= datetime.fromisoformat(owed.facts["until"]))
    return "its link is too old by now" if late else ""


def sign_in_words(site: Site, facts: Mapping[str, Any], secret: bytes) -> tuple[str, ...]:
    """Return the subject and the paragraphs of a notice."""
    link = f"{site.base_url}/desk/sign-in/{link_token(secret, facts['seed'])}"
    if facts.get("to"):
        link += f"?to={quote(facts['to'])}"
    return (
        f"Sign in to the desk of {site.name}",
        f"Open this address to sign in to the desk of {site.name}. It works once, and for 15 minutes.",
        link,
        "If you did not ask for it, do nothing: nobody gets in without this mail. Do not pass it on.",
    )
