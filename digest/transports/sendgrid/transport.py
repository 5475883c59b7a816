"""Hand letters over to SendGrid in requests of up to 1,000 readers of a digest, and take requests back.

The only home of the `sendgrid` package, which knows the hosts, the paths, the authorisation and the form of a call.
`grouping` and `payload` build a request, `limits` checks it, `wire` exchanges it and `answers` judges the answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import httpx2
import sendgrid

from digest.errors import ConfigError, DigestError, Objection, TryLater
from digest.ledger.ahead import CANCEL_BY
from digest.transports.base import Asked, Outcome, Parcel
from digest.transports.paces import Paces
from digest.transports.sendgrid import answers
from digest.transports.sendgrid.answers import Answer, Silence, Verdict
from digest.transports.sendgrid.grouping import grouped
from digest.transports.sendgrid.jobs import Call, Job, settle, settle_alone
from digest.transports.sendgrid.payload import Personal, Shared
from digest.transports.sendgrid.riders import Fitted, admitted, fit_request, requests
from digest.transports.sendgrid.settings import CAPABILITIES, SendGridSettings, mistakes
from digest.transports.sendgrid.wire import Document, KeptClient, NoAnswer, Wire

TRIES = 3  # of a cancel, which may be repeated
PACE = "sendgrid"  # the name of the instant before which no process begins a request

BatchFor = Callable[[Sequence[int]], str]
NOBODY: Mapping[int, str] = MappingProxyType({})


class SendGridTransport:
    """Hand letters over to SendGrid; never try again a request that may have been taken.

    `clock` returns the present time, aware. By `paces` it waits as long as SendGrid has asked any process to. Raises
    ConfigError for settings that cannot work.
    """

    capabilities = CAPABILITIES

    def __init__(
        self, settings: SendGridSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        paces: Paces | None = None,
    ) -> None:  # fmt: skip
        if wrong := mistakes(settings):
            raise ConfigError(wrong)
        self._settings, self._clock, self._paces = settings, clock, paces
        self._stopped = False
        self._api, self._wire = _client(settings)

    def open(self) -> None:
        """Raise TryLater while SendGrid asks to wait, so that nothing is claimed in vain; connect to nothing yet."""
        if self._paces is not None and (wait := self._paces.wait_of(PACE)):
            raise TryLater(f"SendGrid asks to wait for {math.ceil(wait)} s; nothing was sent, try again then")

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield one outcome for each parcel; parcels with the same form share a request.

        After an answer that leaves doubt no further request is begun, and the rest is deferred. Raises DigestError at
        the end if the account must be put right; no letter is refused for that.
        """
        batches, refused = grouped(parcels)
        yield from self.hand_over_batches(batches, refused)

    def hand_over_at(self, parcels: Sequence[Parcel], send_at: datetime, batch_for: BatchFor) -> Iterator[Outcome]:
        """Yield one outcome for each parcel, as `hand_over`; SendGrid keeps the letters until `send_at`.

        `send_at` is at most 72 hours ahead. Each request gets a batch id of its own, so that `cancel` takes back the
        request in doubt and no letter that was accepted.
        """
        batches, refused = grouped(parcels)
        yield from self.hand_over_batches(batches, refused, send_at=send_at, batch_for=batch_for)

    def hand_over_batches(
        self,
        batches: Iterable[tuple[Shared, Sequence[Personal]]],
        refused: Mapping[int, str] = NOBODY,
        *,
        send_at: datetime | None = None,
        batch_for: BatchFor | None = None,
    ) -> Iterator[Outcome]:
        """Yield one outcome for each reader, as `hand_over`; `batches` pairs each `Shared` with its readers.

        `refused` are the deliveries that are in no batch, with the reasons.
        """
        call = Call(int(send_at.timestamp()) if send_at else None, refused=dict(refused))
        for shared, personals in batches:
            riders, unfit = admitted(shared, personals)
            call.jobs.extend(Job(shared, some) for some in requests(shared, riders, self._settings.most))
            call.refused |= unfit
        under_way: dict[Future[Verdict], Job] = {}
        with ThreadPoolExecutor(self._settings.concurrency, "sendgrid") as crew:
            while under_way or (call.jobs and not call.stopped):
                if self._stopped and not call.stopped:
                    call.stopped = "stopped as asked"
                while len(under_way) < self._settings.concurrency and self._may_begin(call):
                    job = call.jobs.popleft()
                    # Built in this thread, because memory that another thread has used is kept for that thread.
                    if (fitted := self._fit(job, call, batch_for)) is not None:
                        under_way[crew.submit(self._try, fitted, len(job.riders), call.send_at)] = job
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from _outcomes(future, under_way.pop(future), call)
        yield from settle_alone(call)
        for delivery, reason in call.refused.items():
            yield Outcome(delivery, "refused", reason, about="reader")
        for job in call.jobs:
            for rider in job.riders:
                yield Outcome(rider.delivery, "deferred", f"not begun: {call.stopped}", call.retry_after, tried=False)
        if call.error is not None:
            raise call.error

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        """Return {}, because SendGrid cannot be asked which letters it took. Its events report that later."""
        del letters
        return {}

    def stop(self) -> None:
        """Begin no further request and wait for the answers of those under way; the rest is deferred."""
        self._stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def create_batch(self) -> str:
        """Return a new batch id, to be stored before it is used. Raises TryLater or DigestError if there is none."""
        answer = self._exchange(lambda: self._api.client.mail.batch.post())
        document = _document(answer)
        batch_id = document.get("batch_id") if isinstance(document, dict) else None
        if isinstance(answer, Answer) and answer.status == 201 and isinstance(batch_id, str):
            if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", batch_id):
                return batch_id
            raise TryLater("SendGrid gave a batch id that cannot be one; nothing was sent, try again")
        verdict = answers.judge(answer, 0, self._clock())
        self._hold_back(verdict)
        if verdict.fault:
            raise Objection(verdict.fault, everybody=True)
        raise TryLater(f"SendGrid gave no batch id ({verdict.reason}); nothing was sent, try again")

    def cancel(self, batch_id: str) -> bool:
        """Cancel every letter of a batch. Return True once SendGrid has confirmed it. May be repeated.

        Returns False if it was not confirmed, because SendGrid is away or ten batches are cancelled already; the
        letters then stay in doubt. A confirmation counts only until 10 minutes before `send_at`, see
        `ledger.ahead.after_doubt`; in an emergency a cancel may be tried later too.
        """
        order = json.dumps({"batch_id": batch_id, "status": "cancel"})
        for _ in range(TRIES):
            answer = self._exchange(lambda: self._api.client.user.scheduled_sends.post(request_body=order))
            if isinstance(answer, Answer) and answer.status == 201:
                return True
            # Ask for the state of the batch, because a repeated order is answered 400 and an answer can be lost.
            answer = self._exchange(lambda: self._api.client.user.scheduled_sends._(batch_id).get())
            if isinstance(answer, Answer) and answer.status == 200:
                return {"batch_id": batch_id, "status": "cancel"} in _list(_document(answer))
        return False

    def _may_begin(self, call: Call) -> bool:
        """Return whether a request is left that may begin now; stop the hand-over where all processes are to wait."""
        if self._paces is not None and call.jobs and not call.stopped:
            try:
                if wait := self._paces.wait_of(PACE):
                    call.stopped, call.retry_after = "SendGrid has asked to wait", wait
            except DigestError as error:
                call.stopped, call.error = str(error), call.error or error
        return bool(call.jobs) and not call.stopped

    def _hold_back(self, verdict: Verdict) -> None:
        """Tell all processes that SendGrid asks to wait; not where the database is away, which they all need."""
        if self._paces is not None and verdict.retry_after:
            with suppress(DigestError):
                self._paces.put_back(PACE, verdict.retry_after)

    def _fit(self, job: Job, call: Call, batch_for: BatchFor | None) -> Fitted | None:
        """Build a request, after it got a batch id. If that fails, stop the hand-over, put it back, return None."""
        try:
            if batch_for is not None:
                job.batch_id = batch_for([rider.delivery for rider in job.riders])
            return fit_request(
                job.shared, job.riders, self._clock(),
                send_at=call.send_at, batch_id=job.batch_id, sandbox=self._settings.sandbox,
            )  # fmt: skip
        except Exception as error:  # kept until the end, because the requests under way must be heard first
            call.stopped, call.error = str(error) or type(error).__name__, error
            call.jobs.appendleft(job)
            return None

    def _try(self, fitted: Fitted, riders: int, send_at: int | None) -> Verdict:
        """Send one request, if it breaks no limit; return the verdict on it."""
        if fitted.body is None:
            if fitted.fault:
                return Verdict("deferred", fitted.fault, stop=True, fault=fitted.fault)
            return Verdict("deferred", fitted.letter, letter=True)
        if send_at is not None and self._clock().timestamp() > send_at - CANCEL_BY.total_seconds():
            # This process slept: so near the hour, the request could not be taken back if its answer were lost.
            return Verdict("deferred", "too near its hour to be given ahead; it is sent at the hour", stop=True)
        document = Document(fitted.body)
        answer = self._exchange(lambda: self._api.client.mail.send.post(request_body=document))
        verdict = answers.judge(answer, riders, self._clock(), sandbox=self._settings.sandbox)
        self._hold_back(verdict)
        return verdict

    def _exchange(self, ask: Callable[[], Any]) -> Answer | Silence:
        try:
            response = ask()
        except NoAnswer as error:
            return error.silence
        return Answer(response.status_code, response.headers, response.body)


