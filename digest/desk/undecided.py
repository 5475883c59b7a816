"""Explain why no edition of a reader has decided about an entry yet, and what the next edition will do with it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from digest.desk.reader_history import ReaderHistory
from digest.desk.words import ENTRY_STATES, LEFT_OUT, NOT_MAILED
from digest.editions.draft import as_it_stands, drafted_anew, passed_over
from digest.editions.due import coming_slot
from digest.editions.plan import Planner, in_words, made_good_by
from digest.errors import ConfigError
from digest.installation import Installation
from digest.model import Edition, Entry
from digest.store import editions, releases
from digest.store import history as past
from digest.store.deliveries import CONSIDERED
from digest.store.tallies import is_condensed
from subscribers import store as people
from subscribers.model import Subscriber


def undecided(
    conn: Connection, installation: Installation, entry: Entry, history: ReaderHistory
) -> tuple[str, tuple[str, ...]]:
    """Return the outcome in a word, and its reasons, for an entry that no digest of the reader has or leaves out."""
    person, welcome = history.person, installation.settings.welcome
    if entry.state != "ready":
        return entry.state, (ENTRY_STATES[entry.state], *([entry.held_why] if entry.held_why else []))
    number, at = past.released(conn, entry.id) or (0, entry.first_seen)
    mark = releases.mark_of(conn, person.id, person.here_since, welcome, default=0)
    without_digest = list(_without_digest(conn, entry, history))
    lines = tuple(line for _, line in without_digest)
    considered = any(state in CONSIDERED for state, _ in without_digest)
    since = person.here_since - welcome if person.here_since else None
    if number <= mark and since is not None and (at < since or (at == since and not considered)):
        return "before-joining", ("released before this subscriber joined here (or came back)",)
    if considered:
        return "suppressed", lines
    if number <= mark and (not_kept := _not_kept(conn, entry, person)):
        return "not-kept", (*not_kept, *lines)
    outcome, line = _not_mailed(conn, installation, history)
    if not outcome and number <= mark:
        line = "counted as sent when the database was restored (`digest db resume --sent`)"
        return "before-restore", (line, *lines)
    if not outcome:
        outcome, line = _next(conn, installation, entry, person)
    return outcome, (line, *lines)


def _without_digest(conn: Connection, entry: Entry, history: ReaderHistory) -> Iterator[tuple[str, str]]:
    """Yield (state, line) for each edition that carries the entry and planned no digest for the reader."""
    carried = past.carried(conn, entry.id)
    for delivery in history.deliveries:
        if history.digest(delivery) is None and delivery.edition in carried:
            later = "; a later edition considers it again" if delivery.state == "held" else ""
            reason = "" if delivery.reason in ("", delivery.state) else f" ({delivery.reason})"
            yield delivery.state, f"not in {history.edition(delivery)}: {delivery.state}{reason}{later}"


def _not_kept(conn: Connection, entry: Entry, person: Subscriber) -> list[str]:
    """Return a line for each edition that carried the entry and of whose deliveries only counts are kept.

    Of editions of the reader's own cadence; only where there is none, of others, which they may have followed then.
    """
    numbers = [number for number in past.carried(conn, entry.id) if is_condensed(conn, number)]
    carried = [edition for number in sorted(numbers, reverse=True) if (edition := editions.get(conn, number))]
    return [
        f"not had with edition {edition.id} ({edition.cadence} {edition.slot}); why is not kept any more"
        for edition in [each for each in carried if each.cadence == person.cadence] or carried
    ]


def _not_mailed(conn: Connection, installation: Installation, history: ReaderHistory) -> tuple[str, str]:
    """Return (outcome, line) for a reader who must not be mailed now, whatever the entry; ("", "") for others."""
    person, reason = history.person, history.blocked
    if not reason:
        return "", ""
    if reason == "suppressed" and person.state != "left":
        cause = people.is_suppressed(conn, person.email, secret=installation.secret)
        return "suppressed", f"this address is suppressed ({cause}): it is never mailed"
    return NOT_MAILED["left" if reason == "suppressed" else reason]


def _next(conn: Connection, installation: Installation, entry: Entry, person: Subscriber) -> tuple[str, str]:
    """Return (outcome, line): what the edition that will consider the entry does with it for the reader."""
    settings, name, now = installation.settings, person.cadence, installation.clock()
    try:
        cadence = settings.cadence(name)
    except ConfigError:
        return "owed", f"not considered yet: they follow the {name} cadence, which config.toml does not have"
    carried = past.carried(conn, entry.id)
    for edition in editions.unfrozen(conn, name):
        if edition.id in carried and not passed_over(conn, settings, edition, now):
            return _in_edition(conn, installation, entry, person, edition)
    day = coming_slot(conn, cadence, now, settings.site.zone).key
    drafted = editions.find(conn, name, day)
    if drafted is not None and not drafted_anew(drafted, approval_required=cadence.approval_required):
        day = made_good_by(settings, drafted)  # because this draft stays as it is, without the entry
    return "owed", f"not considered yet: the {name} edition of {day} will"


def _in_edition(
    conn: Connection, installation: Installation, entry: Entry, person: Subscriber, edition: Edition
) -> tuple[str, str]:
    """Return (outcome, line): what an edition would do with the entry for the reader if it were frozen now."""
    settings, now = installation.settings, installation.clock()
    edition, shown = as_it_stands(conn, settings, edition, person, now)
    planner = Planner(conn, settings, edition, shown, installation.secret, now)
    planned = planner.reader(person)
    state = "stopped by an editor" if edition.held else edition.state
    where = f"edition {edition.id} ({edition.cadence} {edition.slot}), which is {state}"
    if planned.late:
        return "owed", f"not in {where}: {in_words(settings, edition, planned)}"
    digest = planner.offer.digest(planned)
    for number, code in digest.left_out if digest else ():
        if number == entry.id:
            return code, f"not in {where}: {LEFT_OUT.get(code, code)}"
    return "owed", f"not sent yet: it is in {where}"
