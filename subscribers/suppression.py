"""Keep the addresses that must not be mailed, as keyed hashes that outlive their subscribers.

The hash is HMAC-SHA256(secret, normalised address): it recognises the address for ever, and without the secret nobody
can tell the address from it. Therefore the secret must not change as long as the database lives. A fingerprint of the
secret, the seal, is stored with the first suppression or before the first letter leaves, because links in letters are
signed with it too; from then on every call with another secret raises BadSecret.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, false, or_, select

from subscribers.addresses import parse_address
from subscribers.changes import LIFTED, record_changes
from subscribers.database import among, chunks, dialect_insert
from subscribers.errors import BadSecret
from subscribers.keyed import keyed_hash
from subscribers.rows import add_consent_events, suppressed_lines
from subscribers.tables import OF_SECRET, REASONS, subscriber, suppression, suppression_secret


def address_hash(secret: bytes, key: str) -> str:
    """Return 64 hexadecimal digits for a normalised address (`Address.key`)."""
    return keyed_hash(secret, key.encode("ascii")).hex()


def suppress(conn: Connection, email: str, reason: str, *, secret: bytes, now: datetime, note: str = "") -> None:
    """Suppress `email`, whether or not it belongs to a subscriber, so that it is never mailed again.

    `reason` is one of `tables.REASONS`, which stand there from weak to strong: a stronger reason replaces a weaker
    one, otherwise the stored reason stays. `note` must not name a person. Raises BadAddress, ValueError for any
    other reason, and BadSecret.
    """
    suppress_keys(conn, {parse_address(email).key: reason}, secret=secret, now=now, note=note)


def suppress_keys(
    conn: Connection, reasons: Mapping[str, str], *, secret: bytes, now: datetime, note: str = ""
) -> None:
    """Suppress many normalised addresses at once, {key: reason}, as `suppress` does for a single one.

    Of each subscriber whose suppression is new or stronger by it, the consent history gets a line with the reason and
    the note, because it tells them again if the secret of the hashes is lost.
    """
    keys = {address_hash(secret, key): key for key in reasons}
    by_hash = {hashed: reasons[key] for hashed, key in keys.items()}
    _, changed = _store(conn, by_hash, secret, now, note)
    _add_lines(conn, {keys[hashed]: reason for hashed, reason in changed.items()}, now, note)


def suppress_hashes(
    conn: Connection, by_hash: Mapping[str, str], *, secret: bytes, now: datetime, note: str = ""
) -> int:
    """Suppress addresses by their hashes, {hash: reason}; return how many are suppressed now and were not before.

    The consent history gets no line: `complete_history` adds those that are missing.
    """
    new, _ = _store(conn, by_hash, secret, now, note)
    return new


def complete_history(conn: Connection, *, secret: bytes, now: datetime, note: str) -> None:
    """Add the missing lines on suppressions to the consent history, where hashes came without addresses."""
    last = 0
    told = suppressed_lines(conn)
    query = select(subscriber.c.id, subscriber.c.email_key, subscriber.c.state).order_by(subscriber.c.id).limit(1000)
    while page := conn.execute(query.where(subscriber.c.id > last)).all():
        last = page[-1].id
        reasons = reasons_for(conn, secret, [row.email_key for row in page])
        missing = {
            row.email_key: reason
            for row in page
            # The state of a subscriber who has left tells it already.
            if (reason := reasons.get(row.email_key))
            and reason != told.get(row.id)
            and (reason, row.state) != ("left", "left")
        }
        _add_lines(conn, missing, now, note)


def _add_lines(conn: Connection, reasons: Mapping[str, str], now: datetime, note: str) -> None:
    """Write the suppressions of subscribers, {normalised address: reason}, to their consent histories."""
    for some in chunks(reasons):
        query = select(subscriber.c.id, subscriber.c.email_key).where(subscriber.c.email_key.in_(some))
        ids: dict[str, list[int]] = {}
        for row in conn.execute(query):
            ids.setdefault(reasons[row.email_key], []).append(row.id)
        for reason, numbers in ids.items():
            how = f"{reason}: {note}" if note else reason
            add_consent_events(conn, [(number, "suppressed") for number in numbers], how=how, now=now)


def _store(
    conn: Connection, by_hash: Mapping[str, str], secret: bytes, now: datetime, note: str
) -> tuple[int, dict[str, str]]:
    """Store suppressions, {hash: reason}; return how many are new, and those that are new or stronger."""
    rank = {reason: number for number, reason in enumerate(REASONS)}
    if unknown := set(by_hash.values()) - rank.keys():
        raise ValueError(f"not a reason for a suppression: {sorted(unknown)}; use one of {', '.join(REASONS)}")
    if not by_hash:
        return 0, {}
    check_secret(conn, secret)
    stored = _stored_reasons(conn, by_hash)
    changed = {
        hashed: reason
        for hashed, reason in by_hash.items()
        if hashed not in stored or rank[reason] > rank[stored[hashed]]
    }
    record_changes(conn, list(changed.items()))
    insert = dialect_insert(conn)(suppression)
    for reason in REASONS:
        rows = [
            {"address_hash": hashed, "reason": reason, "at": now, "note": note}
            for hashed, new_reason in by_hash.items()
            if new_reason == reason
        ]
        # OR, because the list of IN (…) cannot be bound in a statement for many rows.
        weaker = or_(false(), *(suppression.c.reason == lower for lower in REASONS[: rank[reason]]))
        if rows:
            conn.execute(
                insert.on_conflict_do_update(
                    index_elements=["address_hash"],
                    set_={name: insert.excluded[name] for name in ("reason", "at", "note")},
                    where=weaker,
                ),
                rows,
            )
    # Seal last, because a claim locks the suppressions before it seals: the other order is a deadlock in PostgreSQL.
    seal(conn, secret)
    return len(by_hash) - len(stored), changed


def unsuppress(conn: Connection, email: str, *, secret: bytes) -> str | None:
    """Lift the suppression of `email`, and return its reason, or None when there was no suppression.

    Nothing else lifts a suppression. `store.lift` calls it when a person asks for it, and keeps a record.
    """
    check_secret(conn, secret)
    hashed = address_hash(secret, parse_address(email).key)
    lifted = delete(suppression).where(suppression.c.address_hash == hashed)
    reason = conn.scalar(lifted.returning(suppression.c.reason))
    if reason is not None:
        record_changes(conn, [(hashed, LIFTED)])
    return reason


def is_suppressed(conn: Connection, email: str, *, secret: bytes) -> str | None:
    """Return the reason why `email` is suppressed, or None when it is not."""
    key = parse_address(email).key
    return reasons_for(conn, secret, [key]).get(key)


def reasons_for(conn: Connection, secret: bytes, keys: Iterable[str]) -> dict[str, str]:
    """Return {key: reason} for the suppressed ones of these normalised addresses."""
    check_secret(conn, secret)
    by_hash = {address_hash(secret, key): key for key in keys}
    return {by_hash[hashed]: reason for hashed, reason in _stored_reasons(conn, by_hash).items()}


def all_suppressions(conn: Connection) -> list[tuple[str, str]]:
    """Return every suppression as (address hash, reason)."""
    rows = conn.execute(select(suppression.c.address_hash, suppression.c.reason))
    return [(row.address_hash, row.reason) for row in rows]


def suppressed_reasons(conn: Connection, secret: bytes, ids: Iterable[int]) -> dict[int, str]:
    """Return {id: reason} for those of the subscriber `ids` whose address is suppressed; unknown ids are left out."""
    suppressed: dict[int, str] = {}
    for some in chunks(ids):
        query = select(subscriber.c.email_key, subscriber.c.id).where(subscriber.c.id.in_(some))
        keys = {row.email_key: row.id for row in conn.execute(query)}
        suppressed.update((keys[key], reason) for key, reason in reasons_for(conn, secret, keys).items())
    return suppressed


def count_suppressed(conn: Connection, secret: bytes) -> int:
    """Return how many active subscribers have a suppressed address. Raises BadSecret."""
    check_secret(conn, secret)
    hashes = {hashed for hashed, _ in all_suppressions(conn)}
    query = select(subscriber.c.email_key).where(subscriber.c.state == "active").execution_options(yield_per=1000)
    return sum(address_hash(secret, key) in hashes for key in conn.scalars(query)) if hashes else 0


def is_sealed(conn: Connection) -> bool:
    """Return whether this database has had a suppression or a letter, so that only the secret of then will do."""
    return bool(stored_fingerprint(conn))


def seal(conn: Connection, secret: bytes) -> None:
    """Let only this secret do from now on. Raises BadSecret when another one was used before."""
    check_secret(conn, secret)
    row = dialect_insert(conn)(suppression_secret).values(id=OF_SECRET, fingerprint=fingerprint(secret))
    conn.execute(row.on_conflict_do_nothing())


def forget_suppressions(conn: Connection) -> None:
    """Remove all suppressions and the seal, because their secret is lost and they match no address any more."""
    conn.execute(delete(suppression))
    conn.execute(delete(suppression_secret).where(suppression_secret.c.id == OF_SECRET))


def check_secret(conn: Connection, secret: bytes) -> None:
    """Check that this secret made the stored suppressions and the links in letters. Raises BadSecret otherwise."""
    stored = stored_fingerprint(conn)
    if stored and not hmac.compare_digest(stored, fingerprint(secret)):
        raise BadSecret(
            "the secret is not the one this database's links and suppressions were made with; put the old secret"
            " file back (after `digest db new-secret`, the file that it made, or the database of before it as well):"
            " with another, no link in a sent letter works and people who left would be mailed again; if it is lost"
            " for good, `digest db new-secret`"
        )


def _stored_reasons(conn: Connection, hashes: Iterable[str]) -> dict[str, str]:
    """Return {hash: reason} for those of the hashes that are suppressed."""
    query = select(suppression.c.address_hash, suppression.c.reason)
    rows = conn.execute(query.where(among(conn, suppression.c.address_hash, hashes))).all()
    return {row[0]: row[1] for row in rows}


def stored_fingerprint(conn: Connection) -> str:
    """Return the fingerprint of the secret that made the stored suppressions, or "" before there is one."""
    query = select(suppression_secret.c.fingerprint).where(suppression_secret.c.id == OF_SECRET)
    return conn.scalar(query) or ""


def fingerprint(secret: bytes) -> str:
    """Return 64 hexadecimal digits that tell secrets apart, and from which nobody can tell the secret."""
    return keyed_hash(secret, b"fingerprint of the secret").hex()
