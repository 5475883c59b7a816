"""Load the pages while letters leave: webhook, join, one-click and pages together, and hundreds of slow clients.

    .venv/bin/python -m benchmarks.load [REPETITIONS]   of 12 seconds under all load, told as one

Freeze an edition for 20,000 readers, on SQLite and on PostgreSQL. First let `digest serve` answer each kind of
request alone, as many as it can; the goals are what comes in the ten minutes after a million letters. Then let
`digest send` hand the edition over to Postfix's smtp-sink while `digest serve` answers a tenth of that from four wrk
at once, and 300 clients that send a byte a second, so that their connections stay open. At the end count in the
database what was answered.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from benchmarks.figures import Figure, report
from benchmarks.freeze import NO_SERVER
from benchmarks.population import Population, make
from benchmarks.sinks import smtp_sink, smtp_transport
from benchmarks.wrk import EVENTS, Answers, shoot, write_requests
from digest.store import deliveries, editions
from digest.store.engine import reading
from digest.store.schema import event
from subscribers.tables import subscriber
from tests.postgres import Databases, server
from tests.transports.webhook import Signer

READERS = 20_000
SLOW = 300  # clients that send a byte a second
SECONDS = 12  # of a repetition
ALONE = 8  # seconds for one kind of request alone
OFFERED = {"webhook": 5, "leave": 8, "join": 5, "pages": 20}  # requests a second, all at once
# Goals: the least requests a second when asked alone, and the most milliseconds of 99 of 100 answers under all load.
_LEAST = {"webhook": 50, "leave": 500, "join": 200, "pages": 1000}
_P99 = {"webhook": 1000, "leave": 300, "join": 1000, "pages": 1000}
_SAYS = {
    "webhook": f"webhook calls of {EVENTS} signed events", "leave": "one-click leavers", "join": "joiners",
    "pages": "pages “Your letters”",
}  # fmt: skip
_SHARED = "sender, server, database, four wrk and smtp-sink share two cores here"
_WHOLE = "each answer reads the reader's letters and choices and renders a whole page in Python, in one process"


@dataclass
class Served:
    """Hold a running `digest serve`: its address, its process, and what it logged so far."""

    address: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @property
    def memory(self) -> float:
        """Return the peak of its memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(seconds: int) -> list[Figure]:
    """Return the figures of the load on SQLite and PostgreSQL."""
    with tempfile.TemporaryDirectory() as name, server() as address:
        figures = load(Path(name) / "SQLite", seconds)
        if address is None:
            return [*figures, Figure("load-postgresql", NO_SERVER, (float("inf"),), "", 0, None, more=False)]
        return figures + load(Path(name) / "PostgreSQL", seconds, Databases(address))


