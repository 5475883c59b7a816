"""Find what is wrong with the host of an installation for `digest doctor`: disks, clock, schema, examples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.errors import counted
from digest.installation import Installation
from digest.operations.check_settings import transport_problems
from digest.operations.finding import Finding
from digest.operations.old_files import database_file
from digest.sources.links import is_reserved
from digest.store import migrate
from digest.store.engine import make_engine
from digest.store.old_rows import server_time

_MB, _GB = 1_000_000, 1_000_000_000
_CLOCKS = timedelta(minutes=1)  # by which the clocks of a host and of its database's server may differ


class DiskRoom(NamedTuple):
    """Hold the room of a disk in bytes, and how many more files it takes (`files` 0: it does not count them)."""

    free: int
    total: int
    free_files: int = 0
    files: int = 0


def disk_finding(place: str, room: DiskRoom, needed: int) -> Finding | None:
    """Return the finding of a disk that is full or nearly so, or None. Pure.

    `needed`: how many bytes the database on it takes.
    """
    left = f"{room.free / _GB:.1f} GB are free" if room.free >= _GB else f"{room.free // _MB} MB are free"
    cure = "make room: old letters, backups and logs first; a full disk stops every run"
    if room.free < 100 * _MB:
        return Finding("wrong", place, f"the disk is full: {left}", cure)
    if room.files and room.free_files < 1_000:
        return Finding("wrong", place, f"the disk takes {counted(room.free_files, 'more file')} only", cure)
    if room.free < needed:
        problem = f"the disk is nearly full: {left}, and the database takes {needed / _GB:.1f} GB"
        cure = "make room: a backup, an upgrade, and the erasure of a reader need as much as the database"
        return Finding("note", place, problem, cure)
    if room.free < 5 * _GB and room.free * 20 < room.total:
        return Finding("note", place, f"the disk is nearly full: {left}", cure)
    return None


def disk_findings(
    installation: Installation, stat: Callable[[Path], os.statvfs_result] = os.statvfs
) -> Iterator[Finding]:
    """Yield the findings of the disks that hold the database and the letters, each disk once."""
    settings, database = installation.settings, database_file(installation)
    places = [("database", database.parent)] if database else []
    places += [("letters", settings.transport.directory), ("receipts", settings.receipts)]
    seen = set()
    for place, folder in places:
        # A run makes missing folders, so the nearest that is there tells.
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        with suppress(OSError):
            device, room = nearest.stat().st_dev, stat(nearest)
            size = database.stat().st_size if database and database.exists() and place == "database" else 0
            if device in seen:
                continue
            seen.add(device)
            unit = room.f_frsize
            has = DiskRoom(room.f_bavail * unit, room.f_blocks * unit, room.f_favail, room.f_files)
            if finding := disk_finding(f"disk of {place}", has, size):
                yield finding


def schema_finding(url: str) -> Finding:
    """Return the finding of a database whose schema is older than this program."""
    engine = make_engine(url, create=False)
    try:
        waiting = migrate.pending(engine)
    finally:
        engine.dispose()
    problem = f"its schema is older than this program: {counted(len(waiting), 'migration')} pending"
    return Finding("wrong", "database", problem, "back it up, then run `digest db upgrade`")


def clock_findings(conn: Connection, now: datetime) -> Iterator[Finding]:
    """Yield a note where the clock of the database's server tells another time than this host's."""
    there = server_time(conn)
    if there is not None and abs(there - now) > _CLOCKS:
        ahead = "behind" if there < now else "ahead"
        minutes = counted(int(abs(there - now).total_seconds() // 60), "minute")
        problem = f"that of the database's server is {minutes} {ahead} of this host's"
        yield Finding("note", "clock", problem, "let both keep the time by NTP")


def placeholder_findings(settings: Settings) -> Iterator[Finding]:
    """Yield each address for examples that a real installation would use, and other mistakes of its way out."""
    for line in transport_problems(settings):
        place, _, rest = line.partition(": ")
        problem, _, cure = rest.partition("; ")
        yield Finding("wrong", place, problem, cure)
    operate = settings.operate
    hosts = [("operate.ping_url", urlsplit(operate.ping_url).hostname or "")]
    if settings.transport.kind != "file":
        hosts += [("operate.alarm_to", address.rpartition("@")[2]) for address in operate.alarm_to]
    for place, host in dict.fromkeys(hosts):
        if host and host != "localhost" and is_reserved(host):
            yield Finding("wrong", place, f"{host} is a name for examples, where nobody hears", "write your own")
