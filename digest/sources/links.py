"""Judge links from strangers: whether a link is accepted, and whether two links name the same page. Pure."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

MAX_LINK = 2_000
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# How hands write the start of an address: "http:/", "https//", "http://https://", "www.".
_SLIPS = re.compile(r"\A(?:https?:?//)*(https?)(?:://|:/|//)(?=[\w\[])", re.IGNORECASE)
_BARE_HOST = re.compile(r"www\.[\w-]+\.\w", re.IGNORECASE)
_AROUND = " \t\r\n\f\xa0\u200b\u200e\u200f\u2060\ufeff"
_ASCII_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_BARE_NUMBER = re.compile(r"[0-9]+")
# Percent-encode every other character of printable ASCII, because quotes, angle brackets and braces have a meaning in
# HTML, in Jinja or to a provider that substitutes.
_PATH_SAFE = "/:@!$&'()*+,;=~-._%"
_QUERY_SAFE = _PATH_SAFE + "?"

_TRACKING_PREFIXES = (
    "utm_", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "at_camp", "at_custom", "at_link", "at_medium", "at_ptr",
    "at_recipient", "vero_", "oly_", "sc_camp", "sc_chan", "trk_", "fb_action_", "ga_",
)  # fmt: skip
_TRACKING_NAMES = """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igshid igsh mc_cid mc_eid mkt_tok
    _hsenc _hsmi hsctatracking s_cid cmpid ncid wt.mc_id wt_mc icid xtor ns_campaign ns_mchannel ns_source
    ns_linkname __s ck_subscriber_id _openstat guccounter soc_src soc_trk rss_id at_creation at_format at_variant
    at_send_date at_bbc_team mibextid srsltid _gl _ga ref_src ref_url fb_source fb_ref li_fat_id irclickid epik _kx
    trkcampaign trkinfo dm_i
"""
# These tell where a reader came from only where their value names a feed: "source=rss----8f7a2---4", "ref=feed".
_ORIGINS = frozenset(("source", "src", "ref", "referrer", "from", "via", "medium", "cmp", "cid", "partner", "ito"))
_FEED_VALUE = re.compile(r"(?:rss|feed|atom)(?![a-z])", re.IGNORECASE)
_INDEX_PAGE = re.compile(r"/(index\.(html?|php)|default\.aspx?)$", re.IGNORECASE)
_TRACKING = frozenset(_TRACKING_NAMES.split())
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_reserved(host: str) -> bool:
    """Return whether a name of a machine or domain is one for examples and tests (RFC 2606, RFC 6761)."""
    return any(f".{host}".endswith(f".{name}") for name in _RESERVED)


@lru_cache(maxsize=256)  # because the same address is judged for each key of an entry
def absolute_link(raw: str | None, base: str | None) -> str | None:
    """Return `raw` as an absolute http(s) address of at most 2,000 ASCII characters, or None.

    `base` (an absolute http(s) address or None) resolves relative addresses. None also means: another
    scheme, a user name in it, a control, invisible or bidirectional character, a backslash, a fragment
    alone, a bare number (a GUID that was taken for a link), or a host that is spelled to deceive.
    """
    text = (raw or "").strip(" \t\r\n\f")
    if not text or len(text) > 2 * MAX_LINK or text.startswith("#") or _BARE_NUMBER.fullmatch(text):
        return None
    # Most addresses are printable ASCII, which is no deception.
    is_plain = text.isascii() and text.isprintable()
    if "\\" in text or not (is_plain or not any(map(_is_deceptive, text))):
        return None
    scheme = _SCHEME.match(text)
    if scheme and (scheme[1].lower() not in ("http", "https") or not text[scheme.end() :].startswith("//")):
        return None
    try:
        parts = urlsplit(text if scheme or not base else _below(base, text))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not host:
        return None
    host = ascii_host(host)
    if host is None or port == 0:
        return None
    netloc = host if port is None else f"{host}:{port}"
    path, query = _quoted(parts.path, _PATH_SAFE), _quoted(parts.query, _QUERY_SAFE)
    link = urlunsplit((parts.scheme, netloc, path or "/", query, _quoted(parts.fragment, _QUERY_SAFE)))
    return link if len(link) <= MAX_LINK else None


def _below(base: str, text: str) -> str:
    """Return `urljoin(base, text)`, and most paths from the root without its work."""
    if text[0] != "/" or text[1:2] == "/" or "/." in text or ";" in text:
        return urljoin(base, text)
    site = urlsplit(base)
    return f"{site.scheme}://{site.netloc}{text}" if site.netloc else urljoin(base, text)


def written_link(raw: str | None, base: str | None) -> str | None:
    """Return as `absolute_link` does what a publisher wrote as a link, whose slips a reader should not meet."""
    text = _SLIPS.sub(r"\1://", (raw or "").strip(_AROUND), count=1) if raw else ""
    return absolute_link(f"https://{text}" if _BARE_HOST.match(text) else text, base)


@lru_cache(maxsize=256)
def ascii_host(host: str) -> str | None:
    """Return a host name or address as lower-case ASCII (IPv6 in brackets), or None if it is none.

    Numbers that only look like an IPv4 address (127.1, 0x7f.1, 2130706433) are refused.
    """
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]" if "%" not in host else None
        except ValueError:
            return None
    name = host.lower()
    if not name.isascii():
        import idna  # here, because few hosts need its tables

        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            return None
    name = name.removesuffix(".")
    if len(name) > 253 or not _ASCII_HOST.fullmatch(name):
        return None
    if _NUMBER_LABEL.fullmatch(name.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return None
    return name


def without_tracking(url: str) -> str:
    """Return the address without the parameters that only follow the reader (utm_*, fbclid, …)."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and not _tracks(pair)]
    fragment = "" if _tracks(parts.fragment) else parts.fragment
    if fragment == parts.fragment and len(kept) == len(parts.query.split("&")):
        return url
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(kept), fragment))


@lru_cache(maxsize=256)
def link_key(url: str) -> str | None:
    """Return a key that every spelling of one page's address has in common, or None.

    Scheme, leading www., default port, tracking, fragment (save #! and #/ routes), index page, trailing slash and the
    order of parameters do not count. None means: not http(s), or no more than a host, which names a whole site and no
    entry.
    """
    link = absolute_link(url, None)
    if link is None:
        return None
    parts = urlsplit(without_tracking(link))
    host = (parts.hostname or "").removeprefix("www.")
    if ":" in host:
        host = f"[{host}]"
    if parts.port not in (None, 80, 443):
        host += f":{parts.port}"
    path = re.sub(r"/{2,}", "/", _ESCAPED.sub(_plainest, parts.path))
    path = _INDEX_PAGE.sub("/", path).rstrip("/")
    query = "&".join(sorted(pair for pair in _ESCAPED.sub(_plainest, parts.query).split("&") if pair))
    route = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    if not (path or query or route):
        return None
    return host + path + (f"?{query}" if query else "") + route


def address_key(url: str) -> str:
    """Return what every spelling of an address has in common, also of one that is no more than a host."""
    return link_key(url) or absolute_link(url, None) or url


def _is_deceptive(char: str) -> bool:
    """Return whether an address may not hold `char`: a control, an invisible or bidirectional mark, an odd space."""
    if char.isascii():
        return not (" " <= char <= "~")
    return unicodedata.category(char)[0] in "CZ"


def _quoted(text: str, safe: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe)


def _tracks(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = name.lower()
    if name in _ORIGINS:
        return _FEED_VALUE.match(value) is not None
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _plainest(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()
