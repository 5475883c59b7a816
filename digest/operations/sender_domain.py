"""Find what the DNS lacks of a sender's domain: SPF, DKIM and DMARC, without which letters are taken for forged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from digest.config.settings import Settings
from digest.operations.finding import Finding
from digest.sources.links import is_reserved
from digest.system.txt_records import DnsSilent, TxtRecords

_PATIENCE = 3.0  # seconds for all look-ups together
LookUp = Callable[[str], list[str]]


def domain_findings(settings: Settings, look_up: LookUp | None = None) -> Iterator[Finding]:
    """Yield what the DNS lacks of the domain of `site.from`, or one note where no resolver tells.

    Letters that go to files, and a domain for examples, need nothing of the DNS.
    """
    domain = settings.site.sender.domain.lower()
    if settings.transport.kind == "file" or is_reserved(domain):
        return
    try:
        yield from _findings(settings, domain, look_up or TxtRecords(_PATIENCE).texts)
    except DnsSilent as why:
        problem = f"its SPF, DKIM and DMARC could not be looked up within {_PATIENCE:g} seconds ({why})"
        yield Finding("note", domain, problem, "ask again where the DNS answers, or look with `dig TXT`")


def _findings(settings: Settings, domain: str, look_up: LookUp) -> list[Finding]:
    """Return the findings of a domain, all or none. Raises DnsSilent."""
    findings = list(_spf(settings, domain, look_up))
    if settings.dkim is not None:
        findings += _dkim(settings, look_up)
    return [*findings, *_dmarc(domain, look_up)]


def _spf(settings: Settings, domain: str, look_up: LookUp) -> Iterator[Finding]:
    # Receivers judge the address that gets bounces; without one of our own it is the sender's.
    judged = (settings.transport.bounces or "").rpartition("@")[2].lower() or domain
    records = [text for text in look_up(judged) if text.lower().split(" ")[0] == "v=spf1"]
    if not records and settings.transport.kind == "smtp":
        cure = f'add the TXT record "v=spf1 … -all" to {judged}, with what your mail provider tells you in between'
        yield Finding("wrong", judged, "has no SPF record, so letters may be taken for forged", cure)
    elif len(records) > 1:
        yield Finding("wrong", judged, f"has {len(records)} SPF records, so none counts", "make one of them")
    elif records and records[0].lower().split()[-1] in ("+all", "all"):
        yield Finding("wrong", judged, "its SPF record lets everybody send in its name", "end it with -all or ~all")


def _dkim(settings: Settings, look_up: LookUp) -> Iterator[Finding]:
    from digest.letter.mime.dkim import public_keys  # here, because cryptography is slow to import

    assert settings.dkim is not None
    name = f"{settings.dkim.selector}._domainkey.{settings.dkim.domain}"
    records = [_tags(text) for text in look_up(name)]
    keys = ["".join(tags.get("p", "").split()) for tags in records if tags.get("v", "DKIM1") == "DKIM1"]
    cure = "`openssl rsa -in KEY_FILE -pubout -outform DER | base64 -w0` tells what goes after p="
    if not any(keys):
        yield Finding("wrong", name, "has no public key, so the signature of each letter fails", f"add it: {cure}")
    elif len(records) > 1:
        yield Finding("wrong", name, f"has {len(records)} records, so signatures fail", "leave one of them")
    elif keys[0] not in public_keys(settings.dkim.key):
        problem = "has another public key than that of dkim.key_file, so the signature of each letter fails"
        yield Finding("wrong", name, problem, f"correct it: {cure}")


def _dmarc(domain: str, look_up: LookUp) -> Iterator[Finding]:
    # The policy of a domain above holds for its subdomains too; a name of one label is a country or the like.
    labels = domain.split(".")
    above = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    for name in above:
        records = [text for text in look_up(f"_dmarc.{name}") if text.lower().replace(" ", "").startswith("v=dmarc1")]
        if len(records) > 1:
            yield Finding("wrong", f"_dmarc.{name}", f"has {len(records)} records, so none counts", "leave one")
        if records:
            return
    cure = f'add the TXT record "v=DMARC1; p=none" to _dmarc.{domain}, and make it stricter later'
    yield Finding("note", domain, "has no DMARC policy, which large providers ask of who mails many", cure)


def _tags(text: str) -> dict[str, str]:
    """Return the tags of a record like "v=DKIM1; k=rsa; p=…"."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
