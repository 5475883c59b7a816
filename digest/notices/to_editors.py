"""Owe the editors notices about an edition: it is ready to be approved, its hour is near, or its hour has passed.

Only people who may change an edition are told, in English. Each notice is owed in the transaction that notes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Edition, Site
from digest.store import editions, editors, notices
from digest.store.notices import MISSED, NEAR, READY, TO_EDITORS, Owed
from subscribers.addresses import parse_address
from subscribers.consent import on_allow_list
from subscribers.suppression import address_hash, is_suppressed, seal

_SUBJECTS = {
    READY: "{site}: the {cadence} edition of {slot} is ready to be approved",
    NEAR: "{site}: the {cadence} edition of {slot} is not approved yet",
    MISSED: "{site}: the {cadence} edition of {slot} was not approved in time",
}
_POLICIES = {
    "wait": "it waits until somebody approves it; if nobody does, the next edition takes its entries over",
    "stop": "it is stopped until somebody decides",
    "send": "it goes out all the same",
    "send-without-open-questions": "it goes out without the entries that have an open question, and these are held"
    " for every cadence",
}
# Only these suppressions count for an editor, because mail that bounces or annoys may cost the mail account.
_NEVER = ("bounced", "complained")


def owe_editors(
    conn: Connection, installation: Installation, kind: str, edition: Edition, facts: Mapping[str, Any]
) -> int:
    """Owe each editor who may be mailed a notice about an edition, in the caller's transaction; return how many.

    `facts`: `deadline` (its hour in words), `policy` (what is done if it is not met), and of a missed one `done`.
    """
    secret, count = installation.secret, 0
    told = {**facts, "edition": edition.id, "cadence": edition.cadence, "slot": edition.slot}
    for person in editors.listing(conn):
        if why_no_editor(conn, installation, person.email):
            continue
        hashed = address_hash(secret, parse_address(person.email).key)
        notices.add(conn, kind, person.email, hashed, installation.clock(), told)
        count += 1
    if count:
        seal(conn, secret)
    return count


def why_no_editor(conn: Connection, installation: Installation, email: str) -> str:
    """Return why an address must not get a notice for editors, or "".

    An editor need not be a reader: one who has left as a reader is told all the same.
    """
    person = editors.with_address(conn, parse_address(email).key)
    if person is None or person.role == "viewer":
        return "no editor has it"
    suppressed = is_suppressed(conn, email, secret=installation.secret)
    if suppressed in _NEVER:
        return f"it is suppressed ({suppressed})"
    return "" if on_allow_list(email, installation.settings.only) else "it is not in [transport] only"


def why_outdated(conn: Connection, owed: Owed) -> str:
    """Return why a notice about an edition that waits for approval is not true any more, or ""."""
    if owed.kind not in (READY, NEAR) or owed.facts is None:
        return ""
    edition = editions.get(conn, owed.facts["edition"])
    waits = edition is not None and edition.state == "draft" and not edition.held
    return "" if waits else "the edition does not wait for approval any more"


def words_to_editors(site: Site, owed: Owed) -> tuple[str, ...]:
    """Return the subject and the paragraphs of a notice to an editor."""
    assert owed.kind in TO_EDITORS and owed.facts is not None
    facts = owed.facts
    name = f"Edition {facts['edition']} ({facts['cadence']} {facts['slot']})"
    hour = f"Its hour is {facts['deadline']}. If nobody has approved it by then, {_POLICIES[facts['policy']]}."
    entries, done = facts.get("entries"), facts.get("done")
    first, second = {
        READY: (f"{name} is drafted, with {entries}. Look through it and approve it:", hour),
        NEAR: (f"{name} is not approved yet. Look through it and approve it:", hour),
        MISSED: (f"{name}: {done}. See it here:", f"Its hour was {facts['deadline']}."),
    }[owed.kind]
    return (
        _SUBJECTS[owed.kind].format(site=site.name, **facts),
        first,
        f"{site.base_url}/desk/{facts['cadence']}",
        second,
        f"You get this because you are an editor of {site.name}.",
    )
