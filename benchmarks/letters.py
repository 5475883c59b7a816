"""Measure the processor time of a letter in `digest send`, up to the socket, and of a letter made the plain way.

    python -m benchmarks.letters [REPETITIONS]

Timed is all that `digest send` does for a letter of a claimed batch before its bytes are written: the signed links,
the reader's facts, the letter, its headers and its envelope. A digest's first letter and its later ones are timed
apart, because readers of the same digest share most of the work. The plain way: each letter is rendered, inlined and
composed by the standard library for itself. The digests are those that readers get who follow policy areas and
regions by Zipf's law, of sixty entries and at most twelve each. Both ways are measured in turn, on the same digests;
tests/test_render.py proves that the letters say the same.
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, report
from digest.config.load import load
from digest.delivery.claim import Claimed
from digest.delivery.hand_over import FrozenEdition, compose_batch
from digest.group import Matcher, candidate_of
from digest.letter import views
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import render_whole
from digest.letter.inliner import inline_styles
from digest.letter.words import counts
from digest.model import NATIONAL, REGIONS, Digest, Edition, Entry
from digest.render import CHECKED, Letters
from digest.store.deliveries import Delivery
from digest.store.plans import digest_of
from digest.transports.smtp.envelope import make_ready
from subscribers.keyring import Keyring
from subscribers.model import Interests, Subscriber
from subscribers.tokens import joint_key
from tests.letter import sample

PLAIN, DIGESTS, COMMON, EACH = 10, 250, 50, 20  # plain letters, digests, digests of many readers, and those readers
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEYS = Keyring(b"a secret of this benchmark alone", [b"a secret of this benchmark alone"])
OFFERS = {"pipelining": "", "size": "0", "8bitmime": ""}
ROOT = Path(__file__).parents[1]

AREAS = [term.slug for term in sample.TAXONOMY.policy_areas]
PLACES = [slug for slug in REGIONS if slug != NATIONAL]

_BUSY = "see the ratio, which does not depend on how fast or busy the machine is"

Readers = dict[Digest, list[Interests]]


def measure(repetitions: int) -> list[Figure]:
    """Return the two ratios to the plain way, and the microseconds of processor time behind them."""
    settings = replace(load(ROOT / "config.toml", {}), site=sample.SITE, taxonomy=sample.TAXONOMY, templates=None)
    edition = Edition(47, "weekly", "2026-11-20", "frozen", False, sample.EDITION.note, 9, "", key="edition")
    dice = random.Random(7)
    pool = sixty_entries(dice)
    readers = readers_by_digest(dice, pool)
    rows = [repetition(Letters(settings, edition, pool), dice, readers) for _ in range(repetitions)]
    first, later, plain_first, plain_later, size = (tuple(column) for column in zip(*rows, strict=True))
    what = f"all that send does for {{}} up to the socket ({sum(size) / len(size) / 1000:.0f} KB)"
    plainly = "jinja2, premailer and EmailMessage for each letter"
    return [
        Figure(
            "letter-later", f"{what.format('a later letter of a digest')} against {plainly}",
            tuple(plain / ours for plain, ours in zip(plain_later, later, strict=True)), "×", 500, 1000, True,
            "two thirds are each reader's own: five keyed hashes, five links, their headers, in Python one by one",
        ),
        Figure(
            "letter-first", f"{what.format('the first letter of a digest')} against {plainly}",
            tuple(plain / ours for plain, ours in zip(plain_first, first, strict=True)), "×", 250, None, True,
            "a digest's first letter also lays out its entries and writes its reader's interests in words",
        ),
        Figure("letter-later-µs", "processor time of a digest's later letter", later, "µs", 40, 20, False, _BUSY),
        Figure("letter-first-µs", "processor time of a digest's first letter", first, "µs", 80, None, False, _BUSY),
    ]  # fmt: skip


def repetition(letters: Letters, dice: random.Random, readers: Readers) -> tuple[float, float, float, float, float]:
    """Return the microseconds of a digest's first letter and of its later ones, of both made plainly, and the bytes.

    The bytes are those of a mean later letter.
    """
    frozen = FrozenEdition(letters.edition, letters, NOW)
    digests = dice.sample(list(readers), CHECKED + DIGESTS)
    proven, digests = digests[:CHECKED], digests[CHECKED:]
    make_ready_all(
        frozen, claims(proven, dice, readers)
    )  # now the letter is compiled, and compared for its first digests
    common = sorted(digests, key=lambda digest: -len(readers[digest]))[:COMMON]
    firsts = claims(digests, dice, readers)
    warm = claims(common, dice, readers)
    laters = claims([digest for digest in common for _ in range(EACH)], dice, readers)
    first = micros(lambda: make_ready_all(frozen, firsts), len(firsts))
    make_ready_all(frozen, warm)  # so that their layouts are at hand, as after a digest's first letter
    later = micros(lambda: make_ready_all(frozen, laters), len(laters))
    plain_first, plain_later = (
        micros(partial(_all_plainly, letters, some), len(some))
        for some in (digests[:: DIGESTS // PLAIN], common[:: COMMON // PLAIN])
    )
    parcels, _ = compose_batch(frozen, laters[::EACH], KEYS, NOW)
    return first, later, plain_first, plain_later, sum(len(parcel.message) for parcel in parcels) / len(parcels)


def readers_by_digest(dice: random.Random, pool: Sequence[Entry]) -> Readers:
    """Return the digests of 3,000 readers, and for each the interests of its readers."""
    matcher = Matcher([candidate_of(entry, 1) for entry in pool])
    readers: Readers = defaultdict(list)
    for _ in range(3000):
        interests = Interests(zipf(dice, AREAS, dice.randint(1, 4)), zipf(dice, PLACES, dice.randint(1, 3)))
        digest = digest_of(matcher.plan(matcher.match(interests, mark=0)))
        if digest.placed:
            readers[digest].append(interests)
    return readers


def zipf(dice: random.Random, values: Sequence[str], count: int) -> frozenset[str]:
    """Return `count` different values; the earlier a value stands, the more often it is drawn."""
    weights = [1 / rank for rank in range(1, len(values) + 1)]
    chosen: set[str] = set()
    while len(chosen) < count:
        chosen.add(dice.choices(values, weights)[0])
    return frozenset(chosen)


def micros(work: Callable[[], object], count: int) -> float:
    """Do some work on `count` letters, and return the microseconds of processor time that each took."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / count * 1e6


