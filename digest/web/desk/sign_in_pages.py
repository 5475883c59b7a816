"""Show the pages by which editors sign in and out, and on which they see and end their own sessions.

A GET of a link changes nothing, because mail scanners open every link: its page has a button, which uses it up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from digest.desk.editors import end_session, open_sessions
from digest.desk.sign_in import MOST_LINKS, SpentLink, TooMany, ask, editor_behind, redeem, sign_out
from digest.errors import PersonNeeded
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters, number_in_path
from subscribers.errors import BadAddress

_PAGE = re.compile(r"/desk(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_LONGEST = 200  # characters of an address to go on to
_BAD_ADDRESS = "That was no email address. Write it like ann@example.org."
_TOO_MANY = "Too many links were asked for from your network within an hour. Try again in an hour."
_NO_MAIL = "This installation mails nothing at present. Ask whoever runs it: `digest doctor` says why."
_SPENT = "This link was used, or is older than 15 minutes. Ask for a new one."

SetCookie = Callable[[str], str]


def way_on(path: str) -> str:
    """Return the address of a page of the desk to go on to; "" for any other address, and for the first page."""
    inside = len(path) <= _LONGEST and _PAGE.fullmatch(path) and not path.startswith("/desk/sign-")
    return path if inside else ""


def sign_in_pages(set_cookie: SetCookie, hand_over: Callable[[], None]) -> tuple[DeskPage, ...]:
    """Return the pages; `set_cookie` gives the header for a session, `hand_over` hands over the mails with links."""
    return (
        DeskPage("/desk/sign-in", VIEWER, get=_show_form, post=_asking(hand_over), public=True),
        DeskPage("/desk/sign-in/{token}", VIEWER, get=_show_link, post=_redeeming(set_cookie), public=True),
        DeskPage("/desk/sign-out", VIEWER, post=_leaving(set_cookie)),
        DeskPage("/desk/sessions", VIEWER, get=_show_sessions),
        DeskPage("/desk/sessions/{session}/end", VIEWER, post=_end_own),
    )


def _show_form(_desk: Desk, asker: Asker, given: Parameters) -> DeskAnswer:
    if given.text("done") == "asked":
        return DeskAnswer("sign_in_asked.html.j2", {"title": "Look in your mailbox", "most": MOST_LINKS})
    to = way_on(given.text("to"))
    return DeskAnswer(location=to or "/desk") if asker.session else _form(to)


def _form(to: str, problem: str = "", status: int = HTTPStatus.OK) -> DeskAnswer:
    values = {"title": "Sign in", "to": to, "problem": problem, "most": MOST_LINKS}
    return DeskAnswer("sign_in.html.j2", values, status=status)


def _asking(hand_over: Callable[[], None]) -> Callable[[Desk, Asker, Parameters], DeskAnswer]:
    def send_link(desk: Desk, _asker: Asker, form: Parameters) -> DeskAnswer:
        to = way_on(form.text("to"))
        try:
            ask(desk.installation, form.text("email").strip(), form.caller.network, to)
        except BadAddress:
            return _form(to, _BAD_ADDRESS, HTTPStatus.BAD_REQUEST)
        except TooMany:
            return _form(to, _TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
        except PersonNeeded:
            return _form(to, _NO_MAIL, HTTPStatus.SERVICE_UNAVAILABLE)
        # After the answer, because its time would tell whether there is somebody to write to.
        return DeskAnswer(location="/desk/sign-in?done=asked", after=hand_over)

    return send_link


def _show_link(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    person, to = editor_behind(desk.installation, given.path["token"]), way_on(given.text("to"))
    if person is None:
        return _form(to, _SPENT, HTTPStatus.GONE)
    return DeskAnswer("sign_in_link.html.j2", {"title": "Sign in", "person": person.name, "to": to})


def _redeeming(set_cookie: SetCookie) -> Callable[[Desk, Asker, Parameters], DeskAnswer]:
    def use_link(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
        to = way_on(form.text("to"))
        try:
            token = redeem(desk.installation, form.path["token"], form.caller.device)
        except SpentLink:
            # The second press of the same button: the first has let them in.
            return DeskAnswer(location=to or "/desk") if asker.session else _form(to, _SPENT, HTTPStatus.GONE)
        if asker.session is not None:
            sign_out(desk.installation, asker.session)  # because the browser forgets its token now
        return DeskAnswer(location=to or "/desk", headers={"Set-Cookie": set_cookie(token)})

    return use_link


def _leaving(set_cookie: SetCookie) -> Callable[[Desk, Asker, Parameters], DeskAnswer]:
    def leave(desk: Desk, asker: Asker, _form: Parameters) -> DeskAnswer:
        if asker.session is not None:
            sign_out(desk.installation, asker.session)
        return DeskAnswer(location="/desk/sign-in", headers={"Set-Cookie": set_cookie("")})

    return leave


def _show_sessions(desk: Desk, asker: Asker, _given: Parameters) -> DeskAnswer:
    sessions = [session for session, person in open_sessions(desk.installation) if person.number == asker.editor]
    return DeskAnswer("sessions.html.j2", {"title": "Where you are signed in", "sessions": sessions})


def _end_own(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = number_in_path(form, "session")
    end_session(desk.installation, asker.hand(form), number, of=asker.editor)
    return DeskAnswer(location="/desk/sessions")
