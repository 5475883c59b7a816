"""Store the runs: the command, its start and end, its outcome, and the account that it printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, cast, func, insert, or_, select, update

from digest.errors import without_secrets
from digest.store.deliveries import Delivery
from digest.store.schema import run
from subscribers.database import chunks

# The commands of rows that are no runs: in the one a person has said that the clock is right, the other keeps what
# the commands for cron have told and no run accounts for.
CLOCK, TOLD = "clock", "events"
# Whole runs: those of cron and of the daemon, and the turns of a cluster.
WHOLE = ("run", "turn")
SHARE = "share"  # of an edition, handed over beside others
_SENDING = (*WHOLE, "send")
_PAUSE = '"pause": {'  # in the account of a share after which the other side is left alone
_NEWEST = 1_000  # rows, more than shares end in a few minutes
_GOOD = ("done", "needs a person")  # outcomes of a run that did its work


class RunTimes(NamedTuple):
    """Hold when a run began and ended (None: it works, or was killed), and whether it did its work."""

    began: datetime
    ended: datetime | None
    good: bool


def start(conn: Connection, command: str, now: datetime, transport: str = "") -> int:
    """Store a run that begins; return its id, by which it claims deliveries.

    `transport` is the way it hands over (`TransportSettings.where`).
    """
    row = insert(run).values(command=command, started_at=now, account={"transport": transport})
    return int(conn.execute(row.returning(run.c.id)).scalar_one())


def handed_over_by(conn: Connection, transport: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return those of `deliveries` that `transport` can be asked about: their run handed over by it."""
    numbers = sorted({delivery.run for delivery in deliveries if delivery.run is not None})
    used: dict[int, str] = {}
    for chunk in chunks(numbers):
        for row in conn.execute(select(run.c.id, run.c.account).where(run.c.id.in_(chunk))):
            # An account without a transport is from a version that did not store it: the present one is assumed.
            used[row.id] = (row.account or {}).get("transport") or transport
    return [delivery for delivery in deliveries if delivery.run is not None and used.get(delivery.run) == transport]


def finish(conn: Connection, number: int, outcome: str, account: dict[str, Any], now: datetime) -> None:
    """Store the end of a run: its outcome in one line, and its account (receipts and sources, as printed)."""
    conn.execute(update(run).where(run.c.id == number).values(finished_at=now, outcome=outcome, account=account))


def newest_time(conn: Connection, *, until: datetime | None = None) -> datetime | None:
    """Return the latest end or start of a run since a person last accepted the clock; None without a run.

    `until`: of the runs that ended by then only.
    """
    accepted = select(func.coalesce(func.max(run.c.id), 0)).where(run.c.command == CLOCK).scalar_subquery()
    times = func.coalesce(run.c.finished_at, run.c.started_at)
    ran = [run.c.id >= accepted, run.c.command != TOLD, *([] if until is None else [times <= until])]
    latest: datetime | None = conn.scalar(select(func.max(times)).where(*ran))
    return latest


def told_since(conn: Connection, commands: Sequence[str], since: datetime, now: datetime) -> list[list[str]]:
    """Return what the runs of some commands between two instants told as waiting for a person, the newest first."""
    accounts = conn.scalars(
        select(run.c.account)
        .where(run.c.command.in_(commands), run.c.started_at >= since, run.c.started_at <= now)
        .where(cast(run.c.account, Text).contains('"told": ['))
        .order_by(run.c.id.desc())
    )
    return [account["told"] for account in accounts]


def newest_troubles(conn: Connection) -> dict[str, Any]:
    """Return what the newest run that looked for troubles remembers of them; {} when none has looked."""
    looked = cast(run.c.account, Text).contains('"troubles": {')
    account = conn.scalar(
        select(run.c.account).where(run.c.command.in_(WHOLE), looked).order_by(run.c.id.desc()).limit(1)
    )
    return dict(account["troubles"]) if account else {}


def has_retained(conn: Connection, since: datetime, now: datetime) -> bool:
    """Return whether a run between two instants has found nothing left that was too old to be kept."""
    ran = (run.c.started_at >= since, run.c.started_at <= now, cast(run.c.account, Text).contains('"retained": true'))
    return conn.scalar(select(run.c.id).where(run.c.command.in_(WHOLE), *ran).limit(1)) is not None


