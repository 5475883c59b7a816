"""Keep the list of requests that one hand-over has still to make, and apply each answer to it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.errors import Objection
from digest.transports.base import About, Outcome
from digest.transports.sendgrid.answers import Verdict
from digest.transports.sendgrid.payload import Personal, Shared

# After so many readers rejected alone, and none of the digest accepted, the letter is at fault and not the readers.
STRIKES = 3


@dataclass(slots=True)
class Job:
    """Hold the riders of one digest that go into the next request, and the batch id of that request ("": none)."""

    shared: Shared
    riders: list[Personal]
    batch_id: str = ""


@dataclass(slots=True)
class Call:
    """Hold the state of one hand-over.

    `jobs` are the requests still to make, `send_at` their hour in Unix seconds (None: at once). `refused` are the
    deliveries that are in no request, with the reasons. `stopped` is why no new request is begun ("": go on),
    `retry_after` how many seconds the provider asked us to wait. `error` is raised when all outcomes are out.
    `accepted` and `alone` are kept by the identity of each digest's `Shared`: whether somebody was accepted, and the
    readers who were rejected alone, with the reasons.
    """

    send_at: int | None = None
    jobs: deque[Job] = field(default_factory=deque)
    stopped: str = ""
    retry_after: float | None = None
    error: Exception | None = None
    refused: dict[int, str] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    alone: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


def settle(verdict: Verdict, job: Job, call: Call) -> Iterator[Outcome]:
    """Yield the outcome of each reader whom a verdict settles; put the others back into `call.jobs`."""
    shared = id(job.shared)
    if verdict.state == "accepted":
        call.accepted.add(shared)
    others = [rider for at, rider in enumerate(job.riders) if at not in verdict.named]
    for at, reason in verdict.named.items():
        # If the answer names everybody, it may be about the letter, and equal answers to others will show that.
        yield Outcome(job.riders[at].delivery, "refused", reason, about="reader" if others else "")
    given_up = shared not in call.accepted and len(call.alone.get(shared, ())) >= STRIKES
    if verdict.state == "split" and len(others) > 1 and given_up:
        verdict = Verdict("deferred", verdict.reason, letter=True)
    if verdict.stop and not call.stopped:
        call.stopped, call.retry_after = verdict.reason, verdict.retry_after
    if verdict.fault:
        call.error = call.error or Objection(verdict.fault, everybody=True)
    if verdict.state == "again":
        call.jobs.extendleft([Job(job.shared, others)] if others else [])
    elif verdict.state == "split" and len(others) > 1:
        half = len(others) // 2
        call.jobs.extendleft((Job(job.shared, others[half:]), Job(job.shared, others[:half])))
    elif verdict.state == "split":
        # Whether the reader or the letter is at fault shows only once others with this letter are answered.
        call.alone.setdefault(shared, []).extend((rider.delivery, verdict.reason) for rider in others)
    else:
        about: About = "letter" if verdict.letter else ""
        for rider in others:
            # A fault of the account counts as no attempt, because the letter itself was not judged.
            tried = not verdict.fault
            yield Outcome(rider.delivery, verdict.state, verdict.reason, verdict.retry_after, tried, about)


def settle_alone(call: Call) -> Iterator[Outcome]:
    """Yield the outcomes of readers rejected alone, once nothing is under way.

    They are refused if the same letter was accepted for others; else the letter may be at fault.
    """
    for shared, rejected in call.alone.items():
        for delivery, reason in rejected:
            if shared in call.accepted:
                yield Outcome(delivery, "refused", reason, about="reader")
            else:
                yield Outcome(delivery, "deferred", reason, about="letter")
    call.alone.clear()
