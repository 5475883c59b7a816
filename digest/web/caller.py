"""Tell where a request comes from, as coarsely as limits, consents and the list of sessions need it."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from starlette.requests import Request

# The first that stands in the text that a browser names itself by: several name others beside themselves.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_UNKNOWN = "unknown"


class Caller(NamedTuple):
    """Where a request comes from: a coarse network, such as "192.0.2.0/24", and the kind of browser in words."""

    network: str = ""
    device: str = ""


NOWHERE = Caller()


def caller_of(request: Request) -> Caller:
    """Return where a request comes from.

    A sender on this machine or a private network is taken for our proxy: then the last address that it has added to
    X-Forwarded-For counts. Others may write there what they like.
    """
    peer = _address(request.client.host if request.client else "")
    if peer is None or peer.is_private:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2]
        peer = _address(forwarded) or peer
    return Caller(network_of(peer), device_of(request.headers.get("user-agent", "")))


def network_of(address: IPv4Address | IPv6Address | None) -> str:
    """Return the network of an address: a /24 of IPv4, a /48 of IPv6, which one sender often has as a whole."""
    if address is None:
        return _UNKNOWN
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


def device_of(user_agent: str) -> str:
    """Return the kind of browser and system in words, such as "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "another browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address that may carry a port, "[2001:db8::1]:443" or "192.0.2.1:443"; None for anything else."""
    text = text.strip()
    if match := re.fullmatch(r"\[([^\]]+)\](?::\d+)?", text):
        text = match[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
