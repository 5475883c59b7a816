"""Know the editors who have signed in, for the desk of `digest serve`: by a session, whose token is in a cookie."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.routing import Route

from digest.desk.editors import LONGEST
from digest.desk.sign_in import form_token, who
from digest.installation import Installation
from digest.web.desk.page import Asker, Desk, DeskAnswer, DeskPage
from digest.web.desk.routes import desk_routes
from digest.web.desk.sign_in_pages import sign_in_pages, way_on

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SessionDoor:
    """Knows the editors of an installation by their sessions; `hand_over` hands over the mails with their links."""

    def __init__(self, installation: Installation, hand_over: Callable[[], None]) -> None:
        address = urlsplit(installation.settings.site.base_url)
        self._installation, self._hand_over, self._host = installation, hand_over, address.hostname
        self._is_safe, self._root = address.scheme == "https", address.path
        # The prefix lets no other host of the domain set it. It needs https, which a test host may not have, and the
        # whole host: below a path, the cookie must not go to what else the host serves, or be that of another desk.
        self.cookie = "desk" if not self._is_safe else "__Secure-desk" if self._root else "__Host-desk"

    def who(self, request: Request) -> Asker | None:
        """Return the editor whose session the cookie names."""
        token = request.cookies.get(self.cookie, "")
        pair = who(self._installation, token)
        if pair is None:
            return None
        person, session = pair
        csrf = form_token(self._installation.secret, token)
        return Asker(person.name, person.role, csrf, person.number, session)

    def is_here(self, request: Request) -> bool:
        """Return whether a request names the host of [site] base_url, or this machine, as an inner proxy may."""
        try:
            host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        except ValueError:
            return False
        return host is not None and host in (self._host, *_LOOPBACK)

    def to_sign_in(self, request: Request) -> DeskAnswer:
        """Return the way to the page to sign in, and from there back to the page that was asked for."""
        if request.method == "POST":
            text = "Nothing was saved. Go back and copy what you wrote, sign in again, and send it from a new page."
            return DeskAnswer("refusal.html.j2", {"title": "You are signed out", "text": text}, status=403)
        to = way_on(request.url.path)
        return DeskAnswer(location="/desk/sign-in" + (f"?to={quote(to)}" if to else ""))

    def pages(self) -> tuple[DeskPage, ...]:
        """Return the pages to sign in and out, and those of a person's own sessions."""
        return sign_in_pages(self._set_cookie, self._hand_over)

    def _set_cookie(self, token: str) -> str:
        """Return the header that gives a browser its session; "" takes it away."""
        cookie = SimpleCookie({self.cookie: token})
        more = {
            "httponly": True,
            "samesite": "Lax",
            "path": self._root or "/",
            "max-age": int(LONGEST.total_seconds()) if token else 0,
        }
        for name, value in (more | ({"secure": True} if self._is_safe else {})).items():
            cookie[self.cookie][name] = value
        return cookie[self.cookie].OutputString()


def served_desk(installation: Installation, hand_over: Callable[[], None]) -> list[Route]:
    """Return the routes of the desk for `digest serve`."""
    door = SessionDoor(installation, hand_over)
    desk = Desk(installation, root=urlsplit(installation.settings.site.base_url).path)
    return desk_routes(desk, door, *door.pages())
