"""Build the web application: the provider's webhook, the pages behind the links in letters, and /healthz.

Every body is limited in size and time before it is read, and acted on only with a valid signature or token, because
anybody can send one. All answers, refusals too, have the security headers.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.config.settings import Settings
from digest.delivery.events_in import take_body
from digest.desk.test_letter import NOWHERE
from digest.errors import ConfigError
from digest.model import Site, Term
from digest.store.engine import reading, writing
from digest.store.fence import Fence
from digest.system.pages import render_page, stylesheet
from digest.transports.webhook import BadBody, Webhook
from digest.web.health import healthz
from digest.web.letters import COPY, LETTER_POLICY, LetterPages, NoLetter
from digest.web.refusals import handlers
from subscribers.errors import BadToken, NoSubscriber, OldLink
from subscribers.pages import routes as people
from subscribers.pages.forms import Choice, Choices
from subscribers.pages.page import ReaderPage, RenderPage, gone, old_link, unknown_link

LARGEST_BODY = 5_000_000  # bytes of one webhook call
_PATIENCE = 30.0  # seconds for a body to arrive
_CADENCES = {
    "daily": "Daily: at most one letter a day",
    "weekly": "Weekly: at most one letter a week",
    "monthly": "Monthly: at most one letter a month",
}

Clock = Callable[[], datetime]
Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


def make_app(
    engine: Engine, secret: bytes, settings: Settings, clock: Clock, new_links: people.NewLinks | None = None,
    desk: Sequence[Route] = (),
) -> ASGIApp:  # fmt: skip
    """Return the web application of an installation.

    Without a key in [events], every call of the webhook is refused; without `new_links`, no page offers a new link.
    `desk` are the routes of the desk.
    """
    site, webhook = settings.site, settings.events.webhook()
    css = stylesheet("page.css")
    fence = Fence(engine, settings.fence_file)
    render = _render(site, css)
    context = people.PageContext(
        begin=lambda: _begin(engine, fence),
        look=lambda: reading(engine),
        secret_keys=[secret],
        clock=clock,
        render=render,
        editors=(site.reply_to or site.sender).address,
        choices=_choices(settings),
        zone=ZoneInfo(site.zone),
        allow_list=settings.only,
        new_links=new_links,
    )
    app = Starlette(
        routes=[
            Route(webhook.path, _hook(engine, secret, webhook, clock, fence), methods=["POST"]),
            Route("/healthz", healthz(engine, secret), methods=["GET"]),
            Route("/letters/{token}", _letter(LetterPages(engine, secret, settings), context), methods=["GET"]),
            *people.routes(context),
            *desk,
        ],
        exception_handlers=handlers(render),
    )
    # Such a redirect would lead to the host that the client named.
    app.router.redirect_slashes = False
    # Around everything else, because error pages need the headers too.
    return SecurityHeaders(app, style=css)


def _render(site: Site, css: str) -> RenderPage:
    """Return the function that turns a readers' page into a response."""

    def render(page: ReaderPage) -> Response:
        values = {"site": site.name, "language": _foreign(site), "css": css, "page": page}
        return HTMLResponse(render_page("page.html.j2", values), page.status)

    return render


def _choices(settings: Settings) -> Choices:
    """Return the choices that readers have, with the English names of config.toml, because the pages are in English.

    A term without an English name keeps the name in the site's language.
    """

    def choices(terms: Sequence[Term]) -> list[Choice]:
        english = [dict(term.names).get("en", "") for term in terms]
        foreign = _foreign(settings.site)
        return [
            Choice(term.slug, name or term.name, "" if name else foreign)
            for term, name in zip(terms, english, strict=True)
        ]

    cadences = [Choice(cadence.name, _CADENCES[cadence.name]) for cadence in settings.cadences]
    regions = [Choice(slug, name) for slug, name in settings.taxonomy.region_names.items()]
    return Choices(cadences, choices(settings.taxonomy.policy_areas), regions, choices(settings.taxonomy.themes))


def _foreign(site: Site) -> str:
    """Return the site's language tag, or "" when the site is in English."""
    return "" if site.language.lower().partition("-")[0] == "en" else site.language


def _letter(pages: LetterPages, context: people.PageContext) -> Endpoint:
    """Return the endpoint that shows a letter, or a page that says why it cannot."""
    form = context.new_links is not None

    def show(token: str) -> Response:
        if token == COPY:
            lines = [
                "The links that belong to the reader of a letter do not work in its copy.",
                "If it is your letter, use the links of the one in your mailbox.",
                f"If you would like letters of your own, write to {context.editors}.",
            ]
            return context.render(ReaderPage("This is a copy of a letter", lines, status=404))
        if token == NOWHERE:
            lines = [
                "The link that you followed stands in a test letter, so that it leads nowhere and changes nothing.",
                "In the letters that readers get, it is a link of their own.",
            ]
            return context.render(ReaderPage("This is a link of a test letter", lines, status=404))
        try:
            return HTMLResponse(pages.page(token), headers={"Content-Security-Policy": LETTER_POLICY})
        except BadToken as error:
            page = unknown_link(error, context.editors, form=form)
        except OldLink:
            page = old_link(context.editors, form=form)
        except NoSubscriber:
            page = gone(context.editors)
        except NoLetter as error:
            page = ReaderPage("No letter here", [str(error)], status=404)
        except ConfigError as error:
            _log.error("web: a letter cannot be shown: %s", error)
            lines = ["We have to repair something here first. The letter in your mailbox is the same."]
            page = ReaderPage("This letter cannot be shown now", lines, status=503)
        return context.render(page)

    async def letter(request: Request) -> Response:
        return await run_in_threadpool(show, request.path_params["token"])

    return letter


@contextmanager
def _begin(engine: Engine, fence: Fence) -> Iterator[Connection]:
    """Open the transaction of a change that a reader makes on a page."""
    with writing(engine, "reader") as conn:
        yield conn
    fence.follow(begin=False)


def _hook(engine: Engine, secret: bytes, webhook: Webhook, clock: Clock, fence: Fence) -> Endpoint:
    """Return the endpoint of the webhook: verify the signature, then store the events before the answer."""

    async def hook(request: Request) -> Response:
        body, refused = await _read(request)
        if refused is not None:
            return refused
        return await run_in_threadpool(take, _single(request), body)

    def take(headers: Mapping[str, str], body: bytes) -> Response:
        now = clock()
        if not webhook.verify(headers, body, now):
            _log.warning("webhook: a call without a valid signature was refused")
            return PlainTextResponse("not signed by a key of [events] in config.toml\n", 401)
        try:
            result = take_body(engine, webhook, body, secret, now)
        except BadBody as error:
            _log.warning("webhook: a signed body cannot be read: %s", error)
            return PlainTextResponse("not an array of events\n", 400)
        fence.follow(begin=False)
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

    A response that has such a header itself keeps it: the page of a letter has a content policy of its own, because
    its inline styles have no hash.
    """

    def __init__(self, app: ASGIApp, *, style: str = "") -> None:
        self._app = app
        sheet = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{sheet}'; form-action 'self'; "
            "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
        )
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
