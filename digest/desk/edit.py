"""Release, drop or retag an entry for an editor.

Editions that are not frozen are drafted again; an edition that changes loses its approval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from digest.editions import draft
from digest.editions.classified import with_facets
from digest.errors import WrongUse, counted
from digest.facets.known import slugs_of
from digest.installation import Installation
from digest.model import NATIONAL, Edition, Entry, Evidence
from digest.store import corrections, duplicates, editions, entries, history, releases, standings
from digest.store.engine import writing

_PLURALS = {"policy_area": "policy_areas", "region": "regions", "theme": "themes"}


def release(installation: Installation, numbers: Sequence[int], source: str | None = None) -> list[str]:
    """Release entries by their numbers, or all held entries of `source`; return lines for a person.

    They count the entries, and name each edition that changed because it named one as a near-duplicate. Raises
    WrongUse for an entry or a source that does not exist, and for an entry that is released already; nothing is
    changed then.
    """
    with writing(installation.engine, "release") as conn:
        editions.serialise(conn)
        if source is not None:
            # Oldest first, because gathering releases them in this order.
            numbers = [entry.id for entry in entries.listing(conn, state="held", source=source)][::-1]
            names = [configured.name for configured in installation.settings.sources]
            # Only without entries, because the entries of a source stay when it is taken out of config.toml.
            if not numbers and source not in names:
                raise WrongUse(f"source {source!r} is not in config.toml; known: {', '.join(names) or 'none'}")
        chosen = [entry_of(conn, number) for number in numbers]
        for entry in chosen:
            if entry.state == "ready":
                raise WrongUse(f"entry {entry.id} is released already; nothing was changed")
            if not entry.facets.regions:
                entries.classify(conn, entry.id, with_facets(conn, installation, entry).facets)
            standings.let_go(conn, entry.id)
            duplicates.take_over(conn, entry.id, installation.clock())
            duplicates.set_apart(conn, entry.id)
        released = [entry.id for entry in chosen]
        releases.number(conn, released, "let-go", installation.clock(), installation.settings.welcome)
        return [f"released {counted(len(released), 'entry', 'entries')}", *redrafted(conn, installation, *chosen)]


def drop(installation: Installation, numbers: Sequence[int]) -> list[str]:
    """Drop entries from every edition that is not frozen; return lines for a person.

    They name each edition that changed, and each frozen one whose letters carry an entry: an editor must know who
    has had it. Raises WrongUse for an entry that does not exist; nothing is changed then.
    """
    with writing(installation.engine, "drop") as conn:
        editions.serialise(conn)
        lines = []
        for number in numbers:
            lines += drop_entry(conn, installation, number)
            if readers := corrections.count_readers(conn, number):
                lines.append(
                    f'entry {number}: `digest withdraw {number} --text "…"` tells {_those(readers)} had it,'
                    " at the top of the next letter"
                )
    return lines


def drop_entry(conn: Connection, installation: Installation, number: int) -> list[str]:
    """Drop one entry in the caller's transaction; return lines, and raise, as `drop` does."""
    entry = entry_of(conn, number)
    entries.set_state(conn, number, "dropped")
    duplicates.set_apart(conn, number)
    return [*redrafted(conn, installation, entry), *_sent_with(conn, number)]


def retag(installation: Installation, number: int, wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Give an entry an editor's facets, {facet: slugs or names}; an entry that is ready is released again.

    Return a line for each edition that changed. Raises WrongUse for a value that config.toml does not have, and for
    an entry that does not exist.
    """
    taxonomy = installation.settings.taxonomy
    wanted = {facet: slugs_of(taxonomy, _PLURALS[facet], texts) for facet, texts in wanted.items()}
    with writing(installation.engine, "retag") as conn:
        editions.serialise(conn)
        entry = entry_of(conn, number)
        facets = with_facets(conn, installation, entry).facets
        kept = tuple(evidence for evidence in facets.evidence if evidence.facet not in wanted)
        added = tuple(
            Evidence(facet, slug, "editor", "retagged") for facet, slugs in wanted.items() for slug in slugs
        )
        facets = replace(
            facets,
            policy_areas=wanted.get("policy_area", facets.policy_areas),
            regions=wanted.get("region", facets.regions) or (NATIONAL,),
            themes=wanted.get("theme", facets.themes),
            evidence=kept + added,
        )
        entries.retag(conn, number, facets)
        if entry.state == "ready":
            releases.number(conn, [number], "retagged", installation.clock(), installation.settings.welcome)
        return redrafted(conn, installation, entry)


def entry_of(conn: Connection, number: int) -> Entry:
    """Return an entry. Raises WrongUse when it does not exist."""
    entry = entries.get(conn, number)
    if entry is None:
        raise WrongUse(f"entry {number} does not exist; see `digest entries`")
    return entry


def _sent_with(conn: Connection, number: int) -> Iterator[str]:
    """Yield lines for each frozen edition whose letters carry an entry: how many have left, and the cure."""
    for edition_number, counts in history.letters_with(conn, number).items():
        edition = editions.get(conn, edition_number)
        assert edition is not None
        owed = counts.get("pending", 0) + counts.get("claimed", 0)
        doubt = f", {counts['uncertain']} perhaps" if "uncertain" in counts else ""
        yield (
            f"entry {number}: {counted(counts.get('accepted', 0), 'reader has', 'readers have')} had it{doubt},"
            f" with edition {edition.id}"
            f" ({edition.cadence} {edition.slot}); a letter that has left cannot be called back"
        )
        if owed:
            yield f"{counted(owed, 'letter')} with it still owed: `digest hold {edition.id} --stop` stops the edition"


def _those(readers: int) -> str:
    return "the reader who has" if readers == 1 else f"the {readers} readers who have"


def redrafted(conn: Connection, installation: Installation, *changed: Entry) -> list[str]:
    """Draft the editions again that entries, given as they stood before, change; return a line for each."""
    drafts: list[Edition] = draft.redraft(conn, installation.settings, changed, installation.clock())
    return [
        f"edition {edition.id} ({edition.cadence} {edition.slot}) was drafted again"
        + ("; it must be approved again" if edition.state == "draft" else "")
        for edition in drafts
    ]
