"""Keep the list of requests that one hand-over has still to make, and apply each answer to it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.errors import DigestError
from digest.transports.base import Outcome
from digest.transports.sendgrid.answers import Verdict
from digest.transports.sendgrid.payload import Personal, Shared

# After so many readers rejected alone, and none of the digest accepted, the letter is to blame and not the readers.
STRIKES = 3


@dataclass(slots=True)
class Job:
    """Hold the readers of one digest that go into the next request, and the batch id of that request ("": none)."""

    shared: Shared
    personals: list[Personal]
    batch_id: str = ""


@dataclass(slots=True)
class Call:
    """Hold the state of one hand-over.

    `jobs` are the requests still to make, `send_at` their hour in Unix seconds (None: at once). `stopped` is why no
    new request is begun ("": go on), `retry_after` how many seconds the provider asked us to wait. `error` is raised
    when all outcomes are out. `accepted` and `strikes` are kept by the identity of each digest's `Shared`.
    """

    send_at: int | None
    jobs: deque[Job] = field(default_factory=deque)
    stopped: str = ""
    retry_after: float | None = None
    error: Exception | None = None
    accepted: set[int] = field(default_factory=set)
    strikes: dict[int, int] = field(default_factory=dict)


def settle(verdict: Verdict, job: Job, call: Call) -> Iterator[Outcome]:
    """Yield the outcome of each reader whom a verdict settles; put the others back into `call.jobs`."""
    shared = id(job.shared)
    if verdict.state == "accepted":
        call.accepted.add(shared)
    elif verdict.state == "split" and len(job.personals) == 1 and shared not in call.accepted:
        call.strikes[shared] = call.strikes.get(shared, 0) + 1
    for at, reason in verdict.named.items():
        yield Outcome(job.personals[at].delivery, "refused", reason)
    others = [personal for at, personal in enumerate(job.personals) if at not in verdict.named]
    if verdict.state == "split" and len(others) > 1 and shared not in call.accepted:
        verdict = _given_up(verdict, call.strikes.get(shared, 0))
    if verdict.stop and not call.stopped:
        call.stopped, call.retry_after = verdict.reason, verdict.retry_after
    if verdict.fault:
        call.error = call.error or DigestError(verdict.fault)
    if verdict.state == "again":
        call.jobs.extendleft([Job(job.shared, others)] if others else [])
    elif verdict.state == "split" and len(others) > 1:
        half = len(others) // 2
        call.jobs.extendleft((Job(job.shared, others[half:]), Job(job.shared, others[:half])))
    else:
        state = "refused" if verdict.state == "split" else verdict.state
        for personal in others:
            # A fault of the account counts as no attempt, because the letter itself was not judged.
            yield Outcome(personal.delivery, state, verdict.reason, verdict.retry_after, tried=not verdict.fault)


def _given_up(verdict: Verdict, strikes: int) -> Verdict:
    """Return the verdict, or a fault of the letter if STRIKES readers were rejected alone and none was accepted."""
    if strikes < STRIKES:
        return verdict
    fault = f"SendGrid answers {verdict.reason} to every request with this letter; correct the letter or its sender"
    return Verdict("deferred", verdict.reason, fault=fault)
