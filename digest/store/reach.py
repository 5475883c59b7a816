"""Count from the stored digests of a frozen edition how many readers had each entry, near and from elsewhere.

All plans of its digests are read for it, tens of thousands in a large edition, which takes about a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, Text, cast, func, select, union_all

from digest.store.schema import delivery, digest, had

_NEAR, _ELSEWHERE = "areas", "elsewhere"  # keys of a plan's sections
_PAGE = 2_000  # plans read at once


class EntryReached(NamedTuple):
    """Count the readers whose letters with an entry were accepted: in their areas (`near`), and from elsewhere.

    `unplaced` are those of condensed letters, because it is not kept in which section an entry stood there.
    """

    near: int = 0
    elsewhere: int = 0
    unplaced: int = 0

    @property
    def readers(self) -> int:
        """Return how many readers had the entry."""
        return self.near + self.elsewhere + self.unplaced


def reached_by(conn: Connection, number: int) -> dict[int, EntryReached]:
    """Return how many readers had each entry of a frozen edition, by one query; an entry without any is left out."""
    accepted = select(delivery.c.digest_id, func.count().label("readers")).where(
        delivery.c.edition_id == number, delivery.c.state == "accepted", delivery.c.digest_id.is_not(None)
    )
    condensed = select(had.c.digest_id, func.count().label("readers")).join(digest, digest.c.id == had.c.digest_id)
    letters = union_all(
        accepted.group_by(delivery.c.digest_id),
        condensed.where(digest.c.edition_id == number).group_by(had.c.digest_id),
    ).subquery()
    query = select(letters.c.readers, cast(digest.c.plan, Text)).join(digest, digest.c.id == letters.c.digest_id)
    counts: dict[str, Counter[int]] = {key: Counter() for key in (_NEAR, _ELSEWHERE, "")}
    for readers, plan in conn.execute(query, execution_options={"yield_per": _PAGE}):
        _count(from_json(plan), readers, counts)
    entries = sorted({entry for counter in counts.values() for entry in counter})
    return {entry: EntryReached(*(counts[key][entry] for key in (_NEAR, _ELSEWHERE, ""))) for entry in entries}


def _count(plan: Mapping[str, Any], readers: int, counts: Mapping[str, Counter[int]]) -> None:
    """Count the readers of one plan for each entry that it places."""
    for section in plan["sections"]:
        counter = counts.get(section["key"], counts[""])
        for group in section["groups"]:
            for row in group["placed"]:
                counter[row[0]] += readers
