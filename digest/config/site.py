"""What [site] and the addresses in config.toml may hold: each check returns the lines that say what is wrong."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from digest.letter.mime import headers
from subscribers.languages import is_language_tag

LONGEST_URL = 300  # characters: links in letters add a token to it, and a header's line holds 998
_MAILBOX = 'write "Learning Digest <digest@example.org>"'
_URL = "write https://digest.example.org"


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an absolute http or https address with a host, or None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def check_mailbox(key: str, value: str) -> list[str]:
    """Say why a mailbox cannot stand in a letter's head, by the very rule that writes it there."""
    try:
        headers.mailbox(key, value)
    except headers.BadHeader as error:
        return [f"{str(error).rpartition('; ')[0] or error}; {_MAILBOX}"]
    return []


def check_base_url(value: str) -> list[str]:
    """Say why links in letters cannot begin with this address."""
    key = "site.base_url"
    parts = split_url(value)
    if parts is None:
        return [f"{key}: {value[:60]!r} is not an absolute web address; {_URL}"]
    if parts.username is not None or parts.password is not None:
        # Not repeated here: what stands before the @ may be a password.
        return [f"{key}: holds a user name or password, which every reader would see; leave it out"]
    if "?" in value or "#" in value:
        return [f"{key}: {value[:60]!r} has a query or fragment, but paths are added to it; {_URL}"]
    if len(value) > LONGEST_URL:
        return [f"{key}: has {len(value)} characters; use at most {LONGEST_URL}"]
    try:
        headers.uri(key, value)
        if not _numeric(parts.hostname or ""):
            headers.domain(key, parts.hostname or "")
    except headers.BadHeader as error:
        return [f"{str(error).rpartition('; ')[0] or error}; {_URL}"]
    return []


def check_language(value: str) -> list[str]:
    """Say why a language is no BCP 47 tag."""
    if is_language_tag(value):
        return []
    return [f'site.language: {value[:40]!r} is not a language tag; write one like "en", "en-GB" or "cy"']


def _numeric(host: str) -> bool:
    return ":" in host  # an IPv6 address; an IPv4 one passes for a domain
