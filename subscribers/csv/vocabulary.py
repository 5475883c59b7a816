"""Read the words that other tools write about consent: column names, statuses, yes and no.

The file `data/exports.toml` holds them, and the columns of known exports.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

LONGEST_NAME = 60  # letters of a column's name that are compared


@dataclass(frozen=True, slots=True)
class Export:
    """The export of another tool: the columns that give it away, and {squashed column name: field}.

    Each of `signs` is a set of squashed names; a file that has all names of a single set is such an export. `note`
    is a remark for its reader.
    """

    name: str
    signs: tuple[frozenset[str], ...]
    columns: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of `data/exports.toml`, squashed.

    `standings` is {word of a status: standing}; `names` {usual name: field}; `consent` (field, pattern) pairs in the
    order in which they are tried; `suspect` matches names that may speak of consent, `other_channels` those that do
    not, `harmless` holds their last words. `remarks`, `work`, `harmless_dates` and `letters` match single words in
    the names of columns that nobody knows; `answers` are cells as short as yes and no.
    """

    standings: Mapping[str, str]
    yes: frozenset[str]
    no: frozenset[str]
    blank: frozenset[str]
    telling: frozenset[str]
    names: Mapping[str, str]
    consent: tuple[tuple[str, re.Pattern[str]], ...]
    suspect: re.Pattern[str]
    suspect_words: frozenset[str]
    harmless: frozenset[str]
    other_channels: re.Pattern[str]
    answers: frozenset[str]
    remarks: re.Pattern[str]
    work: re.Pattern[str]
    harmless_dates: re.Pattern[str]
    letters: re.Pattern[str]
    exports: tuple[Export, ...]


_CONSENT = ("unsubscribed", "bounced", "complained", "blocked", "counted", "status", "confirmed", "subscribed")


@cache
def vocabulary() -> Vocabulary:
    """Return the words of `data/exports.toml`."""
    data = tomllib.loads(files("subscribers.csv").joinpath("data/exports.toml").read_text("utf-8"))
    cells, consent = data["cells"], data["consent"]
    standings = _by_word(data["standings"])
    said_no = {word for word, standing in standings.items() if standing != "active"}
    around = "|".join(consent["around"].split())
    return Vocabulary(
        standings=standings,
        yes=frozenset(cells["yes"].split()),
        no=frozenset(cells["no"].split()),
        blank=frozenset(cells["blank"].split()),
        telling=frozenset((said_no | set(cells["telling"].split())) - set(cells["common"].split())),
        names=_by_word(data["names"]),
        consent=tuple(
            (field, re.compile(f"(?:{around})*(?:{'|'.join(consent[field].split())})(?:{around})*"))
            for field in _CONSENT
        ),
        suspect=re.compile("|".join(consent["suspect"].split())),
        suspect_words=frozenset(consent["suspect_words"].split()),
        harmless=frozenset(consent["harmless"].split()),
        other_channels=re.compile("|".join(consent["other_channels"].split())),
        answers=frozenset(cells["answers"].split()),
        exports=tuple(_export(table) for table in data["export"]),
        **{key: re.compile("|".join(words.split())) for key, words in data["unknown"].items()},
    )


@lru_cache(maxsize=20_000)
def squashed(text: str) -> str:
    """Return the letters and digits of a text alone, in lower case and without accents."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in folded if character.isalnum())


def name_words(name: str) -> list[str]:
    """Return the words of a column's name in lower case and without accents: "dateOf_Birth" has three."""
    return [squashed(word) for word in re.findall(r"[A-Z]?[^\W_A-Z]+|[A-Z]+", name)]


def _by_word(lists: Mapping[str, str]) -> dict[str, str]:
    return {word: key for key, words in lists.items() for word in words.split()}


def _export(table: Mapping[str, str | list[str]]) -> Export:
    fields = {key: str(words) for key, words in table.items() if key not in ("name", "signs", "note")}
    return Export(
        str(table["name"]),
        tuple(frozenset(names.split()) for names in table["signs"]),
        _by_word(fields),
        str(table.get("note", "")),
    )
