"""An editor sees how each source does, and mutes one: what is new in it waits, what was released goes out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from digest.desk import edit
from digest.desk import sources as desk
from digest.desk.acts import Hand, StaleForm
from digest.desk.log import act_in_words, read_log
from digest.desk.undo import undo
from digest.editions.readings import store_failure, store_snapshot
from digest.errors import SourceError, WrongUse
from digest.model import Entry, Sighting, Snapshot, Source
from digest.operations.doctor import examine
from digest.sources.read import Reading, Validators
from digest.store import acts, entries
from digest.store.engine import reading, writing
from digest.store.muted import by_source
from digest.store.sources import Gathering, add_gatherings, keep_state
from tests import console
from tests.asked import asked
from tests.counts import table
from tests.house import House

OTHER = '\n[[source]]\nname = "Feed"\nurl = "https://feed.example/rss"\n[[source]]\nname = "News"\npath = "news.xml"'
FEED = Source("Feed", url="https://feed.example/rss")
NEWS = Source("News", url="https://news.example/rss")
ANN = Hand("Ann")
TODAY = date(2026, 11, 2)


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    building = House(tmp_path / "house", pipeline_url, source=OTHER)
    yield building
    building.close()


def sighting(title: str, **more: datetime | str | None) -> Sighting:
    link = f"https://{title.lower().replace(' ', '-')}.example/page"
    return Sighting(title, link, title, html=f"<p>{title}: the housing of all.</p>", **more)  # type: ignore[arg-type]


def gather(house: House, source: Source, *shown: Sighting | str, days: int = 1) -> Gathering:
    house.now += timedelta(days=days)
    sightings = tuple(each if isinstance(each, Sighting) else sighting(each) for each in shown)
    return store_snapshot(house.place, source, Reading("ok", Snapshot(sightings), Validators()), house.now)


def by_title(house: House) -> dict[str, Entry]:
    with reading(house.place.engine) as conn:
        return {entry.title: entry for entry in entries.listing(conn)}


def states(house: House) -> dict[str, str]:
    return {title: entry.state for title, entry in by_title(house).items()}


def test_what_is_new_in_a_muted_source_waits_and_what_was_released_stays(house: House) -> None:
    gather(house, FEED, "Old")
    gather(house, FEED, "Earlier", "Old")
    assert "is muted" in desk.mute_source(house.place, "Feed", ANN)
    row = gather(house, FEED, "Later", "Earlier", "Old")
    assert (row.status, row.new, row.held) == ("held", 1, 1)
    assert row.error == "1 held for an editor: source muted by Ann; see `digest entries --state held`"
    assert states(house) == {"Old": "baseline", "Earlier": "ready", "Later": "held"}
    assert by_title(house)["Later"].held_why == "source muted by Ann"
    line = desk.unmute_source(house.place, "Feed", ANN)
    assert "1 entry of it stays held: `digest release --source Feed` lets it go out" in line
    gather(house, FEED, "Last", "Later", "Earlier", "Old")
    assert (states(house)["Later"], states(house)["Last"]) == ("held", "ready")
    edit.release(house.place, ANN, [], "Feed")
    gather(house, FEED, "Last", "Later", "Earlier", "Old")
    assert states(house)["Later"] == "ready"


def test_a_mute_before_the_first_reading_holds_the_backfill(house: House) -> None:
    desk.mute_source(house.place, "Notes", ANN)
    source = Source("Notes", path="notes", backfill=house.settings.sources[0].backfill)
    source = Source("Notes", path=source.path, backfill=type(source.backfill)(count=1))
    gather(house, source, sighting("Old"), sighting("New", published=house.now))
    assert states(house) == {"New": "held", "Old": "baseline"}


def test_what_reaches_its_hour_in_a_muted_source_waits_too(house: House) -> None:
    """An embargo ends by the clock, without a reading; and one that ended before the mute is released already."""
    from digest.editions.withdraw import at_their_time

    gather(house, FEED, "Old")
    soon, late = house.now + timedelta(days=2), house.now + timedelta(days=4)
    early = [sighting("Soon", published=soon, not_before=soon), sighting("Late", published=late, not_before=late)]
    gather(house, FEED, *early, "Old")
    assert states(house) == {"Old": "baseline", "Soon": "withheld", "Late": "withheld"}
    house.now += timedelta(days=2)
    at_their_time(house.place, house.now)
    desk.mute_source(house.place, "Feed", ANN)
    house.now += timedelta(days=2)
    assert at_their_time(house.place, house.now).held == 1
    assert states(house) == {"Old": "baseline", "Soon": "ready", "Late": "held"}
    assert by_title(house)["Late"].held_why == "source muted by Ann"


def test_a_released_entry_that_comes_back_is_not_new(house: House) -> None:
    house.reader("a@example.org")
    gather(house, FEED, "Old")
    gather(house, FEED, "Earlier", "Old")
    gather(house, FEED, sighting("Earlier", unreleased="draft: true"), "Old")
    assert states(house)["Earlier"] == "withheld"
    desk.mute_source(house.place, "Feed", ANN)
    gather(house, FEED, "Earlier", "Old")
    assert states(house)["Earlier"] == "ready"


def test_a_mute_keeps_nothing_from_readers_that_another_source_brings(house: House) -> None:
    """A muted source's copy, and its near-duplicate, are no reason to keep back what another source shows."""
    for source in (FEED, NEWS):
        gather(house, source, "Old" if source is FEED else "Ancient")
    desk.mute_source(house.place, "Feed", ANN)
    text = "The council of Telford housed forty families in empty homes above shops. " * 5
    told = Sighting("x", "https://a.example/empty-homes", "Empty homes above shops house forty families", html=text)
    again = Sighting("y", "https://b.example/homes", "Forty families housed in empty homes above shops", html=text)
    gather(house, FEED, "Both", told, "Old")
    assert states(house)["Both"] == states(house)[told.title] == "held"
    gather(house, NEWS, "Both", again, "Ancient")
    with reading(house.place.engine) as conn:
        listed = [(entry.title, entry.source, entry.state) for entry in entries.listing(conn)]
    assert ("Both", "News", "ready") in listed
    assert (again.title, "News", "ready") in listed and (told.title, "Feed", "held") in listed


