"""Render an edition's letters: compile the edition once in each language, and fill in each reader's own parts.

Preview, send and the letter page all render here, so that an editor sees exactly the letter a reader gets.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from digest.config.settings import Settings
from digest.letter import catalogue
from digest.letter.assemble import assemble, extremes, proven
from digest.letter.blocks import Appearance, Assembled, EditionFacts, ReaderFacts
from digest.letter.clip import fit
from digest.letter.compile import Inline, Letter, compile_letter
from digest.letter.form import Form, random_stem
from digest.letter.form import form as make_form
from digest.letter.inert import visible
from digest.letter.inliner import inline_styles
from digest.letter.lint.wording import SIZE_WARNING
from digest.letter.subject import subject
from digest.letter.views import EDITORS_SUBJECT
from digest.letter.weigh import card_bytes, digest_bytes, frame_bytes, heaviest_bytes
from digest.model import Digest, Edition, Entry
from digest.system.resources import resource

CHECKED = 3  # digests of each language that are also rendered whole, and compared

_log = logging.getLogger(__name__)


class Letters:
    """Compile and hold an edition's letter in each language, when the first reader of that language comes.

    The first digests of each language are compared with the same letter rendered whole. Where a template of the
    organisation's own makes them differ, each later digest of that language is compiled by itself. Methods raise
    ConfigError for a mistaken template. `copy`: for the browser, without the words and links that belong to a reader.
    `corrects`: some letters carry lines on earlier entries. An edition that is not frozen yet is dated by its slot.
    """

    def __init__(
        self, settings: Settings, edition: Edition, entries: Sequence[Entry], *, inline: Inline = inline_styles,
        copy: bool = False, corrects: bool = False,
    ) -> None:  # fmt: skip
        self.settings, self.edition, self.corrects = settings, edition, corrects
        own = (settings.templates,) if settings.templates else ()
        folders = (*own, resource("templates") / "email")
        self._appearance = Appearance(settings.site, settings.taxonomy, folders, settings.brand)
        self._entries, self._inline = entries, inline
        self.languages = catalogue.languages(folders)
        self._facts = EditionFacts(
            edition.id,
            edition.cadence,
            _day(settings, edition),
            edition.note,
            edition.subject,
            _step(settings, edition),
            for_all=bool(edition.step),
            question=edition.question,
            copy=copy,
            corrects=corrects,
        )
        self._letters: dict[str, Letter] = {}
        self._chosen: dict[str, str] = {}
        self._forms: dict[str, tuple[Digest, Form]] = {}
        self._stem = random_stem()  # the entries were written before
        self._checked: dict[str, list[Digest]] = {}
        self._lock = threading.RLock()

    def of(self, language: str) -> Letter:
        """Return the letter in a reader's language; without a catalogue for it in the site's, else in English."""
        chosen = self._chosen.get(language)
        if chosen is None:
            chosen = catalogue.best((language, self.settings.site.language), self.languages)
            self._chosen[language] = chosen
        letter = self._letters.get(chosen)
        return letter if letter is not None else self._compiled(chosen)

    def _compiled(self, language: str) -> Letter:
        with self._lock:
            if language not in self._letters:
                self._letters[language] = compile_letter(
                    self._facts, self._entries, self._appearance, language, inline=self._inline
                )
            return self._letters[language]

    def render(self, language: str, digest: Digest, reader: ReaderFacts) -> Assembled:
        """Return a reader's letter, correct also when a template depends on an entry's neighbours or number.

        Raises DigestError when the digest places an entry that the edition does not hold.
        """
        letter = self.of(language)
        checked = self._checked.setdefault(letter.book.words.language, [])
        if len(checked) < CHECKED and digest not in checked:
            letter = self._check(letter, digest, reader, checked)
        return assemble(letter, digest, reader)

    def form(self, language: str, digest: Digest, reader: ReaderFacts) -> Form:
        """Return a digest's letter as a form; `reader` may be any of its readers.

        It is the same object for all readers of a language who come one after the other with this very digest. Only
        the last form of a language is kept, because deliveries come sorted by digest.
        """
        letter = self.of(language)
        chosen = letter.book.words.language
        with self._lock:
            last, blank = self._forms.get(chosen, (None, None))
            if blank is None or last is not digest:
                blank = make_form(letter, digest, reader, self._stem)
                self._forms[chosen] = digest, blank
            return blank

    def _check(self, letter: Letter, digest: Digest, reader: ReaderFacts, checked: list[Digest]) -> Letter:
        """Compare a digest's letter with the same rendered whole; return a letter that is right for this language."""
        with self._lock:
            # Try the organisation's own templates at the extremes too, because tests prove only the shipped ones.
            trials = extremes(letter) if self.settings.templates and not checked else ()
            safe, why = proven(letter, [digest, *trials], reader)
            if why:
                self._letters[letter.book.words.language] = safe
                _log.warning("edition %s: %s; each digest is compiled by itself, which is slow", self._facts.id, why)
            checked.append(digest)
        return safe


