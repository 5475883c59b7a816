"""Runs of slot mode over the real pipeline: a worker that dies, loses answers and comes back, and its provider.

A death is an exception that no code of ours catches, after which the database refuses this life's writes, as it
does those of a process that is gone; the next life is a new installation on the same files.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select

from digest import pipeline
from digest.config.load import load
from digest.config.settings import Settings
from digest.editions import draft, freeze
from digest.errors import DigestError, PersonNeeded, TryLater
from digest.installation import Installation
from digest.ledger.events import Event
from digest.schedule import slot_of
from digest.store.engine import reading, writing
from digest.store.events import take
from digest.store.keys import tag_keys
from digest.store.schema import delivery
from digest.transports.base import Outcome, Parcel
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.transport import SendGridTransport
from digest.transports.tag import read_tag, tagged_numbers
from subscribers import store as people
from subscribers.model import Interests
from tests.house import CONFIG, always_here
from tests.transports.fake_sendgrid import KEY, FakeSendGrid

HOUR = datetime(2026, 11, 6, 14, tzinfo=UTC)  # a Friday; letters are frozen up to five hours before
BASELINE = HOUR - timedelta(days=4)
READERS = 6
FAULTS = [*[""] * 10, "take reset", "reset", "late", "take 500", "take cut", "429", "reset-head", "take junk"]
SIDE_FAULTS = [*[""] * 10, "take reset", "reset", "500", "429"]


class Died(BaseException):
    """The worker is gone; what is not in the database is forgotten."""


class Mortal(SendGridTransport):
    """The real transport, in the hands of a worker that may die at each exchange. `mutant`: see `MUTANTS`."""

    def __init__(self, settings: SendGridSettings, run: Run) -> None:
        super().__init__(settings, run.now)
        self._run = run

    def hand_over_at(
        self, parcels: Sequence[Parcel], send_at: datetime, batch_for: Callable[[Sequence[int]], str]
    ) -> Iterator[Outcome]:
        self._run.die()
        for outcome in super().hand_over_at(parcels, send_at, batch_for):
            self._run.die()
            yield outcome
        if self._run.dies_unheard:
            self._run.alive = False
            raise Died

    def create_batch(self) -> str:
        run = self._run
        if run.mutant == "shared" and run.batches:
            return run.batches[-1]
        run.batches.append(super().create_batch())
        run.pass_time(run.sleeps_before_a_request)
        run.die()
        return run.batches[-1]

    def cancel(self, batch_id: str) -> bool:
        run = self._run
        run.die()
        if run.mutant == "blind":
            return True
        confirmed = super().cancel(batch_id)
        run.pass_time(run.dice.choice([0, 0, 0, 3]))  # a slow answer
        run.die()  # what a dead worker has heard nobody knows
        if confirmed and run.now() <= HOUR - timedelta(minutes=11):
            run.confirmed.add(batch_id)
        return confirmed


class Place(Installation):
    """The installation of one life."""

    def __init__(self, settings: Settings, run: Run) -> None:
        super().__init__(settings)
        self._run = run

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._run.now

    @cached_property
    def engine(self) -> Engine:
        made = super().engine
        event.listen(made, "commit", self._run.refuse_the_dead)
        return made

    def transport(self) -> Mortal:
        return Mortal(SendGridSettings(KEY, self._run.fake.url, timeout=5, concurrency=1), self._run)


def read_mid(place: Place, mids: Iterable[str]) -> Callable[[str], int | None]:
    """Return the function that reads the deliveries of these tags."""
    with reading(place.engine) as conn:
        keys = tag_keys(conn, tagged_numbers(" ".join(mids)))
    return lambda mid: read_tag(place.secret, lambda _numbers: keys, mid)


class Run:
    """One run of one edition. `mutant` names a mistake made on purpose, to see that it is found."""

    def __init__(self, fake: FakeSendGrid, folder: Path, seed: int, mutant: str = "") -> None:
        self.dice, self.fake, self.mutant = random.Random(seed), fake, mutant
        self.settings = load(folder / "config.toml", {"SENDGRID_API_KEY": KEY})
        self.batches: list[str] = []
        self.confirmed: set[str] = set()
        self.deaths = self.dice.randint(0, 3)
        self.alive = True
        fake.clear()
        fake.now = (HOUR - timedelta(minutes=self.dice.uniform(20, 290))).timestamp()
        fake.late_cancels_count = self.dice.random() < 0.7
        for _ in range(self.dice.choice([0, 0, 0, 0, 0, 8, 10])):  # cancelled by others
            fake.cancel(fake.create_batch())
        self.skew = self.dice.uniform(-50, 50)  # seconds between their clock and ours
        if mutant == "late":
            self.skew = -1500
        self.deaf = self.dice.random() < 0.15  # no answer to a cancel is ever heard
        self.dies_unheard = False
        self.sleeps_before_a_request = 0  # minutes

    def now(self) -> datetime:
        """Return the time by our own clock."""
        return datetime.fromtimestamp(self.fake.now + self.skew, UTC)

    def pass_time(self, minutes: float) -> None:
        """Let minutes pass; what was on its way arrives."""
        self.fake.now += minutes * 60
        self.fake.arrive()

    def die(self) -> None:
        """Perhaps die here."""
        if self.deaths and self.dice.random() < 0.15:
            self.deaths -= 1
            self.alive = False
            raise Died

    def refuse_the_dead(self, *_: Any) -> None:
        """Let no write of a dead worker become true."""
        if not self.alive:
            raise Died

    def whole(self) -> None:
        """Work, die, come back, until the hour is long past."""
        for life in range(14):
            self.live(faulty=life < 8)
            self.pass_time(self.dice.choice([0.1, 1, 5, 30, self._until_late()]))
            if self.dice.random() < 0.5:
                self._hear()
        self.fake.now = HOUR.timestamp() + 86_400
        self.deaths = 0
        self.live(faulty=False)
        self._hear(everything=True)

    def _until_late(self) -> float:
        """Return the minutes until a cancel is only just in time, or just too late."""
        return max(0.0, (HOUR.timestamp() - self.fake.now) / 60 - self.dice.uniform(6, 14))

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Open the installation as it is, for a person's step."""
        self.alive = True
        made = Place(self.settings, self)
        yield made
        made.engine.dispose()

    def edition(self) -> int:
        """Return the number of the edition with letters."""
        with self.place() as place, reading(place.engine) as conn:
            return conn.scalars(select(delivery.c.edition_id).where(delivery.c.digest_id.is_not(None))).first() or 0

    def states(self) -> dict[str, int]:
        """Return how many deliveries are in each state."""
        with self.place() as place, reading(place.engine) as conn:
            return dict(Counter(conn.scalars(select(delivery.c.state).where(delivery.c.digest_id.is_not(None)))))

    def live(self, *, faulty: bool, clear: bool = True) -> None:
        """Start, do what is owed, end or die; `clear`: the provider's faults of before are over."""
        fake = self.fake
        if clear:
            fake.faults.clear()
            fake.side_faults.clear()
        if faulty:
            fake.faults.extend(self.dice.choices(FAULTS, k=4))
            fake.side_faults.extend(self.dice.choices(SIDE_FAULTS, k=3))
        if self.deaf:
            fake.side_faults.extend(self.dice.choices(["take reset", "reset"], k=40))
        self.alive = True
        place = Place(self.settings, self)
        try:
            pipeline.send_owed(place)
        except (Died, TryLater, PersonNeeded, DigestError):
            pass
        finally:
            place.engine.dispose()

    def _hear(self, *, everything: bool = False) -> None:
        """Let the provider tell of what it queued, and of what left at the hour; some of it twice, some never."""
        self.alive = True
        place = Place(self.settings, self)
        heard = []
        mailed = self.fake.mailed() if self.fake.now >= HOUR.timestamp() else Counter[str]()
        read = read_mid(place, [message.mid for message in self.fake.queued])
        for n, message in enumerate(self.fake.queued):
            number = read(message.mid)
            left = mailed[message.mid] and not self.fake._discarded(message)
            for kind in ("processed", *(["delivered"] if left else [])):
                if everything or self.dice.random() < 0.5:
                    heard.append(Event(f"{n}{kind}", kind, number, None, self.now(), provider="sendgrid"))
        self.dice.shuffle(heard)
        with writing(place.engine) as conn:
            take(conn, heard, place.secret, self.now())
        place.engine.dispose()

    def wrong(self, ended: Counter[str]) -> str:
        """Return what is wrong with how it ended, or ""; counts the states."""
        place = Place(self.settings, self)
        with reading(place.engine) as conn:
            rows = conn.execute(select(delivery).where(delivery.c.digest_id.is_not(None))).all()
        copies_of = self.fake.mailed()
        read = read_mid(place, copies_of)
        mailed = {read(mid): copies for mid, copies in copies_of.items()}
        place.engine.dispose()
        ended.update(row.state for row in rows)
        ended["taken back"] += len(self.confirmed)
        if len(rows) != READERS:
            return f"{len(rows)} rows"
        for row in rows:
            copies = mailed.get(row.id, 0)
            if copies > 1:
                return f"{row.id} was mailed {copies} times"
            if row.state == "accepted" and copies != 1:
                return f"{row.id} is accepted and was mailed {copies} times"
            if row.state not in ("accepted", "uncertain"):
                return f"{row.id} ended {row.state}"
            if row.state == "uncertain" and (copies or row.request in self.confirmed):
                return f"{row.id} is in doubt: {copies} copies, {row}"
        return ""


