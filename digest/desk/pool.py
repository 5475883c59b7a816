"""Read what editors work on: the entries of an edition as it is stored, those that wait, and what came since.

An edition's entries are those of its stored draft, because a list must not move under an editor's hands: what was
released since is counted, and taken in when they ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.desk.acts import Hand, record
from digest.desk.arrange import edition_name, open_edition
from digest.desk.entry_acts import entry_name
from digest.editions import draft
from digest.editions.classified import with_facets
from digest.editions.draft import next_edition, with_edit
from digest.editions.ingredients import ingredients_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import CASE_STUDY, UNKNOWN, Edition, Entry, EntryEdit, Ingredient
from digest.store import acts, desk_counts, editions, entries, entry_edits
from digest.store.acts import Act
from digest.store.engine import writing

MOST_HELD = 60  # held entries that a page lists


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One entry on the desk: as readers see it (`shown`), and as its source has it (`stored`).

    `place` counts from 1 in the edition; 0: it is not in it. `doubts` are codes of what an editor should look at in
    an entry of the edition: "no-area", "no-place", "question".
    """

    shown: Entry
    stored: Entry
    place: int = 0
    pinned: bool = False
    doubts: tuple[str, ...] = ()

    @property
    def edit(self) -> EntryEdit:
        """Return how editors have it shown."""
        return self.shown.edit or EntryEdit()


@dataclass(frozen=True, slots=True)
class Pool:
    """The entries of an edition in order, and the `held` ones, the newest first, of which there are `held_count`.

    `dropped` are those that would be in it but for an editor. `came` is how many entries were released since the
    edition was drafted.
    """

    edition: Edition
    entries: tuple[PoolEntry, ...]
    held: tuple[PoolEntry, ...]
    held_count: int
    dropped: tuple[PoolEntry, ...]
    came: int


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """All that an editor sees of one entry; `version` is the newest act on it, `ingredients` its lines that count."""

    entry: PoolEntry
    version: int
    ingredients: tuple[Ingredient, ...]
    acts: tuple[Act, ...]


def edition_to_work_on(conn: Connection, installation: Installation, cadence: str) -> Edition:
    """Return the edition of a cadence that goes out next; its id is 0 when none is drafted."""
    return next_edition(conn, installation.settings, cadence, installation.clock())


def read_pool(conn: Connection, edition: Edition) -> Pool:
    """Return what editors work on of an edition that is stored, by a fixed number of queries."""
    rows = [row.entry for row in editions.shown(conn, edition.id)]
    held = list(entries.listing(conn, state="held", limit=MOST_HELD))
    gone = entries.dropped_between(conn, edition.from_release, edition.to_release, limit=MOST_HELD)
    held_count = len(held) if len(held) < MOST_HELD else entries.count(conn, "held")
    stored = entries.many(conn, [entry.id for entry in rows])
    edits = entry_edits.edits_of(conn, [entry.id for entry in (*rows, *held, *gone)])
    pinned = {*edition.arranged[: edition.pinned]}
    pool = []
    for place, shown in enumerate(rows, 1):
        edited = with_edit(shown, edits.get(shown.id))
        doubts = _doubts(edited)
        pool.append(PoolEntry(edited, stored.get(shown.id, shown), place, shown.id in pinned, doubts))
    waiting, dropped = (
        tuple(PoolEntry(with_edit(entry, edits.get(entry.id)), entry) for entry in some) for some in (held, gone)
    )
    came = desk_counts.count_came(conn, [edition.id]).get(edition.id, 0)
    return Pool(edition, tuple(pool), waiting, held_count, dropped, came)


def read_detail(
    conn: Connection, installation: Installation, pool: Sequence[PoolEntry], number: int
) -> EntryDetail | None:  # fmt: skip
    """Return one entry with all that an editor sees of it, whether or not it is among `pool`; None: there is none."""
    entry = next((each for each in pool if each.shown.id == number), None)
    if entry is None:
        stored = entries.get(conn, number)
        if stored is None:
            return None
        stored = with_facets(conn, installation, stored)
        edit = entry_edits.edits_of(conn, [number]).get(number)
        entry = PoolEntry(with_edit(stored, edit), stored)
    lines = ingredients_of(conn, [entry.stored]).get(number, ()) if entry.stored.kind == CASE_STUDY else ()
    log = acts.listing(conn, object_name=entry_name(number), limit=20)
    return EntryDetail(entry, log[0].number if log else 0, lines, tuple(log))


def draft_again(installation: Installation, hand: Hand, cadence: str) -> tuple[Edition, list[str]]:
    """Draft the edition of a cadence, or draft it again with all that came since; return it, and lines for a person.

    Raises WrongUse for an edition that is approved: stop it first, because the approval is of what it holds now.
    """
    settings = installation.settings
    with writing(installation.engine, "draft") as conn:
        editions.serialise(conn)
        before = edition_to_work_on(conn, installation, cadence)
        if before.id and before.state == "approved" and not before.held:
            raise WrongUse(
                f"edition {before.id} is approved as it is; stop it first (`digest hold {before.id}`) to take in more"
            )
        if before.id:
            open_edition(conn, before.id)
            after = draft.with_latest(conn, settings, before, installation.clock())
        else:
            after = draft.draft(conn, settings, settings.cadence(cadence), installation.clock())
        values = {"to_release": before.to_release}, {"to_release": after.to_release}
        if values[0] != values[1] or not before.id:
            record(conn, installation, hand, "draft", edition_name(after.id), values)
        taken = len(editions.shown(conn, after.id))
        return after, [f"edition {after.id} ({cadence} {after.slot}) has {taken} entries"]


def _doubts(entry: Entry) -> tuple[str, ...]:
    """Return the codes of what an editor should look at."""
    checks = {
        "no-area": not entry.facets.policy_areas,
        "no-place": UNKNOWN in entry.facets.regions,
        "question": bool(entry.edit and entry.edit.open_question),
    }
    return tuple(code for code, holds in checks.items() if holds)
