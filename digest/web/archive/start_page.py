"""Show the editions that were sent, month by month, and the ways to all that they brought."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from digest.letter import cards
from digest.letter.inert import visible
from digest.model import Edition
from digest.readers.archive import EDITIONS, FACETS, ArchiveStart, barriers_in_use, read_start
from digest.web.archive.addresses import ARCHIVE, STUDIES, edition_path, entry_path, list_path
from digest.web.archive.feed_links import feed_links
from digest.web.archive.page import ArchiveVisit, archive_page, archive_route, pager_of
from digest.web.archive.structured import collection
from digest.web.readers.page import ReaderAnswer

_SUBJECT = 120  # characters


def _show(asked: ArchiveVisit) -> ReaderAnswer:
    start = read_start(asked.engine, asked.scope, asked.number)
    pager = pager_of(asked, ARCHIVE, start.total, EDITIONS)
    title = asked.words.say("archive_title")
    values = {
        "title": title,
        "months": _months(asked, start),
        "pager": pager,
        "site_language": asked.book.foreign(asked.pages.settings.site.language),
        "ways": ways_of(asked, start.counts),
        "studies": _studies(asked, start.counts),
        "feeds": feed_links(asked, ARCHIVE),
        "canonical": asked.public_address(ARCHIVE, page=pager.page if pager.page > 1 else ""),
        "description": asked.words.say("archive_lead", name=asked.pages.settings.site.name),
        "structured": collection(
            asked, title, ARCHIVE, [(asked.name_of(e), edition_path(e)) for e in start.editions]
        ),
    }
    return archive_page(asked, "start", values)


def ways_of(
    asked: ArchiveVisit, counts: Mapping[tuple[str, str], int]
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Return the lists that have an entry, (address, name, entries), under policy areas, regions and themes."""
    ways = []
    for facet in FACETS:
        rows = [
            (asked.link(list_path(facet, slug)), asked.facet_name(facet, slug), counts[facet, slug])
            for slug in asked.slugs(facet)
            if counts.get((facet, slug))
        ]
        if rows:
            ways.append((facet, rows))
    return ways


def _studies(asked: ArchiveVisit, counts: Mapping[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    """Return the ways to case studies: all of them, and those that name each barrier."""
    every = counts.get(("kind", "case-study"), 0)
    if not every:
        return []
    barriers = [
        (asked.link(STUDIES, barrier=slug), asked.words.form("archive_barrier", slug), count)
        for slug, count in barriers_in_use(counts)
    ]
    return [(asked.link(STUDIES), asked.words.say("archive_every_study"), every), *barriers]


def _months(asked: ArchiveVisit, start: ArchiveStart) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the editions of a page by month: its name, and the views of its editions."""
    months = []
    for month, editions in groupby(start.editions, key=lambda edition: edition.slot[:7]):
        name = asked.words.months[int(month[5:]) - 1]
        title = asked.words.say("archive_month", month=name, year=int(month[:4]))
        months.append((title, [_edition(asked, edition, start) for edition in editions]))
    return months


def _edition(asked: ArchiveVisit, edition: Edition, start: ArchiveStart) -> dict[str, Any]:
    opening = start.openings[edition.id]
    first = [
        (asked.link(entry_path(entry.id)), cards.title(entry), asked.book.language_of(entry))
        for entry in opening.first
    ]
    return {
        "page": asked.link(edition_path(edition)),
        "name": asked.letter.form("cadence", edition.cadence),
        "day": asked.day_of(edition),
        "subject": visible(edition.subject, _SUBJECT),
        "datetime": edition.slot,
        "entries": opening.total,
        "first": [
            {"page": page, "title": title, **asked.book.foreign(language)} for page, title, language in first if title
        ],
    }


PAGES = (archive_route(ARCHIVE, _show),)
