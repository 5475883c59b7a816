"""Hold the sources of an edition's letter in one language: entries, words, names of the facets, brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.learning.choose import letter_line, letter_lines
from digest.letter.brand import SHIPPED, Brand
from digest.letter.words import Words, direction, primary
from digest.model import CASE_STUDY, Entry, Site, Taxonomy
from subscribers.languages import is_language_tag

View = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Hold the sources of every part: the site, the facets' names, entries by id, a language's words, the brand.

    `step` is the small step that the editors suggest, or "", and with `for_all` that of every letter; `question` is
    theirs to all readers. `telling` are the ids of the case studies of which a letter shows lines, `asking` of those
    that tell who to ask where that is the letter's step. `carries`: some of the entries may be carried over.
    """

    site: Site
    taxonomy: Taxonomy
    entries: Mapping[int, Entry]
    words: Words
    brand: Brand = SHIPPED
    step: str = ""
    for_all: bool = False
    question: str = ""
    telling: frozenset[int] = field(init=False)
    asking: frozenset[int] = field(init=False)
    carries: bool = field(init=False)

    def __post_init__(self) -> None:
        studies = [entry for entry in self.entries.values() if entry.kind == CASE_STUDY]
        telling = frozenset(entry.id for entry in studies if letter_lines(entry.ingredients))
        object.__setattr__(self, "telling", telling)
        asking = [entry.id for entry in studies if letter_line(entry.ingredients, "who-to-ask")]
        object.__setattr__(self, "asking", frozenset(() if self.for_all else asking))
        object.__setattr__(self, "carries", any(entry.carried_from for entry in self.entries.values()))

    @property
    def language(self) -> str:
        """Return the letter's language tag: the site's own tag ("en-GB") when the languages are the same."""
        same = primary(self.site.language) == self.words.language
        return self.site.language if same else self.words.language

    def language_of(self, entry: Entry) -> str:
        """Return the language of an entry's own words: its own, else the site's."""
        return entry.language if entry.language and is_language_tag(entry.language) else self.site.language

    def foreign(self, language: str) -> View:
        """Return `language` and its `dir` when it differs from the letter's language; both "" when it does not.

        `around` is the direction of the letter's language, beside which a text shows its own (`digest.letter.bidi`).
        """
        other = bool(language) and primary(language) != self.words.language
        return {
            "language": language if other else "",
            "dir": direction(language) if other else "",
            "around": direction(self.words.language),
        }
