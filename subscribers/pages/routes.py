"""The pages behind the links in letters: leaving, changing, pausing. Knows nothing of feeds or letters.

Mail scanners open every link, so a GET changes nothing, and reads in a transaction that cannot write. The token in
the address is the credential: a POST needs no session and no cookie (RFC 8058); said twice, it is done once.
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
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from subscribers import store
from subscribers.errors import BadToken, NoSubscriber, NotAllowed
from subscribers.mailable import unmailable
from subscribers.model import Subscriber
from subscribers.pages import forms
from subscribers.pages.forms import BadForm, Choice, Choices, Fields
from subscribers.tokens import make_token, read_token

_LARGEST = 65_536  # bytes of a form; a mail program sends 26, the preferences page some hundred
_PATIENCE = 30.0  # seconds for a form to arrive
_PREFERENCES, _PAUSE = "preferences page", "pause page"
_MEANWHILE = "What is new meanwhile waits: the first letter after the pause brings it, and counts what does not fit."

Begin = Callable[[], AbstractContextManager[Connection]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Button:
    """A button that posts to the same address."""

    words: str
    name: str = ""
    value: str = ""


class RenderPage(Protocol):
    """Makes a page: plain sentences, then a summary, a form that posts to the same address, and links."""

    def __call__(
        self,
        title: str,
        lines: Sequence[str],
        *,
        status: int = 200,
        done: bool = False,
        summary: Sequence[tuple[str, Sequence[Choice]]] = (),
        fields: Sequence[Fields] = (),
        buttons: Sequence[Button] = (),
        links: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Return the page. `done`: it answers a step that was taken. `links` are (address, words)."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with. `begin` opens a transaction that commits on leaving, `look` one that only reads;
    `editors` is whom to write to; `choices` is what readers may follow; `zone` whose days a pause counts;
    `allow_list` names who may be mailed (`consent.on_allow_list`).
    """

    begin: Begin
    look: Begin
    secret_keys: Sequence[bytes]
    clock: Callable[[], datetime]
    page: RenderPage
    editors: str
    choices: Choices
    zone: ZoneInfo
    allow_list: Collection[str] = ()


def routes(desk: Desk) -> list[Route]:
    """Return the routes."""

    async def ask(_request: Request) -> Response:
        return desk.page(
            "Stop these letters?",
            ["One press, and we do not write to you again.", "Nothing has changed yet."],
            buttons=[Button("Yes, stop them", "List-Unsubscribe", "One-Click")],
        )

    return [
        Route("/unsubscribe/{token}", ask, methods=["GET"]),
        Route("/unsubscribe/{token}", _posted(desk, _leave), methods=["POST"]),
        Route("/preferences/{token}", _opened(desk, _show_preferences), methods=["GET"]),
        Route("/preferences/{token}", _posted(desk, _save_preferences), methods=["POST"]),
        Route("/pause/{token}", _opened(desk, _show_pause), methods=["GET"]),
        Route("/pause/{token}", _posted(desk, _save_pause), methods=["POST"]),
    ]


def unknown_link(page: RenderPage, error: BadToken) -> Response:
    """Return the page for a token that is not ours, or not for this."""
    return page("We do not know this link", [_sentence(error)], status=404)


def gone(page: RenderPage, editors: str) -> Response:
    """Return the page for a reader who has left; who was erased gets the very same."""
    return page(
        "We do not write to you any more",
        ["So there is nothing to change here.", f"If you would like letters again, write to {editors}."],
    )


def _opened(desk: Desk, answer: Callable[[Desk, Subscriber, str], Response]) -> Endpoint:
    """Return what answers a GET: reads, and changes nothing."""

    def show(token: str) -> Response:
        said = read_token(desk.secret_keys, "preferences", token)
        with desk.look() as conn:
            person = _reader(conn, said.subscriber)
            notice = _notice(desk, conn, person)
        return answer(desk, person, notice)

    async def opened(request: Request) -> Response:
        return await run_in_threadpool(_answered, desk, lambda: show(request.path_params["token"]))

    return opened


def _posted(desk: Desk, act: Callable[[Desk, str, bytes], Response]) -> Endpoint:
    """Return what answers a POST: reads its bounded body, then acts."""

    async def posted(request: Request) -> Response:
        body = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > _LARGEST:
                        return desk.page("That was too much", ["Open the link in your letter again."], status=413)
        except (TimeoutError, ClientDisconnect):
            return desk.page("That did not arrive", ["Open the link in your letter again."], status=408)
        token = request.path_params["token"]
        return await run_in_threadpool(_answered, desk, lambda: act(desk, token, bytes(body)))

    return posted


def _answered(desk: Desk, step: Callable[[], Response]) -> Response:
    """Return the step's answer, or the page that says why there is none; its transaction is undone by then."""
    try:
        return step()
    except BadToken as error:
        return unknown_link(desk.page, error)
    except BadForm as error:
        lines = [_sentence(error), "Nothing has changed."]
        return desk.page("We cannot take that", lines, status=400, links=[("", "Back to the form")])
    except _Unconfirmed:
        lines = ["Open the link in the letter that asks you to confirm, then come back here."]
        return desk.page("Not confirmed yet", lines)
    except (NoSubscriber, NotAllowed):
        return gone(desk.page, desk.editors)


