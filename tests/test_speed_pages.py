"""The pages of speed show what results.json holds, and no figure that falls short is hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import pages, picture, table
from benchmarks.__main__ import run_module
from benchmarks.figures import Figure, from_json
from benchmarks.results import MODULES, ModuleResult, load_results, measured_now, save_results

FAST = Figure("letter", "a letter, vs `smtplib`", (400.0, 600.0, 500.0), "×", 500, 1000, more=True)
SLOW = Figure("memory", "peak memory", (180.0,), "MB", 150, 110, more=False, short="it keeps each digest")
TOLD = Figure("time", "wall time", (12.34,), "s", None, None, more=False)


@pytest.mark.parametrize("name", ["README.md", "docs/figures.md", "docs/speed.svg"])
def test_a_page_is_what_the_results_say(name: str) -> None:
    text = pages.texts(load_results())[name]
    assert (pages.ROOT / name).read_text(encoding="utf-8") == text, "run `.venv/bin/python -m benchmarks.pages`"


@pytest.mark.parametrize(
    ("figure", "reached", "cells"),
    [
        (FAST, True, "| a letter, vs `smtplib` | 500 × | 400 to 600 | ≥ 500 × | ≥ 1,000 × |"),
        (SLOW, False, "| peak memory | **180 MB**, short |  | ≤ 150 MB | ≤ 110 MB |"),
        (replace(SLOW, values=(150.0,)), True, "| peak memory | 150 MB |  | ≤ 150 MB | ≤ 110 MB |"),
        (TOLD, True, "| wall time | 12.3 s |  |  |  |"),
    ],
)
def test_a_figure_in_a_table(figure: Figure, reached: bool, cells: str) -> None:
    assert (figure.is_reached, table.markdown([figure])[-1]) == (reached, cells)


def test_each_short_figure_and_each_failed_module_has_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    results = [ModuleResult("send", (FAST, SLOW)), ModuleResult("mailman", failed="Mailman cannot be installed")]
    table.show(results)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Short: peak memory: 180 MB, wanted ≤ 150 MB: it keeps each digest." in printed
    assert "Not measured: mailman: Mailman cannot be installed." in printed
    assert printed.count("Short:") == 1


def test_a_module_that_is_missing_is_told() -> None:
    result = run_module("nothing", 1)
    assert (result.figures, result.failed) == ((), "there is no benchmarks/nothing.py")


def test_a_reason_names_no_folder_of_the_machine() -> None:
    failed = measured_now("send", (), "/srv/clone/digest: file /var/x missing, 1/2 done", 1).failed
    assert failed == "… file … missing, 1/2 done"


def test_results_are_read_back_as_they_were_kept(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    sent = measured_now("send", [FAST, SLOW, TOLD], "", 12)
    save_results([ModuleResult("letters", failed="not run yet"), sent], file)
    stored = {result.module: result for result in load_results(file)}
    assert list(stored) == list(MODULES) and stored["send"] == sent
    assert "not run yet" in stored["letters"].failed
    assert json.loads(file.read_text(encoding="utf-8"))["send"]["figures"][1]["reached"] is False


def test_a_figure_survives_json() -> None:
    assert from_json(json.loads(json.dumps(SLOW.to_json()))) == SLOW


def test_the_picture_shows_comparisons_alone_and_marks_the_short_ones() -> None:
    slower = replace(FAST, says="a & b", values=(0.5,))
    drawn = picture.draw([FAST, slower, SLOW, TOLD, replace(FAST, values=(0.0,))])
    assert drawn.count('class="bar"') == drawn.count('class="short"') == 1
    assert "a &amp; b" in drawn and "peak memory" not in drawn
