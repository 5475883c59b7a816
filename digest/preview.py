"""Preview: the very letter a reader would get, by the same functions that send it; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from digest import group, prepare
from digest.delivery.parcel import parcel
from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import Digest, Edition
from digest.render import Letters, fitting
from digest.schedule import next_slot
from digest.store import deliveries, editions, releases
from digest.store.editions import Shown
from digest.store.engine import reading
from digest.transports.base import Parcel
from subscribers import store as people
from subscribers.consent import may_mail
from subscribers.model import Interests, Subscriber


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter, or why there is none. `edition.id` 0: not drafted yet, shown as it would be drafted now."""

    edition: Edition
    digest: Digest | None
    parcel: Parcel | None
    reason: str = ""


def preview(
    place: Installation,
    *,
    email: str | None = None,
    interests: Interests | None = None,
    cadence: str | None = None,
    number: int | None = None,
) -> Preview:
    """Return the letter of the subscriber `email`, or of anyone who follows `interests`.

    Of edition `number`, else of the one that the cadence (the subscriber's own, else `cadence`) owes next.
    Raises WrongUse when the subscriber or the edition does not exist.
    """
    with reading(place.engine) as conn:
        person = _person(conn, place, email, interests, cadence or place.settings.default_cadence)
        one, shown = _edition(conn, place, person, person.cadence if cadence is None else cadence, number)
        digest, reason = _digest(conn, place, one, shown, person)
        if person.id and one.state != "frozen":
            suppressed = people.suppressed_ids(conn, place.secret, [person.id])
            if why := may_mail(person, person.id in suppressed, place.clock()):
                return Preview(one, digest, None, f"this reader is {why}")
    if digest is None or not digest.placed:
        return Preview(one, digest, None, reason or "nothing in this edition matches: no letter is written")
    letters = Letters(place.settings, one, [s.entry for s in shown])
    made = parcel(letters, person, digest, place.secret, place.clock(), delivery=0)
    return Preview(one, digest, made, reason)


def _person(
    conn: Connection, place: Installation, email: str | None, interests: Interests | None, cadence: str
) -> Subscriber:
    if email is None:
        language = place.settings.site.language
        return Subscriber(0, "reader@example.org", "", cadence, interests or Interests(), language)
    person = people.find(conn, email)
    if person is None:
        raise WrongUse("no subscriber has this address; see `digest subscribers list`")
    return person


def _edition(
    conn: Connection, place: Installation, person: Subscriber, cadence: str, number: int | None
) -> tuple[Edition, list[Shown]]:
    if number is not None:
        found = editions.get(conn, number)
        if found is None:
            raise WrongUse(f"edition {number} does not exist; see `digest status`")
        return found, editions.shown(conn, number)
    rhythm, now, zone = place.settings.cadence(cadence), place.clock(), place.settings.site.zone
    slot = prepare.slot_owed(conn, rhythm, now, zone) or next_slot(rhythm, now, zone)
    known = editions.find(conn, cadence, slot.key)
    if known is not None and (known.state != "draft" or known.held or rhythm.approval_required):
        return known, editions.shown(conn, known.id)
    # An automatic draft is made anew when its hour comes: show it as it would be made now.
    high = releases.latest(conn)
    low = releases.lowest_mark(conn, cadence, now, default=high)
    if person.id:
        mark = releases.mark_of(conn, person.id, person.joined_at, place.settings.welcome, default=high)
        low = min(low, mark)
    shown = prepare.content(conn, low, high)
    note = known.note if known else ""
    number = known.id if known else 0
    made = Edition(number, cadence, slot.key, "draft", False, note, high, editions.content_hash(note, shown))
    return made, shown


def _digest(
    conn: Connection, place: Installation, one: Edition, shown: list[Shown], person: Subscriber
) -> tuple[Digest | None, str]:
    """Return what the person gets of an edition: as it was frozen for them, else as it would be now."""
    if person.id and one.state == "frozen":
        for delivery in deliveries.of_subscriber(conn, person.id):
            if delivery.edition == one.id:
                stored = deliveries.digests(conn, [delivery.digest]) if delivery.digest else {}
                return stored.get(delivery.digest or 0), f"{delivery.state} {delivery.reason}".strip()
        return None, "not a reader of this edition when it was frozen"
    if person.id:
        candidates, mark, had = prepare.reader_view(conn, one, shown, person, place.settings.welcome)
    else:
        # Anyone new to these interests, who has had nothing of this edition.
        candidates, mark, had = [group.candidate(s.entry, s.release) for s in shown], one.from_release, frozenset()
    settings = place.settings
    digest = group.select(
        candidates, person.interests, mark=mark, had=had,
        cap=settings.letter_cap, elsewhere_cap=settings.elsewhere_cap,
    )  # fmt: skip
    return fitting(settings, one, [s.entry for s in shown])(digest), ""
