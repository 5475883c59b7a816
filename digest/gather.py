"""Gather: read every source that is due, decide which entries are new, classify and store them, read their pages.

Each source that shows anything new is stored in a transaction of its own (`store_source`), those that show what they
showed last time in one together. A bad source stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32
from zoneinfo import ZoneInfo

from digest.editions.readings import has_moved, store_failure, store_not_read, store_snapshot, store_unchanged
from digest.errors import DigestError, SourceError, TryLater
from digest.facets.known import known_facets
from digest.installation import Installation
from digest.model import Snapshot, Source
from digest.schedule import CLOCKS_DIFFER
from digest.store import entry_texts, releases, sources, standings
from digest.store.engine import is_of_database, reading
from digest.store.sources import Gathering, State
from digest.system import stopping
from digest.system.failpoint import failpoint

if TYPE_CHECKING:
    from digest.sources.read import Reading
    from digest.sources.web.fetch import Fetcher

_log = logging.getLogger(__name__)
Progress = Callable[[Gathering], None]
PageProgress = Callable[[int, int], None]  # pages asked so far, pages to ask
# A source with what reading it brings, or why it is not read.
_Job = tuple[Source, "Future[Reading | SourceError] | str"]


def gather(
    installation: Installation,
    *,
    only: str | None = None,
    force: bool = False,
    progress: Progress = lambda _: None,
    page_read: PageProgress = lambda _done, _total: None,
) -> list[Gathering]:
    """Read the sources that are due and store their entries; return one row for each source, in config's order.

    Reading is parallel, storing is not. Sources that failed last time come after the others, because one that hangs
    must keep no other waiting. The pages of new entries are read last. `only` names the single source to gather;
    `force` reads also a source that was read a moment ago. A source that is gone is never read, and its row says so;
    nor, even under `force`, is a source that asked us to wait. `progress` is called with each row when it is ready,
    and again where pages cannot be read; `page_read` for each page. Raises TryLater when asked to stop.
    """
    settings, now = installation.settings, installation.clock()
    with reading(installation.engine) as conn:
        states = sources.states_of(conn, settings.sources)
    chosen = [source for source in settings.sources if only is None or source.name == only]
    every = timedelta(0) if force else settings.gather_every
    fetcher = cache(installation.fetcher)  # made when it is needed, because it is slow to import
    rows: dict[str, Gathering] = {}
    with ThreadPoolExecutor(max_workers=settings.gather_workers, thread_name_prefix="gather") as pool:
        for failed in (False, True):
            jobs: list[_Job] = []
            for source in (each for each in chosen if (states[each.name].failures > 0) is failed):
                state = states[source.name]
                if is_due(source, state, now, every):
                    jobs.append((source, pool.submit(_read, source, state, fetcher(), now, installation)))
                elif why := _why_not_read(source, state, now, force):
                    jobs.append((source, why))
            try:
                for row in _stored(installation, jobs, now):
                    rows[row.name] = row
                    progress(row)
            except TryLater:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    _release_by_date(installation, now)
    read = [source for source in chosen if source.name in rows]
    for name, line in _read_pages(installation, read, fetcher, now, page_read):
        rows[name] = replace(rows[name], unread=line)
        progress(rows[name])
    return [rows[source.name] for source in chosen if source.name in rows]


def _release_by_date(installation: Installation, now: datetime) -> None:
    """Release the entries whose embargo has ended, and withhold those that have expired, if there are any."""
    with reading(installation.engine) as conn:
        floor = releases.floor(conn, now, installation.settings.welcome)
        if not standings.due(conn, now, floor):
            return
    from digest.editions.withdraw import at_their_time  # here, because in most runs no entry reaches its date

    at_their_time(installation, now)


def _read_pages(
    installation: Installation,
    read: Sequence[Source],
    fetcher: Callable[[], Fetcher],
    now: datetime,
    progress: PageProgress,
) -> list[tuple[str, str]]:
    """Read the pages that new entries of sources link to, if any; return sources to be told of, each with a line."""
    asking = [source for source in read if _asks_for_pages(source)]
    names = {wanted: [each.name for each in asking if each.full_text == wanted] for wanted in ("all", "case-studies")}
    if not asking:
        return []
    with reading(installation.engine) as conn:
        unread = entry_texts.unread(conn, names["all"], names["case-studies"], now)
    if not unread:
        return []
    from digest.editions.full_texts import read_pages  # here, because in most runs no page is to be read

    try:
        return list(read_pages(installation, unread, fetcher(), now, progress).items())
    except DigestError:
        raise
    except Exception as error:  # because no page may hold up a letter
        if is_of_database(error):
            raise
        return [(unread[0].source, str(_unforeseen("reading pages", error)))]


def _asks_for_pages(source: Source) -> bool:
    # A folder holds whole texts, and its files may declare facets, which no page may overrule.
    try:
        return source.full_text != "none" and not (source.path and Path(source.path).is_dir())
    except OSError:  # of a path that cannot be looked at
        return False


def is_due(source: Source, state: State, now: datetime, every: timedelta) -> bool:
    """Return whether a source is to be read now: not gone, not asked to wait, not read a moment ago."""
    if state.gone or _waits(state, now):
        return False
    if source.url is None or state.checked_at is None:
        return True
    # Look to both sides, because a clock that was set back must not silence a source until it catches up.
    return not state.checked_at - every < now < state.checked_at + every


def _waits(state: State, now: datetime) -> bool:
    """Return whether a source has asked us to wait beyond `now`."""
    if state.not_before is None or now >= state.not_before:
        return False
    # A wait that a clock ahead of the present has written would last until that clock's day.
    return state.checked_at is None or state.checked_at <= now + CLOCKS_DIFFER


def _stored(installation: Installation, jobs: Sequence[_Job], now: datetime) -> Iterator[Gathering]:
    """Store the results of sources in turn, and yield their rows; those that show the same as last time come last."""
    unchanged: list[tuple[Source, Reading]] = []
    for source, job in jobs:
        if stopping.asked():
            raise TryLater("stopped as asked, while gathering; run again to go on")
        if isinstance(job, str):
            yield store_not_read(installation, source, job, now)
            continue
        result = job.result()
        if isinstance(result, SourceError) or result.snapshot is not None:
            yield store_source(installation, source, result, now)
        else:
            unchanged.append((source, result))
    if unchanged:
        yield from _store_same(installation, unchanged, now)


def store_source(
    installation: Installation, source: Source, result: Reading | SourceError, now: datetime
) -> Gathering:
    """Store what reading a source brought, in one transaction: its new entries, or why it could not be read."""
    failpoint("gather: read")
    try:
        if isinstance(result, SourceError):
            return store_failure(installation, source, result, now)
        if result.snapshot is None:
            return store_unchanged(installation, [(source, result)], now)[0]
        return _store_snapshot(installation, source, result, now)
    except DigestError:
        raise  # because it is the database's or the operator's, and concerns every source
    except Exception as error:
        if is_of_database(error):
            raise
        return store_failure(installation, source, _unforeseen("storing its entries", error), now)


def _store_same(
    installation: Installation, unchanged: Sequence[tuple[Source, Reading]], now: datetime
) -> list[Gathering]:
    """Store that sources show the same as last time: all in one transaction, or each alone when one has a fault."""
    failpoint("gather: read")
    try:
        return store_unchanged(installation, unchanged, now)
    except DigestError:
        raise
    except Exception as error:
        if is_of_database(error):
            raise
        return [store_source(installation, source, result, now) for source, result in unchanged]


def _store_snapshot(installation: Installation, source: Source, result: Reading, now: datetime) -> Gathering:
    """Store what a reading shows; a reading that left out known entries is read again in full where that matters."""
    from digest.editions.intake import NotInFull
    from digest.sources.read import read_in_full

    try:
        return store_snapshot(installation, source, result, now)
    except NotInFull:
        pass
    try:
        whole = read_in_full(result)
    except SourceError as error:
        return store_failure(installation, source, error, now)
    return store_snapshot(installation, source, whole, now)


def _unforeseen(step: str, error: Exception) -> SourceError:
    """Return the failure of one source for an error that nobody foresaw, so that it costs no other source."""
    # The words of such an error may hold anything, so that only its class is told; the log has the rest.
    _log.debug("%s failed", step, exc_info=error)
    return SourceError(f"{step} failed by a fault of this program ({type(error).__name__}): please report it")


def _why_not_read(source: Source, state: State, now: datetime, force: bool) -> str | None:
    """Return why a source is not read and the cure, where a person must know of it; else None."""
    if state.gone:
        return f"gone (410): correct or remove it in {source.named_in}"
    if force and state.not_before and _waits(state, now):
        return f"asked us to wait until {state.not_before:%Y-%m-%d %H:%M} UTC; it is not read before"
    return None


def is_asked_in_full(name: str, state: State, now: datetime) -> bool:
    """Return whether a source is asked without conditions now: in its first good reading of each day.

    Some servers answer "not modified" to every conditional request, though the feed has grown. The day of each
    source begins at another hour, so that not all are asked in full at once.
    """
    hour = timedelta(seconds=crc32(name.encode()) % 86_400)
    return state.ok_at is None or (state.ok_at - hour).date() != (now - hour).date()


def _read(
    source: Source, state: State, fetcher: Fetcher, now: datetime, installation: Installation
) -> Reading | SourceError:
    """Read a source in a thread of the pool; any error is returned as a SourceError, but for TryLater."""
    # Here, because a run that reads nothing must not load parsers.
    from digest.sources.read import KnownEntries, Validators, read_source
    from digest.sources.web.guard import endpoint
    from digest.sources.web.login import is_same_service

    settings = installation.settings
    if source.url and state.moved_to and has_moved(state, now):
        # The permission is for the service that config.toml names, not for where it sends us.
        private = source.allow_private and endpoint(source.url) == endpoint(state.moved_to)
        username = source.username if is_same_service(source.url, state.moved_to) else ""
        source = replace(source, url=state.moved_to, allow_private=private, username=username)
    entries = KnownEntries.from_text(state.parts)
    validators = Validators(state.etag, state.last_modified, state.body_hash, entries)
    if is_asked_in_full(source.name, state, now):
        validators = replace(validators, etag=None, last_modified=None)
    try:
        zone, facets = ZoneInfo(settings.site.zone), known_facets(settings.taxonomy)
        result = read_source(source, validators, fetcher, now=now, zone=zone, facets=facets)
        return _with_older_pages(installation, source, state, result, fetcher) if result.url else result
    except SourceError as error:
        return error
    except TryLater:
        raise  # because the database is away that holds the turns at hosts, and that is no fault of the source
    except Exception as error:
        return _unforeseen("reading it", error)


def _with_older_pages(
    installation: Installation, source: Source, state: State, result: Reading, fetcher: Fetcher
) -> Reading:
    """Return a reading with older pages of the feed, where all that a source shows is new since its last reading."""
    if state.first_ok_at is None or not state.shown:
        return result
    from digest.editions.intake import is_all_new
    from digest.sources.older import PATIENCE, with_older_pages

    def is_new(snapshot: Snapshot) -> bool:
        with reading(installation.engine) as conn:
            return is_all_new(conn, source, snapshot)

    patient = state.failures < PATIENCE
    return with_older_pages(source, result, fetcher, is_new, installation.clock(), patient)
