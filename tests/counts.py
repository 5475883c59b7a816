"""Keep tests of many cases cheap: one test item for a table, and a few cases in `make test` where each is costly."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

Test = Callable[..., None]


def table(names: str, cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test for all `cases` in one item, and tell each case that fails.

    `names` and `cases` are as in `pytest.mark.parametrize`. For decisions that take microseconds: an item of its own
    costs some 5 ms, and all cases share the fixtures of the test.
    """
    arguments = [name.strip() for name in names.split(",")]
    rows = [case if len(arguments) > 1 else (case,) for case in cases]

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def all_cases(**fixtures: Any) -> None:
            failures = []
            for row in rows:
                try:
                    test(**dict(zip(arguments, row, strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"the case is {row!r}")
                    failures.append(error)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(rows)} cases", failures)

        signature = inspect.signature(test)
        others = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        all_cases.__signature__ = signature.replace(parameters=others)
        all_cases.rows = rows
        return all_cases

    return decorate


def rows_of(test: Callable[..., None]) -> list[Any]:
    """Return the cases of a test that has a `table`, or that pytest calls once for each."""
    if hasattr(test, "rows"):
        return list(test.rows)
    [cases] = [mark.args[1] for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return [getattr(case, "values", case) for case in cases]


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


def spread(count: int, cases: Iterable[Any]) -> list[Any]:
    """Return the cases of a parametrisation: `count` of them, evenly spread, run always, the others under `long`."""
    params = [
        case if hasattr(case, "marks") else pytest.param(*(case if isinstance(case, tuple) else (case,)))
        for case in cases
    ]
    always = {number * len(params) // count for number in range(count)}
    return [
        case if number in always else pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.long])
        for number, case in enumerate(params)
    ]
