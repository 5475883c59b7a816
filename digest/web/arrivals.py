"""Take requests as they arrive: below the path of [site] base_url or not, and with something stuck to a token.

A proxy may pass the path of base_url on or strip it. A program that finds addresses in plain text may take the full
stop, bracket or word behind an address for a part of it; the end of a token can be told, so that the rest is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.config.site import begins_as_ours

# The beginning of a path, a token and what follows. A token is a payload and a signature of 16 bytes
# (`subscribers.tokens`), or, in a link to sign in, 32 bytes in hex.
_TOKEN = re.compile(
    r"(/(?:[a-z-]+/)+)[^\w/-]*([A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}|[0-9a-f]{64}(?![0-9a-f]))(.*)", re.DOTALL
)
_SPACE = re.compile(r"\s+")
_STUCK = re.compile(r"[^a-z]+$")


class Arrivals:
    """Hands requests on with the path that the routes know. Plain ASGI.

    `root` is the path of base_url, `patterns` are the paths of the routes that have a token.
    """

    def __init__(self, app: ASGIApp, root: str, patterns: Iterable[str]) -> None:
        self._app, self._root = app, root.rstrip("/")
        self._prefix = "" if begins_as_ours(self._root) else unquote(self._root)
        split = (pattern.partition("{token}") for pattern in patterns if "{token}" in pattern)
        self._known = {(before, after) for before, _, after in split}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; a GET of an address with something stuck to it is led to the address without."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = self._below_root(scope["path"])
        asks = scope["method"] in ("GET", "HEAD")
        clean = self.cleaned(path, asks)
        if clean != path and asks:
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(self._root + quote(clean) + (f"?{query}" if query else ""), 302)(
                scope, receive, send
            )
            return
        # Not redirected, because a one-click (RFC 8058) is not, and a mail program would lose its form.
        await self._app(_with_path(scope, clean), receive, send)

    def _below_root(self, path: str) -> str:
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            return path.removeprefix(self._prefix) or "/"
        return path

    def cleaned(self, path: str, asks: bool) -> str:
        """Return a path without what is stuck to its token or to the form below it; any other path as it is.

        Unless the request only asks, a further part of the path stays, because it may name a form that is switched
        off, which must not act as the form above it.
        """
        # Without spaces, because a line that was wrapped may have put them into a token.
        match = _TOKEN.fullmatch(_SPACE.sub("", path))
        if match is None:
            return path
        before, token, rest = match.groups()
        for after in (rest, _STUCK.sub("", rest)):
            if (before, after) in self._known:
                return f"{before}{token}{after}"
        cut = (before, "") in self._known and (asks or not rest.startswith("/"))
        return f"{before}{token}" if cut else path


def root_of(base_url: str) -> str:
    """Return the path below which a proxy serves the pages, "" or "/digest"."""
    return urlsplit(base_url).path.rstrip("/")


def _with_path(scope: Scope, path: str) -> Scope:
    if path == scope["path"]:
        return scope
    own: dict[str, Any] = {"path": path, "raw_path": quote(path).encode("ascii"), "root_path": ""}
    return {**scope, **own}
