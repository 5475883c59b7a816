"""Make an installation with many readers and entries for a benchmark, by the commands that an operator uses.

    population = make(Path(folder), 10_000, frozen=True)
    subprocess.run(population.command("send"), check=True)

The taxonomy is that of the shipped config.toml: 21 policy areas, and 12 regions with a place. What readers follow and
what entries are about is drawn by Zipf's law, so that a few digests have many readers and many have a single one:
10,000 readers get some 5,900 different digests. A letter has up to 12 of 60 entries and about 42 KB on the wire.
The same numbers always make the same installation, apart from keys and secrets.
"""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.config.load import load
from digest.installation import Installation
from digest.model import NATIONAL, REGIONS
from digest.store import deliveries, editions
from digest.store.engine import reading

ROOT = Path(__file__).parents[1]
BEFORE = datetime(2026, 11, 19, 9, tzinfo=UTC)  # readers join and sources are read, the day before the edition
DUE = datetime(2026, 11, 20, 8, 5, tzinfo=UTC)  # a Friday; the weekly edition is due at 8:00
FILE_TRANSPORT = 'kind = "file"\ndirectory = "letters"'
_EXPONENT = 0.8  # of Zipf's law: the third value is drawn 1 / 3**0.8 times as often as the first
_WORDS = (
    "council", "hospital", "school", "partners", "families", "evidence", "service", "visits", "together", "learned",
    "shared", "neighbours", "records", "training", "winter", "budget", "trust", "homes", "police", "charity",
    "nurses", "residents", "review", "plan", "helped", "agreed", "changed", "measured",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Population:
    """Hold an installation in `folder`; `url` is its database, "" for SQLite in that folder."""

    folder: Path
    url: str = ""

    def command(self, *words: str, now: datetime = DUE) -> list[str]:
        """Return the command line of a `digest` command on this installation, at the hour `now`."""
        program = str(Path(sys.executable).with_name("digest"))
        return [program, "--config", str(self.folder / "config.toml"), "--now", now.isoformat(), *words]

    def installation(self, now: datetime = DUE) -> Installation:
        """Open the installation in this process, at the hour `now`; the caller disposes of its engine."""
        return Installation(load(self.folder / "config.toml"), now)

    def copy(self, folder: Path, *, transport: str = "", url: str = "") -> Population:
        """Return a copy in `folder`, with the lines of another [transport] if given.

        A copy of an installation on PostgreSQL needs the `url` of a copy of its database.
        """
        shutil.copytree(self.folder, folder)
        twin = Population(folder, url)
        config = folder / "config.toml"
        text = config.read_text(encoding="utf-8")
        if transport:
            text = _with_table(text, "transport", transport)
        if url:
            text = _with_table(text, "storage", _storage(url))
        config.write_text(text, encoding="utf-8")
        return twin


def make(
    folder: Path,
    readers: int,
    *,
    entries: int = 60,
    transport: str = FILE_TRANSPORT,
    url: str = "",
    gathered: bool = True,
    frozen: bool = False,
) -> Population:
    """Make an installation in `folder`, ready to freeze its weekly edition, or with that edition frozen.

    With `gathered` false, its entries are left for the next run to read. `transport`: the lines of [transport];
    `url`: an empty database, "" for SQLite. Freezing does not open the fence, so that a frozen installation may still
    be copied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    population = Population(folder, url)
    shipped = (ROOT / "config.toml").read_text(encoding="utf-8")
    notes = f'[[source]]\nname = "Notes"\npath = "notes"\nbackfill = {entries}\n\n'
    text = re.sub(
        r"^\[\[source\]\].*?(?=^\[\[policy_area\]\])", notes, shipped, count=1, flags=re.DOTALL | re.MULTILINE
    )
    text = _with_table(text, "storage", _storage(url))
    text = _with_table(text, "transport", transport)
    text = _with_table(text, "gather", 'every = "30 minutes"\ncheck_pages = false')
    (folder / "config.toml").write_text(text, encoding="utf-8")
    areas = re.findall(r'^\[\[policy_area\]\]\nslug = "(.*)"', text, flags=re.MULTILINE)
    themes = re.findall(r'^\[\[theme\]\]\nslug = "(.*)"', text, flags=re.MULTILINE)
    write_entries(folder / "notes", entries, areas, themes)
    write_readers(folder / "readers.csv", readers, areas, themes)
    _run(population.command("subscribers", "import", str(folder / "readers.csv"), now=BEFORE))
    (folder / "readers.csv").unlink()
    if gathered:
        _run(population.command("gather", now=BEFORE + timedelta(hours=1)))
    if frozen:
        # In a process of its own, because the benchmark's own memory must stay small.
        _run([sys.executable, "-m", "benchmarks.population", str(folder)])
    return population


def freeze(population: Population) -> int:
    """Draft and freeze the weekly edition in this process; return its number."""
    # Here, because they would make the benchmark's own process bigger.
    from digest.editions.due import slots_to_run
    from digest.editions.freeze import freeze_slot

    installation = population.installation()
    cadence = installation.settings.cadence("weekly")
    with reading(installation.engine) as conn:
        (slot,) = slots_to_run(conn, cadence, DUE, installation.settings.site.zone)
    number = freeze_slot(installation, cadence, slot, DUE)
    installation.engine.dispose()
    return number


def accepted(population: Population) -> int:
    """Return how many letters were accepted. Raises RuntimeError unless every other reader's letter is empty."""
    installation = population.installation()
    with reading(installation.engine) as conn:
        receipts = [deliveries.receipt(conn, edition) for edition in editions.listing(conn)]
    installation.engine.dispose()
    for receipt in receipts:
        if not receipt.balanced or receipt.eligible != receipt.accepted + receipt.empty:
            raise RuntimeError(f"not every reader was sent their letter: {receipt}")
    return sum(receipt.accepted for receipt in receipts)


def write_entries(folder: Path, count: int, areas: Sequence[str], themes: Sequence[str]) -> None:
    """Write entries as Markdown files: a third of them case studies, a fifth of them national."""
    dice = random.Random(60)
    folder.mkdir()
    regions = _regions()
    for number in range(count):
        title = f"{' '.join(dice.choices(_WORDS, k=6)).capitalize()}, part {number + 1}"
        matter = {
            "title": title,
            "date": (BEFORE - timedelta(hours=2 + number)).isoformat(),
            "kind": "case-study" if number % 3 == 0 else "post",
            "url": f"https://notes.example.org/learning/{number + 1}-{'-'.join(dice.choices(_WORDS, k=4))}",
            "policy_areas": zipf(dice, areas, dice.choice((1, 1, 2))),
            "regions": [NATIONAL] if number % 5 == 0 else zipf(dice, regions, 1),
            "themes": zipf(dice, themes, 1),
            "summary": f"{' '.join(dice.choices(_WORDS, k=42)).capitalize()}.",
        }
        (folder / f"{number + 1:04d}.md").write_text(f"---\n{_front_matter(matter)}\n---\n{matter['summary']}\n")


def write_readers(file: Path, count: int, areas: Sequence[str], themes: Sequence[str]) -> None:
    """Write a CSV file of subscribers: each follows 1 to 5 policy areas in 1 to 3 regions, some of them a theme."""
    dice = random.Random(21)
    regions = _regions()
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(("email", "name", "cadence", "policy_areas", "regions", "themes", "elsewhere"))
        for number in range(1, count + 1):
            follows = zipf(dice, areas, dice.randint(1, 5)), zipf(dice, regions, dice.randint(1, 3))
            theme = zipf(dice, themes, 1) if dice.random() < 0.3 else []
            elsewhere = "no" if dice.random() < 0.1 else "yes"
            interests = [";".join(slugs) for slugs in (*follows, theme)]
            rows.writerow((f"reader{number}@example.org", f"Reader {number}", "weekly", *interests, elsewhere))


def zipf(dice: random.Random, values: Sequence[str], count: int) -> list[str]:
    """Return `count` different values; the earlier a value stands, the more often it is drawn."""
    weights = [1 / rank**_EXPONENT for rank in range(1, len(values) + 1)]
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        chosen.setdefault(dice.choices(values, weights)[0])
    return list(chosen)


def _regions() -> list[str]:
    return [slug for slug in REGIONS if slug != NATIONAL]


def _front_matter(matter: Mapping[str, object]) -> str:
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in matter.items())


def _storage(url: str) -> str:
    return f'url = "{url or "sqlite:///digest.db"}"\nsecret_file = "digest.secret"'


def _with_table(config: str, name: str, lines: str) -> str:
    """Return a config.toml of which the table `name` has these lines alone."""
    return re.sub(
        rf"^\[{name}\]\n.*?(?=^#? ?\[)",
        lambda _: f"[{name}]\n{lines}\n\n",
        config,
        count=1,
        flags=re.DOTALL | re.MULTILINE,
    )


def _run(command: list[str]) -> None:
    """Run a command quietly. Raises RuntimeError with what it printed when it fails."""
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")


if __name__ == "__main__":
    freeze(Population(Path(sys.argv[1])))
