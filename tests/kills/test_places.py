"""Killed at each named place of a run, and asked to stop: nobody twice, nobody forgotten.

The numbers are those of the crash points in facts/reliability.md §1.5; what is not in a run is in test_other_places.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

import pytest

from tests.figures import Figures
from tests.kills import doubts
from tests.kills.conftest import TrialOf
from tests.kills.trial import READERS, TRANSPORTS, Ground, Trial

KILLED = -signal.SIGKILL
THREE_BATCHES = 2_050  # readers; see BATCH in digest.transports.base


@dataclass(frozen=True)
class Place:
    """One place. `passes`: "once" a run, "often" (for each reader), or once a "batch".

    `doubt`: may a kill here leave readers in doubt? `first`: where the run before has to be killed. `more` is
    set in the environment.
    """

    point: int
    name: str
    passes: str = "once"
    kinds: tuple[str, ...] = TRANSPORTS
    doubt: bool = False
    first: str = ""
    more: tuple[tuple[str, str], ...] = ()
    readers: int = READERS


_BEGUN = "hand-over: one answered"
PLACES = (
    Place(1, "gather: read"),
    Place(2, "gather: entries stored"),
    Place(3, "gather: before commit"),
    Place(3, "gather: committed"),
    Place(4, "gather: one classified"),
    Place(5, "planned: one page", readers=1_010),
    Place(5, "planned: all pages"),
    Place(5, "freeze: before commit"),
    Place(6, "draft: committed"),
    Place(7, "freeze: committed"),
    Place(8, "begin run: committed"),
    Place(9, "recover: one asked about", "often", doubt=True, first=_BEGUN),
    Place(10, "recover: before commit", doubt=True, first=_BEGUN),
    Place(11, "recover: committed", doubt=True, first=_BEGUN),
    Place(12, "claim: before commit", "batch"),
    Place(13, "claim: committed", "batch", doubt=True),
    Place(13, "claim: fence kept", "batch", doubt=True),
    Place(14, "hand-over: composed", "batch", doubt=True),
    Place(15, "record: before commit", "batch", doubt=True),
    Place(16, "record: committed", "batch"),
    Place(17, "smtp: connected", kinds=("smtp",), doubt=True),
    Place(17, "sendgrid: connected", kinds=("sendgrid",), doubt=True),
    Place(18, "smtp: the last dot sent", "often", ("smtp",), doubt=True),
    Place(18, "sendgrid: the last byte sent", "batch", ("sendgrid",), doubt=True),
    Place(18, "file: written", "batch", ("file",)),
    Place(18, "file: one in place", "often", ("file",)),
    Place(19, "smtp: the answer read", "often", ("smtp",), doubt=True),
    Place(19, "sendgrid: the answer read", "batch", ("sendgrid",), doubt=True),
    Place(19, "hand-over: one answered", "often", doubt=True),
    Place(20, "hand-over: all answered", "batch", doubt=True),
    Place(22, "smtp: waiting for the rate", "often", ("smtp",), doubt=True, more=(("DIGEST_TRANSPORT__RATE", "40"),)),
    Place(23, "between batches", "batch"),
    Place(24, "run: all sent"),
)


def _tried(place: Place, kind: str) -> bool:
    """On the way to the provider each transport is tried; before and after it one does for all."""
    return (place.doubt and not place.first) or kind == place.kinds[-1]


QUICK = [(one, kind) for one in PLACES for kind in one.kinds if _tried(one, kind)]
ALL = [(one, kind) for one in PLACES for kind in one.kinds]


def named(value: object) -> str | None:
    return value.name if isinstance(value, Place) else None


@pytest.mark.kills
@pytest.mark.parametrize(("place", "kind"), QUICK, ids=named)
def test_killed_at_each_named_place(trial_of: TrialOf, place: Place, kind: str) -> None:
    check_place(trial_of, place, kind, "sqlite", 1)


def test_killed_between_claim_and_answer(trial_of: TrialOf) -> None:
    (place,) = [one for one in PLACES if one.name == _BEGUN]
    check_place(trial_of, place, "smtp", "sqlite", 1)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_killed_at_each_named_place_three_times(trial_of: TrialOf, kind: str, engine: str, figure: Figures) -> None:
    times = int(os.environ.get("DIGEST_OCCURRENCES", "3"))
    places = [place for place, its in ALL if its == kind]
    runs = kills = in_doubt = 0
    for place in places:
        for occurrence in range(1, times + 1):
            found = check_place(trial_of, place, kind, engine, occurrence)
            runs, kills, in_doubt = runs + 1, kills + found[0], in_doubt + found[1]
    figure(
        f"2 {len(places)} places x {times}, {kind} on {engine}",
        goal="0 lost, 0 twice, batches in doubt <= kills and all listed",
        result=f"0, 0 in {runs} runs, {kills} kills, {in_doubt} in doubt, all listed",
        met=True,
    )


def check_place(trial_of: TrialOf, place: Place, kind: str, engine: str, occurrence: int) -> tuple[int, int]:
    """Kill at the `occurrence`-th pass, or in so many runs; return the kills, and the batches left in doubt."""
    readers = THREE_BATCHES if place.passes == "batch" and occurrence > 1 else place.readers
    with trial_of(kind, engine, readers=readers) as one:
        one.environ.update(place.more)
        if place.first:
            assert die(one, place.first)
        if place.passes == "once":
            # A run that was killed here may have nothing left that leads here.
            killed = [die(one, place.name) for _ in range(occurrence)]
            assert killed[0] and killed == sorted(killed, reverse=True), f"{place.name} was not passed"
        else:
            assert die(one, f"{place.name}*{occurrence}"), f"{place.name} was not passed {occurrence} times"
        one.finish()
        in_doubt = doubts.check(one, one.kills if place.doubt and kind != "file" else 0, readers)
        return one.kills, in_doubt


def die(one: Trial, failpoint: str) -> bool:
    """Run to a place; return whether it was passed, and so the last that the run did."""
    ended = one.run(failpoint=failpoint).wait()
    assert ended.code in (KILLED, 0, 4), ended
    one.kills += ended.code == KILLED
    one.check_books()
    return ended.code == KILLED


@pytest.mark.kills
def test_asked_to_stop_leaves_nothing_in_doubt(ground: Ground) -> None:
    one = ground.trial("smtp")
    for wait in (0.3, 0.6, 0.9):
        run = one.start()
        time.sleep(wait)
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    one.finish()
    assert one.judge() == []
