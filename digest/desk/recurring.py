"""Gather the case studies of the last year for an editor who writes about what keeps coming up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from digest.editions.classified import with_facets
from digest.editions.ingredients import ingredients_of
from digest.installation import Installation
from digest.learning.recurring import Recurring, recurring
from digest.model import CASE_STUDY
from digest.store import entries
from digest.store.engine import reading

YEAR = timedelta(days=365)
_PUBLISHED = ("ready", "baseline")


def keeps_coming_up(installation: Installation) -> list[Recurring]:
    """Return the barriers and themes that three or more case studies of the last year share, most frequent first.

    Case studies that are held, withheld, dropped or duplicates are left out; those of a baseline count, because their
    sources have published them. Of each barrier or theme the newest case study comes first.
    """
    since = installation.clock() - YEAR
    with reading(installation.engine) as conn:
        studies = [
            entry
            for entry in entries.listing(conn, since=since)
            if entry.kind == CASE_STUDY and entry.state in _PUBLISHED and (entry.published or since) >= since
        ]
        told = ingredients_of(conn, studies)
        studies = [
            replace(with_facets(conn, installation, entry), ingredients=told.get(entry.id, ())) for entry in studies
        ]
    return recurring(sorted(studies, key=lambda entry: entry.published or entry.first_seen, reverse=True))
