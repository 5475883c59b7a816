"""Killed while a correction is given, frozen, claimed and sent: each reader is told once, and nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from email import policy
from email.parser import BytesParser

import pytest

from tests.kills.conftest import TrialOf
from tests.kills.test_places import KILLED, die
from tests.kills.trial import NOTE, READERS, Trial
from tests.transports.fake_sendgrid import FakeSendGrid

NEXT, THIRD = "2026-11-13T09:00:00+00:00", "2026-11-20T09:00:00+00:00"
LINE = "Correction to “One”: It was two."
GIVEN = ("correct", "1", "--text", "It was two.", "--by", "Ed")
# The name of each place, and whether a kill there may leave the letter, and with it the correction, in doubt.
PLACES = {
    "planned: one page": False,
    "freeze: before commit": False,
    "freeze: committed": False,
    "claim: before commit": False,
    "claim: committed": True,
    "claim: fence kept": True,
    "hand-over: composed": True,
    "hand-over: one answered": True,
    "record: before commit": True,
    "record: committed": False,
}


def told(trial: Trial) -> Counter[str]:
    """Count by address how often the line stands in all letters that have arrived."""
    if isinstance(trial.server, FakeSendGrid):
        letters = [(message.to, message.text) for message in trial.server.queued]
    else:
        parser = BytesParser(policy=policy.default)
        messages = [parser.parsebytes(path.read_bytes()) for path in trial.folder.glob("letters/*/*.eml")]
        bodies = [message.get_body(("plain",)) for message in messages]
        letters = [(str(m["To"]), body.get_content()) for m, body in zip(messages, bodies, strict=True) if body]
    counts: Counter[str] = Counter()
    for address, text in letters:
        counts[address] += " ".join(text.split()).count(LINE)
    return +counts


def check_corrected(trial_of: TrialOf, place: str, kind: str, engine: str) -> None:
    """Send an entry, correct it, die at a place of the next edition, and go on to the one after it."""
    with trial_of(kind, engine) as trial:
        trial.finish()
        killed = trial.run(*GIVEN, failpoint="correct: before commit").wait()
        assert killed.code == KILLED, killed
        assert trial.count("SELECT count(*) FROM correction_reader") == 0
        assert trial.run(*GIVEN).wait().code == 0
        for number, day in enumerate((NEXT, THIRD), 2):
            trial.now = day
            note = NOTE.replace("One", f"Number {number}").replace("n1", f"n{number}")
            (trial.folder / "notes" / f"{number}.md").write_text(note)
            if day == NEXT:
                assert die(trial, place), f"{place} was not passed"
            trial.finish()
        counts = told(trial)
        assert set(counts.values()) <= {1}, "nobody is told twice"
        doubtful = trial.count("SELECT count(*) FROM delivery WHERE state = 'uncertain'")
        assert len(counts) + doubtful >= READERS, "nobody is forgotten"
        assert PLACES[place] or len(counts) == READERS
        assert trial.count("SELECT count(*) FROM correction_reader WHERE edition_id IS NULL") == 0


@pytest.mark.kills
@pytest.mark.parametrize("place", PLACES)
def test_killed_where_a_correction_is_carried(trial_of: TrialOf, place: str) -> None:
    check_corrected(trial_of, place, "sendgrid" if PLACES[place] else "file", "sqlite")


@pytest.mark.kills
def test_killed_where_a_correction_is_carried_on_postgresql(trial_of: TrialOf) -> None:
    check_corrected(trial_of, "planned: one page", "file", "postgresql")
    check_corrected(trial_of, "hand-over: one answered", "sendgrid", "postgresql")
