"""Compare `digest send` with Mailman 3, personalised: `python -m benchmarks.mailman [REPETITIONS]`.

Mailman comes from the package index, in an environment of its own, because it needs an older SQLAlchemy. Both send
letters of the same size into the same smtp-sink, in turn. Compared are letters a second of processor time; ours has
the start of the program and its ledger in it, Mailman's neither its start nor its queue.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, count_off, report
from benchmarks.population import accepted, make
from benchmarks.sample import check_first_letters
from benchmarks.sinks import smtp_sink, smtp_transport

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".tools" / "mailman"
WANTED = ("mailman==3.3.10", "sqlalchemy<2.1")
READERS, MEMBERS = 50_000, 1_000


def measure(repetitions: int) -> list[Figure]:
    """Return how many times as many letters `digest send` sends in a second of processor time as Mailman 3 does."""
    python = mailman_python()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = folder / "mailman"
        theirs.mkdir()
        print(f"making a list of {MEMBERS:,} members and an installation of {READERS:,} readers", file=sys.stderr)
        _mailman(python, "setup", str(theirs), str(MEMBERS))
        population = make(folder / "installation", READERS, frozen=True)
        letters = check_first_letters(population, folder / "checked", "send")
        message = folder / "message"
        message.write_bytes(b"From: " + letters[0].partition(b"\nFrom: ")[2])  # without the sink's own lines
        ratios = []
        for number in count_off(repetitions):
            with smtp_sink() as port:
                cost = json.loads(_mailman(python, "deliver", str(theirs), str(port), str(message)))
                twin = population.copy(folder / f"run{number}", transport=smtp_transport(port))
                ours = cost_of(twin.command("send"))
            ratios.append((accepted(twin) / ours.processor) / (cost["letters"] / cost["processor"]))
    return [
        Figure(
            "mailman",
            f"`digest send`, {READERS:,} readers: letters a second of processor time, vs Mailman 3 personalised",
            tuple(ratios), "×", reach=40, stretch=200, more=True,
            short="a letter of `digest send` still costs more than a fortieth of Mailman's",
        )
    ]  # fmt: skip


def mailman_python() -> Path:
    """Return the Python of an environment with Mailman, made when it is missing.

    Raises RuntimeError with what pip says last when Mailman cannot be had.
    """
    python = ENVIRONMENT / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", "import mailman"], check=False).returncode == 0:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED]
    installing = subprocess.run(pip, check=False, capture_output=True, text=True)
    if installing.returncode:
        raise RuntimeError(f"Mailman cannot be installed: {installing.stderr.strip().splitlines()[-1]}")
    return python


def _mailman(python: Path, *words: str) -> str:
    """Run `mailman_send.py` with Mailman's Python, and return what it prints."""
    # With -P, because without it `import mailman` would import this file.
    command = [str(python), "-P", str(Path(__file__).with_name("mailman_send.py")), *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"Mailman failed: {ended.stderr.strip()[-500:]}")
    return ended.stdout


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
