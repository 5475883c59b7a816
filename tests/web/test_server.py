"""Idle and slow clients are cut, the newest connection is served, and no flood fills the log or takes all files."""

from __future__ import annotations

import logging
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from digest.web.server import LimitedProtocol, Repeats
from tests.house import House

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


class Hasty(LimitedProtocol):
    """A protocol whose limits a test can wait for."""

    head_seconds = 0.2
    whole_seconds = 0.6
    most = 4


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer /large with more than a client's buffer holds; /body after the whole body; all else at once."""
    assert scope["type"] == "http"
    while scope["path"] == "/body" and (await receive()).get("more_body"):
        pass
    body = b"x" * 20_000_000 if scope["path"] == "/large" else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(protocol: type[LimitedProtocol]) -> Iterator[tuple[int, uvicorn.Server]]:
    """Serve `app` by `protocol` in a thread; yield the port and the server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1], server
        server.should_exit = True
        thread.join()


def until(holds: Callable[[], bool]) -> None:
    """Return when `holds` does; fail when it does not for ten seconds."""
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it does not end")


def ended(client: socket.socket) -> bool:
    """Return whether the server hangs up within ten seconds; what it sends before is thrown away."""
    client.settimeout(10)
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


SLOW: dict[str, list[bytes]] = {
    "says nothing": [],
    "half a head": [HEAD],
    "half a head after an answer": [HEAD + b"\r\n", b"GET /"],
    "a head by the drop": [HEAD, *[b"X-More: 1\r\n"] * 20],
    "a body that never comes": [b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b"x"],
    "a body by the drop": [b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 40],
    "a body that nobody asked for": [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 40],
}


def test_whoever_sends_slowly_is_cut() -> None:
    with serving(Hasty) as (port, _), ExitStack() as stack:
        protocol_most, Hasty.most = Hasty.most, 100
        stack.callback(setattr, Hasty, "most", protocol_most)
        clients = {name: stack.enter_context(socket.create_connection(("127.0.0.1", port))) for name in SLOW}

        def drip(name: str) -> None:
            try:
                for part in SLOW[name]:
                    clients[name].sendall(part)
                    time.sleep(0.05)
            except OSError:
                pass  # cut already

        threads = [threading.Thread(target=drip, args=(name,)) for name in SLOW]
        for thread in threads:
            thread.start()
        still_open = [name for name, client in clients.items() if not ended(client)]
        for thread in threads:
            thread.join()
        assert still_open == []


def test_whoever_does_not_read_is_cut() -> None:
    with serving(Hasty) as (port, server), socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1)
        until(lambda: not server.server_state.connections)


class Patient(LimitedProtocol):
    """A protocol that cuts nobody by time, and serves four connections."""

    most = 4


def test_the_newest_connection_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    with serving(Patient) as (port, _), ExitStack() as stack:
        idle = []
        for _ in range(12):
            idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
            idle[-1].sendall(HEAD)
            with socket.create_connection(("127.0.0.1", port)) as honest:
                honest.sendall(HEAD + b"Connection: close\r\n\r\n")
                honest.settimeout(10)
                assert honest.recv(1000).startswith(b"HTTP/1.1 200")
        assert all(ended(client) for client in idle[:8])


def test_a_busy_address_makes_room_for_a_quiet_one() -> None:
    with serving(Patient) as (port, _), ExitStack() as stack:
        quiet = stack.enter_context(socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)))
        quiet.sendall(HEAD)
        for _ in range(10):
            busy = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            busy.sendall(HEAD)
        # The oldest of all, and served all the same.
        quiet.sendall(b"\r\n")
        quiet.settimeout(10)
        assert quiet.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [("Invalid HTTP request received.", ()), ("refused %s", (1,)), ("accept failed\nsocket: 12", ())],
)
def test_a_message_that_repeats_is_counted_and_not_written(message: str, arguments: tuple[object, ...]) -> None:
    clock = [0.0]
    limit = Repeats(3, 60, lambda: clock[0])

    def record(name: str = "web") -> logging.LogRecord:
        return logging.LogRecord(name, logging.WARNING, "", 0, message, arguments, None)

    assert [limit.filter(record()) for _ in range(100)] == [True] * 3 + [False] * 97
    assert limit.filter(record("other"))
    clock[0] = 61
    last = record()
    assert limit.filter(last) and "(97 more like this since)" in last.getMessage()


def asked(port: int, path: str = "/healthz") -> int:
    """Return the status of one honest request."""
    with httpx2.Client(timeout=10) as calls:
        return calls.get(f"http://127.0.0.1:{port}{path}").status_code


def half_head(client: socket.socket) -> None:
    client.sendall(HEAD)


def nothing(_client: socket.socket) -> None:
    pass


def slow_body(client: socket.socket) -> None:
    client.sendall(b"POST /unsubscribe/x HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\nx")


def nonsense(client: socket.socket) -> None:
    client.sendall(b"\x16\x03\x01\x00\xa5 nonsense\r\n\r\n")


ATTACKS: list[tuple[int, int, int, list[Callable[[socket.socket], None]]]] = [
    (256, 400, 10, [half_head]),
    (1024, 2000, 60, [half_head, nothing, slow_body, nonsense]),
]


@pytest.mark.kills
@pytest.mark.parametrize(("files", "clients", "seconds", "ways"), ATTACKS)
def test_honest_requests_are_answered_in_a_flood(
    tmp_path: Path, files: int, clients: int, seconds: int, ways: list[Callable[[socket.socket], None]]
) -> None:
    House(tmp_path).close()
    log = tmp_path / "serve.log"
    words = f"ulimit -n {files}; exec {sys.executable} -m digest serve --port 0"
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[1], clients + 500), limits[1]))
    with log.open("wb") as written:
        server = subprocess.Popen(["bash", "-c", words], cwd=tmp_path, stderr=written)
    crowd: list[socket.socket] = []
    try:
        while not (told := re.search(r"http://\S+:(\d+)", log.read_text(encoding="utf-8"))):
            time.sleep(0.1)
        port = int(told[1])
        answers, end, turn = [], time.monotonic() + seconds, 0
        while time.monotonic() < end:
            # Connections that were cut are opened again, as an attacker would.
            for place in range(clients):
                client = socket.create_connection(("127.0.0.1", port), timeout=10)
                with suppress(OSError):  # cut already
                    ways[place % len(ways)](client)
                if len(crowd) < clients:
                    crowd.append(client)
                else:
                    crowd[place].close()
                    crowd[place] = client
                if place % 200 == 199:
                    answers.append(asked(port))
            turn += 1
        assert turn and set(answers) == {200}
        assert log.stat().st_size < 1_000_000
        assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < files
    finally:
        for client in crowd:
            client.close()
        server.terminate()
        server.wait(60)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
