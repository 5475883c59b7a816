"""Checkup: what `digest doctor` looks at beside runs and sources: secret, readers, slots, refusals, alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.due import slot_owed
from digest.facets.known import known_facets
from digest.installation import Installation
from digest.model import Receipt
from digest.operations import alarms
from digest.operations.status import Status, status
from digest.store import deliveries, editions
from digest.store.engine import reading
from digest.store.sources import State
from subscribers.errors import BadSecret
from subscribers.facets import KnownFacets
from subscribers.followed import followed
from subscribers.secret import load_secret
from subscribers.suppression import check_secret, is_sealed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `level`: wrong, person (someone must decide) or note."""

    level: str
    place: str
    problem: str
    cure: str


def _other_findings(
    installation: Installation, receipts: Sequence[Receipt], slots: Iterable[dict[str, Any]]
) -> list[Finding]:
    """Return what is wrong, in no order; change nothing. `receipts` newest first, `slots` as the store lists them."""
    now = installation.clock()
    with reading(installation.engine) as conn:
        return [
            *_secret(conn, installation.settings),
            *_readers(conn, installation.settings),
            *_slots_ahead(slots, now, installation.settings),
            *_refusals(receipts),
            *(Finding("person", one.place, one.problem, one.cure) for one in alarms.alarms(conn, now)),
        ]


def _secret(conn: Connection, settings: Settings) -> list[Finding]:
    """Look for the secret that suppressions were made with; before the first of them none is missed."""
    if not is_sealed(conn):
        return []
    try:
        check_secret(conn, load_secret(settings.secret_file, make=False))
    except BadSecret as error:
        problem, _, cure = str(error).partition("; ")
        return [Finding("wrong", "storage.secret_file", problem, cure)]
    return []


def _readers(conn: Connection, settings: Settings) -> list[Finding]:
    """Look for what active subscribers follow and config.toml does not have."""
    found = followed(conn)
    known = {cadence.name for cadence in settings.cadences}
    findings = [
        Finding(
            "wrong",
            f"cadence.{name}",
            f"{count} readers follow cadence {name!r}, which config.toml does not have: they get nothing",
            f"add [cadence.{name}], or let them follow another (`digest subscribers export`, then `import`)",
        )
        for name, count in sorted(found.cadences.items())
        if name not in known
    ]
    return [
        *findings,
        *_unknown("policy_areas", found.policy_areas, known_facets(settings.taxonomy)),
        *_unknown("themes", found.themes, known_facets(settings.taxonomy)),
    ]


def _unknown(facet: str, counts: Counter[str], facets: KnownFacets) -> list[Finding]:
    missing = [
        f"{slug!r} ({count} readers)" for slug, count in counts.most_common() if facets.slug(facet, slug) != slug
    ]
    if not missing:
        return []
    name = facet.replace("_", " ")
    problem = f"{name} are followed that config.toml does not have: {', '.join(missing)}"
    table = facet.removesuffix("s")
    cure = f"add them as [[{table}]], or correct the readers (`digest subscribers export`, then `import`)"
    return [Finding("note", f"subscribers.{facet}", problem, cure)]


def _slots_ahead(slots: Iterable[dict[str, Any]], now: datetime, settings: Settings) -> list[Finding]:
    """Look for accounts of days that have not come: a clock that was ahead, or --now on the real database."""
    # In slot mode an edition is frozen before its hour, and so perhaps on the day before.
    ahead = {cadence.name: cadence.ahead for cadence in settings.cadences}
    newest: dict[str, str] = {}
    for slot in slots:
        newest[slot["cadence"]] = max(slot["day"], newest.get(slot["cadence"], ""))
    return [
        Finding(
            "wrong",
            f"{cadence} {day}",
            "is accounted for, but lies in the future: something ran with a clock that was ahead, or with --now",
            "set the clock right, and keep --now for copies; that date itself does not run again",
        )
        for cadence, day in sorted(newest.items())
        if day > (now + ahead.get(cadence, timedelta(0))).astimezone(ZoneInfo(settings.site.zone)).date().isoformat()
    ]


def _refusals(receipts: Sequence[Receipt]) -> list[Finding]:
    """Look at the newest edition of each cadence."""
    newest = {one.cadence: one for one in reversed(receipts)}
    return [
        Finding(
            "note",
            f"edition {one.edition} ({one.cadence} {one.slot})",
            f"{one.refused} of {one.eligible} letters were refused",
            "`digest explain --subscriber EMAIL` says why; correct or remove the address",
        )
        for one in newest.values()
        if one.refused
    ]


_LATE = timedelta(minutes=90)


_TRICKY_HOURS = (1, 2)  # local hours that a clock change can skip or repeat


def examine(installation: Installation) -> list[Finding]:
    """Return what is wrong, worst first; an empty list means nothing is."""
    found = status(installation)
    findings = [*_hold(found), *_editions(installation, found), *_sources(found), *_schedule(installation)]
    findings += _other_findings(installation, found.receipts, found.slots)
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


def _editions(installation: Installation, found: Status) -> list[Finding]:
    now, zone = installation.clock(), installation.settings.site.zone
    with reading(installation.engine) as conn:
        owed = set(deliveries.owed(conn, now))
        stopped = deliveries.stopped(conn)
    findings = [finding for one in found.receipts for finding in _receipt(one, one.edition in owed, stopped)]
    older = found.in_doubt - sum(one.uncertain for one in found.receipts)
    if older > 0:
        findings.append(Finding("person", "older editions", f"{older} deliveries are in doubt", "`digest settle`"))
    with reading(installation.engine) as conn:
        for cadence in installation.settings.cadences:
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


def _schedule(installation: Installation) -> list[Finding]:
    return [
        Finding("note", f"cadence.{c.name}.at", "falls between 01:00 and 02:59, which clock changes skip or repeat",
                "each date still runs once; another hour is easier to explain")
        for c in installation.settings.cadences
        if c.at.hour in _TRICKY_HOURS
    ]  # fmt: skip
