"""Let people in: check host, session, role, form and size of each request to the desk, in this one place.

A page of the desk is called only with a request that passed. Its errors are answered here too.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.desk.acts import StaleForm
from digest.errors import counted
from digest.model import CADENCES
from digest.system.pages import render_page
from digest.web.caller import caller_of
from digest.web.desk.page import Asker, Desk, DeskAnswer, DeskPage, NoPage, Parameters
from digest.web.desk.refused import answer_of, behind, refused, sent_from, with_what_was_sent
from digest.web.desk.stale import both_versions
from digest.web.prompt import promptly
from subscribers.invisible import storable

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; frame-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LARGEST_FORM = 262_144  # bytes
_MOST_FIELDS = 2_000
_PATIENCE = 30.0  # seconds for a form to arrive
_ELSEWHERE = "This desk answers for another host, that of [site] base_url, which a proxy must pass on."


class Door(Protocol):
    """Knows who asks: by a session of `digest serve`, or by the key of one's own machine."""

    def who(self, request: Request) -> Asker | None:
        """Return the person who sends a request, or None for a stranger."""

    def is_here(self, request: Request) -> bool:
        """Return whether a request names a host that this desk answers for."""

    def to_sign_in(self, request: Request) -> DeskAnswer:
        """Return what a stranger is answered."""


def route(desk: Desk, door: Door, page: DeskPage) -> Route:
    """Return the route of a page, with its checks around it."""
    methods = [name for name, show in (("GET", page.get), ("POST", page.post)) if show is not None]

    async def answer(request: Request) -> Response:
        body = b""
        if request.method == "POST":
            body, why = await _body(request)
            if why:
                return _response(desk, request, None, refused(*why))
        return await run_in_threadpool(promptly, _answered, desk, door, page, request, body)

    register_url_convertor("cadence", _CadenceName())
    return Route(page.path.replace("{cadence}", "{cadence:cadence}"), answer, methods=methods)


class _CadenceName(StringConvertor):
    """Matches the name of a cadence alone, because other pages have names in the same place."""

    regex = "|".join(CADENCES)


def _answered(desk: Desk, door: Door, page: DeskPage, request: Request, body: bytes) -> Response:
    """Return the response to one request, or to what stands in its way."""
    asker: Asker | None = None
    pairs = _pairs(body)
    path = {name: str(value) for name, value in request.path_params.items()}
    form = Parameters(pairs or [], path, caller_of(request))
    back = sent_from(form, request.url.path if page.get else "") if request.method == "POST" else ""
    try:
        if not door.is_here(request):
            return _response(desk, request, None, refused(421, "Not here", _ELSEWHERE))
        asker = door.who(request)
        desk.installation.read_anew()
        try:
            answer = _checked(desk, door, page, request, asker, form if pairs is not None else None)
        except StaleForm as error:
            answer = both_versions(desk.installation, error, pairs or [], back)
    except NoPage as error:
        answer = refused(404, "There is no page here", str(error))
    except Exception as error:  # because no fault may cost what an editor typed
        answer = answer_of(behind(desk.installation, error), back, stranger=asker is None)
    if pairs and not page.public and not _is_foreign(desk, request):
        again = asker is not None and _is_of_session(form, asker)
        answer = with_what_was_sent(answer, pairs, again=again)
    return _response(desk, request, asker, answer)


def _pairs(body: bytes) -> list[tuple[str, str]] | None:
    """Return the fields of a form, None when it did not arrive whole."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        return None
    return storable(pairs)


def _checked(
    desk: Desk, door: Door, page: DeskPage, request: Request, asker: Asker | None, form: Parameters | None
) -> DeskAnswer:  # fmt: skip
    """Return a page's answer after all checks. Raises what the page's function raises."""
    method = "POST" if request.method == "POST" else "GET"
    path = {name: str(value) for name, value in request.path_params.items()}
    if asker is None and not page.public:
        return door.to_sign_in(request)
    if asker is not None and not page.public and not asker.may(page.least(method)):
        lines = f"This needs the role “{page.least(method)}”, and yours is “{asker.role}”. An admin can change that."
        return refused(403, "You may not do this", lines)
    guest = asker or Asker("", "viewer", "")
    if method == "GET":
        assert page.get is not None
        return page.get(
            desk, guest, Parameters(storable(request.query_params.multi_items()), path, caller_of(request))
        )
    assert page.post is not None
    if form is None:
        return refused(400, "The form did not arrive whole", "Go back and send it again. Nothing was changed.")
    if _is_foreign(desk, request) or not (page.public or _is_of_session(form, guest)):
        lines = "The form is not of this session. Open the page again, and send it from there. Nothing was changed."
        return refused(403, "This form is out of date", lines)
    # Before anything is written, because another program's tables may take what they should not.
    desk.installation.require_schema()
    return page.post(desk, guest, form)


def _is_of_session(form: Parameters, asker: Asker) -> bool:
    """Return whether a form has the token of its sender's session."""
    given = form.text("csrf").encode("utf-8", "replace")
    return bool(asker.csrf) and hmac.compare_digest(given, asker.csrf.encode())


def _is_foreign(desk: Desk, request: Request) -> bool:
    """Return whether a browser says that another site sent a form."""
    site, origin = request.headers.get("sec-fetch-site", "same-origin"), request.headers.get("origin", "null")
    ours = {request.headers.get("host", "")}
    if not desk.local:
        # Because a proxy may ask us by another name than the one that browsers use.
        ours.add(urlsplit(desk.installation.settings.site.base_url).netloc)
    return site not in ("same-origin", "none") or (origin != "null" and _netloc(origin) not in ours)


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _response(desk: Desk, request: Request, asker: Asker | None, answer: DeskAnswer) -> Response:
    headers = {"Content-Security-Policy": answer.policy or POLICY, **answer.headers}
    after = BackgroundTask(answer.after) if answer.after else None
    if answer.location:
        return RedirectResponse(desk.root + answer.location, 303, headers, after)
    if not answer.template:
        return Response(answer.body, answer.status, headers, answer.media_type, after)
    site = desk.installation.settings.site
    shared = {
        "root": desk.root,
        "asker": asker,
        "site": site.name,
        "local": desk.local,
        "path": desk.root + request.url.path,
        "hour": desk.hour,
        "counted": counted,
    }
    cadences = [cadence.name for cadence in desk.installation.settings.cadences]
    html = render_page(f"desk/{answer.template}", {**shared, "cadences": cadences, **answer.values})
    return Response(html, answer.status, headers, answer.media_type, after)


async def _body(request: Request) -> tuple[bytes, tuple[int, str, str] | None]:
    """Return the body of a form, and the refusal (status, title, text) when it is too large or does not arrive."""
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_FORM:
                    return b"", (413, "The form is too large", "Shorten your text. Nothing was changed.")
    except (TimeoutError, ClientDisconnect):
        return b"", (408, "The form did not arrive", "Send it again. Nothing was changed.")
    return bytes(body), None
