"""Withdraw: keep back the stored entries that their source has withdrawn or not released, and give them back.

`after_reading` follows each reading of a source, `at_their_time` the clock. Editions that carry an entry which is
kept back, or name it, are drafted again without it, as after `digest drop`: an approved one must be approved again,
because no editor has seen it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.editions.muted import with_muted
from digest.installation import Installation
from digest.model import Sighting, Snapshot, Source
from digest.sources.newness import ANCHOR, GUID, LINK, StoredKeys, keys_of
from digest.sources.withdrawal import (
    DELETED,
    EXPIRED,
    MISSING,
    Sign,
    Stand,
    expired,
    judged,
    missing_from,
    newest_first,
    sign_of,
)
from digest.store import duplicates, editions, entries, releases, sources, standings
from digest.store.engine import writing
from digest.store.lock import lock_intake


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what a reading shows: its snapshot, what is stored about its keys, and entries by `id()` of a sighting.

    `before`: the entries that the last reading showed, newest first.
    """

    snapshot: Snapshot
    memory: StoredKeys
    numbers: Mapping[int, int]
    before: Sequence[int]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Hold what a reading changed: how many entries are now held for an editor, and lines for people."""

    held: int = 0
    notes: tuple[str, ...] = ()


def is_out(sighting: Sighting, now: datetime) -> bool:
    """Return whether a sighting is no entry for now: a draft, or expired. (One before its date is an entry.)"""
    return bool(sighting.unreleased) or (sighting.not_after is not None and sighting.not_after <= now)


def after_reading(
    conn: Connection, installation: Installation, source: Source, seen: Seen | None, now: datetime
) -> Withdrawal:
    """Judge the entries of a source by what a reading shows of them; `seen` None: it shows what the last one did."""
    floor = releases.floor(conn, now, installation.settings.welcome)
    stored = standings.of_source(conn, source.name, floor)
    if seen is None:
        signs = {number: Sign(MISSING) for number, standing in stored.items() if standing.missing_since}
        at_once = False
    else:
        signs = _signs(conn, source, seen, stored, now)
        at_once = seen.snapshot.whole
    pairs = [(stored[n], judged(stored[n], sign, now, at_once=at_once)) for n, sign in signs.items() if n in stored]
    return _store(conn, installation, pairs, now)


def at_their_time(installation: Installation, now: datetime) -> Withdrawal:
    """Release the entries whose embargo has ended, and withhold those that have expired."""
    with writing(installation.engine, "release by date") as conn:
        lock_intake(conn)
        floor = releases.floor(conn, now, installation.settings.welcome)
        pairs = []
        for standing in standings.due(conn, now, floor).values():
            sign = Sign("", "", None, standing.not_after)
            if standing.not_after is not None and standing.not_after <= now:
                sign = Sign(EXPIRED, expired(standing.not_after), standing.not_before, standing.not_after)
            pairs.append((standing, judged(standing, sign, now)))
        return _store(conn, installation, pairs, now)


def keep_back(conn: Connection, installation: Installation, numbers: Iterable[int], now: datetime) -> tuple[str, ...]:
    """Draft again the editions that carry or name entries which are no longer ready.

    Return a line for each edition that loses its approval. The caller has stored the state of the entries.
    """
    changed = list(entries.many(conn, numbers).values())
    if not changed:
        return ()
    from digest.editions.draft import redraft  # here, because few readings take an entry out of a letter

    approved = {edition.id for edition in editions.unfrozen(conn) if edition.state == "approved"}
    return tuple(
        f"edition {edition.id} ({edition.cadence} {edition.slot}) lost an entry or a link that was withdrawn:"
        " approve it again"
        for edition in redraft(conn, installation.settings, changed, now)
        if edition.id in approved and edition.state == "draft"
    )


def _signs(
    conn: Connection, source: Source, seen: Seen, stored: Mapping[int, Stand], now: datetime
) -> dict[int, Sign]:
    """Return what a reading says of each stored entry, and store which entries it shows."""
    snapshot, memory = seen.snapshot, seen.memory
    shown = [sighting for sighting in snapshot.sightings if id(sighting) in seen.numbers]
    order = newest_first([seen.numbers[id(sighting)] for sighting in shown], [each.published for each in shown])
    signs = {seen.numbers[id(sighting)]: sign_of(sighting, now) for sighting in shown}
    present = set(signs)
    for sighting in snapshot.sightings:
        if id(sighting) in seen.numbers:
            continue
        # A draft, an expired text, or a copy of another sighting: its strongest key tells which entry it is.
        keys = keys_of(sighting, source.name)
        matches = [memory.keys.get(key) for kind, key in keys.items() if kind in (GUID, LINK, ANCHOR)]
        number = next((match for match in matches if match is not None), None)
        if number is not None:
            present.add(number)
            if is_out(sighting, now):
                signs.setdefault(number, sign_of(sighting, now))  # one that is also shown is released
    for guid in snapshot.deleted:
        deleted = memory.keys.get(keys_of(Sighting(guid, None, ""), source.name).get(GUID, ""))
        if deleted is not None:
            signs[deleted] = Sign(DELETED, "its source says that it was deleted")
    # Also in a folder of which no file can be read, because a text that became unreadable may be a draft by now.
    if snapshot.sightings or (snapshot.whole and snapshot.problems):
        gone = stored.keys() - present if snapshot.whole else missing_from(seen.before, order, present)
        gone = set(gone) | {number for number, standing in stored.items() if standing.missing_since} - present
        signs.update((number, Sign(MISSING)) for number in gone if number not in signs)
        sources.keep_state(conn, source, shown=order)
    return signs


def _store(
    conn: Connection, installation: Installation, pairs: Iterable[tuple[Stand, Stand]], now: datetime
) -> Withdrawal:
    """Store where entries stand now, release those given back, and draft editions again without those kept back."""
    back, kept, held = [], [], []
    for before, after in with_muted(conn, list(pairs)):
        if after == before:
            continue
        standings.keep(conn, after)
        if after.duplicate_of and after.state != before.state:
            kept += _named(conn, after, now)
        if after.state == "ready" and before.state != "ready":
            back.append(after.entry)
        elif after.state != "ready" and before.state == "ready":
            kept.append(after.entry)
        if after.state == "held" and before.state != "held":
            held.append(after)
    once = standings.released_once(conn, back)
    welcome = installation.settings.welcome
    releases.number(conn, [number for number in back if number not in once], "new", now, welcome)
    # Release again what may have missed an edition meanwhile; readers who had it do not get it again.
    releases.number(conn, [number for number in back if number in once], "let-go", now, welcome)
    notes = [f"entry {each.entry} is held for an editor: {each.held_why}" for each in held[:3]]
    notes += [f"{len(held) - 3} more are held" for _ in held[3:4]]
    notes += ["see `digest entries --state held`"] if held else []
    return Withdrawal(len(held), (*notes, *keep_back(conn, installation, kept, now)))


def _named(conn: Connection, after: Stand, now: datetime) -> list[int]:
    """Let the original of a near-duplicate name its source, or name it no more; return the original then."""
    if after.state == "duplicate":
        duplicates.name_again(conn, after.entry, now)
        return []
    duplicates.name_no_more(conn, after.entry)
    return [after.duplicate_of] if after.duplicate_of else []
