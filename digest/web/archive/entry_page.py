"""Show one entry that was sent: what letters show of it, what readers were told of it since, where it went out."""

from __future__ import annotations

from digest.letter.inert import link, visible
from digest.model import Correction
from digest.readers.archive import ArchivedEntry, read_entry
from digest.web.archive.addresses import ARCHIVE, edition_path, entry_path
from digest.web.archive.entry_views import correction_line, described, entry_view
from digest.web.archive.page import ArchiveVisit, NoArchivePage, archive_page, archive_route
from digest.web.archive.structured import article
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer

_MOST_DIGITS = 18  # of an id, because a database takes no larger number
_TITLE, _PLACE, _TRIED = 200, 60, 300


def _show(asked: ArchiveVisit) -> ReaderAnswer:
    text = asked.visit.path["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise NoArchivePage
    sent = read_entry(asked.engine, asked.scope, int(text))
    if sent is None:
        raise NoArchivePage
    if sent.entry is None:
        return _withdrawn(asked, sent.corrections)
    path, view = entry_path(sent.entry.id), entry_view(asked, sent.entry, sent.corrections, whole=True)
    values = {
        "title": view["title"],
        "entry": view,
        "earlier": _earlier(asked, sent),
        "tried": [(visible(each.place, _PLACE), visible(each.text, _TRIED)) for each in sent.tried],
        "editions": [
            (asked.link(edition_path(edition)), asked.name_of(edition), edition.slot) for edition in sent.editions
        ],
        "trail": [(asked.link(ARCHIVE), asked.words.say("archive_nav"))],
        "feeds": [],
        "canonical": asked.public_address(path),
        "description": described(asked, sent.entry),
        "structured": article(asked, sent),
    }
    return archive_page(asked, "entry", values)


def _earlier(asked: ArchiveVisit, sent: ArchivedEntry) -> tuple[str, str] | None:
    """Return the address and title of the earlier entry: our page of it, or else its source's."""
    if sent.earlier is None:
        return None
    ours = asked.link(entry_path(sent.earlier.entry)) if sent.earlier.entry else None
    address, title = ours or link(sent.earlier.url), visible(sent.earlier.title, _TITLE)
    return (address, title) if address and title else None


def _withdrawn(asked: ArchiveVisit, given: tuple[Correction, ...]) -> ReaderAnswer:
    """Return the short page of an entry that is kept back now, without its title, which may be what is wrong."""
    words = asked.words
    lines = [line for each in given if (line := correction_line(asked, each)["text"])]
    links = [(asked.link(ARCHIVE), words.say("archive_nav"))]
    message = ReaderMessage(
        words.say("archive_withdrawn_title"), [words.say("archive_withdrawn"), *lines], 410, links=links
    )
    return told(words, message)


PAGES = (archive_route(ARCHIVE + "/entries/{number}", _show),)
