"""Measure all figures of the benchmarks, or those of some modules: `python -m benchmarks [MODULE …]`.

Each module runs in a process of its own, so that a fault of one costs no other and the memory of one is not counted
for another. The results are kept in results.json; those of modules that are not run now stay. Then README.md,
docs/figures.md, docs/speed.svg, docs/scale.md and docs/scale.svg are written from them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import pages, table
from benchmarks.figures import Figure, from_json
from benchmarks.results import APART, MODULES, ModuleResult, load_results, measured_now, save_results

ROOT = Path(__file__).parents[1]
READERS = 1_000_000  # of a run of `million`
_HEARTBEAT = 30  # seconds of silence after which a module is said to be still at work


def main() -> int:
    """Run the chosen modules, keep what they measured, and print the table; return 1 when a module failed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument(
        "modules", nargs="*", help=f"of {', '.join(MODULES)}; by default all but {', '.join(sorted(APART))}"
    )
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--readers", type=int, default=READERS, help="of `million`; fewer are printed and not kept")
    arguments = options.parse_args()
    chosen = [name for name in ",".join(arguments.modules).split(",") if name]
    if unknown := [name for name in chosen if name not in MODULES]:
        options.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(MODULES)}")
    chosen = chosen or [name for name in MODULES if name not in APART]
    results = {result.module: result for result in load_results()}
    for number, name in enumerate(chosen, 1):
        print(f"{name} ({number} of {len(chosen)})", file=sys.stderr, flush=True)
        results[name] = run_module(name, arguments.readers if name == "million" else arguments.repetitions)
        if arguments.readers == READERS:
            save_results(list(results.values()))  # after each, because the whole takes long and may be stopped
    table.show(list(results.values()))
    if arguments.readers == READERS:
        pages.write(list(results.values()))
        from benchmarks import scale  # here, because the simulation loads the program that it is about

        scale.write()
    return int(any(results[name].failed for name in chosen))


def run_module(name: str, amount: int) -> ModuleResult:
    """Run `benchmarks/NAME.py` and return what it measured, or why it failed.

    `amount` is its repetitions, or the readers of `million`.
    """
    if importlib.util.find_spec(f"benchmarks.{name}") is None:
        return measured_now(name, (), f"there is no benchmarks/{name}.py", 0)
    began = time.monotonic()
    # Each start of a measured command would compile all modules again with this variable.
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", f"benchmarks.{name}", str(amount)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environ,
    )  # fmt: skip
    figures: Sequence[Figure] = ()
    last = "it printed no figures"
    with process, _Heartbeat(name) as heartbeat:
        for line in process.stdout or ():
            heartbeat.beat()
            if line.startswith("[{"):
                figures = [from_json(document) for document in json.loads(line)]
            elif line.strip():
                print(f"  {line.strip()}", file=sys.stderr, flush=True)
                last = line.strip()
    failed = "" if figures and process.returncode == 0 else last[:300]
    return measured_now(name, figures, failed, time.monotonic() - began)


class _Heartbeat:
    """Tell on stderr that a module is still at work, whenever it has printed nothing for a while."""

    def __init__(self, name: str) -> None:
        self._name, self._began, self._last = name, time.monotonic(), time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def beat(self) -> None:
        """Note that the module has printed something."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        while not self._ended.wait(1):
            if time.monotonic() - self._last >= _HEARTBEAT:
                self.beat()
                print(f"  {self._name}: {time.monotonic() - self._began:.0f} s so far", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
