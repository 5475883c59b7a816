"""DKIM signatures: two other implementations verify them, and a change of a signed header or the body breaks them."""

from __future__ import annotations

import base64
import functools
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from digest.config.load import load
from digest.delivery.parcel import parcel
from digest.errors import ConfigError
from digest.letter.mime.compose import Head, compose
from digest.letter.mime.dkim import BadKey, load_dkim_key, sign
from digest.model import Dkim
from digest.render import Letters
from digest.transports.smtp.envelope import wire_form
from subscribers.model import Subscriber
from tests.counts import table
from tests.house import START, House
from tests.letter import golden, sample
from tests.test_render import EDITION, KEYS

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@functools.cache
def keys(kind: str) -> tuple[Dkim, str]:
    """Return a new key of a kind ("rsa" or "ed25519"), and the text of its DNS record."""
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "rsa":
        private = rsa.generate_private_key(65537, 2048)
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        private = ed25519.Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    record = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"
    return Dkim("news.example.org", "wk47", pem(private)), record


def pem(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def message(**other: str) -> bytes:
    values = {"to": "ceri@council.example", "unsubscribe_url": sample.READER.unsubscribe_url, **other}
    return compose(
        golden.letter(),
        Head(
            sample.SITE, message_id="<e47.d1@news.example.org>", date=NOW, list_id="weekly.news.example.org", **values
        ),
    )


def verified(wire: bytes, record: str) -> bool:
    asked = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record.encode()

    try:
        found = bool(dkimpy.verify(wire, dnsfunc=txt))
    except dkimpy.DKIMException:
        return False
    assert asked in ([b"wk47._domainkey.news.example.org."], [])
    return found


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"to_name": "Siân Ŵyn, Cllr. (Ynys Môn) " * 4},
        {
            "unsubscribe_url": "https://news.example.org/u/" + "a" * 273,
            "unsubscribe_mailto": "mailto:u+x@example.org",
        },
    ],
)
def test_a_signature_is_verified(kind: str, other: dict[str, str]) -> None:
    signer, record = keys(kind)
    wire = sign(message(**other), signer, NOW)
    assert verified(wire, record)
    assert wire.endswith(message(**other))
    wire.decode("ascii")
    assert max(map(len, wire.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78
    assert sign(message(**other), signer, NOW) == wire, "the same letter is the same bytes"


def test_the_signature_covers_what_bulk_mail_must() -> None:
    signer, _ = keys("rsa")
    wire = sign(message(), signer, NOW)
    head = re.sub(rb"\s+", b"", wire.partition(b"From:")[0]).decode()
    tags = dict(tag.split("=", 1) for tag in head.removeprefix("DKIM-Signature:").split(";"))
    assert tags["c"] == "relaxed/relaxed"
    assert tags["a"] == "rsa-sha256"
    assert tags["t"] == str(int(NOW.timestamp()))
    assert "l" not in tags
    assert tags["h"].split(":") == [
        "from", "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "list-id",
        "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
    ]  # fmt: skip


SPOILT = [
    (b"Subject: ", b"Subject: Re: "),
    (b"From: Learning Digest <digest@", b"From: Learning Digest <other@"),
    (b"\r\nFrom: ", b"\r\nFrom: Someone Else <x@example.org>\r\nFrom: "),
    (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
    (b"/u/", b"/v/"),
    (b"Kentbourne", b"Kentburne"),
]


@table("kind", ["rsa", "ed25519"])
@table("old, new", SPOILT)
def test_a_changed_message_is_not_verified(kind: str, old: bytes, new: bytes) -> None:
    signer, record = keys(kind)
    wire = sign(message(), signer, NOW)
    assert old in wire
    assert not verified(wire.replace(old, new, 1), record)


def test_white_space_that_mail_servers_change_spoils_nothing() -> None:
    signer, record = keys("rsa")
    wire = sign(message(), signer, NOW)
    head, _, body = wire.partition(b"\r\n\r\n")
    head = head.replace(b"Subject: ", b"SUBJECT:   ").replace(b",\r\n ", b", ")
    assert verified(head + b"\r\n\r\n" + body.replace(b" and ", b"  and \t", 3) + b"\r\n\r\n", record)


@pytest.mark.checkers
def test_mail_dkim_verifies_a_signature(tmp_path: Path) -> None:
    """Checked too, because many mail servers use Mail::DKIM. RSA only, because Debian's version has no Ed25519."""
    perl = shutil.which("perl")
    found = perl and subprocess.run([perl, "-MMail::DKIM", "-e", "1"], capture_output=True).returncode == 0
    if not perl or not found:
        if os.environ.get("DIGEST_REQUIRE_BROWSER") == "1":
            pytest.fail("no Mail::DKIM: apt-get install libmail-dkim-perl")
        pytest.skip("no Mail::DKIM: apt-get install libmail-dkim-perl")
    signer, record = keys("rsa")
    wire = sign(message(), signer, NOW)
    for name, text, wanted in (("good", wire, "pass"), ("bad", wire.replace(b"Kentbourne", b"Kentburne"), "fail")):
        path = tmp_path / f"{name}.eml"
        path.write_bytes(text)
        done = subprocess.run([perl, "-e", PERL, str(path), record], capture_output=True, text=True, timeout=60)
        assert done.stdout == wanted, done.stderr


PERL = r"""
use strict; use warnings;
use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my ($path, $record) = @ARGV;
{ no warnings 'redefine';
  *Mail::DKIM::Signature::fetch_public_key = sub { };
  *Mail::DKIM::Signature::get_public_key = sub { return Mail::DKIM::PublicKey->parse($record) }; }
my $dkim = Mail::DKIM::Verifier->new();
open(my $file, '<:raw', $path) or die $!;
local $/ = undef;
$dkim->PRINT(<$file>);
$dkim->CLOSE;
print $dkim->result;
print STDERR $dkim->result_detail;
"""


BAD = [
    (b"no key", "is not a private key in PEM"),
    (pem(rsa.generate_private_key(65537, 1024)), "has 1024 bits"),
    (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "told"), BAD, ids=range(len(BAD)))
def test_an_unfit_key_is_refused(key: bytes, told: str) -> None:
    with pytest.raises(BadKey, match=told):
        load_dkim_key(key)


def config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    site = '[site]\nname = "D"\nbase_url = "https://d.example.org"\nfrom = "D <d@news.example.org>"\n'
    path.write_text(site + text, encoding="utf-8")
    return path


def test_config_reads_the_key_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_bytes(keys("rsa")[0].key)
    text = '[dkim]\ndomain = "Example.org"\nselector = "wk47"\nkey_file = "dkim.pem"\n'
    dkim = load(config(tmp_path, text), {}).dkim
    assert dkim == Dkim("example.org", "wk47", keys("rsa")[0].key)
    assert "PRIVATE" not in repr(dkim)
    assert load(config(tmp_path, ""), {}).dkim is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("dkim.pem", "other.pem", "dkim.key_file: "),
        ("dkim.pem", "bad.pem", "is not a private key in PEM"),
        ('"example.org"', '"example.com"', "dkim.domain: 'example.com' is not the domain of site.from"),
        ('"wk47"', '"wk 47"', "dkim.selector"),
        ("selector", "selectr", "dkim.selectr: unknown key; did you mean 'selector'?"),
    ],
)
def test_a_mistake_in_the_signature_names_its_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "dkim.pem").write_bytes(keys("rsa")[0].key)
    (tmp_path / "bad.pem").write_bytes(b"-----BEGIN NOTHING-----")
    text = '[dkim]\ndomain = "example.org"\nselector = "wk47"\nkey_file = "dkim.pem"\n'
    with pytest.raises(ConfigError) as caught:
        load(config(tmp_path, text.replace(old, new)), {})
    assert any(told in line for line in caught.value.problems), caught.value.problems


def test_a_letter_is_signed_where_config_has_a_key(tmp_path: Path, sqlite_url: str) -> None:
    from dataclasses import replace

    house = House(tmp_path / "house", sqlite_url)
    signer, record = keys("ed25519")
    person = Subscriber(1, "ceri@council.example", key="k")
    made = {}
    for dkim in (None, signer):
        settings = replace(house.settings, dkim=dkim)
        letters = Letters(settings, EDITION, sample.entries())
        made[dkim] = parcel(letters, person, sample.digest(), KEYS, START, delivery=1).message
    assert b"DKIM-Signature" not in made[None]
    assert made[signer].endswith(made[None])
    assert verified(made[signer], record)
    assert wire_form(made[signer]) == made[signer] + b".\r\n", "the SMTP transport sends it unchecked"
    house.close()
