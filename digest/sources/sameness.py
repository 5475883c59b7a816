"""Judge whether two showings of a text are the same entry, by what a reader sees of them. Pure.

`likeness` weighs two showings that share a key; `retitled` judges two that share no key but the day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from digest.sources.links import link_key

LONG_TEXT = 200  # characters; a shorter text may be the same under several entries ("Read more on our site")
FEW_WORDS, TELLING_TEXT = 8, 12  # words below which a text says nothing, and from which it is an entry's own
_NOTICE = timedelta(days=6)  # a notice that comes every week comes later than this
SAME, DOUBT, ANOTHER = "same", "doubt", "another"
# Compare local days, because a rebuilt feed may show the same midnight an hour later (summer time, UTC). The zone is
# fixed, because another [site] zone must not make stored entries new.
_ZONE = ZoneInfo("Europe/London")
_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"<[^>]*>")
_TELLING_TITLE_WORDS = 6
_TELLING_WORD = 5  # letters: most shorter words stand in every text
_LEAST_CONTAINED = 3
_NEAR, _VERY_NEAR = 0.75, 0.9
_TYPO = 0.8
_START, VERY_START = 300, 50  # characters


@dataclass(frozen=True)
class Showing:
    """Hold what is compared of a sighting or of a stored entry. `html` is its text, `published` aware or None."""

    title: str
    link: str | None
    published: datetime | None
    html: str

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """Return the words of the title, without case."""
        return plain_words(self.title)

    @cached_property
    def text(self) -> str:
        """Return the text without markup."""
        return unicodedata.normalize("NFKC", _TAG.sub(" ", self.html))

    @cached_property
    def text_words(self) -> tuple[str, ...]:
        """Return the words of the text, without case."""
        return plain_words(self.text)

    @cached_property
    def first_words(self) -> tuple[str, ...]:
        """Return words with which the text begins, all of it being read no further than its first lines."""
        return _words_before(self.html, _START)

    @cached_property
    def very_first_words(self) -> tuple[str, ...]:
        """Return the first few of `first_words`."""
        return _very_first(self.html[:VERY_START])

    @cached_property
    def text_counts(self) -> Counter[str]:
        """Return how often each word stands in the text."""
        return Counter(self.text_words)

    @cached_property
    def is_long(self) -> bool:
        """Return whether the text is long enough to belong to one entry only."""
        return sum(map(len, self.text_words)) + len(self.text_words) > LONG_TEXT

    @property
    def day(self) -> str:
        """Return the local day of the date as ISO 8601, or ""."""
        return local_day(self.published)


def local_day(moment: datetime | None) -> str:
    """Return the local day of an instant as ISO 8601; "" for None."""
    return moment.astimezone(_ZONE).date().isoformat() if moment else ""


def plain_words(text: str) -> tuple[str, ...]:
    """Return the words of a plain text, without case, marks and width."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def slug_of(link: str | None) -> str:
    """Return the end of a link's path when it names the page ("sharing-the-care-record"), else ""."""
    tail = urlsplit(link).path.rstrip("/").rsplit("/", 1)[-1].lower() if link else ""
    return tail if len(tail) >= 8 and "-" in tail else ""


def likeness(a: Showing, b: Showing, *, same_guid: bool, same_link: bool | None, is_alone: bool = False) -> int:
    """Weigh what two showings have in common against what differs: above 0 they are the same entry.

    `same_guid`: a guid of its own leads from one to the other. `same_link`: True when a key of the link does, None
    when the link is known to be shared by several entries and so says nothing. `is_alone`: the source shows this
    entry only, so that its ids may belong to a place where one entry takes the turn of another.
    """
    day, title = _day(a, b), _title(a, b)
    # A text of some words under its own id is the entry's, whatever its date; in a place where one entry takes the
    # turn of another it may be a notice of every week.
    is_own = same_guid and not is_alone and len(a.text_words) >= TELLING_TEXT and a.text_words == b.text_words
    text = _text(a, b, other_day=day < 0 and not is_own)
    visible = (day, title, text)
    if max(visible) <= 0 and sum(weight < 0 for weight in visible) >= 2:
        return -9  # because whatever the ids say, a reader sees another text
    if _is_another_text(a, b, title, text, is_alone):
        return -9  # because the date of a day says as little as the ids
    link = 0 if same_link is None else _link(a, b, same_link)
    # A copy elsewhere often has a text of its own, so a telling title on one day outweighs link and text.
    copied = title > 1 and a.day == b.day != ""
    return sum(visible) + link + (3 if same_guid else 0) + (2 if copied else 0)


