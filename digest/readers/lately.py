"""Count what each choice would have brought a reader in the last twelve weeks, for the number beside the choice.

*What would have come* is what stands in the letters of the editions of a cadence that were frozen in the last twelve
weeks, to a reader who has followed the same for all of that time: planned by the function that plans every letter,
with its caps, its carry-over and the editors' orders. An entry counts once. One that was held or withheld then
stood in no edition; one that was withdrawn after it had come did come, but no entry comes any more for a barrier that
only it shares. A stopped edition brought nothing. An edition that was not for such a reader, because nobody read it
or its readers had read on, counts as it would have been drafted for them (`editions.past`).

*The number beside a choice* is how many of these entries are about it (carry that policy area, region or theme, as
the letter showed them), for a reader who follows it beside what else they follow now. So beside a choice that is
ticked, it is what came by the choices as they stand; beside another, what would have come with this one added.
Where nothing of a facet is ticked, the reader follows all of it, and the number is that of this choice alone. Beside
*From elsewhere* it is the number of entries in that section; a reader of every region has no such section, and gets
no number.

A cadence that had no edition in these weeks gets the numbers of the cadence that had the most; a reader who has not
chosen one, those of the default cadence. Before the first edition there are no numbers (`Lately.editions` is 0).
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.past import TWELVE_WEEKS, PastEditions, past_editions
from digest.installation import Installation
from digest.letter.words import Words
from digest.model import Taxonomy
from digest.store import calendar
from subscribers.forms import FACETS
from subscribers.model import Interests

ChoiceKey = tuple[str, str]  # of an answer in the form of choices: its name and its value
ELSEWHERE: ChoiceKey = ("elsewhere", "yes")
PATIENCE = 1.0  # seconds that a page waits for the first numbers while another page counts them
# How long numbers hold though no edition was frozen, because with time an edition leaves the twelve weeks.
_AGE = 15 * 60
_KEPT = 1_000  # interests whose numbers are remembered
_MONTH = 365.25 / 12  # days
_FEW = 2  # entries a month, below which an average would tell less than the count


class LatelyWord(NamedTuple):
    """Hold a number in the form that a page words: `word` names the sentence in the catalogue, `number` fills it.

    `lately_none`: none in the last twelve weeks; `lately_few`: so many in them; `lately_a_month`: about so many a
    month.
    """

    word: str
    number: int


def per_month(count: int, months: float = TWELVE_WEEKS.days / _MONTH) -> LatelyWord:
    """Return how a page words that so many entries came in the last twelve weeks.

    `months`: how many months' entries these weeks brought; 0 where nothing is known of a month.
    """
    if count == 0:
        return LatelyWord("lately_none", 0)
    if not months or count < _FEW * months:
        return LatelyWord("lately_few", count)
    monthly = count / months
    return LatelyWord("lately_a_month", round(monthly) if monthly < 100 else round(monthly / 10) * 10)


class Lately:
    """Answer what the past editions of one cadence would have brought. Several threads may ask at once."""

    def __init__(self, taxonomy: Taxonomy, past: PastEditions) -> None:
        self.past = past
        self._past = PastEditions([each for each in past.past if not each.stopped], whole=past.whole)
        self._slugs = {
            "policy_areas": [term.slug for term in taxonomy.policy_areas],
            "regions": [*taxonomy.region_names],
            "themes": [term.slug for term in taxonomy.themes],
        }
        # Remembered, because a page that anybody may ask for shows the same numbers to all.
        self.beside = lru_cache(_KEPT)(self._beside)
        self.brought = lru_cache(_KEPT)(self._brought)

    @property
    def editions(self) -> int:
        """Return how many editions are counted; with none, no number says anything."""
        return len(self._past.past)

    def pace(self, count: int) -> LatelyWord:
        """Return how a page words one of these numbers.

        Of a month nothing is said where the cadence has not had editions for twelve weeks. A monthly cadence has two
        or three editions in them, each with the entries of a month.
        """
        if not self._past.whole:
            return per_month(count, 0)
        monthly = self.editions and self._past.past[0].cadence == "monthly"
        return per_month(count, self.editions) if monthly else per_month(count)

    def _brought(self, interests: Interests) -> int:
        """Return how many entries would have come to a reader of these interests."""
        number = len(self._past.bring(interests, frozenset()))
        self._past.forget_answers()
        return number

    def _beside(self, interests: Interests) -> Mapping[ChoiceKey, int]:
        """Return the number beside each choice that config.toml or the reader has, in config's order.

        The names are those of `subscribers.forms`; ELSEWHERE is among them only where it has a number.
        """
        numbers: dict[ChoiceKey, int] = {}
        own = [*self._past.letters(interests)]
        # Themes widen the section From elsewhere alone.
        same = frozenset[str]() if interests.regions and interests.elsewhere else frozenset({"themes"})
        for facet in FACETS:
            chosen: frozenset[str] = getattr(interests, facet)
            for slug in dict.fromkeys([*self._slugs[facet], *sorted(chosen)]):
                letters = (
                    own if slug in chosen or facet in same else self._past.letters(_with(interests, facet, slug))
                )
                numbers[facet, slug] = sum(letter.count_about(facet, slug) for letter in letters)
        if interests.regions:
            letters = own if interests.elsewhere else self._past.letters(replace(interests, elsewhere=True))
            numbers[ELSEWHERE] = sum(len(letter.elsewhere) for letter in letters)
        # Because readers may follow very many different things.
        self._past.forget_answers()
        return MappingProxyType(numbers)


def tell_lately(numbers: Lately | None, interests: Interests, words: Words) -> dict[ChoiceKey, str]:
    """Return what stands beside each choice of a reader of these interests, in the words of a page.

    A choice without a number has none; so have all where no edition is counted yet.
    """
    if numbers is None or not numbers.editions:
        return {}
    paces = {choice: numbers.pace(number) for choice, number in numbers.beside(interests).items()}
    return {
        choice: words.count(pace.word, pace.number) if pace.number else words.say(pace.word)
        for choice, pace in paces.items()
    }


def _with(interests: Interests, facet: str, slug: str) -> Interests:
    values: dict[str, Any] = {facet: getattr(interests, facet) | {slug}}
    return replace(interests, **values)


def read_lately(
    conn: Connection, installation: Installation, cadence: str = "", before: Lately | None = None
) -> Lately:
    """Return the numbers for the readers of a cadence; "" or one that config.toml lacks is the default cadence.

    `before` are its numbers from before: they are returned where nothing has changed, and save reading in any case.
    """
    settings, now = installation.settings, installation.clock()
    past = _past_of(conn, settings, _configured(settings, cadence), now, before.past if before else None)
    if before is not None and [*past.past] == [*before.past.past]:
        return before
    return Lately(settings.taxonomy, past)


class KeptLately:
    """Keep the numbers of one installation in the process, because anybody may ask for the page with them.

    A page costs one small query while nothing has changed. Else the first to ask counts again, and meanwhile the
    others get the numbers from before.
    """

    def __init__(self, installation: Installation, *, patience: float = PATIENCE) -> None:
        self._installation, self._patience = installation, patience
        self._counted = threading.Condition()
        self._kept: dict[str, tuple[Hashable, Lately]] = {}  # by cadence, with the key they were counted for
        self._counting: set[str] = set()

    def of(self, conn: Connection, cadence: str = "") -> Lately | None:
        """Return the numbers for the readers of a cadence, as `read_lately` does.

        None: they are being counted for the first time, which takes longer than a page waits.
        """
        name = _configured(self._installation.settings, cadence)
        key = (*calendar.last_days(conn).items(), int(self._installation.clock().timestamp() // _AGE))
        with self._counted:
            if name in self._counting and name not in self._kept:
                self._counted.wait_for(lambda: name not in self._counting, self._patience)
            kept_key, kept = self._kept.get(name, (None, None))
            if kept_key == key or name in self._counting:
                return kept
            self._counting.add(name)
        try:
            fresh = read_lately(conn, self._installation, name, kept)
            fresh.beside(Interests())  # now, because else each page that waits would count it for itself
            with self._counted:
                self._kept[name] = key, fresh
        finally:
            with self._counted:
                self._counting.discard(name)
                self._counted.notify_all()
        return fresh


def _configured(settings: Settings, cadence: str) -> str:
    names = [each.name for each in settings.cadences]
    return cadence if cadence in names else settings.default_cadence


def _past_of(
    conn: Connection, settings: Settings, cadence: str, now: datetime, before: PastEditions | None
) -> PastEditions:
    """Return the past editions of a cadence, or where it had none, of the cadence that had the most."""
    own = past_editions(conn, settings, cadence, now, before)
    if own.past:
        return own
    others = [each.name for each in settings.cadences if each.name != cadence]
    pasts = [past_editions(conn, settings, name, now, before) for name in others]
    return max(pasts, key=lambda past: len(past.past), default=own)
