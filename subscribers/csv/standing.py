"""Decide how a person stands with the tool whose file tells of them: active, pending, or one who must not be mailed.

A standing is "active", "pending", "left", or the reason of a suppression. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from subscribers.csv.dates import read_instant
from subscribers.csv.remarks import asks_to_stop
from subscribers.csv.vocabulary import squashed, vocabulary

UNCLEAR = "unclear"
# From the most permissive to the least. A row that is unclear is refused, unless another column tells it to stop.
RANKS = ("active", "pending", UNCLEAR, "left", "bounced", "editor", "complained")
STOPS = RANKS[RANKS.index("left") :]
_NOTHING = " -\u2013\u2014_.,:/\\[](){}\"'\ufe0f"  # signs with which people and programs write that a cell is blank
_TICKS = dict.fromkeys(map(ord, "\u2713\u2714\u2705\u2611"), "yes")


@dataclass(frozen=True, slots=True)
class ConsentField:
    """The standing that a column gives: where it says yes (or a date), where it says no, and where it is blank.

    None: the cell says nothing.
    """

    yes: str | None
    no: str | None
    blank: str | None


CONSENT_FIELDS = {
    "status": ConsentField(UNCLEAR, UNCLEAR, UNCLEAR),
    "subscribed": ConsentField("active", "left", UNCLEAR),
    "subscribed_at": ConsentField(None, "left", None),
    "confirmed": ConsentField("active", "pending", "pending"),
    "confirmed_if_filled": ConsentField("active", "pending", None),
    "unsubscribed": ConsentField("left", None, None),
    "bounced": ConsentField("bounced", None, None),
    "complained": ConsentField("complained", None, None),
    "blocked": ConsentField("editor", None, None),
    "counted": ConsentField(UNCLEAR, None, None),
    # In a file that holds nobody else.
    "file_left": ConsentField("left", UNCLEAR, UNCLEAR),
    "file_bounced": ConsentField("bounced", UNCLEAR, UNCLEAR),
}


def standing_of(field: str, text: str) -> str | None:
    """Return the standing that a cell gives in a column of this consent field, or None when it says nothing.

    A word of a status counts in every column: "unsubscribed" under *Subscribed* is no consent.
    """
    says, words, word = CONSENT_FIELDS[field], vocabulary(), cell_word(text)
    if not word or word in words.blank or (len(word) > 4 and set(word) == {"0"}):
        return says.blank
    if word in words.standings:
        return words.standings[word]
    if word in words.yes:
        return says.yes
    if word in words.no:
        return says.no
    if says.yes in (*STOPS, UNCLEAR) or read_instant(text) is not None:
        return says.yes
    return UNCLEAR


def cell_word(text: str) -> str:
    """Return the letters and digits of a cell, or its sign where it has none ("yes": a tick; "": a dash, "[]")."""
    return squashed(text) or text.strip(_NOTHING).translate(_TICKS)


def strictest(standings: Iterable[str | None]) -> str | None:
    """Return the least permissive of several standings, or None when none is given."""
    given = [standing for standing in standings if standing is not None]
    return max(given, key=RANKS.index) if given else None


def may_tell(text: str) -> bool:
    """Return whether a cell of a column that nobody knows may tell that a person must not be mailed."""
    telling = vocabulary().telling
    return any(squashed(part) in telling or asks_to_stop(part) for part in {text, *split_labels(text)})


def split_labels(text: str) -> list[str]:
    """Return the labels of a cell such as `"Housing", "Health"`: its parts between commas, semicolons or bars."""
    parts = (part.strip(" \t\"'[]") for part in re.split(r"[,;|]", text))
    return [part for part in parts if part]
