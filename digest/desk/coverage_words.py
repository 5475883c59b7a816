"""Say the coverage of an edition in sentences, the same for the page, the terminal and a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from digest.desk.cell import Missed, ReaderInCell
from digest.desk.coverage import EVERY, Coverage, CoverageCell
from digest.desk.silent import SilentReader
from digest.editions.choices import Addition
from digest.errors import counted
from digest.model import NATIONAL, Taxonomy
from subscribers.model import Interests

_SAME = "the same"


def readers_in_words(count: int) -> str:
    """Return a number of readers, with a comma for thousands: "1 reader", "12,400 readers"."""
    return f"{count:,} {'reader' if count == 1 else 'readers'}"


def entries_in_words(count: int) -> str:
    """Return a number of entries: "no entry", "1 entry", "2 entries"."""
    return counted(count, "entry", "entries") if count else "no entry"


def name_of_cell(taxonomy: Taxonomy, area: str, region: str) -> str:
    """Return the name of a cell: "Housing in Wales", "Every policy area in Wales", "Housing in every region"."""
    what = taxonomy.name(area) if area else "Every policy area"
    if region == NATIONAL:
        return f"{what}, {taxonomy.name(NATIONAL)}"
    return f"{what} in {taxonomy.name(region) if region else 'every region'}"


def cell_in_words(taxonomy: Taxonomy, cell: CoverageCell) -> str:
    """Return a cell as a sentence without its full stop: "Housing in Wales: 34 readers, 2 entries"."""
    name, shared = name_of_cell(taxonomy, cell.area, cell.region), ""
    if cell.shared and cell.region not in (NATIONAL, EVERY):
        which = "" if cell.shared == len(cell.entries) else f"{cell.shared} of them "
        shared = f" ({which}for every region)"
    return f"{name}: {readers_in_words(cell.readers)}, {entries_in_words(len(cell.entries))}{shared}"


def interests_in_words(taxonomy: Taxonomy, interests: Interests) -> str:
    """Return what a reader follows: "Housing, Health in Wales; theme Leadership; from elsewhere is off"."""
    areas = _names(taxonomy, interests.policy_areas) or "every policy area"
    regions = _names(taxonomy, interests.regions) or "every region"
    parts = [f"{areas} in {regions}"]
    if interests.themes:
        parts.append(f"{'theme' if len(interests.themes) == 1 else 'themes'} {_names(taxonomy, interests.themes)}")
    if interests.regions and not interests.elsewhere:
        parts.append("from elsewhere is off")
    return "; ".join(parts)


def _names(taxonomy: Taxonomy, slugs: Iterable[str]) -> str:
    return ", ".join(sorted(taxonomy.name(slug) for slug in slugs))


def summary_in_words(coverage: Coverage) -> list[str]:
    """Return the sentences that stand above the table."""
    counts, letters = coverage.counts, coverage.counts.readers.get("pending", 0)
    without = counts.eligible - letters
    sentences = [
        f"{readers_in_words(counts.eligible)} of this cadence; {letters:,} get a letter, {without:,} get none."
        if counts.eligible
        else "This cadence has no readers yet."
    ]
    uncovered = coverage.uncovered
    if uncovered:
        worst = ", ".join(name_of_cell(coverage.taxonomy, cell.area, cell.region) for cell in uncovered[:3])
        cells = counted(len(uncovered), "combination has", "combinations have")
        sentences.append(f"{cells} readers and no entry; most readers: {worst}.")
    elif counts.eligible:
        sentences.append("Every combination that somebody follows has an entry.")
    if coverage.nobody:
        sentences.append(f"{_capital(counted(len(coverage.nobody), 'entry reaches', 'entries reach'))} nobody.")
    return sentences


def histogram_in_words(letters: Mapping[int, int]) -> str:
    """Return the histogram of entries a letter in a sentence."""
    if not letters:
        return "No letter would be written."
    rows = [f"{entries_in_words(size)}: {count:,}" for size, count in sorted(letters.items())]
    return f"Letters by their number of entries: {'; '.join(rows)}."


def changes_in_words(coverage: Coverage) -> list[str]:
    """Return what has changed since the last edition of the cadence, [] for a first one."""
    counts, last = coverage.counts, coverage.counts.last
    if last is None:
        return []
    lines = [
        f"Readers: {_change(last.readers, counts.eligible)}.",
        f"Letters: {_change(last.letters, counts.readers.get('pending', 0))}.",
        f"Entries: {_change(len(last.entries), counts.entries)}.",
    ]
    emptied = sorted([cell for cell in coverage.cells if cell.is_emptied], key=lambda cell: -cell.readers)
    if emptied:
        names = [
            f"{name_of_cell(coverage.taxonomy, cell.area, cell.region)} ({readers_in_words(cell.readers)})"
            for cell in emptied[:8]
        ]
        more = f", and {len(emptied) - 8} more" if len(emptied) > 8 else ""
        lines.append(f"Had entries last time, and have none now: {', '.join(names)}{more}.")
    return lines


def _change(before: int, now: int) -> str:
    change = f"{now - before:+,}".replace("-", "−") if now != before else _SAME
    return f"{before:,} then, {now:,} now ({change})"


def missed_in_words(taxonomy: Taxonomy, missed: Missed) -> str:
    """Return where an entry is from that a reader does not get, and what would bring it."""
    where = ", ".join(taxonomy.name(slug) for slug in missed.entry.facets.regions)
    return f"{where}; {addition_in_words(taxonomy, missed.facet, missed.slug)} would bring it"


def gets_in_words(reader: ReaderInCell) -> str:
    """Return what an edition brings a reader: "4 entries, 2 more have no room", or why nothing."""
    if reader.why:
        return f"nothing: {reader.why}"
    more = f", {reader.over_cap} more {'has' if reader.over_cap == 1 else 'have'} no room" if reader.over_cap else ""
    return entries_in_words(reader.entries) + more


def silent_in_words(taxonomy: Taxonomy, silent: SilentReader) -> str:
    """Return why a silent reader has had nothing, and what would have helped."""
    told = silent.told
    last = f"their last letter was of {told.last}" if told.last else "they have had no letter yet"
    if not told.editions:
        why = "there was no edition"
    elif told.matching:
        why = "something matches: see `digest explain`"
    else:
        why = f"none of {counted(told.entries, 'entry', 'entries')} matches" if told.entries else "no entry was new"
    helped = _choice_in_words(taxonomy, told.choice) if told.choice else "no single choice would have helped"
    return f"{last}; {why}; {helped}"


def addition_in_words(taxonomy: Taxonomy, facet: str, slug: str) -> str:
    """Return one more choice of a reader: "following Scotland", or the section From elsewhere switched on."""
    return "from elsewhere, switched on," if facet == "elsewhere" else f"following {taxonomy.name(slug)}"


def _choice_in_words(taxonomy: Taxonomy, choice: Addition) -> str:
    brings = counted(choice.entries, "entry", "entries")
    return f"{addition_in_words(taxonomy, choice.facet, choice.slug)} would have brought {brings} in twelve weeks"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
