"""Make the views of single entries: the card of a post or case study, its picture, and the small step it suggests."""

from __future__ import annotations

from digest.learning.choose import letter_line, letter_lines
from digest.letter.book import Book, View
from digest.letter.inert import inert_line, lines_of, link, visible, without_tokens
from digest.letter.unnamed import name_and_rest, name_by_address
from digest.letter.words import Words
from digest.model import CASE_STUDY, Entry, Image, Ingredient, NamedLink

TITLE = 200
SUMMARY = 300
PLACE = 60
NAME = 120
SOURCE = 80
WRITER = 60
NOTE, MOST_PARAGRAPHS = 600, 3  # of the editors' note on an entry
MOST_ALSO = 2  # other sources of an entry that are named
PICTURE = 480  # CSS pixels: the greatest width of a picture inside a case study's panel
_QUOTES = frozenset("\"“‘'«")


def card(entry: Entry, elsewhere: bool, book: Book) -> View:
    """Return the view of one entry. Elsewhere its heading is a level higher, because no group has a heading there.

    `language` and `dir` are those of the entry's own words (title, summary, source) if they differ from the letter's.
    """
    study = entry.kind == CASE_STUDY
    shown = letter_lines(entry.ingredients) if study else ()
    tellers = {line.by for line in shown}
    teller = tellers.pop() if len(tellers) == 1 else ""
    lines = [line_view(line._replace(by="") if teller else line, book.words, quoted=not teller) for line in shown]
    return {
        "template": "card",
        "level": 3 if elsewhere else 4,
        "title": inert_line(title(entry) or book.words.kind(entry.kind), TITLE),
        "url": link(entry.url),
        # The lines of a case study say more than its summary does.
        "summary": "" if lines else inert_line(summary(entry), SUMMARY),
        "lines": lines,
        "told_by": without_tokens(book.words.say("told_by", name=visible(teller, WRITER))) if teller else "",
        "worded_by": worded_by(entry, book, with_summary=not lines),
        "note": _note(entry, book),
        "source": inert_line(source_line(entry, book.words)),
        "day": book.words.day(entry.published, book.site.zone),
        "kind": inert_line(book.words.kind(entry.kind)),
        "case_study": study,
        "picture": picture_view(entry.image) if study else None,
        "also_at": [_named(each) for each in entry.also_at[:MOST_ALSO]],
        "earlier": _earlier(entry.earlier),
        "carried": inert_line(book.words.from_month(entry.carried_from)),
        "place": without_tokens(book.words.place(visible(entry.facets.place, PLACE), entry.facets.regions)),
        **book.foreign(book.language_of(entry)),
    }


def step(number: int, book: Book) -> View:
    """Return the view of a small step: the editors' (0), or a line of the entry with this id, and its title."""
    if not number:
        return {"text": inert_line(book.step), "title": "", **book.foreign(book.site.language)}
    entry = book.entries[number]
    line = letter_line(entry.ingredients, "who-to-ask")
    return {
        "text": line_view(line, book.words)["text"] if line else "",
        "title": inert_line(title(entry), TITLE),
        **book.foreign(book.language_of(entry)),
    }


def source_line(entry: Entry, words: Words) -> str:
    """Return the name of an entry's source, after that of the blog or body which the source has it from."""
    source, publisher = visible(entry.source, SOURCE), visible(entry.publisher, SOURCE)
    if not publisher or set(publisher.casefold().split()) <= set(source.casefold().split()):
        return source
    return words.say("published_via", publisher=publisher, source=source) if source else publisher


def worded_by(entry: Entry, book: Book, *, with_summary: bool) -> str:
    """Return the words that name the editor who worded an entry's title, or its summary if that is shown; else ""."""
    edit = entry.edit
    if edit is None or not (edit.title or (edit.summary and (with_summary or not visible(entry.title)))):
        return ""
    return without_tokens(book.words.say("worded_by", name=_writer(edit.worded_by, book)))


def _note(entry: Entry, book: Book) -> View | None:
    """Return the view of the editors' note on an entry: who says it, and its paragraphs; None without one."""
    texts = lines_of(entry.edit.note, NOTE, MOST_PARAGRAPHS) if entry.edit else []
    if entry.edit is None or not texts:
        return None
    lead = without_tokens(book.words.say("entry_note", name=_writer(entry.edit.note_by, book)))
    return {"lead": lead, "paragraphs": texts, **book.foreign(book.site.language)}


def _writer(name: str, book: Book) -> str:
    """Return the name of the editor who wrote a line, or else the organisation's, because no line is unsigned."""
    return visible(name, WRITER) or visible(book.site.name, WRITER)


def _named(named: NamedLink) -> View:
    """Return the view of a link with its name; without an address that a letter may show, of the name alone."""
    return {"name": inert_line(named.name, NAME), "url": link(named.url)}


def _earlier(earlier: NamedLink | None) -> View | None:
    """Return the view of an earlier entry; None without a title or an address that a letter may show."""
    view = _named(earlier) if earlier else None
    return view if view and view["name"] and view["url"] else None


def line_view(line: Ingredient, words: Words, *, quoted: bool = True) -> View:
    """Return the view of an ingredient: its name, and its text in quotation marks or with the name of its writer.

    Not `quoted`: the card names the writer of all its lines once.
    """
    text = inert_line(line.text)
    if line.by:
        text = f"{text} ({inert_line(line.by, WRITER)})"
    elif quoted and text[:1] not in _QUOTES:
        text = f"“{text}”"
    return {"name": inert_line(words.form("ingredient", line.name)), "text": text}


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
    """Return an entry's title, or else its address in words, its first words, or its source; "" without any."""
    own = visible(entry.title, TITLE) or name_by_address(entry.url) or name_and_rest(entry.summary)[0]
    return own or visible(entry.source, 80)


def summary(entry: Entry) -> str:
    """Return an entry's summary without the words that stand as its title."""
    if visible(entry.title) or name_by_address(entry.url):
        return "" if visible(entry.summary) == visible(entry.title) else entry.summary
    return name_and_rest(entry.summary)[1]
