"""Deliveries in doubt: listed with what is known of each, settled by events, the transport or a person, else left."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from digest import cli, pipeline
from digest.delivery import events_in
from digest.errors import WrongUse
from digest.operations import settle
from digest.store import deliveries
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from subscribers import store as people
from tests.counts import spread
from tests.figures import Figures
from tests.outcomes import Stage
from tests.transports.webhook import body_of, told

LOST = ("uncertain", "the connection was lost after the letter")


def in_doubt(folder: Path, url: str, readers: int) -> Stage:
    """Return a house whose readers' letters were handed over, and every answer was lost."""
    house = Stage(folder, url)
    house.postman.answers, house.postman.usual = {}, LOST
    house.run()
    place = house.place
    with writing(place.engine) as conn:
        for n in range(readers):
            people.add(
                conn,
                people.NewSubscriber(f"r{n}@example.org", cadence="weekly"),
                how="test",
                now=house.now,
                secret=place.secret,
            )
    house.publish("One")
    house.now = house.now.replace(day=6)
    for _ in range(readers // 200 + 1):
        house.run()  # one lost answer ends a run after its batch
    assert len(house.postman.taken) == readers
    return house


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The stage that `house` copies."""
    return in_doubt(tmp_path_factory.mktemp("first") / "house", "", 5)


@pytest.fixture
def house(tmp_path: Path, first: Stage) -> Iterator[Stage]:
    """Five deliveries in doubt, one of which an event has told of before."""
    made = first.copy(tmp_path / "house")
    yield made
    made.close()


@pytest.fixture
def unmoved(tmp_path: Path) -> Iterator[Stage]:
    """The same, never copied: the transport is known by its folder, and only that one is asked."""
    made = in_doubt(tmp_path / "house", "", 5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, first: Stage) -> Iterator[Stage]:
    """The same, for tests that change nothing."""
    made = first.copy(tmp_path_factory.mktemp("still") / "house")
    yield made
    made.close()


def run(house: Stage, *words: str) -> int:
    return cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words])


def rows(house: Stage) -> list[tuple[str, str]]:
    with reading(house.place.engine) as conn:
        return [
            (row.state, row.reason) for row in conn.execute(text("SELECT state, reason FROM delivery ORDER BY id"))
        ]


def states(house: Stage) -> list[str]:
    return [state for state, _ in rows(house)]


def hear(house: Stage, numbers: list[int], kind: str = "delivered") -> int:
    """Take the provider's events of deliveries, as its webhook does; return how many deliveries they settled."""
    place = house.place
    body = body_of(*(told(kind, n, f"{kind} {n}", tag=house.tag, at=house.now) for n in numbers))
    return events_in.take_body(
        place.engine, place.settings.events.webhook(), body, place.secret, house.now
    ).taken.settled


@pytest.mark.long
def test_the_list_says_what_is_known_of_each_and_asks_for_a_person(
    house: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(house.place.engine) as conn:
        people.forget(conn, 2, now=house.now, secret=house.place.secret)
        # An event that is known but has not moved the delivery yet.
        conn.execute(
            text(
                "INSERT INTO event (provider, event_id, delivery_id, kind, at, received_at, reason, action)"
                " VALUES ('t', 'x', 1, 'deferred', '2026-11-06 09:00:00', '2026-11-06 09:00:00', 'busy', '')"
            )
        )
    assert run(house, "settle") == 4
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["delivery", "edition", "subscriber", "since", "why", "in", "doubt", "heard"]
    assert " ".join(said[2].split()) == (
        "1 weekly-2026-11-06 r0@example.org 2026-11-06 09:00 the connection was lost after the letter"
        " 2026-11-06 09:00 deferred busy"
    )
    assert " ".join(said[3].split()).startswith("2 weekly-2026-11-06 (erased) 2026-11-06 09:00")
    assert said[4].endswith("nothing")
    assert run(house, "settle", "--json") == 4
    document = json.loads(capsys.readouterr().out)
    assert [(one["delivery"], one["subscriber"], one["heard"]) for one in document[:2]] == [
        (1, "r0@example.org", ["2026-11-06 09:00 deferred busy"]), (2, None, []),
    ]  # fmt: skip
    assert run(house, "settle", "--edition", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


# The decision, the state it leads to, whether the letter goes out once more, and the exit code after it of the run.
DECISIONS = [
    ("accepted", "accepted", "accepted", 0),
    ("write-off", "cancelled", "cancelled", 0),
    ("resend", "pending", "accepted", 1),
]


@pytest.mark.long
@pytest.mark.parametrize(("decision", "state", "after", "copies"), spread(1, DECISIONS))
def test_a_persons_word_settles_what_it_names_and_nothing_else(
    house: Stage, capsys: pytest.CaptureFixture[str], decision: str, state: str, after: str, copies: int
) -> None:
    assert run(house, "settle", "2", "4", "2", "--as", decision, "--by", "Anna") == 4  # three are left
    assert f"2 deliveries settled as {decision}" in capsys.readouterr().err
    assert states(house) == ["uncertain", state, "uncertain", state, "uncertain"]
    assert rows(house)[1][1] == f"settled by Anna: {decision}"
    house.postman.usual = ("accepted", "")
    before = Counter(parcel.delivery for parcel in house.postman.taken)
    for _ in range(3):
        pipeline.run(house.place)
        pipeline.send_owed(house.place)
    sent = Counter(parcel.delivery for parcel in house.postman.taken) - before
    assert dict(sent) == dict.fromkeys((2, 4), copies) if copies else not sent
    assert states(house) == ["uncertain", after, "uncertain", after, "uncertain"]
    assert run(house, "settle", "--all", "--as", "accepted") == 0
    assert "nothing is in doubt" in capsys.readouterr().out
    assert run(house, "run") == 0


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (
            ("1", "99", "--as", "accepted"),
            2,
            "delivery 99 is not uncertain; see `digest settle`, nothing was changed",
        ),
        (("1",), 2, "say what became of them: --as accepted"),
        (("--all",), 2, "say what became of them: --as accepted"),
        (("--as", "resend"), 2, "name deliveries by number, or say --all"),
        (("1", "--as", "lost"), 2, "is not one of"),
        (("x", "--as", "accepted"), 2, "is not an id"),
    ],
)
def test_a_mistake_changes_nothing(
    still: Stage, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, line: str
) -> None:
    assert run(still, "settle", *words) == code
    assert line in capsys.readouterr().err
    assert states(still) == ["uncertain"] * 5


def test_it_waits_for_a_run_that_is_under_way(still: Stage) -> None:
    with run_lock(still.place.engine):
        assert run(still, "settle", "--all", "--as", "accepted") == 75
        assert run(still, "settle", "--ask") == 75
    assert states(still) == ["uncertain"] * 5


@pytest.mark.long
def test_the_transport_is_believed_when_it_took_a_letter_and_a_person_asked_when_not(unmoved: Stage) -> None:
    house = unmoved
    house.postman.known = {1: "accepted", 2: "absent"}
    assert settle.ask_transport(house.place) == {"accepted": 1, "absent": 1, "unknown": 3}
    assert rows(house)[0] == ("accepted", "settled by the transport: accepted")
    assert states(house)[1:] == ["uncertain"] * 4
    before = len(house.postman.taken)
    pipeline.run(house.place)
    assert len(house.postman.taken) == before


@pytest.mark.long
def test_that_another_transport_knows_nothing_of_it_proves_nothing(unmoved: Stage) -> None:
    house = unmoved
    house.postman.known = dict.fromkeys(range(1, 6), "absent")
    assert settle.ask_transport(house.place) == {"accepted": 0, "absent": 5, "unknown": 0}
    with writing(house.place.engine) as conn:
        conn.execute(text('UPDATE run SET account = \'{"transport": "smtp"}\''))
    assert settle.ask_transport(house.place) == {"accepted": 0, "absent": 0, "unknown": 5}


def test_an_event_tells_of_what_was_written_off(house: Stage) -> None:
    assert run(house, "settle", "--all", "--as", "write-off") == 0
    assert hear(house, [1]) == 1
    assert states(house) == ["accepted", *["cancelled"] * 4]
    assert rows(house)[0][1].startswith("an event tells that it left; before: settled by ")


def test_only_those_of_the_edition_are_settled(still: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(still, "settle", "1", "--edition", "999", "--as", "write-off") == 2
    assert "not in doubt in edition 999" in capsys.readouterr().err
    assert set(states(still)) == {"uncertain"}


@pytest.mark.long
def test_who_ends_a_pause_early_gets_what_is_owed(tmp_path: Path) -> None:
    house = Stage(tmp_path / "house")
    house.run()
    who = house.reader("r@example.org")
    house.publish("One")
    house.postman.usual = ("deferred", "busy")
    house.run(days=4)
    place = house.place
    with writing(place.engine) as conn:
        people.pause(conn, who, house.now + timedelta(days=90), how="test", now=house.now)
    house.postman.usual = ("accepted", "")
    house.run(days=1)
    assert states(house) == ["pending"]
    assert not any(one.pending for one in house.run(days=1).receipts)  # nothing that cron should hear of
    with writing(place.engine) as conn:
        people.end_pause(conn, who, how="test", now=house.now)
    house.run(days=1)
    assert states(house) == ["accepted"]
    house.close()


def test_an_event_settles_what_it_tells_of_also_after_the_decision_to_send_again(house: Stage) -> None:
    assert hear(house, [1], "processed") == 1
    assert hear(house, [2], "bounce") == 1
    assert states(house) == ["accepted", "accepted", "uncertain", "uncertain", "uncertain"]
    assert run(house, "settle", "3", "--as", "resend") == 4
    before = len(house.postman.taken)
    assert hear(house, [3]) == 1  # it had arrived after all, just before the next run
    house.postman.usual = ("accepted", "")
    pipeline.run(house.place)
    assert len(house.postman.taken) == before
    with pytest.raises(WrongUse, match="is not uncertain"):
        settle.record_decision(house.place, [3], "resend", "Anna")


@pytest.mark.long
def test_a_run_says_that_doubts_are_open_as_long_as_they_are(
    house: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    house.now = house.now.replace(day=7)
    assert run(house, "run") == 4  # the daily edition, and nothing of the one in doubt
    assert "5 deliveries are in doubt" in capsys.readouterr().err
    assert run(house, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["in_doubt"] == 5
    assert run(house, "doctor") == 4
    assert "5 deliveries are in doubt; decide with `digest settle --edition" in capsys.readouterr().out


@pytest.mark.long
def test_what_was_never_heard_of_is_listed_and_never_sent_again(tmp_path: Path) -> None:
    with closing(in_doubt(tmp_path / "house", "", 12)) as house:
        reconcile(house, 12, runs=3)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_reconcile_a_thousand(tmp_path: Path, engine: str, request: pytest.FixtureRequest, figure: Figures) -> None:
    many = int(os.environ.get("DIGEST_DOUBTS", "1000"))
    url = request.getfixturevalue("postgresql_url") if engine == "postgresql" else ""
    with closing(in_doubt(tmp_path / "house", url, 2 * many)) as house:
        listed, resent, settled, seconds = reconcile(house, 2 * many)
    figure(
        f"13 reconcile, {engine}",
        goal=f"{many} of {many} with events settled in 60 s; {many} without listed, 0 sent again",
        result=f"{settled} settled in {seconds:.1f} s; {listed} listed, {resent} sent again in 20 weekly runs",
        met=(settled, listed, resent) == (many, many, 0) and seconds <= 60,
    )


def reconcile(house: Stage, readers: int, runs: int = 20) -> tuple[int, int, int, float]:
    """Let half of the doubts have events, then run week by week; return listed, sent again, settled, seconds."""
    first = Counter(parcel.delivery for parcel in house.postman.taken)
    assert set(first.values()) == {1}
    with_events = sorted(first)[: readers // 2]
    began = time.monotonic()
    assert hear(house, with_events) == len(with_events)
    seconds = time.monotonic() - began
    settled = states(house).count("accepted")
    house.postman.usual = ("accepted", "")
    for week in range(runs):
        if week < 2:
            house.publish(f"Week {week}")
        house.run(days=7)
    again = Counter(parcel.delivery for parcel in house.postman.taken)
    resent = sum(count - 1 for number, count in again.items() if number in first)
    listed = {one.id for one in settle.doubts(house.place)}
    assert listed == set(first) - set(with_events)
    assert (settled, resent) == (len(with_events), 0)
    with reading(house.place.engine) as conn:
        assert deliveries.owed(conn, house.now) == []
    return len(listed), resent, settled, seconds
