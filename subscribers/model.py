"""Define a subscriber and their interests as frozen values. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Interests:
    """The policy areas, regions and themes that a subscriber follows, as slugs; an empty facet means all of it.

    `elsewhere` false: their letters have no *From elsewhere* section. `carry_over` false: no entry of an earlier
    edition is offered to them again.
    """

    policy_areas: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    elsewhere: bool = True
    carry_over: bool = True


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An address with a consent history.

    `state` is "pending" (has not confirmed), "active" or "left". No letter goes out before `paused_until` (aware
    UTC). `email` is as the person wrote it, with its domain in ASCII (IDNA). `key` is a random value to which
    the person's links are bound, because an id alone may name another person after a restore. `silence_notices`
    false: they are not told why they have heard nothing for long. `zone` is the time zone of their mornings,
    "Europe/London", or "" for that of the site.
    """

    id: int
    email: str = field(repr=False)  # because a log must not show an address
    name: str = field(default="", repr=False)
    cadence: str = "weekly"
    interests: Interests = field(default_factory=Interests)
    language: str = "en"
    state: str = "active"
    paused_until: datetime | None = None
    joined_at: datetime | None = None
    key: str = field(default="", repr=False, compare=False)
    created_at: datetime | None = field(default=None, compare=False)
    silence_notices: bool = True
    zone: str = ""

    @property
    def here_since(self) -> datetime | None:
        """Since when this installation may write to them: an imported consent may be years older than the record."""
        return max(self.joined_at, self.created_at or self.joined_at) if self.joined_at else None


class Reader(NamedTuple):
    """Hold what decides whether and with what a subscriber is mailed, for reading very many of them.

    The fields are those of `Subscriber`; `email_key` is the normalised address, by which suppressions are known.
    """

    id: int
    email: str
    email_key: str
    cadence: str
    state: str
    interests: Interests
    paused_until: datetime | None
    here_since: datetime | None


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A subscriber to store: the address as a person wrote it, and what they chose.

    `state` is "active", or "pending" for a person who still has to confirm. An empty `name` takes the display name
    of the address, if there is one.
    """

    email: str = field(repr=False)
    cadence: str
    name: str = field(default="", repr=False)
    interests: Interests = field(default_factory=Interests)
    language: str = "en"
    state: str = "active"