def _leave(desk: Desk, token: str, _body: bytes) -> Response:
    said = read_token(desk.secret_keys, "unsubscribe", token)
    # Who was erased meanwhile gets the same answer: they are not written to.
    with desk.begin() as conn, suppress(NoSubscriber):
        store.leave(conn, said.subscriber, how="unsubscribe link", now=desk.clock(), secret=desk.secret_keys[-1])
    line = "We do not write to you any more. You need do nothing else; a letter on its way may still arrive."
    return desk.page("Done", [line], done=True)


def _show_preferences(desk: Desk, person: Subscriber, notice: str) -> Response:
    return desk.page(
        "Change what you follow",
        [f"For {forms.masked(person.email)}. Nothing changes until you save.", *_lines(notice)],
        fields=forms.preferences(desk.choices, person),
        buttons=[Button("Save", *forms.WHOLE)],
        links=_links(desk, person, "pause"),
    )


def _save_preferences(desk: Desk, token: str, body: bytes) -> Response:
    said = read_token(desk.secret_keys, "preferences", token)
    with desk.begin() as conn:
        person = _reader(conn, said.subscriber)
        cadence, interests = forms.read_preferences(body, desk.choices, person)
        now = desk.clock()
        store.set_cadence(conn, person.id, cadence, how=_PREFERENCES, now=now)
        person = store.update_interests(conn, person.id, interests, how=_PREFERENCES, now=now)
        notice = _notice(desk, conn, person)
    return desk.page(
        "Saved",
        [f"From the next letter on, this is what {forms.masked(person.email)} gets.", *_lines(notice)],
        done=True,
        summary=forms.followed_options(desk.choices, person),
        links=[("", "Change it again"), *_links(desk, person, "pause")],
    )


def _show_pause(desk: Desk, person: Subscriber, notice: str) -> Response:
    paused = person.paused_until is not None and desk.clock() < person.paused_until
    lines = [f"For {forms.masked(person.email)}. Nothing changes until you choose.", *_lines(notice), _MEANWHILE]
    return desk.page(
        "Your letters are paused" if paused else "Pause these letters",
        lines,
        fields=[forms.pauses(paused)],
        buttons=[Button("Save")],
        links=_links(desk, person, "preferences"),
    )


def _save_pause(desk: Desk, token: str, body: bytes) -> Response:
    said = read_token(desk.secret_keys, "preferences", token)
    now = desk.clock()
    until = forms.read_pause(body, now, desk.zone)
    with desk.begin() as conn:
        person = _reader(conn, said.subscriber)
        if until is None:
            person = store.end_pause(conn, person.id, how=_PAUSE, now=now)
        else:
            person = store.pause(conn, person.id, until, how=_PAUSE, now=now)
        notice = _notice(desk, conn, person)
    lines = [*_lines(notice), _MEANWHILE if until else "The next letter comes when there is something new for you."]
    links = [("", "Change it again"), *_links(desk, person, "preferences")]
    return desk.page("Your letters are paused" if until else "Your letters go on", lines, done=True, links=links)


def _reader(conn: Connection, number: int) -> Subscriber:
    """Return an active subscriber; NoSubscriber for who has gone, _Unconfirmed for who has yet to come."""
    person = store.get(conn, number)
    if person is None or person.state == "left":
        raise NoSubscriber(f"no subscriber has the id {number}")
    if person.state != "active":
        raise _Unconfirmed
    return person


def _notice(desk: Desk, conn: Connection, person: Subscriber) -> str:
    """Return why no letter comes to an active reader now, or ""."""
    secret, now = desk.secret_keys[-1], desk.clock()
    why = unmailable(conn, [person], secret=secret, allow_list=desk.allow_list, now=now).get(person.id)
    if why in ("suppressed", "not on the allow-list"):
        return f"At present we do not write to this address. If you would like letters, write to {desk.editors}."
    if why == "paused" and person.paused_until is not None:
        return f"Paused: we write again from {forms.day(person.paused_until, desk.zone)}."
    return ""


def _links(desk: Desk, person: Subscriber, other: str) -> list[tuple[str, str]]:
    """Return where else a reader may go; relative, for a proxy may serve us below a path of its own."""
    words = {"pause": "Pause these letters", "preferences": "Change what you follow"}[other]
    way, out = (make_token(desk.secret_keys, purpose, person.id) for purpose in ("preferences", "unsubscribe"))
    return [(f"../{other}/{way}", words), (f"../unsubscribe/{out}", "Stop these letters")]


def _lines(notice: str) -> list[str]:
    return [notice] if notice else []


def _sentence(error: Exception) -> str:
    words = str(error)
    return words[:1].upper() + words[1:] + "."


class _Unconfirmed(Exception):
    """The reader has not confirmed their address."""
