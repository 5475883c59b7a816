"""Make the values that templates use: plain dictionaries of inert text from the edition, its entries and a digest.

The same templates are rendered in two ways. To compile an edition, they get every part that a digest may have, with
%%tokens%% for the words of a reader or digest. To render one letter as a whole, they get one digest's parts and
words.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

from digest.letter.blocks import BlockKey, EditionFacts, PartKey, ReaderFacts
from digest.letter.brand import SHIPPED, Brand, Colours
from digest.letter.colours import ink_on
from digest.letter.inert import PERCENT, inert_line, link, paragraphs, reader_url, visible
from digest.letter.words import SUBJECT, Words, direction, primary
from digest.model import CASE_STUDY, Digest, Entry, Image, Reason, Site, Taxonomy
from subscribers.languages import is_language_tag
from subscribers.model import Interests

DIGEST_TOKENS = ("subject", "preheader")
PART_TOKENS = ("reason", "more", "more_link")
TITLE = 200
SUMMARY = 300
COLUMNS = 72
PICTURE = 480  # CSS pixels: the greatest width of a picture inside a case study's panel

_ROW = re.compile(rf"(.{{1,{COLUMNS}}}|[^ ]+)(?: |$)")

View = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Hold the sources of every part: the site, the facets' names, entries by id, a language's words, the brand."""

    site: Site
    taxonomy: Taxonomy
    entries: Mapping[int, Entry]
    words: Words
    brand: Brand = SHIPPED

    @property
    def language(self) -> str:
        """Return the letter's language tag: the site's own tag ("en-GB") when the languages are the same."""
        same = primary(self.site.language) == self.words.language
        return self.site.language if same else self.words.language


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
    }


def _brand_view(brand: Brand, site: Site) -> View:
    address = (inert_line(line) for line in re.split(r"[\r\n]+|, ", brand.address or site.postal_address))
    logo = brand.logo
    return {
        "name": inert_line(brand.name or site.name),
        "address": [line for line in address if line],
        "logo": asdict(logo) | {"url": link(logo.url), "alt": inert_line(logo.alt, TITLE)} if logo else None,
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
        **_language_view(book.site.language, book),
    }


def _language_view(language: str, book: Book) -> View:
    """Return `language` and its `dir` when it differs from the letter's language; both "" when it does not."""
    foreign = bool(language) and primary(language) != book.words.language
    return {"language": language if foreign else "", "dir": direction(language) if foreign else ""}


def part(key: BlockKey, words: Mapping[str, str], book: Book) -> View:
    """Return the view of one part of a letter; `words` are those (or their tokens) that only a digest knows."""
    if isinstance(key, str):
        return {"template": "more", "more": words["more"], "more_link": words["more_link"]}
    kind, name = key
    sentences = book.words.sentences
    if kind == "section":
        why = sentences["elsewhere_why"] if name == "elsewhere" else ""
        return {"template": "section", "title": inert_line(sentences[str(name)]), "why": inert_line(why)}
    if kind == "group":
        return {"template": "group", **_group(str(name), book)}
    return card(book.entries[int(name)], kind == "elsewhere", book) | {"reason": words["reason"]}


def _group(slug: str, book: Book) -> View:
    """Return a policy area's heading, with its language when that differs from the letter's."""
    if not slug or (name := book.words.translated(book.taxonomy, slug)):
        return {"title": inert_line(name if slug else book.words.sentences["unsorted"]), "language": "", "dir": ""}
    return {"title": inert_line(book.taxonomy.name(slug)), **_language_view(book.site.language, book)}


def card(entry: Entry, elsewhere: bool, book: Book) -> View:
    """Return the view of one entry. Elsewhere its heading is a level higher, because no group has a heading there.

    `language` and `dir` are those of the entry's own words (title, summary, source) if they differ from the letter's.
    """
    language = entry.language if entry.language and is_language_tag(entry.language) else book.site.language
    study = entry.kind == CASE_STUDY
    return {
        "template": "card",
        "level": 3 if elsewhere else 4,
        "title": inert_line(title(entry) or book.words.kind(entry.kind), TITLE),
        "url": link(entry.url),
        "summary": inert_line(entry.summary, SUMMARY),
        "source": inert_line(entry.source, 80),
        "day": book.words.day(entry.published, book.site.zone),
        "kind": inert_line(book.words.kind(entry.kind)),
        "case_study": study,
        "picture": picture_view(entry.image) if study else None,
        "place": inert_line(book.words.place(visible(entry.facets.place, 60), entry.facets.regions)),
        **_language_view(language, book),
    }


