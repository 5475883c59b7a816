"""Open the desk on one's own machine, on the loopback address, with a key and no accounts (`preview --serve`)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from http.cookies import SimpleCookie

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp

from digest.installation import Installation
from digest.web.app import SecurityHeaders
from digest.web.desk.page import ADMIN, VIEWER, Asker, Desk, DeskAnswer, DeskPage, NoPage, Parameters
from digest.web.desk.routes import desk_routes

OPEN = "/desk/open/{key}"
_COOKIE = "desk-preview"  # not as in `digest serve`, because a browser keeps one of a name for all ports of a host
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class LocalDoor:
    """Knows the person by a key, which the address that the command prints has, and then a cookie.

    Only a request that names a loopback host is answered, because another site's name may be made to lead here.
    """

    def __init__(self, name: str) -> None:
        self.key = secrets.token_urlsafe(24)
        self._asker = Asker(name, ADMIN, hashlib.sha256(b"csrf " + self.key.encode()).hexdigest())

    def who(self, request: Request) -> Asker | None:
        """Return the person when the cookie holds the key."""
        given = request.cookies.get(_COOKIE, "")
        return self._asker if hmac.compare_digest(given.encode(), self.key.encode()) else None

    def is_here(self, request: Request) -> bool:
        """Return whether a request names a loopback host."""
        host = request.headers.get("host", "")
        return host.rpartition(":")[0] in _HOSTS or host in _HOSTS

    def to_sign_in(self, _request: Request) -> DeskAnswer:
        """Return a page that says how the desk is opened."""
        text = "Open the whole address that `digest preview --serve` has printed: it holds the key of this desk."
        return DeskAnswer("refusal.html.j2", {"title": "This desk is closed", "text": text}, status=403)

    def page(self) -> DeskPage:
        """Return the page behind the address that the command prints, which gives the browser its cookie."""

        def show(_desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
            if not hmac.compare_digest(given.path["key"].encode(), self.key.encode()):
                raise NoPage("This key is of another start of `digest preview --serve`.")
            cookie = SimpleCookie({_COOKIE: self.key})
            for name, value in (("httponly", True), ("samesite", "Strict"), ("path", "/")):
                cookie[_COOKIE][name] = value
            return DeskAnswer(location="/desk", headers={"Set-Cookie": cookie[_COOKIE].OutputString()})

        return DeskPage(OPEN, VIEWER, get=show, public=True)


def local_app(installation: Installation, name: str) -> tuple[ASGIApp, Callable[[str], str]]:
    """Return the desk as an application of its own, and a function that completes its address with the key."""
    door = LocalDoor(name)
    desk = Desk(installation, local=True)
    home = DeskPage("/", VIEWER, get=lambda _desk, _asker, _given: DeskAnswer(location="/desk"))
    app = Starlette(routes=desk_routes(desk, door, door.page(), home))
    app.router.redirect_slashes = False
    return SecurityHeaders(app), lambda address: address + OPEN.replace("{key}", door.key)