def _is_another_text(a: Showing, b: Showing, title: int, text: int, is_alone: bool) -> bool:
    """Return whether two showings differ in title and text as no edit does; `title`, `text`: their weights."""
    if text < 0 and not _share_words(a.text_words, b.text_words):
        # Under one short title ("Tip of the day"), a source that shows several entries has rewritten this one.
        return title <= 0 or (is_alone and title == 1)
    if title >= 0:
        return False
    if text < 0:
        return _are_of_one_form(a, b, _differences(a.title_words, b.title_words))
    return is_alone and not (a.text_words and b.text_words) and not _share_words(a.title_words, b.title_words)


def _share_words(first: Iterable[str], second: Iterable[str]) -> bool:
    """Return whether two texts have half of the shorter's telling words in common, as before and after an edit."""
    sides = [{*first}, {*second}]
    telling = [{word for word in side if len(word) >= _TELLING_WORD} for side in sides]
    left, right = telling if min(map(len, telling)) >= _LEAST_CONTAINED else sides
    return 2 * len(left & right) >= min(len(left), len(right))


def same_in_one_snapshot(a: Showing, b: Showing) -> bool:
    """Return whether a source that shows both, under keys in common, shows one entry twice."""
    one_day = a.day == b.day or not (a.day and b.day)
    return a.title_words == b.title_words and one_day and _text(a, b, other_day=False) >= 0


def retitled(a: Showing, b: Showing, *, same_source: bool) -> str:
    """Judge whether `a` is the entry `b` of the same day under another title, address and id.

    Returns SAME, ANOTHER, or DOUBT when an editor has to look. Call it only when `b` is not shown beside `a`, because
    a source that shows both shows two entries.
    """
    one_instant = a.published == b.published
    if not one_instant and _begin_differently(a, b):
        return ANOTHER  # at once, because only an equal text makes two instants one entry, and few are equal
    left = _differences(a.title_words, b.title_words)
    if a.is_long and b.is_long:
        if a.text_words == b.text_words:
            return SAME if not _are_of_one_form(a, b, left) else DOUBT if same_source else ANOTHER
        if not (one_instant and _is_near(a, b, _VERY_NEAR)):
            return ANOTHER
        certain = not left or not (_is_midnight(a.published) or _share_half(a, left))
    else:
        if not one_instant or not (same_source or not _is_midnight(a.published)):
            return ANOTHER
        if a.text_words != b.text_words:
            is_edit = same_source and not (a.title_words or b.title_words) and _is_near(a, b, _NEAR)
            return SAME if is_edit else ANOTHER
        if left and not a.text_words:
            return ANOTHER
        certain = not left and bool(a.title_words)
    return SAME if certain else DOUBT if same_source else ANOTHER


def moved(a: Showing, b: Showing) -> str:
    """Judge whether `a` is the entry `b` of its source under another date, address and id, by their texts alone.

    Returns SAME, ANOTHER, or DOUBT when an editor has to look, as at a notice that may come every week. Call it only
    when `b` is not shown beside `a`.
    """
    if len(a.text_words) < FEW_WORDS or a.text_words != b.text_words:
        return ANOTHER
    left = _differences(a.title_words, b.title_words)
    if left:
        return ANOTHER if _are_of_one_form(a, b, left) else DOUBT
    is_near = not (a.published and b.published) or abs(a.published - b.published) <= _NOTICE
    return SAME if is_near and len(a.text_words) >= TELLING_TEXT else DOUBT


