"""How the installation is: what ran, what is owed, which sources fail, and what a person should do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from digest import checkup
from digest.checkup import Finding
from digest.config.settings import Settings
from digest.delivery.parcel import parcel
from digest.editions.due import slot_owed
from digest.errors import ConfigError
from digest.installation import Installation
from digest.model import Digest, Edition, Entry, Facets, Group, Image, Placed, Reason, Receipt, Section
from digest.render import Letters
from digest.schedule import next_slot
from digest.store import calendar, deliveries, editions, history, runs, sources
from digest.store.engine import reading
from digest.store.schema import entry
from digest.store.sources import State
from subscribers import store as people
from subscribers.model import Subscriber

_LATE = timedelta(minutes=90)
_TRICKY_HOURS = (1, 2)  # local hours that a clock change can skip or repeat


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the installation; `next_slots` are (cadence, day, local hour, approval) rows.

    `hold`: why nothing may be mailed from this database, or ""; `in_doubt`: uncertain deliveries of all editions.
    """

    hold: str
    in_doubt: int
    next_slots: list[tuple[str, str, str, str]]
    receipts: list[Receipt]
    open_editions: list[Edition]
    sources: list[tuple[str, State]]
    entries: dict[str, int]
    subscribers: int
    runs: list[dict[str, Any]]
    slots: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "hold": self.hold or None,
            "in_doubt": self.in_doubt,
            "next_slots": [
                dict(zip(("cadence", "slot", "due", "approval"), row, strict=True)) for row in self.next_slots
            ],
            "receipts": [asdict(one) | {"balanced": one.balanced} for one in self.receipts],
            "open_editions": [
                {"edition": e.id, "cadence": e.cadence, "slot": e.slot, "state": e.state, "held": e.held}
                for e in self.open_editions
            ],
            "sources": [
                {
                    "name": name, "ok": not s.failures and not s.gone, "gone": s.gone, "failures": s.failures,
                    "checked_at": s.checked_at.isoformat() if s.checked_at else None, "error": s.error,
                }
                for name, s in self.sources
            ],
            "entries": self.entries,
            "subscribers": self.subscribers,
            "runs": self.runs,
            "slots": self.slots,
        }  # fmt: skip


def status(place: Installation) -> Status:
    """Look at everything; change nothing."""
    settings, now = place.settings, place.clock()
    zone = settings.site.zone
    coming = [(c, next_slot(c, now, zone)) for c in settings.cadences]
    hold = place.fence.why()
    with reading(place.engine) as conn:
        known = sources.all_states(conn)
        found = editions.listing(conn)
        counts = conn.execute(select(entry.c.state, func.count()).group_by(entry.c.state))
        return Status(
            hold=hold,
            in_doubt=history.in_doubt(conn),
            next_slots=[
                (
                    c.name,
                    s.key,
                    f"{c.at.hour:02d}:{c.at.minute:02d}",
                    "required" if c.approval_required else "automatic",
                )
                for c, s in coming
            ],
            receipts=[deliveries.receipt(conn, one) for one in found if one.state == "frozen"],
            open_editions=[one for one in found if one.state != "frozen"],
            sources=[(s.name, known.get(s.name, State())) for s in settings.sources],
            entries={row[0]: row[1] for row in sorted(counts)},
            subscribers=people.count(conn),
            runs=runs.newest(conn),
            slots=calendar.slots(conn),
        )


def examine(place: Installation) -> list[Finding]:
    """Return what is wrong, worst first; an empty list means nothing is."""
    found = status(place)
    findings = [*_hold(found), *_editions(place, found), *_sources(found), *_schedule(place)]
    findings += checkup.examine(place, found.receipts, found.slots)
    if not found.subscribers:
        findings.append(Finding("note", "subscribers", "there are none", "`digest subscribers import FILE`"))
    held = found.entries.get("held", 0)
    if held:
        findings.append(
            Finding(
                "person",
                "entries",
                f"{held} wait for an editor",
                "`digest entries --state held`, then release or drop",
            )
        )
    return sorted(findings, key=lambda f: ("wrong", "person", "note").index(f.level))


def _hold(found: Status) -> list[Finding]:
    if not found.hold:
        return []
    cure = "`digest db held` shows what it would send; then `digest db resume --sent` or `--unsent`"
    return [Finding("person", "database", f"is in HOLD, nothing is mailed: {found.hold}", cure)]


