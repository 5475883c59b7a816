"""Choose the cases of a repeating test that run in `make test`: a few; all others are under the mark `long`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

POSTGRESQL_LONG = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
"""Run a test of many rows on SQLite always, and on PostgreSQL where `.ci/run` asks for the long tests."""


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Return a parametrisation of `count`: `few` always, `many` where `.ci/run` asks for the long tests."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.long)])


def others_long(cases: Mapping[str, Any] | Iterable[Any], *few: Any) -> list[Any]:
    """Return the cases of a parametrisation, by name or not: `few` run always, the others under the mark `long`."""
    named = cases.items() if isinstance(cases, Mapping) else [(None, case) for case in cases]
    made = [(name, case if isinstance(case, tuple) else (case,), (name or case) in few) for name, case in named]
    assert sum(always for *_, always in made) == len(few), f"one of {few} is no case"
    return [pytest.param(*case, id=name, marks=() if always else pytest.mark.long) for name, case, always in made]
