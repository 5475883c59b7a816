"""Answer the links in letters: pages where readers leave, change their interests, or pause. No feeds or letters here.

A GET changes nothing, because mail scanners open every link; it reads in a transaction that cannot write. The token
in the address is the credential, so a POST needs no session and no cookie (RFC 8058). A POST that is sent twice
changes the subscriber once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from subscribers import store
from subscribers.errors import BadAddress, BadToken, NoSubscriber, NotAllowed, OldLink
from subscribers.links import person_of
from subscribers.mailable import unmailable
from subscribers.model import Subscriber
from subscribers.pages import forms
from subscribers.pages.forms import BadForm, Choices
from subscribers.pages.page import (
    ASK,
    Button,
    ReaderPage,
    RenderPage,
    ask_for_link,
    gone,
    link_asked,
    old_link,
    sentence,
    unknown_link,
)
from subscribers.tokens import Token, make_token, read_token

_LARGEST = 65_536  # bytes of a form; a mail program sends 26, the preferences page some hundred
_PATIENCE = 30.0  # seconds for a form to arrive
_PREFERENCES, _PAUSE = "preferences page", "pause page"
_MEANWHILE = (
    "Nothing is lost: the first letter after the pause brings the new entries, and counts those that do not fit."
)

_AGAIN = "Open the link in your letter again."

Begin = Callable[[], AbstractContextManager[Connection]]
Endpoint = Callable[[Request], Awaitable[Response]]


class NewLinks(Protocol):
    """Send readers a new link by mail."""

    def ask(self, email: str) -> None:
        """Owe a new link to the active subscriber with this address, if there is one. Raises BadAddress."""

    def hand_over(self) -> None:
        """Hand over the new links that are owed; slow."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """The parts of an installation that the pages use.

    `begin` opens a transaction that commits at its end, `look` opens a transaction that only reads. `render` turns a
    page into a response. `editors` is the address that readers may write to, `choices` what they may follow; a pause
    counts the days of `zone`. `allow_list` is that of `consent.on_allow_list`. `new_links` sends a new link to a
    reader who asks for one; without it the pages have no form for that.
    """

    begin: Begin
    look: Begin
    secret_keys: Sequence[bytes]
    clock: Callable[[], datetime]
    render: RenderPage
    editors: str
    choices: Choices
    zone: ZoneInfo
    allow_list: Collection[str] = ()
    new_links: NewLinks | None = None


def routes(context: PageContext) -> list[Route]:
    """Return the routes of the pages, each with its token in the address."""

    asking = [
        Route(f"/{ASK}", _opened(context, _show_asking), methods=["GET"]),
        Route(f"/{ASK}", _posted(context, _ask), methods=["POST"]),
    ]
    return [
        *(asking if context.new_links else []),
        Route("/unsubscribe/{token}", _opened(context, _show_unsubscribe), methods=["GET"]),
        Route("/unsubscribe/{token}", _posted(context, _leave), methods=["POST"]),
        Route("/preferences/{token}", _opened(context, _show_preferences), methods=["GET"]),
        Route("/preferences/{token}", _posted(context, _save_preferences), methods=["POST"]),
        Route("/pause/{token}", _opened(context, _show_pause), methods=["GET"]),
        Route("/pause/{token}", _posted(context, _save_pause), methods=["POST"]),
    ]


def _opened(context: PageContext, answer: Callable[[PageContext, str], ReaderPage]) -> Endpoint:
    """Return the endpoint of a GET: change nothing, and answer with a page."""

    async def opened(request: Request) -> Response:
        return await run_in_threadpool(
            _answered, context, lambda: answer(context, request.path_params.get("token", ""))
        )

    return opened


def _posted(context: PageContext, act: Callable[[PageContext, str, bytes], ReaderPage]) -> Endpoint:
    """Return the endpoint of a POST: read a body of bounded size and time, then act on it."""

    async def posted(request: Request) -> Response:
        body = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > _LARGEST:
                        return context.render(ReaderPage("The form is too large", [_AGAIN], status=413))
        except (TimeoutError, ClientDisconnect):
            return context.render(ReaderPage("The form did not arrive", [_AGAIN], status=408))
        token = request.path_params.get("token", "")
        return await run_in_threadpool(_answered, context, lambda: act(context, token, bytes(body)))

    return posted


def _answered(context: PageContext, step: Callable[[], ReaderPage]) -> Response:
    """Return the response to a step, or to its error; a step with an error has changed nothing."""
    page = _page_of(context, step)
    response = context.render(page)
    if page.sends and context.new_links:
        # After the answer, because its time would tell whether there is somebody to write to.
        response.background = BackgroundTask(context.new_links.hand_over)
    return response


def _page_of(context: PageContext, step: Callable[[], ReaderPage]) -> ReaderPage:
    try:
        return step()
    except BadToken as error:
        return unknown_link(error, context.editors, form=context.new_links is not None)
    except BadForm as error:
        lines = [sentence(error), "Nothing has changed."]
        return ReaderPage("We cannot save that", lines, status=400, links=[("", "Back to the form")])
    except _Unconfirmed:
        lines = ["Open the link in the letter that asks you to confirm, then come back here."]
        return ReaderPage("Not confirmed yet", lines)
    except OldLink:
        return old_link(context.editors, form=context.new_links is not None)
    except (NoSubscriber, NotAllowed):
        return gone(context.editors)


def _show_asking(_context: PageContext, _token: str) -> ReaderPage:
    return ask_for_link()


def _ask(context: PageContext, _token: str, body: bytes) -> ReaderPage:
    given = " ".join(value for name, value in forms.read_form(body) if name == "email").strip()
    try:
        assert context.new_links is not None
        context.new_links.ask(given)
    except BadAddress:
        return ask_for_link(mistake=True)
    return link_asked(context.editors)


def _show_unsubscribe(context: PageContext, token: str) -> ReaderPage:
    link = read_token(context.secret_keys, "unsubscribe", token)
    with context.look() as conn:
        person_of(conn, link)
    return ReaderPage(
        "Stop these letters?",
        ["Press the button, and we do not write to you again.", "Nothing has changed yet."],
        buttons=[Button("Yes, stop them", "List-Unsubscribe", "One-Click")],
    )


def _leave(context: PageContext, token: str, _body: bytes) -> ReaderPage:
    link = read_token(context.secret_keys, "unsubscribe", token)
    # A reader who was erased gets the same answer, because they are not written to either.
    with context.begin() as conn, suppress(NoSubscriber):
        if person := person_of(conn, link):
            store.leave(conn, person.id, how="unsubscribe link", now=context.clock(), secret=context.secret_keys[-1])
    line = "We do not write to you any more. You need do nothing else; a letter on its way may still arrive."
    return ReaderPage("Done", [line], done=True)


def _show_preferences(context: PageContext, token: str) -> ReaderPage:
    person, notice = _look(context, token)
    return ReaderPage(
        "Change what you follow",
        [f"For {forms.masked(person.email)}. Nothing changes until you save.", *_lines(notice)],
        fields=forms.preferences(context.choices, person),
        buttons=[Button("Save", *forms.WHOLE)],
        links=_links(context, person, "pause"),
    )


def _save_preferences(context: PageContext, token: str, body: bytes) -> ReaderPage:
    link = read_token(context.secret_keys, "preferences", token)
    with context.begin() as conn:
        person = _reader(conn, link)
        cadence, interests = forms.read_preferences(body, context.choices, person)
        now = context.clock()
        store.set_cadence(conn, person.id, cadence, how=_PREFERENCES, now=now)
        person = store.update_interests(conn, person.id, interests, how=_PREFERENCES, now=now)
        notice = _notice(context, conn, person)
    return ReaderPage(
        "Saved",
        [f"From the next letter on, {forms.masked(person.email)} gets this.", *_lines(notice)],
        done=True,
        summary=forms.followed_options(context.choices, person),
        links=[("", "Change it again"), *_links(context, person, "pause")],
    )


def _show_pause(context: PageContext, token: str) -> ReaderPage:
    person, notice = _look(context, token)
    paused = person.paused_until is not None and context.clock() < person.paused_until
    lines = [f"For {forms.masked(person.email)}. Nothing changes until you choose.", *_lines(notice), _MEANWHILE]
    return ReaderPage(
        "Your letters are paused" if paused else "Pause these letters",
        lines,
        fields=[forms.pauses(paused)],
        buttons=[Button("Save")],
        links=_links(context, person, "preferences"),
    )


def _save_pause(context: PageContext, token: str, body: bytes) -> ReaderPage:
    link = read_token(context.secret_keys, "preferences", token)
    now = context.clock()
    until = forms.read_pause(body, now, context.zone)
    with context.begin() as conn:
        person = _reader(conn, link)
        if until is None:
            person = store.end_pause(conn, person.id, how=_PAUSE, now=now)
        else:
            person = store.pause(conn, person.id, until, how=_PAUSE, now=now)
        notice = _notice(context, conn, person)
    lines = [*_lines(notice), _MEANWHILE if until else "The next letter comes when there is something for you."]
    links = [("", "Change it again"), *_links(context, person, "preferences")]
    return ReaderPage("Your letters are paused" if until else "Your letters go on", lines, done=True, links=links)


def _look(context: PageContext, token: str) -> tuple[Subscriber, str]:
    """Return the reader that a link of the preferences or pause page names, and the notice of `_notice`."""
    link = read_token(context.secret_keys, "preferences", token)
    with context.look() as conn:
        person = _reader(conn, link)
        return person, _notice(context, conn, person)


def _reader(conn: Connection, link: Token) -> Subscriber:
    """Return the active subscriber that a link names.

    Raises OldLink, NoSubscriber for one who has left or was erased, _Unconfirmed for one who has not confirmed.
    """
    person = person_of(conn, link)
    if person is None or person.state == "left":
        raise NoSubscriber(f"no subscriber has the id {link.subscriber}")
    if person.state != "active":
        raise _Unconfirmed
    return person


def _notice(context: PageContext, conn: Connection, person: Subscriber) -> str:
    """Return a sentence that tells an active reader why they get no letter now, or "" when they may get one."""
    secret, now = context.secret_keys[-1], context.clock()
    reason = unmailable(conn, [person], secret=secret, allow_list=context.allow_list, now=now).get(person.id)
    if reason in ("suppressed", "not on the allow-list"):
        return f"At present we do not write to this address. If you would like letters, write to {context.editors}."
    if reason == "paused" and person.paused_until is not None:
        return f"Paused: we write again from {forms.day(person.paused_until, context.zone)}."
    return ""


def _links(context: PageContext, person: Subscriber, other: str) -> list[tuple[str, str]]:
    """Return links to the page `other` and to the unsubscribe page, as (address, words).

    The addresses are relative, because a proxy may serve the pages below a path of its own.
    """
    words = {"pause": "Pause these letters", "preferences": "Change what you follow"}[other]
    change, leave = (
        make_token(context.secret_keys, purpose, person.id, person.key) for purpose in ("preferences", "unsubscribe")
    )
    return [(f"../{other}/{change}", words), (f"../unsubscribe/{leave}", "Stop these letters")]


def _lines(notice: str) -> list[str]:
    return [notice] if notice else []


class _Unconfirmed(Exception):
    """The reader has not confirmed their address."""