def subject_line(
    settings: Settings, edition: Edition, entries: Sequence[Entry], digest: Digest, language: str
) -> str:
    """Return the subject of a digest's letters, without compiling them; `entries` are those that it shows."""
    own = (settings.templates,) if settings.templates else ()
    folders, regions = (*own, resource("templates") / "email"), settings.taxonomy.regions
    words = catalogue.words_for(folders, language, settings.site, settings.brand, regions)
    by_id = {entry.id: entry for entry in entries}
    return visible(edition.subject, EDITORS_SUBJECT) or subject(words, digest, by_id, settings.taxonomy)


def _step(settings: Settings, edition: Edition) -> str:
    """Return the small step of an edition: its editors' own, else in turn by its slot.

    By its slot, so that a preview shows the one that is sent.
    """
    if edition.step or not settings.steps:
        return edition.step
    slot = date.fromisoformat(edition.slot)
    turn = {"daily": slot.toordinal(), "weekly": slot.toordinal() // 7}.get(
        edition.cadence, slot.year * 12 + slot.month
    )
    return settings.steps[turn % len(settings.steps)]


def _day(settings: Settings, edition: Edition) -> date:
    """Return the date that an edition's letters show: the day of its slot, or the later day on which it was frozen.

    Because a monthly edition that is first sent on the 27th may hold entries of the 26th, and must not say the 1st.
    """
    slot, prepared = date.fromisoformat(edition.slot), edition.frozen_at
    return max(slot, prepared.astimezone(ZoneInfo(settings.site.zone)).date()) if prepared else slot


def fitting(settings: Settings, edition: Edition, entries: Sequence[Entry]) -> Callable[[Digest], Digest] | None:
    """Return a function that shortens a digest until its letter is below the size at which mail programs clip it.

    It counts the entries that do not fit as "more". The letter is compiled only for a digest that is near that size
    by the texts of its entries, or where templates of the organisation's own may add to them. Where no letter of the
    edition comes near, there is no function.
    """
    site, brand, own = settings.site, settings.brand, _has_own_templates(settings)
    weights = {entry.id: card_bytes(entry) for entry in entries}
    ours = (site.name, brand.name, brand.tagline, brand.address or site.postal_address)
    frame = frame_bytes(edition, (*ours, *settings.steps))
    groups = min(len({area for entry in entries for area in entry.facets.policy_areas}) + 2, settings.letter_cap + 1)
    if not own and heaviest_bytes(weights, settings.letter_cap, groups, frame) <= SIZE_WARNING:
        return None
    letters, pinned = Letters(settings, edition, entries), frozenset(edition.arranged[: edition.pinned])

    def shorten(digest: Digest) -> Digest:
        if not digest.placed or (not own and digest_bytes(digest, weights, frame) <= SIZE_WARNING):
            return digest
        return fit(letters.of(settings.site.language), digest, pinned=pinned)

    return shorten


def _has_own_templates(settings: Settings) -> bool:
    """Return whether the organisation has templates or styles of its own, and not only words."""
    own = settings.templates
    return own is not None and any(path.suffix in (".j2", ".css") for path in own.glob("*"))
