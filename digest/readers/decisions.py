"""Define the values that tell why a reader got an entry or did not. Words for them stand elsewhere.

`digest.desk.explained` words them for an operator, `digest.web.readers.history_words` for the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from digest.model import Edition, Entry, Reason

# Codes of `Decided`, beside those of `Digest.left_out`:
INCLUDED = "included"  # a letter carries the entry
NO_DIGEST = "no-digest"  # the edition carries the entry, and planned no letter for the reader, by the letter's state
NOT_KEPT = "not-kept"  # the edition carried the entry; why the reader did not have it is not kept any more
NOT_READY = "not-ready"  # the entry goes to nobody now, by its state
BEFORE_JOINING = "before-joining"  # it was released before the reader joined here
BEFORE_RESTORE = "before-restore"  # it counts as sent, because an operator said so of a database put back
NOT_MAILED = "not-mailed"  # the reader must not be mailed now, by the state
NO_CADENCE = "no-cadence"  # config.toml does not have the reader's cadence, which `day` names
TOO_LATE = "too-late"  # an edition to come holds the reader, whom that of `day` makes good
COMING = "coming"  # an edition to come has it; with the reason for which their letter would carry it
AWAITED = "awaited"  # no edition has it yet; that of `day` will consider it


class EditionName(NamedTuple):
    """Name an edition: its number, cadence and slot."""

    id: int
    cadence: str
    slot: str


class LetterState(NamedTuple):
    """Hold what became of a letter: the state of its delivery and the reason of that.

    `fate` is what events told later, "" for nothing, and `fate_reason` their words. `blocked` says why the reader
    must not be mailed now, or "": a letter that is still pending then is not handed over.
    """

    state: str
    reason: str = ""
    fate: str = ""
    fate_reason: str = ""
    blocked: str = ""


class MissedFacet(NamedTuple):
    """Hold a facet by which an entry is outside what a reader follows now.

    `facet` is "policy_area" or "region"; `carries` are the entry's slugs, `follows` the reader's.
    """

    facet: str
    carries: tuple[str, ...]
    follows: tuple[str, ...]


class OneChoice(NamedTuple):
    """Hold one more thing to follow: `facet` is "policy_area", "region", "theme" or "elsewhere" (the section)."""

    facet: str
    slug: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """Hold one decision about an entry for a reader; `code` is one of this module, or of `Digest.left_out`.

    `edition` is the edition that decided, or will; it is frozen unless `edition_state` says how far it is. `letter`
    is the reader's letter in it. `reason` is why the letter carries the entry, and `again` that it was carried over.
    `entry` is the entry as the edition carries it, and `missed` why it is outside what the reader follows.
    `state` is that of the entry (NOT_READY), or why the reader must not be mailed (NOT_MAILED), `why` the stored
    words about either; `cadence` and `day` are the slot of an edition to come.
    """

    code: str
    edition: EditionName | None = None
    letter: LetterState | None = None
    reason: Reason | None = None
    again: bool = False
    entry: Entry | None = None
    missed: tuple[MissedFacet, ...] = ()
    edition_state: str = ""
    state: str = ""
    why: str = ""
    cadence: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """Hold why a reader got an entry or did not: the `outcome` in a word, and each decision, newest first."""

    outcome: str
    decisions: tuple[Decided, ...]


def named_edition(edition: Edition) -> EditionName:
    """Return the name of an edition."""
    return EditionName(edition.id, edition.cadence, edition.slot)