def prepared(folder: Path, fake: FakeSendGrid) -> None:
    """Make an installation past its baseline, with readers of two digests and two entries to send."""
    (folder / "notes").mkdir(parents=True)
    lines = f'[transport]\nkind = "sendgrid"\nbase_url = "{fake.url}"\n'
    config = CONFIG.format(source="", weekly='ahead = "5 hours"').replace("fri 08:00", "fri 14:00") + lines
    (folder / "config.toml").write_text(config.replace('[cadence.daily]\nat = "08:00"\n', ""))
    installation = Installation(load(folder / "config.toml", {"SENDGRID_API_KEY": KEY}), BASELINE)
    pipeline.run(installation)
    with writing(installation.engine) as conn:
        for n in range(READERS):
            area = "housing" if n % 2 else "transport"
            people.add(
                conn,
                people.NewSubscriber(f"r{n}@example.org", cadence="weekly", interests=Interests(frozenset({area}))),
                how="test",
                now=BASELINE,
                secret=installation.secret,
            )
    installation.engine.dispose()
    for area in ("housing", "transport"):
        text = f"---\ntitle: On {area}\nid: {area}\npolicy_areas: [{area}]\nregions: [wales]\n---\nWhat we learnt.\n"
        (folder / "notes" / f"{area}.md").write_text(text)
    frozen = Installation(installation.settings, HOUR - timedelta(hours=5))
    pipeline.gather(frozen)
    cadence = frozen.settings.cadence("weekly")
    slot = slot_of(cadence, HOUR.date().isoformat(), "Europe/London")
    with writing(frozen.engine) as conn:
        draft.ready(conn, frozen.settings, cadence, slot, frozen.clock())
        freeze.freeze(conn, frozen.settings, cadence, slot, frozen.secret, frozen.clock())
    frozen.engine.dispose()


def copy(pattern: Path, folder: Path) -> Path:
    """Return a copy of a prepared installation."""
    return always_here(shutil.copytree(pattern, folder))


class Runs:
    """Runs on copies of one prepared installation."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeSendGrid()
        self._folder = folder
        prepared(folder / "pattern", self.fake)

    def quiet(self, name: str) -> Run:
        """Return a run in which nobody dies and both clocks agree."""
        run = Run(self.fake, copy(self._folder / "pattern", self._folder / name), 0)
        run.deaths, run.skew, run.deaf = 0, 0.0, False
        return run

    def one(self, seed: int, ended: Counter[str], mutant: str = "") -> str:
        folder = copy(self._folder / "pattern", self._folder / f"{mutant}{seed}")
        run = Run(self.fake, folder, seed, mutant)
        run.whole()
        return run.wrong(ended)
