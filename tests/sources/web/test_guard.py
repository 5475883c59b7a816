"""No spelling of a private address is ever dialled (group B)."""

from __future__ import annotations

import ipaddress
import socket
import threading

import httpcore2
import pytest

from digest.errors import SourceError
from digest.sources.web.guard import Deadline, Flow, GuardedBackend, endpoint, is_public, system_resolver
from tests.counts import table
from tests.sources.webserver import Web, answer, dialled, fetcher

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa:64c::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::",
    "2002:808:808::1", "3ffe::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
    "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "151.101.0.81", "2a00:1450:4009::1", "2606:4700::1111", "2620:0:861:ed1a::1"]


@table("address", PRIVATE)
def test_no_address_outside_the_public_net_passes(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address), 443)


@table("address", PUBLIC)
def test_public_addresses_pass_on_two_ports_only(address: str) -> None:
    ip = ipaddress.ip_address(address)
    assert is_public(ip, 80) and is_public(ip, 443)
    assert not any(is_public(ip, port) for port in (0, 21, 22, 25, 81, 8080, 6379, 65535))


SPELLINGS = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/", "http://0.0.0.0/",
    "http://localhost/", "http://LOCALHOST./", "http://127.0.0.1./", "http://[::1]/", "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[::127.0.0.1]/",
    "http://[fe80::1%25lo]/", "http://\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11/",
    "http://\u2460\u2461\u2466.0.0.1/", "http://127\u30020.0.1/", "http://user@127.0.0.1/", "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1:80\\@8.8.8.8/", "http://127.0.0.1%2f@8.8.8.8/", "http://127.0.0.1#@8.8.8.8/",
    "http://127.0.0.1%00.example.org/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/",
    "http://192.168.0.1/", "http://172.20.0.1/", "http://100.64.0.1/", "http://192.0.0.9/", "http://192.88.99.1/",
    "http://224.0.0.1/", "http://8.8.8.8:25/", "http://8.8.8.8:22/", "http://8.8.8.8:6379/", "http://8.8.8.8:8080/",
    "file:///etc/hostname", "FILE://localhost/etc/hostname", "ftp://8.8.8.8/x", "gopher://127.0.0.1:6379/_INFO",
    "http:127.0.0.1", "http:///127.0.0.1/", "//127.0.0.1/", "127.0.0.1", "dict://127.0.0.1/", "",
]  # fmt: skip


@table("url", SPELLINGS)
def test_every_spelling_is_refused_before_a_connection(url: str, web: Web) -> None:
    # The names are resolved by the system here: each of these is an address or localhost already.
    real = fetcher(web)
    real._resolver = system_resolver
    with dialled() as connects, pytest.raises(SourceError):
        real.fetch(url)
    assert connects == []


@table("host", ["127.1", "2130706433", "0x7f.1", "0", "localhost", "::1", "[::1]", "017700000001"])
def test_the_backend_alone_refuses_them_too(host: str) -> None:
    backend = GuardedBackend(Deadline(5), system_resolver, is_public, None, 1_000)
    with dialled() as connects, pytest.raises(SourceError, match="not a public web server"):
        backend.connect_tcp(host, 80)
    assert connects == []


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"], ["8.8.8.8", "fe80::1%lo"]],
)
def test_one_bad_answer_refuses_the_name(addresses: list[str], web: Web) -> None:
    with dialled() as connects, pytest.raises(SourceError, match="not a public web server"):
        fetcher(web, names={"mixed.example": addresses}).fetch("http://mixed.example/feed")
    assert connects == []


def test_what_was_checked_is_what_is_dialled(web: Web, forbidden: Web) -> None:
    """A name that answers differently the second time (rebinding) is asked once per connection."""
    web.on("/feed", answer())
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.8.7"]

    rebound = fetcher(web)
    rebound._resolver = rebinding
    with dialled() as connects:
        rebound.fetch(web.url())
        with pytest.raises(SourceError, match=r"10\.9\.8\.7"):
            rebound.fetch(web.url())
    assert connects == [("127.0.0.1", web.port)] and len(asked) == 2


def test_a_source_may_be_allowed_by_name_but_not_where_it_redirects(web: Web, forbidden: Web) -> None:
    web.on("/feed", answer())
    strict = fetcher(web)
    strict._allowed = is_public
    with pytest.raises(SourceError, match="allow_private"):
        strict.fetch(web.url())
    assert strict.fetch(web.url(), allow_private=True).status == "ok"
    web.on("/away", answer(b"", f"Location: http://other.example:{forbidden.port}/x", status="302 Found"))
    with pytest.raises(SourceError, match=r"other\.example"):
        strict.fetch(web.url("/away"), allow_private=True)


