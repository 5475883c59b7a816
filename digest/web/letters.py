"""A letter in a browser: the very letter its reader got, and below it every entry that was over its cap.

Made anew from what was frozen, by the functions that sent it; nothing is stored or marked. What the letter says of
the reader, their name and what they follow, and the templates around it are those of today.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sqlalchemy import Engine

from digest.config.settings import Settings
from digest.delivery.parcel import links_of, render_letter
from digest.group import OVER_CAP
from digest.letter import views
from digest.letter.compile import Letter
from digest.letter.inert import link, visible
from digest.letter.words import direction
from digest.model import Digest, Edition, Entry
from digest.render import Letters
from digest.store import deliveries, editions
from digest.store.editions import Shown
from digest.store.engine import reading
from digest.system.pages import render_page
from subscribers import store as people
from subscribers.errors import NoSubscriber
from subscribers.model import Subscriber
from subscribers.tokens import read_token

# A letter's styles are its own, and its pictures come from wherever the sources keep them.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https:; form-action 'none'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
_NOT_SENT = ("suppressed",)  # planned, and never handed over; of what was written off nobody knows


class NoLetter(Exception):
    """There is no such letter; the message is a sentence for the reader."""


@dataclass(slots=True)
class _Compiled:
    """A frozen edition, its entries and its letters. `pages`: how many were made from them."""

    edition: Edition
    shown: list[Shown]
    letters: Letters
    pages: int = 0


@dataclass(slots=True)
class LetterPages:
    """The pages of one installation's letters; safe to use from many threads.

    At most `most_editions` are kept compiled, and each is made anew after `most_pages`: every page leaves its plan.
    """

    engine: Engine
    secret: bytes
    settings: Settings
    most_editions: int = 4
    most_pages: int = 200
    _known: dict[int, _Compiled] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, token: str) -> str:
        """Return the html of the letter that a token names, with what was over the cap below it.

        Raises BadToken; NoSubscriber when the reader has left or was erased; NoLetter.
        """
        said = read_token([self.secret], "browse", token)
        person, digest, content = self._planned(said.subscriber, said.edition or 0)
        made = self._compiled(said.edition or 0, content)
        links = links_of(self.settings.site, made.edition.id, person, self.secret)
        html = render_letter(made.letters, person, digest, links).letter.html_text()
        over = {entry for entry, why in digest.left_out if why == OVER_CAP}
        rest = [one.entry for one in made.shown if one.entry.id in over]
        return _with_more(html, _more(made.letters.of(person.language), rest)) if rest else html

    def _planned(self, subscriber: int, number: int) -> tuple[Subscriber, Digest, str]:
        """Return a reader, what was frozen for them in an edition, and the hash of its content."""
        with reading(self.engine) as conn:
            person = people.get(conn, subscriber)
            if person is None or person.state == "left":
                raise NoSubscriber(f"no subscriber has the id {subscriber}")
            edition = editions.get(conn, number)
            if edition is None or edition.state != "frozen":
                raise NoLetter("This letter has not been sent yet; it opens here once it has.")
            owed = [one for one in deliveries.of_subscriber(conn, subscriber) if one.edition == number]
            ids = [one.digest for one in owed if one.digest and one.state not in _NOT_SENT]
            for digest in deliveries.digests(conn, ids).values():
                if digest.placed:
                    return person, digest, edition.content_hash
        raise NoLetter("There was no letter for you in this edition.")

    def _compiled(self, number: int, content: str) -> _Compiled:
        """Return an edition's letters, compiled when its first reader comes: that takes a second or two.

        After a restore another edition may have the number.
        """
        with self._lock:
            made = self._known.pop(number, None)
            if made is None or made.pages >= self.most_pages or made.edition.content_hash != content:
                with reading(self.engine) as conn:
                    edition = editions.get(conn, number)
                    shown = editions.shown(conn, number)
                assert edition is not None
                made = _Compiled(edition, shown, Letters(self.settings, edition, [s.entry for s in shown]))
            made.pages += 1
            self._known[number] = made  # newest last
            while len(self._known) > self.most_editions:
                del self._known[next(iter(self._known))]
            return made


def _more(letter: Letter, entries: list[Entry]) -> str:
    """Return the section that lists entries in the letter's own language, colours and order."""
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
    book = letter.book
    card = views.card(entry, False, book)
    return {
        # Here is no second reading, so nothing has to be guarded against it.
        "title": visible(views.title(entry) or book.words.kind(entry.kind), views.TITLE),
        "url": link(entry.url),
        "source": visible(entry.source, 80),
        "day": card["day"],
        "kind": book.words.kind(entry.kind),
        "case_study": card["case_study"],
        "language": card["language"],
        "dir": card["dir"],
    }


def _with_more(html: str, section: str) -> str:
    """Return a letter with a section before its end."""
    end = html.lower().rfind("</body>")
    return html[:end] + section + html[end:] if end >= 0 else html + section
