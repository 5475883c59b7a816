"""Show the entries that were sent on a policy area, a region or a theme, and the case studies by barrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from digest.letter.inert import visible
from digest.model import BARRIERS, CASE_STUDY
from digest.readers.archive import ENTRIES, ArchivedList, barriers_in_use, read_counts, read_list
from digest.web.archive.addresses import ARCHIVE, LISTS, STUDIES, entry_path, list_path
from digest.web.archive.entry_views import entry_view
from digest.web.archive.feed_links import feed_links
from digest.web.archive.page import ArchiveVisit, NoArchivePage, archive_page, archive_route, pager_of
from digest.web.archive.structured import collection
from digest.web.readers.page import ReaderAnswer

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list of entries, so that its page and its feed are the same: its path, its name, and how it is found.

    `kind` is "policy-area", "region", "theme" or "study"; `name` of case studies is that of a barrier, or "".
    """

    path: str
    kind: str
    name: str
    found_by: Sequence[tuple[str, str]]


def named_list(part: str, asked: ArchiveVisit) -> NamedList:
    """Return the list of an address below `part` of LISTS. Raises NoArchivePage for a slug that does not exist."""
    facet, slug = LISTS[part], asked.visit.path["slug"]
    if slug not in asked.slugs(facet):
        raise NoArchivePage
    name = visible(asked.facet_name(facet, slug), _LONGEST_NAME)
    return NamedList(list_path(facet, slug), facet, name, [(facet, slug)])


def studies_list(asked: ArchiveVisit) -> NamedList:
    """Return the list of case studies, with `barrier` of those that name it. Raises NoArchivePage for no barrier."""
    barrier = asked.visit.text("barrier")
    if barrier and barrier not in BARRIERS:
        raise NoArchivePage
    found_by = [("kind", CASE_STUDY), *([("barrier", barrier)] if barrier else [])]
    return NamedList(STUDIES, "study", asked.words.form("archive_barrier", barrier) if barrier else "", found_by)


def _facet(part: str, asked: ArchiveVisit) -> ReaderAnswer:
    named = named_list(part, asked)
    listed = read_list(asked.engine, asked.scope, named.found_by, asked.number)
    return _page(asked, named, listed, named.name)


def _studies(asked: ArchiveVisit) -> ReaderAnswer:
    named, barrier = studies_list(asked), asked.visit.text("barrier")
    listed = read_list(asked.engine, asked.scope, named.found_by, asked.number)
    counts = read_counts(asked.engine, asked.scope)
    barriers = [
        (asked.link(STUDIES, barrier=slug), asked.words.form("archive_barrier", slug), count, slug == barrier)
        for slug, count in barriers_in_use(counts)
    ]
    every = (asked.link(STUDIES), asked.words.say("archive_every_study"), counts.get(("kind", CASE_STUDY), 0))
    filters = [(*every, not barrier), *barriers] if barriers else []
    return _page(asked, named, listed, asked.words.say("archive_studies"), filters, barrier)


def _page(
    asked: ArchiveVisit,
    named: NamedList,
    listed: ArchivedList,
    title: str,
    filters: Sequence[tuple[str, str, int, bool]] = (),
    barrier: str = "",
) -> ReaderAnswer:
    pager = pager_of(asked, named.path, listed.total, ENTRIES, barrier=barrier)
    entries = [entry_view(asked, row.entry, row.corrections) for row in listed.entries]
    page = pager.page if pager.page > 1 else ""
    values = {
        "title": title,
        "kind": named.kind,
        "barrier": named.name if barrier else "",
        "total": listed.total,
        "entries": entries,
        "filters": filters,
        "pager": pager,
        "trail": [(asked.link(ARCHIVE), asked.words.say("archive_nav"))],
        "feeds": feed_links(asked, named.path, barrier=barrier),
        "canonical": asked.public_address(named.path, barrier=barrier, page=page),
        "description": asked.words.form("archive_list_lead", named.kind, name=title),
        "structured": collection(
            asked, title, named.path, [(view["title"], entry_path(view["id"])) for view in entries]
        ),
    }
    return archive_page(asked, "list", values)


PAGES = (
    *(archive_route(f"{ARCHIVE}/{part}/{{slug}}", partial(_facet, part)) for part in LISTS),
    archive_route(STUDIES, _studies),
)
