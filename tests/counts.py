"""How often a test of random cases repeats: a few times in `make test`, many times under the mark `long`."""

from __future__ import annotations

import pytest


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Return a parametrisation of `count`: `few` always, `many` where `.ci/run` asks for the long tests."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.long)])
