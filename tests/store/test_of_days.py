"""The entries of a day that a new text may be, read from both engines without the text of all others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from digest.model import Facets, Sighting
from digest.sources.newness import New
from digest.sources.sameness import VERY_START, beginnings
from digest.store import entries
from digest.store.engine import writing

DAY = datetime(2026, 7, 22, 11, 30, tzinfo=UTC)
HUB = "<p>The council met residents on Monday to plan a family hub that brings early help and advice to all.</p>"
LONG = (
    HUB + "<p>Visits that nobody needs were dropped first, and the shared record kept carers from asking twice.</p>"
)
OTHER = LONG.replace("The council met", "A charity asked")


def test_entries_of_the_same_moment_and_those_of_the_day_that_begin_alike_are_read(engine: Engine) -> None:
    near = {
        "same moment, other text": (DAY, OTHER),
        "same moment, no text": (DAY, ""),
        "other hour, same text": (DAY + timedelta(hours=7), LONG.replace("<p>", "<div>")),
        "last hour of the local day before": (DAY.replace(hour=0) - timedelta(minutes=40), LONG),
    }
    far = {
        "other hour, other text": (DAY + timedelta(hours=7), OTHER),
        "other hour, short text": (DAY + timedelta(hours=7), "<p>The council met residents</p>"),
        "two days later": (DAY + timedelta(days=2), LONG),
        "no date": (None, LONG),
    }
    sightings = [
        New(Sighting(title, None, title, at, "", html), (f"g:{title}",)) for title, (at, html) in (near | far).items()
    ]
    days = [DAY, *(DAY - timedelta(weeks=n) for n in range(1, 40))]  # more than one statement holds
    with writing(engine) as conn:
        entries.add(conn, [entries.NewEntry("Notes", new, "post", Facets(), "ready") for new in sightings], DAY)
        read = entries.of_days(conn, days, beginnings([LONG]), VERY_START)
    assert {entry.title for entry in read.values()} == near.keys()
    assert {entry.text for entry in read.values()} == {html for _, html in near.values()}


def test_keys_that_are_stored_stay_as_they_are(engine: Engine) -> None:
    with writing(engine) as conn:
        one, other = entries.add(
            conn,
            [
                entries.NewEntry("Notes", New(Sighting(title, None, title), keys), "post", Facets(), "ready")
                for title, keys in (("a", ("g:1", "l:1")), ("b", ("g:2", "l:1")))
            ],
            DAY,
        )
        entries.spoil(conn, ["g:1"])
        entries.add(
            conn,
            [entries.NewEntry("Notes", New(Sighting("c", None, "c"), ("g:1", "g:2")), "post", Facets(), "ready")],
            DAY,
        )
        assert entries.stored_keys(conn, ["g:1", "g:2", "l:1", "l:2"]).keys == {"g:1": None, "g:2": other, "l:1": one}
