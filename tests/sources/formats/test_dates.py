"""Dates as feeds write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from digest.sources.formats.dates import possible, read_date
from tests.counts import table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@table(
    "text, instant",
    [
        ("2026-11-20T10:00:00Z", (2026, 11, 20, 10)),
        ("2026-11-20T10:00:00+01:00", (2026, 11, 20, 9)),
        ("2026-11-20 10:00:00", (2026, 11, 20, 10)),
        ("2026-11-20", (2026, 11, 20)),
        ("Fri, 20 Nov 2026 10:00:00 GMT", (2026, 11, 20, 10)),
        ("Fri, 20 Nov 2026 10:00:00 -0500", (2026, 11, 20, 15)),
        ("Wed, 03 Jun 2026 08:18:00 Z", (2026, 6, 3, 8, 18)),
        ("mer, 16 nov 2022 00:38:15 +0100", (2022, 11, 15, 23, 38, 15)),
        ("Seg, 24 Set 2018 10:11:12 +0000", (2018, 9, 24, 10, 11, 12)),
        ("22.11.2022 12:16:00", (2022, 11, 22, 12, 16)),
        ("07.02.2025", (2025, 2, 7)),
        ("Friday, January 29, 2021 04:42 PM", (2021, 1, 29, 16, 42)),
        ("January 1, 2021 12:05 AM", (2021, 1, 1, 0, 5)),
        ("Fri, 05/03/2019 - 15:21", (2019, 5, 3, 15, 21)),
        ("Tue, 05/03/2019 - 15:21", (2019, 3, 5, 15, 21)),
        ("05/03/2019", (2019, 3, 5)),
        ("12/31/2019", (2019, 12, 31)),
        ("30 juin 2024", (2024, 6, 30)),
        ("30 juillet 2024", (2024, 7, 30)),
        ("1er août 2023", (2023, 8, 1)),
        ("3. März 2024", (2024, 3, 3)),
        ("12 de mayo de 2024", (2024, 5, 12)),
        ("5 paź 2020", (2020, 10, 5)),
        ("5 października 2020", (2020, 10, 5)),
        ("3 Rhagfyr 2024", (2024, 12, 3)),
        ("20 Gorffennaf 2024 09:30 BST", (2024, 7, 20, 8, 30)),
        ("1st of May 2020 at 09:15", (2020, 5, 1, 9, 15)),
        ("", None),
        ("yesterday", None),
        ("2024-02-30", None),
        ("32.01.2024", None),
        ("Thu, 30 Feb 2023 00:00:00 GMT", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("-1", None),
        ("1970-01-01T00:00:00Z", None),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),
        ("99.99.9999", None),
        ("x" * 1_000_000, None),
    ],
)
def test_a_date_is_read_or_absent(text: str, instant: tuple[int, ...] | None) -> None:
    expected = datetime(*instant, tzinfo=UTC) if instant else None  # type: ignore[arg-type,misc]
    assert read_date(text, NOW) == expected


def test_dates_ahead_are_kept_for_two_days_only() -> None:
    assert possible(NOW + timedelta(days=2), NOW) == NOW + timedelta(days=2)
    assert possible(NOW + timedelta(days=2, seconds=1), NOW) is None


def test_a_day_and_a_naive_moment_are_utc() -> None:
    assert possible(date(2026, 5, 1), NOW) == datetime(2026, 5, 1, tzinfo=UTC)
    assert possible(datetime(2026, 5, 1, 8), NOW) == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert possible(datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), NOW) is None
    assert possible(None, NOW) is None