def sixty_entries(dice: random.Random) -> list[Entry]:
    """Return the entries of the sample five times over, each with an id, a title and facets of its own."""
    entries = []
    for copy in range(5):
        for entry in sample.entries():
            areas = zipf(dice, AREAS, dice.choice((1, 1, 2)))
            regions = {NATIONAL} if dice.random() < 0.2 else zipf(dice, PLACES, 1)
            facets = replace(entry.facets, policy_areas=tuple(sorted(areas)), regions=tuple(regions))
            title = f"{entry.title}, part {copy + 1}"
            entries.append(replace(entry, id=entry.id + 12 * copy, title=title, facets=facets))
    return entries


def claims(digests: Sequence[Digest], dice: random.Random, readers: Readers) -> list[Claimed]:
    """Return a claim of one reader for each of these digests."""
    batch = []
    for digest in digests:
        number = dice.randint(1, 10**6)
        reader = Subscriber(
            number,
            f"reader{number}@council.example",
            f"Reader {number}",
            interests=dice.choice(readers[digest]),
            key=joint_key(str(number)),
        )
        delivery = Delivery(number, 47, number, 1, "claimed", "", 1, NOW)
        batch.append(Claimed(delivery, reader, digest))
    return batch


def make_ready_all(frozen: FrozenEdition, batch: list[Claimed]) -> None:
    """Compose a claimed batch, and make each letter ready for the socket."""
    parcels, refused = compose_batch(frozen, batch, KEYS, NOW)
    assert not refused
    for parcel in parcels:
        make_ready(parcel, lambda tag: f"bounce+{tag}@news.example.org", OFFERS)


def _all_plainly(letters: Letters, digests: Sequence[Digest]) -> None:
    for digest in digests:
        plainly(letters, digest, sample.READER)


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
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
