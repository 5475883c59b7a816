"""Show what a database in HOLD would send, and let it go on once a person has said whether that was sent.

A database is in HOLD after it was restored from a backup or copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from digest.editions.due import slot_owed
from digest.errors import PersonNeeded, WrongUse
from digest.installation import Installation
from digest.operations.clock import check_clock
from digest.store import (
    calendar,
    carry_over,
    deliveries,
    history,
    notices,
    releases,
    requests,
    sessions,
    silence,
    sources,
)
from digest.store.engine import reading, writing
from digest.store.erase import scrub
from digest.store.keys import end_old_links
from digest.store.lock import run_lock
from subscribers import store as people
from subscribers.confirmations import drop_wishes_of_erased
from subscribers.suppression import complete_history, fingerprint, suppress_hashes

_WHY = "the database was restored: it may have been sent before that"


@dataclass(frozen=True, slots=True)
class Held:
    """The letters that a database in HOLD would send, {edition: count}, and its due slots, (cadence, day)."""

    pending: dict[int, int]
    due: list[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "pending": [{"edition": number, "letters": count} for number, count in self.pending.items()],
            "due": [{"cadence": cadence, "slot": day} for cadence, day in self.due],
        }


@dataclass(frozen=True, slots=True)
class Resumed:
    """Count what `resume` found: what was owed, the addresses suppressed again, and the subscribers erased again.

    `in_doubt` counts the uncertain deliveries after it, those from before included.
    """

    owed: Held
    in_doubt: int
    suppressed: int
    erased: int


def what_it_would_send(installation: Installation) -> Held:
    """Return the letters and slots that the next run would act on; change nothing."""
    pending: dict[int, int] = {}
    now, zone = installation.clock(), installation.settings.site.zone
    with reading(installation.engine) as conn:
        for state in ("pending", "claimed"):
            for delivery in deliveries.in_state(conn, state):
                pending[delivery.edition] = pending.get(delivery.edition, 0) + 1
        owed = [(cadence.name, slot_owed(conn, cadence, now, zone)) for cadence in installation.settings.cadences]
    return Held(pending, [(name, slot.key) for name, slot in owed if slot is not None])


def resume(installation: Installation, *, sent: bool, lists_lost: bool = False) -> Resumed:
    """Let a database in HOLD go on; return the letters and slots that were due. `sent`: all of that was sent.

    Whoever left, was suppressed or was erased after this state of the database, by the lists beside the fence, is
    suppressed or erased again. Raises PersonNeeded when a list is missing or of another secret, unless `lists_lost`.

    With `sent`, pending deliveries become uncertain, due slots are closed, every reader's mark moves to the present,
    nothing earlier is carried over, and the next new entries of every source are held for an editor. So nobody is
    mailed twice, and everything that may be missing is listed. Without `sent`, nothing of it was sent, and the next
    run sends it. Raises WrongUse for a database that is not in HOLD, because it would lose the letters that are owed.
    """
    now = installation.clock()
    with run_lock(installation.engine):
        # Check under the lock, because another process may have resumed the database and mailed from it before.
        if not installation.fence.why():
            raise WrongUse("the database is not in HOLD, so there is nothing to resume; nothing was changed")
        with reading(installation.engine) as conn:
            check_clock(conn, now)
        unreadable = _unreadable_lists(installation, lost=lists_lost)
        due = what_it_would_send(installation)
        with writing(installation.engine, "end old links") as conn:
            end_old_links(conn)
            sessions.end_all(conn, now)
        suppressed, erased = _learn_again(installation)
        if sent:
            with writing(installation.engine, "resume") as conn:
                _count_as_sent(conn, installation, now)
        with reading(installation.engine) as conn:
            in_doubt = history.count_in_doubt(conn)
        if installation.fence.suppressed.path in unreadable:
            # Because this database's secret made none of its hashes; `open` begins a list of this one.
            installation.fence.suppressed.set_aside(f"{now:%Y%m%dT%H%M%S}", "")
        installation.fence.open()
    return Resumed(due, in_doubt, suppressed, erased)


def _count_as_sent(conn: Connection, installation: Installation, now: datetime) -> None:
    """Let all that was due by now count as sent, and what may be missing wait for a person."""
    settings = installation.settings
    owed = [delivery.id for state in ("pending", "claimed") for delivery in deliveries.in_state(conn, state)]
    deliveries.doubt(conn, owed, _WHY, now)
    requests.close_take_backs(conn, now)
    for cadence in settings.cadences:
        slot = slot_owed(conn, cadence, now, settings.site.zone)
        if slot is not None:
            calendar.close_slot(conn, slot, "missed", None, now)
    releases.settle_marks(conn, settings.welcome)
    releases.raise_marks(conn)
    carry_over.forget_over_cap(conn)
    sources.hold_next(conn)
    silence.note_all_told(conn, now)


def _unreadable_lists(installation: Installation, *, lost: bool) -> list[Path]:
    """Return the lists beside the fence that tell nothing; none where there is no fence, as on a new machine.

    Raises PersonNeeded when there are any and nobody has said that they are `lost`.
    """
    if not installation.settings.fence_file.exists():
        return []
    unreadable = installation.fence.suppressed.unreadable(fingerprint(installation.secret))
    if unreadable and not lost:
        raise PersonNeeded(_nobody_knows(unreadable))
    return unreadable


def _nobody_knows(lists: list[Path]) -> str:
    names = ", ".join(str(path) for path in lists)
    return (
        f"nobody can know who left, was suppressed or was erased after this state of the database: {names}: missing,"
        " or made with another secret; put the list and the secret file of its time back, or suppress and erase by"
        " hand whom your own notes name and say it with `--lists-lost`"
    )


def _learn_again(installation: Installation) -> tuple[int, int]:
    """Suppress and erase again by the list beside the fence; return how many addresses and how many subscribers."""
    secret, now = installation.secret, installation.clock()
    with writing(installation.engine, "learn again") as conn:
        listed = installation.fence.suppressed.read(fingerprint(secret))
        suppressed = suppress_hashes(conn, listed, secret=secret, now=now, note="from the list beside the fence")
        erased = people.erase_again(conn, now=now, secret=secret)
        complete_history(conn, secret=secret, now=now, note="from the list beside the fence")
        forgotten = drop_wishes_of_erased(conn) + notices.drop_erased(conn, now)
    if erased or forgotten:
        scrub(installation.engine)
    return suppressed, erased
