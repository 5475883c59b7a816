"""Measure the requests that letters leave in by SendGrid: building them, their number, and the memory of a send.

    python -m benchmarks.sendgrid [REPETITIONS]

Building: five requests of 1,000 readers are checked and built from the readers' own texts, and then made of the
helper objects of the `sendgrid` package; the JSON says the same. Number and memory: an edition is sent by `digest
send` to a stand-in for SendGrid on this machine, which checks every request against the limits of the provider.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sendgrid.helpers import mail
from sqlalchemy import func, select

from benchmarks import population
from benchmarks.cost import Cost, cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import BEFORE
from digest.config.load import load
from digest.delivery.claim import Claimed
from digest.delivery.hand_over import FrozenEdition, compose_batch
from digest.model import NATIONAL, REGIONS, Edition
from digest.render import Letters
from digest.store.deliveries import Delivery
from digest.store.engine import reading
from digest.store.schema import delivery
from digest.transports.sendgrid.grouping import grouped
from digest.transports.sendgrid.payload import MOST, Personal, Shared
from digest.transports.sendgrid.riders import admitted, fit_request, requests
from subscribers.keyring import Keyring
from subscribers.model import Interests, Subscriber
from tests.letter import sample
from tests.transports.fake_sendgrid import KEY, Error, FakeSendGrid

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEYS = Keyring(b"a secret of this benchmark", [b"a secret of this benchmark"])
TURNS = 5  # requests in a repetition
READERS = (10_000, 100_000)
# Readers with the same interests, who make digests of at least 2,500, 1,400 and 990 readers; all with more entries.
_AREAS = "children-families;culture-leisure;digital-data;domestic-abuse;economy-skills"
ALIKE = {_AREAS: 2_500, f"{_AREAS};housing": 1_400, f"{_AREAS};education-early-years": 990}


def measure(repetitions: int) -> list[Figure]:
    """Return the figures; memory is measured once, because it hardly differs."""
    with tempfile.TemporaryDirectory() as name:
        memory = [_sent(Path(name) / str(readers), readers).memory for readers in READERS]
        surplus = _surplus(Path(name) / "alike")
    return [
        Figure(
            "sendgrid-build",
            "a SendGrid request for 1,000 readers built and checked, against the package's helper objects",
            tuple(_ratios(repetitions)), "×", 10, 18, more=True,
            short="each reader's own texts are tested for limits and for what JSON must escape",
        ),
        Figure(
            "sendgrid-requests",
            "SendGrid requests more than the sum over the digests of readers / 1,000, rounded up",
            (surplus,), "", 0, None, more=False, short="a digest was cut",
        ),
        *(
            Figure(
                f"sendgrid-memory-{readers}", f"peak memory of `digest send` by SendGrid, {readers:,} readers",
                (peak,), "MB", 150, 100, more=False, short="the libraries alone take most of it",
            )
            for readers, peak in zip(READERS, memory, strict=True)
        ),
        Figure(
            "sendgrid-memory-growth", "growth of that memory from 10,000 to 100,000 readers",
            (memory[1] - memory[0],), "MB", 20, None, more=False, short="something is kept for each digest",
        ),
    ]  # fmt: skip


def _ratios(repetitions: int) -> Iterator[float]:
    """Yield for each repetition the processor time of the helper objects, in times of that of our own requests."""
    batches = _batches()
    document = json.loads(_ours(batches)[0])
    assert json.loads(_by_helpers(document)) == document
    for _ in range(repetitions):
        ours = _processor_time(lambda: _ours(batches))
        yield _processor_time(lambda: _by_helpers(document)) / ours


def _processor_time(work: Any) -> float:
    began = time.process_time()
    for _ in range(TURNS):
        work()
    return time.process_time() - began


def _batches() -> list[tuple[Shared, list[Personal]]]:
    """Compose the letters of 1,000 readers of one digest as `digest send` does, and group them."""
    shipped = load(population.ROOT / "config.toml", {"DIGEST_TRANSPORT__KIND": "sendgrid", "SENDGRID_API_KEY": KEY})
    settings = replace(shipped, site=sample.SITE, taxonomy=sample.TAXONOMY, templates=None)
    edition = Edition(47, "weekly", "2026-11-20", "frozen", False, sample.EDITION.note, 9, "", key="edition")
    letters = Letters(settings, edition, sample.entries())
    contents = replace(sample.digest(), more=3)
    batch = [Claimed(Delivery(n, 47, n, 1, "claimed", "", 1, NOW), reader, contents) for n, reader in _readers(MOST)]
    parcels, refused = compose_batch(FrozenEdition(edition, letters, NOW), batch, KEYS, NOW)
    assert not refused
    return grouped(parcels)[0]


def _readers(count: int) -> Iterator[tuple[int, Subscriber]]:
    dice = random.Random(7)
    areas = [term.slug for term in sample.TAXONOMY.policy_areas]
    for number in range(1, count + 1):
        follows = Interests(frozenset(dice.sample(areas, 2)), frozenset(dice.sample(["wales", "south-east"], 1)))
        yield (
            number,
            Subscriber(
                number, f"reader{number}@council.example", f"Reader {number}", interests=follows, key=f"{number:016d}"
            ),
        )


def _ours(batches: list[tuple[Shared, list[Personal]]]) -> list[bytes]:
    """Check and build the requests of some digests."""
    bodies = []
    for shared, personals in batches:
        riders, _ = admitted(shared, personals)
        bodies += [fit_request(shared, some, NOW).body or b"" for some in requests(shared, riders)]
    return bodies


def _by_helpers(document: dict[str, Any]) -> bytes:
    """Build a request of the helper objects that the package has for each part of it."""
    request = mail.Mail()
    request.from_email = mail.From(document["from"]["email"], document["from"]["name"])
    request.reply_to = mail.ReplyTo(document["reply_to"]["email"])
    request.subject = mail.Subject(document["subject"])
    for content in document["content"]:
        request.add_content(mail.Content(content["type"], content["value"]))
    for name, value in document["headers"].items():
        request.add_header(mail.Header(name, value))
    for category in document["categories"]:
        request.add_category(mail.Category(category))
    tracking = mail.TrackingSettings()
    tracking.click_tracking = mail.ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = mail.OpenTracking(enable=False)
    tracking.subscription_tracking = mail.SubscriptionTracking(enable=False)
    tracking.ganalytics = mail.Ganalytics(enable=False)
    request.tracking_settings = tracking
    for entry in reversed(document["personalizations"]):  # because the package puts each before those it has
        person = mail.Personalization()
        person.add_to(mail.To(entry["to"][0]["email"], entry["to"][0]["name"]))
        for name, value in entry["headers"].items():
            person.add_header(mail.Header(name, value))
        for mark, value in entry["substitutions"].items():
            person.add_substitution(mail.Substitution(mark, value))
        for name, value in entry["custom_args"].items():
            person.add_custom_arg(mail.CustomArg(name, value))
        request.add_personalization(person)
    return json.dumps(request.get()).encode()


def _sent(folder: Path, readers: int) -> Cost:
    """Make an installation with a frozen edition, send it by SendGrid, and return the cost of that."""
    with _stand_in() as (url, counts):
        installation = population.make(folder, readers, transport=_transport(folder, url), frozen=True)
        cost = cost_of(installation.command("send"))
        _arrived(counts)
    return cost


def _surplus(folder: Path) -> int:
    """Return how many requests more than necessary an edition takes of which some digests have many readers."""
    with _stand_in() as (url, counts):
        installation = population.make(folder, 2_000, transport=_transport(folder, url))
        config = folder / "config.toml"  # these readers join after the entries were gathered
        config.write_text(config.read_text("utf-8").replace('welcome = "0 days"', 'welcome = "7 days"'), "utf-8")
        with (folder / "alike.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("email", "name", "cadence", "policy_areas", "regions"))
            regions = ";".join(slug for slug in REGIONS if slug != NATIONAL)
            for areas, count in ALIKE.items():
                name = f"{areas.rpartition(';')[2]}-{count}-"
                rows.writerows(
                    (f"{name}{n}@example.org", f"Reader {n}", "weekly", areas, regions) for n in range(count)
                )
        cost_of(
            installation.command("subscribers", "import", str(folder / "alike.csv"), now=BEFORE + timedelta(hours=2))
        )
        population.freeze(installation)
        cost_of(installation.command("send"))
        taken, letters = _arrived(counts)
    opened = installation.installation()
    per_digest = select(func.count()).where(delivery.c.state == "accepted").group_by(delivery.c.digest_id)
    with reading(opened.engine) as conn:
        readers = list(conn.scalars(per_digest))
    opened.engine.dispose()
    assert sum(readers) == letters and max(readers) >= max(ALIKE.values())
    return taken - sum(-(-count // MOST) for count in readers)


def _arrived(counts: Connection) -> tuple[int, int]:
    """Return how many requests and letters the stand-in has taken."""
    counts.send(None)
    taken, letters, errors = counts.recv()
    assert letters and not errors, errors
    return taken, letters


def _transport(folder: Path, url: str) -> str:
    """Write the key of the stand-in into `folder`, and return the lines of [transport]."""
    folder.mkdir()
    key = folder / "sendgrid.key"
    key.touch(0o600)
    key.write_text(KEY, encoding="ascii")
    return f'kind = "sendgrid"\nbase_url = "{url}"\nkey_file = "sendgrid.key"'


@contextmanager
def _stand_in() -> Iterator[tuple[str, Connection]]:
    """Run the stand-in for SendGrid in a process of its own.

    Yields its address, and a connection that answers any message with the numbers of requests and letters, and the
    errors.
    """
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv(), here
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    fake = _Forgetful()
    connection.send(fake.url)
    while True:
        connection.recv()
        connection.send((fake.taken, fake.letters, fake.errors))


class _Forgetful(FakeSendGrid):
    """Count requests and letters, and keep none of them."""

    taken = letters = 0
    errors: tuple[Error, ...] = ()

    def send(self, body: bytes) -> tuple[int, list[Error]]:
        """Judge one request; return the status and the errors."""
        with self.lock:
            status, errors = super().send(body)
            self.taken += not errors
            self.letters += len(self.queued)
            self.errors += tuple(errors)
            for memory in (self.queued, self.payloads, self.heads):
                memory.clear()
        return status, errors


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
