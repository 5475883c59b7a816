"""Recognise by their titles that two entries are about one named programme ("Wigan Deal"). Pure.

A name is two or more words with a capital side by side, in a title that also has words without. Names of places, of
bodies and of everyday things are none, because a newsroom writes about its own council every day.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from digest.learning.patterns import any_of, either

MOST = 300  # characters of a title that are read
_RUN = re.compile(r"\b[A-Z][\w’'&-]+(?: [A-Z][\w’'&-]+)+")
_CAPITAL = re.compile(r"\b[A-Z][\w’'&-]+")
_WORD = re.compile(r"[^\W\d_][\w’'&-]*")
_OPENER = any_of(r"(?:The|An?|How|Why|What|When|Where|New|Our|In|On|At|From|With|For|Case|Study)", re.NOFLAG)
_OF_PLACES = either(
    "North, South, East, West, Northern, Southern, Eastern, Western, Greater, Central, Mid, St, Isle, Royal"
)
_BODIES = any_of(
    rf"""
    ^{_OF_PLACES}\b
    \b(?:Councils?|Borough|County|City|Trust|NHS|ICB|ICS|Board|Police|Constabulary|Fire|Rescue|Hospitals?|University)\b
    \b(?:College|School|Academy|Government|Ministry|Department|Authority|Commission|Committee|Association|Alliance)\b
    \b(?:Foundation|Society|Institute|Agency|Service|Services|Office|Union|Federation|Group|Parliament|Senedd)\b
    \b(?:England|Scotland|Wales|UK|Ireland|Kingdom|Britain|Street|Road|January|February|March|April|May|June|July|August|September|October)\b
    \b(?:November|December|Act|Bill|Week|Day|Month|Awards?|Conference|Christmas|Covid|Dr|Mr|Mrs|Ms|Prof|Professor|Sir|Cllr)\b
    """,
    re.NOFLAG,
)
# Names of these words alone are everyday things in capitals ("Social Care", "Mental Health").
_EVERYDAY = any_of("""
    (?:data|protection|health|care|social|mental|public|local|community|children|adults|adult|young|people|families|family)
    (?:services|safeguarding|housing|digital|data|information|sharing|learning|integrated|integration)
    (?:support|early|help|case|study|primary|team|teams|universal|credit|domestic|abuse|violence|older)
    (?:carers|news|update|report|annual|review)
""")


def programmes(title: str, places: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of programmes in a title, as they are written there; none in a title in capitals.

    `places`: names of the places that the entry is about, which are no programmes.
    """
    title = title[:MOST]
    if not any(word[0].islower() and len(word) > 4 for word in _WORD.findall(title)):
        return ()
    names = []
    for run in _RUN.findall(title):
        parts = run.split()
        while parts and _OPENER.fullmatch(parts[0]):
            parts = parts[1:]
        name = re.sub(r"[’']s?$", "", " ".join(parts))
        if len(parts) > 1 and not _is_no_programme(name, places):
            names.append(name)
    return tuple(dict.fromkeys(names))


def is_about(title: str, name: str) -> bool:
    """Return whether a title holds a name, as a name: whole words, written the same."""
    return any(f" {name} " in f" {each} " for each in (*programmes(title), *_RUN.findall(title[:MOST])))


def titles_about(titles: Iterable[tuple[int, str]], names: Collection[str]) -> dict[str, list[int]]:
    """Return the numbers of the titles that hold each name (`is_about`), for any number of names.

    `titles` are pairs of a number and a title. Only the names whose first word a title holds are looked for there:
    30,000 titles and 900 names take 0.1 s.
    """
    by_first_word: dict[str, list[str]] = {}
    for name in names:
        by_first_word.setdefault(name.partition(" ")[0], []).append(name)
    numbers: dict[str, list[int]] = {name: [] for name in names}
    for number, title in titles:
        for word in by_first_word.keys() & _CAPITAL.findall(title[:MOST]):
            for name in by_first_word[word]:
                if name in title and is_about(title, name):
                    numbers[name].append(number)
    return numbers


def _is_no_programme(name: str, places: Collection[str]) -> bool:
    plain = [word.casefold() for word in _WORD.findall(name)]
    of_places = {word.casefold() for place in places for word in _WORD.findall(place)}
    return _BODIES.search(name) is not None or all(word in of_places or _EVERYDAY.fullmatch(word) for word in plain)
