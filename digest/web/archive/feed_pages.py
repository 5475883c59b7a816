"""Answer with the feeds of the archive: of all, of an edition, of each list, and of case studies.

A feed is in the site's language, because many readers share the copy that a cache keeps of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial

from digest.letter import cards
from digest.letter.inert import link, visible
from digest.readers.archive import Listed, read_list, read_newest
from digest.web.archive.addresses import ARCHIVE, LISTS, STUDIES, edition_path, entry_path
from digest.web.archive.edition_page import edition_of_visit
from digest.web.archive.entry_views import correction_line, described
from digest.web.archive.feed import Feed, FeedItem, atom_of, json_of
from digest.web.archive.feed_links import ATOM, JSON, feed_links
from digest.web.archive.list_pages import NamedList, named_list, studies_list
from digest.web.archive.page import ArchiveVisit, archive_route
from digest.web.readers.page import ReaderAnswer, ReaderRoute

MOST = 50  # entries of a feed
_SOURCE = 80
_FORMS: dict[str, tuple[str, Callable[[Feed], bytes]]] = {"atom": (ATOM, atom_of), "json": (JSON, json_of)}
Making = Callable[[ArchiveVisit], Feed]
Naming = Callable[[ArchiveVisit], NamedList]


def _every(asked: ArchiveVisit) -> Feed:
    listed = read_newest(asked.engine, asked.scope, MOST)
    return _feed(asked, asked.pages.settings.site.name, ARCHIVE, listed.entries)


def _edition(asked: ArchiveVisit) -> Feed:
    sent = edition_of_visit(asked)
    at = sent.edition.frozen_at
    assert at is not None  # because it was sent
    rows = []
    for entry in sent.entries:
        given = tuple(each for each in sent.corrections if each.entry == entry.id)
        rows.append(Listed(entry, at, sent.changed if given else at, given))
    return _feed(asked, asked.name_of(sent.edition), edition_path(sent.edition), rows)


def _of_list(name: Naming, asked: ArchiveVisit) -> Feed:
    named = name(asked)
    listed = read_list(asked.engine, asked.scope, named.found_by, 1, MOST)
    title = named.name or asked.words.say("archive_studies")
    if named.kind == "study" and named.name:
        title = f"{asked.words.say('archive_studies')}: {named.name}"
    fields = {"barrier": asked.visit.text("barrier")} if named.kind == "study" else {}
    return _feed(asked, title, named.path, listed.entries, **fields)


def _feed(asked: ArchiveVisit, title: str, path: str, rows: Iterable[Listed], **fields: str) -> Feed:
    site = asked.pages.settings.site
    atom, json = (each.address for each in feed_links(asked, path, **fields))
    name = title if title == site.name else f"{title} – {site.name}"
    items = [_item(asked, row) for row in rows]
    page = asked.public_address(path, **fields)
    return Feed(name, page, atom, json, site.name, site.base_url, asked.words.language, items)


def _item(asked: ArchiveVisit, row: Listed) -> FeedItem:
    entry = row.entry
    # Corrections stand first, because a feed reader shows the beginning.
    lines = [correction_line(asked, each) for each in row.corrections]
    given = [f"{line['lead']} {line['text']}" for line in lines]
    facets = (
        ("policy-area", entry.facets.policy_areas),
        ("region", entry.facets.regions),
        ("theme", entry.facets.themes),
    )
    tags = [
        (slug, asked.facet_name(facet, slug))
        for facet, slugs in facets
        for slug in slugs
        if slug in asked.slugs(facet)
    ]
    return FeedItem(
        page=asked.public_address(entry_path(entry.id)),
        title=cards.title(entry) or asked.letter.kind(entry.kind),
        text=" ".join([*given, described(asked, entry)]),
        author=visible(entry.publisher or entry.source, _SOURCE) or asked.pages.settings.site.name,
        published=row.first,
        updated=row.changed,
        source=link(entry.url),
        tags=tags,
        language=asked.book.language_of(entry),
    )


def _routes(path: str, make: Making) -> list[ReaderRoute]:
    """Return the routes of the feeds of the page with this path, one for each form."""

    def showing(form: str) -> Callable[[ArchiveVisit], ReaderAnswer]:
        def show(asked: ArchiveVisit) -> ReaderAnswer:
            media_type, write = _FORMS[form]
            # In the site's language, whatever the browser asks for; links in it choose none either.
            feed = make(replace(asked, words=asked.pages.words()))
            headers = {"Last-Modified": last_modified(feed.updated)}
            return ReaderAnswer(body=write(feed), media_type=media_type, headers=headers, indexed=True)

        return show

    return [archive_route(f"{path}/feed.{form}", showing(form)) for form in _FORMS]


def last_modified(moment: datetime) -> str:
    """Return an instant as a header of HTTP has it."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


PAGES: tuple[ReaderRoute, ...] = (
    *_routes(ARCHIVE, _every),
    *(
        route
        for part in LISTS
        for route in _routes(f"{ARCHIVE}/{part}/{{slug}}", partial(_of_list, partial(named_list, part)))
    ),
    *_routes(STUDIES, partial(_of_list, studies_list)),
    *_routes(ARCHIVE + "/{cadence}/{slot}", _edition),
)
