"""Test the findings about a sender's domain: missing SPF, DKIM or DMARC; one note where no DNS answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.resolver
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.config.load import load
from digest.config.settings import Settings
from digest.letter.mime.dkim import public_keys
from digest.model import Dkim
from digest.operations.sender_domain import domain_findings
from digest.system.txt_records import DnsSilent, TxtRecords
from tests.counts import table
from tests.house import CONFIG

DOMAIN = "news.council.gov.uk"
MAIL = '\n[transport]\nkind = "smtp"\nhost = "mail.council.gov.uk"\n'
KEYS = [
    key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for key in (generate_private_key(65537, 2048), Ed25519PrivateKey.generate())
]
RSA, *OTHER_FORM = public_keys(KEYS[0])
[ED] = public_keys(KEYS[1])
SPF = {DOMAIN: ["v=spf1 include:spf.mail.example -all", "google-site-verification=x"]}
DMARC = {"_dmarc.council.gov.uk": ["v=DMARC1; p=none"]}
NAME = f"digest1._domainkey.{DOMAIN}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    config = tmp_path_factory.mktemp("domain") / "config.toml"
    text = CONFIG.format(source="", weekly="").replace("example.org", DOMAIN)
    config.write_text(text + MAIL, encoding="utf-8")
    return load(config, {})


def told(settings: Settings, records: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return level and place of each finding where the DNS has these records."""
    return [(each.level, each.place) for each in domain_findings(settings, lambda name: records.get(name, []))]


@table(
    "records, findings",
    [
        (SPF | DMARC, []),
        (SPF | {f"_dmarc.{DOMAIN}": ["v=DMARC1;p=reject"]}, []),
        (DMARC, [("wrong", DOMAIN)]),
        (DMARC | {DOMAIN: ["v=spf10 -all"]}, [("wrong", DOMAIN)]),
        (DMARC | {DOMAIN: ["v=spf1 -all", "V=SPF1 a -all"]}, [("wrong", DOMAIN)]),
        (DMARC | {DOMAIN: ["v=spf1 +all"]}, [("wrong", DOMAIN)]),
        (SPF, [("note", DOMAIN)]),
        (SPF | {"_dmarc.uk": ["v=DMARC1; p=none"]}, [("note", DOMAIN)]),  # no domain of ours
        (SPF | {f"_dmarc.{DOMAIN}": ["v=DMARC1; p=none"] * 2}, [("wrong", f"_dmarc.{DOMAIN}")]),
        ({}, [("wrong", DOMAIN), ("note", DOMAIN)]),
    ],
)
def test_spf_and_dmarc(settings: Settings, records: dict[str, list[str]], findings: list[tuple[str, str]]) -> None:
    assert told(settings, records) == findings


@table(
    "key, texts, is_wrong",
    [
        (0, [f"v=DKIM1; k=rsa; p={RSA}"], False),
        (0, [f"p={RSA[:100]} {RSA[100:]}"], False),
        (0, [f"v=DKIM1; k=rsa; p={OTHER_FORM[0]}"], False),
        (1, [f"v=DKIM1; k=ed25519; p={ED}"], False),
        (1, [f"v=DKIM1; k=rsa; p={RSA}"], True),
        (0, ["v=DKIM1; k=rsa; p="], True),  # withdrawn
        (0, [], True),
        (0, ["a text of another kind"], True),
        (0, [f"v=DKIM1; p={RSA}"] * 2, True),
    ],
)
def test_dkim(settings: Settings, key: int, texts: list[str], is_wrong: bool) -> None:
    signed = replace(settings, dkim=Dkim(DOMAIN, "digest1", KEYS[key]))
    assert told(signed, SPF | DMARC | {NAME: texts}) == ([("wrong", NAME)] if is_wrong else [])


def test_nobody_tells_and_nobody_is_asked(settings: Settings, tmp_path: Path) -> None:
    def silent(_: str) -> list[str]:
        raise DnsSilent("Timeout")

    [finding] = domain_findings(settings, silent)
    assert (finding.level, finding.place) == ("note", DOMAIN) and "within 3 seconds (Timeout)" in finding.problem
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    assert list(domain_findings(load(tmp_path / "config.toml", {}), silent)) == [], "letters go to files"


# --- a real resolver of this machine ------------------------------------------------------------------------------


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer this process's questions by a server on a socket: one name has texts, one none, one gets no answer."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            wire, peer = server.recvfrom(4096)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            name = query.question[0].name
            if str(name).startswith("silent"):
                continue
            answer = dns.message.make_response(query)
            if str(name).startswith("has"):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", '"v=spf1 " "-all"', '"second"'))
            else:
                answer.set_rcode(3)
            server.sendto(answer.to_wire(), peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ours = dns.resolver.Resolver(configure=False)
    ours.nameservers, ours.port = ["127.0.0.1"], server.getsockname()[1]
    monkeypatch.setattr(dns.resolver, "default_resolver", ours)
    yield
    server.sendto(b"", server.getsockname())
    thread.join()
    server.close()


@pytest.mark.usefixtures("resolver")
def test_texts_of_the_dns() -> None:
    records = TxtRecords(3)
    assert sorted(records.texts("has.example.org")) == ["second", "v=spf1 -all"]
    assert records.texts("none.example.org") == []


@pytest.mark.usefixtures("resolver")
def test_the_time_is_limited_in_all() -> None:
    with pytest.raises(DnsSilent, match="Timeout"):
        TxtRecords(0.05).texts("silent.example.org")
    times = iter([0.0, 3.0])
    with pytest.raises(DnsSilent, match="the time is over"):
        TxtRecords(3, lambda: next(times)).texts("has.example.org")
