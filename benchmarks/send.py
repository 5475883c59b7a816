"""Compare `digest send` over SMTP with Postfix's load generator, and count its commits, round trips and memory.

    .venv/bin/python -m benchmarks.send [REPETITIONS]

An edition for 10,000 readers is frozen once. Each repetition sends as many letters of 42,000 bytes by
`smtp-source -s 20`, and then the edition's by `digest send` from a fresh copy of the frozen database, both into
Postfix's `smtp-sink`. Two more sends go to a sink that counts, one of them to 100,000 readers, and a sample of what
arrives there must equal the letters rendered as a whole. Memory is measured with 10,000 and with 100,000 readers.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from sqlalchemy import Connection, Engine, event

from benchmarks.cost import Cost, cost_of
from benchmarks.counting import CountingSink
from benchmarks.figures import Figure, report
from benchmarks.population import Population, make
from benchmarks.sample import check_messages
from benchmarks.sinks import program, smtp_sink, smtp_transport
from digest import pipeline

READERS, MANY = 10_000, 100_000
BYTES = 42_000  # of a letter
SAMPLE = 200  # of this many letters that arrive one is compared


def measure(repetitions: int) -> list[Figure]:
    """Return the figures of sending over SMTP."""
    source = program("smtp-source", "postfix")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frozen = make(folder / "frozen", READERS, frozen=True)
        letters, *_ = count(frozen, folder / "counted")
        pairs: list[tuple[Cost, Cost]] = []
        for _ in range(repetitions):
            with smtp_sink() as port:
                load = ["-d", "-s", "20", "-l", str(BYTES), "-m", str(READERS), f"127.0.0.1:{port}"]
                generator = cost_of([source, *load])
            pairs.append((generator, send(frozen, folder / "copy")))
        many = make(folder / "many", MANY, frozen=True)
        most = send(many, folder / "copy")
        accepted, commits, round_trips = count(many, folder / "many-counted")
    rates = [letters / READERS * generator.wall / ours.wall for generator, ours in pairs]
    memory = [ours.memory for _, ours in pairs]
    return [
        _figure("send-rate", "`digest send` over SMTP, letters a second by those of smtp-source -s 20", rates,
                "a letter's processor time in one Python process is more than smtp-sink takes to swallow it",
                reach=0.6, stretch=1.0, unit="×"),
        _figure("send-cpu", "processor time of `digest send` for a letter over SMTP",
                [1e6 * ours.processor / letters for _, ours in pairs],
                "half of it is composing, see the letters' figures; then the claim, its record, and the start",
                reach=120, stretch=60, unit="µs"),
        _figure("send-commits", f"commits of `digest send` for 1,000 recipients, of {MANY:,}",
                [1000 * commits / accepted], "two a batch of 1,000, and two a run", reach=2.1),
        _figure("send-round-trips", "round trips of `digest send` for a message",
                [round_trips / accepted], "a connection begins anew with each batch", reach=1.02),
        _figure("send-memory", f"most memory of `digest send` to {MANY:,} readers over SMTP", [most.memory],
                "the libraries and a batch of 1,000 letters", reach=150, stretch=110, unit="MB"),
        _figure("send-memory-growth", f"growth of that from {READERS:,} readers", [most.memory - max(memory)],
                "the database's pages and the statements that it keeps", reach=20, stretch=10, unit="MB"),
    ]  # fmt: skip


def send(frozen: Population, folder: Path) -> Cost:
    """Send the edition of a copy of a frozen installation by `digest send` into smtp-sink; return what that cost."""
    shutil.rmtree(folder, ignore_errors=True)
    with smtp_sink() as port:
        return cost_of(frozen.copy(folder, transport=smtp_transport(port)).command("send"))


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
    population = frozen.copy(folder, transport=smtp_transport(sink.port))
    installation = population.installation()
    event.listen(Engine, "begin", begun)
    event.listen(Engine, "commit", committed)
    with contextlib.closing(sink):
        [receipt] = pipeline.send_owed(installation).receipts
    event.remove(Engine, "begin", begun)
    event.remove(Engine, "commit", committed)
    assert receipt.accepted == sink.messages, (receipt, sink.messages)
    check_messages(population, sink.sample, len(sink.sample))
    installation.engine.dispose()
    return receipt.accepted, commits, sink.round_trips


def _figure(
    key: str,
    says: str,
    values: list[float],
    short: str,
    *,
    reach: float,
    stretch: float | None = None,
    unit: str = "",
) -> Figure:
    return Figure(key, says, tuple(values), unit, reach, stretch, unit == "×", short)


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
