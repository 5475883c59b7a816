"""Model the hand-over in small: explore every interleaving of workers, kills, lost answers and events.

A batch is one row here. Rows move only as `digest.ledger.states` allows, so the model and the product cannot drift
apart. A world is a tuple; `explore` walks all worlds breadth first and returns the faults it met.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from digest.ledger.states import OWED_AGAIN, TRANSITIONS


class Row(NamedTuple):
    """One delivery: its state, the run that claimed it, and how many copies the provider took."""

    state: str
    run: int
    copies: int


class Worker(NamedTuple):
    """One process. `at`: idle, claimed (committed, nothing sent), sent (answer known), no, lost (unknown), dead.

    `no`: the answer is a refusal.
    """

    at: str
    row: int
    run: int


class World(NamedTuple):
    """Hold one state of the model: rows, workers, and how many more faults there may be."""

    rows: tuple[Row, ...]
    workers: tuple[Worker, ...]
    kills: int
    losses: int
    cuts: int
    runs: int
    refusals: int = 0


@dataclass(frozen=True)
class Policy:
    """Choose the product's rules (all false), or a mutant of them that the model must catch."""

    mark_before: bool = False  # accepted is written before the hand-over
    mark_after: bool = False  # nothing is written before the hand-over
    requeue: bool = False  # a dead run's claims become pending again
    retry_unknown: bool = False  # an answer that was lost is tried again
    not_durable: bool = False  # a power cut may forget the claim
    blind_claim: bool = False  # a claim does not look at the state it changes
    owe_doubts: bool = False  # an objection to the sender makes letters in doubt pending, not only refused ones


@dataclass
class Verdict:
    """Hold the verdict of an exploration: the faults it met, and how many worlds it saw."""

    worlds: int = 0
    lost: bool = False
    twice: bool = False
    stranded: bool = False
    most_in_doubt: int = 0


def explore(
    policy: Policy, *, rows: int, workers: int, kills: int, losses: int, cuts: int = 0, refusals: int = 0
) -> Verdict:
    """Walk every world that can be reached; return the verdict on all of them."""
    start = World(
        tuple(Row("pending", 0, 0) for _ in range(rows)),
        tuple(Worker("idle", -1, n + 1) for n in range(workers)),
        kills, losses, cuts, workers, refusals,
    )  # fmt: skip
    seen, queue, verdict = {start}, deque([start]), Verdict()
    while queue:
        world = queue.popleft()
        after = list(steps(world, policy))
        judge(world, after, verdict)
        if verdict.twice:
            break  # because some mutants would go on for ever
        for following in after:
            if following not in seen:
                seen.add(following)
                queue.append(following)
    verdict.worlds = len(seen)
    return verdict


def judge(world: World, after: list[World], verdict: Verdict) -> None:
    """Write into `verdict` each fault of a world; at rest, every row must be taken once, or listed as uncertain."""
    verdict.twice |= any(row.copies > 1 for row in world.rows)
    verdict.most_in_doubt = max(verdict.most_in_doubt, sum(row.state == "uncertain" for row in world.rows))
    if not after:
        verdict.lost |= any(row.copies == 0 and row.state == "accepted" for row in world.rows)
        verdict.stranded |= any(row.state in ("pending", "claimed") for row in world.rows)


def steps(world: World, policy: Policy) -> Iterator[World]:
    """Yield every world one step away."""
    for n, worker in enumerate(world.workers):
        yield from work(world, n, worker, policy)
        if world.kills and worker.at != "dead":
            yield put(world, n, Worker("dead", -1, worker.run))._replace(kills=world.kills - 1)
        if worker.at == "dead":
            yield restart(world, n, policy)
    if world.cuts and policy.not_durable:
        yield from power_cut(world)
    for n, row in enumerate(world.rows):
        # Because the provider sends an event, at some time, for each letter that it took.
        if row.state == "uncertain" and row.copies:
            yield move(world, n, "accepted")


def work(world: World, n: int, worker: Worker, policy: Policy) -> Iterator[World]:
    """Yield each world after the next step of a worker."""
    if worker.at == "idle":
        yield from owe_again(world, worker, policy)
        for number, row in enumerate(world.rows):
            if row.state == "pending" or (policy.blind_claim and row.state == "claimed"):
                taken = put(world, n, Worker("claimed", number, worker.run))
                if policy.mark_after:
                    yield taken
                elif policy.mark_before:
                    yield change(taken, number, row._replace(state="accepted", run=worker.run))
                else:
                    yield change(taken, number, row._replace(state="claimed", run=worker.run))
    elif worker.at == "claimed":
        row = world.rows[worker.row]
        over = change(world, worker.row, row._replace(copies=row.copies + 1))
        yield put(over, n, worker._replace(at="sent"))
        if world.refusals:
            yield put(world, n, worker._replace(at="no"))._replace(refusals=world.refusals - 1)
        if world.losses:
            for lost in (over, world):  # because the worker cannot tell whether the provider took the letter
                yield put(lost, n, worker._replace(at="lost"))._replace(losses=world.losses - 1)
    elif worker.at in ("sent", "no", "lost"):
        unknown = "pending" if policy.retry_unknown else "uncertain"
        state = {"sent": "accepted", "no": "refused", "lost": unknown}[worker.at]
        row = world.rows[worker.row]
        ours = row.run == worker.run or policy.mark_after
        done = world
        if policy.mark_before:
            pass
        elif policy.mark_after:
            done = change(world, worker.row, row._replace(state=state))
        elif ours and state in TRANSITIONS[row.state]:
            done = move(world, worker.row, state)
        yield put(done, n, Worker("idle", -1, worker.run))


def owe_again(world: World, worker: Worker, policy: Policy) -> Iterator[World]:
    """Yield each world in which a run takes back a refusal of its own, because the sender was objected to."""
    refused, pending = OWED_AGAIN
    for number, row in enumerate(world.rows):
        if row.run == worker.run and (row.state == refused or (policy.owe_doubts and row.state == "uncertain")):
            yield change(world, number, row._replace(state=pending))


def restart(world: World, n: int, policy: Policy) -> World:
    """Start a killed worker again as a new run; it holds the run lock only when no other worker lives."""
    fresh = put(world, n, Worker("idle", -1, world.runs + 1))._replace(runs=world.runs + 1)
    if any(w.at != "dead" for m, w in enumerate(world.workers) if m != n):
        # Only the dead run's rows are settled, because another run may be under way and keeps its claims.
        dead = {world.workers[n].run}
    else:
        dead = {row.run for row in world.rows}
    for number, row in enumerate(world.rows):
        if row.state == "claimed" and row.run in dead:
            fresh = move(fresh, number, "pending" if policy.requeue else "uncertain")
    return fresh


def power_cut(world: World) -> Iterator[World]:
    """Yield the world after a power cut: all workers are dead, and claims that were not on the disk are gone."""
    rows = tuple(row._replace(state="pending", run=0) if row.state == "claimed" else row for row in world.rows)
    workers = tuple(Worker("dead", -1, w.run) for w in world.workers)
    yield world._replace(rows=rows, workers=workers, cuts=world.cuts - 1)


def move(world: World, number: int, state: str) -> World:
    """Move a row as the ledger allows; anything else is a fault of the model."""
    row = world.rows[number]
    assert state in TRANSITIONS[row.state], (row.state, state)
    return change(world, number, row._replace(state=state))


def change(world: World, number: int, row: Row) -> World:
    return world._replace(rows=(*world.rows[:number], row, *world.rows[number + 1 :]))


def put(world: World, n: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:n], worker, *world.workers[n + 1 :]))
