"""Slot mode end to end: with deaths and lost answers, nobody is mailed twice and nobody forgotten (figure 11)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from digest.desk.acts import Hand
from digest.desk.approval import stop_edition
from digest.editions import approve
from digest.errors import WrongUse
from digest.operations import doctor, settle
from digest.store import deliveries
from digest.store.engine import reading, writing
from tests.counts import spread
from tests.figures import Figures
from tests.slot_runs import HOUR, READERS, Runs

# Mistakes made on purpose: a cancel believed before it is confirmed, a clock 25 minutes behind the provider's,
# one batch id for many requests.
ANN = Hand("Ann")
MUTANTS = {"blind": range(20), "late": range(50, 90), "shared": range(20)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("slots"))
    yield made
    made.fake.close()


def go(runs: Runs, seeds: range) -> Counter[str]:
    ended: Counter[str] = Counter()
    for seed in seeds:
        wrong = runs.one(seed, ended)
        assert wrong == "", f"seed {seed}: {wrong}"
    return ended


@pytest.mark.long
def test_runs_with_deaths_and_lost_answers(runs: Runs) -> None:
    assert go(runs, range(6))["accepted"] > 12


@pytest.mark.long
@pytest.mark.parametrize(
    ("minutes", "send_at"),
    spread(
        2,
        [
            (290, {int(HOUR.timestamp())}),
            (26, {int(HOUR.timestamp())}),
            (24, set()),  # too near to take anything back: nothing is handed over before the hour
            (-1, {None}),
        ],
    ),
)
def test_letters_wait_for_their_hour(runs: Runs, minutes: int, send_at: set[int | None]) -> None:
    run = runs.quiet(f"at{minutes}")
    runs.fake.now = (HOUR - timedelta(minutes=minutes)).timestamp()
    run.live(faulty=False)
    assert {message.send_at for message in runs.fake.queued} == send_at
    assert len(runs.fake.queued) == (READERS if send_at else 0)
    assert len({message.batch_id for message in runs.fake.queued}) == (2 if minutes > 25 else 1 if send_at else 0)
    # What waits for the hour here is no letter that somebody forgot.
    with run.place() as place, reading(place.engine) as conn:
        assert deliveries.owed(conn, run.now()) == []
        assert not [one for one in doctor.examine(place) if one.level == "wrong" and "edition" in one.place]
    runs.fake.now = (HOUR + timedelta(minutes=1)).timestamp()
    run.live(faulty=False)
    assert len(runs.fake.queued) == READERS


@pytest.mark.long
def test_a_stopped_edition_is_taken_back_and_goes_on_when_approved(runs: Runs) -> None:
    run = runs.quiet("stopped")
    fake = runs.fake
    fake.now = (HOUR - timedelta(minutes=200)).timestamp()
    fake.faults.extend(["", "429"])  # one digest's readers are accepted, the others put off
    run.live(faulty=False, clear=False)
    with run.place() as place:
        done = stop_edition(place, ANN, run.edition())
    assert (done.readers, done.open, done.late) == (3, 0, 0)
    assert run.states() == {"cancelled": 3, "pending": 3}
    # What is pending waits, through every run, until the edition is approved again.
    fake.now = (HOUR - timedelta(minutes=100)).timestamp()
    run.live(faulty=False)
    assert run.states() == {"cancelled": 3, "pending": 3}
    with run.place() as place, writing(place.engine) as conn:
        approve.approve(conn, place.settings, run.edition(), "an editor", run.now())
    run.live(faulty=False)
    assert run.states() == {"cancelled": 3, "accepted": 3}
    fake.now = HOUR.timestamp() + 60
    assert sum(fake.mailed().values()) == 3


@pytest.mark.parametrize(
    ("minutes", "faults", "states", "counted"),
    [
        (5, [], {"accepted": 6}, (0, 0, 2)),  # too near its hour: it goes out
        (60, ["500", "500", "500", "500", "500", "500"], {"uncertain": 3, "cancelled": 3}, (3, 1, 0)),
    ],
)
def test_what_cannot_be_taken_back_is_said(
    runs: Runs, minutes: int, faults: list[str], states: dict[str, int], counted: tuple[int, int, int]
) -> None:
    run = runs.quiet(f"near{minutes}")
    runs.fake.now = (HOUR - timedelta(minutes=200)).timestamp()
    run.live(faulty=False)
    runs.fake.now = (HOUR - timedelta(minutes=minutes)).timestamp()
    runs.fake.side_faults.extend(faults)
    with run.place() as place:
        done = stop_edition(place, ANN, run.edition())
    assert (done.readers, done.open, done.late) == counted
    assert run.states() == states
    if done.open:
        with run.place() as place:
            numbers = [one.id for one in settle.doubts(place)]
            with pytest.raises(WrongUse, match="is being taken back"):
                settle.record_decision(place, numbers, "accepted", "someone")


@pytest.mark.kills
def test_forty_runs(runs: Runs) -> None:
    ended = go(runs, range(100, 140))
    # The runs tried every end; how often each occurs depends on the load of the machine.
    assert all(ended[state] for state in ("accepted", "taken back", "uncertain")), ended


@pytest.mark.kills
@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_mistake_made_on_purpose_is_found(runs: Runs, mutant: str) -> None:
    assert any(runs.one(seed, Counter(), mutant) for seed in MUTANTS[mutant]), f"{mutant} was not found"


@pytest.mark.proof
def test_a_thousand_runs(runs: Runs, figure: Figures) -> None:
    count, seed = int(os.environ.get("DIGEST_SLOT_RUNS", "1000")), int(os.environ.get("DIGEST_SEED", "1000"))
    ended = go(runs, range(seed, seed + count))
    said = ", ".join(f"{number} {what}" for what, number in sorted(ended.items()))
    figure(f"11 slot mode, {count} runs (seed {seed})", goal="0 lost, 0 twice", result=f"0, 0; {said}", met=True)
