"""Keep the figures of all benchmarks in results.json: module by module, with the date and the machine's cores."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, from_json

FILE = Path(__file__).with_name("results.json")
# In the order of the table. Some run only when they are named, because they take an hour.
MODULES = (
    "letters", "send", "sendgrid", "freeze", "memory", "million", "gather", "start", "desk", "load", "mailman",
    "naive", "move",
)  # fmt: skip
APART = frozenset(("memory", "million", "load", "move"))


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """Hold what one module measured, and when; `failed` is the reason why it has no figures, or "".

    `cores` and `python` tell the machine, `seconds` how long the module took.
    """

    module: str
    figures: tuple[Figure, ...] = ()
    failed: str = ""
    date: str = ""
    cores: int = 0
    python: str = ""
    seconds: int = 0


def measured_now(module: str, figures: Sequence[Figure], failed: str, seconds: float) -> ModuleResult:
    """Return the result of a module that has just ended on this machine; its reason names no folder of it."""
    # Four digits, because more would only make the differences between two files longer.
    brief = tuple(
        replace(figure, values=tuple(float(f"{value:.4g}") for value in figure.values)) for figure in figures
    )
    today = datetime.now(UTC).date().isoformat()
    why = re.sub(r"(?<![\w.])/[\w.-]+/\S*", "…", failed)
    return ModuleResult(module, brief, why, today, os.cpu_count() or 0, platform.python_version(), round(seconds))


def load_results(file: Path = FILE, modules: Sequence[str] = MODULES) -> list[ModuleResult]:
    """Return the results of `modules` in `file`, in that order; a module that was never run has an empty one."""
    stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return [_from_json(module, stored.get(module)) for module in modules]


def save_results(results: Sequence[ModuleResult], file: Path = FILE) -> None:
    """Write results to `file`, without those that are empty."""
    stored = {result.module: _to_json(result) for result in results if result.date}
    text = json.dumps(stored, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([-\d.,\se+]+?)\s+\]", lambda match: f"[{' '.join(match[1].split())}]", text)  # a line each
    file.write_text(f"{text}\n", encoding="utf-8")


def _to_json(result: ModuleResult) -> dict[str, Any]:
    return {
        "date": result.date,
        "cores": result.cores,
        "python": result.python,
        "seconds": result.seconds,
        "failed": result.failed,
        "figures": [figure.to_json() for figure in result.figures],
    }


def _from_json(module: str, stored: dict[str, Any] | None) -> ModuleResult:
    if stored is None:
        how = "`make bench-million`" if module == "million" else f"`make bench FIGURES={module}`"
        return ModuleResult(module, failed=f"not run yet: {how}")
    figures = tuple(from_json(document) for document in stored["figures"])
    return ModuleResult(
        module, figures, stored["failed"], stored["date"], stored["cores"], stored["python"], stored["seconds"]
    )
