"""Real feeds over years, snapshot by snapshot: each distinct post reaches a follower once, or waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from digest import pipeline
from digest.config.load import load
from digest.installation import Installation
from digest.store import deliveries, entries
from digest.store.engine import reading, writing
from subscribers import store as people

pytestmark = pytest.mark.corpus

CONFIG = """
[site]
name = "Digest"
base_url = "https://digest.example.org"
from = "Digest <digest@example.org>"
[[source]]
name = "Series"
path = "feed.xml"
[cadence.weekly]
at = "fri 08:00"
"""
AUTHOR = ": "  # the planet writes "Author: title", and renamed an author once
OPEN_HEALTH_CARE = "openhealthcare+openhealthcare.org.uk"
PLANET = "sympy+planet.sympy.org"
# "IPython/Jupyter notebook gallery - Draft": the title says that the post is not ready, so it waits for an editor.
MARKED_AS_DRAFT = {(PLANET, "*atom.xml"): 1, (PLANET, "*rss20.xml"): 1}


def taken_at(path: Path) -> datetime:
    return datetime.strptime(path.name.split("__")[0], "%Y-%m-%dT%H_%M_%S").replace(tzinfo=UTC)


def distinct(snapshots: list[Path]) -> int:
    """How many posts appear after the first snapshot, where two sightings of one id or one title are one post."""
    post_of: dict[str, str] = {}

    def post(name: str) -> str:
        while post_of.setdefault(name, name) != name:
            name = post_of[name]
        return name

    seen: list[set[str]] = []
    for path in snapshots:
        found = feedparser.parse(path.read_bytes()).entries
        for entry in found:
            title = entry.get("title", "").split(AUTHOR)[-1]
            post_of[post(f"title {title}" if title else f"id {entry.id}")] = post(f"id {entry.id}")
        seen.append({f"id {entry.id}" for entry in found})
    first = {post(name) for name in seen[0]}
    return len({post(name) for names in seen[1:] for name in names} - first)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    (tmp_path / "config.toml").write_text(CONFIG)
    made = Installation(load(tmp_path / "config.toml", {}))
    yield made
    made.engine.dispose()


@pytest.mark.parametrize("weekly", [True, False], ids=["a week apart", "as taken"])
@pytest.mark.parametrize(
    ("series", "pattern"),
    # Open Health Care changed its ids three times; the planet changes links, and its Atom leaves titles out.
    [(OPEN_HEALTH_CARE, "*.xml"), (PLANET, "*atom.xml"), (PLANET, "*rss20.xml")],
)
def test_each_post_once_and_nothing_lost(
    installation: Installation, shared_data: Path, tmp_path: Path, series: str, pattern: str, weekly: bool
) -> None:
    snapshots = sorted((shared_data / "feeds" / "series" / series).glob(pattern))
    assert len(snapshots) >= 20
    now = taken_at(snapshots[0])
    with writing(installation.engine) as conn:
        who = people.add(
            conn,
            people.NewSubscriber("all@example.org", cadence="weekly"),
            how="test",
            now=now,
            secret=installation.secret,
        ).id
    for path in [*snapshots, snapshots[-1]]:
        now = max(now + timedelta(days=7), taken_at(path)) if weekly else max(now, taken_at(path))
        (tmp_path / "feed.xml").write_bytes(path.read_bytes())
        step = Installation(installation.settings, now)
        step.__dict__ |= {"engine": installation.engine, "classifier": installation.classifier}
        pipeline.run(step)
    step = Installation(installation.settings, now + timedelta(days=8))
    step.__dict__ |= {"engine": installation.engine, "classifier": installation.classifier}
    pipeline.run(step)
    with reading(installation.engine) as conn:
        account = deliveries.of_subscriber(conn, who)
        plans = deliveries.digests(conn, [d.digest for d in account if d.digest]).values()
        got = Counter(p.entry for plan in plans for p in plan.placed)
        withheld = entries.count(conn, "withheld")
    # A series is longer than the 400 days after which a delivery is condensed to what its reader has had.
    assert {d.state for d in account} <= {"accepted", "empty", "had"}
    assert sum(plan.more for plan in plans) == 0
    assert max(got.values()) == 1
    assert withheld == MARKED_AS_DRAFT.get((series, pattern), 0)
    assert len(got) + withheld == distinct(snapshots)
