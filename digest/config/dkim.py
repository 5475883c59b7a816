"""Read [dkim] of config.toml: the domain, selector and private key that letters are signed with."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from digest.letter.mime import headers
from digest.model import Dkim, NamedAddress

_PART = ConfigDict(extra="forbid", defer_build=True)


class DkimPart(BaseModel):
    """[dkim]: the domain and selector of the public key, and the path of the private key."""

    model_config = _PART

    domain: str = Field(description="The domain that signs: that of `site.from`, or one above it.")
    selector: str = Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        max_length=63,
        description="The public key stands in the DNS at `SELECTOR._domainkey.DOMAIN`.",
    )
    key_file: str = Field(description="The private key, PEM; readable by this account alone.")


def dkim_of(part: DkimPart | None, sender: NamedAddress, home: Path) -> tuple[Dkim | None, list[str]]:
    """Return the signature of letters, with its key read from its file, and a line for each mistake in [dkim].

    `sender` is the mailbox of `site.from`. The signature is None without [dkim], or where it cannot be read.
    """
    if part is None:
        return None, []
    problems = []
    try:
        host, domain = sender.domain, headers.domain("dkim.domain", part.domain)
    except headers.BadHeader as error:
        return None, [str(error)]
    if "." not in domain or ".." in part.selector:
        problems.append(f"dkim: {part.selector}._domainkey.{domain} is no name that the DNS can hold; correct it")
    if host != domain and not host.endswith(f".{domain}"):
        problems.append(
            f"dkim.domain: {part.domain!r} is not the domain of site.from ({host}) or above it; correct it"
        )
    try:
        key = (home / part.key_file).read_bytes()
    except OSError as error:
        return None, [
            *problems,
            f"dkim.key_file: {home / part.key_file}: {error.strerror}; make it with `openssl genrsa 2048`",
        ]
    from digest.letter.mime.dkim import BadKey, load_dkim_key  # here, because cryptography is slow to import

    try:
        load_dkim_key(key)
    except BadKey as error:
        problems.append(f"dkim.key_file: {home / part.key_file}: {error}")
    return Dkim(domain, part.selector, key), problems
