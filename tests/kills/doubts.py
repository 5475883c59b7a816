"""What a trial left in doubt: in how many batches, and whether the program lists each by name."""

from __future__ import annotations

import json

from sqlalchemy import text

from digest.store.engine import make_engine, reading
from tests.kills.trial import READERS, Trial

_BATCHES = "SELECT count(DISTINCT run_id) FROM delivery WHERE state = 'uncertain'"


def batches(one: Trial) -> int:
    """Return how many batches have a delivery in doubt: a run that is killed has one under way."""
    engine = make_engine(one.environ.get("DIGEST_STORAGE__URL", f"sqlite:///{one.folder}/digest.db"))
    try:
        with reading(engine) as conn:
            return int(conn.scalar(text(_BATCHES)) or 0)
    finally:
        engine.dispose()


def listed(one: Trial) -> list[str]:
    """Return the addresses that `digest settle --json` lists as in doubt."""
    ended = one.run("settle", "--json").wait()
    found = [said["subscriber"] for said in json.loads(ended.said)]
    assert ended.code == (4 if found else 0), ended
    return found


def check(one: Trial, at_most: int, readers: int = READERS) -> int:
    """Judge a trial that came to its end; return how many batches it left in doubt, which may be `at_most`."""
    doubtful = one.judge(readers)
    if doubtful:
        assert sorted(listed(one)) == sorted(doubtful)
    count = batches(one)
    assert bool(count) == bool(doubtful)
    assert count <= at_most, f"{count} batches in doubt, {at_most} explained"
    return count
