"""Make the views of entries for pages of the archive: as the letter shows them, with all lines and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from digest.facets.searchable import Stretch, mark_words
from digest.letter import cards
from digest.letter.inert import visible
from digest.letter.views import unguard
from digest.model import UNKNOWN, Correction, Entry
from digest.web.archive.addresses import entry_path, list_path
from digest.web.archive.page import ArchiveVisit
from subscribers.characters import cut, last_characters

View = dict[str, Any]
_SNIPPET = 240  # characters around the first word that was searched for
_LONGEST_NAME = 80


def entry_view(asked: ArchiveVisit, entry: Entry, given: Iterable[Correction] = (), *, whole: bool = False) -> View:
    """Return the view of an entry; `whole`: with all the lines of a case study, and not only those of a letter.

    `given` are corrections, of which those of the entry are shown.
    """
    view: View = as_written(cards.card(entry, elsewhere=False, book=asked.book))
    if whole and entry.ingredients:
        # Each with the name of who wrote it, because they are of several.
        lines = [cards.line_view(line, asked.letter, quoted=True) for line in entry.ingredients]
        names = [asked.words.form("archive_ingredient", line.name) for line in entry.ingredients]
        view["lines"] = [as_written(line) | {"name": name} for line, name in zip(lines, names, strict=True)]
        view["told_by"] = ""
    return view | {
        "id": entry.id,
        "site": visible(entry.publisher or entry.source, _LONGEST_NAME),  # where its address leads
        "page": asked.link(entry_path(entry.id)),
        "facets": facet_links(asked, entry),
        "corrections": [correction_line(asked, each) for each in given if each.entry == entry.id],
        "barriers": barrier_names(asked, entry),
    }


def correction_line(asked: ArchiveVisit, correction: Correction) -> View:
    """Return the view of a correction: what it is called, and its text."""
    name = "archive_withdrawn_lead" if correction.withdrawn else "archive_corrected"
    return {"lead": asked.words.say(name), "text": visible(correction.text)}


def facet_links(asked: ArchiveVisit, entry: Entry) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the lists in which an entry stands: for each kind of list (address, name) of its lists.

    Policy areas, regions and themes that config.toml no longer has are left out, because they have no list.
    """
    facets = entry.facets
    groups = (("policy-area", facets.policy_areas), ("region", facets.regions), ("theme", facets.themes))
    listed = []
    for facet, slugs in groups:
        present = asked.slugs(facet)
        links = [
            (asked.link(list_path(facet, slug)), visible(asked.facet_name(facet, slug), _LONGEST_NAME))
            for slug in slugs
            if slug in present and slug != UNKNOWN
        ]
        if links:
            listed.append((facet, links))
    return listed


def barrier_names(asked: ArchiveVisit, entry: Entry) -> list[str]:
    """Return the barriers that the lines of a case study name, in words."""
    slugs = dict.fromkeys(barrier for line in entry.ingredients for barrier in line.barriers)
    return [asked.words.form("archive_barrier", slug) for slug in slugs]


def result_view(asked: ArchiveVisit, entry: Entry, query: Sequence[str]) -> View:
    """Return the view of an entry that a search found, with the words of the query marked in title and text."""
    view = entry_view(asked, entry)
    texts = [*(line["text"] for line in view["lines"]), view["summary"]]
    texts += [visible(line.text) for line in entry.ingredients]
    texts += [paragraph for note in [view["note"]] if note for paragraph in note["paragraphs"]]
    best = max((mark_words(text, query) for text in texts), key=_hits, default=[])
    snippet = _around(best) if _hits(best) else mark_words(cut(next(filter(None, texts), ""), _SNIPPET), query)
    return view | {
        "marked_title": mark_words(view["title"], query),
        "snippet": snippet,
        "marked_facets": [
            (address, mark_words(name, query)) for _, links in view["facets"] for address, name in links
        ],
    }


def as_written(value: Any) -> Any:
    """Return a view of a letter with each "%%" of a stranger as it was written, because a page has no gaps."""
    if isinstance(value, str):
        return unguard(value)
    if isinstance(value, dict):
        return {name: as_written(each) for name, each in value.items()}
    return [as_written(each) for each in value] if isinstance(value, list | tuple) else value


def described(asked: ArchiveVisit, entry: Entry) -> str:
    """Return what a feed and the head of a page say of an entry: its summary, or its lines with their names."""
    view = entry_view(asked, entry)
    lines = [f"{line['name']}: {line['text']}" for line in view["lines"]]
    return " ".join(lines) or view["summary"]


def _hits(marked: Sequence[Stretch]) -> int:
    return sum(part.hit for part in marked)


def _around(marked: Sequence[Stretch]) -> list[Stretch]:
    """Return the part of a marked text around its first hit, with "…" where it is cut."""
    first = next(number for number, part in enumerate(marked) if part.hit)
    before = "".join(part.text for part in marked[:first])
    head = before if len(before) <= _SNIPPET // 2 else "… " + last_characters(before, _SNIPPET // 2).partition(" ")[2]
    stretches, length = [Stretch(head, hit=False)] if head else [], len(head)
    for part in marked[first:]:
        if length + len(part.text) > _SNIPPET and not part.hit:
            stretches.append(Stretch(cut(part.text, max(2, _SNIPPET - length)), hit=False))
            break
        stretches.append(part)
        length += len(part.text)
    return stretches
