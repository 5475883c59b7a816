from __future__ import annotations

from datetime import UTC, datetime, timedelta

from subscribers.consent import may_mail, next_state
from subscribers.model import Subscriber
from subscribers.tables import EVENTS, STATES
from tests.counts import table

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)

_ALLOWED = {
    None: {"imported": "active", "added": "active"},
    "pending": {
        "imported": "pending",
        "confirmed": "active",
        "left": "left",
        "changed": "pending",
        "unsuppressed": "pending",
        "erased": "erased",
    },
    "active": {
        "imported": "active",
        "confirmed": "active",
        "left": "left",
        "paused": "active",
        "resumed": "active",
        "changed": "active",
        "unsuppressed": "active",
        "erased": "erased",
    },
    "left": {
        "added": "active",
        "confirmed": "active",
        "left": "left",
        "unsuppressed": "left",
        "erased": "erased",
    },
}


@table("state", [None, *STATES])
@table("what", EVENTS)
def test_each_event_in_each_state(state: str | None, what: str) -> None:
    assert next_state(state, what) == _ALLOWED[state].get(what)


@table(
    "state, paused, suppressed, reason",
    [
        ("active", None, False, None),
        ("active", None, True, "suppressed"),
        ("active", timedelta(seconds=1), False, "paused"),
        ("active", timedelta(0), False, None),
        ("active", timedelta(days=-1), False, None),
        ("active", timedelta(days=1), True, "suppressed"),
        ("pending", None, False, "pending"),
        ("left", None, False, "left"),
        ("left", timedelta(days=1), False, "left"),
        ("left", None, True, "suppressed"),
    ],
)
def test_who_may_be_mailed(state: str, paused: timedelta | None, suppressed: bool, reason: str | None) -> None:
    until = None if paused is None else NOW + paused
    subscriber = Subscriber(1, "jo@town.example", state=state, paused_until=until)
    assert may_mail(subscriber, suppressed, NOW) == reason


@table(
    "state, paused, suppressed, allow_list, reason",
    [
        ("active", None, False, ("jo@town.example",), None),
        ("active", None, False, ("@town.example",), None),
        ("active", None, False, ("@example", "o@town.example", "town.example"), "not on the allow-list"),
        ("active", timedelta(days=1), False, ("@other.example",), "paused"),
        ("left", None, False, ("@other.example",), "left"),
        ("active", None, True, ("@other.example",), "suppressed"),
    ],
)
def test_an_allow_list_leaves_out_everybody_else(
    state: str, paused: timedelta | None, suppressed: bool, allow_list: tuple[str, ...], reason: str | None
) -> None:
    until = None if paused is None else NOW + paused
    subscriber = Subscriber(1, "Jo@Town.example", state=state, paused_until=until)
    assert may_mail(subscriber, suppressed, NOW, allow_list) == reason
