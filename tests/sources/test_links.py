"""Which addresses are accepted from strangers (group F), and when two name one page."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from digest.sources.links import MAX_LINK, absolute_link, link_key, without_tracking, written_link
from tests.counts import table

BASE = "https://news.example/feeds/all.xml"

REFUSED = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "\tjavascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\u2028javascript:alert(1)",
    "\u00a0javascript:alert(1)",
    "\u200bjavascript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/hostname",
    "ftp://files.example/x",
    "mailto:someone@example.org",
    "tel:0123",
    "feed:https://news.example/x",
    "view-source:https://news.example/",
    "https://news.example/a\r\nBcc: x@example.org",
    "https://news.example/a\x00b",
    "https://news\u202e.example/a",
    "https://exa\u200bmple.example/",
    "https://news.example/\u2066x",
    "https://user@news.example/",
    "https://user:secret@news.example/",
    "https://good.example\\@evil.example/",
    "https:\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://",
    "https://?q",
    "https://evil example/",
    "https://ev%69l.example/",
    "https://good.example%2f@evil.example/",
    "https://news.example:99999/",
    "https://news.example:0/",
    "https://news.example:port/",
    "https://-bad.example/",
    "https://a..b.example/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0/",
    "https://017700000001/",
    "https://1.2.3.4.5/",
    "0",
    "12345",
    "#top",
    "",
    "   ",
    "https://news.example/" + "a" * 10_000,
    "https://news.example/" + "é" * 1_000,
    "https://news.example/\ud800",
]

ACCEPTED = [
    ("https://news.example/a", "https://news.example/a"),
    ("HTTPS://News.Example/A", "https://news.example/A"),
    ("  https://news.example/a\n", "https://news.example/a"),
    ("https://news.example", "https://news.example/"),
    ("https://news.example.", "https://news.example/"),
    ("//other.example/x", "https://other.example/x"),
    ("/a/b?c=1", "https://news.example/a/b?c=1"),
    ("a.html", "https://news.example/feeds/a.html"),
    ("?page=2", "https://news.example/feeds/all.xml?page=2"),
    ("../up", "https://news.example/up"),
    ("https://news.example/my file.pdf", "https://news.example/my%20file.pdf"),
    ("https://news.example/caf\u00e9?q=\u00e9", "https://news.example/caf%C3%A9?q=%C3%A9"),
    ("https://news.example/100%", "https://news.example/100%25"),
    ("https://news.example/a%20b", "https://news.example/a%20b"),
    ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
    ("https://\u0440\u0430\u0443\u0440\u0430l.example/", "https://xn--l-7sba6dbr.example/"),
    ("https://news.example:8443/x", "https://news.example:8443/x"),
    ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
    ("https://\uff11\uff10.0.0.1/", "https://10.0.0.1/"),
    ("https://news.example/?e=-email-", "https://news.example/?e=-email-"),
    ("https://news.example/{{7*7}}<%x%>\"'", "https://news.example/%7B%7B7*7%7D%7D%3C%25x%25%3E%22'"),
    ("https://under_score.example/", "https://under_score.example/"),
]


@table("raw", REFUSED)
def test_deceptive_or_foreign_addresses_are_no_links(raw: str) -> None:
    assert absolute_link(raw, BASE) is None


@table("raw, link", ACCEPTED)
def test_good_addresses_become_absolute_ascii(raw: str, link: str) -> None:
    assert absolute_link(raw, BASE) == link
    assert absolute_link(link, None) == link  # and stay as they are
    assert link.isascii() and len(link) <= MAX_LINK


@table(
    "path",
    ["/a/b", "/", "/a?b=/../c", "/?", "/a#b", "/a//b", "/a/../b", "/./a", "/a;b/c", "//other.example/a", "/a:b"],
)
def test_a_path_from_the_root_is_resolved_as_the_library_does(path: str) -> None:
    for base in ("https://powys.example", "https://powys.example:8443/a/b?c#d", "http://[2001:db8::1]/a;b"):
        assert absolute_link(path, base) == absolute_link(urljoin(base, path), None)


@table(
    "raw, link",
    [
        ("www.powys.example/a b", "https://www.powys.example/a%20b"),
        ("http:/powys.example/a", "http://powys.example/a"),
        ("https//powys.example/a", "https://powys.example/a"),
        ("http://https://powys.example/a", "https://powys.example/a"),
        ("HTTPS://HTTP//powys.example/a", "http://powys.example/a"),
        ("\ufeff\u200bhttps://powys.example/a\u00a0", "https://powys.example/a"),
        ("https://powys.example/go?to=http:/x", "https://powys.example/go?to=http:/x"),
        ("https/a", "https://news.example/feeds/https/a"),
        ("wwwords/a", "https://news.example/feeds/wwwords/a"),
        ("https:a", None),
        ("http:///a", None),
        ("javascript:http:/a.example", None),
        (None, None),
    ],
)
def test_slips_in_a_link_are_mended_where_a_publisher_wrote_it(raw: str | None, link: str | None) -> None:
    assert written_link(raw, BASE) == link


@pytest.mark.parametrize("raw", ["/a", "a.html", "//other.example/x", None])
def test_a_relative_address_without_base_is_no_link(raw: str | None) -> None:
    assert absolute_link(raw, None) is None


def test_2000_characters_are_the_limit() -> None:
    start = "https://news.example/"
    assert absolute_link(start + "a" * (MAX_LINK - len(start)), None)
    assert absolute_link(start + "a" * (MAX_LINK - len(start) + 1), None) is None


@table(
    "url, kept",
    [
        ("https://a.example/x?utm_source=f&utm_medium=rss&id=7", "https://a.example/x?id=7"),
        ("https://a.example/x?UTM_Campaign=f", "https://a.example/x"),
        ("https://a.example/x?fbclid=1&gclid=2&mc_cid=3&mc_eid=4", "https://a.example/x"),
        ("https://a.example/x?b=2&a=1", "https://a.example/x?b=2&a=1"),
        ("https://a.example/x?a=%20&utm_term=x#part", "https://a.example/x?a=%20#part"),
        ("https://a.example/x#utm_source=f", "https://a.example/x"),
        ("https://a.example/x?at_medium=RSS&at_campaign=news", "https://a.example/x"),
        ("https://a.example/x?attitude=open&at=4", "https://a.example/x?attitude=open&at=4"),
        ("https://a.example/p/6?source=rss----8f7a2---4&id=7", "https://a.example/p/6?id=7"),
        ("https://a.example/p?ref=feed&mibextid=x&_gl=1*2", "https://a.example/p"),
        (
            "https://a.example/p?source=census&ref=RSPCA&from=rssel",
            "https://a.example/p?source=census&ref=RSPCA&from=rssel",
        ),
        ("https://a.example/search?s=rss&q=feed", "https://a.example/search?s=rss&q=feed"),
        ("https://a.example/x?utmost=1", "https://a.example/x?utmost=1"),
        ("https://a.example/x?a&b=", "https://a.example/x?a&b="),
    ],
)
def test_only_tracking_parameters_are_dropped(url: str, kept: str) -> None:
    assert without_tracking(url) == kept


@table(
    "url",
    [
        "http://www.news.example/a/b?x=1&y=2",
        "https://news.example/a/b/?y=2&x=1",
        "https://NEWS.example:443/a/b/index.html?x=1&y=2#comments",
        "http://news.example:80/a//b?utm_source=rss&x=1&y=2",
        "https://news.example/a/%62?x=1&y=2&fbclid=9",
    ],
)
def test_one_page_has_one_key(url: str) -> None:
    assert link_key(url) == "news.example/a/b?x=1&y=2"


@table(
    "url",
    ["https://news.example", "https://www.news.example/", "http://news.example/index.html", "ftp://a/b", "0", ""],
)
def test_a_host_alone_or_no_link_has_no_key(url: str) -> None:
    assert link_key(url) is None


def test_different_pages_have_different_keys() -> None:
    urls = [
        "https://news.example/a",
        "https://news.example/A",
        "https://news.example/?p=1",
        "https://news.example/?p=2",
        "https://news.example:8080/a",
        "https://other.example/a",
        "https://news.example/a%2Fb",
        "https://news.example/a/b",
        "https://app.example/#!/post/1",
        "https://app.example/#!/post/2",
    ]
    assert len({link_key(url) for url in urls}) == len(urls)
