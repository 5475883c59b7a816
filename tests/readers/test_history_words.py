"""The words for what a reader had and why not: every decision and state, in every shipped language."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from digest.config.load import load
from digest.desk.words import ENTRY_STATES, LEFT_OUT, NOT_MAILED
from digest.model import Correction, Entry, Facets, Reason
from digest.readers import decisions, history
from digest.readers.decisions import Decided, EditionName, LetterState, MissedFacet, OneChoice
from digest.readers.history import HadEntry, HadLetter
from digest.readers.why_not import ReaderWhy
from digest.readers.words import letter_words, page_words
from digest.system.resources import resource
from digest.web.readers.history_words import HistoryWords
from tests.house import START

SETTINGS = load(resource("config.toml"), {})
AREA = SETTINGS.taxonomy.policy_areas[0].slug
ENTRY = Entry(1, "S", None, "A shared list", "post", None, START, facets=Facets((AREA,), ("wales",), place="Gwent"))
EDITION = EditionName(7, "weekly", "2026-11-13")
LETTERS = [
    LetterState(state, reason, blocked=blocked)
    for state in history._STATES
    for reason in ("", "paused")
    for blocked in ("", "paused")
]
REASON = Reason("elsewhere-area", AREA, "wales")
MISSED = [MissedFacet("policy_area", (), (AREA,)), MissedFacet("region", ("unknown",), ("wales", "south-west")),
          MissedFacet("region", ("scotland",), ("south-west",))]  # fmt: skip
COMING = {"edition_state": "stopped", "cadence": "monthly", "day": "2026-12-01"}
DECIDED = [
    *(Decided("included", EDITION, letter, REASON, again=True, entry=ENTRY) for letter in LETTERS),
    *(Decided("no-digest", EDITION, letter) for letter in LETTERS),
    *(Decided(code, EDITION, missed=(missed,)) for code in LEFT_OUT for missed in MISSED),
    *(Decided(code, EDITION, missed=(missed,), **COMING) for code in LEFT_OUT for missed in MISSED),
    *(Decided("not-ready", state=state) for state in ENTRY_STATES),
    *(Decided("not-mailed", state=state) for state in (*NOT_MAILED, "suppressed")),
    *(Decided("coming", EDITION, reason=reason, entry=ENTRY, **COMING) for reason in (REASON, None)),
    Decided("too-late", EDITION, **COMING),
    Decided("awaited", cadence="daily", day="2026-12-01"),
    Decided("no-cadence", cadence="fortnightly"),
    Decided("not-kept", EDITION),
    Decided("before-joining"),
    Decided("before-restore"),
]  # fmt: skip
CHOICES = [OneChoice("policy_area", AREA), OneChoice("region", "wales"),
           OneChoice("theme", SETTINGS.taxonomy.themes[0].slug), OneChoice("elsewhere")]  # fmt: skip


def words_in(language: str) -> HistoryWords:
    return HistoryWords(page_words(SETTINGS, (language,)), letter_words(SETTINGS, language), SETTINGS.taxonomy)


def every_line(language: str) -> set[str]:
    """Return every sentence that a reader of a language can meet."""
    words = words_in(language)
    told = [ReaderWhy(ENTRY, "", (decided,), original=ReaderWhy(ENTRY, "", DECIDED[:1])) for decided in DECIDED]
    told += [ReaderWhy(ENTRY, "", (each,), choice=c) for c in CHOICES for each in (DECIDED[0], DECIDED[-5])]
    letters = [
        HadLetter(EDITION, state, LetterState("pending"), more=more, again=True, condensed=not more)
        for state in {*history._STATES.values(), history.PAUSED, history.BOUNCED}
        for more in range(5)
    ]
    had = [HadEntry(ENTRY, reason, "elsewhere") for reason in (REASON, Reason("had"))]
    given = [Correction(1, 1, "T", text, withdrawn) for text in ("", "A line.") for withdrawn in (True, False)]
    return {
        *chain.from_iterable(words.why(each) for each in told),
        *chain.from_iterable(words.state(each) for each in letters),
        *(words.title(each) for each in letters),
        *map(words.reason, had),
        *map(words.correction, given),
    }


@pytest.mark.parametrize("language", ["en", "cy"])
def test_every_decision_and_state_has_whole_sentences(language: str) -> None:
    lines = every_line(language)
    assert {line for line in lines if re.search(r"[{}]|  |None", line) or line[:1].islower()} == set()
    assert len(lines) > 60


def test_no_sentence_is_the_same_in_both_languages() -> None:
    assert every_line("en") & every_line("cy") == set()


def test_every_code_of_a_decision_is_worded() -> None:
    codes = {value for name, value in vars(decisions).items() if name.isupper() and isinstance(value, str)}
    assert codes | LEFT_OUT.keys() == {decided.code for decided in DECIDED}
