"""Take in what a reading of a source shows: decide which entries are new, classify, store and release them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest.classify import kind_of
from digest.editions.classified import UNCLASSIFIED, CarefulClassifier, can_wait, owed_of, with_whole_text
from digest.editions.duplicates import originals, store_copies, store_duplicates
from digest.editions.muted import adopt_copies
from digest.editions.unreleased import unreleased_texts
from digest.editions.withdraw import Seen, Withdrawal, after_reading, is_out
from digest.installation import Installation
from digest.model import Sighting, Snapshot, Source
from digest.sources.newness import (
    HINTS,
    MOST_RETITLED,
    New,
    Recognised,
    SnapshotDecision,
    StoredKeys,
    keys_of,
    showing_of,
    what_is_new,
)
from digest.sources.read import KnownEntries, KnownEntry, Reading
from digest.sources.sameness import VERY_START, beginnings, plain_words
from digest.sources.surge import is_news, surge
from digest.sources.withdrawal import MUTED, Sign, sign_of
from digest.store import entries, entry_texts, ingredients, muted, releases, sources
from digest.store.sources import Gathering, State
from digest.system.failpoint import failpoint
from subscribers.characters import whole_characters


class NotInFull(Exception):
    """Say that a reading which has left out known entries cannot tell what is new."""


def take_in(
    conn: Connection,
    installation: Installation,
    source: Source,
    result: Reading,
    classifier: CarefulClassifier,
    now: datetime,
) -> tuple[Gathering, KnownEntries | None]:
    """Store the entries of a reading, and release those that are news.

    Return the row of the gather, and the entries that the next reading need not read again (None: all of them).
    Raises NotInFull when what a reading has left out is needed to tell what is new.
    """
    state, snapshot = sources.state_of(conn, source), result.snapshot
    assert snapshot is not None
    skipped = {id(snapshot.sightings[place]): number for place, number in result.skipped.items()}
    # Leave out a sighting with neither title nor link nor words, because there is nothing of it to show.
    worded = [sighting for sighting in snapshot.sightings if _has_content(sighting)]
    shown = [sighting for sighting in worded if not is_out(sighting, now)]
    unreleased = unreleased_texts(conn, source, [sighting for sighting in worded if is_out(sighting, now)], shown)
    keys = [keys_of(sighting, source.name) for sighting in shown]
    memory = _without(skipped, unreleased.without_rows(_stored_about(conn, source, snapshot, shown, keys)))
    decision = _with_pages(what_is_new(source, shown, memory, keys), result)
    if skipped and (memory.keys or decision.spoilt or len(decision.new) < len(worded)):
        raise NotInFull
    states, why, told = _judged(conn, source, state, decision, classifier, now)
    numbers = _add(conn, source, states, classifier, why, now)
    store_duplicates(conn, source, decision.new, (numbers, told), now)
    again, adopted = _recognised(conn, source, state, decision, memory, why)
    store_copies(conn, source, [each for each in again if each.entry not in adopted], memory, now)
    numbers |= _refresh(conn, source, (*again, *unreleased.again), classifier, now)
    entries.spoil(conn, decision.spoilt)
    fresh = [(New(sighting, (key,)), "withheld") for sighting, key in unreleased.fresh]
    numbers |= _add(conn, source, fresh, classifier, Sign(), now) | skipped
    ready = [numbers[id(new.sighting)] for new, entry_state in reversed(states) if entry_state == "ready"]
    releases.number(conn, adopted + ready, "new", now, installation.settings.welcome)
    withdrawal = after_reading(conn, installation, source, Seen(snapshot, memory, numbers, state.shown or ()), now)
    lasting = [*snapshot.problems, *installation.classifier.unknown(shown), *classifier.problems]
    held = withdrawal.held + sum(each == "held" for _, each in states)
    withheld = sum(bool(sign_of(sighting, now).code) for sighting in worded)
    row = _row(
        source, decision, len(shown) + len(skipped), (held, withheld), (_notes_held(states, why, withdrawal), lasting)
    )
    is_plain = not decision.spoilt and None not in memory.keys.values()
    return row, known_entries(result, numbers, now) if is_plain else None


def _without(skipped: Mapping[int, int], memory: StoredKeys) -> StoredKeys:
    """Return what is stored, without the entries that a reading has left out because they are as they were."""
    left = set(skipped.values())
    return StoredKeys(memory.keys, {number: each for number, each in memory.entries.items() if number not in left})


def _with_pages(decision: SnapshotDecision, result: Reading) -> SnapshotDecision:
    """Return a decision in which the new entries of older pages are marked."""
    if not result.on_older_pages or result.snapshot is None:
        return decision
    older = {id(sighting) for sighting in result.snapshot.sightings[-result.on_older_pages :]}
    new = tuple(replace(each, on_older_page=id(each.sighting) in older) for each in decision.new)
    return replace(decision, new=new)


def is_all_new(conn: Connection, source: Source, snapshot: Snapshot) -> bool:
    """Return whether a snapshot shows no entry of its source that is stored."""
    shown = [sighting for sighting in snapshot.sightings if _has_content(sighting)]
    keys = [keys_of(sighting, source.name) for sighting in shown]
    memory = _stored_about(conn, source, snapshot, shown, keys)
    again = [each.entry for each in what_is_new(source, shown, memory, keys).recognised]
    return not any(number in memory.entries and memory.entries[number].source == source.name for number in again)


def _row(
    source: Source,
    decision: SnapshotDecision,
    shown: int,
    held_and_withheld: tuple[int, int],
    told: tuple[Sequence[str], Sequence[str]],
) -> Gathering:
    """Return the row of a gather that showed so many entries; `told` are passing notes, and those that last."""
    held, withheld = held_and_withheld
    notes, lasting = [*told[0], *told[1]], "; ".join(told[1]) or None
    new, changed = len(decision.new), sum(recognised.changed for recognised in decision.recognised)
    status, error = "held" if held else "ok", "; ".join(notes) or None
    return Gathering(source.name, status, new, changed, shown - new - changed, held, error, withheld, lasting=lasting)


def known_entries(result: Reading, numbers: Mapping[int, int], now: datetime) -> KnownEntries | None:
    """Return the entries of a reading that need not be read again while their bytes are the same.

    `numbers` has their ids, by `id()` of a sighting. None when the reading leaves any doubt which they are.
    """
    if result.parts is None or result.snapshot is None:
        return None
    sightings = result.snapshot.sightings
    ids = [numbers.get(id(sighting)) for sighting in sightings]
    if None in ids or len(set(ids)) < len(ids):
        return None
    entries = {
        each: KnownEntry(number, sighting.published)
        for each, sighting, number in zip(result.parts.hashes, sightings, ids, strict=True)
        if number and sighting.published and sighting.published <= now and not _has_limits(sighting)
    }
    return KnownEntries(result.parts.envelope, entries)


def _has_limits(sighting: Sighting) -> bool:
    return bool(sighting.unreleased or sighting.not_before or sighting.not_after)


def _stored_about(
    conn: Connection,
    source: Source,
    snapshot: Snapshot,
    shown: Sequence[Sighting],
    keyed: Sequence[Mapping[str, str]],
) -> StoredKeys:
    """Return what is stored about the keys of a snapshot, and the entries dated as its unknown sightings are.

    `keyed` are the keys of those `shown`. Also about the keys of texts that are not released (not in `shown`), and of
    those that it says were deleted.
    """
    among = {id(sighting) for sighting in shown}
    others = [sighting for sighting in snapshot.sightings if id(sighting) not in among]
    others += [Sighting(guid, None, "") for guid in snapshot.deleted]
    every = [*keyed, *(keys_of(sighting, source.name) for sighting in others)]
    memory = entries.stored_keys(conn, [key for keys in every for key in keys.values()])
    unknown = [
        sighting
        for sighting, keys in zip(shown, keyed, strict=True)
        if sighting.published and all(memory.keys.get(key) is None for kind, key in keys.items() if kind not in HINTS)
    ]
    if len(unknown) > MOST_RETITLED:
        return memory
    moments = {sighting.published for sighting in unknown if sighting.published}
    may_be = beginnings(showing_of(sighting).html for sighting in unknown)
    near = entries.of_days(conn, moments, may_be, VERY_START)
    return StoredKeys(memory.keys, {**near, **memory.entries})


def _notes_held(states: Sequence[tuple[New, str]], why: Sign, withdrawal: Withdrawal) -> list[str]:
    """Return why entries of a gather are held, the new ones first, for the editor."""
    held = [new for new, state in states if state == "held"]
    doubts = [new for new in held if new.doubt]
    cure = "see `digest entries --state held`"
    notes = [f"{len(held)} held for an editor: {why.why}; {cure}"] if why.code and len(held) > len(doubts) else []
    notes += [
        f"held for an editor: {whole_characters(new.sighting.title, 60)!r} {_doubt(new).removeprefix('it ')}; {cure}"
        for new in doubts[:3]
    ]
    return [*notes, *withdrawal.notes]


def _has_content(sighting: Sighting) -> bool:
    return bool(sighting.title or sighting.link or sighting.html or sighting.summary)


def _why_held(
    conn: Connection, source: Source, state: State, decision: SnapshotDecision, now: datetime
) -> str | None:
    """Return why a snapshot's new entries must wait for an editor, or None; a mute is another reason."""
    if state.hold_next and decision.new:
        return "the database was restored, and these may have been sent before that"
    if state.first_ok_at is None:
        return None
    return surge(decision.new, sources.usual(conn, source.name, now), state.ok_at, now)


