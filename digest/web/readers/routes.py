"""Let visits in: read a form of bounded size and time, call the page, and answer its errors, in this one place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.web.archive import routes as archive
from digest.web.caller import caller_of
from digest.web.prompt import promptly
from digest.web.readers import (
    answer_page,
    confirm_page,
    home_page,
    icon_page,
    join_page,
    leave_page,
    legal_pages,
    letter_page,
    new_link_page,
    story_page,
    yours_download,
    yours_erase,
    yours_forms,
    yours_history,
    yours_move,
)
from digest.web.readers.cached import cached
from digest.web.readers.message import ReaderMessage, gone, not_taken, old_link, told, unknown_link
from digest.web.readers.origins import answer_to_ask, foreign_headers, pairs_of_json
from digest.web.readers.page import LARGEST, NotConfirmed, ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.shell import response_of
from subscribers.errors import BadToken, NoSubscriber, NotAllowed, OldLink
from subscribers.forms import BadForm
from subscribers.invisible import storable

PAGES: tuple[ReaderRoute, ...] = (
    *home_page.PAGES,
    *icon_page.PAGES,
    *letter_page.PAGES,
    *leave_page.PAGES,
    *confirm_page.PAGES,
    *answer_page.PAGES,
    *story_page.PAGES,
    *legal_pages.PAGES,
    *yours_forms.PAGES,
    *yours_history.PAGES,
    *yours_download.PAGES,
    *yours_erase.PAGES,
    *yours_move.PAGES,
    *new_link_page.PAGES,
    *join_page.PAGES,
    *archive.PAGES,
)
_PATIENCE = 30.0  # seconds for a form to arrive
_MOST_FIELDS = 500
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


def reader_routes(pages: ReaderPages) -> list[Route]:
    """Return the routes of the pages of readers that an installation has."""
    return [_route(pages, page) for page in PAGES if page.offered(pages)]


def _route(pages: ReaderPages, page: ReaderRoute) -> Route:
    methods = [
        name for name, act in (("GET", page.get), ("POST", page.post), ("OPTIONS", page.foreign or None)) if act
    ]

    async def answer(request: Request) -> Response:
        body = b""
        if request.method == "OPTIONS":
            return answer_to_ask(pages, request.headers.get("origin", ""))
        if request.method == "POST":
            body, why = await _body(request)
            if why:
                words = pages.words(*languages_of(request))
                return _response(pages, request, page, not_taken(words, why))
        return await run_in_threadpool(promptly, _answered, pages, page, request, body)

    return Route(page.path, answer, methods=methods)


def _answered(pages: ReaderPages, page: ReaderRoute, request: Request, body: bytes) -> Response:
    act = page.get
    if request.method == "POST":
        # Before anything is written, because another program's tables may take what they should not.
        pages.installation.require_schema()
        act = page.post
    assert act is not None
    visit = visit_of(request, body, json=page.foreign)
    return _response(pages, request, page, answer_or_error(pages, visit, lambda: act(pages, visit)))


def answer_or_error(pages: ReaderPages, visit: Visit, step: Callable[[], ReaderAnswer]) -> ReaderAnswer:
    """Return the answer of a step, or to its error; a step with an error has changed nothing."""
    try:
        return step()
    except BadToken as error:
        return unknown_link(pages, pages.words_of(visit), error)
    except BadForm as error:
        words = pages.words_of(visit)
        lines = [words.form("mistake", error.code, value=error.value), words.say("nothing_changed")]
        back = [("", words.say("back_to_form"))]
        return told(words, ReaderMessage(words.say("refused_title"), lines, 400, links=back))
    except NotConfirmed:
        words = pages.words_of(visit)
        return told(words, ReaderMessage(words.say("unconfirmed_title"), [words.say("unconfirmed")]))
    except OldLink:
        return old_link(pages, pages.words_of(visit))
    except (NoSubscriber, NotAllowed):
        return gone(pages, pages.words_of(visit))


def visit_of(request: Request, body: bytes = b"", *, json: bool = False) -> Visit:
    """Return a request as values; a POST without a form, such as a one-click of several parts, has no fields.

    `json`: it may have them as JSON.
    """
    pairs: Sequence[tuple[str, str]] = list(request.query_params.multi_items())
    if request.method == "POST":
        sent = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
        pairs = _pairs(body) if sent == _FORM else pairs_of_json(body) if json and sent == _JSON else ()
    path = {name: str(value) for name, value in request.path_params.items()}
    wants_json = _JSON in request.headers.get("accept", "")
    network = caller_of(request).network
    return Visit(path, storable(pairs), languages_of(request), network, wants_json, request.headers.get("origin", ""))


def languages_of(request: Request) -> tuple[str, ...]:
    """Return the languages that a browser asks for, best first; at most ten."""
    wanted = []
    for number, part in enumerate(request.headers.get("accept-language", "")[:300].split(",")[:10]):
        tag, _, quality = part.strip().partition(";q=")
        try:
            rank = float(quality or 1)
        except ValueError:
            rank = 0.0
        if tag and rank > 0:
            wanted.append((-rank, number, tag))
    return tuple(tag for _, _, tag in sorted(wanted))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form; none of one that did not arrive whole, which its page then tells."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        return []


def _response(pages: ReaderPages, request: Request, page: ReaderRoute, answer: ReaderAnswer) -> Response:
    """Return the HTTP response of an answer."""
    # After the answer, because its time would tell whether there is somebody to write to.
    after = BackgroundTask(pages.notices.hand_over) if answer.sends and pages.notices else None
    if answer.location:
        return RedirectResponse(pages.root + answer.location, 303, dict(answer.headers), after)
    response = response_of(pages, answer, request.url.path, foreign=page.foreign)
    if page.foreign:
        response.headers.update(foreign_headers(pages, request.headers.get("origin", "")))
    response.background = after
    return cached(request, response) if answer.indexed else response


async def _body(request: Request) -> tuple[bytes, str]:
    """Return the body of a form, and why it was not taken: "too_large" or "not_arrived", else ""."""
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    return b"", "too_large"
    except (TimeoutError, ClientDisconnect):
        return b"", "not_arrived"
    return bytes(body), ""
