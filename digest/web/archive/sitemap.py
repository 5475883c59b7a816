"""Tell search engines which pages there are, and which they may read: sitemap.xml and robots.txt.

The pages whose address has a key are not named in robots.txt: all is refused that is not public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from digest.model import CASE_STUDY
from digest.readers.archive import entry_dates, every_edition, read_counts
from digest.web.archive.addresses import ARCHIVE, LISTS, SEARCH, STUDIES, edition_path, entry_path, list_path
from digest.web.archive.page import ArchiveVisit, NoArchivePage, archive_route
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.shell import legal_links, public_links

MOST = 50_000  # addresses of a file, by the protocol
_XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XML = "application/xml"
Row = tuple[str, datetime | None]
Counts = Mapping[tuple[str, str], int]


def sitemap_pages(most: int = MOST) -> tuple[ReaderRoute, ...]:
    """Return the routes of the sitemap, and with more than `most` addresses of its parts."""

    def whole(asked: ArchiveVisit) -> ReaderAnswer:
        counts = read_counts(asked.engine, asked.scope)
        entries = sum(count for (facet, _), count in counts.items() if facet == "kind")
        first = _first(asked, counts)
        if len(first) + entries <= most:
            return _listing(asked, [*first, *_entries(asked, most, 0)])
        parts = range(1, 2 + -(-entries // most))
        return _index(asked, [f"/sitemap/{number}.xml" for number in parts])

    def part(asked: ArchiveVisit) -> ReaderAnswer:
        number = int(asked.visit.path["number"][:6])
        if number == 1:
            return _listing(asked, _first(asked, read_counts(asked.engine, asked.scope))[:most])
        rows = _entries(asked, most, (number - 2) * most) if number > 1 else []
        if not rows:
            raise NoArchivePage
        return _listing(asked, rows)

    return (archive_route("/sitemap.xml", whole), archive_route("/sitemap/{number:int}.xml", part))


def _first(asked: ArchiveVisit, counts: Counts) -> list[Row]:
    """Return the addresses of all pages but those of entries, and of lists but those without an entry."""
    pages = asked.pages
    paths = dict.fromkeys(path for path, _ in (*public_links(pages), *legal_links(pages)))
    paths.pop(SEARCH, None)  # because it has a page for every query
    paths |= {STUDIES: None} if ("kind", CASE_STUDY) in counts else {}
    lists = [
        list_path(facet, slug) for facet in LISTS.values() for slug in asked.slugs(facet) if (facet, slug) in counts
    ]
    editions = every_edition(asked.engine, asked.scope, MOST)
    rows: list[Row] = [(path, None) for path in (*paths, *lists)]
    return [*rows, *((edition_path(edition), edition.frozen_at) for edition in editions)]


def _entries(asked: ArchiveVisit, most: int, offset: int) -> list[Row]:
    return [(entry_path(number), at) for number, at in entry_dates(asked.engine, asked.scope, most, offset)]


def _listing(asked: ArchiveVisit, rows: Iterable[Row]) -> ReaderAnswer:
    lines = [
        f"<url><loc>{escape(asked.public_address(path))}</loc>"
        + (f"<lastmod>{at:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if at else "")
        + "</url>"
        for path, at in rows
    ]
    return _document("urlset", lines)


def _index(asked: ArchiveVisit, paths: Sequence[str]) -> ReaderAnswer:
    lines = [f"<sitemap><loc>{escape(asked.public_address(path))}</loc></sitemap>" for path in paths]
    return _document("sitemapindex", lines)


def _document(name: str, lines: Sequence[str]) -> ReaderAnswer:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_XMLNS}">\n' + "\n".join(lines) + f"\n</{name}>\n"
    )
    return ReaderAnswer(body=text.encode(), media_type=_XML, indexed=True)


def _robots(pages: ReaderPages, _visit: Visit) -> ReaderAnswer:
    root = pages.root
    paths = dict.fromkeys(path for path, _ in (*public_links(pages), *legal_links(pages)))
    allowed = [f"Allow: {root}{path}{'$' if path == '/' else ''}" for path in paths if path not in (ARCHIVE, SEARCH)]
    lines = ["User-agent: *", *allowed]
    if pages.archived:
        lines += [f"Allow: {root}{ARCHIVE}", f"Allow: {root}/sitemap"]
    lines.append(f"Disallow: {root}/")
    if pages.archived:
        lines += ["", f"Sitemap: {pages.settings.site.base_url}/sitemap.xml"]
    return ReaderAnswer(body=("\n".join(lines) + "\n").encode(), media_type="text/plain", indexed=True)


PAGES = (*sitemap_pages(), ReaderRoute("/robots.txt", _robots))
