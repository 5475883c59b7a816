"""Draft an edition: choose the entries of a slot's edition, and store them until they are frozen.

`draft` and `ready` store a draft, `redraft` stores it again after an editor's change; `going_out` and `as_it_stands`
return an edition as a run would draft it, and store nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest import group
from digest.config.settings import Settings
from digest.editions.due import blank_edition, coming_slot, first_slot, passed_editions
from digest.editions.earlier import earlier_of
from digest.editions.ingredients import ingredients_of
from digest.model import Edition, Entry, EntryEdit
from digest.schedule import Cadence, Slot
from digest.store import carry_over, duplicates, editions, entries, entry_edits, releases
from digest.store.editions import Shown
from subscribers.model import Subscriber

# Entries that an edition holds only to carry them over; few, because all of an edition's entries are compiled.
MOST_CARRIED = 100


def draft(conn: Connection, settings: Settings, cadence: Cadence, now: datetime, *, first: bool = False) -> Edition:
    """Draft the edition of the slot now owed, or else of the next one, and return it.

    With `first`, it is the first edition of a cadence, of the slot that fell due last: the next run owes it then,
    also when the installation did not exist at its hour. Raises WrongUse when the cadence has had an edition,
    and when nobody follows it.
    An approved edition is left as it is (hold it first to draft it again); so is a frozen one.
    """
    editions.serialise(conn)
    slot = (first_slot if first else coming_slot)(conn, cadence, now, settings.site.zone)
    stored = editions.find(conn, cadence.name, slot.key)
    if stored and (stored.state == "frozen" or (stored.state == "approved" and not stored.held)):
        return stored
    return _store_draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)


def redraft(conn: Connection, settings: Settings, changed: Sequence[Entry], now: datetime) -> list[Edition]:
    """Draft again each edition, not yet frozen, that an entry which has changed is, or may be, in; return them.

    It carries or names the entry, or considers a release of it, as where it was dropped and is let go. `changed` are
    these entries as they stood before, because one set apart does not tell of which it was a duplicate.
    """
    editions.serialise(conn)
    numbers = {entry.id for entry in changed}
    came_by = releases.numbers_of(conn, numbers)
    return [
        restate(conn, settings, edition, now)
        for edition in editions.unfrozen(conn)
        if any(edition.from_release < number <= edition.to_release for number in came_by)
        or any(
            row.entry.id in numbers or any(_names(row.entry, entry) for entry in changed)
            for row in editions.shown(conn, edition.id)
        )
    ]


def ready(conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, now: datetime) -> Edition:
    """Return the edition of a due slot, ready to freeze: drafted up to the present where `drafted_anew` allows it."""
    editions.serialise(conn)
    stored = editions.find(conn, cadence.name, slot.key)
    if stored is None or drafted_anew(stored, approval_required=cadence.approval_required):
        return _store_draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)
    return stored


def going_out(
    conn: Connection, settings: Settings, cadence_name: str, person: Subscriber | None, now: datetime
) -> tuple[Edition, list[Shown]]:
    """Return the edition that a cadence's readers are offered next, and its entries; changes nothing.

    It is `next_edition`, as `as_it_stands` returns it. Raises ConfigError when config.toml has no such cadence.
    """
    return as_it_stands(conn, settings, next_edition(conn, settings, cadence_name, now), person, now)


def next_edition(conn: Connection, settings: Settings, cadence_name: str, now: datetime) -> Edition:
    """Return the edition that a cadence's readers are offered next, as it is stored.

    This is the first earlier edition that still waits to go out, else that of the coming slot; its id is 0 when none
    is stored. Raises ConfigError when config.toml has no such cadence.
    """
    cadence, zone = settings.cadence(cadence_name), settings.site.zone
    if earlier := passed_editions(conn, cadence, now, zone):
        return earlier[0]
    slot = coming_slot(conn, cadence, now, zone)
    return editions.find(conn, cadence_name, slot.key) or blank_edition(cadence_name, slot.key)


def as_it_stands(
    conn: Connection, settings: Settings, edition: Edition, person: Subscriber | None, now: datetime
) -> tuple[Edition, list[Shown]]:
    """Return an edition and its entries as a run would freeze them now; changes nothing.

    An edition that a run drafts again is returned as it would be drafted now. `person` counts as one of its readers,
    also when they follow another cadence; so do its own readers who have no mark yet.
    """
    anew = drafted_anew(edition, approval_required=settings.cadence(edition.cadence).approval_required)
    # Choose the entries of an edition without an id in any case, because none of them are stored.
    if edition.id and (not anew or passed_over(conn, settings, edition, now)):
        return edition, editions.shown(conn, edition.id)
    high = releases.latest(conn)
    low = releases.lowest_mark(conn, edition.cadence, now, default=high)
    low = min(low, releases.lowest_mark_to_give(conn, edition.cadence, settings.welcome, now, default=high))
    if person and person.id:
        low = min(low, releases.mark_of(conn, person.id, person.here_since, settings.welcome, default=high))
    shown = entries_in_window(conn, settings, edition, (low, high), now)
    hashed = editions.content_hash(edition, shown)
    return replace(edition, from_release=low, to_release=high, content_hash=hashed), shown


def passed_over(conn: Connection, settings: Settings, edition: Edition, now: datetime) -> str:
    """Return the slot key whose edition carries the entries of a draft not approved in time; else ""."""
    if edition.state != "draft" or edition.held:
        return ""
    newer = coming_slot(conn, settings.cadence(edition.cadence), now, settings.site.zone).key
    return newer if edition.slot < newer else ""


def drafted_anew(edition: Edition, *, approval_required: bool) -> bool:
    """Return whether a run drafts a stored edition again when its hour comes.

    It does not when an editor may have looked at the draft, because they approve exactly the entries they saw.
    """
    return edition.state == "draft" and not edition.held and not approval_required


def entries_between(conn: Connection, low: int, high: int) -> list[Shown]:
    """Return the ready entries of the releases with low < number ≤ high, in the order and form of an edition."""
    came_by = _released(conn, low, high)
    stored = entries.many(conn, came_by)
    return _as_shown(conn, came_by, [stored[number] for number in came_by if _is_ready(stored, number)])


def _names(shown: Entry, entry: Entry) -> bool:
    """Return whether an entry, as an edition shows it, names another: after "Earlier" or "Also at".

    An earlier one by its address or its title, because a gather may have changed either since.
    """
    if shown.earlier and (shown.earlier.url == entry.url or shown.earlier.name == entry.title):
        return True
    return shown.id == entry.duplicate_of and any(link.name == entry.source for link in shown.also_at)


def restate(conn: Connection, settings: Settings, edition: Edition, now: datetime) -> Edition:
    """Draft an edition again after its words, its order or an entry of it has changed; return it.

    It considers the same releases as before.
    """
    return _store_draft(conn, settings, edition.cadence, edition.slot, edition.to_release, now)


def with_latest(conn: Connection, settings: Settings, edition: Edition, now: datetime) -> Edition:
    """Draft an edition that is not frozen again with all that was released since; return it."""
    return _store_draft(conn, settings, edition.cadence, edition.slot, releases.latest(conn), now)


def with_edit(entry: Entry, edit: EntryEdit | None) -> Entry:
    """Return an entry as editors have it shown."""
    if edit is None:
        return entry
    return replace(entry, title=edit.title or entry.title, summary=edit.summary or entry.summary, edit=edit)


def entries_in_window(
    conn: Connection, settings: Settings, edition: Edition, window: tuple[int, int], now: datetime
) -> list[Shown]:
    """Return the entries of an edition as drafted now: those of a window of releases, then others to carry over.

    The others are the newest ready entries that earlier editions had no room for. They come in by no release, so that
    nobody is owed them. An entry of the window may be one to carry over too, because the window begins where the
    reader who was longest away has stopped reading.
    """
    slots = carry_over.left_over(conn, edition.cadence, now) if settings.carry_over else {}
    came_by = _released(conn, *window)
    # All at once, because an editor waits for each query.
    stored = entries.many(conn, {*came_by, *slots})
    stored.update({n: replace(stored[n], carried_from=slot) for n, slot in slots.items() if n in stored})
    new = [stored[number] for number in came_by if _is_ready(stored, number)]
    others = [stored[number] for number in slots if number not in came_by and _is_ready(stored, number)]
    shown = _as_shown(conn, came_by, new, others[:MOST_CARRIED])
    edits = entry_edits.edits_of(conn, [row.entry.id for row in shown])
    edited = [replace(row, entry=with_edit(row.entry, edits.get(row.entry.id))) for row in shown]
    return _in_order(edition, [row for row in edited if not _is_over(row.entry, edition.slot)])


def _released(conn: Connection, low: int, high: int) -> dict[int, int]:
    """Return {entry: its newest release} of the releases with low < number ≤ high."""
    return {release.entry: release.number for release in releases.after(conn, low, high)}


def _is_ready(stored: Mapping[int, Entry], number: int) -> bool:
    return number in stored and stored[number].state == "ready"


def _is_over(entry: Entry, day: str) -> bool:
    """Return whether an entry is not offered on a local date any more, because editors have given it a last day."""
    return entry.edit is not None and "" < entry.edit.last_day < day


def _in_order(edition: Edition, shown: list[Shown]) -> list[Shown]:
    """Return entries in the order that editors gave them; those that came later stand behind, in their own order."""
    places = {number: place for place, number in enumerate(edition.arranged)}
    return sorted(shown, key=lambda row: places.get(row.entry.id, len(places))) if places else shown


def _as_shown(
    conn: Connection, came_by: Mapping[int, int], new: Sequence[Entry], others: Sequence[Entry] = ()
) -> list[Shown]:
    """Return entries in the order and form of an edition: the new ones, then others that it carries over.

    `came_by` has the release by which each new one came in.
    """
    both = [*new, *others]
    told, also = ingredients_of(conn, both), duplicates.other_sources(conn, [entry.id for entry in both])
    # Each for itself, because "Earlier" may name an entry that is carried over.
    earlier = earlier_of(conn, new) | earlier_of(conn, others)
    return [
        Shown(
            replace(
                entry,
                ingredients=told.get(entry.id, ()),
                also_at=also.get(entry.id, ()),
                earlier=earlier.get(entry.id),
            ),
            came_by.get(entry.id, 0),
        )
        for entry in (*group.order(new), *group.order(others))
    ]


def _store_draft(conn: Connection, settings: Settings, cadence: str, day: str, high: int, now: datetime) -> Edition:
    """Store the draft of a slot with the entries up to release `high` that some reader has not been offered."""
    releases.settle_marks(conn, settings.welcome)
    low = releases.lowest_mark(conn, cadence, now, default=high)
    edition = editions.find(conn, cadence, day) or blank_edition(cadence, day)
    shown = entries_in_window(conn, settings, edition, (low, high), now)
    return editions.draft(conn, cadence, day, (low, high), shown, now)
