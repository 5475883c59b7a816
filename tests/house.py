"""A small installation for tests: its own folder, a Markdown source, readers, and steps through time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from digest import pipeline
from digest.config.load import load
from digest.config.settings import Settings
from digest.desk.acts import Hand
from digest.installation import Installation
from digest.model import Digest, Source
from digest.operations.clock import accept_clock
from digest.operations.run_report import RunReport
from digest.sources.web.fetch import Fetcher
from digest.store import deliveries, migrate
from digest.store.engine import make_engine, reading, writing
from digest.store.fence_file import FenceFile
from digest.store.keys import edition_key, tag_keys
from digest.transports.tag import delivery_tag
from subscribers import store as people
from subscribers.model import Interests
from subscribers.tokens import joint_key, make_token

ANN = Hand("Ann")  # who decides in tests
START = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday

CONFIG = """
[site]
name = "Digest"
base_url = "https://digest.example.org"
from = "Digest <digest@example.org>"

[gather]
every = "0 minutes"

[[source]]
name = "Notes"
path = "notes"
kind = "case-study"
{source}

[cadence.daily]
at = "08:00"
[cadence.weekly]
at = "fri 08:00"
{weekly}
[cadence.monthly]
at = "1 08:00"

[[policy_area]]
slug = "housing"
name = "Housing"
[[policy_area]]
slug = "transport"
name = "Transport"
[[theme]]
slug = "leadership"
name = "Leadership"
"""


@cache
def empty_database() -> bytes:
    """Return an SQLite file at the newest schema, upgraded once for all houses because that takes 0.2 s each time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest.db"
        engine = make_engine(f"sqlite:///{path}")
        migrate.upgrade(engine)
        engine.dispose()
        return path.read_bytes()


def always_here(folder: Path) -> Path:
    """Let a copied folder pass for an installation that was always there, and may be copied on: no place is named."""
    path = folder / "digest.fence"
    if path.exists():
        path.write_text(path.read_text(encoding="ascii").split()[0], encoding="ascii")
    return folder


def made_here(folder: Path) -> Path:
    """Let a copied folder pass for an installation that was made there: a copy of it elsewhere is in HOLD."""
    path = folder / "digest.fence"
    if path.exists():
        token = path.read_text(encoding="ascii").split()[0]
        path.write_text(f"{token} {FenceFile(path, shared=False).location}\n", encoding="ascii")
    return folder


class Serving(Installation):
    """An installation as `digest serve` has it, whose clock is a test's; `parts` are opened already, by name."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], **parts: object) -> None:
        super().__init__(settings)
        self._ticking = clock
        vars(self).update(parts)

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return the test's clock."""
        return self._ticking


