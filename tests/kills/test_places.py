"""Killed at each named place, and asked to stop: nobody twice, nobody forgotten."""

from __future__ import annotations

import signal
import time

import pytest

from tests.kills.trial import TRANSPORTS, Ground, Trial

PLACES = (
    "frozen",
    "claim: before commit",
    "claim: committed",
    "claim: fence kept",
    "hand-over: composed",
    "hand-over: one answered",
    "hand-over: all answered",
    "record: before commit",
    "record: committed",
)


@pytest.mark.kills
@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_each_named_place(ground: Ground, kind: str, place: str) -> None:
    check_place(ground.trial(kind), kind, place)


def test_killed_between_claim_and_answer(ground: Ground) -> None:
    check_place(ground.trial("smtp"), "smtp", "hand-over: one answered")


def check_place(one: Trial, kind: str, place: str) -> None:
    killed = one.start(place)
    said, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said.decode()
    one.finish()
    in_doubt = len(one.judge())
    if kind == "file":
        assert in_doubt == 0
    if place in ("frozen", "claim: before commit", "record: committed"):
        assert in_doubt == 0


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
