"""Runs of slot mode: a worker that dies, forgets answers and comes back, over the real transport and a stand-in."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from digest.errors import DigestError
from digest.transports.base import Outcome
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.slots import after_doubt, in_slot
from digest.transports.sendgrid.transport import SendGridTransport
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.sendgrid_sample import NOW, SHARED, personal

FAULTS = [*[""] * 10, "take reset", "reset", "late", "take 500", "take cut", "429", "reset-head", "take junk"]
SIDE_FAULTS = [*[""] * 10, "take reset", "reset", "500", "429"]
PEOPLE = 6
OTHER = replace(SHARED, subject="Another digest")


class Died(Exception):
    """The worker is gone; what is not in the ledger is forgotten."""


@dataclass
class Batch:
    """What the ledger knows of a batch; `send_at` None: handed over without a slot."""

    send_at: datetime | None
    confirmed_at: datetime | None = None
    cancel_failed: bool = False


@dataclass
class Ledger:
    """What survives a death."""

    state: dict[int, str] = field(default_factory=lambda: dict.fromkeys(range(1, PEOPLE + 1), "pending"))
    batch: dict[int, str] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    for_slot: set[int] = field(default_factory=set)


class Run:
    """One run of one edition. `mutant` names a mistake made on purpose, to see that it is found."""

    def __init__(self, fake: FakeSendGrid, seed: int, mutant: str = "") -> None:
        self.dice, self.fake, self.mutant = random.Random(seed), fake, mutant
        self.ledger = Ledger()
        fake.clear()
        fake.now = NOW.timestamp()
        fake.late_cancels_count = self.dice.random() < 0.7
        for _ in range(self.dice.choice([0, 0, 0, 0, 0, 8, 10])):  # cancelled by others
            fake.cancel(fake.create_batch())
        self.skew = self.dice.uniform(-50, 50)  # seconds between their clock and ours
        self.hour = NOW + timedelta(minutes=self.dice.uniform(20, 300))
        self.deaf = self.dice.random() < 0.15  # no answer to a cancel is ever heard

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.fake.now + self.skew, UTC)

    def whole(self) -> None:
        """Work, die, come back, until nothing is owed; then let the hour come."""
        deaths = self.dice.randint(0, 3)
        for life in range(40):
            try:
                self._life(mortal=life < deaths, faulty=life < 12)
            except Died:
                self._pass(self.dice.choice([0.1, 1, 5, 30, self._until_late()]))
                continue
            if "pending" not in self.ledger.state.values():
                break
            self._pass(1)
        self.fake.arrive()
        self.fake.now = max(self.fake.now, self.hour.timestamp()) + 86_400

    def _until_late(self) -> float:
        """Return the minutes until a cancel is only just in time, or just too late."""
        return max(0.0, (self.hour.timestamp() - self.fake.now) / 60 - self.dice.uniform(6, 14))

    def _pass(self, minutes: float) -> None:
        self.fake.now += minutes * 60
        self.fake.arrive()

    def _die(self, mortal: bool) -> None:
        if mortal and self.dice.random() < 0.25:
            raise Died

    def _life(self, mortal: bool, faulty: bool) -> None:
        self.fake.faults.clear()
        self.fake.side_faults.clear()
        if faulty:
            self.fake.faults.extend(self.dice.choices(FAULTS, k=4))
            self.fake.side_faults.extend(self.dice.choices(SIDE_FAULTS, k=3))
        settings = SendGridSettings(KEY, self.fake.url, timeout=5, concurrency=1)
        transport = SendGridTransport(settings, self.now)
        try:
            for one, state in self.ledger.state.items():
                if state == "claimed":
                    # Claimed for a slot, and no batch noted: no byte of it left.
                    unbegun = one in self.ledger.for_slot and one not in self.ledger.batch
                    self.ledger.state[one] = "pending" if unbegun else "uncertain"
            self._settle(transport, mortal)
            if self.deaf:
                self.fake.side_faults.clear()
            while self._claim_and_send(transport, mortal):
                self._pass(self.dice.choice([0, 0, 0.5, 10]))
            self._settle(transport, mortal)
        finally:
            transport.close()

    def _settle(self, transport: SendGridTransport, mortal: bool) -> None:
        for name, batch in self.ledger.batches.items():
            rows = [one for one, where in self.ledger.batch.items() if where == name]
            if self.deaf:
                self.fake.side_faults.clear()
                self.fake.side_faults.extend(self.dice.choices(["take reset", "reset"], k=8))
            doubt = [one for one in rows if self.ledger.state[one] == "uncertain"]
            if not doubt:
                continue
            what = after_doubt(self.now(), batch.send_at, batch.confirmed_at)
            if self.mutant == "late" and batch.send_at is not None:
                what = "resend" if batch.confirmed_at else "cancel"
            if what == "cancel":
                confirmed = self.mutant == "blind" or transport.cancel(name)
                self._pass(self.dice.choice([0, 0, 0, 3]))  # a slow answer
                self._die(mortal)
                if not confirmed:
                    batch.cancel_failed = True
                    continue
                batch.confirmed_at = self.now()
                what = after_doubt(self.now(), batch.send_at, batch.confirmed_at)
                if self.mutant == "late":
                    what = "resend"
            if what == "resend":
                self._die(mortal)
                for one in rows if self.mutant == "shared" else doubt:
                    self.ledger.state[one] = "pending"
                    self.ledger.batch.pop(one, None)

    def _claim_and_send(self, transport: SendGridTransport, mortal: bool) -> bool:
        owed = [one for one, state in self.ledger.state.items() if state == "pending"][:3]
        if not owed:
            return False
        slot = self.hour if in_slot(self.now(), self.hour) else None
        for one in owed:
            self.ledger.state[one] = "claimed"
        (self.ledger.for_slot.update if slot else self.ledger.for_slot.difference_update)(owed)
        self._die(mortal)
        mine = ""

        def batch_for(deliveries: Sequence[int]) -> str:
            nonlocal mine
            used = [known for known, batch in self.ledger.batches.items() if batch.send_at]
            if self.mutant == "same" and used:
                name = used[-1]
            else:
                name = mine if self.mutant == "shared" and mine else transport.create_batch()
            self._die(mortal)
            mine = name
            self.ledger.batches.setdefault(name, Batch(slot))
            self.ledger.batch.update(dict.fromkeys(deliveries, name))
            self._die(mortal)
            return name

        batches = [(SHARED, [personal(one) for one in owed[:2]]), (OTHER, [personal(one) for one in owed[2:]])]
        heard: list[Outcome] = []
        try:
            for outcome in transport.hand_over_batches(batches, send_at=slot, batch_for=batch_for if slot else None):
                heard.append(outcome)
                self._die(mortal)
        except DigestError:
            assert len(heard) == len(owed)
        for outcome in heard:
            self.ledger.state[outcome.delivery] = "pending" if outcome.state == "deferred" else outcome.state
            if outcome.state == "deferred":
                self.ledger.batch.pop(outcome.delivery, None)
        return all(outcome.state == "accepted" for outcome in heard)

    def wrong(self) -> str:
        """Return what is wrong with how it ended, or ""."""
        mailed = self.fake.mailed()
        for one, state in self.ledger.state.items():
            copies = mailed[f"{one}-tag"]
            if copies > 1:
                return f"{one} was mailed {copies} times"
            if state == "accepted" and copies != 1:
                return f"{one} is accepted and was mailed {copies} times"
            if state not in ("accepted", "uncertain"):
                return f"{one} ended {state}"
            if state == "uncertain" and not self._excused(self.ledger.batch.get(one)):
                return f"{one} is held although its batch was cancelled in time"
        return ""

    def _excused(self, name: str | None) -> bool:
        """True when a doubt had to stay: no slot, no cancel in time, or a cancel that was never confirmed."""
        batch = self.ledger.batches[name] if name else Batch(None)
        if batch.send_at is None or batch.confirmed_at is None:
            return True
        return batch.confirmed_at > batch.send_at - timedelta(minutes=11)
