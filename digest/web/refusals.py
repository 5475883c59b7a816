"""Answer what no page can answer: an address that leads nowhere, a database that is away, a fault of ours."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from digest.errors import DigestError, TryLater
from subscribers.pages.page import ReaderPage, RenderPage

_PASSING = 60  # seconds after which it is worth trying again, where the cause passes by itself
_REPAIR = 600  # where a person has to act
_AGAIN = "Nothing has changed. Please try again in a few minutes."
_PAGES = {
    404: ("There is no page here", "The address may have lost a part. Open the link in your letter again."),
    405: ("Nothing can be sent to this page", "Open the link in your letter again."),
}

_log = logging.getLogger(__name__)


def handlers(render: RenderPage) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Return the functions that answer for errors, as Starlette takes them; `render` turns a page into a response."""

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title, line = _PAGES.get(error.status_code, ("This request cannot be answered", _AGAIN))
        response = render(ReaderPage(title, [line], status=error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def away(_request: Request, error: Exception) -> Response:
        passing = isinstance(error, TryLater)
        _log.log(logging.WARNING if passing else logging.ERROR, "web: %s", error)
        response = render(ReaderPage("We cannot answer just now", [_AGAIN], status=503))
        response.headers["Retry-After"] = str(_PASSING if passing else _REPAIR)
        return response

    async def fault(_request: Request, _error: Exception) -> Response:
        return render(ReaderPage("Something went wrong here", [_AGAIN], status=500))

    return {HTTPException: refused, DigestError: away, Exception: fault}
