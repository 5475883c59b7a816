"""Refuse to work by a clock that is behind what the installation has done already.

Such a clock is that of a machine that has none and starts in 1970, or of a snapshot that was put back. By it, dates
long past would be due, so that readers would get a letter on top. A clock that was ahead and is right again looks the
same from here, so a person decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from digest.errors import PersonNeeded
from digest.schedule import CLOCKS_DIFFER
from digest.store import runs

_LONGEST_SLEEP = timedelta(days=35)  # because a run once a month is the rarest that anybody would set up
_DOUBTED = timedelta(days=3)  # from a leap on
_LONG_PAST = datetime(2005, 1, 1, tzinfo=UTC)  # no clock of a machine that runs this program is right before it


def check_clock(conn: Connection, now: datetime) -> None:
    """Return when the clock may be believed: `now` is not more than a day behind the newest run.

    Raises PersonNeeded otherwise; its message is the problem, "; " and the cure.
    """
    newest = runs.newest_time(conn)
    if not _is_behind(now, newest):
        return
    if newest is None:
        raise PersonNeeded(f"the clock says {now:%Y-%m-%d %H:%M} UTC, which is long past; set the clock right")
    raise PersonNeeded(
        f"the clock is behind: it says {now:%Y-%m-%d %H:%M} UTC, but a run was at {newest:%Y-%m-%d %H:%M} UTC;"
        " set the clock right, or give `digest run --clock-is-right` once if it is right now and was ahead then"
    )


def accept_clock(conn: Connection, now: datetime) -> None:
    """Store that a person says the clock is right though it is behind or leapt, so that runs are measured by it."""
    if _is_behind(now, runs.newest_time(conn)) or leap_line(conn, now):
        runs.finish(conn, runs.start(conn, runs.CLOCK, now), "accepted", {}, now)


def leap_line(conn: Connection, now: datetime) -> str:
    """Return a line that tells that the clock leapt ahead within the last days, and the cure, or "" if it did not.

    A clock that is years ahead looks like an installation that slept for years. For some days nothing is removed by
    it, so that a person can tell the two apart.
    """
    before = runs.newest_time(conn, until=now - _DOUBTED)
    if before is None or now - before <= _LONGEST_SLEEP:
        return ""
    return (
        f"nothing was removed by [retention]: the clock says {now:%Y-%m-%d} UTC, and the run before was on"
        f" {before:%Y-%m-%d}; if the clock is wrong, set it right; if it is right, `digest run --clock-is-right`"
        f" removes what is too old now, and any run does in {_DOUBTED.days} days"
    )


def _is_behind(now: datetime, newest: datetime | None) -> bool:
    return now < (_LONG_PAST if newest is None else newest - CLOCKS_DIFFER)
