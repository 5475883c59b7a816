"""Whatever the other end does with bytes and time, a fetch ends with a feed or a reason (group A)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from typing import Any

import pytest

from digest.errors import SourceError
from digest.sources.web.politeness import Turns
from tests.counts import spread
from tests.sources.webserver import FEED, Web, answer, dialled, drip, fetcher, flood, packed, redirect

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def bomb(megabytes: int) -> bytes:
    """A gzip file that unpacks to that many megabytes of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def test_a_plain_and_a_packed_answer_are_read_alike(web: Web) -> None:
    web.on("/plain", answer())
    web.on("/packed", answer(packed(), "Content-Encoding: gzip"))
    web.on("/x-packed", answer(packed(), "Content-Encoding: X-GZIP"))
    web.on("/silent", answer(packed()))  # a .gz file served as it lies
    web.on("/lying", answer(FEED, "Content-Encoding: gzip"))  # plain bytes under a gzip header
    web.on("/identity", answer(FEED, "Content-Encoding: identity"))
    web.on("/padded", answer(packed() + bytes(100), "Content-Encoding: gzip"))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(FEED[n : n + 7]), FEED[n : n + 7]) for n in range(0, len(FEED), 7))
    web.on("/chunked", CHUNKED + chunks + b"0\r\n\r\n")
    web.on("/until-close", HEAD + b"\r\n" + FEED)
    for path in web.scripts:
        found = fetcher(web).fetch(web.url(path))
        assert (found.status, found.body, found.url) == ("ok", FEED, web.url(path)), path


