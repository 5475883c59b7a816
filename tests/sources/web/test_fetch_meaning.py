"""What an answer means: permanence, validators, refusals and waiting (group I)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from digest.errors import SourceError
from digest.sources.web.answers import LONGEST_WAIT, retry_after, without_query
from tests.counts import table
from tests.sources.webserver import FEED, Web, answer, fetcher, redirect

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_validators_are_kept_and_sent_back(web: Web) -> None:
    web.on("/feed", answer(FEED, 'ETag: W/"a1"', "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT"))
    first = fetcher(web).fetch(web.url())
    assert (first.etag, first.last_modified) == ('W/"a1"', "Fri, 20 Nov 2026 10:00:00 GMT")
    assert first.content_type == "application/rss+xml"
    web.on("/feed", b"HTTP/1.1 304 Not Modified\r\n\r\n")
    second = fetcher(web).fetch(web.url(), etag=first.etag, last_modified=first.last_modified)
    assert (second.status, second.body) == ("not-modified", b"")
    assert (second.etag, second.last_modified) == (first.etag, first.last_modified)
    request = web.requests[-1].lower()
    assert 'if-none-match: w/"a1"\r\n' in request
    assert "if-modified-since: fri, 20 nov 2026 10:00:00 gmt\r\n" in request


@pytest.mark.parametrize("etag", ["x" * 501, '"a"\tb', '"\u00e9"'.encode().decode("latin-1"), " "])
def test_a_poisoned_validator_is_neither_kept_nor_sent(etag: str, web: Web) -> None:
    web.on("/feed", answer(FEED, f"ETag: {etag}", f"Last-Modified: {etag}"))
    found = fetcher(web).fetch(web.url(), etag=etag, last_modified="bad\r\nX-Injected: 1")
    assert (found.etag, found.last_modified) == (None, None)
    assert "if-" not in web.requests[0].lower() and "injected" not in web.requests[0].lower()


def test_304_to_an_unconditional_request_is_an_error(web: Web) -> None:
    web.on("/feed", b"HTTP/1.1 304 Not Modified\r\n\r\n")
    with pytest.raises(SourceError, match=r"304 .* though no earlier copy was named"):
        fetcher(web).fetch(web.url())


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [
        (["301 Moved Permanently"], 1),
        (["308 Permanent Redirect"], 1),
        (["301 Moved Permanently", "308 Permanent Redirect"], 2),
        (["301 Moved Permanently", "302 Found"], 1),
        (["302 Found", "301 Moved Permanently"], None),
        (["302 Found"], None),
        (["303 See Other"], None),
        (["307 Temporary Redirect"], None),
    ],
)
def test_only_permanent_redirects_in_a_row_move_a_source(statuses: list[str], moved: int | None, web: Web) -> None:
    for number, status in enumerate(statuses):
        web.on(f"/{number}", redirect(f"/{number + 1}", status))
    web.on(f"/{len(statuses)}", answer())
    found = fetcher(web).fetch(web.url("/0"))
    assert found.url == web.url(f"/{len(statuses)}")
    assert found.moved_to == (None if moved is None else web.url(f"/{moved}"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("204 No Content", "answers 204"),
        ("206 Partial Content", "answers 206"),
        ("300 Multiple Choices", "answers 300"),
        ("400 Bad Request", "check the address"),
        ("401 Unauthorized", "password"),
        ("403 Forbidden", "lets no programs in"),
        ("404 Not Found", "check the address"),
        ("429 Too Many Requests", "asked too often"),
        ("500 Internal Server Error", "asked again next time"),
        ("503 Service Unavailable", "asked again next time"),
    ],
)
def test_a_refusal_has_a_reason_and_a_cure(status: str, words: str, web: Web) -> None:
    web.on("/feed", answer(b"<html>challenge</html>", 'ETag: "poison"', status=status, kind="text/html"))
    with pytest.raises(SourceError, match=words) as error:
        fetcher(web).fetch(web.url(), etag='"good"')
    assert not error.value.gone and error.value.retry_after is None


def test_410_says_gone(web: Web) -> None:
    web.on("/feed", answer(b"", status="410 Gone"))
    with pytest.raises(SourceError, match="for good") as error:
        fetcher(web).fetch(web.url())
    assert error.value.gone


@table(
    "value, seconds",
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("315360000", LONGEST_WAIT),
        ("9" * 400, LONGEST_WAIT),
        (format_datetime(NOW + timedelta(hours=2), usegmt=True), 7200.0),
        (format_datetime(NOW - timedelta(hours=2), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=3650), usegmt=True), LONGEST_WAIT),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0661\u0662", None),
        ("Fri, 99 Nov 2026 10:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_a_week(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_the_wait_reaches_the_caller(status: str, web: Web) -> None:
    web.on("/feed", answer(b"", "Retry-After: 90", status=status))
    with pytest.raises(SourceError) as error:
        fetcher(web).fetch(web.url())
    assert error.value.retry_after == 90.0


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_answer_is_an_error(body: bytes, web: Web) -> None:
    web.on("/feed", answer(body))
    with pytest.raises(SourceError, match="answers with nothing"):
        fetcher(web).fetch(web.url())


def test_a_relative_redirect_with_odd_bytes_is_followed(web: Web) -> None:
    web.on("/feed", b"HTTP/1.1 302 Found\r\nLocation: /caf\xc3\xa9 s\r\nContent-Length: 0\r\n\r\n")
    web.on("/caf%C3%A9%20s", answer())
    assert fetcher(web).fetch(web.url()).url == web.url("/caf%C3%A9%20s")


def test_messages_show_no_query() -> None:
    assert without_query("https://x.example:8443/feed?token=secret#x") == "https://x.example:8443/feed"
