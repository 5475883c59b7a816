"""Describe pages of the archive to search engines, in schema.org's words as JSON-LD.

It stands in a data block, which no browser executes, and which the content policy of the pages therefore allows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from digest.letter import cards
from digest.letter.inert import link, visible
from digest.model import Entry
from digest.readers.archive import ArchivedEdition, ArchivedEntry
from digest.web.archive.addresses import ARCHIVE, edition_path, entry_path
from digest.web.archive.entry_views import described
from digest.web.archive.page import ArchiveVisit

_NAME, _SOURCE = 200, 80


def collection(asked: ArchiveVisit, title: str, path: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return the description of a page that lists others, as (name, path)."""
    listed = [
        {"@type": "ListItem", "position": place, "name": name, "url": asked.public_address(row)}
        for place, (name, row) in enumerate(rows, 1)
    ]
    page = {
        "@type": "CollectionPage",
        "name": title,
        "url": asked.public_address(path),
        "inLanguage": asked.words.language,
        "publisher": _publisher(asked),
        "mainEntity": {"@type": "ItemList", "itemListElement": listed},
    }
    return _block(page, _trail(asked, [] if path == ARCHIVE else [(title, path)]))


def report(asked: ArchiveVisit, sent: ArchivedEdition) -> str:
    """Return the description of an edition."""
    edition, path = sent.edition, edition_path(sent.edition)
    title = asked.name_of(edition)
    page = {
        "@type": "Report",
        "name": title,
        "headline": visible(edition.subject, _NAME) or title,
        "url": asked.public_address(path),
        "datePublished": edition.slot,
        "dateModified": sent.changed.isoformat(timespec="seconds"),
        "inLanguage": asked.pages.settings.site.language,
        "publisher": _publisher(asked),
        "hasPart": [
            {"@type": "Article", "headline": cards.title(entry), "url": asked.public_address(entry_path(entry.id))}
            for entry in sent.entries
        ],
    }
    return _block(page, _trail(asked, [(title, path)]))


def article(asked: ArchiveVisit, sent: ArchivedEntry) -> str:
    """Return the description of an entry."""
    entry = sent.entry
    assert entry is not None
    path, title = entry_path(entry.id), cards.title(entry)
    page = {
        "@type": "Article",
        "headline": title,
        "url": asked.public_address(path),
        "datePublished": (entry.published or entry.first_seen).isoformat(timespec="seconds"),
        "dateModified": sent.changed.isoformat(timespec="seconds"),
        "inLanguage": asked.book.language_of(entry),
        "author": {"@type": "Organization", "name": visible(entry.publisher or entry.source, _SOURCE)},
        "publisher": _publisher(asked),
        "description": described(asked, entry),
        "about": _about(asked, entry),
        "isPartOf": [
            {"@type": "Report", "name": asked.name_of(edition), "url": asked.public_address(edition_path(edition))}
            for edition in sent.editions
        ],
    }
    if source := link(entry.url):
        page["isBasedOn"] = source
    return _block(page, _trail(asked, [(title, path)]))


def _about(asked: ArchiveVisit, entry: Entry) -> list[dict[str, str]]:
    things = [("policy-area", slug) for slug in entry.facets.policy_areas if slug in asked.slugs("policy-area")]
    things += [("theme", slug) for slug in entry.facets.themes if slug in asked.slugs("theme")]
    about = [{"@type": "Thing", "name": asked.facet_name(facet, slug)} for facet, slug in things]
    if place := visible(entry.facets.place, _SOURCE):
        about.append({"@type": "Place", "name": place})
    return about


def _publisher(asked: ArchiveVisit) -> dict[str, str]:
    site = asked.pages.settings.site
    return {"@type": "Organization", "name": site.name, "url": site.base_url}


def _trail(asked: ArchiveVisit, steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    every = [(asked.words.say("archive_nav"), ARCHIVE), *steps]
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": asked.public_address(path)}
            for place, (name, path) in enumerate(every, 1)
        ],
    }


def _block(*things: dict[str, Any]) -> str:
    """Return things as JSON that no title can end early, because it holds neither "<" nor "&"."""
    document = {"@context": "https://schema.org", "@graph": things}
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
