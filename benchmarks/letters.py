"""Measure the processor time of a letter in `digest send`, up to the socket, and of a letter made the plain way.

    .venv/bin/python benchmarks/letters.py [REPETITIONS]

Timed is all that `digest send` does for a letter of a claimed batch before its bytes are written: the signed links,
the reader's facts, the letter, its headers and its envelope. A digest's first letter and its later ones are timed
apart, because readers of the same digest share most of the work. The plain way: each letter is rendered, inlined and
composed by the standard library for itself. Both are measured in turn; tests/letter proves that the letters say the
same.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from digest.config.load import load
from digest.delivery.claim import Claimed
from digest.delivery.hand_over import FrozenEdition, compose_batch
from digest.letter import views
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import inline_styles, render_whole
from digest.letter.words import counts
from digest.model import Digest, Edition, Entry
from digest.render import CHECKED, Letters
from digest.store.deliveries import Delivery
from digest.transports.smtp.envelope import make_ready
from subscribers.model import Interests, Subscriber
from subscribers.tokens import joint_key
from tests.letter import sample

PLAIN, DIGESTS, COMMON, EACH = 10, 250, 50, 20  # plain letters, digests, digests of many readers, and those readers
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SECRET = b"a secret of this benchmark alone"
OFFERS = {"pipelining": "", "size": "0", "8bitmime": ""}
ROOT = Path(__file__).parents[1]


def main(repetitions: int) -> None:
    """Print microseconds a letter and the ratios of each repetition, and the median ratios."""
    settings = replace(load(ROOT / "config.toml", {}), site=sample.SITE, taxonomy=sample.TAXONOMY, templates=None)
    edition = Edition(47, "weekly", "2026-11-20", "frozen", False, sample.EDITION.note, 9, "", key="edition")
    dice, pool = random.Random(7), sixty_entries()
    ratios: list[tuple[float, float]] = []
    for number in range(repetitions):
        plain, first, later = repetition(Letters(settings, edition, pool), dice, pool)
        ratios.append((plain / first, plain / later))
        print(
            f"{number + 1}: plain {plain:,.0f} us, first of a digest {first:,.1f} us, later ones {later:,.1f} us;"
            f" ratio {plain / first:,.0f} and {plain / later:,.0f}"
        )
    for name, column in zip(("first letter", "later letters"), zip(*ratios, strict=True), strict=True):
        print(f"{name}: median ratio {statistics.median(column):,.0f} [{min(column):,.0f}-{max(column):,.0f}]")


def repetition(letters: Letters, dice: random.Random, pool: list[Entry]) -> tuple[float, float, float]:
    """Return the microseconds of a plain letter, of a digest's first letter, and of its later ones."""
    frozen = FrozenEdition(letters.edition, letters, NOW)
    proven, digests = [[sample.random_digest(dice, pool) for _ in range(count)] for count in (CHECKED, DIGESTS)]
    make_ready_all(frozen, claims(proven, dice))  # now the letter is compiled, and its first digests are compared
    firsts, laters = (
        claims(digests, dice),
        claims([digest for digest in digests[-COMMON:] for _ in range(EACH)], dice),
    )
    return (
        micros(lambda: [plainly(letters, digest, sample.READER) for digest in digests[:PLAIN]], PLAIN),
        micros(lambda: make_ready_all(frozen, firsts), len(firsts)),
        micros(lambda: make_ready_all(frozen, laters), len(laters)),  # of digests that were just laid out
    )


def micros(work: Callable[[], object], count: int) -> float:
    """Do some work on `count` letters, and return the microseconds of processor time that each took."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / count * 1e6


def sixty_entries() -> list[Entry]:
    """Return the entries of the sample five times over, each with an id and a title of its own."""
    return [
        replace(entry, id=entry.id + 12 * copy, title=f"{entry.title}, part {copy + 1}")
        for copy in range(5)
        for entry in sample.entries()
    ]


def claims(digests: list[Digest], dice: random.Random) -> list[Claimed]:
    """Return a claim of a reader with random interests for each of these digests."""
    areas = [term.slug for term in sample.TAXONOMY.policy_areas]
    batch = []
    for digest in digests:
        number = dice.randint(1, 10**6)
        follows = Interests(frozenset(dice.sample(areas, 2)), frozenset(dice.sample(["wales", "south-east"], 1)))
        reader = Subscriber(
            number,
            f"reader{number}@council.example",
            f"Reader {number}",
            interests=follows,
            key=joint_key(str(number)),
        )
        delivery = Delivery(number, 47, number, 1, "claimed", "", 1, NOW)
        batch.append(Claimed(delivery, reader, digest))
    return batch


def make_ready_all(frozen: FrozenEdition, batch: list[Claimed]) -> None:
    """Compose a claimed batch, and make each letter ready for the socket."""
    parcels, refused = compose_batch(frozen, batch, SECRET, NOW)
    assert not refused
    for parcel in parcels:
        make_ready(parcel, lambda tag: f"bounce+{tag}@news.example.org", OFFERS)


def plainly(letters: Letters, digest: Digest, reader: ReaderFacts) -> bytes:
    """Return the bytes of a letter rendered, inlined and composed for itself."""
    letter = replace(letters.of("en"), inline=inline_styles.__wrapped__)  # without its cache of pages
    words = letter.book.words
    digest_values = views.digest_values(digest, letter.book, "")
    values = digest_values | views.reader_values(reader, words, letter.edition.cadence, counts(digest))
    html, text = render_whole(letter, digest, values)
    message = EmailMessage()
    message["From"], message["To"] = sample.SITE.sender.address, reader.email
    message["Subject"] = digest_values["subject"]
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