class House:
    """One installation and its clock. `database_url` "" means its own SQLite file, empty and upgraded."""

    def __init__(self, folder: Path, database_url: str = "", *, source: str = "", weekly: str = "") -> None:
        self.folder = folder
        (folder / "notes").mkdir(parents=True)
        if not database_url:
            (folder / "digest.db").touch(0o600)
            (folder / "digest.db").write_bytes(empty_database())
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(source=source, weekly=weekly), encoding="utf-8")
        environ = {"DIGEST_STORAGE__URL": database_url} if database_url else {}
        self.settings = load(self.config, environ)
        self.now = START
        self._place: Installation | None = None
        self._notes = 0

    @property
    def place(self) -> Installation:
        """The installation at the house's present hour (one engine for all hours)."""
        made = Installation(self.settings, self.now)
        if self._place is not None:
            vars(made)["engine"] = self._place.engine
        self._place = made
        return made

    def live(self, settings: Settings | None = None) -> Installation:
        """Return the installation as `digest serve` has it: its clock goes with the house's."""
        return Serving(settings or self.settings, lambda: self.now, engine=self.place.engine)

    def copy(self, folder: Path, database_url: str = "") -> Self:
        """Return a house in `folder` that is as this one is now, so that many tests share its start.

        On PostgreSQL `database_url` is that of a copy of this one's database.
        """
        self.close()
        twin = type(self)(folder, database_url)
        made_here(Path(shutil.copytree(self.folder, folder, dirs_exist_ok=True)))
        twin.settings = load(twin.config, {"DIGEST_STORAGE__URL": database_url} if database_url else {})
        twin.now, twin._notes = self.now, self._notes
        return twin

    def close(self) -> None:
        """Let go of the database."""
        if self._place is not None and "engine" in self._place.__dict__:
            self._place.engine.dispose()

    def reader(self, email: str, cadence: str = "weekly", interests: Interests | None = None) -> int:
        """Add a subscriber; return the id."""
        place = self.place
        with writing(place.engine) as conn:
            made = people.add(
                conn,
                people.NewSubscriber(email, cadence=cadence, interests=interests or Interests()),
                how="test",
                now=self.now,
                secret=place.secret,
            )
        return made.id

    def tag(self, delivery: int) -> str:
        """Return the tag that a delivery's letter carries."""
        with reading(self.place.engine) as conn:
            return delivery_tag(self.place.secret, delivery, tag_keys(conn, [delivery])[delivery])

    def token(self, purpose: str, subscriber: int, edition: int | None = None) -> str:
        """Return the token in a reader's links; of a reader or edition that is not there, as if it had been."""
        with reading(self.place.engine) as conn:
            person, key = people.get(conn, subscriber), edition_key(conn, edition or 0)
        bound = person.key if person else "0" * 16
        bound = joint_key(bound, key[0] if key else "") if edition else bound
        return make_token(self.place.link_keys, purpose, subscriber, bound, edition=edition)

    def publish(self, title: str, areas: str = "housing", region: str = "wales", **more: str) -> None:
        """Put a case study into the Markdown source."""
        self._notes += 1
        head = {"title": f'"{title}"', "id": f"n{self._notes}", "date": self.now.date().isoformat(), **more}
        head |= {"policy_areas": f"[{areas}]", "regions": f"[{region}]"}
        text = "\n".join(f"{key}: {value}" for key, value in head.items())
        (self.folder / "notes" / f"{self._notes:03d}.md").write_text(f"---\n{text}\n---\nWhat we learnt: {title}.\n")

    def run(self, **ahead: int) -> RunReport:
        """Let time pass, then run as cron would."""
        self.now += timedelta(**ahead)
        return pipeline.run(self.place)

    def believe_clock(self, **ahead: int) -> None:
        """Let time pass without a run, and say that the clock is right, as `run --clock-is-right` does."""
        self.now += timedelta(**ahead)
        with writing(self.place.engine) as conn:
            accept_clock(conn, self.now)

    def letters(self, subscriber: int) -> list[Digest]:
        """The digests of a subscriber's accepted deliveries, oldest first."""
        with reading(self.place.engine) as conn:
            account = [d for d in deliveries.of_subscriber(conn, subscriber) if d.state == "accepted" and d.digest]
            plans = deliveries.digests(conn, [d.digest for d in account if d.digest])
            return [plans[d.digest] for d in reversed(account) if d.digest]


class _Gathering(Installation):
    """An installation that fetches with the fetcher of a test."""

    def __init__(self, settings: Settings, now: datetime, fetcher: Fetcher) -> None:
        super().__init__(settings, now)
        self._fetcher = fetcher

    def fetcher(self) -> Fetcher:
        """Return the test's fetcher."""
        return self._fetcher


def having_sent(folder: Path) -> House:
    """Return a house with a reader, which has sent an edition."""
    house = House(folder)
    house.run()
    house.reader("ann@example.org")
    house.publish("One")
    house.run(days=4)
    return house


def gathering_from(house: House, fetcher: Fetcher, sources: Sequence[Source]) -> Installation:
    """Return a house's installation that gathers `sources` with `fetcher`."""
    place = house.place
    installation = _Gathering(replace(house.settings, sources=tuple(sources)), house.now, fetcher)
    installation.__dict__["engine"] = place.engine
    installation.__dict__["classifier"] = place.classifier
    return installation
