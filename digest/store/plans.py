"""Turn the plans that are stored of digests into digests, and back. Pure.

A plan is JSON, as `digest.group.Matcher.plan` makes it: each section with its groups and, of each entry placed there,
the id and the reason; the number of entries over the cap; and why the edition's other entries are left out. That is a
rule, because a list of them would be the longest part: `left_out` has the exceptions, and every other entry is
outside what the readers follow. The plan of a digest of carried-over entries has the key "again".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from digest.group import NOT_CONSIDERED, OUTSIDE
from digest.model import Digest, Group, Placed, Reason, Section


def plan_of(contents: Digest) -> dict[str, Any]:
    """Return the plan of a digest out of which nothing is left."""
    return {
        "sections": [
            {
                "key": section.key,
                "groups": [
                    {
                        "slug": group.slug,
                        "placed": [[p.entry, *p.reason[: 4 if p.reason.area else 3]] for p in group.placed],
                    }
                    for group in section.groups
                ],
            }
            for section in contents.sections
        ],
        "more": contents.more,
        "left_out": [],
    }


def placed_in(plan: Mapping[str, Any]) -> list[int]:
    """Return the ids of the entries that a plan places."""
    return [row[0] for section in plan["sections"] for group in section["groups"] for row in group["placed"]]


def digest_of(plan: Mapping[str, Any]) -> Digest:
    """Return the digest of a plan without its `left_out`, which a letter does not need."""
    # In lists, because a generator for each group takes longer than what it makes.
    sections = [
        Section(
            section["key"],
            tuple(
                [
                    Group(group["slug"], tuple([_placed(*row) for row in group["placed"]]))
                    for group in section["groups"]
                ]
            ),
        )
        for section in plan["sections"]
    ]
    return Digest(tuple(sections), plan["more"], again="again" in plan)


def whole_digest(plan: Mapping[str, Any], entries: Sequence[int]) -> Digest:
    """Return the digest of a plan; `entries` are those of its edition, in the edition's order."""
    left_out = plan["left_out"]
    if isinstance(left_out, list):  # as earlier versions stored it: a pair for each entry
        return replace(digest_of(plan), left_out=tuple((entry, why) for entry, why in left_out))
    codes = {entry: code for code, numbers in left_out.items() for entry in numbers}
    passed_over = {*placed_in(plan), *left_out.get(NOT_CONSIDERED, ())}
    pairs = tuple((entry, codes.get(entry, OUTSIDE)) for entry in entries if entry not in passed_over)
    return replace(digest_of(plan), left_out=pairs)


# Remembered, because few entries with few reasons make up all digests of an edition.
@lru_cache(maxsize=8192)
def _placed(entry: int, *reason: str) -> Placed:
    return Placed(entry, Reason(*reason))
