"""A house in which everything that can become of a reader and of an entry has happened, in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from digest import pipeline
from digest.config.settings import Settings
from digest.desk import edit
from digest.editions import draft, freeze
from digest.editions.due import slot_owed
from digest.installation import Installation
from digest.ledger.events import Event
from digest.store import entries, sources
from digest.store.engine import reading, writing
from digest.store.events import take
from digest.transports.base import Asked, Capabilities, Outcome, Parcel
from subscribers import store as people
from subscribers.model import Interests
from tests.house import ANN, House

COPIES = '\n[[source]]\nname = "Copies"\npath = "copies"\nkind = "case-study"'
TITLE = "Home visits that kept one family together"  # long enough to be known again at another address
HOME, COPY = "https://one.example/home", "https://two.example/again"
ANSWERS = {  # of the transport, by reader; the others are accepted
    "refused": ("refused", "550 5.1.1 <refused@example.org>: no such user refused"),
    "uncertain": ("uncertain", "the connection was lost after the letter of uncertain@example.org"),
}
EVENTS = {"delivered": "delivered", "bounced": "bounced", "complained": "complained"}


def interests(
    areas: str = "housing", regions: str = "wales", *, themes: str = "", elsewhere: bool = True
) -> Interests:
    """Return what a reader follows, from words."""
    return Interests(frozenset(areas.split()), frozenset(regions.split()), frozenset(themes.split()), elsewhere)


# Who they are: what they follow, and their cadence. The names of the first ones say what becomes of their letter.
READERS: Mapping[str, tuple[Interests, str]] = {
    "accepted": (interests(), "weekly"),
    "delivered": (interests(), "weekly"),
    "bounced": (interests(), "weekly"),
    "complained": (interests(), "weekly"),
    "refused": (interests(), "weekly"),
    "uncertain": (interests(), "weekly"),
    "suppressed": (interests(), "weekly"),
    "suppressed-late": (interests(), "weekly"),
    "paused": (interests(), "weekly"),
    "paused-late": (interests(), "weekly"),
    "left": (interests(), "weekly"),
    "left-late": (interests(), "weekly"),
    "erased-late": (interests(), "weekly"),
    "unlisted-late": (interests(), "weekly"),
    "unconfirmed": (interests(), "weekly"),
    "buses": (interests("transport"), "weekly"),
    "scot": (interests("housing", "scotland"), "weekly"),
    "near": (interests(elsewhere=False), "weekly"),
    "leader": (interests("transport", themes="leadership"), "weekly"),
    "all": (interests("", ""), "weekly"),
    "londoner": (interests("housing", "london", elsewhere=False), "weekly"),
    "monthly": (interests(), "monthly"),
    "fortnightly": (interests(), "fortnightly"),
    "newcomer": (interests(), "weekly"),
}
# The account of the weekly edition: everybody above but who left, is unconfirmed, or has another cadence.
SUMS = {"eligible": 20, "accepted": 9, "refused": 1, "suppressed": 3, "empty": 2, "held": 1, "uncertain": 1,
        "cancelled": 2}  # fmt: skip


def address(name: str) -> str:
    """Return a reader's address."""
    return f"{name}@{'elsewhere.example' if name == 'unlisted-late' else 'example.org'}"


@dataclass
class Postman:
    """A transport that answers each reader as told, else as usual, and remembers whom it was given."""

    answers: Mapping[str, tuple[str, str]] = field(default_factory=lambda: ANSWERS)
    usual: tuple[str, str] = ("accepted", "")
    taken: list[Parcel] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)
    capabilities: ClassVar[Capabilities] = Capabilities()

    def open(self) -> None:
        """Nothing to make ready."""

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield the reader's outcome."""
        for parcel in parcels:
            self.taken.append(parcel)
            state, reason = self.answers.get(parcel.to.partition("@")[0], self.usual)
            yield Outcome(parcel.delivery, state, reason)

    def stop(self) -> None:
        pass

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        """Return what `known` says."""
        return {number: self.known[number] for number, *_ in letters if number in self.known}

    def close(self) -> None:
        """Nothing to finish."""


class _Served(Installation):
    """An installation whose letters go to a postman."""

    def __init__(self, settings: Settings, now: datetime, postman: Postman) -> None:
        super().__init__(settings, now)
        self._postman = postman

    def transport(self) -> Postman:
        """Return the postman."""
        return self._postman


