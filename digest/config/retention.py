"""Read [retention] of config.toml: for how long the program keeps what only grows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest.config.spans import FORM, read_span
from digest.model import Retention

NEVER = "never"
# Refusals of an address are counted over a hundred days (see `ledger.events.struck_out`), and the usual number of new
# entries of a source over thirty.
_LEAST_DELIVERIES = timedelta(days=100)
_LEAST_RUNS = timedelta(days=35)
_LEAST_FILES = timedelta(days=1)
# Pages are read of the entries of the last two weeks; a text that was removed must not be read again.
_LEAST_TEXTS = timedelta(days=35)


def _read_limit(value: object, least: timedelta) -> timedelta | None:
    """Read a span of at least `least`, or "never" as None. Raises ValueError saying how to write it."""
    if value is None or value == NEVER:
        return None
    span = read_span(value) if isinstance(value, str) and FORM.match(value) else timedelta()
    if span < least:
        days = f"{least.days} day" + ("s" if least.days > 1 else "")
        raise ValueError(f'write a span of at least "{days}", like "400 days" or "60 weeks", or "never" to keep all')
    return span


def _limit(least: timedelta) -> BeforeValidator:
    return BeforeValidator(partial(_read_limit, least=least))


class RetentionPart(BaseModel):
    """[retention]: how old a thing gets before `digest run` removes it; "never" keeps it for ever."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    runs: Annotated[timedelta | None, _limit(_LEAST_RUNS)] = Field(
        default=timedelta(days=400),
        description='Runs that worked on no edition, the record of each gather, and settled notices. `"never"` keeps'
        " them for ever, as for each key here; at least 35 days.",
    )
    deliveries: Annotated[timedelta | None, _limit(_LEAST_DELIVERIES)] = Field(
        default=timedelta(days=400),
        description="Deliveries and the provider's events, counted from the last change in their edition. The receipt"
        " keeps its counts and reasons; which subscriber had which entries, and when, stays until they are erased. At"
        " least 100 days.",
    )
    letters: Annotated[timedelta | None, _limit(_LEAST_FILES)] = Field(
        default=timedelta(days=30),
        description="Letters in files (`transport.directory`). They hold addresses and keys. At least 1 day.",
    )
    copies: Annotated[timedelta | None, _limit(_LEAST_FILES)] = Field(
        default=timedelta(days=30),
        description="Databases that a restore has replaced (`digest.db.before-*`). At least 1 day.",
    )
    texts: Annotated[timedelta | None, _limit(_LEAST_TEXTS)] = Field(
        default=timedelta(days=400),
        description="Whole texts of the pages that entries link to. The entries stay. At least 35 days.",
    )


def retention_of(part: RetentionPart) -> Retention:
    """Return the limits of [retention]."""
    return Retention(part.runs, part.deliveries, part.letters, part.copies, part.texts)
