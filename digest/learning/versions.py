"""Read what is compared of an entry to tell whether another source tells the same: words, names, numbers. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from digest.learning.patterns import any_of, either
from digest.learning.sentences import Sentence, sentences_of, words_that_tell
from digest.learning.telling_words import STOP_WORDS, listed

TITLE = 300  # characters of a title that are compared, because a stranger wrote it
OPENING = 900  # characters of a text that are compared, because a copy may be cut
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*(?:'[^\W\d_]+)?")
_SENTENCE_END = re.compile(r"[.!?:;…]['\"]?\s+$|^\s*['\"(\[]?$|[–—|]\s+$|[.!?:;,(]?\s?['\"]$")
_LABEL = re.compile(
    r"^\W*(?:case stud(?:y|ies)|press release|news release|media release|news|updated?|blog|guest blog|"
    r"correct(?:ed|ion)|video|podcast|watch|read|exclusive|new|feature|comment|opinion|spotlight)\s*(?:[:|–—]|\s-)\s*"
    r"|\s*[\[(](?:updated?|corrected|revised|amended|video|now with)[^\])]*[\])]\s*$"
    r"|\s*(?:[:|–—]|\s-)\s*(?:(?:a |our )?case stud(?:y|ies)|press release|updated?|blog|news)\W*$",
    re.IGNORECASE,
)
_TAIL = re.compile(r"\s+(?:[|–—»:]+|-)\s+([^|–—»]+)$")
# Feeds add these to a summary that they cut.
_FURNITURE = any_of(r"""
    \bthe post .{5,300}? (?:appeared first|first appeared) on .*$
    \b(?:continue reading|read (?:more|the full|the rest|on)\b).*$
    \[(?:…|\.\.\.|&hellip;|correction)[^\]]*\]?.*$
    (?:…|\.\.\.)\s*$
    ^by [A-Z][^.]{2,60}\.\s
""")
# Stages of a story: two entries that tell of different ones are two entries, however alike the rest is.
_STAGES = {
    "begins": "open(?:s|ed|ing)?, launch\\w*, start(?:s|ed|ing)?, beg(?:in|an|un)\\w*, unveil\\w*, introduc\\w+",
    "ends": "clos(?:e|es|ed|ing|ure), end(?:s|ed|ing)?, finish\\w*, conclud\\w+, complet\\w+",
    "agreed": "approv\\w+, agree(?:s|d)?, adopt(?:s|ed)?, back(?:s|ed), green.?light, granted",
    "refused": "reject\\w*, refus\\w+, oppos\\w+, turn(?:s|ed) down, block(?:s|ed)",
    "stopped": "cancel\\w*, postpon\\w+, delay(?:s|ed), paus\\w+, scrap(?:s|ped), suspend\\w*, withdraw\\w*",
    "again": "reopen\\w*, extend\\w*, extension, expan\\w+, renew\\w*, return(?:s|ed), anniversary, relaunch\\w*",
    "asks": "consult\\w+, have your say, nominat\\w+, apply, appl(?:y|ies|ied), deadline, reminder, register, book",
    "won": "win(?:s|ners?|ning)?, won, award(?:s|ed), shortlist\\w*, finalists?, commended",
    "found": "evaluat\\w+, findings?, results?, outcomes?, figures, statistics, report(?:s|ed)?, review(?:s|ed)?",
    "planned": "plans? (?:to|for), will, proposals?, proposed, draft, set to, to be",
    "person": "appoint\\w*, retir\\w+, steps? down, joins, leaves, resign\\w*",
}
_STAGE = {name: re.compile(rf"\b{either(words)}\b", re.IGNORECASE) for name, words in _STAGES.items()}
_REGULAR = any_of(r"""
    \b(?:bulletin|newsletter|round-?up|weeknotes?|week notes|minutes|agenda|update|digest|figures|statistics)s?\b
    \b(?:weekly|monthly|quarterly|daily|fortnightly|this (?:week|month|quarter)|week in|month in|what.s on)\b
    \b(?:warnings?|alerts?|closed|delays|results|today|tonight|tomorrow|yesterday|latest|currently)\b
    \b(?:board|committee|cabinet|council|general) meetings?\b
    \b(?:meeting|closures|diary|calendar|edition|issue \d+|news from|latest news|events)\b
""")
_ADVERT_TITLE = any_of(
    r"\b(?:vacanc(?:y|ies)|hiring|recruiting|job (?:advert|opportunit\w+|vacanc\w+)|jobs? at|wanted|needed|sought)\b"
)
_ADVERT = any_of(r"""
    \b(?:join our (?:\w+ )?team|opportunity has arisen|pro rata|per annum|apply by|closing date for applications)\b
    \b(?:we are|are you) (?:looking|seeking) (?:for|to (?:appoint|recruit))\b|\bthe salary is\b
    \bjoin .{3,60} as an? \b
