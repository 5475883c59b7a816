"""Measure the pages of the desk at 100,000 readers and 240 entries: their queries, and their processor time.

    .venv/bin/python -m benchmarks.desk [REPETITIONS]

Each page is opened as a browser opens it, through the whole application, with an entry and a reader chosen. The
readers of an edition are counted by a thread of the desk's own, which waits while a page is measured, because no page
waits for it. An edit is the form of a new title, and then the frame with the letter of a reader. PostgreSQL is the
server that the tests use.
"""

from __future__ import annotations

import gc
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from benchmarks.figures import Figure, count_off, report
from benchmarks.freeze import NO_SERVER
from benchmarks.population import DUE, ROOT, Population, make, write_entries
from digest.desk.acts import Hand
from digest.desk.counts import EditionCounts, count_as_it_stands
from digest.desk.counts_cache import CountsCache
from digest.desk.edit import entry_of
from digest.desk.pool import draft_again, edition_to_work_on
from digest.desk.preview import ChosenReader, plan_letter
from digest.desk.stories import invite_place
from digest.editions.plan import new_entries
from digest.gather import gather
from digest.installation import Installation
from digest.model import CASE_STUDY, Edition
from digest.store import editions
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from digest.web.desk.local import LocalDoor
from digest.web.desk.page import Desk
from digest.web.desk.routes import PAGES, desk_routes
from tests.postgres import Databases, server
from tests.web.desk.addresses import Visited, addresses

READERS = 100_000
EARLIER = 60  # entries of the edition before
ENTRIES = 240
THURSDAY = DUE + timedelta(days=6)  # the day before the edition
_QUERIES, _PAGE, _EDIT = 25, 150, 250  # what the project wants
_SHORT_PAGE = "each of the 240 rows has a form with buttons of its own, and their html is two thirds of the time"
_SHORT_EDIT = (
    "the draft is stored again whole, the letter planned anew, and both ask all readers who was longest away"
)


@dataclass(slots=True)
class Visit:
    """Hold what opening one page cost: its queries, and its milliseconds of processor time, first and later."""

    queries: int = 0
    first: float = 0.0
    times: list[float] = field(default_factory=list)

    @property
    def later(self) -> float:
        """Return the median of the times after the first."""
        return statistics.median(self.times or [self.first])


@dataclass(slots=True)
class Measured:
    """Hold what was measured on one database: the visits by address, and the edits."""

    visits: dict[str, Visit] = field(default_factory=dict)
    edits: Visit = field(default_factory=Visit)


def measure(repetitions: int) -> list[Figure]:
    """Return the figures of the desk on SQLite and PostgreSQL."""
    with tempfile.TemporaryDirectory() as name, server() as address:
        figures = _figures("SQLite", measure_desk(prepare(Path(name) / "sqlite"), repetitions))
        if address is None:
            return [*figures, Figure("desk-postgresql", NO_SERVER, (float("inf"),), "", 0, None, more=False)]
        url = Databases(address).new()
        return figures + _figures("PostgreSQL", measure_desk(prepare(Path(name) / "postgresql", url), repetitions))


def _figures(database: str, measured: Measured) -> list[Figure]:
    """Return the figures of one database, and print what each page cost."""
    for address, visit in measured.visits.items():
        print(f"{database} {address}: {visit.queries} queries, {visit.later:.0f} ms, first {visit.first:.0f} ms")
    visits, suffix = measured.visits, f"-{database.lower()}"
    most, longest = max(visits, key=lambda a: visits[a].queries), max(visits, key=lambda a: visits[a].later)
    at = "desk at 100,000 readers and 240 entries"
    return [
        Figure(f"desk-queries{suffix}", f"{at}, {database}: queries of the page with most ({_page_of(most)})",
               (visits[most].queries,), "", _QUERIES, 15, more=False),
        Figure(f"desk-page{suffix}", f"{at}, {database}: processor time of the slowest page ({_page_of(longest)})",
               tuple(visits[longest].times), "ms", _PAGE, 75, more=False, short=_SHORT_PAGE),
        Figure(f"desk-edit{suffix}", f"{at}, {database}: a new title, and the letter with it",
               tuple(measured.edits.times), "ms", _EDIT, 125, more=False, short=_SHORT_EDIT),
        Figure(f"desk-first{suffix}", f"{at}, {database}: the slowest page the first time",
               (max(visit.first for visit in visits.values()),), "ms", None, None, more=False),
    ]  # fmt: skip


def _page_of(address: str) -> str:
    return address.partition("?")[0]


def prepare(folder: Path, url: str = "") -> Population:
    """Make an installation whose readers have had an edition, and whose next one is drafted with 240 entries."""
    population = make(folder, READERS, entries=EARLIER, url=url, frozen=True)
    installation = population.installation(THURSDAY)
    with writing(installation.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.state == "pending").values(state="accepted"))
    _write_later_entries(folder / "notes", installation)
    gather(installation)
    edition, _ = draft_again(installation, Hand("Ann"), "weekly")
    with reading(installation.engine) as conn:
        if (new := len(new_entries(editions.shown(conn, edition.id)))) != ENTRIES:
            raise RuntimeError(f"the edition has {new} new entries, not {ENTRIES}")
    installation.engine.dispose()
    return population


