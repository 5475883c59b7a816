"""Checkup: what `digest doctor` looks at beside runs and sources: secret, readers, slots, refusals, alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.facets.known import known_facets
from digest.installation import Installation
from digest.model import Receipt
from digest.operations import alarms
from digest.store.engine import reading
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


def examine(place: Installation, receipts: Sequence[Receipt], slots: Iterable[dict[str, Any]]) -> list[Finding]:
    """Return what is wrong, in no order; change nothing. `receipts` newest first, `slots` as the store lists them."""
    now = place.clock()
    with reading(place.engine) as conn:
        return [
            *_secret(conn, place.settings),
            *_readers(conn, place.settings),
            *_slots_ahead(slots, now, place.settings),
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
