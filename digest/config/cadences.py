"""Read [cadence.*] of config.toml: when editions fall due, whether an editor approves them, and how far ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from digest.config.hours import parse_at
from digest.config.spans import Span
from digest.model import CADENCES
from digest.schedule import At, Cadence, DaysOff

# With less than the least, a request with a lost answer could not be taken back in time; with more than the most,
# editions of a daily cadence would overlap.
_LEAST, _MOST = timedelta(minutes=25), timedelta(hours=12)


class CadencePart(BaseModel):
    """[cadence.daily], [cadence.weekly] or [cadence.monthly]."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    at: str = Field(
        description="When editions are due, in `site.zone`: `mon-fri 07:30`, `fri 08:00`; monthly `1 08:00` to "
        "`28 08:00`, `last 08:00`, `first mon 07:30` to `fourth mon 07:30`, or `last mon 07:30`. Or the five "
        "fields of a crontab with one minute and one hour, such as `30 7 * * 1-5`, where 0 and 7 are Sunday.",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic", description="`required`: nothing goes out before `digest approve EDITION`."
    )
    ahead: Span = Field(
        default=timedelta(0),
        description="SendGrid only, 25 minutes to 12 hours: freeze and hand over so long before the hour, and let "
        "the provider wait for it.",
    )
    latest: str = Field(
        default="",
        description="The latest time of the day at which an edition is frozen by itself, such as `12:00`. If the "
        "machine was down until then, the edition waits until somebody approves it after that time; if nobody "
        "does, the next edition takes its entries over. Without it, a missed edition goes out as soon as it can.",
    )
    unapproved: Literal["wait", "stop", "send", "send-without-open-questions"] = Field(
        default="wait",
        description='With `approval = "required"`: what becomes of an edition that nobody has approved by its hour. '
        "`wait`: it waits until somebody does, and the next edition takes its entries over if nobody does; `stop`: "
        "it is stopped, and the cadence with it, until somebody decides; `send`: it goes out; "
        "`send-without-open-questions`: it goes out without the entries that have an open question. These are held "
        "for every cadence until `digest release`, so that another edition with such an entry loses its approval.",
    )
    draft_ahead: Span = Field(
        default=timedelta(0),
        description='With `approval = "required"`: draft the edition so long before its hour, such as `1 day`, and '
        "tell the editors. Entries that come after the draft are for the next edition.",
    )
    remind_ahead: Span = Field(
        default=timedelta(0),
        description="Tell the editors so long before the hour, such as `2 hours`, that it is not approved yet; "
        "shorter than `draft_ahead`.",
    )


def check_cadences(parts: Mapping[str, CadencePart], *, can_wait: bool, zoned: bool) -> list[str]:
    """Return a line for each mistake in the cadences, which are given by name.

    `can_wait` is true where the transport keeps letters until their hour, `zoned` where readers may choose a zone.
    """
    problems = []
    for name, part in parts.items():
        key = f"cadence.{name}"
        if name not in CADENCES:
            problems.append(f"{key}: is not a cadence; use {', '.join(CADENCES)}")
            continue
        try:
            at = parse_at(name, part.at)
        except ValueError as error:
            problems.append(f"{key}.at: {error}")
        else:
            problems += [f"{key}.latest: {problem}" for problem in _of_latest(part.latest, at)]
        problems += [f"{key}.{problem}" for problem in _of_approval(part)]
        if not part.ahead:
            continue
        if not _LEAST <= part.ahead <= _MOST:
            problems.append(f'{key}.ahead: write a span from "25 minutes" to "12 hours"')
        if not can_wait:
            problems.append(f"{key}.ahead: only SendGrid keeps letters until their hour; remove it")
        if zoned:
            problems.append(
                f"{key}.ahead: an edition has an hour for each zone of site.reader_zones; remove one of the two"
            )
    return problems


def _of_approval(part: CadencePart) -> list[str]:
    """Return what is wrong with the keys of a cadence that only count where an editor must approve."""
    keys = ("unapproved", "draft_ahead", "remind_ahead")
    if part.approval != "required":
        given = [key for key in keys if key in part.model_fields_set]
        return [f'{key}: it counts with approval = "required" only; add that, or remove it' for key in given]
    if part.unapproved.startswith("send") and not part.draft_ahead:
        return [
            'unapproved: with "send", give draft_ahead too, such as "1 day", because otherwise it is drafted at its'
            " hour and nobody can look at it before it is sent"
        ]
    if part.remind_ahead and not part.remind_ahead < part.draft_ahead:
        return ["remind_ahead: write a span that is shorter than draft_ahead, because there is no draft before that"]
    return []


def _of_latest(text: str, at: At) -> list[str]:
    """Return what is wrong with the latest time of a cadence whose hour is `at`."""
    try:
        latest = _latest(text)
    except ValueError:
        return [f'{text!r} is not a time of day; write it like "12:00"']
    if latest is not None and latest <= time(at.hour, at.minute):
        return [f"{text} is not after the hour, {at}; write a later time of the same day"]
    return []


def _latest(text: str) -> time | None:
    if not text:
        return None
    hour, colon, minute = text.strip().partition(":")
    if not (hour.isdecimal() and colon and minute.isdecimal()):
        raise ValueError(text)
    return time(int(hour), int(minute))


def cadences_of(
    parts: Mapping[str, CadencePart], days_off: DaysOff | None, zones: tuple[str, ...]
) -> tuple[Cadence, ...]:
    """Return the cadences of parts without mistakes: daily, weekly, monthly. `zones`: those readers may choose."""
    return tuple(
        Cadence(
            name,
            parse_at(name, part.at),
            part.approval == "required",
            part.ahead,
            part.unapproved,
            part.draft_ahead,
            part.remind_ahead,
            _latest(part.latest),
            days_off,
            zones,
        )
        for name in CADENCES
        if (part := parts.get(name)) is not None
    )
