"""Read [cadence.*] of config.toml: when editions fall due, whether an editor approves them, and how far ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from digest.config.spans import Span
from digest.model import CADENCES
from digest.schedule import Cadence, parse_at

# With less than the least, a request with a lost answer could not be taken back in time; with more than the most,
# editions of a daily cadence would overlap.
_LEAST, _MOST = timedelta(minutes=25), timedelta(hours=12)


class CadencePart(BaseModel):
    """[cadence.daily], [cadence.weekly] or [cadence.monthly]."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    at: str = Field(
        description="When editions are due, in `site.zone`: `mon-fri 07:30`, `fri 08:00`; monthly `1 08:00` to "
        "`28 08:00`, or `last 08:00`.",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic", description="`required`: nothing goes out before `digest approve EDITION`."
    )
    ahead: Span = Field(
        default=timedelta(0),
        description="SendGrid only, 25 minutes to 12 hours: freeze and hand over so long before the hour, and let "
        "the provider wait for it.",
    )


def check_cadences(parts: Mapping[str, CadencePart], *, can_wait: bool) -> list[str]:
    """Return a line for each mistake in the cadences, which are given by name.

    `can_wait` is true where the transport keeps letters until their hour.
    """
    problems = []
    for name, part in parts.items():
        key = f"cadence.{name}"
        if name not in CADENCES:
            problems.append(f"{key}: is not a cadence; use {', '.join(CADENCES)}")
            continue
        try:
            parse_at(name, part.at)
        except ValueError as error:
            problems.append(f"{key}.at: {error}")
        if not part.ahead:
            continue
        if not _LEAST <= part.ahead <= _MOST:
            problems.append(f'{key}.ahead: write a span from "25 minutes" to "12 hours"')
        if not can_wait:
            problems.append(f"{key}.ahead: only SendGrid keeps letters until their hour; remove it")
    return problems


def cadences_of(parts: Mapping[str, CadencePart]) -> tuple[Cadence, ...]:
    """Return the cadences of parts without mistakes: daily, weekly, monthly."""
    return tuple(
        Cadence(name, parse_at(name, parts[name].at), parts[name].approval == "required", parts[name].ahead)
        for name in CADENCES
        if name in parts
    )