def load(folder: Path, seconds: int, databases: Databases | None = None) -> list[Figure]:
    """Return the figures of one database; the folder has its name."""
    signer = Signer()
    frozen = make(folder / "frozen", READERS, url=databases.new() if databases else "", frozen=True)
    config = frozen.folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace("https://digest.example.org", "http://127.0.0.1")
    config.write_text(f'{text}\n[events]\nsendgrid_keys = ["{signer.public}"]\n', encoding="utf-8")

    def copy(name: str, port: int) -> Population:
        url = databases.new(str(make_url(frozen.url).database)) if databases else ""
        return frozen.copy(folder / name, transport=smtp_transport(port), url=url)

    with smtp_sink() as port:
        one, both = copy("one", port), copy("both", port)
        most = max(seconds, ALONE)
        counts = {"webhook": 100 * most, "leave": READERS // 2, "join": 500 * most}
        write_requests(frozen, signer, folder, counts)
        with _serve(one) as served:
            kinds = {kind: shoot(served.address, folder, {kind: None}, ALONE)[kind] for kind in OFFERED}
        solo = _send(copy("solo", port))
        with _serve(both) as served, _slow_clients(served.address):
            loaded: list[float] = []
            sending = threading.Thread(target=lambda: loaded.append(_send(both)))
            sending.start()
            answers = shoot(served.address, folder, OFFERED, seconds)
            memory = served.memory
            sending.join()
    _check(both, answers)
    locked = sum("locked" in line or "Traceback" in line for line in served.log)
    return [*_alone(folder.name, kinds), *_together(folder.name, answers, solo / loaded[0], memory, locked)]


def _send(population: Population) -> float:
    """Send the edition; return the seconds that it took."""
    began = time.monotonic()
    subprocess.run(population.command("send"), check=True, capture_output=True)
    return time.monotonic() - began


@contextmanager
def _serve(population: Population) -> Iterator[Served]:
    """Run `digest serve` on a free port until the end of the block."""
    process = subprocess.Popen(population.command("serve", "--port", "0"), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"listening on (http://\S+)", line):
                break
        else:
            raise RuntimeError("digest serve does not listen")
        served = Served(match[1], process)
        reader = threading.Thread(target=served.log.extend, args=(process.stderr,))
        reader.start()
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    reader.join()


@contextmanager
def _slow_clients(address: str) -> Iterator[None]:
    """Hold connections open that send a byte of a request a second, and open each anew when it is cut."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    ended = threading.Event()

    def drip() -> None:
        sockets: list[socket.socket] = []
        while not ended.wait(1):
            sockets = [each for each in sockets if _drips(each)]
            while len(sockets) < SLOW:
                sockets.append(socket.create_connection((host, int(port)), 5))
        for each in sockets:
            each.close()

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        yield
    finally:
        ended.set()
        dripping.join()


def _drips(client: socket.socket) -> bool:
    with suppress(OSError):
        client.sendall(b"G")
        return True
    client.close()
    return False


def _check(population: Population, answers: dict[str, Answers]) -> None:
    """Raise RuntimeError unless every letter, event and leaver that was answered stands in the database."""
    installation = population.installation()
    with reading(installation.engine) as conn:
        receipts = [deliveries.receipt(conn, edition) for edition in editions.listing(conn)]
        events = conn.scalar(select(func.count()).select_from(event)) or 0
        left = conn.scalar(select(func.count()).where(subscriber.c.state == "left")) or 0
    installation.engine.dispose()
    calls, leavers = answers["webhook"].good, answers["leave"].good
    if not all(receipt.balanced and not receipt.pending for receipt in receipts):
        raise RuntimeError(f"not every letter is accounted for: {receipts}")
    # wrk does not count the answers that came after its last second.
    if events < calls * EVENTS or left < leavers:
        raise RuntimeError(f"the database has {events} events of {calls} calls, {left} of {leavers} leavers")


def _alone(database: str, kinds: dict[str, Answers]) -> list[Figure]:
    return [
        Figure(f"load-alone-{kind}-{database.lower()}", f"{_SAYS[kind]} answered a second, alone, {database}",
               (each.rate,), "", _LEAST[kind], _LEAST[kind] * 2, more=True, short=_WHOLE)
        for kind, each in kinds.items()
    ]  # fmt: skip


def _together(database: str, answers: dict[str, Answers], sender: float, memory: float, locked: int) -> list[Figure]:
    at = f"while letters leave and {SLOW} slow clients hold on, {database}"
    key = database.lower()
    figures = [
        Figure(f"load-{kind}-{key}",
               f"{_SAYS[kind]}, {OFFERED[kind]} a second offered, {at}: 99 of 100 answers within", (each.p99,), "ms",
               _P99[kind], _P99[kind] / 3, more=False, short=_SHARED)
        for kind, each in answers.items()
    ]  # fmt: skip
    kept = min(each.rate / OFFERED[kind] for kind, each in answers.items())
    bad = sum(each.bad for each in answers.values())
    return [
        *figures,
        Figure(f"load-kept-{key}", f"the least answered share of what is offered, {at}", (kept,), "×", 0.9, 0.99,
               more=True, short=_SHARED),
        Figure(f"load-bad-{key}", f"answers that are an error, {at}", (bad,), "", 0, 0, more=False),
        Figure(f"load-locked-{key}", f"“database is locked” and faults in the log, {at}", (locked,), "", 0, 0,
               more=False),
        Figure(f"load-memory-{key}", f"memory of `digest serve`, {at}", (memory,), "MB", 400, 200, more=False),
        Figure(f"load-sender-{key}", f"letters a second under this load, against the sender alone, {database}",
               (sender,), "×", 0.8, 0.95, more=True, short=_SHARED),
    ]  # fmt: skip


if __name__ == "__main__":
    report(measure(SECONDS * (int(sys.argv[1]) if len(sys.argv) > 1 else 5)))
