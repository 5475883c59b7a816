"""Stand in for SendGrid: an HTTP server that judges, counts, schedules, cancels and fails as told.

It is written from the provider's reference and not from our own checks, so that each can catch mistakes of the other.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

KEY = "SG.fake-key.of-the-tests"
RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
    "to", "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
Error = tuple[str, str | None]


@dataclass
class Message:
    """Hold one personalization that was queued."""

    mid: str
    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    send_at: int | None
    batch_id: str
    name: str = ""


@dataclass
class FakeSendGrid:
    """Serve the API, and keep the messages and requests that came.

    `faults` are for the next mail/send requests in turn, `side_faults` for those to other paths; "" is no fault. A
    fault is "KIND" or "take KIND": with "take" the mail is queued first; the kinds are in `_Handler.fail`. A `bad`
    address is named in a 400, a `vague` address brings a 400 that names no reader. `now` is the provider's clock, in
    Unix seconds. `pause`: seconds between taking a mail and answering; `listen`: the address that it listens on.
    """

    faults: deque[str] = field(default_factory=deque)
    side_faults: deque[str] = field(default_factory=deque)
    bad: set[str] = field(default_factory=set)
    vague: set[str] = field(default_factory=set)
    now: float = field(default_factory=time.time)
    late_cancels_count: bool = True
    queued: list[Message] = field(default_factory=list)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    at_once: int = 0
    batches: dict[str, str] = field(default_factory=dict)
    cancelled_at: dict[str, float] = field(default_factory=dict)
    delayed: list[bytes] = field(default_factory=list)
    pause: float = 0.0
    listen: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.open = 0
        self.closing = threading.Event()
        self.hung_up = threading.Event()  # once a connection has been closed
        fake = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

            def shutdown_request(self, request: Any) -> None:
                super().shutdown_request(request)
                fake.hung_up.set()

            def get_request(self) -> Any:
                with fake.lock:
                    fake.connections += 1
                return super().get_request()

        self._server = Server((self.listen, 0), _Handler)
        cast(Any, self._server).fake = self
        self.url = f"http://{self.listen}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def clear(self) -> None:
        """Forget everything, as if new."""
        with self.lock:
            for memory in (self.faults, self.side_faults, self.queued, self.payloads, self.heads, self.asked,
                        self.batches, self.cancelled_at, self.delayed):  # fmt: skip
                memory.clear()

    def arrive(self) -> None:
        """Let the requests arrive that were on their way when their connection broke ("late")."""
        with self.lock:
            while self.delayed:
                self.send(self.delayed.pop())

    def mids(self) -> Counter[str]:
        """Return how often each delivery was queued."""
        with self.lock:
            return Counter(message.mid for message in self.queued)

    def mailed(self) -> Counter[str]:
        """Return how often each delivery leaves once every hour has come, without those cancelled in time."""
        with self.lock:
            return Counter(message.mid for message in self.queued if not self._discarded(message))

    def _discarded(self, message: Message) -> bool:
        at = self.cancelled_at.get(message.batch_id)
        if at is None or message.send_at is None:
            return False
        return at <= message.send_at - 600

    def send(self, body: bytes) -> tuple[int, list[Error]]:
        """Judge and queue one mail/send request; return the status and the errors."""
        if len(body) >= 30_000_000:
            return 413, [("content too large", None)]
        try:
            document = json.loads(body.decode("utf-8"))
        except UnicodeDecodeError:
            return 415, [("The body must be UTF-8.", None)]
        except ValueError:
            return 400, [("Bad Request", None)]
        errors = [*judge(document, self.now), *self._own_judgement(document)]
        if errors:
            return 400, errors
        with self.lock:
            self.payloads.append(document)
            self.queued += [_message(document, personal) for personal in document["personalizations"]]
        return 202, []

    def _own_judgement(self, document: dict[str, Any]) -> list[Error]:
        errors: list[Error] = []
        for at, personal in enumerate(document["personalizations"]):
            email = personal["to"][0]["email"]
            if email in self.bad:
                errors.append((f"Does not contain a valid address: {email}.", f"personalizations.{at}.to.0.email"))
            if email in self.vague:
                errors.append(("Bad Request", None))
        if document.get("batch_id") and document["batch_id"] not in self.batches:
            errors.append(("batch id not found", "batch_id"))
        return errors

    def create_batch(self) -> str:
        with self.lock:
            batch_id = f"Batch-{len(self.batches):06d}_x"
            self.batches[batch_id] = ""
            return batch_id

    def cancel(self, batch_id: str) -> int:
        """Cancel a batch once and return the status; at most ten may be cancelled before their hour.

        A cancel that comes too late discards nothing, and is confirmed all the same if `late_cancels_count`.
        """
        with self.lock:
            hours = [m.send_at for m in self.queued if m.batch_id == batch_id and m.send_at is not None]
            late = bool(hours) and self.now > min(hours) - 600
            if batch_id not in self.batches or self.batches[batch_id]:
                return 400
            if len([b for b in self.cancelled_at if self._waiting(b)]) >= 10:
                return 400
            if late and not self.late_cancels_count:
                return 400
            self.batches[batch_id] = "cancel"
            self.cancelled_at[batch_id] = self.now
            return 201

    def _waiting(self, batch_id: str) -> bool:
        hours = [m.send_at for m in self.queued if m.batch_id == batch_id and m.send_at is not None]
        return not hours or max(hours) > self.now


def judge(document: Any, now: float) -> list[Error]:
    """Return what the provider's reference forbids in a mail/send request."""
    errors: list[Error] = []
    people = document.get("personalizations") if isinstance(document, dict) else None
    if not isinstance(people, list) or not people:
        return [("You must have at least one personalization.", "personalizations")]
    if len(people) > 1000:
        errors.append(("The personalization block is limited to 1000 personalizations.", "personalizations"))
    addresses = [
        to["email"].lower() for personal in people for kind in ("to", "cc", "bcc") for to in personal.get(kind, [])
    ]
    if len(addresses) > 1000:
        errors.append(("There is a limit of 1000 total recipients.", "personalizations"))
    if len(set(addresses)) < len(addresses):
        errors.append(("Each unique email address should only be included once.", "personalizations"))
    if sum(len(personal.get("substitutions", {})) for personal in people) > 10_000:
        errors.append(("There are too many substitutions.", "personalizations"))
    for at, personal in enumerate(people):
        errors += [(problem, f"personalizations.{at}.{where}") for problem, where in _judge_one(personal, document)]
    if not document.get("from", {}).get("email", "").isascii() or "@" not in document["from"]["email"]:
        errors.append(("The from address does not match a verified Sender Identity.", "from.email"))
    if not document["from"].get("name", "").isascii():
        errors.append(("Unicode is not taken here.", "from.name"))
    if not isinstance(document.get("subject"), str) or not document["subject"]:
        errors.append(("The subject is required.", "subject"))
    kinds = [part["type"] for part in document.get("content", [])]
    if not kinds or kinds != sorted(kinds, key=["text/plain", "text/html"].index):
        errors.append(("The text/plain content must come first.", "content"))
    errors += [
        ("The content value must be a string at least one character in length.", f"content.{at}.value")
        for at, part in enumerate(document.get("content", []))
        if not part["value"]
    ]
    categories = document.get("categories", [])
    if len(categories) > 10 or len(set(categories)) < len(categories) or any(len(c) > 255 for c in categories):
        errors.append(("There are too many categories, or one is too long.", "categories"))
    if any(name.lower() in RESERVED for name in document.get("headers", {})):
        errors.append(("This header is reserved.", "headers"))
    if "send_at" in document and (type(document["send_at"]) is not int or document["send_at"] > now + 72 * 3600):
        errors.append(("The send_at parameter must be within 72 hours.", "send_at"))
    for unknown in set(document) & {"sections", "template_id"}:
        errors.append(("This field has been removed.", unknown))
    return errors


