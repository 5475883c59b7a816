"""Tell whether a remark in words may tell that a person must not be mailed: "verstorben", "moved away", "no emails".

Pure. The file `data/remarks.toml` holds the patterns of nine languages.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

_LONGEST = 2_000  # characters of a remark that are read
_GROUP = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"  # with groups in it
# Letters and signs that have no plain letter in Unicode; the dagger stands behind the names of the dead.
_FOLDED = str.maketrans({"ł": "l", "ø": "o", "†": " deceased ", "✝": " deceased "})


def asks_to_stop(text: str) -> bool:
    """Return whether a remark may tell that a person must not be mailed."""
    words = _words(text)
    return _holds(words) or bool(_patterns().alone.fullmatch(re.sub(r" ?\d+", "", words).strip()))


def names_a_stop(name: str) -> bool:
    """Return whether the name of a column is such a remark: "goneAway", "date_of_death"."""
    return asks_to_stop(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))


def holds_a_stop(name: str) -> bool:
    """Return whether a person's name holds such a remark: "Ann Ash (deceased)"."""
    return _holds(_words(name))


@lru_cache(maxsize=20_000)
def _words(text: str) -> str:
    """Return the words of a text in lower case, without accents and marks, with single spaces between them."""
    folded = unicodedata.normalize("NFKD", text[:_LONGEST].casefold().translate(_FOLDED))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain))


def _holds(words: str) -> bool:
    anywhere = _patterns().anywhere
    starts = (match.start() for match in re.finditer(r"\b\w", words))
    return any(words[at] in anywhere and anywhere[words[at]].match(words, at) for at in starts)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of whole remarks, and {first letter: the patterns that begin with it anywhere in a remark}."""

    alone: re.Pattern[str]
    anywhere: dict[str, re.Pattern[str]]


@cache
def _patterns() -> _Patterns:
    """Return the patterns of the file, by first letters, because a word would else be compared with hundreds."""
    data = tomllib.loads(files("subscribers.csv").joinpath("data/remarks.toml").read_text("utf-8"))
    alone, anywhere = ("|".join(words.replace("\n", "") for words in data[part].values()) for part in data)
    by_letter: dict[str, list[str]] = {}
    for pattern in re.findall(rf"(?:{_GROUP}|[^|()])+", anywhere):
        for letter in _first_letters(pattern):
            by_letter.setdefault(letter, []).append(pattern)
    compiled = {letter: re.compile(rf"(?:{'|'.join(patterns)})\b") for letter, patterns in by_letter.items()}
    return _Patterns(re.compile(alone), compiled)


def _first_letters(pattern: str) -> set[str]:
    """Return the letters with which a text of this pattern can begin."""
    group = re.match(_GROUP, pattern)
    if group is None:
        return {pattern[0]}
    letters = set(re.findall(r"[(|](\w)", group[0]))
    rest = pattern[group.end() :]
    return letters | _first_letters(rest[1:].lstrip()) if rest[:1] in ("?", "*") else letters
