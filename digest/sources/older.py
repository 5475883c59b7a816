"""Follow a feed to its older pages (RFC 5005) while all that it shows is new, so that no entry is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from digest.errors import SourceError
from digest.model import Snapshot, Source
from digest.sources.formats.tidy import MAX_ENTRIES
from digest.sources.read import Fetches, Reading, read_page
from digest.sources.web.login import is_same_service

MOST_PAGES = 10
LONGEST = 60  # seconds, after which no further page is asked, because the other sources wait
PATIENCE = 3  # readings that fail because an older page does, before the source is read without that page
MAY_LACK = "entries may be missing"  # how the problem of a source begins that was read too late
# With fewer entries a feed may show only what is newest, and all of them new is no sign of others.
_FEW = 5

IsAllNew = Callable[[Snapshot], bool]  # whether no entry of a snapshot is stored


def with_older_pages(
    source: Source, reading: Reading, fetcher: Fetches, is_all_new: IsAllNew, now: datetime, patient: bool = False
) -> Reading:
    """Return a reading of a source that was read before, with its older pages as far as they are needed.

    They are needed when every entry is new: others may have come since the last reading, and left the first page
    already. A page that cannot be had, or is elsewhere, is told among the problems, and so is a feed without pages.
    Raises SourceError where `patient` and the page may be had later, because a reading that takes in the first page
    would find nothing new on it the next time, and would never ask for the older ones.
    """
    first = reading.snapshot
    if first is None or reading.skipped or not first.sightings or not is_all_new(first):
        return reading
    if not first.older:
        few = len(first.sightings) < _FEW
        return reading if few else _told(reading, [first], "it shows no entry that it showed before")
    pages, problem, began = [first], "", time.monotonic()
    seen, url = {reading.url}, first.older
    while url and not problem:
        problem = _why_not(url, seen, reading, pages)
        if not problem and time.monotonic() - began > LONGEST:
            problem = f"its {len(pages)} newest pages took more than {LONGEST} s"
        if not problem:
            seen.add(url)
            try:
                page = _page_at(source, url, fetcher, now)
            except SourceError as error:
                if patient and _may_pass(error):
                    raise SourceError(
                        f"an older page cannot be read, so nothing is taken in yet ({error})",
                        retry_after=error.retry_after,
                    ) from error
                problem = f"an older page cannot be read ({error})"
            else:
                pages.append(page)
                url = page.older if page.sightings and is_all_new(page) else ""
    return _told(reading, pages, problem)


def _page_at(source: Source, url: str, fetcher: Fetches, now: datetime) -> Snapshot:
    """Return an older page. Raises SourceError, also for one of which nothing could be read."""
    page = read_page(source, url, fetcher, now)
    if page.problems and not page.sightings:
        raise SourceError(page.problems[0])
    return page


def _may_pass(error: SourceError) -> bool:
    return error.status is None or error.status in (408, 425, 429) or error.status >= 500


def _why_not(url: str, seen: set[str], reading: Reading, pages: list[Snapshot]) -> str:
    """Return why the page at `url` is not asked, or ""."""
    if url in seen:
        return "its pages lead in a circle"
    if not is_same_service(reading.url, url):
        return "its older entries are on another server, which is not asked"
    if len(pages) >= MOST_PAGES or sum(len(page.sightings) for page in pages) >= MAX_ENTRIES:
        return f"all entries of its {len(pages)} newest pages are new"
    return ""


def _told(reading: Reading, pages: list[Snapshot], problem: str) -> Reading:
    """Return a reading of all `pages`, with the problem that kept others back."""
    told = dict.fromkeys(line for page in pages for line in page.problems)
    if problem:
        told[f"{MAY_LACK}: {problem}; gather more often, or look at its page"] = None
    snapshot = replace(
        pages[0],
        sightings=tuple(sighting for page in pages for sighting in page.sightings),
        problems=tuple(told),
        deleted=tuple(dict.fromkeys(guid for page in pages for guid in page.deleted)),
    )
    if len(pages) == 1:
        return replace(reading, snapshot=snapshot)
    on_older = len(snapshot.sightings) - len(pages[0].sightings)
    return replace(reading, snapshot=snapshot, parts=None, on_older_pages=on_older)