def picture_view(image: Image | None) -> View | None:
    """Return the view of an image, or None unless it is https, at least 300 pixels wide and described in words.

    An image of unknown size, or more than twice as high as wide, is None too. `width` and `height` are the size at
    which it is shown.
    """
    if image is None or not image.width or not image.height or image.width < 300:
        return None
    url, alt = link(image.url), inert_line(image.alt, TITLE)
    if url is None or not url.startswith("https://") or not alt or image.height > 2 * image.width:
        return None
    width = min(image.width, PICTURE)
    height = max(1, round(image.height * width / image.width))
    return {"url": url, "alt": alt, "width": width, "height": height}


def title(entry: Entry) -> str:
    """Return an entry's title, or else its summary, or else its source; "" when it has none of them."""
    for text, limit in ((entry.title, TITLE), (entry.summary, 80), (entry.source, 80)):
        if line := visible(text, limit):
            return line
    return ""


def every_key(book: Book) -> list[BlockKey]:
    """Return the key of every part that any digest of these entries may need."""
    areas = [term.slug for term in book.taxonomy.policy_areas]
    strays = {slug for entry in book.entries.values() for slug in entry.facets.policy_areas} - set(areas)
    studies = [entry.id for entry in book.entries.values() if entry.kind == CASE_STUDY]
    return [
        ("section", "areas"),
        *(("group", slug) for slug in (*areas, *sorted(strays), "")),
        *(("areas", entry) for entry in book.entries),
        ("section", "elsewhere"),
        *(("elsewhere", entry) for entry in studies),
        "more",
    ]


def digest_parts(digest: Digest) -> list[PartKey]:
    """Return the key of each part of a digest in reading order, with what its words are made of."""
    parts: list[PartKey] = []
    for section in digest.sections:
        key = section.key
        parts.append((("section", key), None))
        for group in section.groups:
            if key != "elsewhere":
                parts.append((("group", group.slug), None))
            parts += [((key, placed.entry), placed.reason) for placed in group.placed]
    if digest.more:
        parts.append(("more", digest.more))
    return parts


def part_words(book: Book, source: Reason | int | None) -> dict[str, str]:
    """Return the words of a part that only the digest knows, made of `source` as in `PartKey`."""
    if isinstance(source, Reason):
        return {"reason": _reason(book.words, book.taxonomy, source)}
    if source:
        return {"more": book.words.more(source), "more_link": book.words.more_link(source)}
    return {}


# These remember by the words and the taxonomy, not by the book, because a book holds all entries of an edition.
@lru_cache(maxsize=4096)
def _reason(words: Words, taxonomy: Taxonomy, reason: Reason) -> str:
    return inert_line(words.reason(reason, taxonomy))


@lru_cache(maxsize=512)
def interests(words: Words, taxonomy: Taxonomy, follows: Interests) -> str:
    """Return a reader's interests in words."""
    return words.interests(follows, taxonomy)


def digest_values(digest: Digest, book: Book, subject: str) -> dict[str, str]:
    """Return the subject and preheader that all readers of a digest share.

    `subject` is the editor's; "" makes one from the top entry.
    """
    placed = digest.placed
    return {
        "subject": visible(subject, SUBJECT * 2)
        or _subject(book.words, title(book.entries[placed[0].entry]), len(placed) - 1),
        "preheader": book.words.preheader(digest, book.taxonomy),
    }


@lru_cache(maxsize=4096)
def _subject(words: Words, top: str, others: int) -> str:
    return words.subject(top, others)


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


def wrapped(sentence: str) -> str:
    """Return a sentence in lines of at most 72 columns for the text part; addresses stay whole."""
    if len(sentence) <= COLUMNS or sentence.split(None, 1) == [sentence]:
        return sentence
    if " ".join(sentence.split()) != sentence:
        return textwrap.fill(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False)
    # The same rows, found ten times quicker.
    return "\n".join(_ROW.findall(sentence))


def unguard(text: str) -> str:
    """Return rendered text in which each "%%" of a stranger reads as it was written."""
    return text.replace(PERCENT, "%")