""")
_COMMON_IN_NAMES = listed(
    """
    council borough county city town district parish constabulary police fire rescue service services trust
    hospital hospitals nhs icb health board care integrated foundation teaching healthcare healthwatch
    partnership partners news blog jobs stories case studies network centre center team together local
    government authority combined community social public north south east west northern southern eastern
    western mid royal national united kingdom uk england scotland wales ireland britain british english
    scottish welsh london commissioner association alliance forum university college school schools learning
    exchange weekly daily today online digital journal review
    """
)


@dataclass(frozen=True)
class Version:
    """Hold what is compared of an entry: `text` is plain or HTML, `source` a name, `day` when it came out.

    `place` is the name of the place that it is about, or "".
    """

    title: str
    text: str
    source: str
    day: datetime
    place: str = ""

    @cached_property
    def headline(self) -> str:
        """Return the title without labels ("Case study:") and without its source's own name at the end."""
        title = _plain(self.title[:TITLE])
        while (shorter := _LABEL.sub("", title)) not in (title, ""):
            title = shorter
        tail = _TAIL.search(title)
        if tail and {*words_of(tail[1])} <= {*words_of(_plain(self.source))} | STOP_WORDS:
            title = title[: tail.start()]
        return title

    @cached_property
    def opening(self) -> str:
        """Return the beginning of the text, without what feeds add to it."""
        text = _plain(_TAG.sub(" ", self.text[: 3 * OPENING]))[:OPENING].strip()
        return " ".join(_FURNITURE.sub(" ", _FURNITURE.sub(" ", text)).split())

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Return the sentences of the whole text, without a heading that is the title."""
        heading = words_that_tell(self.headline)
        return tuple(sentence for sentence in sentences_of(self.text) if sentence.words != heading)

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """Return the words of the headline."""
        return words_of(self.headline)

    @cached_property
    def opening_words(self) -> tuple[str, ...]:
        """Return the words of the opening."""
        return words_of(self.opening)

    @cached_property
    def words(self) -> frozenset[str]:
        """Return the words of the headline and of the opening."""
        return frozenset((*self.title_words, *self.opening_words))

    @cached_property
    def lower(self) -> frozenset[str]:
        """Return the words that stand without a capital somewhere, and so are no names."""
        written = _WORD.findall(f"{self.headline} {self.opening}")
        return frozenset(_bare(word) for word in written if word[0].islower())

    @cached_property
    def title_names(self) -> frozenset[str]:
        """Return the words of the headline that stand with a capital where nothing else asks for one."""
        return _names(self.headline)

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the words of headline and opening that stand with a capital where nothing else asks for one."""
        return self.title_names | _names(self.opening)

    @cached_property
    def title_stages(self) -> frozenset[str]:
        """Return the stages of a story that the headline tells of."""
        return frozenset(name for name, pattern in _STAGE.items() if pattern.search(self.headline))

    @cached_property
    def stages(self) -> frozenset[str]:
        """Return the stages of a story that headline or opening tell of."""
        return self.title_stages | self.text_stages

    @cached_property
    def text_stages(self) -> frozenset[str]:
        """Return the stages of a story that the opening tells of."""
        return frozenset(name for name, pattern in _STAGE.items() if pattern.search(self.opening))

    @property
    def is_regular(self) -> bool:
        """Return whether the title is that of a notice that comes again and again."""
        return _REGULAR.search(self.headline) is not None

    @property
    def is_advert(self) -> bool:
        """Return whether it asks for people to be employed."""
        return (_ADVERT_TITLE.search(self.headline) or _ADVERT.search(self.opening)) is not None

    @cached_property
    def source_names(self) -> frozenset[str]:
        """Return the words of the source's name that tell it from others of its kind."""
        return frozenset(words_of(_plain(self.source))) - _COMMON_IN_NAMES - STOP_WORDS

    @property
    def place_names(self) -> frozenset[str]:
        """Return the words of the place's name; none for a nation or region."""
        return frozenset(words_of(_plain(self.place))) - _COMMON_IN_NAMES - STOP_WORDS


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a plain text, without case and without "'s"."""
    return tuple(_bare(word) for word in _WORD.findall(text))


# As many as a busy month has, because each reading of a run compares the same titles.
@lru_cache(maxsize=16384)
def title_words(title: str) -> frozenset[str]:
    """Return the words of a title by which others like it are looked for."""
    return frozenset(words_of(_plain(title[:TITLE]))) - STOP_WORDS


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')


def _bare(word: str) -> str:
    return word.casefold().removesuffix("'s").removesuffix("'")


def _names(text: str) -> frozenset[str]:
    """Return the words with a capital that do not begin a sentence."""
    names = set()
    for match in _WORD.finditer(text):
        word = match[0]
        begins = _SENTENCE_END.search(text[max(0, match.start() - 3) : match.start()]) is not None
        if word[0].isupper() and (not begins or word[1:2].isupper()):
            names.add(_bare(word))
    return frozenset(names) - STOP_WORDS
