"""Show a copy of a reader's letter in a browser, and below it all entries that were over the cap.

The page is rendered from the frozen edition by the functions that sent the letter; nothing is stored or marked. The
templates are those of today. People pass the page on, so it tells nothing of its reader: no name, no address, no
interests, and none of the links by which a subscription is changed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from digest.config.settings import Settings
from digest.group import OVER_CAP
from digest.letter import cards
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import Letter
from digest.letter.inert import link, visible
from digest.letter.words import direction
from digest.model import Correction, Digest, Edition, Entry
from digest.render import Letters
from digest.store import corrections, deliveries, editions
from digest.store.editions import Shown
from digest.store.engine import reading
from digest.store.keys import edition_key
from digest.store.tallies import is_condensed
from digest.system.pages import render_page
from digest.web.archive.copy_links import archive_section
from subscribers.errors import NoSubscriber, OldLink
from subscribers.link_keys import LinkKeyFile
from subscribers.links import person_of
from subscribers.model import Subscriber
from subscribers.tokens import Token, read_token

# Inline styles and pictures of any host are allowed, because a letter brings its styles and its sources' pictures.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https:; form-action 'none'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
COPY = "copy"  # stands in place of a token in the links that belong to the reader
# States of a delivery whose letter was planned, but surely never handed over; a cancelled one may have been.
_NOT_SENT = ("suppressed",)


class NoLetter(Exception):
    """There is no letter to show; the message is a sentence for the reader."""


@dataclass(slots=True)
class _Compiled:
    """A frozen edition, its entries and its compiled letters; `pages` counts the pages rendered from them."""

    edition: Edition
    shown: list[Shown]
    letters: Letters
    pages: int = 0


@dataclass(slots=True)
class LetterPages:
    """The letter pages of one installation; safe to use from many threads.

    At most `most_editions` editions are kept compiled. Each is compiled again after `most_pages` pages, because the
    plan of every page stays in memory with it.
    """

    engine: Engine
    link_keys: LinkKeyFile
    settings: Settings
    most_editions: int = 4
    most_pages: int = 200
    _cache: dict[int, _Compiled] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, token: str) -> str:
        """Return the html of the letter that a token names, and below it the entries that were over the cap.

        Raises BadToken; OldLink; NoSubscriber when the reader has left or was erased; NoLetter; ConfigError when the
        letter cannot be rendered.
        """
        link = read_token(self.link_keys.keys, "browse", token)
        person, digest, content_hash, told = self._planned(link)
        compiled = self._compiled(link.edition or 0, content_hash)
        reader = _anyone(f"{self.settings.site.base_url}/letters", token, told)
        html = compiled.letters.render(person.language, digest, reader).html_text()
        over = _over_cap(digest)
        rest = [row.entry for row in compiled.shown if row.entry.id in over]
        if rest:
            html = _with_more(html, _more(compiled.letters.of(person.language), rest))
        by_id = {row.entry.id: row.entry for row in compiled.shown}
        entries = [*(by_id[placed.entry] for placed in digest.placed), *rest]
        public = archive_section(self.engine, self.settings, person.language, compiled.edition, entries)
        return _with_more(html, public) if public else html

    def _planned(self, link: Token) -> tuple[Subscriber, Digest, str, tuple[Correction, ...]]:
        """Return a reader, their frozen digest of an edition, the hash of the edition's content, and corrections.

        The corrections are those that the letter carried, and those of the entries on the page. Raises OldLink,
        NoSubscriber and NoLetter.
        """
        subscriber, number = link.subscriber, link.edition or 0
        with reading(self.engine) as conn:
            key = edition_key(conn, number)
            if number and key is None:
                raise OldLink(f"no edition has the number {number}")
            person = person_of(conn, link, key)
            if person is None or person.state == "left":
                raise NoSubscriber(f"no subscriber has the id {subscriber}")
            edition = editions.get(conn, number)
            if edition is None or edition.state != "frozen":
                raise NoLetter("This letter has not been sent yet; it opens here once it has.")
            owed = [delivery for delivery in deliveries.of_subscriber(conn, subscriber) if delivery.edition == number]
            if is_condensed(conn, number) and all(delivery.state == "had" for delivery in owed):
                raise NoLetter("This letter is so old that no copy of it is kept here.")
            ids = [delivery.digest for delivery in owed if delivery.digest and delivery.state not in _NOT_SENT]
            for digest in deliveries.digests(conn, ids).values():
                if digest.placed:
                    return person, digest, edition.content_hash, _corrections(conn, edition, subscriber, digest)
        raise NoLetter("There was no letter for you in this edition.")

    def _compiled(self, number: int, content_hash: str) -> _Compiled:
        """Return an edition's letters, compiled for its first page, which takes a second or two.

        The content's hash is compared, because after a restore another edition may have the number.
        """
        with self._lock:
            compiled = self._cache.pop(number, None)
            if compiled is None or compiled.pages >= self.most_pages or compiled.edition.content_hash != content_hash:
                with reading(self.engine) as conn:
                    edition = editions.get(conn, number)
                    shown = editions.shown(conn, number)
                assert edition is not None
                compiled = _Compiled(
                    edition,
                    shown,
                    Letters(self.settings, edition, [s.entry for s in shown], copy=True, corrects=True),
                )
            compiled.pages += 1
            self._cache[number] = compiled  # the last in the dict is the latest used
            while len(self._cache) > self.most_editions:
                del self._cache[next(iter(self._cache))]
            return compiled


def _corrections(conn: Connection, edition: Edition, subscriber: int, digest: Digest) -> tuple[Correction, ...]:
    """Return the corrections that a letter carried, and those of the entries on its page, withdrawals first."""
    on_page = {*(placed.entry for placed in digest.placed), *_over_cap(digest)}
    carried = corrections.carried_to(conn, edition.id, [subscriber]).get(subscriber, ())
    every = {*carried, *corrections.in_force(conn, on_page)}
    return tuple(sorted(every, key=lambda correction: (not correction.withdrawn, correction.number)))


def _over_cap(digest: Digest) -> set[int]:
    """Return the entries of a digest that were over the cap, which the page lists below the letter."""
    return {entry for entry, why in digest.left_out if why == OVER_CAP}


def _anyone(pages: str, token: str, told: tuple[Correction, ...]) -> ReaderFacts:
    """Return what the copy of a letter tells of its reader: nothing.

    The shipped templates leave a reader's links out of a copy. An organisation's own templates may not, so there they
    lead to a page that says why they do not work.
    """
    nowhere, page = f"{pages}/{COPY}", f"{pages}/{token}"
    return ReaderFacts("", "•••", nowhere, nowhere, nowhere, page, more_url=f"{page}#more", top_lines=told)


def _more(letter: Letter, entries: list[Entry]) -> str:
    """Return the html section that lists entries in the letter's language and colours."""
    book = letter.book
    values = {
        "title": book.words.more(len(entries)),
        "language": book.language,
        "direction": direction(book.language),
        "light": book.brand.light,
        "dark": book.brand.dark,
        "entries": [_line(entry, letter) for entry in entries],
    }
    return render_page("more.html.j2", values)


def _line(entry: Entry, letter: Letter) -> dict[str, object]:
    """Return the values of an entry's line for the template more.html.j2."""
    book = letter.book
    card = cards.card(entry, False, book)
    return {
        # `visible` and not `content`, because this section is rendered once, and its "%%" is never a gap.
        "title": visible(cards.title(entry) or book.words.kind(entry.kind), cards.TITLE),
        "url": link(entry.url),
        "source": visible(cards.source_line(entry, book.words)),
        "day": card["day"],
        "worded_by": visible(cards.worded_by(entry, book, with_summary=False)),
        "kind": book.words.kind(entry.kind),
        "case_study": card["case_study"],
        "language": card["language"],
        "dir": card["dir"],
        "around": card["around"],
    }


def _with_more(html: str, section: str) -> str:
    """Return a letter's html with a section before the end of its body."""
    end = html.lower().rfind("</body>")
    return html[:end] + section + html[end:] if end >= 0 else html + section
