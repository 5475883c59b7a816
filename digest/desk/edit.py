"""Release, drop or retag an entry for an editor.

Editions that are not frozen are drafted again; an edition that changes loses its approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from digest.desk.acts import Hand
from digest.desk.entry_acts import entry_act
from digest.editions import draft
from digest.editions.classified import with_facets
from digest.errors import WrongUse, counted
from digest.facets.known import gone_from, slugs_of
from digest.facets.rules import FIELDS
from digest.installation import Installation
from digest.model import KINDS, NATIONAL, Edition, Entry, Evidence, Facets, Taxonomy
from digest.store import corrections, duplicates, editions, entries, entry_edits, history, releases, standings
from digest.store.corrections import GivenCorrection
from digest.store.engine import writing


def release(installation: Installation, hand: Hand, numbers: Sequence[int], source: str | None = None) -> list[str]:
    """Release entries by their numbers, or all held entries of `source`; return lines for a person.

    They count the entries, tell of each withdrawal that is taken back how many readers were told of it, and name each
    edition that changed because it named one as a near-duplicate. Raises WrongUse for an entry or a source that does
    not exist, and for an entry that is released already; nothing is changed then.
    """
    with writing(installation.engine, "release") as conn:
        editions.serialise(conn)
        if source is not None:
            # Oldest first, because gathering releases them in this order.
            numbers = [entry.id for entry in entries.listing(conn, state="held", source=source)][::-1]
            # Only without entries, because the entries of a source stay when it is taken out of config.toml.
            if not numbers:
                installation.settings.check_source(source)
        chosen = [entry_of(conn, number) for number in numbers]
        for entry in chosen:
            if entry.state == "ready":
                raise WrongUse(f"entry {entry.id} is released already; nothing was changed")
        with entry_act(conn, installation, hand, "release", [entry.id for entry in chosen]):
            lines = release_entries(conn, installation, chosen)
        return [f"released {counted(len(chosen), 'entry', 'entries')}", *lines]


def release_entries(conn: Connection, installation: Installation, chosen: Sequence[Entry]) -> list[str]:
    """Release entries in the caller's transaction; return lines as `release` does."""
    lines = []
    for entry in chosen:
        if not entry.facets.regions:
            entries.classify(conn, entry.id, with_facets(conn, installation, entry).facets)
        edit = entry_edits.edits_of(conn, [entry.id]).get(entry.id)
        if edit is not None and edit.open_question:  # else a deadline takes it out again
            entry_edits.store_edit(conn, entry.id, replace(edit, open_question=""), installation.clock())
        standings.let_go(conn, entry.id)
        duplicates.take_over(conn, entry.id, installation.clock())
        duplicates.set_apart(conn, entry.id)
        withdrawals = corrections.cancel_corrections(conn, entry.id, installation.clock(), withdrawn=True)
        lines += [f"entry {entry.id}: {cancelled_in_words(given)}" for given in withdrawals]
    released = [entry.id for entry in chosen]
    releases.number(conn, released, "let-go", installation.clock(), installation.settings.welcome)
    return [*lines, *redrafted(conn, installation, *chosen)]


def drop(installation: Installation, hand: Hand, numbers: Sequence[int]) -> list[str]:
    """Drop entries from every edition that is not frozen; return lines for a person.

    They name each edition that changed, and each frozen one whose letters carry an entry: an editor must know who
    has had it. Raises WrongUse for an entry that does not exist; nothing is changed then.
    """
    with writing(installation.engine, "drop") as conn:
        editions.serialise(conn)
        lines = []
        for number in numbers:
            withdrawn = corrections.is_withdrawn(conn, entry_of(conn, number))
            with entry_act(conn, installation, hand, "drop", [number]):
                lines += drop_entry(conn, installation, number)
            if not withdrawn and (readers := corrections.count_readers(conn, number)):
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


def retag(
    installation: Installation, hand: Hand, number: int, wanted: Mapping[str, tuple[str, ...]], kind: str = ""
) -> list[str]:
    """Give an entry an editor's facets, {facet: slugs or names}, and kind; one that is ready is released again.

    Return a line for each edition that changed. Raises WrongUse for a value that config.toml does not have, and for
    an entry that does not exist.
    """
    with writing(installation.engine, "retag") as conn:
        editions.serialise(conn)
        return retag_entry(conn, installation, hand, number, wanted, kind)