def beginnings(texts: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a text may be one of `texts` of other moments, by its first VERY_START characters.

    A shorter text never is, see `retitled`.
    """
    by_word: dict[str, list[tuple[str, ...]]] = {}
    for words in {_very_first(text[:VERY_START]) for text in texts if len(text) > VERY_START}:
        by_word.setdefault(words[0] if words else "", []).append(words)

    def may_be(start: str) -> bool:
        if len(start) < VERY_START or not by_word:
            return False
        words = _very_first(start)
        if not words or "" in by_word:
            return True
        return any(not _differ(words, others) for others in by_word.get(words[0], ()))

    return may_be


def _begin_differently(a: Showing, b: Showing) -> bool:
    """Return whether two texts differ in their first words already; a quick look, which tells less than all words."""
    # The few first, because most texts differ there already.
    return _differ(a.very_first_words, b.very_first_words) or _differ(a.first_words, b.first_words)


def _differ(first: Iterable[str], second: Iterable[str]) -> bool:
    return any(word != other for word, other in zip(first, second, strict=False))


@lru_cache(maxsize=10_000)  # because the entries of a day are compared with those of many sources
def _very_first(start: str) -> tuple[str, ...]:
    return _words_before(start, VERY_START)


def _words_before(html: str, end: int) -> tuple[str, ...]:
    """Return the words of a text before character number `end` of its HTML."""
    start = html[:end]
    # Leave out a tag that is cut, and the last word, which may be cut too.
    tag = start.find("<", start.rfind(">") + 1)
    return plain_words(_TAG.sub(" ", start if tag < 0 else start[:tag]))[:-1]


def _are_of_one_form(a: Showing, b: Showing, left: frozenset[str]) -> bool:
    """Return whether two titles differ in a name or number alone ("Inspection: Ash House"), as several reports do."""
    marks = [
        side
        for side in (a, b)
        if any(_has_digit(word) for word in left & {*side.title_words}) or left & _names(side.title)
    ]
    return len(marks) == 2 and _share_half(a, left)


def _share_half(a: Showing, left: frozenset[str]) -> bool:
    return 2 * len(left & {*a.title_words}) <= len(a.title_words)


def _day(a: Showing, b: Showing) -> int:
    if not (a.published and b.published):
        return 0
    if a.day != b.day:
        return -1
    if _is_midnight(a.published) or _is_midnight(b.published):
        return 1
    # Two hours of one day say nothing, because a page may have several notes a day, or be dated anew by an edit.
    return 2 if a.published == b.published else 0


def _title(a: Showing, b: Showing) -> int:
    first, second = a.title_words, b.title_words
    if not (first and second):
        return 0
    if first == second:
        return 2 if len(first) >= _TELLING_TITLE_WORDS else 1
    left = _differences(first, second)
    if any(map(_has_digit, left)):
        return -1
    return 1 if not left or _contains(first, second) else -1


def _text(a: Showing, b: Showing, *, other_day: bool) -> int:
    first, second = a.text_words, b.text_words
    if not (first and second):
        return 0
    weight = 2 if a.is_long and b.is_long else 1
    if first == second:
        # A short text of every week ("This week's update is on our site") says nothing about two days.
        return 0 if other_day and weight == 1 else weight
    if _contains(first, second) or _is_near(a, b, _NEAR):
        return 0 if other_day else weight
    return -1


def _link(a: Showing, b: Showing, same_key: bool) -> int:
    first, second = a.link and link_key(a.link), b.link and link_key(b.link)
    if not (first and second and a.link and b.link):
        return 0
    if same_key or first == second:
        fragments = {urlsplit(a.link).fragment, urlsplit(b.link).fragment} - {""}
        return -2 if len(fragments) > 1 else 1
    if first.partition("/")[2] == second.partition("/")[2]:
        return 0
    return -1 if slug_of(a.link) and slug_of(a.link) == slug_of(b.link) else -2


def _is_near(a: Showing, b: Showing, least: float) -> bool:
    """Return whether two texts differ in few words, and in no name and no number."""
    first, second = a.text_words, b.text_words
    if min(len(first), len(second)) < least * max(len(first), len(second)):
        return False
    if (a.text_counts & b.text_counts).total() < least * max(len(first), len(second)):
        return False  # before the words are compared first by first, which takes time
    left = _differences(first, second)
    return not any(map(_has_digit, left)) and left.isdisjoint(_names(a.text) | _names(b.text))


def _differences(first: Iterable[str], second: Iterable[str]) -> frozenset[str]:
    """Return the words that only one side has, without those that are a slip of a word of the other side."""
    removed, added = Counter(first), Counter(second)
    common = removed & added
    removed, added = removed - common, added - common
    if len(removed) + len(added) > 200:
        return frozenset((*removed, *added))
    for word in list(removed):
        slip = next((near for near in added if _is_slip(word, near)), None)
        if slip is not None:
            del removed[word], added[slip]
    return frozenset((*removed, *added))


def _is_slip(first: str, second: str) -> bool:
    if _has_digit(first + second) or min(len(first), len(second)) < 3:
        return False
    if len({*first} & {*second}) < _TYPO * min(len({*first}), len({*second})):
        return False  # at once, because most words have little in common
    return sorted(first) == sorted(second) or SequenceMatcher(None, first, second).ratio() >= _TYPO


def _contains(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Return whether the longer begins or ends with the shorter: a suffix of the site, a text cut short."""
    short, long = sorted((first, second), key=len)
    size = len(short)
    return size >= _LEAST_CONTAINED and short in (long[:size], long[-size:])


def _names(text: str) -> frozenset[str]:
    """Return the words that stand with a capital wherever they stand, without case."""
    written = _WORD.findall(text)
    return frozenset(word.casefold() for word in written if word[0].isupper()).difference(
        word for word in written if not word[0].isupper()
    )


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _is_midnight(published: datetime | None) -> bool:
    if published is None:
        return True
    local = published.astimezone(_ZONE)
    return (published.hour, published.minute) == (0, 0) or (local.hour, local.minute) == (0, 0)
