"""Compare `digest send` over SMTP with Postfix's load generator, and count its commits, round trips and memory.

    .venv/bin/python -m benchmarks.send [REPETITIONS]

An edition for 10,000 readers is frozen once. Each repetition sends as many letters of 42,000 bytes by
`smtp-source -s 20`, and then the edition's by `digest send` from a fresh copy of the frozen database, both into
Postfix's `smtp-sink`. One more send goes to a sink that counts, and a sample of what arrives there must be equal to
the letters rendered as a whole. Memory is measured with 10,000 and with 100,000 readers.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, event

from benchmarks.figures import Figure, report
from benchmarks.population import Population, make
from benchmarks.sink import CountingSink
from digest import pipeline
from digest.delivery.parcel import links_of, reader_facts
from digest.letter import views
from digest.letter.compile import render_whole
from digest.letter.words import counts
from digest.send import frozen_edition
from digest.store import deliveries
from digest.store.engine import reading
from subscribers import store as people

READERS, MANY = 10_000, 100_000
BYTES = 42_000  # of a letter
SAMPLE = 200  # of this many letters that arrive one is compared
_SMTP = 'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"'


class Spent(NamedTuple):
    """Say what a command took: seconds by the clock, seconds of processor time, and its most memory in MB."""

    wall: float
    processor: float
    memory: float


def measure(repetitions: int) -> list[Figure]:
    """Return the figures of sending over SMTP."""
    source, sink = _postfix("smtp-source"), _postfix("smtp-sink")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), _free_port()
        transport = _SMTP.format(port=port)
        frozen = make(folder / "frozen", READERS, transport=transport, frozen=True)
        load = [source, "-d", "-s", "20", "-l", str(BYTES), "-m", str(READERS), f"127.0.0.1:{port}"]
        pairs: list[tuple[Spent, Spent]] = []
        letters, commits, round_trips = count(frozen, folder / "counted")
        for _ in range(repetitions):
            with _smtp_sink(sink, port):
                generator = spend(load)
            with _smtp_sink(sink, port):
                pairs.append((generator, send(frozen, folder / "copy")))
        many = make(folder / "many", MANY, transport=transport, frozen=True)
        with _smtp_sink(sink, port):
            most = send(many, folder / "copy")
    rates = [letters / READERS * generator.wall / ours.wall for generator, ours in pairs]
    memory = [ours.memory for _, ours in pairs]
    return [
        _figure("send-rate", "`digest send` over SMTP, letters a second by those of smtp-source -s 20", rates,
                reach=0.6, stretch=1.0, unit="×"),
        _figure("send-cpu", "processor time of `digest send` for a letter over SMTP",
                [1e6 * ours.processor / letters for _, ours in pairs], reach=120, stretch=60, unit="µs"),
        _figure("send-commits", "commits of `digest send` for 1,000 recipients",
                [1000 * commits / letters], reach=2.1),
        _figure("send-round-trips", "round trips of `digest send` for a message",
                [round_trips / letters], reach=1.02),
        _figure("send-memory", f"most memory of `digest send` to {MANY:,} readers over SMTP", [most.memory],
                reach=150, stretch=110, unit="MB"),
        _figure("send-memory-growth", f"growth of that from {READERS:,} readers", [most.memory - max(memory)],
                reach=20, stretch=10, unit="MB"),
    ]  # fmt: skip


def send(frozen: Population, folder: Path) -> Spent:
    """Send the edition of a copy of a frozen installation by `digest send`; return what that took."""
    shutil.rmtree(folder, ignore_errors=True)
    return spend(frozen.copy(folder).command("send"))


def spend(command: list[str]) -> Spent:
    """Run a command to its end. Raises CalledProcessError when it fails."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Spent(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def count(frozen: Population, folder: Path) -> tuple[int, int, int]:
    """Send an edition in this process; return its letters, its commits that wrote anything, and its round trips."""
    commits = 0
    before: dict[int, int] = {}

    def begun(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        before[id(driver)] = driver.total_changes if driver else 0

    def committed(connection: Connection) -> None:
        nonlocal commits
        driver = connection.connection.driver_connection
        commits += driver is not None and driver.total_changes > before.get(id(driver), 0)

    sink = CountingSink(SAMPLE)
    population = frozen.copy(folder, transport=_SMTP.format(port=sink.port))
    installation = population.installation()
    event.listen(Engine, "begin", begun)
    event.listen(Engine, "commit", committed)
    with contextlib.closing(sink):
        [receipt] = pipeline.send_owed(installation).receipts
    event.remove(Engine, "begin", begun)
    event.remove(Engine, "commit", committed)
    assert receipt.accepted == sink.messages, (receipt, sink.messages)
    compare(population, receipt.edition, sink.sample)
    installation.engine.dispose()
    return receipt.accepted, commits, sink.round_trips


def compare(population: Population, number: int, messages: list[bytes]) -> None:
    """Compare letters that arrived with the same letters rendered as a whole. AssertionError when one differs."""
    installation = population.installation()
    letters = frozen_edition(installation, number).letters
    secret, site = installation.secret, installation.settings.site
    for message in messages:
        arrived = email.message_from_bytes(message, policy=email.policy.default)
        with reading(installation.engine) as conn:
            person = people.find(conn, str(arrived["To"].addresses[0].addr_spec))
            assert person is not None
            [delivery] = deliveries.of_subscriber(conn, person.id)
            assert delivery.digest is not None
            digest = deliveries.digests(conn, [delivery.digest])[delivery.digest]
        letter = letters.of(person.language)
        reader = reader_facts(letter, person, links_of(site, letters.edition, person, secret))
        values = views.digest_values(digest, letter.book, letter.edition.subject)
        values |= views.reader_values(reader, letter.book.words, letter.edition.cadence, counts(digest))
        for kind, whole in zip(("html", "plain"), render_whole(letter, digest, values), strict=True):
            part = arrived.get_body((kind,))
            assert part is not None
            content = part.get_content().replace("\r\n", "\n")
            assert content.rstrip("\n") == whole.rstrip("\n"), f"the {kind} part of a letter differs"
    installation.engine.dispose()


def _figure(
    key: str, says: str, values: list[float], *, reach: float, stretch: float | None = None, unit: str = ""
) -> Figure:
    return Figure(key, says, tuple(values), unit, reach, stretch, more=unit == "×")


@contextlib.contextmanager
def _smtp_sink(program: str, port: int) -> Iterator[None]:
    """Run a sink of Postfix until the block ends."""
    account = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([program, *account, f"127.0.0.1:{port}", "256"], stderr=subprocess.DEVNULL) as sink:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield
        finally:
            sink.terminate()


def _postfix(program: str) -> str:
    """Return the path of a program of Postfix, after installing it on Debian where it is missing."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-qy", "--no-install-recommends", "postfix"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=quiet)
        path = shutil.which(program, path="/usr/sbin")
    if path is None:
        sys.exit(f"{program} is not installed: apt-get install postfix")
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
