"""Ask, just before an entry is frozen for the first time, whether its page is still there.

An entry whose page answers 404 or 410 is held for an editor; any other answer, an error or silence changes nothing.
Each entry is asked once, outside any transaction, and the time for all of them is limited, so that no page can hold
up a run: what is not asked in that time goes out as it is. `page_of` and `ask_in_turn` serve all who ask pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import Connection

from digest.editions.draft import drafted_anew, entries_between
from digest.editions.due import slots_to_run
from digest.editions.withdraw import keep_back
from digest.errors import PersonNeeded, TryLater
from digest.installation import Installation
from digest.model import Entry, Source
from digest.schedule import Cadence
from digest.sources.links import is_reserved
from digest.sources.web.answers import GONE
from digest.sources.withdrawal import PAGE
from digest.store import editions, releases, standings
from digest.store.engine import reading, writing
from digest.system import stopping

Progress = Callable[[int, int], None]  # pages asked so far, pages to ask

_MOST = 300
_SECONDS = 60.0  # for all pages of a run
_SECONDS_EACH = 5.0
# The outcome of asking a page, for its host. SILENT twice in a row is NO_MORE: it is not asked again in this run.
ANSWERED, SILENT, NO_MORE = 0, 1, 2


class AsksPages(Protocol):
    """Say what asking pages needs of a fetcher (digest.sources.web.fetch.Fetcher)."""

    def page_status(self, url: str, seconds: float, *, allow_private: bool = False) -> int | None:
        """Return the status that a page answers, or None."""


@dataclass(frozen=True, slots=True)
class Page:
    """Name the page of one entry; `allow_private`: it may be at a private address, as its source may."""

    entry: int
    url: str
    allow_private: bool


def ask_pages(installation: Installation, progress: Progress = lambda _done, _total: None) -> list[str]:
    """Ask the pages of the entries that a run is about to freeze, and hold those that are gone.

    Return a line for each entry held and each edition that loses its approval. Raises TryLater when asked to stop.
    """
    if not installation.settings.check_pages:
        return []
    pages = _pages_due(installation)
    if not pages:
        return []
    statuses = _ask(installation.fetcher(), pages, installation.settings.gather_workers, progress)
    now = installation.clock()
    with writing(installation.engine, "ask pages") as conn:
        standings.mark_asked(conn, statuses, now)
        gone = {
            entry: status
            for entry, status in statuses.items()
            if status in GONE and standings.hold_ready(conn, entry, PAGE, f"its page answers {status}")
        }
        lines = keep_back(conn, installation, sorted(gone), now)
    if stopping.asked():
        raise TryLater("stopped as asked, while asking pages; run again to go on")
    return [
        f"entry {entry} is held, because its page answers {status}: `digest release {entry}` sends it all the same,"
        f" `digest drop {entry}` refuses it"
        for entry, status in sorted(gone.items())
    ] + list(lines)


def _pages_due(installation: Installation) -> list[Page]:
    """Return the pages that were never asked of the entries that are about to be frozen, newest first."""
    settings, now = installation.settings, installation.clock()
    entries: dict[int, Entry] = {}
    with reading(installation.engine) as conn:
        for cadence in settings.cadences:
            entries.update((entry.id, entry) for entry in _entries_due(conn, installation, cadence, now))
        fresh = standings.not_asked(conn, entries)
    sources = {source.name: source for source in settings.sources}
    newest = [entries[number] for number in sorted(fresh, reverse=True)]
    pages = [page_of(entry.id, entry.url, sources.get(entry.source)) for entry in newest]
    return [page for page in pages if page is not None][:_MOST]


def _entries_due(conn: Connection, installation: Installation, cadence: Cadence, now: datetime) -> list[Entry]:
    """Return the entries of the editions that a run freezes for a cadence now."""
    settings = installation.settings
    try:
        slots = slots_to_run(conn, cadence, now, settings.site.zone)
    except PersonNeeded:  # freezing tells the editor
        return []
    shown = []
    for slot in slots:
        stored = editions.find(conn, cadence.name, slot.key)
        # At its hour it may go out though nobody has approved it.
        sends = cadence.sends_unapproved and now >= slot.hour
        if stored is not None and not drafted_anew(stored, approval_required=cadence.approval_required):
            goes = (stored.state == "approved" or sends) and not stored.held
            shown += editions.shown(conn, stored.id) if goes else []
        elif not cadence.approval_required or sends:
            low = releases.floor(conn, now, settings.welcome, cadence.name)
            shown += entries_between(conn, low, releases.latest(conn))
    return [row.entry for row in shown]


def page_of(entry: int, url: str | None, source: Source | None) -> Page | None:
    """Return the page of an entry, or None when it has none that can be asked."""
    parts = urlsplit(url or "")
    if url is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    # A source that may be private speaks for its own server; a file, which names no server, for all that it links to.
    server = urlsplit(source.url).netloc if source is not None and source.url is not None else parts.netloc
    private = source is not None and source.allow_private and server == parts.netloc
    reserved = is_reserved(parts.hostname) or f".{parts.hostname}".endswith(".local")
    return None if reserved and not private else Page(entry, url, private)


def ask_in_turn(pages: Sequence[Page], ask: Callable[[Page, float], int], workers: int, seconds: float) -> None:
    """Ask pages for at most `seconds`; hosts are asked in parallel, each one page at a time.

    `ask` gets a page and the seconds left. It returns ANSWERED, SILENT (twice in a row is enough), or NO_MORE for a
    host that is to be left alone.
    """
    end = time.monotonic() + seconds
    hosts: dict[str, list[Page]] = {}
    for page in pages:
        hosts.setdefault(urlsplit(page.url).netloc, []).append(page)

    def ask_host(pages_there: Sequence[Page]) -> None:
        silent = 0
        for page in pages_there:
            left = end - time.monotonic()
            if left <= 0 or silent >= NO_MORE or stopping.asked():
                return
            outcome = ask(page, left)
            silent = silent + outcome if outcome else 0

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="pages") as pool:
        for job in [pool.submit(ask_host, there) for there in hosts.values()]:
            job.result()


def _ask(
    fetcher: AsksPages, pages: Sequence[Page], workers: int, progress: Progress, seconds: float = _SECONDS
) -> Mapping[int, int | None]:
    """Return the status of each page asked in `seconds`."""
    statuses: dict[int, int | None] = {}

    def ask(page: Page, left: float) -> int:
        try:
            status = fetcher.page_status(page.url, min(left, _SECONDS_EACH), allow_private=page.allow_private)
        except Exception:  # because a fault of this program with one page must not cost the letters
            status = None
        statuses[page.entry] = status
        progress(len(statuses), len(pages))
        return SILENT if status is None else ANSWERED

    ask_in_turn(pages, ask, workers, seconds)
    return statuses
