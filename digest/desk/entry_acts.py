"""Record what an act changes of an entry, as values that the log shows and that an undo sets back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection

from digest.desk.acts import Hand, check_fresh, record
from digest.installation import Installation
from digest.model import EntryEdit, Evidence, Facets, Ingredient
from digest.store import corrections, duplicates, entries, entry_edits, ingredients, standings

_EDIT = tuple(asdict(EntryEdit()))
_FACETS = ("policy_areas", "regions", "themes", "place", "evidence", "retagged", "kind")
_REASONS = ("held_by", "held_why", "overruled")


@dataclass(slots=True)
class Recorded:
    """Hold the numbers of the acts that were recorded, and the entry of each."""

    numbers: dict[int, int] = field(default_factory=dict)


def entry_name(number: int) -> str:
    """Return the name of an entry in the log."""
    return f"entry {number}"


@contextmanager
def entry_act(
    conn: Connection, installation: Installation, hand: Hand, verb: str, numbers: Sequence[int]
) -> Iterator[Recorded]:
    """Record an act on entries that the caller does inside; one that changes nothing of an entry is not recorded.

    Call it after `editions.serialise`. Raises StaleForm when an entry has changed since the person looked.
    """
    for number in numbers:
        check_fresh(conn, entry_name(number), hand)
    before = {number: entry_values(conn, number) for number in numbers}
    recorded = Recorded()
    yield recorded
    for number in numbers:
        after = entry_values(conn, number)
        if after != before[number]:
            values = before[number], after
            act = record(conn, installation, hand, verb, entry_name(number), values)
            recorded.numbers[number] = act


def entry_values(conn: Connection, number: int) -> dict[str, Any]:
    """Return all that editors decide of an entry, as JSON; {} for an entry that does not exist."""
    entry = entries.get(conn, number)
    if entry is None:
        return {}
    facets = entry.facets
    named_at = duplicates.named_at(conn, entry)
    withdrawals = corrections.texts_in_force(conn, number, withdrawn=True)
    edit = asdict(entry_edits.edits_of(conn, [number]).get(number, EntryEdit()))
    return {
        "state": entry.state,
        **standings.reasons_of(conn, number),
        "duplicate_of": entry.duplicate_of,
        "also_at": list(named_at) if named_at else None,
        "withdrawal": withdrawals[-1] if withdrawals else "",
        "kind": entry.kind,
        "policy_areas": list(facets.policy_areas),
        "regions": list(facets.regions),
        "themes": list(facets.themes),
        "place": facets.place,
        "evidence": [asdict(evidence) for evidence in facets.evidence],
        "retagged": number in entries.retagged(conn, [number]),
        **edit,
        "not_for": list(edit["not_for"]),
        "ingredients": [
            [state, line.name, line.text, list(line.barriers), line.by]
            for state, line in ingredients.of_editors(conn, number)
        ],
    }


def set_values(conn: Connection, installation: Installation, number: int, values: Mapping[str, Any]) -> None:
    """Set some of the values of an entry, as `entry_values` gave them.

    All but its state, of what it is a near-duplicate, and its withdrawal, because other objects hang on these.
    """
    stored, now = entry_values(conn, number) | dict(values), installation.clock()
    if any(key in values for key in _FACETS):
        evidence = tuple(Evidence(**each) for each in stored["evidence"])
        facets = Facets(
            tuple(stored["policy_areas"]),
            tuple(stored["regions"]),
            tuple(stored["themes"]),
            evidence,
            stored["place"],
        )
        entries.set_facets(conn, number, facets, stored["kind"], retagged=stored["retagged"])
    if any(key in values for key in _EDIT):
        edit = {key: stored[key] for key in _EDIT} | {"not_for": tuple(stored["not_for"])}
        entry_edits.store_edit(conn, number, EntryEdit(**edit), now)
    if any(key in values for key in _REASONS):
        standings.set_reasons(conn, number, {key: stored[key] for key in _REASONS})
    if "ingredients" in values:
        lines = [
            (state, Ingredient(name, text, tuple(barriers), by))
            for state, name, text, barriers, by in stored["ingredients"]
        ]
        ingredients.replace_editors(conn, number, lines, now)