def newest_whole(conn: Connection) -> datetime | None:
    """Return when the newest whole run began, None before the first."""
    began: datetime | None = conn.scalar(select(func.max(run.c.started_at)).where(run.c.command.in_(WHOLE)))
    return began


def pausing(conn: Connection, since: datetime, now: datetime) -> set[int]:
    """Return the editions of which shares that ended since an instant ask to hand nothing over for now."""
    # Of the newest rows alone, because no index tells when runs ended.
    newest_id = select(func.coalesce(func.max(run.c.id), 0) - _NEWEST).scalar_subquery()
    shares = (run.c.id > newest_id, run.c.command == SHARE, run.c.finished_at > since, run.c.finished_at <= now)
    accounts = conn.scalars(select(run.c.account).where(*shares).where(cast(run.c.account, Text).contains(_PAUSE)))
    pauses = [account["pause"] for account in accounts]
    return {
        edition for pause in pauses if datetime.fromisoformat(pause["until"]) > now for edition in pause["editions"]
    }


def newest_step(conn: Connection) -> tuple[int, datetime | None]:
    """Return the number of the newest run, 0 before the first, and when it ended (None: it may be under way)."""
    row = conn.execute(select(run.c.id, run.c.finished_at).order_by(run.c.id.desc()).limit(1)).one_or_none()
    return (row.id, row.finished_at) if row else (0, None)


def newest_sending(conn: Connection) -> tuple[RunTimes | None, RunTimes | None, datetime | None]:
    """Return the newest run that was to send letters, the newest that has ended, and when the last good one ended.

    Without shares: `newest_shares`. Beside turns that end well, all of them may fail.
    """
    query = select(run.c.started_at, run.c.finished_at, run.c.outcome).where(run.c.command.in_(_SENDING))
    query = query.order_by(run.c.id.desc()).limit(1)
    newest, ended, good = (
        conn.execute(each).one_or_none()
        for each in (query, query.where(run.c.finished_at.is_not(None)), query.where(run.c.outcome.in_(_GOOD)))
    )
    times = [RunTimes(row[0], row[1], row[2] in _GOOD) if row else None for row in (newest, ended)]
    return times[0], times[1], good.finished_at if good else None


def newest_shares(conn: Connection) -> tuple[int | None, datetime | None]:
    """Return the newest share that has ended if it failed at the other side, and when the last good one ended.

    One that ended for a reason of its own, such as a stop, says nothing.
    """
    is_good, pauses = run.c.outcome.in_(_GOOD), cast(run.c.account, Text).contains(_PAUSE)
    query = select(run.c.id, run.c.finished_at, is_good.label("good")).where(run.c.command == SHARE)
    query = query.where(run.c.finished_at.is_not(None), or_(is_good, pauses)).order_by(run.c.id.desc()).limit(1)
    ended, good = (conn.execute(each).one_or_none() for each in (query, query.where(is_good)))
    return ended.id if ended and not ended.good else None, good.finished_at if good else None


def newest(conn: Connection, limit: int = 10, *, ended: bool = False, number: int = 0) -> list[dict[str, Any]]:
    """Return the newest runs, newest first, as JSON: id, command, started_at, finished_at, outcome, account.

    `ended`: only those that came to an end and were to send letters; `number`: only this one.
    """
    query = select(run).where(run.c.command != TOLD, *([run.c.id == number] if number else []))
    if ended:
        query = query.where(run.c.command.in_(_SENDING), run.c.finished_at.is_not(None))
    rows = conn.execute(query.order_by(run.c.id.desc()).limit(limit))
    return [
        {
            "id": row.id,
            "command": row.command,
            "started_at": row.started_at.isoformat(),
            "finished_at": row.finished_at.isoformat() if row.finished_at else None,
            "outcome": row.outcome,
            "account": _without_secrets(row.account),
        }
        for row in rows
    ]


def _without_secrets(account: Any) -> Any:
    # Accounts of earlier versions may hold the addresses of sources with their passwords.
    return json.loads(without_secrets(json.dumps(account)))
