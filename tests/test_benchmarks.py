"""The shared parts of the benchmarks do what each benchmark trusts them to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cost import cost_of
from benchmarks.population import accepted, make
from benchmarks.sample import check_messages


@pytest.mark.long
def test_letters_of_a_population_are_compared_with_whole_ones(tmp_path: Path) -> None:
    population = make(tmp_path / "installation", 40, frozen=True)
    twin = population.copy(tmp_path / "copy")
    subprocess.run(twin.command("send"), check=True, capture_output=True)
    letters = [file.read_bytes() for file in twin.folder.glob("letters/**/*.eml")]
    assert accepted(twin) == len(letters) > 30
    assert check_messages(twin, letters, most=5) == 5
    with pytest.raises(RuntimeError, match="differs from the one rendered whole: its html"):
        check_messages(twin, [letter.replace(b"<h1", b"<h2") for letter in letters])
    with pytest.raises(RuntimeError, match="not every reader"):
        accepted(population)  # whose letters were not sent


@pytest.mark.parametrize(("code", "megabytes"), [("pass", 0), ("x = bytearray(80_000_000); [x[0]]", 70)])
def test_a_cost_has_the_memory_of_the_command_alone(code: str, megabytes: float) -> None:
    cost = cost_of([sys.executable, "-c", f"import time; {code}; time.sleep(0.1)"])
    assert megabytes < cost.memory < megabytes + 60 and cost.processor > 0


def test_a_command_that_fails_tells_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nbroken"):
        cost_of([sys.executable, "-c", "print('broken'); raise SystemExit(3)"])
