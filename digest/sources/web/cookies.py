"""Keep the cookies that redirects set during one fetch, because some servers redirect in a circle without them."""

from __future__ import annotations

from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import cast
from urllib.parse import urlsplit
from urllib.request import Request

from digest.sources.web.answers import Headers

_MOST = 8_000  # characters of all cookies of a request; servers refuse longer headers


class Cookies:
    """Hold the cookies of one fetch, each for the server that set it; they are forgotten with the fetch."""

    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}  # by server, so that a domain's cookie reaches no other host or port

    def take(self, url: str, headers: Headers) -> None:
        """Take the cookies that an answer of `url` sets."""
        message = Message()
        for key, value in headers:
            if key.lower() == b"set-cookie":
                message["Set-Cookie"] = value.decode("latin-1")
        if "Set-Cookie" in message:
            jar = self._jars.setdefault(_server(url), CookieJar())
            jar.extract_cookies(cast(HTTPResponse, _Answer(message)), Request(url))  # noqa: S310

    def header(self, url: str) -> str:
        """Return the Cookie header of a request for `url`, or ""."""
        jar = self._jars.get(_server(url))
        if jar is None:
            return ""
        request = Request(url)  # noqa: S310
        jar.add_cookie_header(request)
        value = str(request.get_header("Cookie") or "")
        return value if len(value) <= _MOST else ""


def _server(url: str) -> str:
    """Return the host of an address, and its port unless that is the usual one, so that http and https are one."""
    parts = urlsplit(url)
    is_usual = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return (parts.hostname or "") if is_usual else f"{parts.hostname}:{parts.port}"


class _Answer:
    """Show the headers of an answer as http.cookiejar reads them."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def info(self) -> Message:
        return self._message
