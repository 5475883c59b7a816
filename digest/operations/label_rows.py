"""Check labelled rows before they are scored, so that no label is read as something else or left out. Pure.

`check_labels` says what a row is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from digest.errors import counted
from digest.operations.check_labels import MULTIPLE, Row, is_case_study_label, region_of_label
from subscribers.facets import KnownFacets

_TEXTS = ("title", "url", "publisher", "source", "summary", "opening", "region", "kind", "class")
_LISTS = ("categories", "policy_areas", "regions", "places", "never")
_KEYS = (*_TEXTS, *_LISTS, "id")


def row_problems(row: Row, facets: KnownFacets) -> list[str]:
    """Return a line for each mistake in a row, with the cure."""
    forms = [
        f"{key} is {_shown(row[key])}; write a text" for key in _TEXTS if not isinstance(row.get(key), str | None)
    ]
    forms += [
        f'{key} is {_shown(row[key])}; write a list of texts, such as ["a", "b"]'
        for key in _LISTS
        if key in row and not _is_list(row[key])
    ]
    if row.get("title") in (None, ""):
        forms.append("title is missing; write the title of the page")
    return forms or _unknown_labels(row, facets)


def unread_keys(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each key that the score does not read and that may be a slip, then one for all the others."""
    counts = Counter(key for row in rows for key in row if key not in _KEYS)
    near = {key: get_close_matches(key.casefold(), _KEYS, 1, 0.8) for key in counts}
    slips = [
        f"{key!r} ({counted(counts[key], 'row')}) is read by nothing; did you mean {near[key][0]!r}?"
        for key in counts
        if near[key]
    ]
    others = sorted(key for key in counts if not near[key])
    return slips + ([f"these keys say nothing to the score: {', '.join(others)}"] if others else [])


def _unknown_labels(row: Row, facets: KnownFacets) -> list[str]:
    label, regions = row.get("region") or "", row.get("regions") or ()
    areas, kind = row.get("policy_areas") or (), row.get("kind") or ""
    problems = [facets.problem("policy_areas", area) for area in areas if not facets.slug("policy_areas", area)]
    if not is_case_study_label(kind) and get_close_matches(kind.casefold(), ["case study"], 1, 0.75):
        problems.append(f'kind {kind!r} counts as a post; write "case study", or "post"')
    problems += [
        f"{facets.problem('regions', each)}, or unknown, outside UK, multiple"
        for each in ([label] if label not in ("", MULTIPLE) else []) + list(regions)
        if not region_of_label(each, facets)
    ]
    if regions and label != MULTIPLE:
        problems.append(
            f'regions counts only where region is "multiple", and it is {label!r}; write one or the other'
        )
    problems += [
        f"never: {each!r} is neither a region nor a policy area; correct it, or take it out"
        for each in row.get("never") or ()
        if each != MULTIPLE and not region_of_label(each, facets) and not facets.slug("policy_areas", each)
    ]
    return problems


def _is_list(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _shown(value: object) -> str:
    return repr(value)[:40]
