"""Read the catalogues of a letter's words (words/*.toml in the template folders) and check that they are complete."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from digest.errors import ConfigError
from digest.letter.brand import Brand
from digest.letter.particles import particle_gaps
from digest.letter.words import GAP, Words, primary, with_regions
from digest.model import Site, Term

PATTERN = "en"  # every other language must match its catalogue; also the last language to fall back to
# Gaps that a table may use although no line of the English table has them.
_MORE_GAPS = {"in_region": "{region} {the_region}", "from_region": "{region} {the_region}"}
# Words that came later: a language of an organisation's own that lacks them shows the English ones.
_LATER = frozenset(
    {
        "copied", "new_link", "elsewhere_plain", "step", "ingredient", "reason_unplaced", "told_by",
        "reason_barrier", "reason_barrier_unplaced", "barrier", "shared", "shared_area",
        "corrected", "withdrawn", "also_at", "earlier", "carried", "from_month",
        "entry_note", "worded_by", "question", "answer", "yours", "yours_more",
        "silence", "silence_why", "silence_choice", "silence_gain", "tried",
        "privacy", "accessibility", "confirm_join", "confirm_back", "already",
        "confirm_move", "moved_notice", "published_via",
    }
)  # fmt: skip
_LONGEST = 300  # characters of a sentence
# Those of Unicode's CLDR, and for Welsh the numbers after which some nouns of time change ("7 niwrnod").
_FORMS = frozenset({"zero", "one", "two", "few", "many", "nasal", "other"})
Catalogue = dict[str, object]


def languages(folders: Sequence[Path]) -> frozenset[str]:
    """Return the languages for which the template folders hold a catalogue."""
    return frozenset(path.stem for folder in folders for path in (folder / "words").glob("*.toml"))


@lru_cache(maxsize=256)
def best(wanted: tuple[str, ...], available: frozenset[str]) -> str:
    """Return the first available language among the wanted tags ("cy-GB" counts as "cy"), else English."""
    return next((language for tag in wanted if (language := primary(tag)) in available), PATTERN)


def words_for(
    folders: Sequence[Path], language: str, site: Site, brand: Brand, regions: Sequence[Term] = ()
) -> Words:
    """Return the words for a reader's language; one without a catalogue falls back to the site's, then to English.

    `regions` are the organisation's own. ConfigError names each mistake in the words.
    """
    chosen = best((language, site.language), languages(folders))
    changes = ({"tagline": brand.tagline} if brand.tagline else {}) | dict(dict(brand.words).get(chosen, {}))
    return with_regions(load_catalogue(folders, chosen, changes), regions, changes)


def load_catalogue(
    folders: Sequence[Path], language: str, own: Mapping[str, object] | None = None, *, all_later: bool = False
) -> Words:
    """Return the words of a language: the last folder's file, then the earlier folders' changes, then those of `own`.

    `all_later`: a language that lacks any words shows the English ones. ConfigError names each file and word that is
    missing, unknown, or has a gap that English does not have.
    """
    shipped = folders[-1] / "words" / f"{PATTERN}.toml"
    pattern, problems = _read(shipped)
    if not pattern:
        raise ConfigError(problems or [f"{shipped}: not found; the last template folder has words/{PATTERN}.toml"])
    catalogue: Catalogue = {name: pattern[name] for name in pattern if all_later or name in _LATER}
    lent = {} if language == PATTERN else pattern
    for folder in reversed(folders):
        path = folder / "words" / f"{language}.toml"
        if path.is_file():
            changes, mistakes = _read(path)
            problems += mistakes + _change(catalogue, changes, pattern, str(path), lent)
    problems += _change(catalogue, own or {}, pattern, f"brand.words.{language}", lent)
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


def _read(path: Path) -> tuple[Mapping[str, object], list[str]]:
    try:
        return _parsed(path.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [f"{path}: not valid TOML: {error}"]


# Cached because each edition and each preview reads the same catalogues again. No caller changes what it returns.
@lru_cache(maxsize=16)
def _parsed(text: str) -> Mapping[str, object]:
    return tomllib.loads(text)


def _change(
    catalogue: Catalogue,
    changes: Mapping[str, object],
    pattern: Mapping[str, object],
    where: str,
    lent: Mapping[str, object],
) -> list[str]:
    """Apply changes to a catalogue, tables line by line; return a line for each mistake in the changes.

    A table of forms by count that is `lent` (English, for a language that lacks it) is replaced as a whole, because
    two languages need forms for other counts.
    """
    problems = []
    for name, value in changes.items():
        if name not in pattern:
            from difflib import get_close_matches  # here, because few files have a mistake

            near = get_close_matches(name, pattern, 1)
            cure = f"did you mean {near[0]!r}?" if near else "remove it"
            problems.append(f"{where}: {name}: there is no such word; {cure}")
            continue
        before = catalogue.get(name)
        is_lent = (
            before is not None and before is lent.get(name) and isinstance(before, dict) and not {*before} - _FORMS
        )
        merged = before | value if isinstance(before, dict) and isinstance(value, dict) and not is_lent else value
        mistakes = _value_problems(f"{where}: {name}", name, merged, pattern[name])
        problems += mistakes
        if not mistakes:
            catalogue[name] = merged
    return problems


def _value_problems(where: str, name: str, value: object, pattern: object) -> list[str]:
    if isinstance(value, str) and isinstance(pattern, str):
        return _sentence_problems(where, value, pattern)
    if isinstance(value, dict) and isinstance(pattern, dict):
        return _table_problems(where, name, value, pattern)
    if isinstance(value, list) and len(value) == 12 and all(isinstance(month, str) and month for month in value):
        return [] if isinstance(pattern, list) else [f"{where} is a list; write it as in en.toml"]
    return [f"{where}: is not of the same kind as in en.toml; write it as there"]


def _table_problems(where: str, name: str, value: Mapping[str, object], pattern: Mapping[str, object]) -> list[str]:
    if name == "plurals":
        mistaken = [form for form, counts in value.items() if form not in _FORMS or not _counts(counts)]
        return [f"{where}.{form}: write a form of {', '.join(sorted(_FORMS))} and its counts" for form in mistaken]
    # A table with "other" may leave lines out, because "other" serves every slug that is not listed.
    problems = [f"{where}.{key} is missing; add it" for key in pattern if key not in value and "other" not in value]
    english = " ".join([*map(str, pattern.values()), _MORE_GAPS.get(name, "")])
    for key, text in value.items():
        where_line = f"{where}.{key}"
        problems += (
            _sentence_problems(where_line, text, english) if isinstance(text, str) else [f"{where_line}: is not text"]
        )
    return problems


def _sentence_problems(where: str, text: str, pattern: str) -> list[str]:
    return _line_problems(where, text, pattern) or _gap_problems(where, text, pattern)


def _line_problems(where: str, text: str, pattern: str) -> list[str]:
    if not text.isprintable():
        return [f"{where}: has a line break or a control character; write one plain line"]
    if not text.strip() and pattern.strip():
        return [f"{where}: is blank; write something"]
    if len(text) > _LONGEST:
        return [f"{where}: is longer than {_LONGEST} characters; write less"]
    return []


def _counts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(count, int) for count in value)


def _gap_problems(where: str, text: str, pattern: str) -> list[str]:
    allowed = {*GAP.findall(pattern)}
    unknown = [gap for gap in GAP.findall(text) if gap not in allowed | particle_gaps(allowed)]
    cure = f"use {', '.join(f'{{{gap}}}' for gap in sorted(allowed))}" if allowed else "nothing is filled in here"
    return [f"{where}: {{{gap}}} cannot be filled; {cure}" for gap in unknown]