def _judge_one(personal: dict[str, Any], document: dict[str, Any]) -> list[tuple[str, str]]:
    errors = []
    for to in personal.get("to", []):
        if "@" not in to["email"] or len(to["email"]) > 320 or not to["email"].isascii():
            errors.append(("Does not contain a valid address.", "to.0.email"))
        if {",", ";"} & set(to.get("name", "")):
            errors.append(("A name may not contain , or ;", "to.0.name"))
    if not personal.get("to"):
        errors.append(("The to array is required.", "to"))
    for name in ("substitutions", "custom_args", "headers"):
        if not all(isinstance(value, str) for value in personal.get(name, {}).values()):
            errors.append(("Only strings are taken.", name))
    for name in ("substitutions", "custom_args"):
        if len(json.dumps(personal.get(name, {}), ensure_ascii=False, separators=(",", ":")).encode()) > 10_000:
            errors.append(("May not exceed 10,000 bytes.", name))
    if len(personal.get("substitutions", {})) > 150:
        errors.append(("At most 150 substitutions.", "substitutions"))
    for key in personal.get("headers", {}):
        if key.lower() in RESERVED or not key.isascii() or " " in key:
            errors.append(("This header is not taken.", "headers"))
    return errors


def _message(document: dict[str, Any], personal: dict[str, Any]) -> Message:
    text, html = (part["value"] for part in document["content"])
    values = personal.get("substitutions", {})
    return Message(
        personal.get("custom_args", {}).get("mid", ""),
        personal["to"][0]["email"],
        _filled(document["subject"], values),
        _filled(text, values),
        _filled(html, values),
        document.get("headers", {}) | personal.get("headers", {}),
        document.get("send_at"),
        document.get("batch_id", ""),
        personal["to"][0].get("name", ""),
    )


