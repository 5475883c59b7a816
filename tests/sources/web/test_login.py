"""Give cookies and passwords only to whom they are for, and ask through a proxy without opening private addresses."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing

import pytest

from digest.errors import SourceError
from digest.sources.web.cookies import Cookies
from digest.sources.web.login import Login, is_same_service
from tests.counts import table
from tests.sources.webserver import FEED, Web, answer, fetcher, redirect

HEADER = "Authorization: Basic YW5uOnMzY3JldA=="


def with_cookie(name: str, location: str, *set_cookies: str) -> bytes:
    """Return a redirect that sets cookies."""
    headers = [f"Set-Cookie: {each}" for each in set_cookies]
    return answer(b"", f"Location: {location}", *headers, status=f"302 {name}")


@table(
    "set_cookies, wanted",
    [
        (["seen=1; Path=/"], "seen=1"),
        (["a=1; Path=/; HttpOnly", "b=2; SameSite=Lax"], "b=2"),
        (["token=x; Domain=feeds.example; Path=/"], "token=x"),
        (["c=%C3%A9; Max-Age=60"], "c=%C3%A9"),
    ],
)
def test_a_redirect_back_to_itself_with_a_cookie_is_followed(set_cookies: list[str], wanted: str, web: Web) -> None:
    def script(conn: object, head: str) -> None:
        reply = answer() if f"{wanted}" in head else with_cookie("Found", "/feed", *set_cookies)
        conn.sendall(reply)  # type: ignore[attr-defined]

    web.on("/feed", script)
    reader = fetcher(web)
    assert reader.fetch(web.url()).body == FEED
    web.requests.clear()
    assert reader.fetch(web.url()).body == FEED and "Cookie" not in web.requests[0]  # forgotten with the fetch


@table(
    "set_at, line, asked_at",
    [
        ("http://a.example/", "a=1; Domain=example; Path=/", "http://b.example/"),
        ("http://a.example/", "a=1; Domain=.a.example", "http://b.a.example/"),
        ("https://a.example/", "a=1; Secure", "http://a.example/"),
        ("http://a.example/x/", "a=1; Path=/x", "http://a.example/y"),
        ("http://a.example/", "a=; Max-Age=0", "http://a.example/"),
        ("http://a.example/", "a=1", "http://a.example:8080/"),
        ("http://a.example:8080/", "a=1", "http://a.example/"),
        ("https://a.example:8443/", "a=1", "https://a.example/"),
        ("http://a.example/", "a=1", "https://a.example:80/"),
        ("https://a.example/", "a=1; Domain=other.example", "https://other.example/"),
        ("http://a.example/", f"a={'x' * 9_000}", "http://a.example/"),
    ],
)
def test_a_cookie_goes_nowhere_else(set_at: str, line: str, asked_at: str) -> None:
    cookies = Cookies()
    cookies.take(set_at, [(b"Set-Cookie", line.encode())])
    assert cookies.header(asked_at) == ""


@table(
    "set_at, asked_at",
    [
        ("http://a.example/", "https://a.example/"),
        ("http://a.example:80/", "http://a.example/x"),
        ("https://a.example:8443/", "https://a.example:8443/x"),
    ],
)
def test_a_cookie_goes_back_to_its_server(set_at: str, asked_at: str) -> None:
    cookies = Cookies()
    cookies.take(set_at, [(b"set-cookie", b"a=1; Path=/")])
    assert cookies.header(asked_at) == "a=1"


def test_neither_password_nor_cookie_goes_to_another_port_of_the_host(web: Web) -> None:
    with closing(Web()) as other:
        web.on("/feed", with_cookie("Found", other.url("/else"), "a=1; Path=/"))
        other.on("/else", answer())
        reader = fetcher(web)
        reader._allowed = lambda _address, port: port in (web.port, other.port)
        assert reader.fetch(web.url(), login=Login(web.url(), "ann", "s3cret")).body == FEED
        assert HEADER in web.requests[0]
        assert "Authorization" not in other.requests[0] and "Cookie" not in other.requests[0]


def test_a_password_is_given_to_its_own_service_alone(web: Web, forbidden: Web) -> None:
    login = Login(web.url(), "ann", "s3cret")
    web.on("/feed", redirect("/own"))
    web.on("/own", redirect(web.url("/other", "others.example")))
    web.on("/other", answer())
    assert fetcher(web).fetch(web.url(), login=login).body == FEED
    assert [HEADER in request for request in web.requests] == [True, True, False]
    assert "s3cret" not in repr(login)


@table(
    "url, other, same",
    [
        ("https://a.example/feed", "https://a.example/other", True),
        ("http://a.example/feed", "https://a.example/feed", True),
        ("https://a.example/feed", "http://a.example/feed", False),
        ("https://a.example/feed", "https://a.example:8443/feed", False),
        ("https://a.example/feed", "https://www.a.example/feed", False),
        ("http://a.example:8080/feed", "https://a.example/feed", False),
    ],
)
def test_a_service_is_a_host_and_a_port(url: str, other: str, same: bool) -> None:
    assert is_same_service(url, other) is same


@table(
    "challenge, has_login, reason",
    [
        ("Basic realm=x", False, "give the source username"),
        ("Basic realm=x", True, "the password was not taken"),
        ("Digest realm=x, nonce=y", True, "of another kind than Basic"),
        ("Negotiate", True, "of another kind than Basic"),
    ],
)
def test_a_refused_password_is_told_without_it(challenge: str, has_login: bool, reason: str, web: Web) -> None:
    web.on("/feed", answer(b"", f"WWW-Authenticate: {challenge}", status="401 Unauthorized"))
    login = Login(web.url(), "ann", "s3cret") if has_login else None
    with pytest.raises(SourceError, match=reason) as error:
        fetcher(web).fetch(web.url(), login=login)
    assert "s3cret" not in str(error.value) and "ann" not in str(error.value).split("; ")[0]


@table(
    "url, reason",
    [
        ("http://public.example/feed", ""),
        ("http://unknown.public.org/feed", ""),
        ("http://10.1.2.3/feed", "not a public web server"),
        ("http://inside.example/feed", "not a public web server"),
        ("http://169.254.169.254/latest/", "not a public web server"),
        ("http://wiki/feed", "not a public web server"),
        ("http://wiki.internal/feed", "not a public web server"),
        ("http://unknown.public.org:22/feed", "not a public web server"),
    ],
)
def test_a_proxy_is_asked_for_public_addresses_alone(url: str, reason: str, web: Web) -> None:
    def resolver(host: str, _port: int) -> list[str]:
        known_names = {"public.example": ["93.184.216.34"], "inside.example": ["10.0.0.7"]}
        if host not in known_names:
            raise OSError("name not known")
        return known_names[host]

    reader = fetcher(web)
    reader._resolver, reader.proxy = resolver, f"http://127.0.0.1:{web.port}"
    web.on(url, answer())
    web.requests.clear()
    if reason:
        with pytest.raises(SourceError, match=reason):
            reader.fetch(url)
        assert not web.requests
    else:
        assert reader.fetch(url).body == FEED


@table(
    "first, asked, reason",
    [
        (answer(), ["CONNECT feeds.example:443"], ""),
        (redirect("https://inside.example/x"), ["CONNECT feeds.example:443"], "not a public web server"),
        (redirect("https://10.0.0.7/x"), ["CONNECT feeds.example:443"], "not a public web server"),
        (redirect("http://wiki.internal/x"), ["CONNECT feeds.example:443"], "not a public web server"),
        (redirect("https://feeds.example:8443/x"), ["CONNECT feeds.example:443"], "not a public web server"),
    ],
)
def test_https_goes_through_a_tunnel_of_the_proxy(
    first: bytes, asked: list[str], reason: str, web: Web, authority: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    inner: list[str] = []

    def tunnel(conn: socket.socket, _head: str) -> None:
        conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with authority[0].wrap_socket(conn, server_side=True) as within:
            inner.append(within.recv(65_536).decode("latin-1"))
            within.sendall(first)

    web.on("feeds.example:443", tunnel)
    web.requests.clear()
    reader = fetcher(
        web, names={"feeds.example": ["93.184.216.34"], "inside.example": ["10.0.0.7"], "wiki.internal": []}
    )
    reader.proxy, reader._tls = f"http://127.0.0.1:{web.port}", lambda: authority[1]
    login = Login("https://feeds.example/feed", "ann", "s3cret")
    if reason:
        with pytest.raises(SourceError, match=reason):
            reader.fetch("https://feeds.example/feed", login=login)
    else:
        assert reader.fetch("https://feeds.example/feed", login=login).body == FEED
    assert [request.split(" HTTP")[0] for request in web.requests] == asked
    assert HEADER in inner[0] and "Authorization" not in web.requests[0]  # for the server alone, not for the proxy


@table("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
def test_a_proxy_that_refuses_is_told(status: str, web: Web) -> None:
    web.on("feeds.example:443", f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    reader = fetcher(web, names={"feeds.example": ["93.184.216.34"]})
    reader.proxy = f"http://127.0.0.1:{web.port}"
    with pytest.raises(SourceError, match=r"the proxy of \[gather\] lets nothing through"):
        reader.fetch("https://feeds.example/feed?key=s3cret")


def test_a_private_source_that_config_allows_is_asked_without_the_proxy(web: Web) -> None:
    with closing(Web()) as own:
        own.on("/feed", answer())
        reader = fetcher(web)
        reader.proxy = f"http://127.0.0.1:{web.port}"
        assert reader.fetch(own.url(), allow_private=True).body == FEED
        assert len(own.requests) == 1 and not web.requests
