"""The letters that are shown and checked: of the demo's readers, of real feeds, and of awkward entries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

from digest.system.resources import resource

THURSDAY, FRIDAY = "2026-11-19T09:00:00+00:00", "2026-11-20T09:00:00+00:00"
_AREAS = ("housing", "transport", "public-health", "mental-health", "digital-data", "safeguarding")


class Sample(NamedTuple):
    """One reader's letter as it went out; `name` says whose and of what."""

    name: str
    subject: str
    html: str
    text: str
    message: bytes


def read(path: Path) -> Sample:
    """Return the letter in an .eml file."""
    raw = path.read_bytes()
    message = BytesParser(policy=policy.default).parsebytes(raw)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None and text is not None, path
    return Sample(
        f"{path.parent.name}-{path.stem}", str(message["Subject"]), html.get_content(), text.get_content(), raw
    )


def demo(folder: Path, count: int) -> list[Sample]:
    """Run the demo in `folder` and return letters of `count` readers, from the shortest to the longest."""
    _keep_secret(folder)
    _digest(folder, "--now", FRIDAY, "demo", "--out", str(folder))
    return spread([read(path) for path in sorted((folder / "letters").glob("*/*.eml"))], count)


def real(folder: Path, feeds: Path, count: int) -> list[Sample]:
    """Send the newest entries of every third feed below `feeds` to readers of their own; return `count` letters."""
    files = sorted(p for name in ("real", "uk_partial") for p in (feeds / name).rglob("*") if p.is_file())[::3]
    _keep_secret(folder)
    shipped = re.split(r"(?m)^\[\[", resource("config.toml").read_text(encoding="utf-8"))
    kept = [shipped[0], *(f"[[{table}" for table in shipped[1:] if not table.startswith("source]]"))]
    sources = [
        f"[[source]]\nname = 'Feed {number}'\npath = '{path}'\nbackfill = 3\n"
        f"kind = '{('post', 'case-study')[number % 2]}'\n"
        f"policy_areas = ['{_AREAS[number % len(_AREAS)]}']\nregions = ['{('wales', 'scotland')[number // 2 % 2]}']\n"
        for number, path in enumerate(files)
    ]
    config = folder / "config.toml"
    config.write_text("\n".join([*kept, *sources]).replace("cap = 12 ", "cap = 30 "), encoding="utf-8")
    people = folder / "people.csv"
    rows = [
        f"reader{number}@example.org,Reader {number},{cadence},{area},{region},"
        for number, (area, region, cadence) in enumerate(
            (area, region, cadence)
            for area in _AREAS
            for region, cadence in (("wales", "weekly"), ("scotland", "daily"), ("", "weekly"))
        )
    ]
    people.write_text("email,name,cadence,policy_areas,regions,themes\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _digest(folder, "--config", str(config), "--now", THURSDAY, "subscribers", "import", str(people))
    _digest(folder, "--config", str(config), "--now", FRIDAY, "run")
    return spread([read(path) for path in sorted((folder / "letters").glob("*/*.eml"))], count)


def spread(letters: Sequence[Sample], count: int) -> list[Sample]:
    """Return `count` of the letters, the shortest and the longest among them."""
    assert len(letters) >= count, f"{len(letters)} letters, {count} wanted"
    by_length = sorted(letters, key=lambda letter: len(letter.html))
    return [by_length[round(n * (len(letters) - 1) / (count - 1))] for n in range(count)]


def _keep_secret(folder: Path) -> None:
    """Lay a known secret, so that every run has the same links: filters judge them as well."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "digest.secret").write_text("5e" * 32, encoding="ascii")


def _digest(folder: Path, *arguments: str) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("DIGEST_")}
    words = [sys.executable, "-m", "digest", *arguments]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
