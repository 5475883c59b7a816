"""Compare a sample of sent letters with the same letters rendered whole.

    check_messages(population, messages)                # raises RuntimeError with the first difference
    check_first_letters(population, folder, "send")     # the same for the first batches of a run over SMTP
    WholeLetters(population).of("reader7@example.org")

The letters are parsed by the standard library, and the other side shares neither blocks nor joining with the product:
templates, premailer, and the reader's facts.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path

from benchmarks.population import Population
from benchmarks.sinks import smtp_sink, smtp_transport
from digest.delivery.parcel import links_of, reader_facts
from digest.letter import views
from digest.letter.compile import render_whole
from digest.letter.inliner import inline_styles
from digest.letter.words import counts
from digest.send import frozen_edition
from digest.store import deliveries
from digest.store.engine import reading
from subscribers import store as people

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class WholeLetter:
    """Hold a reader's letter rendered whole: its subject, its two parts, and its link for leaving."""

    subject: str
    html: str
    text: str
    unsubscribe: str


class WholeLetters:
    """Render the letters of a frozen edition whole, one reader at a time."""

    def __init__(self, population: Population) -> None:
        self._installation = population.installation()
        self._letters = cache(lambda edition: frozen_edition(self._installation, edition).letters)

    def of(self, email: str) -> WholeLetter:
        """Return the letter that the reader with this address gets, rendered and inlined as a whole."""
        installation = self._installation
        with reading(installation.engine) as conn:
            person = people.named(conn, email)
            (delivery,) = deliveries.of_subscriber(conn, person.id)  # because only one edition has readers
            digest = deliveries.digests(conn, [delivery.digest or 0])[delivery.digest or 0]
        letters = self._letters(delivery.edition)
        links = links_of(installation.settings.site, letters.edition, person, installation.link_keys)
        letter = letters.of(person.language)
        letter = replace(letter, inline=inline_styles.__wrapped__)  # without its cache of pages
        reader = reader_facts(letter, person, links)
        values = views.digest_values(digest, letter.book, "")
        words = views.reader_values(reader, letter.book.words, letter.edition.cadence, counts(digest))
        html, text = render_whole(letter, digest, values | words)
        return WholeLetter(values["subject"], html, text, links.unsubscribe)

    def close(self) -> None:
        """Let go of the database."""
        self._installation.engine.dispose()


def check_messages(population: Population, messages: Sequence[bytes], most: int = SAMPLE) -> int:
    """Compare at most `most` of these messages, drawn at random, with the letters rendered whole; return how many.

    Raises RuntimeError for the first letter that differs in a part, the subject or the link for leaving, and when
    there is no message.
    """
    if not messages:
        raise RuntimeError("no letter was sent, so that none can be compared")
    whole = WholeLetters(population)
    sample = random.Random(20).sample(list(messages), min(most, len(messages)))
    for raw in sample:
        message = message_from_bytes(raw, policy=policy.default)
        address = message["To"].addresses[0].addr_spec
        expected = whole.of(address)
        sent = WholeLetter(
            message["Subject"],
            _part(message, "html"),
            _part(message, "plain"),
            message["List-Unsubscribe"].strip("<>"),
        )
        for field in WholeLetter.__slots__:
            if getattr(sent, field) != getattr(expected, field):
                raise RuntimeError(f"the letter to {address} differs from the one rendered whole: its {field}")
    whole.close()
    return len(sample)


def check_first_letters(population: Population, folder: Path, *words: str) -> list[bytes]:
    """Begin a command that sends over SMTP, stop it after its first batch, and compare a sample; return the letters.

    The command ("send" or "run") works on a copy of the population in `folder`, which must not exist, so that the
    population itself stays as it is. Letters of a timed run are only counted, because writing each down would cost
    as much as sending it.
    """
    folder.mkdir()
    dump = folder / "letters"
    with smtp_sink(dump) as port:
        twin = population.copy(folder / "installation", transport=smtp_transport(port))
        process = subprocess.Popen(twin.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and sum(1 for _ in dump.iterdir()) < SAMPLE:
            time.sleep(0.1)
        process.terminate()  # it ends after a whole batch
        if process.wait() not in (0, 75):
            raise RuntimeError(f"digest {' '.join(words)} ended with {process.returncode}")
    letters = [file.read_bytes() for file in dump.iterdir()]
    check_messages(twin, letters)
    shutil.rmtree(folder)
    return letters


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")
