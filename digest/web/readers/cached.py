"""Answer "304 Not Modified" where a cache has a public page or feed already, as it is now (RFC 9110)."""

from __future__ import annotations

import hashlib
from email.utils import parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

# They tell of a body, and such an answer has none. All others are repeated, because a cache takes them for its copy.
_OF_BODY = ("content-length", "content-type")


def cached(request: Request, response: Response) -> Response:
    """Return a response with the hash of its body as its ETag, or the short answer that its client has it."""
    response.headers["ETag"] = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or not _has_it(request, response):
        return response
    headers = {name: value for name, value in response.headers.items() if name not in _OF_BODY}
    return Response(status_code=304, headers=headers, background=response.background)


def _has_it(request: Request, response: Response) -> bool:
    """Return whether the client has the body; by its date only where it names no ETag, because that is exact."""
    if tags := request.headers.get("if-none-match"):
        given = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return response.headers["ETag"] in given or "*" in given
    since, changed = request.headers.get("if-modified-since"), response.headers.get("Last-Modified")
    if not since or not changed:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # a date that is none, or without a zone
        return False
