"""Put into a reader's words what they had, and why they got an entry or did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from digest.letter.words import Words
from digest.model import UNKNOWN, Correction, Taxonomy
from digest.readers import decisions
from digest.readers.decisions import Decided, MissedFacet, OneChoice
from digest.readers.history import HadEntry, HadLetter, reader_state
from digest.readers.why_not import ReaderWhy


@dataclass(frozen=True, slots=True)
class HistoryWords:
    """Word history for a reader, by the words of the `pages` and those of the `letters`, both in one language."""

    pages: Words
    letters: Words
    taxonomy: Taxonomy

    def title(self, letter: HadLetter) -> str:
        """Return what a letter is called: "Weekly letter of 6 November 2026"."""
        return self.pages.form("had_letter", letter.edition.cadence, day=self._day(letter.edition.slot))

    def state(self, letter: HadLetter) -> list[str]:
        """Return sentences on what became of a letter, and on what it lacks."""
        lines = [self.pages.form("had_state", letter.state)]
        if letter.again:
            lines.append(self.pages.say("had_again"))
        if letter.condensed:
            lines.append(self.pages.say("had_condensed"))
        elif letter.more:
            lines.append(self.pages.count("had_more", letter.more))
        return lines

    def reason(self, had: HadEntry) -> str:
        """Return why an entry stood in a letter, as the letter says it."""
        if had.reason.code == "had":
            return self.pages.say("had_reason_gone")
        place = had.entry.facets.place if had.section == "elsewhere" else ""
        return self.letters.reason(had.reason, self.taxonomy, place)

    def correction(self, given: Correction) -> str:
        """Return what readers of an entry are told of it since."""
        if not given.withdrawn:
            return self.pages.say("had_corrected", text=given.text)
        return (
            self.pages.say("had_withdrawn", text=given.text) if given.text else self.pages.say("had_withdrawn_plain")
        )

    def why(self, told: ReaderWhy) -> list[str]:
        """Return sentences on why a reader got an entry or did not: first the letters that have it."""
        ordered = sorted(told.decisions, key=lambda decided: decided.code != decisions.INCLUDED)
        lines = [line for decided in ordered for line in self._decided(decided)]
        if told.expected:
            lines += self._decided(told.expected)
        if told.choice:
            lines.append(self._choice(told.choice, coming=(told.expected or told.decisions[0]).edition_state != ""))
        if told.original:
            lines += [self.pages.say("why_original", title=told.original.entry.title), *self.why(told.original)]
        return [_capital(line) for line in dict.fromkeys(lines)]

    def _decided(self, decided: Decided) -> list[str]:
        letter = self._letter(decided)
        if decided.code == decisions.INCLUDED:
            return self._included(decided, letter)
        if decided.code == decisions.NO_DIGEST:
            assert decided.letter is not None
            return [self.pages.form("why_no_letter", reader_state(decided.letter), letter=letter)]
        if decided.code == decisions.NOT_READY:
            return [self.pages.form("why_not_ready", decided.state)]
        if decided.code == decisions.NOT_MAILED:
            return [self.pages.form("why_not_mailed", decided.state)]
        if decided.code in _SENTENCES:
            later = self._named(decided.cadence, decided.day) if decided.day else ""
            return [
                self.pages.say(_SENTENCES[decided.code], letter=letter, next=_capital(later)),
                *self._stop(decided),
            ]
        if decided.code == decisions.COMING:
            return self._coming(decided, letter)
        table = "why_coming_left_out" if decided.edition_state else "why_left_out"
        return [self.pages.form(table, decided.code, letter=letter), *self._missed(decided), *self._stop(decided)]

    def _included(self, decided: Decided, letter: str) -> list[str]:
        assert decided.letter is not None
        lines = [self.pages.form("why_included", reader_state(decided.letter), letter=letter)]
        return [*lines, *self._reason(decided), *([self.pages.say("why_again")] if decided.again else [])]

    def _coming(self, decided: Decided, letter: str) -> list[str]:
        if decided.reason is None:
            return [self.pages.say("why_coming_open", letter=letter), *self._stop(decided)]
        again = [self.pages.say("why_again")] if decided.again else []
        return [self.pages.say("why_coming", letter=letter), *self._reason(decided), *again, *self._stop(decided)]

    def _reason(self, decided: Decided) -> list[str]:
        if decided.reason is None or decided.reason.code == "had":
            return [self.pages.say("had_reason_gone")]
        is_far = decided.reason.code != "area" and decided.entry is not None
        place = decided.entry.facets.place if is_far and decided.entry else ""
        return [self.letters.reason(decided.reason, self.taxonomy, place)]

    def _stop(self, decided: Decided) -> list[str]:
        return [self.pages.say("why_stopped")] if decided.edition_state == "stopped" else []

    def _missed(self, decided: Decided) -> list[str]:
        if decided.code != "outside":
            return []
        if not decided.missed:
            return [] if decided.edition_state else [self.pages.say("why_follow_now")]
        return [self._facet(missed) for missed in decided.missed]

    def _facet(self, missed: MissedFacet) -> str:
        follows, carries = self._names(missed.facet, missed.follows), self._names(missed.facet, missed.carries)
        if not missed.carries or UNKNOWN in missed.carries:
            table = "why_no_place" if missed.facet == "region" else "why_no_area"
            return self.pages.say(table, follows=follows)
        return self.pages.form("why_missed", missed.facet, carries=carries, follows=follows)

    def _choice(self, choice: OneChoice, *, coming: bool) -> str:
        name = self.letters.name(self.taxonomy, choice.slug)
        if choice.facet in ("region", "elsewhere"):
            name = self.letters.region(choice.slug) if choice.slug else self.letters.sentences["elsewhere"]
        return self.pages.form("why_choice_coming" if coming else "why_choice", choice.facet, choice=name)

    def _names(self, facet: str, slugs: Sequence[str]) -> str:
        if facet == "region":
            return self.letters.listed([self.letters.region(slug, "the_region") for slug in slugs])
        return self.letters.listed([self.letters.name(self.taxonomy, slug) for slug in slugs])

    def _letter(self, decided: Decided) -> str:
        """Return the letter that a decision is about, inside a sentence; "" where it is about none."""
        if decided.edition:
            return self._named(decided.edition.cadence, decided.edition.slot)
        return self._named(decided.cadence, decided.day) if decided.day else ""

    def _named(self, cadence: str, slot: str) -> str:
        return self.pages.form("why_letter", cadence, day=self._day(slot))

    def _day(self, slot: str) -> str:
        return self.letters.day(date.fromisoformat(slot), "")


_SENTENCES = {
    decisions.NOT_KEPT: "why_not_kept",
    decisions.BEFORE_JOINING: "why_before_joining",
    decisions.BEFORE_RESTORE: "why_before_restore",
    decisions.NO_CADENCE: "why_no_cadence",
    decisions.AWAITED: "why_awaited",
    decisions.TOO_LATE: "why_too_late",
}


def _capital(line: str) -> str:
    """Return a line with a capital at its beginning, because a sentence may begin with what a letter is called."""
    return line[:1].upper() + line[1:]
