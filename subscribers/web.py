"""The pages behind the links in letters: leaving, in one click or two. Knows nothing of feeds or letters.

Mail scanners open every link, so a GET changes nothing and asks the database nothing. The token in the address
is the credential: a POST needs no session, no cookie and no particular body (RFC 8058).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subscribers import store
from subscribers.errors import BadToken, NoSubscriber
from subscribers.tokens import read_token

_LARGEST = 65_536  # bytes of a form; a mail program sends 26


class Page(Protocol):
    """Makes a page of plain sentences, with one button that posts to the same address, or none."""

    def __call__(self, title: str, lines: Sequence[str], *, button: str = "", status: int = 200) -> Response:
        """Return the page."""
        ...


def routes(
    begin: Callable[[], AbstractContextManager[Connection]],
    secret_keys: Sequence[bytes],
    clock: Callable[[], datetime],
    page: Page,
    editors: str,
) -> list[Route]:
    """Return the routes. `begin` opens a transaction that commits on leaving; `editors` is whom to write to."""

    async def ask(_request: Request) -> Response:
        return page(
            "Stop these letters?",
            ["One press, and we do not write to you again.", "Nothing has changed yet."],
            button="Yes, stop them",
        )

    async def leave(request: Request) -> Response:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > _LARGEST:
                return page("That was too much", ["Open the link in your letter again."], status=413)
        return await run_in_threadpool(_leave, request.path_params["token"])

    def _leave(token: str) -> Response:
        try:
            said = read_token(secret_keys, "unsubscribe", token)
        except BadToken as error:
            words = str(error)
            return page("We do not know this link", [words[:1].upper() + words[1:] + "."], status=404)
        # Who was erased meanwhile gets the same answer: they are not written to.
        with begin() as conn, suppress(NoSubscriber):
            store.leave(conn, said.subscriber, how="unsubscribe link", now=clock(), secret=secret_keys[-1])
        return page("Done", ["We do not write to you any more. You need do nothing else."])

    async def by_letter(_request: Request) -> Response:
        return page(
            "Change what you get",
            [f"Write to {editors}, or simply answer the letter, and say what you would like.", "A person reads it."],
        )

    return [
        Route("/unsubscribe/{token}", ask, methods=["GET"]),
        Route("/unsubscribe/{token}", leave, methods=["POST"]),
        Route("/preferences/{token}", by_letter, methods=["GET", "POST"]),
        Route("/pause/{token}", by_letter, methods=["GET", "POST"]),
    ]
