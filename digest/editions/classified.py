"""Classify the entries of a source before the transaction that stores them, and its baseline only when needed.

An entry of a baseline is not mailed, so that it is stored without facets: without any region, which every
classified entry has. `with_facets` gives them to whoever lists, shows or releases it.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from digest.classify import Classifier
from digest.editions.withdraw import is_out
from digest.facets.entry_text import says_more
from digest.facets.rules import NO_RULES, Rules
from digest.installation import Installation
from digest.model import UNKNOWN, Entry, Facets, Sighting, Source
from digest.sources.newness import print_of
from digest.store import entries, sources
from digest.store.engine import reading
from subscribers.characters import whole_characters

UNCLASSIFIED = Facets(regions=())
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CarefulClassifier:
    """Classify sightings; one that cannot be classified stays without policy area and is named in `problems`.

    `rules` are the editors'. `ready` holds the facets that are known already, by `id()` of a sighting.
    """

    classifier: Classifier
    rules: Rules = NO_RULES
    problems: list[str] = field(default_factory=list)
    ready: dict[int, Facets] = field(default_factory=dict)

    def classify(self, sighting: Sighting, source: Source) -> Facets:
        """Return the facets of a sighting, or none for an error that nobody foresaw."""
        if id(sighting) not in self.ready:
            self.ready[id(sighting)] = self._judge(sighting, source)
        return self.ready[id(sighting)]

    def _judge(self, sighting: Sighting, source: Source) -> Facets:
        try:
            return self.classifier.classify(sighting, source, self.rules)
        except Exception as error:
            _log.debug("classifying failed", exc_info=error)
            self.problems.append(
                f"{whole_characters(sighting.title, 60)!r} cannot be classified ({type(error).__name__}):"
                " give its facets with"
                " `digest retag`, and please report it"
            )
            return Facets(regions=(UNKNOWN,))


def careful_classifier(installation: Installation) -> CarefulClassifier:
    """Return a classifier by the configuration and the editors' rules of an installation."""
    return CarefulClassifier(installation.classifier, installation.rules)


def with_whole_text(sighting: Sighting, text: str) -> Sighting:
    """Return a sighting with the whole text of its page as its body, where that is longer than its own."""
    if not says_more(text, sighting.html):
        return sighting
    return replace(sighting, html=html.escape(text, quote=False))


def classified(
    installation: Installation, source: Source, sightings: Sequence[Sighting], now: datetime
) -> CarefulClassifier:
    """Return a classifier that has classified the new and the changed sightings of a reading.

    Those that become the baseline of a source are left out, unless they declare facets (`can_wait`).
    Called before the transaction that stores them, because classifying takes long and others wait to write.
    """
    classifier = careful_classifier(installation)
    prints = {id(sighting): print_of(sighting) for sighting in sightings}
    with reading(installation.engine) as conn:
        state = sources.state_of(conn, source)
        stored = entries.stored_prints(conn, source.name, prints.values())
    waiting: set[int] = set()
    if state.first_ok_at is None and not state.hold_next:
        # A draft, and an entry ahead of its date, are no baseline. One that is shown twice counts once.
        shown = [sighting for sighting in sightings if not is_out(sighting, now) and sighting.not_before is None]
        apart = list({prints[id(sighting)]: sighting for sighting in shown}.values())
        owed = {id(sighting) for sighting in owed_of(source, apart, now)}
        waiting = {id(sighting) for sighting in apart if id(sighting) not in owed and can_wait(sighting)}
    for sighting in sightings:
        if prints[id(sighting)] not in stored and id(sighting) not in waiting:
            classifier.classify(sighting, source)
    return classifier


def owed_of(source: Source, sightings: Sequence[Sighting], now: datetime) -> list[Sighting]:
    """Return those of a source's first sight that readers get: the newest n, or all of the last n days."""
    if source.backfill.span is not None:
        since = now - source.backfill.span
        return [sighting for sighting in sightings if sighting.published and sighting.published >= since]
    oldest = datetime.min.replace(tzinfo=now.tzinfo)
    newest = sorted(sightings, key=lambda sighting: sighting.published or oldest, reverse=True)
    return newest[: source.backfill.count]


def can_wait(sighting: Sighting) -> bool:
    """Return whether a sighting that becomes an entry of the baseline is classified when needed.

    One that declares its own facets is not, because these are not stored.
    """
    return not (sighting.place or sighting.policy_areas or sighting.regions or sighting.themes)


def with_facets(conn: Connection, installation: Installation, entry: Entry) -> Entry:
    """Return an entry with its facets, which an entry of a baseline gets here by today's configuration."""
    if entry.facets.regions:
        return entry
    facets = careful_classifier(installation).classify(
        entries.sighting(conn, entry.id), source_named(installation, entry.source)
    )
    return replace(entry, facets=facets, kind=facets.kind or entry.kind)


def source_named(installation: Installation, name: str) -> Source:
    """Return a source of config.toml, or one without any setting when it is no longer there."""
    return next((source for source in installation.settings.sources if source.name == name), Source(name))
