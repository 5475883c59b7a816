"""Build the web application: the provider's webhook, the pages of readers, the desk, and what monitors ask.

Every body is limited in size and time before it is read, and acted on only with a valid signature or token, because
anybody can send one. All answers, refusals too, have the security headers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.delivery.events_in import take_body
from digest.installation import Installation
from digest.operations.monitor import Monitor
from digest.readers.words import page_languages
from digest.transports.webhook import BadBody, Webhook
from digest.web.arrivals import Arrivals
from digest.web.health import healthz, readyz
from digest.web.prompt import promptly
from digest.web.readers.page import ReaderNotices, ReaderPages
from digest.web.readers.routes import reader_routes
from digest.web.refusals import handlers

LARGEST_BODY = 5_000_000  # bytes of one webhook call
_PATIENCE = 30.0  # seconds for a body to arrive
Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


def make_app(installation: Installation, notices: ReaderNotices | None = None, desk: Sequence[Route] = ()) -> ASGIApp:
    """Return the web application of an installation.

    Without a key in [events], every call of the webhook is refused; without `notices`, no page offers what needs a
    mail. `desk` are the routes of the desk.
    """
    engine, settings = installation.engine, installation.settings
    webhook = settings.events.webhook()
    pages = ReaderPages(installation, notices)
    page_languages(settings)  # because a mistake in the words must stop the start, not a reader
    app = Starlette(
        routes=[
            Route(webhook.path, _hook(installation, webhook), methods=["POST"]),
            Route("/healthz", healthz(engine, installation.secret, installation.link_key_file), methods=["GET"]),
            *_monitored(installation),
            *reader_routes(pages),
            *desk,
        ],
        exception_handlers=handlers(pages),
    )
    # Such a redirect would lead to the host that the client named.
    app.router.redirect_slashes = False
    patterns = [each.path for each in app.routes if isinstance(each, Route)]
    # The headers around everything else, because error pages need them too.
    return SecurityHeaders(Arrivals(app, pages.root, patterns))


def _monitored(installation: Installation) -> list[Route]:
    """Return the routes that monitors ask beside /healthz."""
    monitor, token = Monitor(installation), installation.settings.operate.metrics_token
    routes = [Route("/readyz", readyz(monitor), methods=["GET"])]
    if token:
        from digest.web.metrics import metrics  # here, because most installations do without

        routes.append(Route("/metrics", metrics(installation, monitor, token), methods=["GET"]))
    return routes


def _hook(installation: Installation, webhook: Webhook) -> Endpoint:
    """Return the endpoint of the webhook: verify the signature, then store the events before the answer."""
    engine, secret = installation.engine, installation.secret

    async def hook(request: Request) -> Response:
        body, refused = await _read(request)
        if refused is not None:
            return refused
        return await run_in_threadpool(promptly, take, _single(request), body)

    def take(headers: Mapping[str, str], body: bytes) -> Response:
        now = installation.clock()
        if not webhook.verify(headers, body, now):
            _log.warning("webhook: a call without a valid signature was refused")
            return PlainTextResponse("not signed by a key of [events] in config.toml\n", 401)
        # Before anything is written, because another program's tables may take what they should not.
        installation.require_schema()
        try:
            result = take_body(engine, webhook, body, secret, now)
        except BadBody as error:
            _log.warning("webhook: a signed body cannot be read: %s", error)
            return PlainTextResponse("not an array of events\n", 400)
        installation.fence.follow(begin=False)
        if result.taken.strangers:
            _log.info("webhook: %s events of deliveries that are not in this database", result.taken.strangers)
        # Answer only after the commit, because without a good answer the provider sends the events again.
        return Response(status_code=204)

    return hook


async def _read(request: Request) -> tuple[bytes, Response | None]:
    """Return the raw body, and the response that refuses it, if any."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return b"", PlainTextResponse("send it uncompressed\n", 415)
    too_large = PlainTextResponse(f"at most {LARGEST_BODY} bytes\n", 413, headers={"Connection": "close"})
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > LARGEST_BODY:
        return b"", too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    return b"", too_large
    except (TimeoutError, ClientDisconnect):
        return b"", PlainTextResponse("the body did not arrive\n", 408)
    return bytes(body), None


def _single(request: Request) -> dict[str, str]:
    """Return {name: value} of the headers; a header that is there twice is left out, because it is ambiguous."""
    return {name: value for name, value in request.headers.items() if len(request.headers.getlist(name)) == 1}


class SecurityHeaders:
    """Adds the security headers to every response. Plain ASGI.

    A response that has such a header itself keeps it: a page has a content policy of its own, and a public one may be
    kept by caches.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        policy = "default-src 'none'; form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
        self._headers = [
            (name.lower().encode(), value.encode())
            for name, value in (
                ("Content-Security-Policy", policy),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"),  # the address of a page holds a token
                ("Strict-Transport-Security", "max-age=31536000"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cache-Control", "no-store"),
                ("X-Robots-Tag", "noindex"),
            )
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, adding the headers to the start of its response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                more = [pair for pair in self._headers if pair[0] not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, with_headers)
