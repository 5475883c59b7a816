"""List every page of the archive."""

from __future__ import annotations

from digest.web.archive import edition_page, entry_page, feed_pages, list_pages, search_page, sitemap, start_page
from digest.web.readers.page import ReaderRoute

PAGES: tuple[ReaderRoute, ...] = (
    *start_page.PAGES,
    *feed_pages.PAGES,
    *entry_page.PAGES,
    *list_pages.PAGES,
    *search_page.PAGES,
    *sitemap.PAGES,
    # Last, because the name of a cadence stands where others have their own.
    *edition_page.PAGES,
)
