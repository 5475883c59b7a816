"""The model of the hand-over holds its promise in every world, and catches each mutant that breaks it."""

from __future__ import annotations

import pytest

from tests.counts import others_long
from tests.figures import Figures
from tests.ledger.model import Policy, explore


@pytest.mark.parametrize(("rows", "worlds"), others_long([(2, 1_000), (3, 10_000)], (2, 1_000)))
def test_nothing_lost_nothing_twice_nothing_stranded(rows: int, worlds: int) -> None:
    verdict = explore(Policy(), rows=rows, workers=2, kills=2, losses=1)
    assert (verdict.lost, verdict.twice, verdict.stranded) == (False, False, False)
    assert verdict.worlds > worlds


def test_a_refusal_that_its_run_takes_back_mails_nobody_twice() -> None:
    verdict = explore(Policy(), rows=2, workers=2, kills=1, losses=1, refusals=2)
    assert (verdict.lost, verdict.twice, verdict.stranded) == (False, False, False)
    assert verdict.worlds > 1_000


@pytest.mark.parametrize("kills", [0, 1, 2])
def test_at_most_one_batch_in_doubt_for_each_kill(kills: int) -> None:
    assert explore(Policy(), rows=3, workers=1, kills=kills, losses=0).most_in_doubt == kills


@pytest.mark.parametrize(
    ("mutant", "fault"),
    [
        (Policy(mark_before=True), "lost"),
        (Policy(mark_after=True), "twice"),
        (Policy(requeue=True), "twice"),
        (Policy(retry_unknown=True), "twice"),
        (Policy(not_durable=True), "twice"),
        (Policy(blind_claim=True), "twice"),
        (Policy(owe_doubts=True), "twice"),
    ],
)
def test_each_mutant_is_caught(mutant: Policy, fault: str) -> None:
    verdict = explore(mutant, rows=2, workers=2, kills=2, losses=1, cuts=1)
    assert getattr(verdict, fault)


@pytest.mark.proof
def test_the_whole_model(figure: Figures) -> None:
    verdict = explore(Policy(), rows=4, workers=2, kills=3, losses=2)
    figure("1 model: worlds", goal=">= 190,000", result=f"{verdict.worlds:,}", met=verdict.worlds >= 190_000)
    wrong = [name for name in ("lost", "twice", "stranded") if getattr(verdict, name)]
    figure("1 model: lost, twice, stranded", goal="none", result=", ".join(wrong) or "none", met=not wrong)
