"""Show what a search of the archive finds. Search engines do not keep it, because every query has a page."""

from __future__ import annotations

from dataclasses import replace

from digest.facets.searchable import MOST_QUERY, query_words
from digest.letter.inert import visible
from digest.readers.archive import ENTRIES, read_counts, read_search
from digest.web.archive.addresses import ARCHIVE, SEARCH
from digest.web.archive.entry_views import result_view
from digest.web.archive.page import ArchiveVisit, archive_page, archive_route, pager_of
from digest.web.archive.start_page import ways_of
from digest.web.readers.page import ReaderAnswer


def _show(asked: ArchiveVisit) -> ReaderAnswer:
    query = visible(asked.visit.text("q"), MOST_QUERY)
    words = query_words(query)
    listed = read_search(asked.engine, asked.scope, query, asked.number)
    values = {
        "title": asked.words.say("archive_search_title"),
        "query": query,
        "asked_anything": bool(words),
        "total": listed.total,
        "entries": [result_view(asked, row.entry, words) for row in listed.entries],
        "pager": pager_of(asked, SEARCH, listed.total, ENTRIES, q=query),
        # Only where nothing is shown, because that is when another way helps.
        "ways": [] if listed.total else ways_of(asked, read_counts(asked.engine, asked.scope)),
        "trail": [(asked.link(ARCHIVE), asked.words.say("archive_nav"))],
        "feeds": [],
        "most": MOST_QUERY,
    }
    return replace(archive_page(asked, "search", values), indexed=False)


PAGES = (archive_route(SEARCH, _show),)
