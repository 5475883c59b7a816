"""Slot mode and people: a restore, a stop, an approval and a decision, while requests wait at the provider."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from digest import pipeline
from digest.config.load import load
from digest.desk import receipts
from digest.desk.acts import Hand
from digest.desk.approval import stop_edition
from digest.editions import approve, draft
from digest.errors import PersonNeeded, TryLater, WrongUse
from digest.installation import Installation
from digest.operations import doctor, resume, settle
from digest.store import editions
from digest.store import schema as tables
from digest.store.engine import writing
from digest.store.lock import run_lock
from digest.transports.file import FileTransport
from tests.counts import spread
from tests.slot_runs import HOUR, Run, Runs
from tests.transports.fake_sendgrid import KEY

ANN = Hand("Ann")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("slots"))
    yield made
    made.fake.close()


def at(runs: Runs, minutes: int) -> None:
    """Let it be so many minutes before the hour."""
    runs.fake.now = (HOUR - timedelta(minutes=minutes)).timestamp()


@pytest.mark.long
@pytest.mark.parametrize(
    ("faults", "side_faults"),
    spread(1, [(["", "429"], []), (["", "take reset"], ["", "", *["500"] * 6])]),
    ids=["put off", "doubt"],
)
def test_after_a_restore_nothing_is_taken_back(runs: Runs, faults: list[str], side_faults: list[str]) -> None:
    run = runs.quiet(f"restored{len(side_faults)}")
    at(runs, 290)
    runs.fake.faults.extend(faults)
    runs.fake.side_faults.extend(side_faults)
    run.live(faulty=False, clear=False)
    database = run.settings.home / "digest.db"
    with run.place() as place, writing(place.engine):
        saved = database.read_bytes()
    at(runs, 200)
    run.live(faulty=False)
    for path in (database.with_name("digest.db-wal"), database.with_name("digest.db-shm")):
        path.unlink(missing_ok=True)
    database.write_bytes(saved)
    with run.place() as place:
        assert place.fence.why()
        resume.resume(place, sent=True)
    at(runs, 190)
    run.live(faulty=False)
    runs.fake.now = HOUR.timestamp() + 60
    assert set(runs.fake.mailed().values()) == {1}


def test_what_a_killed_run_had_handed_over_is_stopped_too(runs: Runs) -> None:
    run = runs.quiet("killed")
    at(runs, 60)
    run.dies_unheard = True
    run.live(faulty=False)
    assert run.states() == {"claimed": 6}
    at(runs, 14)
    with run.place() as place:
        assert stop_edition(place, ANN, run.edition()).readers == 6
    runs.fake.now = HOUR.timestamp() + 60
    assert (run.states(), runs.fake.mailed()) == ({"cancelled": 6}, {})


@pytest.mark.long
def test_a_stopped_edition_with_letters_owed_is_told_until_it_goes_on(runs: Runs) -> None:
    run = runs.quiet("told")
    at(runs, 200)
    runs.fake.faults.extend(["", "429"])
    run.live(faulty=False, clear=False)
    number = run.edition()
    with run.place() as place:
        stop_edition(place, ANN, number)
    at(runs, -1440)
    with run.place() as place:
        told = [one for one in doctor.examine(place) if one.place.startswith(f"edition {number} ")]
        assert [one.level for one in told] == ["person"] and f"digest approve {number}" in told[0].cure
        assert any(f"digest approve {number}" in line for line in receipts.account(place, number).verdict[1])
        for report in (pipeline.send_owed(place, number=number), pipeline.run(place)):
            assert any(f"digest approve {number}" in line for line in report.waiting)


@pytest.mark.parametrize("decision", spread(1, ["resend", "write-off"]))
def test_nobody_decides_on_what_may_still_leave_by_itself(runs: Runs, decision: str) -> None:
    run = runs.quiet(f"decided-{decision}")
    at(runs, 26)
    runs.fake.faults.extend(["", "take reset"])
    runs.fake.side_faults.extend(["", "", *["500"] * 6])
    run.live(faulty=False, clear=False)
    at(runs, 8)
    run.live(faulty=False)
    with run.place() as place:
        doubts = [one.id for one in settle.doubts(place)]
        assert len(doubts) == 3
        with pytest.raises(WrongUse, match="at the provider for its hour"):
            settle.record_decision(place, doubts, decision, "someone")
    runs.fake.now = HOUR.timestamp() + 60
    with run.place() as place:
        assert settle.record_decision(place, doubts, "accepted", "someone") == 3


def test_an_approval_undoes_a_stop_that_was_not_confirmed(runs: Runs) -> None:
    run = runs.quiet("approved")
    at(runs, 200)
    run.live(faulty=False)
    runs.fake.side_faults.extend(["500"] * 12)
    with run.place() as place:
        assert stop_edition(place, ANN, run.edition()).open == 2
        with writing(place.engine) as conn:
            approve.approve(conn, place.settings, run.edition(), "an editor", run.now())
    run.live(faulty=False)
    runs.fake.now = HOUR.timestamp() + 60
    assert run.states() == {"accepted": 6}
    assert sorted(runs.fake.mailed().values()) == [1] * 6


@pytest.mark.long
def test_a_doubt_of_before_does_not_keep_back_what_was_taken_back(runs: Runs) -> None:
    run = runs.quiet("before")
    at(runs, 200)
    deaf = ["500"] * 6  # no cancel of the first request is confirmed
    runs.fake.faults.append("take reset")
    runs.fake.side_faults.extend(["", *deaf])
    run.live(faulty=False, clear=False)
    assert run.states() == {"uncertain": 3, "pending": 3}
    runs.fake.faults.append("take reset")
    runs.fake.side_faults.extend([*deaf, "", *deaf])
    run.live(faulty=False, clear=False)
    assert run.states() == {"uncertain": 3, "accepted": 3}


def test_a_stop_beside_a_run_holds_and_says_that_it_must_be_said_again(runs: Runs) -> None:
    run = runs.quiet("beside")
    at(runs, 200)
    run.live(faulty=False)
    with run.place() as place:
        with run_lock(place.engine), pytest.raises(TryLater, match=r"is stopped.*give the same command again"):
            stop_edition(place, ANN, run.edition())
        assert stop_edition(place, ANN, run.edition()).readers == 6
    assert run.states() == {"cancelled": 6}


def test_a_copy_stops_nothing(runs: Runs, tmp_path: Path) -> None:
    run = runs.quiet("living")
    at(runs, 200)
    run.live(faulty=False)
    shutil.copytree(run.settings.home, tmp_path / "copy")
    copy = Installation(load(tmp_path / "copy" / "config.toml", {"SENDGRID_API_KEY": KEY}), run.now())
    with pytest.raises(PersonNeeded, match="HOLD"):
        stop_edition(copy, ANN, run.edition())
    copy.engine.dispose()
    runs.fake.now = HOUR.timestamp() + 60
    assert sorted(runs.fake.mailed().values()) == [1] * 6


def test_a_stopped_edition_goes_on_only_with_the_content_that_was_seen(runs: Runs) -> None:
    run = runs.quiet("hashed")
    at(runs, 200)
    runs.fake.faults.extend(["", "429"])
    run.live(faulty=False, clear=False)
    with run.place() as place:
        stop_edition(place, ANN, run.edition())
        with writing(place.engine) as conn:
            with pytest.raises(PersonNeeded, match="does not have this content"):
                approve.approve(conn, place.settings, run.edition(), "an editor", run.now(), "zzzz")
            assert editions.get(conn, run.edition()).held


def test_a_provider_that_does_not_take_back_is_told_with_its_cure(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.quiet("deaf")
    at(runs, 200)
    runs.fake.faults.append("take reset")
    runs.fake.side_faults.extend(["", *["500"] * 6])
    run.live(faulty=False, clear=False)
    runs.fake.side_faults.extend(["500"] * 6)
    with run.place() as place:
        assert any("has not confirmed" in line for line in pipeline.send_owed(place).waiting)
        monkeypatch.setattr(place, "transport", lambda: FileTransport(tmp_path))
        assert any("run with that one again" in line for line in pipeline.send_owed(place).waiting)


def test_a_provider_that_asks_for_patience_is_left_alone(runs: Runs) -> None:
    run = runs.quiet("patience")
    one_digest_each(run)
    at(runs, -5)
    runs.fake.faults.extend(["429"] * 6)
    run.live(faulty=False, clear=False)
    assert runs.fake.asked["POST /v3/mail/send"] == 1
    with run.place() as place, writing(place.engine) as conn:
        tried = select(tables.delivery.c.attempts).where(tables.delivery.c.digest_id.is_not(None))
        assert sorted(conn.scalars(tried)) == [0, 0, 0, 0, 0, 1], "only the request that was answered counts"


def test_a_run_that_slept_until_its_hour_was_near_hands_nothing_over(runs: Runs) -> None:
    run = runs.quiet("asleep")
    at(runs, 60)
    run.sleeps_before_a_request = 50
    run.live(faulty=False)
    assert runs.fake.queued == []
    assert run.states() == {"pending": 6}
    at(runs, -30)
    run.live(faulty=False)
    assert sorted(runs.fake.mailed().values()) == [1] * 6


@pytest.mark.parametrize(("number", "said"), [(99, "does not exist"), (None, "is not frozen")])
def test_what_cannot_be_stopped_is_said(runs: Runs, number: int | None, said: str) -> None:
    run = runs.quiet(f"unknown{number}")
    with run.place() as place:
        if number is None:
            with writing(place.engine) as conn:
                number = draft.draft(conn, place.settings, place.settings.cadence("monthly"), HOUR).id
        with pytest.raises(WrongUse, match=said):
            stop_edition(place, ANN, number)


def one_digest_each(run: Run) -> None:
    """As if every reader followed something else."""
    with run.place() as place, writing(place.engine) as conn:
        d = tables.delivery.c
        for number, digest in conn.execute(select(d.id, d.digest_id).where(d.digest_id.is_not(None))).all():
            old = conn.execute(select(tables.digest).where(tables.digest.c.id == digest)).one()
            new = insert(tables.digest).values(edition_id=old.edition_id, plan=old.plan).returning(tables.digest.c.id)
            made = conn.execute(new).scalar_one()
            conn.execute(update(tables.delivery).where(d.id == number).values(digest_id=made))
