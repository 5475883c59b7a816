"""Measure letters a second, made from blocks and made the plain way, as a ratio from interleaved runs.

    .venv/bin/python benchmarks/letters.py [REPETITIONS]

From blocks: styles are inlined once for the edition, each reader's letter is assembled from blocks and composed.
The plain way: each letter is rendered, inlined and composed by the standard library for itself. Every reader has a
digest of their own (random, up to 12 of the sample's entries). The letters say the same, as tests/letter proves.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from digest.letter import views
from digest.letter.assemble import assemble
from digest.letter.blocks import ReaderFacts
from digest.letter.compile import Letter, compile_letter, inline_styles, render_whole
from digest.letter.mime.compose import Head, compose
from digest.letter.words import counts
from digest.model import Digest
from tests.letter import sample

PLAIN, BLOCKS = 10, 2000  # letters a repetition
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def main(repetitions: int) -> None:
    """Print the two rates and the ratio of each repetition, and the median ratio."""
    plain_inline = inline_styles.__wrapped__  # without its cache of pages
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE, inline=plain_inline)
    dice = random.Random(7)
    digests = [sample.random_digest(dice, sample.entries()) for _ in range(BLOCKS)]
    ratios = []
    for number in range(repetitions):
        plain = rate(lambda n: plainly(letter, digests[n], sample.READER), PLAIN)
        blocks = rate(lambda n: from_blocks(letter, digests[n], sample.READER), BLOCKS)
        ratios.append(blocks / plain)
        print(f"{number + 1}: plain {plain:,.0f}/s, from blocks {blocks:,.0f}/s, ratio {blocks / plain:,.0f}")
    print(f"median ratio {statistics.median(ratios):,.0f} [{min(ratios):,.0f}-{max(ratios):,.0f}]")


def rate(make: Callable[[int], bytes], count: int) -> float:
    """Call `make` with 0 to count - 1, and return the calls for each second of processor time."""
    began = time.process_time()
    for number in range(count):
        make(number)
    return count / (time.process_time() - began)


def from_blocks(letter: Letter, digest: Digest, reader: ReaderFacts) -> bytes:
    """Return the bytes of a letter assembled from blocks."""
    return compose(
        assemble(letter, digest, reader),
        Head(
            sample.SITE,
            to=reader.email,
            message_id="<n@news.example.org>",
            date=NOW,
            list_id="weekly.news.example.org",
            unsubscribe_url=reader.unsubscribe_url,
        ),
    )


def plainly(letter: Letter, digest: Digest, reader: ReaderFacts) -> bytes:
    """Return the bytes of a letter rendered, inlined and composed for itself."""
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
