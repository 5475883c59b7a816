"""Measure an edition of a million readers whose run is killed: `python -m benchmarks.interrupted [READERS]`.

A run freezes the edition, hands over the first letters to files and is killed. While all the others wait, a monitor
and an editor ask how it stands. Then the next run begins, and is stopped after its first letter.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import DUE, Population, make
from digest.operations.monitor import look_at
from digest.operations.monitor_figures import count_figures
from digest.web.desk.local import LocalDoor
from digest.web.desk.page import Desk
from digest.web.desk.routes import desk_routes

READERS = 1_000_000
LETTERS = 2_000  # after which the run is killed
LOOKS = 5
_TOKEN = "a-token-of-the-benchmark"
_TICK = os.sysconf("SC_CLK_TCK")
_FREEZE, _RESUME, _ANSWER = 120, 10, 500  # what the project wants: seconds, seconds, milliseconds


@dataclass(frozen=True, slots=True)
class Span:
    """Hold how long something took, in seconds: by the clock on the wall, and of processor time."""

    wall: float
    processor: float


def measure(readers: int) -> list[Figure]:
    """Return the figures of one edition to so many readers, whose run is killed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # on a disk, because the database has some gigabytes
        return interrupted_figures(make(Path(name) / "installation", readers))


def interrupted_figures(population: Population) -> list[Figure]:
    """Freeze the edition of a population, kill its run, ask how it stands, and let the next run begin."""
    frozen = freeze_and_kill(population)
    asked = ask(population)
    resumed = resume(population)
    at = f"an edition of {_deliveries(population):,} deliveries"
    figures = [
        Figure("million-freeze", f"{at}: a run's start to the end of its freeze", (frozen.wall,), "s", _FREEZE, 60,
               more=False, short="this machine is shared; its processor time tells more"),
        Figure("million-freeze-processor", f"{at}: processor time until then", (frozen.processor,), "s", None, None,
               more=False),
        Figure("million-resume", f"{at}, its run killed: start of the next run to its first letter",
               (resumed.wall,), "s", _RESUME, 5, more=False, short="this machine is shared"),
        Figure("million-resume-processor", f"{at}, its run killed: processor time until then",
               (resumed.processor,), "s", None, None, more=False),
    ]  # fmt: skip
    for what, spans in asked.items():
        key = f"million-{re.sub('[^a-z]+', '-', what.lower()).strip('-')}"
        wall, processor = (tuple(getattr(span, part) * 1000 for span in spans) for part in ("wall", "processor"))
        short = "it counts the rows of an index"
        figures.append(Figure(key, f"{at} waits: {what}", wall, "ms", _ANSWER, 100, more=False, short=short))
        if any(processor):
            cost = f"{at} waits: {what}, processor time"
            figures.append(Figure(f"{key}-processor", cost, processor, "ms", None, None, more=False))
    return figures


def freeze_and_kill(population: Population) -> Span:
    """Let a run freeze the edition, and kill it after some letters; return what it took to freeze."""
    # The second freeze, because the daily edition, which nobody follows, is due too.
    environ = os.environ | {"DIGEST_FAILPOINT": "freeze: committed*2", "DIGEST_FAILPOINT_SIGNAL": "STOP"}
    began = time.perf_counter()
    process = subprocess.Popen(population.command("run"), env=environ, stderr=subprocess.DEVNULL)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise RuntimeError("the run ended before it had frozen")
    span = Span(time.perf_counter() - began, _processor(process.pid))
    process.send_signal(signal.SIGCONT)
    while len(_letters(population)) < LETTERS:
        time.sleep(0.2)
    process.kill()
    process.wait()
    return span


def resume(population: Population) -> Span:
    """Start the next run and stop it after its first letter; return what that took."""
    before = _letters(population)
    began = time.perf_counter()
    process = subprocess.Popen(population.command("run"), stderr=subprocess.DEVNULL)
    while process.poll() is None and not _letters(population) - before:
        time.sleep(0.02)
    span = Span(time.perf_counter() - began, _processor(process.pid))
    process.terminate()
    process.wait()
    return span


def ask(population: Population) -> dict[str, list[Span]]:
    """Ask how the edition stands, each question anew some times; return what the answers took, by question."""
    asked: dict[str, list[Span]] = {"/readyz": [], "/metrics": []}
    for _ in range(LOOKS):
        # Of a new server each time, because one shares what it has read.
        with _serve(population) as address:
            asked["/readyz"].append(_timed(lambda: _get(f"{address}/readyz")))
        with _serve(population) as address:
            asked["/metrics"].append(_timed(lambda: _get(f"{address}/metrics")))
    installation = population.installation()
    asked["what /readyz reads"] = [_timed(lambda: look_at(installation)) for _ in range(LOOKS)]
    asked["what /metrics counts"] = [_timed(lambda: count_figures(installation)) for _ in range(LOOKS)]
    browser = _desk(population)
    for path in ("/desk", "/desk/weekly", "/desk/edition/2"):
        asked[f"the desk page {path}"] = [_timed(lambda: browser.get(path)) for _ in range(LOOKS)]  # noqa: B023
    costs = [cost_of(population.command("status", "--json")) for _ in range(LOOKS)]
    asked["digest status"] = [Span(cost.wall, cost.processor) for cost in costs]
    installation.engine.dispose()
    return asked


def _desk(population: Population) -> TestClient:
    installation = population.installation()
    door = LocalDoor("Ann")
    app = Starlette(routes=desk_routes(Desk(installation, local=True), door, door.page()))
    browser = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
    browser.get(door.page().path.replace("{key}", door.key))
    return browser


@contextmanager
def _serve(population: Population) -> Iterator[str]:
    """Run `digest serve` with a token for /metrics on a free port until the end of the block."""
    environ = os.environ | {"DIGEST_METRICS_TOKEN": _TOKEN}
    command = population.command("serve", "--port", "0")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stderr is not None
    try:
        line = next((line for line in process.stderr if "listening on" in line), "")
        yield re.findall(r"listening on (http://\S+)", line)[0]
    finally:
        process.terminate()
        process.communicate()


def _get(url: str) -> None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {_TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 503:  # which is how /readyz says that something is wrong, and what
            raise


def _timed(work: Callable[[], object]) -> Span:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Span(time.perf_counter() - wall, time.process_time() - processor)


def _letters(population: Population) -> set[str]:
    return {path.name for path in population.folder.glob("letters/*/*.eml")}


def _processor(process: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _deliveries(population: Population) -> int:
    installation = population.installation(DUE)
    with installation.engine.connect() as conn:
        count = conn.exec_driver_sql("SELECT count(*) FROM delivery").scalar() or 0
    installation.engine.dispose()
    return int(count)


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READERS))
