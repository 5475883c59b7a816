"""Render a sample for people who think of joining: the newest letter, as a reader who follows everything gets it.

It is rendered by the functions that send letters, as a copy: without any link that belongs to a reader. It has what
the public archive shows of its edition and no more, because everybody may see it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import Connection

from digest.desk.preview import MADE_UP
from digest.editions.plan import Offer, Standing
from digest.group import candidate_of
from digest.installation import Installation
from digest.letter.blocks import ReaderFacts
from digest.model import Correction, Digest, Edition, Entry
from digest.readers.archive import archive_scope, earlier_to_all, visible_to_all
from digest.render import Letters
from digest.store import archive, corrections, editions
from digest.store.archive import Scope, Span
from digest.store.engine import reading
from subscribers.model import Interests, Subscriber

_MOST_TRIED = 8  # editions, because an edition may hold nothing that everybody may see
_FRESH = timedelta(minutes=1)  # because a page that anybody may ask for must cost little


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest letter before it is rendered: its edition, digest, entries, and the corrections that it tells."""

    edition: Edition
    digest: Digest
    entries: tuple[Entry, ...]
    told: tuple[Correction, ...]


@dataclass(slots=True)
class SampleLetters:
    """The sample letters of an installation, each rendered once; several threads may ask."""

    installation: Installation
    _newest: tuple[datetime, Sample | None] | None = None
    _pages: dict[tuple[int, str, Digest, tuple[Correction, ...], str], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def newest(self) -> Sample | None:
        """Return the newest letter that went out and was not stopped, if possible of the default cadence; or None."""
        now = self.installation.clock()
        with self._lock:
            if self._newest is None or not timedelta() <= now - self._newest[0] < _FRESH:
                self._newest = now, self._read()
            return self._newest[1]

    def page(self, sample: Sample, language: str) -> str:
        """Return a sample in a language, as html."""
        key = (sample.edition.id, sample.edition.content_hash, sample.digest, sample.told, language)
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                page = self._rendered(sample, language)
                self._pages = {**dict(list(self._pages.items())[-3:]), key: page}
            return page

    def _read(self) -> Sample | None:
        scope = archive_scope(self.installation.settings)
        if scope is None:
            return None
        with reading(self.installation.engine) as conn:
            usual = {self.installation.settings.default_cadence}.intersection(scope.cadences)
            scopes = (scope._replace(cadences=tuple(usual)), scope)
            public = (archive.edition_list(conn, each, Span(_MOST_TRIED)) for each in scopes)
            samples = (self._sample(conn, scope, edition) for edition in chain.from_iterable(public))
            return next((sample for sample in samples if sample), None)

    def _sample(self, conn: Connection, scope: Scope, edition: Edition) -> Sample | None:
        visible = {entry.id for entry in archive.entries_of(conn, scope, edition.id)}
        shown = [
            replace(row, entry=_public_part(conn, scope, row.entry))
            for row in editions.shown(conn, edition.id)
            if row.entry.id in visible
        ]
        studies = editions.earlier_studies(conn, edition)
        seen = archive.may_be_seen(conn, scope, [entry.id for entry in studies])
        earlier = [candidate_of(entry, 0) for entry in studies if entry.id in seen]
        offer = Offer(self.installation.settings, edition, shown, earlier)
        anybody = Subscriber(0, MADE_UP, cadence=edition.cadence, interests=Interests())
        digest = offer.digest(offer.planned(Standing(anybody, "", edition.from_release, ())))
        placed = {each.entry for each in digest.placed} if digest else set()
        if digest is None or not placed:
            return None
        told = corrections.in_force(conn, placed)
        if any(correction.withdrawn for correction in told):
            return None
        return Sample(edition, digest, tuple(row.entry for row in shown if row.entry.id in placed), tuple(told))

    def _rendered(self, sample: Sample, language: str) -> str:
        settings = self.installation.settings
        home = f"{settings.site.base_url}/"
        facts = ReaderFacts("", MADE_UP, home, home, home, home, top_lines=sample.told)
        letters = Letters(settings, sample.edition, sample.entries, copy=True, corrects=bool(sample.told))
        return letters.render(language, sample.digest, facts).html_text()


def _public_part(conn: Connection, scope: Scope, entry: Entry) -> Entry:
    """Return an entry without the sources and the earlier entries that the archive does not show."""
    earlier = entry.earlier if earlier_to_all(conn, scope, entry) else None
    return replace(visible_to_all(entry, scope), earlier=earlier)
