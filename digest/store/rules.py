"""Store the rules that editors make of their corrections, and count the entries that each has touched."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, Text, cast, delete, insert, select

from digest.facets.rules import EditorRule, number_of
from digest.model import Evidence
from digest.store.schema import entry, rule


def every_rule(conn: Connection) -> list[EditorRule]:
    """Return all rules, the oldest first."""
    return [
        EditorRule(
            row.id, row.decided_by, row.phrase, row.source, row.address,
            tuple((facet, slug) for facet, slug in row.added), tuple((facet, slug) for facet, slug in row.removed),
            row.kind,
        )
        for row in conn.execute(select(rule).order_by(rule.c.id))
    ]  # fmt: skip


def add_rule(conn: Connection, new: EditorRule, now: datetime) -> int:
    """Store a rule; return its number, which no other rule gets later."""
    row = {
        "phrase": new.phrase, "source": new.source, "address": new.address, "added": [list(v) for v in new.added],
        "removed": [list(value) for value in new.removed], "kind": new.kind, "decided_by": new.by, "decided_at": now,
    }  # fmt: skip
    return int(conn.execute(insert(rule).values(row).returning(rule.c.id)).scalar_one())


def remove_rule(conn: Connection, number: int) -> bool:
    """Remove a rule; return whether there was one. Entries that it has touched keep their evidence."""
    return conn.execute(delete(rule).where(rule.c.id == number)).rowcount > 0


def count_touched(conn: Connection) -> Counter[int]:
    """Return how many entries the evidence of each rule stands in, by the rule's number."""
    counts: Counter[int] = Counter()
    # By its text first, because the evidence of most entries names no rule, and reading JSON takes long.
    for evidence in conn.scalars(select(entry.c.evidence).where(cast(entry.c.evidence, Text).contains('"rule"'))):
        numbers = {number_of(Evidence(**each)) for each in evidence}
        counts.update(number for number in numbers if number is not None)
    return counts