def _write_later_entries(folder: Path, installation: Installation) -> None:
    """Write the entries that came since the first edition; case studies have the text of an example."""
    taxonomy = installation.settings.taxonomy
    areas, themes = ([term.slug for term in terms] for terms in (taxonomy.policy_areas, taxonomy.themes))
    studies = sorted((ROOT / "examples" / "case-studies").glob("*.md"))
    texts = [path.read_text(encoding="utf-8").split("---\n", 2)[2] for path in studies]
    with tempfile.TemporaryDirectory() as name:
        write_entries(Path(name) / "all", EARLIER + ENTRIES, areas, themes)
        for number, file in enumerate(sorted((Path(name) / "all").iterdir())[EARLIER:]):
            at = THURSDAY - timedelta(hours=2, minutes=30 * number)
            text = re.sub(r"(?m)^date: .*$", f'date: "{at.isoformat()}"', file.read_text(encoding="utf-8"))
            # With its number in it, because two entries with one text would be near-duplicates.
            more = f"\n{texts[number % len(texts)]}\n" if "case-study" in text else ""
            (folder / file.name).write_text(text + more, encoding="utf-8")


class OpenDesk:
    """The desk of an installation in a browser of its own, with a count of its queries and of its processor time."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._calm = threading.Event()
        self._calm.set()
        self._queries = 0
        event.listen(installation.engine, "before_cursor_execute", self._count_query)
        self._desk = Desk(installation, local=True)
        self._desk.kept["counts"] = CountsCache(installation, count=self._count_readers)
        door = LocalDoor("Ann")
        app = Starlette(routes=desk_routes(self._desk, door, door.page()))
        self.browser = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
        self.browser.get(door.page().path.replace("{key}", door.key))

    def visit(self, visit: Visit, work: Callable[[], Any]) -> Any:
        """Do something with the browser; note its queries and its time."""
        # An edit has the readers counted again, and a count that is under way would be part of the next visit's time.
        for thread in threading.enumerate():
            if thread.name == "counts":
                thread.join()
        self._calm.clear()
        self._queries, began = 0, time.process_time()
        answer = work()
        milliseconds = (time.process_time() - began) * 1000
        visit.queries = max(visit.queries, self._queries)
        if visit.first:
            visit.times.append(milliseconds)
        else:
            visit.first = milliseconds
        self._calm.set()
        return answer

    def count_readers(self) -> EditionCounts:
        """Have the readers counted and wait for it, because a page with counts is longer; return the counts."""
        cache: CountsCache = self._desk.kept["counts"]
        with reading(self.installation.engine) as conn:
            edition = edition_to_work_on(conn, self.installation, "weekly")
            while (answer := cache.answer(conn, edition)).counts is None:
                time.sleep(0.2)
        return answer.counts

    def _count_query(self, *call: Any) -> None:
        asks = not call[2].startswith(("BEGIN", "PRAGMA", "SET"))  # what begins a transaction asks for nothing
        if asks and threading.current_thread().name != "counts":
            self._queries += 1

    def _count_readers(self, conn: Connection, installation: Installation, edition: Edition) -> EditionCounts:
        self._calm.wait()
        return count_as_it_stands(conn, installation, edition)


def measure_desk(population: Population, repetitions: int) -> Measured:
    """Open every page of the desk, and edit an entry, some times."""
    gc.set_threshold(200_000)  # as digest.cli does
    measured = Measured()
    installation = population.installation(THURSDAY)
    desk = OpenDesk(installation)
    visited = _choose(installation, desk.count_readers())
    for _ in count_off(repetitions + 1):
        for _, address in addresses(PAGES, visited):
            visit = measured.visits.setdefault(address, Visit())
            answer = desk.visit(visit, partial(desk.browser.get, address))
            if answer.status_code != 200 and "no-such" not in address:
                raise RuntimeError(f"{address} answered {answer.status_code}")
    (csrf, *_) = re.findall(r'name="csrf" value="([^"]+)"', desk.browser.get("/desk/weekly/write").text)
    with reading(installation.engine) as conn:
        entry = entry_of(conn, visited.entry)
    fields: dict[str, Any] = {"csrf": csrf, "number": entry.id, "kind": entry.kind}
    fields |= {name: getattr(entry.facets, name) for name in ("policy_areas", "regions", "themes")}
    frame = f"/desk/weekly/letter?edition={visited.edition}&reader={visited.reader}"
    for number in range(repetitions + 1):
        fields["title"] = f"A better title, number {number + 1}"
        text = desk.visit(measured.edits, partial(_edit, desk.browser, fields, frame))
        if fields["title"] not in text:
            raise RuntimeError("the letter does not have the new title")
    installation.engine.dispose()
    return measured


def _edit(browser: TestClient, fields: Mapping[str, Any], frame: str) -> str:
    """Send the form of an entry; return the letter in its frame."""
    answer = browser.post("/desk/weekly/entry", data=fields)
    if answer.status_code != 303:
        raise RuntimeError(f"the edit was answered {answer.status_code}: {answer.text[-2000:]}")
    return browser.get(frame).text


def _choose(installation: Installation, counts: EditionCounts) -> Visited:
    """Choose the reader of the digest that shows most entries, and a case study in it; invite a place."""
    reader = max(counts.digests, key=lambda each: each.entries).first
    planned = plan_letter(installation, ChosenReader(email=str(reader), cadence="weekly"), counts.edition.id)
    study = next(entry for entry in planned.entries if entry.kind == CASE_STUDY)
    area, region = study.facets.policy_areas[0], study.facets.regions[0]
    invite_place(installation, Hand("Ann"), "Hull")
    with reading(installation.engine) as conn:
        (before,) = [edition for edition in editions.listing(conn) if edition.state == "frozen"]
    return Visited(study.id, reader, counts.edition.id, before.id, area, region)


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
