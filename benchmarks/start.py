"""Compare the processor time of light commands with that of `python -c pass`, and print it as words and JSON.

    .venv/bin/python -m benchmarks.start [REPETITIONS]

The installation is the shipped config.toml with its sources behind a small HTTP server, gathered once, so that for
the measured `run` nothing is due. Each repetition starts each command once, in turn.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOW = "2026-11-28T12:{minute:02d}+00:00"  # a Saturday, on which no cadence is due
# What each command may cost at most, and had better cost, in times of `python -c pass` (issue 11).
GOALS = {"--help": (6, 4), "status": (30, 20), "run": (30, 20)}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing, because stderr is for the benchmark."""


def main(repetitions: int) -> None:
    """Print the ratio of each command to `python -c pass`: its median and spread, with the median processor time."""
    with tempfile.TemporaryDirectory() as name:
        commands = {"pass": [sys.executable, "-c", "pass"], **_installation(Path(name))}
        for command in commands.values():
            _processor_time(command)  # once before, because the first start may compile and read from disk
        rows = [{key: _processor_time(command) for key, command in commands.items()} for _ in range(repetitions)]
    results = {}
    for key, (goal, stretch) in GOALS.items():
        ratios = [row[key] / row["pass"] for row in rows]
        results[key] = {
            "ratio": round(statistics.median(ratios), 1),
            "spread": [round(min(ratios), 1), round(max(ratios), 1)],
            "ms": round(1000 * statistics.median(row[key] for row in rows)),
            "goal": goal,
            "stretch": stretch,
        }
        result = results[key]
        print(
            f"digest {key:7} {result['ms']:5} ms, {result['ratio']:6} × `python -c pass` {result['spread']},"
            f" {'within' if result['ratio'] <= goal else 'over'} {goal}"
        )
    pass_ms = round(1000 * statistics.median(row["pass"] for row in rows), 1)
    print(json.dumps({"start": {"repetitions": repetitions, "pass_ms": pass_ms, "commands": results}}))


def _installation(folder: Path) -> dict[str, list[str]]:
    """Make an installation in `folder`, gather its sources, and return the commands to measure."""
    digest = [str(Path(sys.executable).with_name("digest")), "--config", str(folder / "config.toml"), "--now"]
    shutil.copytree(ROOT / "examples", folder / "examples")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    config = (ROOT / "config.toml").read_text(encoding="utf-8")
    config = config.replace('path = "examples/case-studies"', 'path = "examples/sources/councils-in-practice.xml"')
    address = f"http://127.0.0.1:{server.server_port}"
    (folder / "config.toml").write_text(
        re.sub(r'^path = "(.*)"', rf'url = "{address}/\1?"\nallow_private = true', config, flags=re.MULTILINE)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    subprocess.run([*digest, NOW.format(minute=0), "run"], check=True)
    server.shutdown()
    return {
        "--help": [digest[0], "--help"],
        "status": [*digest, NOW.format(minute=5), "status"],
        "run": [*digest, NOW.format(minute=5), "run"],
    }


def _processor_time(command: list[str]) -> float:
    """Run a command; return its processor time in seconds, of user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
