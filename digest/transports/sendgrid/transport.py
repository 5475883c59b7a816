"""The SendGrid transport: one request a digest, up to 1,000 readers each, and batches that can be taken back.

The only home of the `sendgrid` package: it knows the hosts, the paths, the authorisation and the form of a request.
`wire` exchanges, `limits` checks before, `answers` judges after.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

import httpx2
import sendgrid

from digest.errors import ConfigError, DigestError, TryLater
from digest.ledger.ahead import CANCEL_BY
from digest.transports.base import Outcome, Parcel
from digest.transports.sendgrid import answers
from digest.transports.sendgrid.answers import Answer, Silence, Verdict
from digest.transports.sendgrid.grouping import grouped
from digest.transports.sendgrid.jobs import Call, Job, settle
from digest.transports.sendgrid.payload import Personal, Shared, requests
from digest.transports.sendgrid.riders import Fitted, fit_request
from digest.transports.sendgrid.settings import CAPABILITIES, SendGridSettings, mistakes
from digest.transports.sendgrid.wire import KeptClient, NoAnswer, Wire

TRIES = 3  # of a cancel, which does no harm twice

BatchFor = Callable[[Sequence[int]], str]


class SendGridTransport:
    """Hands letters over to SendGrid. Nothing is tried twice that may have been taken once.

    `clock` gives the present as an aware datetime. ConfigError for settings that cannot work.
    """

    capabilities = CAPABILITIES

    def __init__(self, settings: SendGridSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        if wrong := mistakes(settings):
            raise ConfigError(wrong)
        self._settings, self._clock = settings, clock
        self._stopped = False
        self._api, self._wire = _client(settings)

    def open(self) -> None:
        """Nothing to make ready: connections are made as requests go out, and kept."""

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield one outcome a parcel; parcels with the same form ride in one request.

        After an answer that leaves doubt no further request is begun, and the rest is deferred. DigestError at
        the end when the account must be put right; nothing is refused for that.
        """
        yield from self.hand_over_batches(grouped(parcels))

    def hand_over_at(self, parcels: Sequence[Parcel], send_at: datetime, batch_for: BatchFor) -> Iterator[Outcome]:
        """Yield one outcome a parcel, as `hand_over`; the letters wait for `send_at`, at most 72 hours ahead.

        One batch is one request, so that `cancel` takes back a hand-over in doubt and nothing that was accepted.
        """
        yield from self.hand_over_batches(grouped(parcels), send_at=send_at, batch_for=batch_for)

    def hand_over_batches(
        self,
        batches: Iterable[tuple[Shared, Sequence[Personal]]],
        *,
        send_at: datetime | None = None,
        batch_for: BatchFor | None = None,
    ) -> Iterator[Outcome]:
        """Yield one outcome a reader, each `Shared` with its readers; otherwise as `hand_over`."""
        call = Call(int(send_at.timestamp()) if send_at else None)
        call.jobs.extend(
            Job(shared, some)
            for shared, personals in batches
            for some in requests(shared, personals, self._settings.most)
        )
        flying: dict[Future[tuple[Verdict, Fitted]], Job] = {}
        with ThreadPoolExecutor(self._settings.concurrency, "sendgrid") as crew:
            while flying or (call.jobs and not call.stopped):
                if self._stopped and not call.stopped:
                    call.stopped = "stopped as asked"
                while call.jobs and not call.stopped and len(flying) < self._settings.concurrency:
                    job = call.jobs.popleft()
                    if _batched(job, call, batch_for):
                        flying[crew.submit(self._try, job, call.send_at)] = job
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from _landed(future, flying.pop(future), call)
        for job in call.jobs:
            for one in job.personals:
                yield Outcome(one.delivery, "deferred", f"not begun: {call.stopped}", call.retry_after, tried=False)
        if call.error is not None:
            raise call.error

    def ask(self, deliveries: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return {}: the provider cannot be asked what it took. Its events tell later, by the `mid` of each."""
        del deliveries
        return {}

    def stop(self) -> None:
        """Begin no further request; those under way are heard. What was not begun is deferred."""
        self._stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def create_batch(self) -> str:
        """Return a new batch id, to be written down before it is used. TryLater or DigestError when there is none."""
        answer = self._exchange(lambda: self._api.client.mail.batch.post())
        found = _document(answer)
        batch_id = found.get("batch_id") if isinstance(found, dict) else None
        if isinstance(answer, Answer) and answer.status == 201 and isinstance(batch_id, str):
            if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", batch_id):
                return batch_id
            raise TryLater("SendGrid gave a batch id that is none; nothing was sent, try again")
        verdict = answers.judge(answer, 0, self._clock())
        if verdict.fault:
            raise DigestError(verdict.fault)
        raise TryLater(f"SendGrid gave no batch id ({verdict.reason}); nothing was sent, try again")

    def cancel(self, batch_id: str) -> bool:
        """Cancel every letter of a batch; True once the provider has confirmed it. May be repeated.

        False: not confirmed, so that what is in doubt stays so (the provider away, or ten batches cancelled
        already). It must be confirmed 10 minutes before `send_at`: see `ledger.ahead.after_doubt`. As an
        emergency stop it may be tried at any time.
        """
        order = json.dumps({"batch_id": batch_id, "status": "cancel"})
        for _ in range(TRIES):
            answer = self._exchange(lambda: self._api.client.user.scheduled_sends.post(request_body=order))
            if isinstance(answer, Answer) and answer.status == 201:
                return True
            # An order given twice is answered 400; a lost answer says nothing. What stands is asked for.
            answer = self._exchange(lambda: self._api.client.user.scheduled_sends._(batch_id).get())
            if isinstance(answer, Answer) and answer.status == 200:
                return {"batch_id": batch_id, "status": "cancel"} in _list(_document(answer))
        return False

    def _try(self, job: Job, send_at: int | None) -> tuple[Verdict, Fitted]:
        """Send one request; return its verdict, and who was in it."""
        sandbox = self._settings.sandbox
        fitted = fit_request(
            job.shared, job.personals, self._clock(), send_at=send_at, batch_id=job.batch_id, sandbox=sandbox
        )
        if fitted.body is None:
            state = "deferred" if fitted.fault else "refused"
            return Verdict(state, fitted.fault, stop=bool(fitted.fault), fault=fitted.fault), fitted
        if send_at is not None and self._clock().timestamp() > send_at - CANCEL_BY.total_seconds():
            # Asleep since it was begun: nobody could take it back any more if its answer were lost.
            return Verdict("deferred", "its hour has come too near; it goes out at the hour", stop=True), fitted
        answer = self._exchange(lambda: self._api.client.mail.send.post(request_body=fitted.body))
        return answers.judge(answer, len(fitted.personals), self._clock(), sandbox=sandbox), fitted

    def _exchange(self, ask: Callable[[], Any]) -> Answer | Silence:
        try:
            response = ask()
        except NoAnswer as error:
            return error.silence
        return Answer(response.status_code, response.headers, response.body)


def _batched(job: Job, call: Call, batch_for: BatchFor | None) -> bool:
    """Give a request its batch id; False, with the request put back, when there is none to be had."""
    if batch_for is None:
        return True
    try:
        job.batch_id = batch_for([one.delivery for one in job.personals])
    except Exception as error:  # whatever it is, what is under way is still heard first
        call.stopped, call.error = str(error) or type(error).__name__, error
        call.jobs.appendleft(job)
        return False
    return True


def _landed(future: Future[tuple[Verdict, Fitted]], job: Job, call: Call) -> Iterator[Outcome]:
    """Yield the outcomes of one request that is over."""
    if (error := future.exception()) is not None:
        # Of these nothing is known; they stay claimed. What else is under way is still heard.
        call.stopped = call.stopped or "another request failed"
        call.error = error if isinstance(error, Exception) else DigestError(f"a request was broken off: {error!r}")
        return
    verdict, fitted = future.result()
    for delivery, why in fitted.refused.items():
        yield Outcome(delivery, "refused", why)
    yield from settle(verdict, Job(job.shared, fitted.personals), call)


def _client(settings: SendGridSettings) -> tuple[Any, Any]:
    """Return the package's client over our wire, and the wire."""
    api = sendgrid.SendGridAPIClient(settings.api_key, host=settings.base_url.rstrip("/"))
    if not settings.base_url:
        api.set_sendgrid_data_residency(settings.region)
    tls = httpx2.create_ssl_context() if api.host.startswith("https:") else None
    wire = Wire(settings.timeout, settings.concurrency, tls)
    headers = dict(api.client.request_headers)
    # What the package does not hold it cannot log.
    secret = {"Authorization": headers.pop("Authorization")}
    api.client = KeptClient(wire, secret, host=api.host, request_headers=headers, version=3)
    return api, wire


def _document(answer: Answer | Silence) -> Any:
    try:
        return json.loads(answer.body) if isinstance(answer, Answer) else None
    except (ValueError, RecursionError):
        return None


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