def _judged(
    conn: Connection,
    source: Source,
    state: State,
    decision: SnapshotDecision,
    classifier: CarefulClassifier,
    now: datetime,
) -> tuple[list[tuple[New, str]], Sign, dict[int, int]]:
    """Return the new entries, each with the state it is stored in, why some wait for an editor, and the originals.

    These are the ids of the entries that duplicates tell again, by `id()` of a sighting.
    """
    due = replace(decision, new=tuple(new for new in decision.new if not new.sighting.not_before))
    why = _why_held(conn, source, state, due, now)
    ready = {id(new): entry_state for new, entry_state in _states(source, state, due, why, now)}
    states = [(new, ready.get(id(new), "withheld")) for new in decision.new]
    reason = Sign("surge", why) if why else Sign()
    if mute := muted.mute_of(conn, source.name):
        states = [(new, "held" if each == "ready" else each) for new, each in states]
        reason = Sign(MUTED, f"{mute.why}; {why}" if why else mute.why)
    going_out = [new.sighting for new, each in states if each == "ready"]
    facets = {id(sighting): classifier.classify(sighting, source) for sighting in going_out}
    told = originals(conn, source, going_out, facets, now)
    return [(new, "duplicate" if id(new.sighting) in told else each) for new, each in states], reason, told


