"""Read an HTTP answer for a feed: its headers, its refusals in words, its validators. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpcore2

from digest.errors import SourceError

Headers = Sequence[tuple[bytes, bytes]]

PERMANENT = frozenset({301, 308})
REDIRECTS = PERMANENT | {302, 303, 307}
GONE = frozenset({404, 410})
ASK_AGAIN = GONE | {405, 501}  # answers to HEAD that GET may contradict
TIMEOUTS = (httpcore2.TimeoutException,)
TRANSPORT_ERRORS = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    OSError,
    UnicodeError,
    ValueError,
)
LONGEST_WAIT = 7 * 24 * 3600.0
_MAX_VALIDATOR = 500
_CURES = {
    400: "check the address of the source",
    403: "its publisher lets no programs in; ask them to, or use another of their feeds",
    404: "check the address of the source, or whether its publisher has moved the feed",
    406: "its publisher offers no feed at this address; check it",
    410: "its publisher took the feed away for good; remove the source or find the new address",
    429: "we asked too often; it is asked again later",
}


def without_query(url: str) -> str:
    """Return an address as messages show it: without its query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:150]


def header(headers: Headers, name: str) -> str:
    """Return a header as text ("" if absent); bytes beyond ASCII count as UTF-8, else as Latin-1."""
    for key, value in headers:
        if key.lower() == name.encode():
            try:
                return value.decode("utf-8")
            except UnicodeDecodeError:
                return value.decode("latin-1")
    return ""


def validator(headers: Headers, name: str) -> str | None:
    """Return an ETag or Last-Modified fit to be stored and sent back, or None."""
    return _sendable(header(headers, name))


def conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Return the headers of a conditional request for the validators that are fit to be sent."""
    wanted = {"If-None-Match": _sendable(etag), "If-Modified-Since": _sendable(last_modified)}
    return {name: value for name, value in wanted.items() if value}


def codings(headers: Headers) -> list[str]:
    """Return the content codings that an answer names, in lower case and in the order in which they were applied."""
    named = ",".join(value.decode("latin-1") for key, value in headers if key.lower() == b"content-encoding")
    return [coding for each in named[:200].lower().split(",") if (coding := each.strip())]


def unauthorised(headers: Headers, now: datetime, has_login: bool, was_sent: bool) -> SourceError:
    """Return the error for an answer 401, with its cure; `was_sent`: the source's login was given to that server."""
    schemes = [
        value.decode("latin-1").strip().lower() for key, value in headers if key.lower() == b"www-authenticate"
    ]
    if was_sent and schemes and not any("basic" in scheme for scheme in schemes):
        cure = "its login is of another kind than Basic, which alone is given; ask its publisher for another way in"
    elif was_sent:
        cure = "the password was not taken; correct the source's username or its password_file"
    elif has_login:
        cure = "another server than the url's wants a password, and none is given to it; correct the url"
    else:
        cure = "the feed wants a password; give the source username and password_file, or ask for an open address"
    error = refusal(401, headers, now)
    return SourceError(f"answers 401 (unauthorized); {cure}", retry_after=error.retry_after, status=401)


def refusal(status: int, headers: Headers, now: datetime) -> SourceError:
    """Return the error for any answer that carries no feed, with what its publisher asked of us."""
    try:
        phrase = HTTPStatus(status).phrase.lower()
    except ValueError:
        phrase = "no such status"
    cure = _CURES.get(status, "it is asked again next time" if status >= 500 else "check the address of the source")
    return SourceError(
        f"answers {status} ({phrase}); {cure}",
        retry_after=retry_after(header(headers, "retry-after"), now),
        status=status,
    )


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 to seven days, or None if it says nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def transport_reason(error: Exception) -> str:
    """Return one line for a connection that failed, with its cure."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLError):
        text = getattr(cause, "verify_message", "") or cause.reason or str(cause)
        return f"no safe connection ({text}); its publisher must mend the certificate"
    text = " ".join(str(error).split())[:150] or type(error).__name__
    if isinstance(error, httpcore2.ProxyError):
        return f"the proxy of [gather] lets nothing through ({text}); ask those who keep it"
    return f"the answer broke off or made no sense ({text}); it is asked again next time"


def _sendable(value: str | None) -> str | None:
    text = (value or "").strip()
    fits = text and len(text) <= _MAX_VALIDATOR and all(" " <= char <= "~" for char in text)
    return text if fits else None
