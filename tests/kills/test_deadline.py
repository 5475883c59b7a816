"""Killed while editors are told of a draft and of its deadline: each is told once, and the edition goes out once."""

from __future__ import annotations

import signal
from collections import Counter
from email.parser import BytesHeaderParser

import pytest

from digest.desk.acts import Hand
from digest.desk.editors import add_editor
from tests.kills.conftest import TrialOf
from tests.kills.test_places import die
from tests.kills.trial import FRIDAY, READERS, Trial

THURSDAY = "2026-11-05T09:00:00+00:00"
DECLARED = 'at = "fri 08:00"\napproval = "required"\nunapproved = "send"\ndraft_ahead = "1 day"\n'
EDITORS = {"ann@council.example", "bob@council.example"}
# The run that is killed, the place, and whether a kill there may leave a notice in doubt.
PLACES = {
    (THURSDAY, "draft ahead: before commit"): False,
    (THURSDAY, "draft ahead: committed"): False,
    (THURSDAY, "claim notice: before commit"): False,
    (THURSDAY, "claim notice: committed*2"): True,
    (FRIDAY, "freeze: before commit*2"): False,  # the first is that of the daily edition, which nobody gets
    (FRIDAY, "freeze: committed*2"): False,
    (FRIDAY, "claim notice: committed"): True,
}


def told(trial: Trial) -> Counter[tuple[str, str]]:
    """Count the notices that have arrived, by address and by what they are about."""
    parser, arrived = BytesHeaderParser(), Counter[tuple[str, str]]()
    for path in trial.folder.glob("letters/notices/*.eml"):
        head = parser.parsebytes(path.read_bytes())
        subject = " ".join(str(head["Subject"]).split())
        arrived[str(head["To"]), "ready" if "ready to be approved" in subject else "missed"] += 1
    return arrived


def check_deadline(trial_of: TrialOf, now: str, place: str, engine: str) -> None:
    with trial_of("file", engine) as trial:
        config = trial.folder / "config.toml"
        config.write_text(config.read_text().replace('at = "fri 08:00"\n', DECLARED))
        installation = trial.place()
        for email in sorted(EDITORS):
            add_editor(installation, Hand("Ann"), email, email[:3], "approver")
        installation.engine.dispose()
        for trial.now in (THURSDAY, FRIDAY):
            if trial.now == now:
                assert die(trial, place), f"{place} was not passed"
            trial.finish()
            trial.finish()
        arrived = told(trial)
        assert set(arrived.values()) == {1}, "nobody is told twice"
        doubtful = trial.count("SELECT count(*) FROM notice WHERE state = 'claimed'")
        assert doubtful == (1 if PLACES[now, place] else 0)
        assert len(arrived) + doubtful == 2 * len(EDITORS), "nobody is forgotten"
        assert trial.count("SELECT count(*) FROM act WHERE \"by\" = 'deadline'") == 1
        letters = {address: count for address, count in trial.arrived().items() if address not in EDITORS}
        assert letters == {f"r{number}@example.org": 1 for number in range(READERS)}


@pytest.mark.kills
@pytest.mark.parametrize(("now", "place"), PLACES)
def test_killed_where_editors_are_told(trial_of: TrialOf, now: str, place: str) -> None:
    check_deadline(trial_of, now, place, "sqlite")


@pytest.mark.kills
def test_killed_where_editors_are_told_on_postgresql(trial_of: TrialOf) -> None:
    check_deadline(trial_of, THURSDAY, "draft ahead: committed", "postgresql")
    check_deadline(trial_of, FRIDAY, "freeze: before commit*2", "postgresql")


@pytest.mark.kills
@pytest.mark.parametrize(("place", "count"), [("test letter: before commit", 0), ("test letter: committed", 1)])
def test_a_test_letter_that_was_owed_leaves_once(trial_of: TrialOf, place: str, count: int) -> None:
    with trial_of("file", "sqlite") as trial:
        trial.now = THURSDAY
        trial.finish()
        ended = trial.run("test", "ann@council.example", "--letter", "--by", "Ann", failpoint=place).wait()
        assert ended.code == -signal.SIGKILL, ended
        trial.finish()
        trial.finish()
        assert trial.count("SELECT count(*) FROM act WHERE verb = 'test letter'") == count
        assert trial.arrived() == ({"ann@council.example": 1} if count else {})
