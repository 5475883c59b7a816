"""Make the values that templates use: plain dictionaries of inert text from the edition, its entries and a digest.

The same templates are rendered in two ways. To compile an edition, they get every part that a digest may have, with
%%tokens%% for the words of a reader or digest. To render one letter as a whole, they get one digest's parts and
words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache

from digest.letter import cards
from digest.letter.bidi import isolated
from digest.letter.blocks import BlockKey, EditionFacts, Exceptional, Heading, PartKey, PartSource, ReaderFacts, Sited
from digest.letter.book import Book, View
from digest.letter.brand import Brand, Colours
from digest.letter.colours import ink_on
from digest.letter.inert import PERCENT, inert_line, link, paragraphs, reader_url, visible, without_tokens
from digest.letter.subject import subject as subject_of
from digest.letter.words import Words, direction
from digest.model import CASE_STUDY, UNKNOWN, Correction, Digest, Placed, Reason, Section, Site, Taxonomy, Tried
from subscribers.model import Interests

DIGEST_TOKENS = ("subject", "preheader")
CORRECTION_TOKENS = ("lead", "told", "sentence")
PART_TOKENS = ("why", "reason", "exception", "more", "more_link", *CORRECTION_TOKENS)
EDITORS_SUBJECT = 120  # characters, because no mail program shows more

# The words of an entry, by its section, that only the digest knows.
_OWN_WORDS = {"areas": ("exception",), "elsewhere": ("reason",)}


def shell_views(edition: EditionFacts, book: Book) -> View:
    """Return the values that every template has besides parts and reader: site, brand, letter, edition, words."""
    return {
        "site": _site_view(book.site),
        "brand": _brand_view(book.brand, book.site),
        "letter": {"language": book.language, "dir": direction(book.language), "is_copy": edition.copy},
        "edition": _edition_view(edition, book),
        "words": {name: inert_line(text) for name, text in book.words.fixed.items()},
    }


def _site_view(site: Site) -> View:
    return {
        "name": inert_line(site.name),
        "url": link(site.base_url),
        "contact": inert_line((site.reply_to or site.sender).address),
        "privacy_url": link(f"{site.base_url}/privacy"),
        "accessibility_url": link(f"{site.base_url}/accessibility"),
    }


def _brand_view(brand: Brand, site: Site) -> View:
    address = (inert_line(line) for line in re.split(r"[\r\n]+|, ", brand.address or site.postal_address))
    logo = brand.logo
    return {
        "name": inert_line(brand.name or site.name),
        "address": [line for line in address if line],
        "logo": asdict(logo) | {"url": link(logo.url), "alt": inert_line(logo.alt, cards.TITLE)} if logo else None,
        "light": _colours_view(brand.light),
        "dark": _colours_view(brand.dark),
    }


def _colours_view(colours: Colours) -> View:
    return asdict(colours) | {"on_accent": ink_on(colours.accent)}


def _edition_view(edition: EditionFacts, book: Book) -> View:
    return {
        "title": inert_line(book.words.form("cadence", edition.cadence)),
        "day": book.words.day(edition.day, book.site.zone),
        "note": paragraphs(edition.note),
        **book.foreign(book.site.language),
    }


def part(key: BlockKey, words: Mapping[str, str], book: Book) -> View:
    """Return the view of one part of a letter; `words` are those (or their tokens) that only a digest knows."""
    if key == "correction":
        told = {"lead": words["lead"], "text": words["told"], "sentence": words["sentence"]}
        return {"template": "correction", **told, **book.foreign(book.site.language)}
    if key == "carried":
        return {"template": "carried"}
    if key == "question":
        return {"template": "question", "text": inert_line(book.question), **book.foreign(book.site.language)}
    if isinstance(key, str):
        return {"template": "more", "more": words["more"], "more_link": words["more_link"]}
    kind, name = key
    if kind == "section":
        why = words["why"] if name == "elsewhere" else ""
        return {"template": "section", "title": inert_line(book.words.sentences[str(name)]), "why": why}
    if kind == "step":
        return {"template": "step", **cards.step(int(name), book)}
    if kind == "group":
        return {"template": "group", **_group(str(name), book), "reason": words["reason"]}
    view = cards.card(book.entries[int(name)], kind == "elsewhere", book)
    # In a reader's own areas the group says the reason, and a card only what differs.
    return view | {"reason": "", "exception": ""} | {name: words[name] for name in _OWN_WORDS[kind]}


def _group(slug: str, book: Book) -> View:
    """Return a policy area's heading, with its language when that differs from the letter's."""
    if not slug or (name := book.words.translated(book.taxonomy, slug)):
        return {"title": inert_line(name if slug else book.words.sentences["unsorted"]), **book.foreign("")}
    return {"title": inert_line(book.taxonomy.name(slug)), **book.foreign(book.site.language)}


def every_key(book: Book, *, corrects: bool) -> list[BlockKey]:
    """Return the key of every part that any letter with these entries may need."""
    areas = [term.slug for term in book.taxonomy.policy_areas]
    strays = {slug for entry in book.entries.values() for slug in entry.facets.policy_areas} - set(areas)
    studies = [entry.id for entry in book.entries.values() if entry.kind == CASE_STUDY]
    return [
        *(["carried"] if book.carries else []),
        ("section", "areas"),
        *(("group", slug) for slug in (*areas, *sorted(strays), "")),
        *(("areas", entry) for entry in book.entries),
        ("section", "elsewhere"),
        *(("elsewhere", entry) for entry in studies),
        "more",
        *(("step", entry) for entry in sorted(book.asking)),
        *([("step", 0)] if book.step else []),
        *(["question"] if book.question else []),
        *(["correction"] if corrects else []),
    ]


def digest_parts(digest: Digest, book: Book) -> list[PartKey]:
    """Return the key of each part of a digest in reading order, with what its words are made of."""
    parts: list[PartKey] = [("carried", None)] if digest.again else []
    for section in digest.sections:
        key = section.key
        far = key == "elsewhere"
        parts.append((("section", key), _heading(section, book) if far else None))
        for group in section.groups:
            if far:
                parts += [((key, placed.entry), _sited(placed, book)) for placed in group.placed]
                continue
            common = _common([placed.reason for placed in group.placed])
            parts.append((("group", group.slug), common))
            parts += [
                ((key, placed.entry), None if placed.reason == common else Exceptional(placed.reason))
                for placed in group.placed
            ]
    if digest.more:
        parts.append(("more", digest.more))
    asked = next((placed.entry for placed in digest.placed if placed.entry in book.asking), 0)
    if asked or book.step:
        parts.append((("step", asked), None))
    if book.question:
        parts.append(("question", None))
    return parts


def _common(reasons: Sequence[Reason]) -> Reason:
    """Return the reason that a group says: the first of the most frequent, or one that names no region.

    Where the place of an entry is not known, the group names no region, because that would be said of this entry too.
    """
    return next((reason for reason in reasons if reason.region == UNKNOWN), max(reasons, key=reasons.count))


def _heading(section: Section, book: Book) -> Heading:
    return Heading(any(placed.entry in book.telling for group in section.groups for placed in group.placed))


def _sited(placed: Placed, book: Book) -> Sited:
    """Return the reason of an entry from elsewhere, with the place where only the entry tells it."""
    entry = book.entries.get(placed.entry)
    told = entry is not None and placed.reason.code == "elsewhere-barrier"
    return Sited(placed.reason, visible(entry.facets.place, cards.PLACE) if entry and told else "")


def part_words(book: Book, source: PartSource) -> dict[str, str]:
    """Return the words of a part that only the digest knows, made of `source` as in `PartKey`."""
    if isinstance(source, Reason):
        return {"reason": _reason(book.words, book.taxonomy, source)}
    if isinstance(source, Sited):
        return {"reason": _reason(book.words, book.taxonomy, source.reason, source.place)}
    if isinstance(source, Heading):
        return {"why": inert_line(book.words.sentences["elsewhere_why" if source.ingredients else "elsewhere_plain"])}
    if isinstance(source, Correction | Tried):
        # Not without_tokens, because it fills gaps only, and no template sees it.
        words = book.words
        lead = words.correction_lead(source) if isinstance(source, Correction) else words.tried_lead(source)
        told = isolated(visible(source.text), direction(words.language))
        return {"lead": lead, "told": told, "sentence": f"{lead} {told}"}
    if isinstance(source, Exceptional):
        return {"exception": without_tokens(book.words.exception(source.reason))}
    if source:
        return {"more": book.words.more(source), "more_link": book.words.more_link(source)}
    return {"exception": ""}


# These remember by the words and the taxonomy, not by the book, because a book holds all entries of an edition.
@lru_cache(maxsize=4096)
def _reason(words: Words, taxonomy: Taxonomy, reason: Reason, place: str = "") -> str:
    return without_tokens(words.reason(reason, taxonomy, place))


@lru_cache(maxsize=512)
def interests(words: Words, taxonomy: Taxonomy, follows: Interests) -> str:
    """Return a reader's interests in words."""
    return words.interests(follows, taxonomy)


