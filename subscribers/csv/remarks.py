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
# Signs that part a remark from a name, and letters that sort a name to the end of a list.
_APART = re.compile(r"[][(){}*/|:;#!<>~=+_]+|\s[-\u2013\u2014]+\s|^[-\u2013\u2014]+|[-\u2013\u2014]+$")
_TO_THE_END = re.compile(r"(?:z{2,}|x{2,})[\W_]", re.IGNORECASE)


def asks_to_stop(text: str) -> bool:
    """Return whether a remark may tell that a person must not be mailed."""
    words = _words(text)
    return _holds(words) or bool(_patterns().alone.fullmatch(re.sub(r" ?\d+", "", words).strip()))


def is_a_stop(text: str) -> bool:
    """Return whether a text is such a remark as a whole: "Deceased", but not "Deceased Estates Officer"."""
    words, patterns = _words(text).strip(), _patterns()
    pattern = patterns.anywhere.get(words[:1])
    return bool(patterns.alone.fullmatch(words) or (pattern and pattern.fullmatch(words)))


def names_a_stop(name: str) -> bool:
    """Return whether the name of a column is such a remark: "goneAway", "date_of_death"."""
    return asks_to_stop(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))


def holds_a_stop(name: str) -> bool:
    """Return whether a person's name holds such a remark: "Ann Ash (deceased)", "Ann LEFT Ash", "zz Ann Ash".

    A word that may be a name ("Left") counts only where it is set off from the name by signs, or by capitals.
    """
    if _holds(_words(name)) or _TO_THE_END.match(name):
        return True
    parts = [part.strip() for part in _APART.split(name)]
    apart = parts if len(parts) > 1 else []
    apart += [part for part in map(str.strip, name.split(",")[1:]) if part == part.lower()]
    words = re.findall(r"[^\W\d_]+", name)
    if not all(word.isupper() for word in words):
        apart += [word for word in words if len(word) > 2 and word.isupper()]
    return any(_patterns().alone.fullmatch(_words(part)) for part in apart if part)


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
