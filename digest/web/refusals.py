"""Answer what no page can answer: an address that leads nowhere, a database that is away, a fault of ours."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from digest.errors import DigestError, TryLater
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderPages
from digest.web.readers.routes import languages_of
from digest.web.readers.shell import response_of

_PASSING = 60  # seconds after which it is worth trying again, where the cause passes by itself
_REPAIR = 600  # where a person has to act
_PAGES = {404: ("no_page_title", "no_page"), 405: ("no_method_title", "open_again")}

_log = logging.getLogger(__name__)


def handlers(pages: ReaderPages) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Return the functions that answer for errors, as Starlette takes them, in the language of the browser."""

    def page(request: Request, title: str, line: str, status: int) -> Response:
        words = pages.words(*languages_of(request))
        answer = told(words, ReaderMessage(words.say(title), [words.say(line)], status))
        return response_of(pages, answer, request.url.path)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title, line = _PAGES.get(error.status_code, ("unanswered_title", "try_again"))
        response = page(request, title, line, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def away(request: Request, error: Exception) -> Response:
        passing = isinstance(error, TryLater)
        _log.log(logging.WARNING if passing else logging.ERROR, "web: %s", error)
        response = page(request, "away_title", "try_again", 503)
        response.headers["Retry-After"] = str(_PASSING if passing else _REPAIR)
        return response

    async def fault(request: Request, _error: Exception) -> Response:
        return page(request, "fault_title", "try_again", 500)

    return {HTTPException: refused, DigestError: away, Exception: fault}
