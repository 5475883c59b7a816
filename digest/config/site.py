"""Read [site] of config.toml: whose newsletter it is, and the addresses that its letters carry.

Each check returns a line for each mistake: the key, the mistake and the cure.
"""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from digest.letter.mime import headers
from digest.model import NamedAddress, Site
from subscribers.languages import is_language_tag

# The first parts of the addresses of the web pages: a path of base_url that begins so cannot be told from them.
_OWN_PATHS = """
    accessibility archive confirm desk healthz hooks icon.svg join letters metrics new-link pause preferences privacy
    readyz robots.txt sample search sitemap sitemap.xml story undo unsubscribe yours
"""
OWN_PATHS = frozenset(_OWN_PATHS.split())
LONGEST_URL = 300  # characters, because links in letters add a token to it and a header's line holds 998
_MAILBOX = 'write "Learning Digest <digest@example.org>"'
_URL = "write https://digest.example.org"


class SitePart(BaseModel):
    """[site]: the name of the newsletter, its web address, its sender, and its language and time zone."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    name: str = Field(min_length=1, description="The name of the newsletter, in letters and on the web pages.")
    base_url: str = Field(description="The address where `digest serve` is reached; links in letters begin with it.")
    from_: str = Field(
        alias="from",
        min_length=3,
        description="The sender of every letter: a name and an address, or an address alone.",
    )
    reply_to: str = Field(default="", description="Where answers to letters go. Empty: to the sender.")
    postal_address: str = Field(
        default="", description="The organisation's postal address, in the footer of letters."
    )
    language: str = Field(
        default="en", description="The language tag of entries, of the editor's note and of new subscribers."
    )
    zone: str = Field(default="Europe/London", description="The time zone that slots and dates are in.")
    reader_zones: list[str] = Field(
        default=[],
        description="Time zones that readers may choose beside `zone`, such as `America/New_York`. A reader who "
        "chooses one gets each letter at the hour of their cadence there. An edition is frozen when its hour "
        "comes in the first of these zones.",
    )


def check_site(part: SitePart, *, mailed: bool) -> list[str]:
    """Return a line for each mistake in [site]. `mailed`: letters go to mail servers, not only to files."""
    problems = check_base_url(part.base_url)
    problems += mailbox_of("site.from", part.from_, mailed=mailed)[1]
    problems += mailbox_of("site.reply_to", part.reply_to, mailed=mailed)[1] if part.reply_to else []
    return (
        problems
        + check_language(part.language)
        + [
            problem
            for key, name in [
                ("zone", part.zone),
                *((f"reader_zones.{n}", each) for n, each in enumerate(part.reader_zones)),
            ]
            for problem in check_zone(name, f"site.{key}")
        ]
    )


def site_of(part: SitePart) -> Site:
    """Return the site of a part without mistakes."""
    return Site(
        part.name,
        in_ascii(part.base_url).rstrip("/"),
        headers.mailbox("site.from", part.from_),
        headers.mailbox("site.reply_to", part.reply_to) if part.reply_to else None,
        part.postal_address,
        part.language,
        part.zone,
        tuple(dict.fromkeys(name for name in part.reader_zones if name != part.zone)),
    )


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an absolute http or https address with a host, or None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def mailbox_of(key: str, value: str, *, mailed: bool, cure: str = _MAILBOX) -> tuple[NamedAddress | None, list[str]]:
    """Return the mailbox that a key gives, or None and a line if it is not a single one.

    `mailed`: mail servers will see it, so that its domain must be a full name.
    """
    try:
        mailbox = headers.mailbox(key, value)
    except headers.BadHeader as error:
        return None, [f"{str(error).rpartition('; ')[0] or error}; {cure}"]
    if mailed and not headers.is_full_name(mailbox.domain):
        return None, [f"{key}: {mailbox.domain!r} is not a full domain name, which mail servers ask for; {cure}"]
    return mailbox, []


def check_base_url(value: str) -> list[str]:
    """Return a line if links in letters cannot begin with this address."""
    key = "site.base_url"
    parts = split_url(value)
    if parts is None:
        return [f"{key}: {value[:60]!r} is not an absolute web address; {_URL}"]
    if parts.username is not None or parts.password is not None:
        # The line does not repeat the address, because the text before its @ may be a password.
        return [f"{key}: holds a user name or password, which every reader would see; leave it out"]
    if "?" in value or "#" in value:
        return [f"{key}: {value[:60]!r} has a query or fragment, but paths are added to it; {_URL}"]
    if len(value) > LONGEST_URL:
        return [f"{key}: has {len(value)} characters; use at most {LONGEST_URL}"]
    try:
        # An IPv6 address is no domain; an IPv4 address passes for a domain.
        if ":" not in (parts.hostname or ""):
            headers.domain(key, unquote(parts.hostname or ""))
        headers.uri(key, in_ascii(value))
    except headers.BadHeader as error:
        return [f"{str(error).rpartition('; ')[0] or error}; {_URL}"]
    if {"", ".", ".."} & {*unquote(parts.path).rstrip("/").split("/")[1:]}:
        return [f"{key}: {value[:60]!r} has a part in its path that browsers change; write it without // and dots"]
    return []


def in_ascii(url: str) -> str:
    """Return an absolute web address in ASCII: its domain as IDNA has it, other characters of its path as %XX.

    So that an operator may write the name as people read it. Without a host that can be a domain, as it is.
    """
    parts = split_url(url)
    if parts is None or (url.isascii() and "%" not in parts.netloc):
        return url
    try:
        host = headers.domain("", unquote(parts.hostname or ""))
    except headers.BadHeader:
        return url
    netloc = f"{host}:{parts.port}" if parts.port is not None else host
    return parts._replace(netloc=netloc, path=quote(parts.path, safe="/%:@!$&'()*+,;=~-._")).geturl()


def begins_as_ours(root: str) -> bool:
    """Return whether the path of base_url begins as a page of ours, so that nobody can tell which is meant."""
    return unquote(root).strip("/").partition("/")[0] in OWN_PATHS


def check_language(value: str) -> list[str]:
    """Return a line if a language is no BCP 47 tag."""
    if is_language_tag(value):
        return []
    return [f'site.language: {value[:40]!r} is not a language tag; write one like "en", "en-GB" or "cy"']


def check_zone(value: str, key: str = "site.zone") -> list[str]:
    """Return a line if this machine has no time zone of that name."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [f'{key}: {value!r} is not a time zone; write one like "Europe/London"']
    return []
