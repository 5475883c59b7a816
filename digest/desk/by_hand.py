"""Add an entry by hand: a post or case study that an editor writes, which no source shows."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from digest.desk.acts import Hand, record
from digest.desk.entry_acts import entry_name, entry_values
from digest.editions import draft
from digest.editions.classified import careful_classifier
from digest.errors import WrongUse
from digest.facets.known import slugs_of
from digest.installation import Installation
from digest.letter.cards import TITLE
from digest.letter.inert import link
from digest.model import KINDS, EntryEdit, Facets, Sighting, Source
from digest.sources.newness import LINK, New, keys_of
from digest.store import editions, entries, entry_edits, releases
from digest.store.engine import writing
from subscribers.characters import cut
from subscribers.invisible import one_line

_MOST_TEXT = 20_000  # characters
_MOST_ADDRESS = 2_000


@dataclass(frozen=True, slots=True)
class Written:
    """Hold an entry as an editor writes it: plain text, and the facets that they give (names or slugs) by plural.

    A facet that is not given is read from the text, as that of any entry. `source` is the name that readers see
    ("": that of the site).
    """

    title: str
    text: str
    url: str = ""
    kind: str = KINDS[0]
    source: str = ""
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """Hold an entry as it was written, without mistakes, with what it becomes."""

    written: Written
    sighting: Sighting
    source: Source
    facets: Facets


def write_entry(installation: Installation, hand: Hand, written: Written) -> tuple[int, list[str]]:
    """Store and release an entry that an editor wrote; return its number, and lines for a person.

    Editions that are not frozen take it in, and with it all else that was released since they were drafted. Raises
    WrongUse for a title or text that is missing or too long, an address that cannot be linked or that an entry has
    already, and a facet or kind that is not known.
    """
    checked = check_written(installation, written)
    with writing(installation.engine, "write entry") as conn:
        editions.serialise(conn)
        return add_written(conn, installation, hand, checked, hand.by)


def check_written(installation: Installation, written: Written) -> CheckedEntry:
    """Return what was written with its facets. Raises WrongUse as `write_entry` does."""
    sighting, source = _checked(installation, written)
    # Before the transaction, because it may read the editors' rules and takes a moment.
    facets = careful_classifier(installation).classify(sighting, source)
    return CheckedEntry(written, sighting, source, facets)


def add_written(
    conn: Connection, installation: Installation, hand: Hand, checked: CheckedEntry, signer: str
) -> tuple[int, list[str]]:  # fmt: skip
    """Do what `write_entry` does in the caller's transaction, after `editions.serialise`; `signer` wrote it."""
    sighting, facets = checked.sighting, checked.facets
    keys = keys_of(sighting, checked.source.name)
    now, welcome = installation.clock(), installation.settings.welcome
    known_by = entries.stored_keys(conn, keys.values()).keys
    if stored := next(filter(None, known_by.values()), None):
        same = "address" if known_by.get(keys.get(LINK, "")) else "title or text of this day"
        raise WrongUse(f"entry {stored} has this {same} already; `digest reword {stored}` changes it")
    new = New(sighting, tuple(keys.values()))
    row = entries.NewEntry(checked.source.name, new, checked.written.kind, facets, "ready")
    (number,) = entries.add(conn, [row], now)
    # Signed, because its lines stand in no source.
    signed = EntryEdit(title=sighting.title, summary=sighting.summary, worded_by=signer)
    entry_edits.store_edit(conn, number, signed, now)
    if checked.written.facets:
        entries.retag(conn, number, facets)  # because no later reading of the text may change what they gave
    releases.number(conn, [number], "new", now, welcome)
    record(conn, installation, hand, "write", entry_name(number), ({}, entry_values(conn, number)))
    lines = [f"entry {number} is written"]
    for edition in editions.unfrozen(conn):
        again = draft.with_latest(conn, installation.settings, edition, now)
        lines.append(f"edition {again.id} ({again.cadence} {again.slot}) was drafted again with it")
    return number, lines


def _checked(installation: Installation, written: Written) -> tuple[Sighting, Source]:
    """Return what an editor wrote as a sighting, and its source. Raises WrongUse."""
    settings = installation.settings
    title, text, address = one_line(written.title), written.text.strip(), written.url.strip()
    if not title or len(title) > TITLE:
        raise WrongUse(f"the title has {len(title)} characters; write 1 to {TITLE}; nothing was added")
    if not text or len(text) > _MOST_TEXT:
        raise WrongUse(f"the text has {len(text):,} characters; write 1 to {_MOST_TEXT:,}; nothing was added")
    if address and (len(address) > _MOST_ADDRESS or link(address) is None):
        raise WrongUse(f"{address[:80]!r} is no address that a letter can link to; begin it with https://")
    if written.kind not in KINDS:
        raise WrongUse(f"the kind {written.kind!r} is not known; write {' or '.join(KINDS)}; nothing was added")
    given = {plural: slugs_of(settings.taxonomy, plural, names) for plural, names in written.facets.items()}
    first = one_line(text.split("\n\n")[0])
    source = Source(one_line(written.source) or settings.site.name, kind=written.kind)
    if source.name in [configured.name for configured in settings.sources]:
        # Because the next gather would withdraw it, as the source does not show it.
        raise WrongUse(
            f"{source.name!r} is a source of config.toml; name whose the entry is in other words (--source)"
        )
    body = "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in text.split("\n\n") if part.strip())
    sighting = Sighting(
        None, address or None, title, published=installation.clock(), summary=cut(first, 300), html=body,
        kind=written.kind, policy_areas=given.get("policy_areas", ()), regions=given.get("regions", ()),
        themes=given.get("themes", ()),
    )  # fmt: skip
    return sighting, source