def _filled(text: str, values: dict[str, str]) -> str:
    """Replace marks as plain text, in values too, up to four deep, as documented."""
    for _ in range(4):
        before = text
        for mark, value in values.items():
            text = text.replace(mark, value)
        if text == before:
            break
    return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fake: FakeSendGrid = cast(Any, self.server).fake

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        fake = self.fake
        path = self.path
        with fake.lock:
            fake.asked[f"{self.command} {path}"] += 1
            fake.heads.append({name.lower(): value for name, value in self.headers.items()})
            sending = path == "/v3/mail/send"
            faults = fake.faults if sending else fake.side_faults
            fault = faults.popleft() if faults else ""
            fake.open += 1
            fake.at_once = max(fake.at_once, fake.open)
        try:
            with suppress(ConnectionError, TimeoutError):
                self._answer(path, fault)
        finally:
            with fake.lock:
                fake.open -= 1

    do_GET = do_PATCH = do_DELETE = do_POST

    def _answer(self, path: str, fault: str) -> None:
        take, place = fault.startswith("take "), fault.removeprefix("take ")
        length = int(self.headers.get("Content-Length", 0))
        if place in ("reset-head", "reset-mid"):
            self.rfile.read(length // 2 if place == "reset-mid" else 0)
            return self.reset()
        body = self.rfile.read(length)
        if place == "late":
            with self.fake.lock:
                self.fake.delayed.append(body)
            return self.reset()
        if take or not place or place in ("slow", "continue"):
            status, document, headers = self._route(path, body)
        if place:
            if place == "slow":
                time.sleep(0.1)
            elif place == "continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            else:
                return self.fail(place)
        return self._reply(status, document, headers)

    def _route(self, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        fake = self.fake
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, _errors([("authorization required", None)]), {}
        if path == "/v3/mail/send":
            if self.headers.get("Content-Type") != "application/json":
                return 415, _errors([("unsupported media type", None)]), {}
            status, wrong = fake.send(body)
            fake.closing.wait(fake.pause)
            return status, _errors(wrong) if wrong else None, {"X-Message-Id": f"m{fake.asked.total()}"}
        if path == "/v3/mail/batch":
            return 201, {"batch_id": fake.create_batch()}, {}
        if path == "/v3/user/scheduled_sends":
            status = fake.cancel(json.loads(body)["batch_id"])
            return status, json.loads(body) if status == 201 else _errors([("not taken", "batch_id")]), {}
        if path.startswith("/v3/user/scheduled_sends/") and self.command == "GET":
            batch_id = path.rpartition("/")[2]
            state = fake.batches.get(batch_id, "")
            return 200, [{"batch_id": batch_id, "status": state}] if state else [], {}
        return 404, _errors([("not found", None)]), {}

    def _reply(self, status: int, document: Any, headers: dict[str, str]) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, place: str) -> None:
        """Fail once the whole request is read: reset, close, hang, drip, junk, cut, flood, or a status (and body)."""
        if place == "reset":
            return self.reset()
        self.close_connection = True
        if place == "hang":
            self.fake.closing.wait(20)
        elif place == "drip":
            for byte in b"HTTP/1.1 202 Accepted\r\nX-Slow: " + b"a" * 10_000:
                self.wfile.write(bytes([byte]))
                if self.fake.closing.wait(0.02):
                    break
        elif place == "junk":
            self.wfile.write(b"SSH-2.0-hello\r\n\r\n")
        elif place == "cut":
            self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: cut\r\nContent-Length: 5\r\n\r\n")
        elif place == "flood":
            self.wfile.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 5_000_000)
        elif place != "close":
            status, _, words = place.partition(" ")
            document = words.encode() or json.dumps(_errors([("as the test says", None)])).encode()
            self.send_response(int(status))
            self.send_header("Content-Length", str(len(document)))
            self.send_header("Connection", "close")
            if status == "429":
                self.send_header("X-RateLimit-Reset", str(int(self.fake.now) + 90))
            if status.startswith("3"):
                self.send_header("Location", f"{self.fake.url}/elsewhere")
            self.end_headers()
            self.wfile.write(document)
        return None

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        # The handler's own closing must not send a FIN after the reset.
        self.rfile.close()


def _errors(errors: list[Error]) -> dict[str, Any]:
    return {"errors": [{"message": problem, "field": where, "help": None} for problem, where in errors]}
