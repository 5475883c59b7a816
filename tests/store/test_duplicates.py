"""Near-duplicates and the sources that show an entry too, stored on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from digest.model import Facets, NamedLink, Sighting
from digest.sources.newness import New
from digest.store import duplicates, entries, standings
from digest.store.engine import writing

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
WIRE, WEEKLY = NamedLink("Wire", "https://wire.example/1"), NamedLink("Weekly", None)


def test_sources_are_named_once_in_the_order_they_came(engine: Engine) -> None:
    with writing(engine) as conn:
        stories = [New(Sighting(title, None, f"Story {title}"), (f"g:{title}",)) for title in "ab"]
        pairs = zip(("Notes", "Wire"), stories, ("ready", "duplicate"), strict=True)
        first, later = entries.add(
            conn, [entries.NewEntry(name, new, "post", Facets(), state) for name, new, state in pairs], NOW
        )
        duplicates.store_duplicate(conn, later, first)
        duplicates.store_also_at(conn, first, WIRE, NOW)
        duplicates.store_also_at(conn, first, WIRE._replace(url="https://wire.example/2"), NOW)
        duplicates.store_also_at(conn, first, WEEKLY, NOW - timedelta(hours=1))
        assert duplicates.other_sources(conn, [first, later]) == {first: (WEEKLY, WIRE)}
        assert list(duplicates.recent_titles(conn, NOW, besides="Wire")) == [(first, "Story a")]
        assert list(duplicates.recent_titles(conn, NOW, besides="Notes")) == []
        assert list(duplicates.recent_titles(conn, NOW + timedelta(seconds=1), besides="Wire")) == []
        stored = entries.many(conn, [later])[later]
        assert (stored.duplicate_of, stored.held_why) == (
            first,
            f"it tells what entry {first} tells",
        )
        assert standings.of_source(conn, "Wire", 0) == {}  # because its original is owed to nobody
        entries.set_state(conn, first, "held")
        assert [each.given_back for each in standings.of_source(conn, "Wire", 0).values()] == ["duplicate"]
        duplicates.name_no_more(conn, later)
        assert duplicates.other_sources(conn, [first]) == {first: (WEEKLY,)}
        duplicates.name_again(conn, later, NOW)
        assert duplicates.other_sources(conn, [first])[first][1].name == "Wire"
        for number in (first, later, later):
            duplicates.set_apart(conn, number)
        assert duplicates.other_sources(conn, [first]) == {first: (WEEKLY,)}
        assert entries.many(conn, [later])[later].duplicate_of is None


def test_a_near_duplicate_that_was_taken_over_is_given_back_with_its_siblings(engine: Engine) -> None:
    with writing(engine) as conn:
        stories = [New(Sighting(title, None, f"Story {title}"), (f"g:{title}",)) for title in "abc"]
        rows = zip(("Notes", "Wire", "Weekly"), stories, ("dropped", "duplicate", "duplicate"), strict=True)
        first, later, sibling = entries.add(
            conn, [entries.NewEntry(name, new, "post", Facets(), state) for name, new, state in rows], NOW
        )
        for number, link in ((later, WIRE), (sibling, WEEKLY)):
            duplicates.store_duplicate(conn, number, first)
            duplicates.store_also_at(conn, first, link, NOW)
        row = duplicates.named_at(conn, entries.many(conn, [later])[later])
        assert row == ("https://wire.example/1", NOW.isoformat())
        duplicates.take_over(conn, later, NOW)
        duplicates.set_apart(conn, later)
        assert duplicates.other_sources(conn, [first, later]) == {later: (WEEKLY,)}
        assert duplicates.named_at(conn, entries.many(conn, [later])[later]) is None
        duplicates.give_back(conn, later, first, row, NOW + timedelta(hours=1))
        assert duplicates.other_sources(conn, [first, later]) == {first: (WIRE, WEEKLY)}
        assert {entry.duplicate_of for entry in entries.many(conn, [later, sibling]).values()} == {first}
        reasons = {"held_by": "missing", "held_why": "gone", "overruled": "early"}
        standings.set_reasons(conn, later, reasons)
        assert standings.reasons_of(conn, later) == reasons
