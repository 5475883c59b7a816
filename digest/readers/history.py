"""Tell a reader what they had: their letters, newest first, each with its entries as it showed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Correction, Digest, Entry, Reason
from digest.readers.decisions import EditionName, LetterState, named_edition
from digest.readers.record import blocked_now
from digest.store import corrections, deliveries, editions, letter_entries
from digest.store import history as past
from subscribers.model import Subscriber

# States of a letter as its reader understands them.
SENT = "sent"
UNSURE = "unsure"  # handed over, and nobody can tell whether it arrived
WAITING = "waiting"  # to be handed over
PAUSED = "paused"  # waits, or its entries wait for a later letter, because the reader pauses
LATER = "later"  # the next letter makes it good, because the reader came too late for this one
BOUNCED = "bounced"  # the other side sent it back
NOT_TAKEN = "not-taken"  # the other side did not take it
NOTHING = "nothing"  # no letter, because nothing matched
TAKEN_BACK = "taken-back"  # not sent in the end
NOT_SENT = "not-sent"  # not sent, because the reader could not be mailed then
_STATES = {
    "accepted": SENT, "had": SENT, "uncertain": UNSURE, "claimed": WAITING, "pending": WAITING, "refused": NOT_TAKEN,
    "empty": NOTHING, "cancelled": TAKEN_BACK, "suppressed": NOT_SENT, "held": LATER,
}  # fmt: skip
_NOT_NOW = "not on the allow-list"  # of a letter that is not sent for the sake of the installation, not of the reader


@dataclass(frozen=True, slots=True)
class HadEntry:
    """Hold an entry of a letter as the letter showed it, and why it stood there.

    `section` is "areas", "elsewhere", or "had" where only the entry is known any more; `heading` is the slug of the
    policy area that it stood under, or "". `corrections` are those given since that hold, a withdrawal first.
    """

    entry: Entry
    reason: Reason
    section: str
    heading: str = ""
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class HadLetter:
    """Hold one letter of a reader: its edition, its state as they understand it, and its entries in reading order.

    `more` counts the entries that it had no room for. `again`: its entries are carried over. `condensed`: only its
    entries are known any more. A letter without entries was not written.
    """

    edition: EditionName
    state: str
    letter: LetterState
    entries: tuple[HadEntry, ...] = ()
    more: int = 0
    again: bool = False
    condensed: bool = False


@dataclass(frozen=True, slots=True)
class HadPage:
    """Hold some letters of a reader, newest first; `older` is the `before` of the next page, or None at the end."""

    letters: tuple[HadLetter, ...]
    older: int | None = None


def reader_state(letter: LetterState) -> str:
    """Return the state of a letter as its reader understands it."""
    if letter.state == "pending" and letter.blocked:
        return PAUSED if letter.blocked == "paused" else NOT_SENT
    if letter.state == "accepted" and letter.fate == "bounced":
        return BOUNCED
    if letter.state == "held" and letter.reason in ("paused", _NOT_NOW):
        return PAUSED if letter.reason == "paused" else NOT_SENT
    return _STATES[letter.state]


def history_of(
    conn: Connection, installation: Installation, person: Subscriber, *, before: int | None = None, limit: int = 10
) -> HadPage:
    """Return a page of a reader's letters, newest first: `limit` of those that are older than edition `before`.

    It asks as many queries for many letters as for one. A `before` that is none of their editions starts anew.
    """
    rows = deliveries.of_subscriber(conn, person.id)
    names = {
        number: named_edition(each) for number, each in editions.by_number(conn, [r.edition for r in rows]).items()
    }
    rows.sort(key=lambda row: (names[row.edition].slot, row.edition, row.id), reverse=True)
    starts = [place + 1 for place, row in enumerate(rows) if row.edition == before]
    start = starts[-1] if starts else 0
    page = rows[start : start + limit]
    older = page[-1].edition if len(rows) > start + limit else None
    digests = deliveries.digests(conn, [row.digest for row in page if row.digest], left_out=False)
    shown = letter_entries.entries_of_digests(conn, digests)
    fates = past.fates_of(conn, [row.id for row in page if row.id])
    blocked = blocked_now(conn, installation, person)
    given = _corrections(conn, shown)
    letters = [
        _letter(
            names[row.edition],
            LetterState(row.state, row.reason, fates.get(row.id, ""), blocked=blocked),
            digests.get(row.digest or 0),
            shown.get(row.digest or 0, {}),
            given,
        )
        for row in page
    ]
    return HadPage(tuple(letters), older)


def _corrections(conn: Connection, shown: Mapping[int, Mapping[int, Entry]]) -> dict[int, tuple[Correction, ...]]:
    """Return the corrections in force of the entries of some digests, by entry."""
    given: dict[int, tuple[Correction, ...]] = {}
    for correction in corrections.in_force(conn, {entry for entries in shown.values() for entry in entries}):
        given[correction.entry] = (*given.get(correction.entry, ()), correction)
    return given


def _letter(
    edition: EditionName,
    letter: LetterState,
    digest: Digest | None,
    shown: Mapping[int, Entry],
    given: Mapping[int, tuple[Correction, ...]],
) -> HadLetter:
    condensed, state = letter.state == "had", reader_state(letter)
    if digest is None:
        return HadLetter(edition, state, letter, condensed=condensed)
    entries = tuple(
        HadEntry(shown[placed.entry], placed.reason, section.key, group.slug, given.get(placed.entry, ()))
        for section in digest.sections
        for group in section.groups
        for placed in group.placed
    )
    return HadLetter(edition, state, letter, entries, digest.more, digest.again, condensed)
