"""Read spans of time as people write them in config.toml, such as "30 minutes"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

FORM = re.compile(r"^\s*([0-9]{1,8})\s*(minute|hour|day|week)s?\s*$")
_LONGEST = timedelta(days=36_525)  # a hundred years, because Python's dates end in the year 9999


def read_span(value: object) -> timedelta:
    """Read "30 minutes", "12 hours", "14 days" or "2 weeks". Raises ValueError saying how to write it."""
    if isinstance(value, str) and (form := FORM.match(value)):
        span = timedelta(**{form[2] + "s": int(form[1])})
        if span <= _LONGEST:
            return span
    raise ValueError('write a span like "30 minutes", "12 hours", "14 days" or "2 weeks", at most a hundred years')


Span = Annotated[timedelta, BeforeValidator(read_span)]
