"""Killed while silent readers are told why: each is told at most once, and nobody is forgotten but one in doubt."""

from __future__ import annotations

from datetime import datetime
from email.parser import BytesHeaderParser

import pytest
from sqlalchemy import update

from digest.store.engine import writing
from subscribers.tables import consent_event
from tests.kills.conftest import TrialOf
from tests.kills.test_places import die
from tests.kills.trial import BASELINE, READERS, Trial

LATER = "2026-12-11T09:00:00+00:00"  # five weeks after the only letters
# The name of each place, and whether a kill there may leave a notice in doubt.
PLACES = {
    "freeze: committed": False,
    "silence: before commit": False,
    "silence: committed": False,
    "claim notice: before commit": False,
    "claim notice: committed": True,
    "claim notice: committed*7": True,
    "notice: before commit*2": True,  # the first is to close old ones, the second settles the notice that has left
    "notice: committed*2": False,
}


def told(trial: Trial) -> list[str]:
    """Return the address of each notice that has arrived."""
    parser = BytesHeaderParser()
    return [str(parser.parsebytes(path.read_bytes())["To"]) for path in trial.folder.glob("letters/notices/*.eml")]


def check_silence(trial_of: TrialOf, place: str, engine: str) -> None:
    with trial_of("file", engine) as trial:
        config = trial.folder / "config.toml"
        config.write_text(config.read_text() + "[notices]\nsilence = true\n")
        installation = trial.place()
        with writing(installation.engine) as conn:  # because the ground's readers join by the real clock
            conn.execute(update(consent_event).values(at=datetime.fromisoformat(BASELINE)))
        installation.engine.dispose()
        trial.finish()
        assert told(trial) == []
        trial.now = LATER
        assert die(trial, place), f"{place} was not passed"
        trial.finish()
        trial.finish()
        addresses = told(trial)
        assert len(addresses) == len(set(addresses)), "nobody is told twice"
        doubtful = trial.count("SELECT count(*) FROM notice WHERE state = 'claimed'")
        assert doubtful == (1 if PLACES[place] else 0)
        assert len(set(addresses)) >= READERS - doubtful, "nobody is forgotten"
        assert trial.count("SELECT count(*) FROM silence") == READERS


@pytest.mark.kills
@pytest.mark.parametrize("place", PLACES)
def test_killed_where_silence_is_explained(trial_of: TrialOf, place: str) -> None:
    check_silence(trial_of, place, "sqlite")


@pytest.mark.kills
def test_killed_where_silence_is_explained_on_postgresql(trial_of: TrialOf) -> None:
    check_silence(trial_of, "silence: committed", "postgresql")
    check_silence(trial_of, "claim notice: committed", "postgresql")