class Stage(House):
    """A house with a postman; `play` lets everything happen, `number` is then the weekly edition's."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        super().__init__(folder, database_url, source=COPIES)
        (folder / "copies").mkdir()
        self.postman = Postman()
        self.who: dict[str, int] = {}
        self.entry: dict[str, int] = {}
        self.number = 0

    @property
    def place(self) -> Installation:
        """The installation at the house's present hour."""
        made = _Served(self.settings, self.now, self.postman)
        if self._place is not None:
            made.__dict__ |= {k: v for k, v in self._place.__dict__.items() if k in ("engine", "classifier")}
        self._place = made
        return made

    def copy(self, folder: Path) -> Self:
        """Return a stage in `folder` that is as this one is now, with its own postman; settings as configured."""
        twin = super().copy(folder)
        twin.postman = replace(self.postman, taken=list(self.postman.taken), known=dict(self.postman.known))
        twin.who, twin.entry, twin.number = dict(self.who), dict(self.entry), self.number
        return twin

    def play(self) -> Stage:
        """Let everything happen; return the house."""
        self.publish("Base")
        self.run()
        self._people()
        self._entries()
        self.now += timedelta(hours=1)
        self.who["newcomer"] = self.reader(address("newcomer"), "weekly", interests())
        self.now += timedelta(days=4)
        self._freeze()
        self._change_minds()
        report = pipeline.send_owed(self.place, number=self.number)
        assert not report.failed, report.failed
        self.settings = replace(self.settings, only=())
        self.now += timedelta(hours=1)
        self._hear()
        self.publish("Later")
        self.learn("Later")
        self.settings = replace(self.settings, only=("@example.org",))
        return self

    def learn(self, *titles: str) -> None:
        """Gather, and remember the entries of these titles under their first words."""
        pipeline.gather(self.place, force=True)
        with reading(self.place.engine) as conn:
            self.entry |= {t.split()[0].lower(): e.id for t in titles for e in entries.listing(conn) if e.title == t}

    def _people(self) -> None:
        place = self.place
        for name, (wanted, cadence) in READERS.items():
            if name == "newcomer":
                continue
            with writing(place.engine) as conn:
                self.who[name] = people.add(
                    conn,
                    people.NewSubscriber(
                        address(name),
                        cadence=cadence,
                        interests=wanted,
                        state="pending" if name == "unconfirmed" else "active",
                    ),
                    how="test",
                    now=self.now,
                    secret=place.secret,
                ).id

    def _entries(self) -> None:
        self.now += timedelta(hours=1)
        self.learn("Base")
        self.publish(TITLE, url=HOME, date="2026-11-02")
        self.publish("Bus", "transport", kind="post", date="2026-11-01")
        self.publish("Far", region="scotland", kind="post", date="2026-11-01")
        self.publish("Study", region="scotland", themes="[leadership]", date="2026-11-02")
        self.publish("Over", date="2026-10-31")
        self.publish("Dropped")
        self.learn(TITLE, "Bus", "Far", "Study", "Over", "Dropped")
        note = f'---\ntitle: "{TITLE}"\nid: x1\ndate: 2026-11-02\nurl: {COPY}\n---\nAs told elsewhere.\n'
        (self.folder / "copies" / "copy.md").write_text(note)
        edit.drop(self.place, ANN, [self.entry["dropped"]])
        with writing(self.place.engine) as conn:
            sources.hold_next(conn)
        self.publish("Kept")
        self.learn("Kept")

    def _freeze(self) -> None:
        self.settings = replace(self.settings, letter_cap=2, elsewhere_cap=1)
        place, weekly = self.place, self.settings.cadence("weekly")
        with writing(place.engine) as conn:
            people.suppress(conn, address("suppressed"), "bounced", secret=place.secret, now=self.now)
            people.pause(conn, self.who["paused"], self.now + timedelta(days=30), how="test", now=self.now)
            people.leave(conn, self.who["left"], how="test", now=self.now, secret=place.secret)
            slot = slot_owed(conn, weekly, self.now, "Europe/London")
            assert slot is not None
            draft.ready(conn, self.settings, weekly, slot, self.now)
            self.number = freeze.freeze(conn, self.settings, weekly, slot, place.secret, self.now).id

    def _change_minds(self) -> None:
        place = self.place
        with writing(place.engine) as conn:
            people.suppress(conn, address("suppressed-late"), "complained", secret=place.secret, now=self.now)
            people.pause(conn, self.who["paused-late"], self.now + timedelta(days=30), how="test", now=self.now)
            people.leave(conn, self.who["left-late"], how="test", now=self.now, secret=place.secret)
            people.forget(conn, self.who["erased-late"], now=self.now, secret=place.secret)
        self.settings = replace(self.settings, only=("@example.org",))

    def _hear(self) -> None:
        place = self.place
        numbers = {parcel.to: parcel.delivery for parcel in self.postman.taken}
        with writing(place.engine) as conn:
            told = []
            for name, kind in EVENTS.items():
                status, why = ("5.2.2", "mailbox full") if kind == "bounced" else (None, "")
                told.append(Event(f"e-{name}", kind, numbers[address(name)], None, self.now, status, why, "t"))
            take(conn, told, place.secret, self.now)
