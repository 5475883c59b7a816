"""Test slot mode: when letters may wait at the provider, and what is decided about a request in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from digest.ledger.ahead import CANCEL_BY, LEAD, after_doubt, in_slot
from tests.counts import table

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
HOUR = NOW + timedelta(hours=2)


@table(
    "now, send_at, confirmed_at, decision",
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
        # Because a cancel that was confirmed in time holds, however late it is looked at.
        (HOUR + timedelta(days=9), HOUR, HOUR - CANCEL_BY, "resend"),
    ],
)
def test_what_slot_mode_decides(
    now: datetime, send_at: datetime | None, confirmed_at: datetime | None, decision: str
) -> None:
    assert after_doubt(now, send_at, confirmed_at) == decision


def test_letters_wait_at_the_provider_from_25_minutes_to_72_hours() -> None:
    second = timedelta(seconds=1)
    assert in_slot(NOW, NOW + LEAD) and not in_slot(NOW, NOW + LEAD - second)
    assert in_slot(NOW, NOW + timedelta(hours=72)) and not in_slot(NOW, NOW + timedelta(hours=72) + second)
    assert not in_slot(NOW, NOW - timedelta(hours=1))