def digest_values(digest: Digest, book: Book, subject: str) -> dict[str, str]:
    """Return the subject and preheader that all readers of a digest share.

    `subject` is the editor's; "" makes one from the entries.
    """
    return {
        "subject": isolated(visible(subject, EDITORS_SUBJECT), direction(book.words.language))
        or subject_of(book.words, digest, book.entries, book.taxonomy),
        "preheader": book.words.preheader(digest, book.taxonomy),
    }


def reader_values(reader: ReaderFacts, words: Words, cadence: str, shown: tuple[int, int]) -> dict[str, str]:
    """Return the words and links that only one reader's letter carries; ValueError for an unfit link."""
    return {
        "intro": words.intro(reader.name, shown),
        "email": visible(reader.email),
        "why_letter": why_letter(words, cadence, reader.interests),
        "unsubscribe_url": reader_url(reader.unsubscribe_url),
        "preferences_url": reader_url(reader.preferences_url),
        "pause_url": reader_url(reader.pause_url),
        "browser_url": reader_url(reader.browser_url),
        "more_url": reader_url(reader.more_url or reader.browser_url),
    }


def why_letter(words: Words, cadence: str, interests: str) -> str:
    """Return the sentences that tell a reader why they get the letter; `interests` are in words."""
    return words.why_letter(cadence, visible(interests, 1000))


def unguard(text: str) -> str:
    """Return rendered text in which each "%%" of a stranger reads as it was written."""
    return text.replace(PERCENT, "%")
