"""Find out what waits, for a person or until it passes, and whether today has told it: cron mails it once a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from digest.errors import DigestError, TryLater, counted
from digest.installation import Installation
from digest.schedule import local_midnight
from digest.store import entries, history, runs
from digest.store.engine import reading, writing


def held_entries(installation: Installation) -> list[str]:
    """Return a line about the entries that are held for an editor; none when there are none."""
    with reading(installation.engine) as conn:
        held = entries.count(conn, "held")
    cure = "see `digest entries --state held`, then `digest release` or `digest drop` them"
    return [f"{counted(held, 'entry is', 'entries are')} held for an editor: {cure}"] if held else []


def what_waits(installation: Installation, waiting: list[str]) -> list[str]:
    """Return all that a run tells as waiting for a person: its lines, and how many deliveries are in doubt."""
    with reading(installation.engine) as conn:
        return [*waiting, in_doubt(history.count_in_doubt(conn))]


def in_doubt(count: int) -> str:
    """Return the line by which a run notes how many deliveries are in doubt."""
    return counted(count, "delivery", "deliveries") + " in doubt"


def told_today(installation: Installation) -> list[str] | None:
    """Return what the newest run of this local day told as waiting; None before the first one."""
    return next(iter(_told_today(installation, *runs.WHOLE)), None)


def tell_once(installation: Installation, lines: Sequence[str]) -> list[str]:
    """Return those of `lines` that no command for cron has told on this local day; note that they are told now.

    For what is in no account of a run: what `digest events` tells, and why a command leaves until it passes.
    """
    before = {line for told in _told_today(installation, runs.TOLD) for line in told}
    if fresh := [line for line in lines if line not in before]:
        now = installation.clock()
        with writing(installation.engine, "told") as conn:
            runs.finish(conn, runs.start(conn, runs.TOLD, now), "told", {"told": fresh}, now)
    return fresh


def is_first_today(installation: Installation, later: TryLater) -> bool:
    """Return whether no command for cron has told of this on the local day, and note that it is told now.

    Words with a digit do not count, because a process, a session or a time is another one at each try. Without a
    database there is no telling.
    """
    with suppress(DigestError):
        return bool(tell_once(installation, [re.sub(r"\S*\d\S*", "…", str(later))]))
    return True


def _told_today(installation: Installation, *commands: str) -> list[list[str]]:
    now = installation.clock()
    with reading(installation.engine) as conn:
        return runs.told_since(conn, commands, local_midnight(now, installation.settings.site.zone), now)
