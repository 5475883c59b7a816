"""What one hand-over still has to do, and what each verdict makes of it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from digest.errors import DigestError
from digest.transports.base import Outcome
from digest.transports.sendgrid.answers import Verdict
from digest.transports.sendgrid.payload import Personal, Shared

STRIKES = 3  # single readers rejected with nobody accepted: then the letter is at fault, not they


@dataclass(slots=True)
class Job:
    """Readers of one digest that are still owed a request, and the batch id of the request."""

    shared: Shared
    personals: list[Personal]
    batch_id: str = ""


@dataclass(slots=True)
class Call:
    """What one hand-over has come to: what is still to do, why no new request is begun, what a person must mend."""

    send_at: int | None
    jobs: deque[Job] = field(default_factory=deque)
    stopped: str = ""
    retry_after: float | None = None
    error: Exception | None = None
    accepted: set[int] = field(default_factory=set)
    strikes: dict[int, int] = field(default_factory=dict)


def settle(verdict: Verdict, job: Job, call: Call) -> Iterator[Outcome]:
    """Yield what a verdict makes of a request's readers; put back those who are tried again at once."""
    shared = id(job.shared)
    if verdict.state == "accepted":
        call.accepted.add(shared)
    elif verdict.state == "split" and len(job.personals) == 1 and shared not in call.accepted:
        call.strikes[shared] = call.strikes.get(shared, 0) + 1
    for at, why in verdict.named.items():
        yield Outcome(job.personals[at].delivery, "refused", why)
    rest = [one for at, one in enumerate(job.personals) if at not in verdict.named]
    if verdict.state == "split" and len(rest) > 1 and shared not in call.accepted:
        verdict = _given_up(verdict, call.strikes.get(shared, 0))
    if verdict.stop and not call.stopped:
        call.stopped, call.retry_after = verdict.reason, verdict.retry_after
    if verdict.fault:
        call.error = call.error or DigestError(verdict.fault)
    if verdict.state == "again":
        call.jobs.extendleft([Job(job.shared, rest)] if rest else [])
    elif verdict.state == "split" and len(rest) > 1:
        half = len(rest) // 2
        call.jobs.extendleft((Job(job.shared, rest[half:]), Job(job.shared, rest[:half])))
    else:
        state = "refused" if verdict.state == "split" else verdict.state
        for one in rest:
            # What is wrong with the account is no attempt at a letter.
            yield Outcome(one.delivery, state, verdict.reason, verdict.retry_after, tried=not verdict.fault)


def _given_up(verdict: Verdict, strikes: int) -> Verdict:
    """Return the verdict; or one that blames the letter, where reader after reader was rejected and none accepted."""
    if strikes < STRIKES:
        return verdict
    fault = f"SendGrid answers {verdict.reason} to every request with this letter; mend the letter or its sender"
    return Verdict("deferred", verdict.reason, fault=fault)
