"""What templates see: plain dictionaries of inert text, made from the edition, its entries and a digest.

A template is rendered in two ways from the same values. Compiling gives it every part there may be and
%%tokens%% where a reader's or a digest's own words go; rendering whole gives it one digest and the words.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from digest.letter import words
from digest.letter.clean import PERCENT, content, link, paragraphs, reader_url, visible
from digest.letter.values import BlockKey, EditionFacts, ReaderFacts
from digest.model import CASE_STUDY, Digest, Entry, Site, Taxonomy

READER_TOKENS = (
    "intro",
    "email",
    "why_letter",
    "unsubscribe_url",
    "preferences_url",
    "pause_url",
    "browser_url",
    "more_url",
)
DIGEST_TOKENS = ("subject", "preheader")
PART_TOKENS = ("reason", "more", "more_link")
TITLE = 200
SUMMARY = 300
COLUMNS = 72
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")

View = dict[str, object]


def site_view(site: Site) -> View:
    """Return what templates know of who sends."""
    address = (content(line) for line in re.split(r"[\r\n]+|, ", site.postal_address))
    mailbox = site.reply_to or site.sender
    return {
        "name": content(site.name),
        "url": link(site.base_url),
        "contact": content(mailbox.rpartition("<")[2].rstrip("> ")),
        "address": [line for line in address if line],
        "language": site.language,
        "dir": words.direction(site.language),
    }


def edition_view(edition: EditionFacts, site: Site) -> View:
    """Return what templates know of the edition."""
    return {
        "cadence": words.CADENCE.get(edition.cadence, content(edition.cadence)),
        "day": words.day(edition.slot, site.zone),
        "note": paragraphs(edition.note),
    }


@dataclass(frozen=True, slots=True)
class Book:
    """What every part is made from: who sends, the facets' names, and the edition's entries by id."""

    site: Site
    taxonomy: Taxonomy
    entries: Mapping[int, Entry]


def part(key: BlockKey, own: Mapping[str, str], book: Book) -> View:
    """Return the view of one part of a letter; `own` are the words (or tokens) that only a digest knows."""
    if isinstance(key, str):
        return {"template": "more", "more": own["more"], "more_link": own["more_link"]}
    kind, name = key
    if kind == "section":
        why = words.FIXED["elsewhere_why"] if name == "elsewhere" else ""
        return {"template": "section", "title": words.FIXED[str(name)], "why": why}
    if kind == "group":
        title = content(book.taxonomy.name(str(name))) if name else words.FIXED["unsorted"]
        return {"template": "group", "title": title}
    return card(book.entries[int(name)], kind == "elsewhere", book.site) | {"reason": own["reason"]}


def card(entry: Entry, elsewhere: bool, site: Site) -> View:
    """Return the view of one entry; its heading is one level higher where no group heads it."""
    language = entry.language if entry.language and _LANGUAGE.fullmatch(entry.language) else ""
    foreign = bool(language) and language.lower().split("-")[0] != site.language.lower().split("-")[0]
    return {
        "template": "card",
        "level": 3 if elsewhere else 4,
        "title": content(title(entry), TITLE),
        "url": link(entry.url),
        "summary": content(entry.summary, SUMMARY),
        "source": content(entry.source, 80),
        "day": words.day(entry.published, site.zone),
        "kind": words.kind(entry.kind),
        "case_study": entry.kind == CASE_STUDY,
        "place": content(words.place(visible(entry.facets.place, 60), entry.facets.regions)),
        "language": language if foreign else "",
        "dir": words.direction(language) if foreign else "",
    }


def title(entry: Entry) -> str:
    """Return an entry's title, or what best stands for one: its summary, its source, its kind."""
    for text, limit in ((entry.title, TITLE), (entry.summary, 80), (entry.source, 80)):
        if found := visible(text, limit):
            return found
    return words.kind(entry.kind)


def every_key(book: Book) -> list[BlockKey]:
    """Return the key of every part that any digest of these entries may need."""
    known = [term.slug for term in book.taxonomy.policy_areas]
    strays = {slug for entry in book.entries.values() for slug in entry.facets.policy_areas} - set(known)
    studies = [entry.id for entry in book.entries.values() if entry.kind == CASE_STUDY]
    return [
        ("section", "areas"),
        *(("group", slug) for slug in (*known, *sorted(strays), "")),
        *(("areas", entry) for entry in book.entries),
        ("section", "elsewhere"),
        *(("elsewhere", entry) for entry in studies),
        "more",
    ]


def digest_keys(digest: Digest, taxonomy: Taxonomy) -> list[tuple[BlockKey, dict[str, str]]]:
    """Return the key of each part of a digest in reading order, with the words that only the digest knows."""
    keys: list[tuple[BlockKey, dict[str, str]]] = []
    for section in digest.sections:
        keys.append((("section", section.key), {}))
        for group in section.groups:
            if section.key != "elsewhere":
                keys.append((("group", group.slug), {}))
            for placed in group.placed:
                keys.append(((section.key, placed.entry), {"reason": words.reason(placed.reason, taxonomy)}))
    if digest.more:
        keys.append(("more", {"more": words.more(digest.more), "more_link": words.more_link(digest.more)}))
    return keys


def digest_values(digest: Digest, book: Book, subject: str) -> dict[str, str]:
    """Return the words of a letter's shell that all readers of one digest share; `subject` "" makes one."""
    top = title(book.entries[digest.placed[0].entry])
    return {
        "subject": visible(subject, words.SUBJECT * 2) or words.subject(top, len(digest.placed) - 1),
        "preheader": words.preheader(digest, book.taxonomy),
    }


def reader_values(reader: ReaderFacts, cadence: str, shown: tuple[int, int]) -> dict[str, str]:
    """Return the words and links that only one reader's letter carries; ValueError for an unfit link."""
    return {
        "intro": words.intro(reader.name, shown),
        "email": visible(reader.email),
        "why_letter": _why_letter(cadence, reader.interests),
        "unsubscribe_url": reader_url(reader.unsubscribe_url),
        "preferences_url": reader_url(reader.preferences_url),
        "pause_url": reader_url(reader.pause_url),
        "browser_url": reader_url(reader.browser_url),
        "more_url": reader_url(reader.more_url or reader.browser_url),
    }


@lru_cache(maxsize=4096)
def _why_letter(cadence: str, interests: str) -> str:
    return words.why_letter(cadence, visible(interests, 1000))


@lru_cache(maxsize=8192)
def wrapped(sentence: str) -> str:
    """Return a sentence in lines of at most 72 columns for the text part; addresses stay whole."""
    if len(sentence) <= COLUMNS:
        return sentence
    return textwrap.fill(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False)


def unguard(text: str) -> str:
    """Return rendered text in which what strangers wrote as "%%" reads so again."""
    return text.replace(PERCENT, "%")
