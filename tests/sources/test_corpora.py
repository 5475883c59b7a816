"""Over the wider corpora of feeds: nothing crashes, nothing is lost, nothing active is left (figure 27)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from digest.errors import SourceError
from digest.model import Snapshot
from digest.sources.formats.tidy import CUT_OFF, MAX_ENTRIES
from digest.sources.sandbox.child import parse_limited
from digest.sources.web.unpack import Unpacker
from tests.sources.active import faults_in
from tests.sources.test_hostile import within_caps

pytestmark = [pytest.mark.corpus, pytest.mark.proof]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SETS = ("suite", "real", "uk_partial")
Outcome = tuple[Path, Snapshot | SourceError]
_TAG = re.compile(r"<(script|iframe|frame|form|img|svg|object|embed|style|link|meta|base|math|input|applet)\b", re.I)


@pytest.fixture(scope="module")
def outcomes(shared_data: Path) -> list[Outcome]:
    """Every file of the corpora, read as a source would be."""
    files = sorted(path for name in SETS for path in (shared_data / "feeds" / name).rglob("*") if path.is_file())
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_read, files))


def _read(path: Path) -> Outcome:
    unpacker = Unpacker(10_000_000)
    try:
        unpacker.feed(path.read_bytes())
        return path, parse_limited(unpacker.finish(), content_type="", base_url="", now=NOW)
    except SourceError as error:
        return path, error


def _own_entries(path: Path) -> tuple[bool, int, int]:
    """(without complaint, entries, entries less exact repeats) as feedparser alone finds them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = feedparser.parse(io.BytesIO(path.read_bytes()))
    distinct = {_identity(entry) for entry in found.entries}
    return not found.bozo, len(found.entries), len(distinct)


def _identity(entry: Any) -> tuple[object, ...]:
    content = tuple(part.get("value") for part in entry.get("content", ()))
    return (*(dict.get(entry, key) for key in ("id", "link", "title", "summary")), content)


def test_no_file_crashes_or_hangs(outcomes: list[Outcome], figure: Callable[..., None]) -> None:
    bad = [
        (path.name, str(result))
        for path, result in outcomes
        if isinstance(result, SourceError)
        and re.search("ended the process|took more|needs more|cannot be read", str(result))
    ]
    figure(
        "27 corpora: feed files read", goal="0 crashes or hangs", result=f"{len(bad)} of {len(outcomes)}", met=not bad
    )
    assert all(within_caps(result) for _, result in outcomes if isinstance(result, Snapshot))


def test_as_many_entries_as_feedparser_finds(outcomes: list[Outcome], figure: Callable[..., None]) -> None:
    wrong, kept, found = [], 0, 0
    for path, result in outcomes:
        clean, total, distinct = _own_entries(path)
        ours = len(result.sightings) if isinstance(result, Snapshot) else 0
        blank = _blank(result) if isinstance(result, Snapshot) else 0
        kept, found = kept + min(ours + blank, distinct), found + distinct
        capped = min(distinct, MAX_ENTRIES) - blank
        if clean and not (capped <= ours <= min(total, MAX_ENTRIES)):
            wrong.append((path.name, total, distinct, ours))
    figure("27 files without complaint: entries differ", goal="0 files", result=len(wrong), met=not wrong)
    figure(
        "27 all files: entries kept",
        goal=">= 99 %",
        result=f"{kept / found:.3%} of {found}",
        met=kept >= 0.99 * found,
    )


def test_a_malformed_file_loses_no_more_than_a_half_read_entry(outcomes: list[Outcome]) -> None:
    for path, result in outcomes:
        _, _, distinct = _own_entries(path)
        if isinstance(result, Snapshot):
            least = min(distinct, MAX_ENTRIES) - (CUT_OFF in result.problems) - _blank(result)
            assert len(result.sightings) >= least, path.name


def _blank(snapshot: Snapshot) -> int:
    """Return how many entries were left out, and told, because they hold nothing."""
    told = (re.match(r"(\d+) of \d+ entries hold neither", problem) for problem in snapshot.problems)
    return sum(int(match[1]) for match in told if match)


def _texts(snapshot: Snapshot) -> Iterator[str]:
    yield snapshot.title
    for sighting in snapshot.sightings:
        yield from (sighting.title, sighting.author, *sighting.categories)


def test_nothing_active_is_left(outcomes: list[Outcome], figure: Callable[..., None]) -> None:
    faults, cases = [], 0
    for path, result in outcomes:
        cases += "sanitize" in path.name
        if not isinstance(result, Snapshot):
            continue
        for sighting in result.sightings:
            faults += [(path.name, fault) for fault in faults_in(sighting.html)]
            if sighting.link and not re.match("https?://", sighting.link):
                faults.append((path.name, sighting.link))
        faults += [(path.name, text) for text in _texts(result) if _TAG.search(text)]
    figure(
        "22 sanitising cases: active markup left",
        goal="0 of >= 745",
        result=f"{len(faults)} of {cases}",
        met=not faults and cases >= 745,
    )