def _states(
    source: Source, state: State, decision: SnapshotDecision, why_held: str | None, now: datetime
) -> list[tuple[New, str]]:
    """Return the new entries in the source's order, each with the state it is stored in."""
    if state.first_ok_at is None and why_held is None:
        owed = {id(sighting) for sighting in owed_of(source, [new.sighting for new in decision.new], now)}
        return [(new, "ready" if id(new.sighting) in owed else "baseline") for new in decision.new]
    return [(new, _state(new, state, decision, why_held)) for new in decision.new]


def _state(new: New, state: State, decision: SnapshotDecision, why_held: str | None) -> str:
    """Return the state in which a new entry of a source that was read before is stored."""
    if why_held and state.hold_next:
        return "held"  # because after a restore even news may have been sent
    # A source that shows too much lets in old entries at the end of its window, when newer ones are deleted.
    shown = [again.sighting.published for again in decision.recognised if again.sighting.published]
    if state.cut and shown and new.sighting.published and new.sighting.published < min(shown):
        return "baseline"
    return "held" if new.doubt or (why_held and not is_news(new, state.ok_at)) else "ready"


def _add(
    conn: Connection,
    source: Source,
    states: Sequence[tuple[New, str]],
    classifier: CarefulClassifier,
    why_held: Sign,
    now: datetime,
) -> dict[int, int]:
    """Store new entries, last first because sources list the newest first; return their ids by sighting's `id()`."""
    backwards = list(reversed(states))
    arrivals = []
    for new, state in backwards:
        sign = _sign(new, state, why_held, now)
        waits = state == "baseline" and can_wait(new.sighting)
        facets = UNCLASSIFIED if waits else classifier.classify(new.sighting, source)
        failpoint("gather: one classified")
        kind = facets.kind or kind_of(new.sighting, source)
        arrivals.append(entries.NewEntry(source.name, new, kind, facets, state, sign.code, sign.why))
    numbers = entries.add(conn, arrivals, now)
    for number, (new, _) in zip(numbers, backwards, strict=True):
        if new.sighting.ingredients:
            ingredients.replace_source(conn, number, new.sighting.ingredients, now)
    failpoint("gather: entries stored")
    return {id(new.sighting): number for (new, _), number in zip(backwards, numbers, strict=True)}


def _refresh(
    conn: Connection, source: Source, again: Sequence[Recognised], classifier: CarefulClassifier, now: datetime
) -> dict[int, int]:
    """Store what is new of the known entries that a reading shows; return their ids by sighting's `id()`."""
    changed = [recognised for recognised in again if recognised.changed]
    texts = entry_texts.texts_of(conn, (recognised.entry for recognised in changed))
    # By the whole text where it was read, because an edit in the feed does not take it away.
    whole = {each.entry: with_whole_text(each.sighting, texts.get(each.entry, "")) for each in changed}
    for recognised in again:
        facets = classifier.classify(whole[recognised.entry], source) if recognised.changed else None
        entries.refresh(conn, recognised, facets)
        if recognised.changed:
            ingredients.replace_source(conn, recognised.entry, recognised.sighting.ingredients, now)
    return {id(recognised.sighting): recognised.entry for recognised in again}


def _recognised(
    conn: Connection, source: Source, state: State, decision: SnapshotDecision, memory: StoredKeys, why: Sign
) -> tuple[Sequence[Recognised], list[int]]:
    """Return the known entries that a reading shows, and the ids of those that were held for another source's mute.

    These become entries of this source and are released, where its own new entries would be.
    """
    is_heard = not why.code and state.first_ok_at is not None
    adopted = adopt_copies(conn, source, decision.recognised, memory) if is_heard else []
    if not adopted:
        return decision.recognised, []
    return [replace(each, changed=True) if each.entry in adopted else each for each in decision.recognised], adopted


def _sign(new: New, state: str, why_held: Sign, now: datetime) -> Sign:
    """Return why a new entry is kept back; an empty sign for one that is not."""
    if state == "withheld":
        return sign_of(new.sighting, now)
    if state != "held":
        return Sign()
    if new.doubt and why_held.code == MUTED:
        return Sign(MUTED, f"{why_held.why}; {_doubt(new)}")
    return Sign("doubt", _doubt(new)) if new.doubt else why_held


def _doubt(new: New) -> str:
    other = "date or address" if plain_words(new.doubt) == plain_words(new.sighting.title) else "title"
    return f"it may be {whole_characters(new.doubt, 60)!r} under another {other}"
