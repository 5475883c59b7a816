"""Let the pages of other sites send to the pages that are theirs too, where [join] origins of config.toml names them.

A browser tells with a form from which site it comes (Origin), and a page learns an answer of another site only where
that allows it (CORS). Neither keeps a program out; the limits do that.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.responses import Response

from digest.web.readers.page import ReaderPages


def is_welcome(pages: ReaderPages, origin: str) -> bool:
    """Return whether a form may come from a site, "" for a program.

    Our own pages send "null", because they let browsers tell no address.
    """
    return origin in ("", "null", _own(pages)) or origin.lower() in pages.settings.join.origins


def foreign_headers(pages: ReaderPages, origin: str) -> dict[str, str]:
    """Return the headers that let a configured site read an answer."""
    allowed = origin.lower() in pages.settings.join.origins
    return {"Vary": "Accept-Language, Origin", **({"Access-Control-Allow-Origin": origin} if allowed else {})}


def answer_to_ask(pages: ReaderPages, origin: str) -> Response:
    """Return the answer to a browser that asks whether a site may send JSON (a preflight)."""
    headers = foreign_headers(pages, origin)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type, Accept",
            "Access-Control-Max-Age": "600",
        }
    return Response(status_code=204, headers=headers)


def pairs_of_json(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a JSON object: texts, lists of texts, and true or false; none of anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    pairs: list[tuple[str, str]] = []
    for name, value in document.items() if isinstance(document, dict) else ():
        for each in value if isinstance(value, list) else [value]:
            text = {True: "yes", False: "no"}[each] if isinstance(each, bool) else each
            if not isinstance(text, str):
                return []
            pairs.append((name, text))
    return pairs


def _own(pages: ReaderPages) -> str:
    parts = urlsplit(pages.settings.site.base_url)
    return f"{parts.scheme}://{parts.netloc}".lower()
