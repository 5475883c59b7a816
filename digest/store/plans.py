"""Turn digests into the plans that are stored of them, and back. Pure.

A plan is JSON: each section with its groups and, of each entry placed there, the id and the reason; the number of
entries over the cap; and why the edition's other entries are left out. That is kept as a rule, because a list of them
would be the longest part: an entry that is neither placed nor an exception (`digest.group.Matcher.exceptions`) is
outside what the readers follow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from digest.group import left_out
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
                        "placed": [[p.entry, p.reason.code, p.reason.slug, p.reason.region] for p in group.placed],
                    }
                    for group in section.groups
                ],
            }
            for section in contents.sections
        ],
        "more": contents.more,
        "left_out": [],
    }


def plan_as_text(contents: Digest, exceptions: Mapping[str, Sequence[int]]) -> str:
    """Return the JSON of a digest's plan, with the exceptions of its match."""
    return json.dumps(plan_of(contents) | {"left_out": exceptions})


def digest_of(plan: Mapping[str, Any]) -> Digest:
    """Return the digest of a plan, without the entries left out."""
    sections = tuple(
        Section(
            section["key"],
            tuple(
                Group(
                    group["slug"],
                    tuple(Placed(entry, Reason(code, slug, region)) for entry, code, slug, region in group["placed"]),
                )
                for group in section["groups"]
            ),
        )
        for section in plan["sections"]
    )
    return Digest(sections, plan["more"])


def left_out_of(plan: Mapping[str, Any], entries: Sequence[int], contents: Digest) -> tuple[tuple[int, str], ...]:
    """Return why each considered entry of an edition, in its order, is not in the digest of a plan."""
    if isinstance(plan["left_out"], list):  # as earlier versions stored it: a pair for each entry
        return tuple((entry, why) for entry, why in plan["left_out"])
    return left_out(entries, contents, plan["left_out"])
