"""List the words by which two texts that look alike tell something else: numbers, denials, limits, verdicts. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from digest.learning.patterns import any_of, either


def listed(words: str) -> frozenset[str]:
    """Return the words of a text, without order."""
    return frozenset(words.split())


STOP_WORDS = listed(
    """
    a about across after all also an and any are as at be been before being between both but by can could did
    do does each every for from get gets getting give gives given got had has have he her his how i if in into
    is it its just let may me more most my new no not now of off on one or other our out over own says she
    should since single so some such than that the their them then there these they this those through to too
    under until up us use used uses using was we were what when where which while who whom why will with within
    would you your here how's what's
    """
)
_MONTHS = either(
    """
    january, february, march, april, june, july, august, september, october, november, december, spring, summer,
    autumn, winter, easter, christmas, ramadan, monday, tuesday, wednesday, thursday, friday, saturday, sunday
    """
)
_COUNTS = either(
    """
    two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen,
    eighteen, twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety, hundreds?, thousands?, half, third,
    quarter, first, second, fourth, fifth, sixth, seventh, eighth, ninth, tenth, last, next, final, previous,
    ii, iii, iv, vi, annual, interim, junior, senior, deputy, assistant
    """
)
# STOP_WORDS and others that turn what is told round, or set limits to it.
_DENIALS = listed("not no never none nobody nothing neither nor without cannot")
_LIMITS = listed(
    """
    after another before below both either except few fewer half less least many most only since some unless under
    until above against hardly barely proposed instead rather again
    """
)
_VERDICTS = any_of(r"""
    (?:good|outstanding|inadequate|poor|better|worse|best|worst|safe|unsafe|high|low|higher|lower|strong|weak)
    (?:ris|rose|fall|fell|increas|decreas|improv|declin|doubl|halv|grow|grew|drop|shr[iau]nk|gain|los[est]|cut)\w*
    (?:pass|fail|succe|praise|criticis|blam|clear|convict|sav|spen|spent|lift|ban|impos)\w*
""")
_MARK = re.compile(rf".*\d.*|{_MONTHS}|{_COUNTS}")
_HEADLINE_VERB = any_of(
    r"(?:bring|build|find|gather|help|host|join|lead|learn|look|make|meet|put|reach|run|see|set|share|show|sign|teach)s?"
    r"|(?:take|tell|train|turn|visit|welcome|work|brought|built|helped|joined|led|learnt|made|met|ran|shared|taught|took)s?"
)


def is_mark(word: str) -> bool:
    """Return whether a word is a number, a date or the like, by which two entries of one series differ."""
    return _MARK.fullmatch(word) is not None


def denials(words: Iterable[str]) -> Counter[str]:
    """Return the words that deny something, and how often each stands there."""
    return Counter(word for word in words if word in _DENIALS or word.endswith("n't"))


def is_limit(word: str) -> bool:
    """Return whether a word sets limits to what is told ("under", "only", "some")."""
    return word in _LIMITS


def is_verdict(word: str) -> bool:
    """Return whether a word says how well or which way a thing has gone ("inadequate", "fell")."""
    return _VERDICTS.fullmatch(word) is not None


def is_headline_verb(word: str) -> bool:
    """Return whether a word is a verb that says little, so that two headlines of one text may differ by it."""
    return _HEADLINE_VERB.fullmatch(word) is not None


def is_quantity(word: str) -> bool:
    """Return whether a word is a number that counts something, and so may be left out; no year, day or part."""
    return "," in word or (word.isdecimal() and int(word) >= 100 and not 1900 <= int(word) <= 2100)