def _editions(place: Installation, found: Status) -> list[Finding]:
    now, zone = place.clock(), place.settings.site.zone
    with reading(place.engine) as conn:
        owed = set(deliveries.owed(conn, now))
        stopped = deliveries.stopped(conn)
    findings = [finding for one in found.receipts for finding in _receipt(one, one.edition in owed, stopped)]
    older = found.in_doubt - sum(one.uncertain for one in found.receipts)
    if older > 0:
        findings.append(Finding("person", "older editions", f"{older} deliveries are in doubt", "`digest settle`"))
    with reading(place.engine) as conn:
        for cadence in place.settings.cadences:
            slot = slot_owed(conn, cadence, now, zone)
            if slot is None:
                continue
            due = editions.find(conn, cadence.name, slot.key)
            where = f"{cadence.name} {slot.key}"
            if due is not None and (due.held or (cadence.approval_required and due.state != "approved")):
                why = "is held" if due.held else "waits for approval"
                findings.append(Finding("person", where, f"edition {due.id} {why}", f"`digest approve {due.id}`"))
            elif now - slot.instant > _LATE:
                findings.append(
                    Finding("wrong", where, "is due and has not run", "run `digest run`; is cron running it?")
                )
    return findings


def _receipt(one: Receipt, owed: bool, stopped: list[int]) -> Iterator[Finding]:
    """Yield what an edition's account asks for; `owed`: it has letters that may be handed over now."""
    where = f"edition {one.edition} ({one.cadence} {one.slot})"
    if one.unexplained:
        yield Finding("wrong", where, "the receipt does not balance", "restore a backup; tell the authors")
    if one.uncertain:
        cure = f"`digest settle --edition {one.edition}`"
        yield Finding("person", where, f"{one.uncertain} deliveries are in doubt", cure)
    if one.edition in stopped:
        problem = f"is stopped, {one.pending} letters are not handed over"
        yield Finding("person", where, problem, f"`digest approve {one.edition}` lets it go on")
    elif one.pending and owed:
        yield Finding("wrong", where, f"{one.pending} letters are not handed over", "`digest send`")
    elif one.pending:
        problem = f"{one.pending} letters wait for another try, their hour, or the end of a pause"
        yield Finding(
            "note", where, problem, f"`digest receipt {one.edition}` says why; a later run goes on with them"
        )


def _sources(found: Status) -> list[Finding]:
    findings = []
    for name, state in found.sources:
        if state.gone:
            findings.append(Finding("wrong", name, "says it is gone (410)", "correct or remove it in config.toml"))
        elif state.failures:
            findings.append(
                Finding("wrong", name, f"failed {state.failures} times: {state.error}", _source_cure(state))
            )
        elif state.moved_to and state.moved_since:
            findings.append(
                Finding("note", name, f"has moved to {state.moved_to}", "put the new address in config.toml")
            )
    return findings


def _source_cure(state: State) -> str:
    last: datetime | None = state.ok_at
    return (
        f"last read {last:%Y-%m-%d}; try `digest gather --source NAME`"
        if last
        else "check its address in config.toml"
    )


def _schedule(place: Installation) -> list[Finding]:
    return [
        Finding("note", f"cadence.{c.name}.at", "falls between 01:00 and 02:59, which clock changes skip or repeat",
                "each date still runs once; another hour is easier to explain")
        for c in place.settings.cadences
        if c.at.hour in _TRICKY_HOURS
    ]  # fmt: skip


def trial_letter(settings: Settings) -> None:
    """Render a letter of invented entries in each language, so that a mistaken template shows before its day.

    Raises ConfigError naming the template and line.
    """
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    area = settings.taxonomy.policy_areas[0].slug if settings.taxonomy.policy_areas else ""
    picture = Image("https://example.org/trial.png", "A trial", 400, 300)
    # Between them they have everything an entry may have, and lack everything it may lack.
    full = Entry(
        1, "Trial", "https://example.org/", "Trial", "case-study", now, now, "A trial.", language="ar", image=picture,
        facets=Facets((area,) if area else (), ("wales",), (), (), "Trial"),
    )  # fmt: skip
    bare = Entry(2, "Trial", None, "", "post", None, now)
    first, other = Placed(1, Reason("area", area)), Placed(2, Reason("area"))
    # A configuration without policy areas has but the one group.
    near = (Group(area, (first,)), Group("", (other,))) if area else (Group("", (first, other)),)
    far = Group("", (Placed(1, Reason("elsewhere-area", area)),))
    digest = Digest((Section("areas", near), Section("elsewhere", (far,))), more=1)
    edition = Edition(1, "weekly", "2027-01-01", "draft", False, "A note.", 0, "")
    letters = Letters(settings, edition, [full, bare])
    for language in sorted(letters.languages):
        reader = Subscriber(1, "reader@example.org", language=language)
        made = parcel(letters, reader, digest, b"0" * 32, now, delivery=1)
        for part, said in (("html", made.letter.html_text()), ("txt", made.letter.plain_text())):
            if f"{settings.site.base_url}/unsubscribe/" not in said:
                raise ConfigError(
                    [f"letter.{part}.j2: has no unsubscribe link; write {{{{ reader.unsubscribe_url }}}} into it"]
                )
