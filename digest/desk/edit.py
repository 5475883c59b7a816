"""Edit: an editor releases, drops or retags an entry; open editions follow, and approvals of changed ones fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest.editions import draft
from digest.errors import WrongUse
from digest.facets.known import slugs_of
from digest.installation import Installation
from digest.model import NATIONAL, Edition, Entry, Evidence
from digest.store import editions, entries, releases
from digest.store.engine import writing

_PLURALS = {"policy_area": "policy_areas", "region": "regions", "theme": "themes"}


def release(installation: Installation, numbers: Sequence[int], source: str | None = None) -> list[int]:
    """Release entries that are held, baseline or dropped: by number, or all held ones of `source`."""
    with writing(installation.engine, "release") as conn:
        editions.serialise(conn)
        if source is not None:
            # Oldest first, as a gather would have released them.
            numbers = [one.id for one in entries.listing(conn, state="held", source=source)][::-1]
            names = [one.name for one in installation.settings.sources]
            # Entries outlive a source that was taken out of the config.
            if not numbers and source not in names:
                raise WrongUse(f"source {source!r} is not in config.toml; known: {', '.join(names) or 'none'}")
        chosen = [_entry(conn, number) for number in numbers]
        for one in chosen:
            if one.state == "ready":
                raise WrongUse(f"entry {one.id} is released already; nothing was changed")
            entries.set_state(conn, one.id, "ready")
        done = [one.id for one in chosen]
        releases.number(conn, done, "let-go", installation.clock(), installation.settings.welcome)
    return done


def drop(installation: Installation, numbers: Sequence[int]) -> list[str]:
    """Take entries out of what is still to be sent; return a line for each edition that changed."""
    with writing(installation.engine, "drop") as conn:
        editions.serialise(conn)
        lines = []
        for number in numbers:
            _entry(conn, number)
            entries.set_state(conn, number, "dropped")
            lines += _follow(conn, installation, number, installation.clock())
    return lines


def retag(installation: Installation, number: int, wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Give an entry the facets an editor wants (facet to slugs or names) and release it again.

    Return a line for each edition that changed. Raises WrongUse for a slug that is not in the configuration.
    """
    taxonomy = installation.settings.taxonomy
    wanted = {facet: slugs_of(taxonomy, _PLURALS[facet], texts) for facet, texts in wanted.items()}
    with writing(installation.engine, "retag") as conn:
        editions.serialise(conn)
        one = _entry(conn, number)
        facets = one.facets
        kept = tuple(e for e in facets.evidence if e.facet not in wanted)
        said = tuple(Evidence(facet, slug, "editor", "retagged") for facet, slugs in wanted.items() for slug in slugs)
        facets = replace(
            facets,
            policy_areas=wanted.get("policy_area", facets.policy_areas),
            regions=wanted.get("region", facets.regions) or (NATIONAL,),
            themes=wanted.get("theme", facets.themes),
            evidence=kept + said,
        )
        entries.retag(conn, number, facets)
        if one.state == "ready":
            releases.number(conn, [number], "retagged", installation.clock(), installation.settings.welcome)
        return _follow(conn, installation, number, installation.clock())


def _entry(conn: Connection, number: int) -> Entry:
    one = entries.get(conn, number)
    if one is None:
        raise WrongUse(f"entry {number} does not exist; see `digest entries`")
    return one


def _follow(conn: Connection, installation: Installation, number: int, now: datetime) -> list[str]:
    changed: list[Edition] = draft.redraft(conn, installation.settings, number, now)
    return [
        f"edition {one.id} ({one.cadence} {one.slot}) was drafted again"
        + ("; it must be approved again" if one.state == "draft" else "")
        for one in changed
    ]
