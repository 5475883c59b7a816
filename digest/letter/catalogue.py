"""Reads the catalogues of a letter's words (words/*.toml in the template folders) and proves them complete."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from digest.errors import ConfigError
from digest.letter.words import GAP, Words, primary

PATTERN = "en"  # the language that every other one must match, and the last to fall back to
_ALSO = {"in_region": "{region} {the_region}", "from_region": "{region} {the_region}"}
_LONGEST = 300  # characters of one sentence
_FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})
Catalogue = dict[str, object]


def languages(folders: Sequence[Path]) -> frozenset[str]:
    """Return the languages for which the template folders hold a catalogue."""
    return frozenset(path.stem for folder in folders for path in (folder / "words").glob("*.toml"))


def best(wanted: Sequence[str], known: frozenset[str]) -> str:
    """Return the first of the wanted language tags that is known ("cy-GB" is "cy"), else English."""
    return next((found for tag in wanted if (found := primary(tag)) in known), PATTERN)


def load_catalogue(folders: Sequence[Path], language: str, own: Mapping[str, object] | None = None) -> Words:
    """Return the words of a language: the last folder's file, changed by the earlier ones', changed by `own`.

    ConfigError names each file and word that is missing, unknown, or has a gap that English does not have.
    """
    shipped = folders[-1] / "words" / f"{PATTERN}.toml"
    pattern, problems = _read(shipped)
    if not pattern:
        raise ConfigError(problems or [f"{shipped}: not found; the last template folder has words/{PATTERN}.toml"])
    catalogue: Catalogue = {}
    for folder in reversed(folders):
        path = folder / "words" / f"{language}.toml"
        if path.is_file():
            changes, wrong = _read(path)
            problems += wrong + _lay_over(catalogue, changes, pattern, str(path))
    problems += _lay_over(catalogue, own or {}, pattern, f"brand.words.{language}")
    missing = [name for name in pattern if name not in catalogue]
    problems += [f"words/{language}.toml: {name} is missing; add it as in {shipped}" for name in missing]
    if problems:
        raise ConfigError(problems)
    return _words(language, catalogue)


def _words(language: str, catalogue: Catalogue) -> Words:
    plurals, months = catalogue["plurals"], catalogue["months"]
    assert isinstance(plurals, dict) and isinstance(months, list)
    return Words(
        language,
        {name: text for name, text in catalogue.items() if isinstance(text, str)},
        {name: table for name, table in catalogue.items() if isinstance(table, dict) and name != "plurals"},
        {number: form for form, numbers in plurals.items() for number in numbers},
        tuple(months),
    )


def _read(path: Path) -> tuple[Catalogue, list[str]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [f"{path}: not valid TOML: {error}"]


def _lay_over(catalogue: Catalogue, changes: Mapping[str, object], pattern: Catalogue, place: str) -> list[str]:
    """Change a catalogue, tables line by line; return what is wrong in the changes."""
    problems = []
    for name, value in changes.items():
        if name not in pattern:
            near = difflib.get_close_matches(name, pattern, 1)
            cure = f"did you mean {near[0]!r}?" if near else "remove it"
            problems.append(f"{place}: {name}: no letter has this word; {cure}")
            continue
        before = catalogue.get(name)
        merged = before | value if isinstance(before, dict) and isinstance(value, dict) else value
        wrong = _value(f"{place}: {name}", name, merged, pattern[name])
        problems += wrong
        if not wrong:
            catalogue[name] = merged
    return problems


def _value(place: str, name: str, value: object, pattern: object) -> list[str]:
    if isinstance(value, str) and isinstance(pattern, str):
        return _line(place, value, pattern) or _gaps(place, value, pattern)
    if isinstance(value, dict) and isinstance(pattern, dict):
        return _table(place, name, value, pattern)
    if isinstance(value, list) and len(value) == 12 and all(isinstance(month, str) and month for month in value):
        return [] if isinstance(pattern, list) else [f"{place} is a list; write it as in en.toml"]
    return [f"{place}: is not of the same kind as in en.toml; write it as there"]


def _table(place: str, name: str, value: Mapping[str, object], pattern: Mapping[str, object]) -> list[str]:
    if name == "plurals":
        wrong = [form for form, counts in value.items() if form not in _FORMS or not _counts(counts)]
        return [f"{place}.{form}: write a form of {', '.join(sorted(_FORMS))} and its counts" for form in wrong]
    # Where every slug not listed falls to "other", the other lines may be left out.
    problems = [f"{place}.{key} is missing; add it" for key in pattern if key not in value and "other" not in value]
    known = " ".join([*map(str, pattern.values()), _ALSO.get(name, "")])
    for key, text in value.items():
        problems += _said(f"{place}.{key}", text, known) if isinstance(text, str) else [f"{place}.{key}: is not text"]
    return problems


def _said(place: str, text: str, known: str) -> list[str]:
    return _line(place, text, known) or _gaps(place, text, known)


def _line(place: str, text: str, pattern: str) -> list[str]:
    if not text.isprintable():
        return [f"{place}: holds a line break or a control character; write one plain line"]
    if not text.strip() and pattern.strip():
        return [f"{place}: is blank; write something"]
    if len(text) > _LONGEST:
        return [f"{place}: is longer than {_LONGEST} characters; write less"]
    return []


def _counts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(count, int) for count in value)


def _gaps(place: str, text: str, pattern: object) -> list[str]:
    known = {*GAP.findall(str(pattern))}
    unknown = [gap for gap in GAP.findall(text) if gap not in known]
    cure = f"use {', '.join(f'{{{gap}}}' for gap in sorted(known))}" if known else "nothing is filled in here"
    return [f"{place}: {{{gap}}} cannot be filled; {cure}" for gap in unknown]
