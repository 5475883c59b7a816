"""Preview the exact letter that a reader would get, made by the functions that send letters; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from digest.delivery.parcel import composed, sign_letter
from digest.editions.draft import as_it_stands, going_out, passed_over
from digest.editions.named import edition_of
from digest.editions.plan import Planned, Planner, in_words, reader_is
from digest.installation import Installation
from digest.model import Digest, Edition, Entry, TopLine
from digest.render import Letters
from digest.store import deliveries, editions, top_lines
from digest.store.editions import Shown
from digest.store.engine import reading
from digest.store.tallies import is_condensed
from digest.transports.base import Parcel
from subscribers import store as people
from subscribers.mailable import unmailable
from subscribers.model import Interests, Subscriber

MADE_UP = "reader@example.org"  # the address of a reader who is made up by interests


@dataclass(frozen=True, slots=True)
class Preview:
    """The letter (`parcel`) that a reader would get of an edition, or None and the `reason`.

    With a letter, `reason` says what became of its delivery or what stands in its way, or is "". `edition.id` 0: the
    edition is not drafted yet, and is shown as it would be drafted now.
    """

    edition: Edition
    digest: Digest | None
    parcel: Parcel | None
    reason: str = ""


class ChosenReader(NamedTuple):
    """Name whose letter is meant: the subscriber with an address or id `email`, else a made-up reader of `interests`.

    `cadence` is the one to look at, else the subscriber's own or the default.
    """

    email: str | None = None
    interests: Interests | None = None
    cadence: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """Hold what a reader would get of an edition before it is rendered, with what it tells of earlier entries.

    `sendable`: there is a letter to show; `reason` is as in `Preview`.
    """

    edition: Edition
    shown: tuple[Shown, ...]
    person: Subscriber
    digest: Digest | None
    told: tuple[TopLine, ...]
    reason: str
    sendable: bool

    @property
    def entries(self) -> list[Entry]:
        """Return the entries that the letter shows, in the order of the edition."""
        placed = {each.entry for each in self.digest.placed} if self.digest else set()
        return [row.entry for row in self.shown if row.entry.id in placed]

    def letters(self, installation: Installation) -> Letters:
        """Return the letters of the edition, dated as if it were frozen now unless it is frozen.

        Only the entries of this letter are compiled, because a preview is of one digest.
        """
        edition = self.edition
        dated = edition if edition.frozen_at else replace(edition, frozen_at=installation.clock())
        return Letters(installation.settings, dated, self.entries, corrects=bool(self.told))


def preview(
    installation: Installation,
    *,
    email: str | None = None,
    interests: Interests | None = None,
    cadence: str | None = None,
    number: int | None = None,
) -> Preview:
    """Return the letter of the subscriber `email`, or of a fictional reader who follows `interests`.

    It is of edition `number`, else of a frozen edition of which the subscriber's letter is still to be handed over,
    else of the next edition of `cadence` or of the subscriber's own cadence. Raises WrongUse when the subscriber or
    the edition does not exist.
    """
    return rendered(installation, plan_letter(installation, ChosenReader(email, interests, cadence), number))


def rendered(installation: Installation, planned: PlannedLetter) -> Preview:
    """Return a planned letter with the parcel that would be handed over, where there is one."""
    edition, digest = planned.edition, planned.digest
    if digest is None or not planned.sendable:
        return Preview(edition, digest, None, planned.reason)
    letters, person = planned.letters(installation), planned.person
    signed = sign_letter(letters, person, installation.keyring, 0)
    letter = composed(letters, person, digest, signed, installation.clock(), planned.told)
    return Preview(edition, digest, letter, planned.reason)


def plan_letter(installation: Installation, reader: ChosenReader, number: int | None) -> PlannedLetter:
    """Return what a reader would get of an edition, before it is rendered; arguments and errors as of `preview`."""
    settings = installation.settings
    with reading(installation.engine) as conn:
        person = _person(conn, installation, reader)
        number = _owed(conn, person, reader.cadence) if number is None else number
        if number is not None:
            edition, shown = _stored(conn, installation, person, number)
        else:
            cadence = reader.cadence or person.cadence
            edition, shown = going_out(conn, settings, cadence, person, installation.clock())
        digest, reason, sendable = _digest(conn, installation, edition, shown, person)
        told = _top_lines(conn, edition, person, digest)
    return PlannedLetter(edition, tuple(shown), person, digest, told, reason, sendable and _has_entries(digest))


def plan_next_letter(
    conn: Connection, installation: Installation, reader: ChosenReader, edition: Edition, ready: Sequence[Shown] = ()
) -> PlannedLetter:
    """Return what a reader would get of the edition that goes out next, in the caller's transaction.

    `ready`: its entries, where the caller has it as it stands for its own readers. Raises NoSubscriber.
    """
    person = _person(conn, installation, reader)
    planner, planned = _plan(conn, installation, edition, ready, person) if ready else (None, None)
    # An edition reaches back further for a person who has considered less than its readers have.
    if planner is None or planned is None or planned.late:
        edition, ready = as_it_stands(conn, installation.settings, edition, person, installation.clock())
        planner, planned = _plan(conn, installation, edition, ready, person)
    digest, reason = planner.offer.digest(planned), in_words(installation.settings, edition, planned)
    told = _top_lines(conn, edition, person, digest)
    return PlannedLetter(edition, tuple(ready), person, digest, told, reason, _has_entries(digest))


def _has_entries(digest: Digest | None) -> bool:
    return digest is not None and bool(digest.placed)


def _person(conn: Connection, installation: Installation, reader: ChosenReader) -> Subscriber:
    """Return the chosen subscriber, or a made-up reader with the id 0. Raises NoSubscriber."""
    if reader.email is None:
        settings = installation.settings
        cadence, interests = reader.cadence or settings.default_cadence, reader.interests or Interests()
        return Subscriber(0, MADE_UP, "", cadence, interests, settings.site.language)
    return people.named(conn, reader.email)


def _owed(conn: Connection, person: Subscriber, cadence: str | None) -> int | None:
    """Return the oldest frozen edition, of `cadence` if given, whose letter the next run hands over to a person."""
    for delivery in reversed(deliveries.of_subscriber(conn, person.id)):
        edition = editions.get(conn, delivery.edition) if delivery.state == "pending" else None
        if edition is not None and not edition.held and cadence in (None, edition.cadence):
            return edition.id
    return None


def _stored(
    conn: Connection, installation: Installation, person: Subscriber, number: int
) -> tuple[Edition, list[Shown]]:
    """Return edition `number` and its entries: as frozen, else as it stands for this person now. Raises WrongUse."""
    edition = edition_of(conn, number)
    if edition.state == "frozen":
        return edition, editions.shown(conn, number)
    return as_it_stands(conn, installation.settings, edition, person, installation.clock())


def _digest(
    conn: Connection, installation: Installation, edition: Edition, shown: Sequence[Shown], person: Subscriber
) -> tuple[Digest | None, str, bool]:
    """Return the person's digest of an edition, the preview's reason, and whether to show the letter.

    The digest is the one that was frozen for them, else the one that would be frozen now.
    """
    if person.id and edition.state == "frozen":
        return _frozen(conn, installation, edition, person)
    if newer := passed_over(conn, installation.settings, edition, installation.clock()):
        reason = f"this draft was passed over: the {edition.cadence} edition of {newer} carries its entries"
        return None, reason, False
    planner, planned = _plan(conn, installation, edition, shown, person)
    return planner.offer.digest(planned), in_words(installation.settings, edition, planned), True


def _plan(
    conn: Connection, installation: Installation, edition: Edition, shown: Sequence[Shown], person: Subscriber
) -> tuple[Planner, Planned]:
    """Return the plan for a person, stored or made up, and the planner that has made it."""
    planner = Planner(conn, installation.settings, edition, shown, installation.secret, installation.clock())
    return planner, planner.reader(person) if person.id else planner.anyone(replace(person, cadence=edition.cadence))


def _top_lines(conn: Connection, edition: Edition, person: Subscriber, digest: Digest | None) -> tuple[TopLine, ...]:
    """Return the lines on earlier entries that the person's letter carries, or would carry if it were frozen now."""
    if edition.state == "frozen":
        return top_lines.carried_lines(conn, edition.id, [person.id]).get(person.id, ())
    entries = [placed.entry for placed in digest.placed] if digest else []
    return top_lines.lines_due(conn, person.id, entries)


def _frozen(
    conn: Connection, installation: Installation, edition: Edition, person: Subscriber
) -> tuple[Digest | None, str, bool]:
    """Return the same as `_digest`, for an edition that is frozen and a subscriber."""
    owed = [delivery for delivery in deliveries.of_subscriber(conn, person.id) if delivery.edition == edition.id]
    if not owed and is_condensed(conn, edition.id):
        return None, "no letter of this edition is known for them; only its counts are kept", False
    if not owed:
        return None, "not a reader of this edition when it was frozen", False
    delivery = owed[0]
    if delivery.state == "had":
        return None, f"they had this letter {delivery.reason}; how it looked is not kept any more", False
    state = f"{delivery.state} {delivery.reason}".strip()
    digest = deliveries.digests(conn, [delivery.digest]).get(delivery.digest) if delivery.digest else None
    if delivery.state == "pending":
        settings, now = installation.settings, installation.clock()
        reasons = unmailable(conn, [person], secret=installation.secret, allow_list=settings.only, now=now)
        if blocked := reasons.get(person.id):
            return digest, f"pending, but {reader_is(blocked)}", blocked == "paused"
    return digest, state, True
