"""Measure how many events a second are taken in: `python benchmarks/events.py [COUNT] [--url URL]`.

Each event comes five times, repeats included in COUNT, shuffled, in webhook bodies of 500 events. They go through the
same parser and store as the webhook's. At the end every row is counted: none may be missing, none twice, and no
delivery in the wrong state.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, func, insert, select

from digest.store import migrate
from digest.store import schema as tables
from digest.store.engine import make_engine, reading, writing
from digest.store.events import TakenEvents, take
from digest.store.keys import tag_keys
from digest.transports.sendgrid.events import parse_events
from digest.transports.tag import TagKeys, delivery_tag, read_tag, tagged_numbers
from subscribers.tables import subscriber

SECRET = b"s" * 32
NOW = datetime(2026, 11, 9, 9, tzinfo=UTC)
FOLD = 5
BODY = 500
EDITION = "7" * 16  # the edition's key
EACH = 3  # different events of a delivery: processed, delivered, and delivered again by another server


def main() -> None:
    """Fill a ledger, take the events in, check every row, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("count", nargs="?", type=int, default=300_000, help="events, repeats included")
    options.add_argument("--url", help="a database to use, empty; by default an SQLite file that is removed")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(chosen.url or f"sqlite:///{Path(folder) / 'events.db'}")
        migrate.upgrade(engine)
        distinct = chosen.count // FOLD
        deliveries = -(-distinct // EACH)
        fill(engine, deliveries)
        taken, seconds, parsing = run(engine, distinct)
        check(engine, distinct, deliveries, taken)
        engine.dispose()
    total = distinct * FOLD
    print(
        f"{total:,} events, {distinct:,} different, each {FOLD} times, in {seconds:.1f} s:"
        f" {total / seconds:,.0f} a second"
    )
    print(f"parsing {parsing:.1f} s, database {seconds - parsing:.1f} s; 0 missing, 0 twice, all states right")
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB", file=sys.stderr)


def fill(engine: Engine, deliveries: int) -> None:
    """Store a frozen edition with so many uncertain deliveries."""
    with writing(engine) as conn:
        conn.execute(
            insert(tables.edition).values(
                id=1, key=EDITION, cadence="weekly", slot="2026-11-06", state="frozen", to_release=0, content_hash="",
                created_at=NOW, eligible=deliveries,
            )
        )  # fmt: skip
        for start in range(0, deliveries, 10_000):
            rows = [
                {"id": n + 1, "edition_id": 1, "subscriber_id": n + 1, "state": "uncertain", "updated_at": NOW}
                for n in range(start, min(start + 10_000, deliveries))
            ]
            conn.execute(insert(tables.delivery), rows)
            people = [
                {"id": row["id"], "key": f"{row['id']:016x}", "email": f"r{row['id']}@example.org",
                 "email_key": f"r{row['id']}@example.org", "cadence": "weekly", "elsewhere": True, "language": "en",
                 "state": "active", "created_at": NOW}
                for row in rows
            ]  # fmt: skip
            conn.execute(insert(subscriber), people)


def bodies(distinct: int) -> Iterator[bytes]:
    """Yield webhook bodies: each event FOLD times, shuffled within a stretch, because retries come within a day."""
    chance = random.Random(12)
    stretch = 50_000
    for start in range(0, distinct, stretch):
        numbers = [n for n in range(start, min(start + stretch, distinct)) for _ in range(FOLD)]
        chance.shuffle(numbers)
        for cut in range(0, len(numbers), BODY):
            yield json.dumps([event(n) for n in numbers[cut : cut + BODY]]).encode()


def event(number: int) -> dict[str, object]:
    """Return an event as the provider writes it, with an id as random as the provider's."""
    delivery, step = divmod(number, EACH)
    dice = random.Random(number)
    at = NOW + timedelta(seconds=step)
    return {
        "event": ("processed", "delivered", "delivered")[step], "sg_event_id": f"{dice.getrandbits(128):032x}",
        "sg_message_id": f"m{delivery}.recv", "timestamp": int(at.timestamp()), "email": "reader@example.org",
        "mid": delivery_tag(SECRET, delivery + 1, TagKeys(f"{delivery + 1:016x}", EDITION)),
        "smtp-id": "<x@example.org>", "category": ["weekly"],
    }  # fmt: skip


def run(engine: Engine, distinct: int) -> tuple[TakenEvents, float, float]:
    """Take every body in, a transaction each; return the counts, the seconds in all, and those of parsing."""
    taken, seconds, parsing = TakenEvents(), 0.0, 0.0
    for body in bodies(distinct):
        began = time.perf_counter()
        with reading(engine) as conn:
            keys = tag_keys(conn, tagged_numbers(body.decode()))
        read = partial(read_tag, SECRET, partial(_same, keys))
        events = parse_events(body, read, NOW + timedelta(minutes=1)).events
        parsing += time.perf_counter() - began
        with writing(engine) as conn:
            taken += take(conn, events, SECRET, NOW)
        seconds += time.perf_counter() - began
    return taken, seconds, parsing


def check(engine: Engine, distinct: int, deliveries: int, taken: TakenEvents) -> None:
    """Exit with a message unless every event is stored once and every delivery is in its state."""
    with reading(engine) as conn:
        stored = conn.scalar(select(func.count()).select_from(tables.event))
        states = {
            (row[0], row[1]): row[2]
            for row in conn.execute(
                select(tables.delivery.c.state, tables.delivery.c.fate, func.count()).group_by(
                    tables.delivery.c.state, tables.delivery.c.fate
                )
            )
        }
    last = 1 if distinct % EACH == 1 else 0  # the last delivery may have only its first event
    wanted = {("accepted", "delivered"): deliveries - last, ("accepted", None): last}
    right = (
        stored == distinct == taken.new
        and taken.duplicate == distinct * (FOLD - 1)
        and taken.settled == deliveries
        and states == {key: count for key, count in wanted.items() if count}
    )
    if not right:
        sys.exit(f"WRONG: {stored} rows for {distinct} events, {taken}, {states}")


def _same(keys: Mapping[int, TagKeys], numbers: Iterable[int]) -> Mapping[int, TagKeys]:
    """Return the keys that were read before, whatever the numbers."""
    del numbers
    return keys


if __name__ == "__main__":
    main()