def retag_entry(
    conn: Connection, installation: Installation, hand: Hand, number: int, wanted: Mapping[str, tuple[str, ...]],
    kind: str,
) -> list[str]:  # fmt: skip
    """Give an entry facets and kind in the caller's transaction; return lines, and raise, as `retag` does.

    A value that the entry has already is taken also when config.toml does not have it any more.
    """
    if kind and kind not in KINDS:
        raise WrongUse(f"the kind {kind!r} is not known; write {' or '.join(KINDS)}; nothing was changed")
    entry = entry_of(conn, number)
    facets = with_facets(conn, installation, entry).facets
    wanted = {facet: _slugs(installation.settings.taxonomy, facets, facet, texts) for facet, texts in wanted.items()}
    if kind:
        wanted = {**wanted, "kind": (kind,)}
    kept = tuple(evidence for evidence in facets.evidence if evidence.facet not in wanted)
    added = tuple(Evidence(facet, slug, "editor", "retagged") for facet, slugs in wanted.items() for slug in slugs)
    facets = replace(
        facets,
        policy_areas=wanted.get("policy_area", facets.policy_areas),
        regions=wanted.get("region", facets.regions) or (NATIONAL,),
        themes=wanted.get("theme", facets.themes),
        evidence=kept + added,
    )
    with entry_act(conn, installation, hand, "retag", [number]):
        entries.retag(conn, number, facets)
    if entry.state == "ready":
        releases.number(conn, [number], "retagged", installation.clock(), installation.settings.welcome)
    return redrafted(conn, installation, entry)


def _slugs(taxonomy: Taxonomy, facets: Facets, facet: str, texts: Iterable[str]) -> tuple[str, ...]:
    field = FIELDS[facet]
    gone = {*gone_from(taxonomy, getattr(facets, field), field)}
    kept = tuple(text for text in texts if text in gone)
    return slugs_of(taxonomy, field, [text for text in texts if text not in gone]) + kept


def entry_of(conn: Connection, number: int) -> Entry:
    """Return an entry. Raises WrongUse when it does not exist."""
    entry = entries.get(conn, number)
    if entry is None:
        raise WrongUse(f"entry {number} does not exist; see `digest entries`")
    return entry


def cancelled_in_words(given: GivenCorrection) -> str:
    """Return in words how many readers a correction that is taken back was, and was not, told to."""
    what = "withdrawal" if given.withdrawn else "correction"
    told = f"; {counted(given.told, 'letter tells', 'letters tell')} it" if given.told else ""
    return f"the {what} “{given.text}” is taken back for {counted(given.untold, 'reader')} not yet told{told}"


def _sent_with(conn: Connection, number: int) -> Iterator[str]:
    """Yield lines for each frozen edition whose letters carry an entry: how many have left, and the cure."""
    for edition_number, counts in history.letters_with(conn, number).items():
        edition = editions.get(conn, edition_number)
        assert edition is not None
        doubt = f", {counts['uncertain']} perhaps" if "uncertain" in counts else ""
        yield (
            f"entry {number}: {counted(counts.get('accepted', 0), 'reader has', 'readers have')} had it{doubt},"
            f" with edition {edition.id}"
            f" ({edition.cadence} {edition.slot}); a letter that has left cannot be called back"
        )
        yield from _owed_with(edition.id, counts)


def still_to_come(conn: Connection, number: int) -> Iterator[str]:
    """Yield lines for each edition whose letters will still bring an entry as it is, with the cure."""
    for edition_number, counts in history.letters_with(conn, number).items():
        yield from _owed_with(edition_number, counts)
    for edition in editions.unfrozen(conn):
        if any(row.entry.id == number for row in editions.shown(conn, edition.id)):
            yield (
                f"edition {edition.id} ({edition.cadence} {edition.slot}, {edition.state}) has entry {number}"
                f" as it is; its letters tell the correction too, and `digest drop {number}` takes the entry out"
            )


def _owed_with(edition: int, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a line if letters with an entry are still to be handed over; `counts`: those of an edition, by state."""
    if owed := counts.get("pending", 0) + counts.get("claimed", 0):
        yield f"{counted(owed, 'letter')} with it still owed: `digest hold {edition} --stop` stops the edition"


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
