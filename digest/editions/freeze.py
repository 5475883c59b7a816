"""Freeze an edition: write every delivery that it owes, and close its slot and those missed, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.approve import appearance_hash, waits_for_approval
from digest.editions.deadline import keep_unapproved, send_unapproved
from digest.editions.draft import ready
from digest.editions.due import why_too_late
from digest.editions.plan import Planner
from digest.errors import PersonNeeded
from digest.group import OVER_CAP, Match
from digest.installation import Installation, Work, batches_of
from digest.model import Edition
from digest.schedule import Cadence, Slot, hour_in, slots_between
from digest.store import calendar, carry_over, deliveries, editions, releases, silence, top_lines
from digest.store.archive_rows import archive_edition
from digest.store.editions import Shown
from digest.store.engine import writing
from digest.system.failpoint import failpoint
from subscribers import store as people


def freeze_slot(installation: Installation, cadence: Cadence, slot: Slot, now: datetime) -> int:
    """Draft the edition of a due slot where that is still to be done, and freeze it; return its number.

    Raises PersonNeeded when the edition waits for an editor; its draft is stored all the same.
    """
    settings = installation.settings
    with writing(installation.engine, "draft") as conn:
        ready(conn, settings, cadence, slot, now)
        if cadence.approval_required:
            keep_unapproved(conn, installation, cadence, slot)
    with writing(installation.engine, "freeze") as conn:
        if cadence.approval_required:
            send_unapproved(conn, installation, cadence, slot)
        number = freeze(conn, settings, cadence, slot, installation.secret, now).id
        if waiting := deliveries.count_ripe(conn, number, now):
            installation.announce(conn, Work("send", str(number), batches_of(waiting)))
        return number


def freeze(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, secret: bytes, now: datetime
) -> Edition:
    """Write all that a drafted slot owes, in the caller's transaction: digests, deliveries, marks and slots.

    Raises PersonNeeded when the edition waits for an editor; nothing is written then.
    """
    editions.serialise(conn)
    people.keep_still(conn)
    edition = editions.find(conn, cadence.name, slot.key)
    if edition is None:
        raise PersonNeeded(f"{cadence.name} {slot.key} has no draft; make it with `digest prepare {cadence.name}`")
    shown = editions.shown(conn, edition.id)
    late = why_too_late(cadence, slot, edition, now, settings.site.zone)
    _check_approved(conn, settings, cadence, edition, shown, late)
    # Give a mark to readers who joined since the draft: without a mark to move, they would get the entries twice.
    releases.settle_marks(conn, settings.welcome)
    _write_deliveries(conn, Planner(conn, settings, edition, shown, secret, now), edition.id, now)
    _let_wait(conn, settings, cadence, slot, edition.id)
    deliveries.move_marks(conn, edition)
    editions.freeze(conn, edition.id, people.count(conn, cadence=edition.cadence), now)
    archive_edition(conn, edition.id, settings.hidden_sources)
    _close_slots(conn, settings, cadence, slot, edition, now)
    silence.keep_look(conn, due=True)
    frozen = editions.get(conn, edition.id)
    assert frozen is not None
    return frozen


def _check_approved(
    conn: Connection, settings: Settings, cadence: Cadence, edition: Edition, shown: Sequence[Shown], late: str
) -> None:
    """Raise PersonNeeded unless an edition may go out as it is stored and as templates and config now show it.

    `late`: why it is too late for it to go out by itself, or "".
    """
    why = ""
    # Set by the deadline in this very transaction.
    goes_unapproved = cadence.sends_unapproved and edition.unapproved != ""
    if edition.held:
        why = "is stopped"
    elif late:
        why = late
    elif cadence.approval_required and edition.state != "approved" and not goes_unapproved:
        why = "is not approved"
    elif editions.content_hash(edition, shown) != edition.content_hash:
        why = "is not what was approved"
    elif edition.state == "approved" and edition.look != appearance_hash(settings) and not goes_unapproved:
        why = "was approved with other templates, words or limits than config has now"
    if why:
        raise waits_for_approval(conn, edition, why, settings.site.zone)


def _write_deliveries(conn: Connection, planner: Planner, number: int, now: datetime) -> None:
    """Write a delivery of edition `number` for each of its readers, each different digest once, what the letters
    tell of earlier entries, and which entries they have no room for.
    """
    digests: dict[Match, int] = {}
    over_cap: set[int] = set()
    for page in planner.pages():
        new = list({plan.match: None for plan in page if plan.match is not None and plan.match not in digests})
        plans = [planner.offer.plan(match) for match in new]
        over_cap.update(entry for plan in plans for entry in plan["left_out"].get(OVER_CAP, ()))
        ids = deliveries.add_digests(conn, number, plans)
        digests.update(zip(new, ids, strict=True))
        rows = [
            (plan.subscriber, digests[plan.match] if plan.match is not None else None, plan.state, plan.reason)
            for plan in page
        ]
        deliveries.add(conn, number, rows, now)
        failpoint("planned: one page")
    carry_over.mark_over_cap(conn, number, over_cap)
    top_lines.carry_lines(conn, number)
    failpoint("planned: all pages")


def _let_wait(conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, number: int) -> None:
    """Let the letters of readers in later zones wait for the hour of the cadence there."""
    if not cadence.zones:
        return
    # Whoever has none of these zones has that of the site, also where config.toml no longer offers theirs.
    hours = {zone: hour_in(cadence, slot.day, zone) for zone in cadence.zones}
    site = hour_in(cadence, slot.day, settings.site.zone)
    deliveries.wait_for_hours(conn, number, hours, site)


def _close_slots(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, edition: Edition, now: datetime
) -> None:
    """Account for the slot of an edition, and for the slots since the last one that passed without a run."""
    last = calendar.last_slot(conn, cadence.name, now)
    if last is not None:
        day = datetime.fromisoformat(last).date()
        for missed in slots_between(cadence, day, slot.day, settings.site.zone):
            calendar.close_slot(conn, missed, "missed", None, now)
    calendar.close_slot(conn, slot, "run", edition.id, now)