def test_the_next_address_is_tried_when_one_does_not_answer(web: Web) -> None:
    web.on("/feed", answer())
    with socket.socket() as idle:  # bound but not listening: refuses
        idle.bind(("127.0.0.2", web.port))
        several = fetcher(web, names={"feeds.example": ["127.0.0.2", "127.0.0.1"]})
        several._allowed = lambda _address, _port: True
        assert several.fetch(web.url()).status == "ok"


def test_a_resolver_that_hangs_ends_at_the_deadline(web: Web) -> None:
    release = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        release.wait(60)
        return []

    slow = fetcher(web, seconds=0.2)
    slow._resolver = hang
    with pytest.raises(SourceError, match="not resolved in time"):
        slow.fetch(web.url())
    release.set()


def test_a_resolver_that_fails_is_told(web: Web) -> None:
    failing = fetcher(web)

    def fail(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    failing._resolver = fail
    with pytest.raises(SourceError, match="cannot be resolved"):
        failing.fetch(web.url())
    failing._resolver = lambda _host, _port: []
    with pytest.raises(SourceError, match="has no address"):
        failing.fetch(web.url())
    failing._resolver = lambda _host, _port: ["no address"]
    with pytest.raises(SourceError, match="which is no address"):
        failing.fetch(web.url())


def test_nothing_listening_is_said_plainly(web: Web) -> None:
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        alone = fetcher(web)
        alone._allowed = lambda _address, _port: True
        with pytest.raises(SourceError, match="cannot be reached"):
            alone.fetch(f"http://feeds.example:{idle.getsockname()[1]}/feed")


def test_a_deadline_that_has_passed_refuses_every_step() -> None:
    deadline = Deadline(0)
    with pytest.raises(SourceError, match="took longer than 0 s"):
        deadline.left()
    backend = GuardedBackend(deadline, lambda _host, _port: ["8.8.8.8"], is_public, None, 1_000)
    with pytest.raises(SourceError, match="took longer"):
        backend.connect_tcp("feeds.example", 80)
    with pytest.raises(NotImplementedError):
        backend.connect_unix_socket("/run/any.sock")
    assert issubclass(GuardedBackend, httpcore2.NetworkBackend)


@table(
    "pieces, drip",
    [
        ([(n * 0.05, 1) for n in range(120)], True),
        ([(n * 1.0, 1) for n in range(12)], True),
        ([(0, 300)] + [(6 + n * 0.1, 6) for n in range(12)], True),
        # Two thousand bytes a second, small as their pieces are.
        ([(n * 0.01, 20) for n in range(1_000)], False),
        # Ten seconds of thought, a chunk's length by itself, then the chunk.
        ([(0, 300), (10, 5), (10, 600), (10, 2), (20, 5), (20, 99), (20, 2), (20, 5)], False),
        # Silence is no drip: the deadline ends it.
        ([(0, 300), (25, 1)], False),
        ([(n * 0.4, 1) for n in range(12)], False),
    ],
)  # fmt: skip
def test_a_drip_is_told_from_a_slow_answer(pieces: list[tuple[float, int]], drip: bool) -> None:
    flow = Flow()
    assert any(flow.is_drip(size, 1_000.0 + at) for at, size in pieces) is drip


@pytest.mark.parametrize(
    "place", ["http://feeds.example:{other}/x", "https://feeds.example:{other}/x", "http://feeds.example/x"]
)
def test_a_permission_for_one_service_opens_no_other_of_its_host(web: Web, forbidden: Web, place: str) -> None:
    strict = fetcher(web)
    strict._allowed = is_public
    forbidden.on("/x", answer(b"words of another service"))
    where = place.format(other=forbidden.port)
    web.on("/feed", answer(b"", f"Location: {where}", status="302 Found"))
    with dialled() as connects, pytest.raises(SourceError, match="not a public web server") as told:
        strict.fetch(web.url(), allow_private=True)
    assert "words of another" not in str(told.value)
    assert connects == [("127.0.0.1", web.port)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Feeds.Example/x", ("feeds.example", 80)),
        ("https://feeds.example", ("feeds.example", 443)),
        ("http://feeds.example:8080/", ("feeds.example", 8080)),
        ("http://[::1]:81/", ("::1", 81)),
    ],
)
def test_a_service_is_a_host_and_a_port(url: str, expected: tuple[str, int]) -> None:
    assert endpoint(url) == expected
