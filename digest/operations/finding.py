"""Define a finding of `digest doctor`: a problem with its level, its place and its cure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: where (`place`), the problem, and the cure.

    `level` is "wrong", "person" (a person must decide before it goes on) or "note".
    """

    level: str
    place: str
    problem: str
    cure: str
