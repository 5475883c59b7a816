"""Weigh how surely an entry is about each of the regions whose places its texts name. Pure.

A place that is named once, in passing, or in a text about the whole country decides nothing, because an entry without
a region does less harm than one with a wrong region.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from digest.facets.entry_text import EntryText
from digest.facets.located import is_vague
from digest.facets.national import is_national_publisher, nation_mention, national_words
from digest.facets.places.gazetteer import Gazetteer, Mention
from digest.facets.places.standing import FIRM, is_meeting, is_personal
from digest.facets.publisher import place_of_host
from digest.facets.words import keys

Points = Mapping[str, int]  # of each region by slug; 0 for a region that no text names

ENOUGH = 3  # points that a region needs
OPENING, LEAD = 300, 1_000  # characters of the body: those that tell its subject, and those that count at all
# Points for and against a region.
_BACKED = 2  # the publisher's name or host speaks for it too
_IN_TITLE = 2
_ASIDE = -2  # its places stand only beside "I" or "you", or where people meet
_UNCONFIRMED = -1  # only the title names its places, though there is a body
_NATION_IN_TITLE, _NATION_FIRST, _NATION_LATER = -3, -2, -1  # the UK, Britain or England is named
_NATIONAL = -1  # other words, or the publisher, speak of the whole country
# A text that is about one place says "the council", "the town's", "residents".
_SETTING = re.compile(
    r"\b(?:[Tt]he|[Ii]ts) (?:\w+ )?(?:council(?! tax)|city|town|borough|county|village|islands?|district|parish)\b"
    r"|\b(?:residents|villagers|townspeople|islanders|councillors?)\b"
)


class _Around(NamedTuple):
    """The clues in the texts of an entry beside its places."""

    backed: frozenset[str]  # regions that the publisher speaks for
    setting: bool
    meeting: bool  # the title is of a meeting
    study: bool  # it is a case study, which has a place
    has_body: bool
    nation_in_title: bool
    nation_at: int | None  # the index in the body at which the nation is named
    national: int  # points for other words about the whole country


def weigh(
    gazetteer: Gazetteer, text: EntryText, places: Sequence[Sequence[Mention]], nation: str, *, study: bool
) -> Points:
    """Return the points of each region that title or lead name.

    `places` are the places of title and body, `nation` the one that the publisher speaks for, or "". `study`: it is a
    case study.
    """
    title, body = ([m for m in mentions if m.strong and m.start < LEAD] for mentions in places)
    points: Counter[str] = Counter()
    if any(not is_vague(mention) for mention in (*title, *body)):
        around = _around(text, places, _backed(gazetteer, text) | {nation}, study=study)
        for slug in {slug for mention in (*title, *body) if not is_vague(mention) for slug in mention.regions}:
            in_title, in_body = ([m for m in mentions if slug in m.regions] for mentions in (title, body))
            points[slug] = _named(in_title, in_body) + _told(slug, in_title, in_body, around)
    return points


def _named(title: Sequence[Mention], body: Sequence[Mention]) -> int:
    """Return the points for the places of one region as title and body name them."""
    points = _IN_TITLE + max(mention.standing for mention in title) if title else 0
    if body:
        points += max(1 + (mention.standing == FIRM) + (mention.start < OPENING) for mention in body)
        points += len(body) > 1
    return points


def _told(slug: str, title: Sequence[Mention], body: Sequence[Mention], around: _Around) -> int:
    """Return the points for and against a region by what is said around its places, which `title` and `body` name."""
    points = around.setting + around.national + _BACKED * (slug in around.backed)
    if around.nation_in_title:
        points += _NATION_IN_TITLE
    elif around.nation_at is not None:
        points += _NATION_LATER if title or body[0].start < around.nation_at else _NATION_FIRST
    if not title:
        points += around.study
        points += _ASIDE * (around.meeting or all(is_meeting(mention.sentence) for mention in body))
    elif not body and around.has_body and not around.setting and around.nation_at is None:
        points += around.study or _UNCONFIRMED
    if slug not in around.backed and not (title and body):
        points += _ASIDE * all(is_personal(mention.sentence) for mention in (*title, *body))
    return points


def _around(text: EntryText, places: Sequence[Sequence[Mention]], backed: frozenset[str], *, study: bool) -> _Around:
    """Return the clues beside the places of title and body."""
    title, body = places
    lead = text.body[:LEAD]
    nation = nation_mention(text.body, body)
    in_title = nation_mention(text.title, title) is not None
    words = not in_title and nation is None and bool(national_words(text))
    return _Around(
        backed=backed,
        setting=bool(_SETTING.search(text.title) or _SETTING.search(lead)),
        meeting=is_meeting(frozenset(keys(text.title))),
        study=study,
        has_body=bool(text.body.strip()),
        nation_in_title=in_title,
        nation_at=nation.start if nation else None,
        national=_NATIONAL * (words + (not study and is_national_publisher(text))),
    )


def _backed(gazetteer: Gazetteer, text: EntryText) -> frozenset[str]:
    """Return the regions that the publisher's name or host speaks for."""
    named = {slug for m in gazetteer.find(text.publisher) if m.strong and not is_vague(m) for slug in m.regions}
    place = place_of_host(gazetteer, text.host)
    return frozenset(named | set(place.regions if place else ()))