def test_a_mute_is_an_act_and_is_refused_from_a_stale_form(house: House) -> None:
    desk.mute_source(house.place, "Feed", Hand("Ann", 0))
    with pytest.raises(StaleForm, match="source Feed was changed meanwhile by Ann"):
        desk.unmute_source(house.place, "Feed", Hand("Ben", 0))
    assert desk.mute_source(house.place, "Feed", Hand("Ben")) == (
        "source 'Feed' is muted already, by Ann since 2026-11-02"
    )
    desk.unmute_source(house.place, "Feed", Hand("Ben"))
    assert desk.unmute_source(house.place, "Feed", Hand("Ben")) == "source 'Feed' is not muted"
    with pytest.raises(WrongUse, match=r"'Fead' is not in config\.toml; known: Notes, Feed, News"):
        desk.mute_source(house.place, "Fead", ANN)
    with reading(house.place.engine) as conn:
        kept = [(act.by, act.verb, dict(act.before), dict(act.after)) for act in acts.listing(conn)]
    assert kept == [
        ("Ben", "unmute", {"new entries": "held"}, {"new entries": "released"}),
        ("Ann", "mute", {"new entries": "released"}, {"new entries": "held"}),
    ]


def test_a_mute_is_told_in_the_log_and_taken_back(house: House) -> None:
    desk.mute_source(house.place, "Feed", ANN)
    (muting,) = read_log(house.place, object_name="Source Feed")
    assert act_in_words(muting) == "Ann muted source Feed: new entries released → held"
    assert undo(house.place, Hand("Ben"), muting.number) == [
        "source 'Feed' is heard again: what is new in it goes out"
    ]
    unmuting = read_log(house.place)[0]
    assert (unmuting.by, unmuting.undoes) == ("Ben", muting.number)
    undo(house.place, ANN, unmuting.number)
    with reading(house.place.engine) as conn:
        assert [*by_source(conn)] == ["Feed"]


def test_the_object_of_an_act_fits_whatever_a_source_is_called() -> None:
    names = [f"The {'very ' * 30}long name of {place}" for place in ("Bath", "Ely")]
    assert desk.source_name("Feed") == "source Feed"
    assert len({desk.source_name(name) for name in names}) == 2
    assert {len(desk.source_name(name)) for name in names} == {60}


def days(*ago: int) -> list[date]:
    return [TODAY - timedelta(days=each) for each in sorted(ago, reverse=True)]


@table(
    "arrived, gap, silent",
    [
        ((), None, True),  # read for half a year, and never anything new
        ((83,), None, False),
        ((85,), None, True),
        ((15, 16, 17, 18), 1, True),
        ((14, 16, 17, 18), 1, False),  # two weeks of silence are no news of a daily source in August
        ((22, 29, 36, 43), 7, True),
        ((21, 28, 35, 42), 7, False),
        ((60, 90, 120, 150), 30, False),
        ((91, 121, 151, 181), 30, True),
        ((1, 40, 41, 42), 1, False),  # after a silence it speaks again
    ],
)
def test_when_a_source_is_silent(arrived: tuple[int, ...], gap: int | None, *, silent: bool) -> None:
    came = days(*arrived)
    assert desk.usual_gap(came) == gap
    newest, began = max(came, default=None), TODAY - timedelta(days=182)
    assert desk.silent_since(newest, gap, began, TODAY) == ((newest or began) if silent else None)


def test_a_source_that_was_never_read_is_not_silent() -> None:
    assert desk.silent_since(None, None, None, TODAY) is None