@pytest.mark.parametrize(
    ("script", "reason"),
    spread(8, [
        (lambda: answer(bomb(32), "Content-Encoding: gzip"), "longer than 1 MB"),
        (lambda: answer(bomb(32)), "longer than 1 MB"),
        (lambda: answer(b"\x0b\x02\x80abc\x03", "Content-Encoding: br"), "packed as 'br'"),
        (lambda: answer(b"\x28\xb5\x2f\xfd\x04", "Content-Encoding: zstd"), "packed as 'zstd'"),
        (lambda: answer(packed()[:-20], "Content-Encoding: gzip"), "cut off"),
        (lambda: answer(packed()[:40] + b"\xff" * 99, "Content-Encoding: gzip"), "damaged|cut off"),
        (lambda: answer(bytes(1_000_001)), "longer than 1 MB"),
        (lambda: flood(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n"), "longer than 1 MB|without end"),
        (lambda: flood(HEAD + b"\r\n", b"x" * 4096), "longer than 1 MB|without end"),
        pytest.param(
            lambda: flood(CHUNKED, b"1\r\nx\r\n"), "more than 100,000 pieces", marks=pytest.mark.long
        ),
        (lambda: drip(HEAD + b"Content-Length: 1000\r\n\r\n", b"x"), "took longer than 0.3 s"),
        (lambda: drip(CHUNKED, b"1\r\nx\r\n"), "took longer than 0.3 s"),
        (lambda: drip(HEAD, b"x"), "took longer than 0.3 s"),
        (lambda: drip(b"", b"H"), "took longer than 0.3 s|broke off"),
        (lambda: drip(b"HTTP/1.1 ", b""), "took longer than 0.3 s"),
        (lambda: flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "without end|took longer"),
        (lambda: flood(HEAD + b"X-Long: ", b"y" * 4096), "broke off|without end"),
        (lambda: flood(HEAD, b"X-Many: y\r\n"), "broke off|without end"),
        (lambda: HEAD + b"Content-Length: 5000\r\n\r\n" + FEED, "broke off"),
        (lambda: HEAD + b"Content-Length: -1\r\n\r\n" + FEED, "broke off"),
        (lambda: HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + FEED, "broke off"),
        (lambda: CHUNKED + b"zz\r\nnot a length", "broke off"),
        (lambda: CHUNKED + b"5\r\nab", "broke off"),
        (lambda: b"", "broke off"),
        (lambda: b"SSH-2.0-OpenSSH_9\r\n", "broke off"),
        (lambda: b"HTTP/1.1 200 OK\r\nBad Header\x00: x\r\n\r\n", "broke off"),
        (lambda: b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", "answers 999"),
        (lambda: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "broke off"),
    ]),
)  # fmt: skip
def test_a_hostile_answer_ends_with_a_reason(script: Any, reason: str, web: Web) -> None:
    web.on("/feed", script())
    seconds = 0.3 if "took longer" in reason else 30.0
    with pytest.raises(SourceError, match=reason) as error:
        fetcher(web, seconds=seconds).fetch(web.url())
    assert str(error.value).startswith(web.url())
    assert "\n" not in str(error.value)


def test_a_content_length_that_is_too_small_ends_the_body(web: Web) -> None:
    web.on("/feed", HEAD + f"Content-Length: {len(FEED)}\r\n\r\n".encode() + FEED + b"<rss>more</rss>")
    assert fetcher(web).fetch(web.url()).body == FEED


@pytest.mark.long
def test_no_more_than_the_cap_is_unpacked_at_once() -> None:
    from digest.sources.web.unpack import Unpacker

    unpacker = Unpacker(1_000_000)
    with pytest.raises(SourceError, match="longer than 1 MB"):
        unpacker.feed(bomb(64))
    assert unpacker._layer is not None
    assert len(unpacker._layer._body) == 1_000_001


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/hostname", "redirects .* to no http"),
        ("ftp://files.example/x", "redirects .* to no http"),
        ("javascript:alert(1)", "redirects .* to no http"),
        ("http://user:secret@feeds.example/", "redirects .* to no http"),
        ("", "redirects .* to no http"),
        ("http://127.0.0.1:{denied}/x", "not a public web server"),
        ("http://inside.example:{denied}/x", "not a public web server"),
        ("http://169.254.169.254/latest/meta-data/", "not a public web server"),
        ("http://[::1]/", "not a public web server"),
        ("http://10.1.2.3/", "not a public web server"),
        ("//192.168.1.1/", "not a public web server"),
        ("http://8.8.8.8:22/", "not a public web server"),
        ("http://2130706433/", "redirects .* to no http"),
        ("/loop", "in a circle"),
    ],
)
def test_a_redirect_goes_nowhere_it_should_not(target: str, reason: str, web: Web, forbidden: Web) -> None:
    web.on("/loop", redirect(target.format(denied=forbidden.port)))
    with dialled() as connects, pytest.raises(SourceError, match=reason):
        fetcher(web).fetch(web.url("/loop"))
    assert set(connects) == {("127.0.0.1", web.port)}


def test_five_redirects_are_followed_and_six_are_not(web: Web) -> None:
    for number in range(6):
        web.on(f"/{number}", redirect(f"/{number + 1}", "307 Temporary Redirect"))
    web.on("/6", answer())
    found = fetcher(web).fetch(web.url("/1"))
    assert (found.url, found.moved_to) == (web.url("/6"), None)
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        fetcher(web).fetch(web.url("/0"))


def test_no_cookie_and_no_header_of_ours_goes_to_strangers(web: Web) -> None:
    web.on("/feed", answer())
    fetcher(web).fetch(web.url())
    (request,) = web.requests
    names = {line.partition(":")[0].lower() for line in request.split("\r\n")[1:] if line}
    assert names <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert "accept-encoding: gzip\r\n" in request.lower()
    assert f"host: feeds.example:{web.port}\r\n" in request.lower()


def test_proxies_of_the_environment_are_ignored(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    web.on("/feed", answer())
    assert fetcher(web).fetch(web.url()).status == "ok"


def test_one_request_at_a_time_per_host_and_hosts_side_by_side(web: Web) -> None:
    together = threading.Barrier(2, timeout=20)

    def meet(conn: socket.socket, _head: str) -> None:
        together.wait()  # only two hosts at once can pass
        conn.sendall(answer())

    web.on("/meet", meet)
    shared = fetcher(web, seconds=20.0)
    urls = [web.url("/meet", host) for host in ("a.example", "b.example")]
    threads = [threading.Thread(target=shared.fetch, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert web.open_at_once == 2

    inside: list[int] = []
    at_once: list[int] = []

    def alone(conn: socket.socket, _head: str) -> None:
        # Counted until just before the answer leaves: the next request may come while this handler is closing.
        inside.append(1)
        at_once.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        conn.sendall(answer())

    web.on("/one", alone)
    threads = [threading.Thread(target=shared.fetch, args=(web.url("/one"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at_once == [1] * 8


def test_a_turn_begins_a_gap_after_the_last() -> None:
    turns = Turns(0.05)
    with turns.turn("a.example") as waited:
        assert waited < 0.05
    with turns.turn("b.example") as waited:
        assert waited < 0.05
    with turns.turn("a.example"):
        pass
    with turns.turn("a.example") as waited:
        assert waited >= 0.04  # the clock's own grain aside


def test_https_keeps_the_name_though_an_address_is_dialled(authority: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = authority
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    web = Web(tls=server)
    web.on("/feed", answer())
    safe = fetcher(web)
    safe._tls = lambda: client
    assert safe.fetch(web.url(scheme="https")).body == FEED
    assert names == ["feeds.example"]
    with pytest.raises(SourceError, match="no safe connection"):
        safe.fetch(web.url(scheme="https", host="other.example"))
    with pytest.raises(SourceError, match="no safe connection"):
        fetcher(web).fetch(web.url(scheme="https"))  # not trusted by the system
    web.close()


def test_a_handshake_that_drips_ends_at_the_deadline(web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        patient = fetcher(web, seconds=0.5)
        patient._allowed = lambda _address, _port: True
        with pytest.raises(SourceError, match=r"took longer than 0\.5 s"):
            patient.fetch(f"https://feeds.example:{silent.getsockname()[1]}/feed")