def _outcomes(future: Future[Verdict], job: Job, call: Call) -> Iterator[Outcome]:
    """Yield the outcomes of one request that has ended."""
    if (error := future.exception()) is not None:
        # Yield nothing for its readers: they stay claimed, because it is unknown whether the request was taken.
        call.stopped = call.stopped or "another request failed"
        call.error = error if isinstance(error, Exception) else DigestError(f"a request was broken off: {error!r}")
        return
    yield from settle(future.result(), job, call)


def _client(settings: SendGridSettings) -> tuple[Any, Any]:
    """Return the package's client, made to exchange over our `Wire`, and that wire."""
    api = sendgrid.SendGridAPIClient(settings.api_key, host=settings.base_url.rstrip("/"))
    if not settings.base_url:
        api.set_sendgrid_data_residency(settings.region)
    tls = httpx2.create_ssl_context() if api.host.startswith("https:") else None
    wire = Wire(settings.timeout, settings.concurrency, tls)
    headers = dict(api.client.request_headers)
    # Keep the key from the package, because it logs the headers that it holds.
    secret = {"Authorization": headers.pop("Authorization")}
    api.client = KeptClient(wire, secret, host=api.host, request_headers=headers, version=3)
    return api, wire


def _document(answer: Answer | Silence) -> Any:
    try:
        return json.loads(answer.body) if isinstance(answer, Answer) else None
    except (ValueError, RecursionError):
        return None


def _list(document: Any) -> list[Any]:
    return document if isinstance(document, list) else []
