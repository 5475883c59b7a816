"""Run a command and measure its cost: processor time, wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.02  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold the cost of a command: `processor` (user and system) and `wall` in seconds, `memory` at its peak in MB.

    Processor time includes that of children that the command has waited for; memory does not.
    """

    processor: float
    wall: float
    memory: float


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end and return its cost. Raises RuntimeError with what it printed when it fails."""
    # Without this variable, because with it every start would compile all modules again.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=kept)
        memory = 0.0
        # Not the peak that wait4 tells, because that is never below this process's own.
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            memory = max(memory, _peak(process.pid))
            time.sleep(_EVERY)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output.read()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, memory)


def _peak(process: int) -> float:
    """Return the peak memory of a process so far in MB; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
