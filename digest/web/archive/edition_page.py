"""Show an edition that was sent, so far as everybody may see it: its note, its entries in order, and its question."""

from __future__ import annotations

import re

from digest.letter.inert import paragraphs, visible
from digest.model import Edition
from digest.readers.archive import ArchivedEdition, read_edition
from digest.web.archive.addresses import ARCHIVE, edition_path
from digest.web.archive.entry_views import as_written, correction_line, entry_view
from digest.web.archive.feed_links import feed_links
from digest.web.archive.page import ArchiveVisit, NoArchivePage, archive_page, archive_route
from digest.web.archive.structured import report
from digest.web.readers.page import ReaderAnswer

_SUBJECT, _QUESTION = 120, 600  # characters
_SLOT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def edition_of_visit(asked: ArchiveVisit) -> ArchivedEdition:
    """Return the edition that an address names. Raises NoArchivePage when it may not be seen."""
    cadence, slot = (asked.visit.path[part] for part in ("cadence", "slot"))
    # Asked for only where there could be one, because PostgreSQL takes no text with a NUL.
    edition = read_edition(asked.engine, asked.scope, cadence, slot) if _SLOT.fullmatch(slot) else None
    if edition is None:
        raise NoArchivePage
    return edition


def _show(asked: ArchiveVisit) -> ReaderAnswer:
    sent = edition_of_visit(asked)
    edition, path = sent.edition, edition_path(sent.edition)
    title = asked.name_of(edition)
    subject = visible(edition.subject, _SUBJECT)
    values = {
        "title": title,
        "subject": subject,
        "datetime": edition.slot,
        "site_language": asked.book.foreign(asked.pages.settings.site.language),
        "note": as_written(paragraphs(edition.note)),
        "entries": [entry_view(asked, entry, sent.corrections) for entry in sent.entries],
        "gone": _gone(asked, sent),
        "question": visible(edition.question, _QUESTION),
        "step": visible(edition.step, _QUESTION),
        "beside": [_beside(asked, edition) for edition in (sent.before, sent.after)],
        "trail": [(asked.link(ARCHIVE), asked.words.say("archive_nav"))],
        "feeds": feed_links(asked, path),
        "canonical": asked.public_address(path),
        "description": subject or asked.words.count("archive_entries", len(sent.entries)),
        "structured": report(asked, sent),
    }
    return archive_page(asked, "edition", values)


def _gone(asked: ArchiveVisit, sent: ArchivedEdition) -> list[dict[str, object]]:
    """Return a line for each entry that is kept back now, with what readers were told of it."""
    lines = []
    for number in sent.gone:
        told = [each for each in sent.corrections if each.entry == number and each.withdrawn]
        lines += [correction_line(asked, each) for each in told] or [
            {"lead": asked.words.say("archive_withdrawn_lead"), "text": ""}
        ]
    return lines


def _beside(asked: ArchiveVisit, edition: Edition | None) -> tuple[str, str]:
    return (asked.link(edition_path(edition)), asked.day_of(edition)) if edition else ("", "")


# Last of the pages of the archive, because the name of a cadence stands where others have their own.
PAGES = (archive_route(ARCHIVE + "/{cadence}/{slot}", _show),)
