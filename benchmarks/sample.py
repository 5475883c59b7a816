"""Compare a sample of sent letters with the same letters rendered whole.

    check_messages(population, messages)        # raises RuntimeError with the first difference
    WholeLetters(population).of("reader7@example.org")

The letters are parsed by the standard library, and the other side shares neither blocks nor joining with the product:
templates, premailer, and the reader's facts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

from benchmarks.population import Population
from digest.delivery.parcel import links_of, reader_facts
from digest.letter import views
from digest.letter.compile import inline_styles, render_whole
from digest.letter.words import counts
from digest.render import Letters
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

    def __init__(self, population: Population, edition: int = 1) -> None:
        self._installation = population.installation()
        self._edition = edition

    @cached_property
    def _letters(self) -> Letters:
        return frozen_edition(self._installation, self._edition).letters

    def of(self, email: str) -> WholeLetter:
        """Return the letter that the reader with this address gets, rendered and inlined as a whole."""
        installation, letters = self._installation, self._letters
        with reading(installation.engine) as conn:
            person = people.named(conn, email)
            (delivery,) = (row for row in deliveries.of_subscriber(conn, person.id) if row.edition == self._edition)
            digest = deliveries.digests(conn, [delivery.digest or 0])[delivery.digest or 0]
        links = links_of(installation.settings.site, letters.edition, person, installation.secret)
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


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")
