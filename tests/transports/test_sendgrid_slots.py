"""Slot mode end to end: with deaths and lost answers, nobody is mailed twice and nobody forgotten (figure 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.transports.fake_sendgrid import FakeSendGrid
from tests.transports.slot_runs import Run


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSendGrid]:
    made = FakeSendGrid()
    yield made
    made.close()


def go(fake: FakeSendGrid, seeds: range) -> Counter[str]:
    ended: Counter[str] = Counter()
    for seed in seeds:
        run = Run(fake, seed)
        run.whole()
        assert run.wrong() == "", f"seed {seed}"
        ended.update(run.ledger.state.values())
        ended["cancelled batches"] += sum(batch.confirmed_at is not None for batch in run.ledger.batches.values())
    return ended


def test_runs_with_deaths_and_lost_answers(fake: FakeSendGrid) -> None:
    ended = go(fake, range(60))
    # The runs are worth something: most letters went, some batches were taken back, some stayed in doubt.
    assert ended["accepted"] > 200 and ended["cancelled batches"] > 10 and ended["uncertain"] > 10


@pytest.mark.kills
@pytest.mark.parametrize("mutant", ["blind", "late", "shared", "same"])
def test_each_mistake_made_on_purpose_is_found(fake: FakeSendGrid, mutant: str) -> None:
    for seed in range(400):
        run = Run(fake, seed, mutant)
        run.whole()
        if run.wrong():
            return
    pytest.fail(f"{mutant} was not found")


@pytest.mark.proof
def test_a_thousand_runs(fake: FakeSendGrid) -> None:
    ended = go(fake, range(1000, 2000))
    print(f"figure 11: 1,000 runs of slot mode, seeds 1000-1999: {dict(ended)}; lost 0, twice 0")
