"""Ahead of the hour: when letters may wait at the provider, and what is done about a request in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.ledger.ahead import CANCEL_BY, LEAD, after_doubt, in_slot

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
HOUR = NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("now", "send_at", "confirmed_at", "what"),
    [
        (NOW, None, None, "hold"),
        (NOW, None, NOW, "hold"),
        (NOW, HOUR, None, "cancel"),
        (HOUR - CANCEL_BY, HOUR, None, "cancel"),
        (HOUR - CANCEL_BY + timedelta(seconds=1), HOUR, None, "hold"),
        (HOUR + timedelta(days=9), HOUR, None, "hold"),
        (NOW, HOUR, NOW, "resend"),
        (HOUR - CANCEL_BY, HOUR, HOUR - CANCEL_BY, "resend"),
        (HOUR, HOUR, HOUR - CANCEL_BY + timedelta(seconds=1), "hold"),
        # Confirmed in time, looked at late: it is discarded all the same.
        (HOUR + timedelta(days=9), HOUR, HOUR - CANCEL_BY, "resend"),
    ],
)
def test_what_slot_mode_decides(
    now: datetime, send_at: datetime | None, confirmed_at: datetime | None, what: str
) -> None:
    assert after_doubt(now, send_at, confirmed_at) == what


def test_when_a_slot_is_worth_it() -> None:
    second = timedelta(seconds=1)
    assert in_slot(NOW, NOW + LEAD) and not in_slot(NOW, NOW + LEAD - second)
    assert in_slot(NOW, NOW + timedelta(hours=72)) and not in_slot(NOW, NOW + timedelta(hours=72) + second)
    assert not in_slot(NOW, NOW - timedelta(hours=1))
