"""Messages made the quick way say, header by header and part by part, what a letter rendered whole says."""

from __future__ import annotations

import email
import email.policy
import random
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.config.load import load
from digest.config.settings import Settings
from digest.delivery.parcel import links_of, message_id, parcel, reader_facts
from digest.letter import views
from digest.letter.compile import render_whole
from digest.letter.words import counts
from digest.model import Digest, Dkim, Edition
from digest.render import Letters
from digest.transports.smtp.envelope import make_ready, wire_form
from digest.transports.tag import TagKeys
from subscribers.keyring import Keyring
from subscribers.model import Interests, Subscriber
from tests.letter import sample
from tests.letter.test_assemble import NAMES, awkward_entries
from tests.test_rooms import ROOT

SECRET = b"s" * 32
KEYS = Keyring(SECRET, [b"o" * 32, b"l" * 32])  # links by other keys than the secret
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
EDITION = Edition(47, "weekly", "2026-11-20", "frozen", False, sample.EDITION.note, 9, "", key="edition")
KEY = Ed25519PrivateKey.from_private_bytes(SECRET).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SITES = (sample.SITE, replace(sample.SITE, base_url="https://d.example/x?a=1&b=2", reply_to=None))
MAILBOXES = ("reader{}@council.example", "r.{}+x@bücher.example", "O'Brien{}@council.example", "r{}&co=x@x.example")


def some_reader(dice: random.Random, number: int) -> Subscriber:
    areas = frozenset(dice.sample([term.slug for term in sample.TAXONOMY.policy_areas], dice.randint(0, 3)))
    regions = frozenset(dice.sample(["wales", "south-east", "national"], dice.randint(0, 2)))
    return Subscriber(
        number,
        dice.choice(MAILBOXES).format(number),
        dice.choice([*NAMES, f"Reader {number}", "  Two  spaces ", "Morgan, C. (Cllr)", "=?x?=", "x@y", "'."]),
        interests=Interests(areas, regions, frozenset(dice.sample(["leadership"], dice.randint(0, 1)))),
        language=dice.choice(["en", "cy", "cy-GB", "pl"]),
        key=dice.choice(["0123456789abcdef", f"{number:016x}", 'odd "key"']),
    )


def check_message(letters: Letters, reader: Subscriber, digest: Digest) -> None:
    """Check a message against the letter rendered whole, and its headers against the values that they are made of."""
    site = letters.settings.site
    composed = parcel(letters, reader, digest, KEYS, NOW, delivery=reader.id)
    message = cast(EmailMessage, email.message_from_bytes(composed.message, policy=email.policy.default))
    text, html = message.iter_parts()
    letter = letters.of(reader.language)
    links = links_of(site, EDITION, reader, KEYS.links)
    facts = reader_facts(letter, reader, links)
    values = views.digest_values(digest, letter.book, "")
    own = views.reader_values(facts, letter.book.words, EDITION.cadence, counts(digest))
    whole = render_whole(letter, digest, values | own)
    assert tuple(part.get_content().replace("\r\n", "\n") for part in (html, text)) == whole
    assert (composed.letter.html_text(), composed.letter.plain_text()) == whole
    # Decoded here, because the standard library puts spaces between encoded words, against RFC 2047.
    raw = email.message_from_bytes(composed.message, policy=email.policy.compat32)
    assert str(make_header(decode_header(raw["Subject"].replace("\r\n", "")))) == values["subject"]
    assert message["Message-ID"] == message_id(site, TagKeys(reader.key, EDITION.key), SECRET) == composed.message_id
    assert raw["List-Unsubscribe"] == f"<{links.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["To"].addresses[0].username == reader.email.partition("@")[0]
    envelope = make_ready(composed, lambda tag: f"b+{tag}@news.example.org", {"smtputf8": ""})
    assert envelope.wire == wire_form(composed.message), "SMTP sends it as it is"


@pytest.mark.long
def test_four_hundred_messages_say_what_letters_rendered_whole_say() -> None:
    dice, pool = random.Random(2026), awkward_entries()
    shipped = replace(load(ROOT / "config.toml", {}), taxonomy=sample.TAXONOMY, templates=None)
    signer = Dkim("news.example.org", "s1", KEY)
    editions = [Letters(settings, EDITION, pool) for settings in settings_of(shipped, signer)]
    digests = [sample.random_digest(dice, pool) for _ in range(50)]
    for number in range(1, 401):
        reader, digest = some_reader(dice, number), dice.choice(digests)
        check_message(editions[number % 4], reader, digest)
        plain, signed = (
            parcel(letters, reader, digest, KEYS, NOW, delivery=number).message
            for letters in editions[number % 2 * 2 :][:2]
        )
        assert signed.startswith(b"DKIM-Signature: ") and signed.endswith(plain)


def settings_of(shipped: Settings, signer: Dkim) -> list[Settings]:
    """Return the settings of each site, without a signature and with one."""
    return [replace(shipped, site=site, dkim=dkim) for site in SITES for dkim in (None, signer)]