@table(
    "new, weeks",
    [
        ({0: 2, 6: 1, 7: 4}, (0,) * 10 + (4, 3)),
        ({83: 5, 84: 9}, (5,) + (0,) * 11),
        ({-1: 3}, (0,) * 12),  # by a clock that was ahead
    ],
)
def test_new_entries_by_week(new: dict[int, int], weeks: tuple[int, ...]) -> None:
    assert desk.by_week({TODAY - timedelta(days=ago): count for ago, count in new.items()}, TODAY) == weeks


def test_the_health_of_every_source_takes_five_queries(house: House) -> None:
    now = house.now
    with writing(house.place.engine) as conn:
        keep_state(conn, FEED, first_ok_at=now - timedelta(days=100), ok_at=now, checked_at=now)
        for ago, new in ((100, 50), (90, 1), (80, 2), (70, 1), (60, 3), (20, 1)):
            add_gatherings(conn, [Gathering("Feed", "ok", new)], now - timedelta(days=ago))
        add_gatherings(conn, [Gathering("Gone", "ok", 7)], now)
    error = SourceError("https://news.example/rss: answers 404 (not found); check the address", retry_after=7200)
    store_failure(house.place, Source("News", path=str(house.folder / "news.xml")), error, now)
    house.now += timedelta(minutes=5)
    desk.mute_source(house.place, "Feed", ANN)
    with asked(house.place.engine) as statements:
        notes, feed, news = desk.source_health(house.place)
    assert len(statements) == 5
    assert (notes.standing, notes.weeks, notes.next_look, notes.problem) == ("not read yet", (0,) * 12, None, "")
    assert feed.weeks == (2, 1, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0)  # without its baseline
    assert (feed.standing, feed.usual_gap, feed.silent_since, feed.next_look) == ("muted", 10, None, None)
    assert (feed.mute and feed.mute.by, feed.held, feed.seen > 0) == ("Ann", 0, True)
    assert (news.standing, news.next_look) == ("failing", now + timedelta(hours=2))
    assert news.problem == "https://news.example/rss: answers 404 (not found)"
    assert news.cure == "check the address"


def test_the_doctor_notes_what_is_muted_and_what_is_silent(house: House) -> None:
    gather(house, FEED, "Old")
    assert [finding.place for finding in examine(house.place) if finding.place == "Feed"] == []
    house.now += timedelta(days=85)
    (silent,) = [finding for finding in examine(house.place) if finding.place == "Feed"]
    assert (silent.level, silent.problem) == ("note", "nothing new since its first reading on 2026-11-03")
    desk.mute_source(house.place, "Feed", ANN)
    (muted,) = [finding for finding in examine(house.place) if finding.place == "Feed"]
    assert muted.problem == "muted by Ann since 2027-01-27: what is new in it is held"
    assert muted.cure == "`digest sources unmute Feed` lets it go out again"


def test_nothing_is_said_of_days_that_are_not_read(house: House) -> None:
    gather(house, FEED, "Old")
    house.now += timedelta(days=30)
    gather(house, FEED, "Newer")
    house.now += timedelta(days=200)
    (silent,) = [finding for finding in examine(house.place) if finding.place == "Feed"]
    assert silent.problem == "nothing new since 2026-12-22 or longer"


def test_the_commands_list_mute_and_hear_again(tmp_path: Path) -> None:
    house = House(tmp_path / "house", source=OTHER)
    (house.folder / "news.xml").write_text("<html><body>No feed here</body></html>")
    house.publish("One")
    at = ("--now", datetime(2026, 11, 2, 9, tzinfo=UTC).isoformat())
    console.digest(house.folder, *at, "gather", "--source", "Notes")
    console.digest(house.folder, *at, "gather", "--source", "News")
    muted = console.digest(house.folder, *at, "sources", "mute", "Notes", "--by", "Ann")
    assert (muted.code, "is muted" in muted.stdout) == (0, True)
    listed = console.digest(house.folder, *at, "sources")
    assert listed.code == 0 and "Notes   muted" in listed.stdout and "News    failing" in listed.stdout
    assert "News: this is a web page, not a feed (1 time in a row); give the address of its feed" in listed.stderr
    assert "Notes: muted by Ann since 2026-11-02" in listed.stderr
    document = console.digest(house.folder, *at, "sources", "health", "--json").document
    assert [(row["name"], row["is"], row["muted_by"]) for row in document] == [
        ("Notes", "muted", "Ann"), ("Feed", "not read yet", None), ("News", "failing", None),
    ]  # fmt: skip
    heard = console.digest(house.folder, *at, "sources", "unmute", "Notes")
    assert (heard.code, "is heard again" in heard.stdout) == (0, True)
    unknown = console.digest(house.folder, *at, "sources", "mute", "Nobody")
    assert unknown.code == 2 and "is not in config.toml" in unknown.stderr
