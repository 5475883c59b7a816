"""A subscriber and what they follow, as frozen values. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Interests:
    """What a subscriber follows. An empty facet means all. `elsewhere` false: no *From elsewhere* section."""

    policy_areas: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    elsewhere: bool = True


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An address with a consent history.

    `state` is "pending" (has not confirmed), "active" or "left"; `paused_until` (aware UTC) holds letters
    back until then; `email` is as the person wrote it with an ASCII (IDNA) domain.
    """

    id: int
    email: str = field(repr=False)  # never in a log
    name: str = field(default="", repr=False)
    cadence: str = "weekly"
    interests: Interests = field(default_factory=Interests)
    language: str = "en"
    state: str = "active"
    paused_until: datetime | None = None
    joined_at: datetime | None = None
