"""Dates of entries: which of them counts, what is impossible, and that none comes from the clock."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from xml.sax.saxutils import escape

from digest.model import Sighting
from digest.sources.formats.dates import entry_date, possible
from digest.sources.formats.feed import parse_feed
from tests.counts import table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = datetime(2027, 2, 3, 4, 5, tzinfo=UTC)


def rss(text: str, more: str = "") -> str:
    entry = f"<item><title>A</title><guid>1</guid><pubDate>{escape(text)}</pubDate>{more}</item>"
    return f'<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>{entry}</channel></rss>'


def dublin_core(text: str) -> str:
    return rss("", f"<dc:date>{escape(text)}</dc:date>")


def atom(text: str) -> str:
    entry = f"<entry><id>1</id><title>A</title><published>{escape(text)}</published></entry>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'


def json_feed(text: str) -> str:
    items = [{"id": "1", "title": "A", "date_published": text}]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})


def sighting(body: str, now: datetime = NOW) -> Sighting:
    [entry] = parse_feed(body.encode(), content_type="", base_url="https://a.example/", now=now).sightings
    return entry


@table(
    "text, instant",
    [
        ("Mon, 20 Jul 2026 00:15:00 BST", (2026, 7, 19, 23, 15)),
        ("Mon, 20 Jul 2026 10:00:00 CEST", (2026, 7, 20, 8)),
        ("Dydd Llun, 20 Gorffennaf 2026", (2026, 7, 20)),
        ("2026/07/20 10:00", (2026, 7, 20, 10)),
        ("20-07-2026", (2026, 7, 20)),
        ("10:00, 20 July 2026", (2026, 7, 20, 10)),
        ("2026-07-20 10:00 PM", (2026, 7, 20, 22)),
        ("2026-W30-1", (2026, 7, 20)),
        ("Mon, 20 Jul 2026 24:00:00 GMT", (2026, 7, 21)),
        ('<time datetime="2026-07-20T09:00:00Z">Mon, 07/20/2026 - 10:00</time>', (2026, 7, 20, 9)),
        ("2026-07", None),
        ("10:00", None),
        ("46223", None),
        ("2026-02-30T10:00:00Z", None),
        ("Mon, 20 Jul 2026 10:00:00 +9900", None),
        ("--07-20", None),
    ],
)
def test_the_instant_arrives_from_every_kind_of_feed_whatever_day_it_is(
    text: str, instant: tuple[int, ...] | None
) -> None:
    wanted = datetime(*instant, tzinfo=UTC) if instant else None  # type: ignore[arg-type,misc]
    for body in (rss(text), dublin_core(text), atom(text), json_feed(text)):
        assert [sighting(body, now).published for now in (NOW, LATER)] == [wanted, wanted]


def test_a_date_inside_another_element_is_not_the_entrys() -> None:
    # feedparser puts the inner date into "published_parsed".
    more = '<x:event xmlns:x="urn:x"><pubDate>1 May 2020</pubDate></x:event>'
    assert sighting(rss("20 July 2026", more)).published == datetime(2026, 7, 20, tzinfo=UTC)


def test_no_day_is_taken_from_the_clock_for_an_entry_without_a_date() -> None:
    for body in (rss(""), atom("soon"), json_feed("today")):
        entry = sighting(body)
        assert (entry.published, entry.not_before, entry.guid) == (None, None, "1")


@table(
    "texts, wanted",
    [
        (["20 Nov 2026", "19 Nov 2026"], "2026-11-20"),
        (["", "19 Nov 2026"], "2026-11-19"),
        (["2026-11", "19 Nov 2026"], "2026-11-19"),
        (["1970-01-01", "19 Nov 2026"], "2026-11-19"),
        (["20 Dec 2026", "19 Nov 2026"], "2026-12-20"),
        (["", "20 Dec 2026"], "2026-12-20"),
        (["19 Nov 2026", "20 Dec 2026"], "2026-11-19"),
        (["soon", ""], None),
    ],
)
def test_the_first_date_counts_if_it_is_possible_or_ahead(texts: list[str], wanted: str | None) -> None:
    at = entry_date(texts, NOW)
    assert (at.date().isoformat() if at else None) == wanted


def test_dates_ahead_are_kept_for_two_days_only() -> None:
    assert possible(NOW + timedelta(days=2), NOW) == NOW + timedelta(days=2)
    assert possible(NOW + timedelta(days=2, seconds=1), NOW) is None


def test_a_day_and_a_naive_moment_are_utc() -> None:
    assert possible(date(2026, 5, 1), NOW) == datetime(2026, 5, 1, tzinfo=UTC)
    assert possible(datetime(2026, 5, 1, 8), NOW) == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert possible(datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), NOW) is None
    assert possible(None, NOW) is None
