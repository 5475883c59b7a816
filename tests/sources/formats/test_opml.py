"""OPML: lists of other feed readers are read, and hostile or broken files are refused with their line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.errors import WrongUse
from digest.sources.formats.opml import MAX_BYTES, Outline, read_opml, write_opml
from tests.counts import table

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>Mine</title></head><body>
<outline text="Councils">
  <outline text="North" title="North &amp; East">
    <outline type="rss" text="A" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"/>
    <outline type="rss" text="B" title="The B" xmlurl=" feed://b.example/rss " category="/x/housing, transport"/>
  </outline>
  <outline text="C" type="atom" url="feed:https://c.example/atom"><outline text="inner" xmlUrl="https://d.example/"/></outline>
</outline>
<outline text="A link" type="link" url="https://page.example/"/>
<outline text="E" type="rss"/>
</body></opml>"""


def test_a_nested_list_is_read_in_its_order() -> None:
    assert read_opml(LIST) == [
        Outline(5, "A", "https://a.example/feed", ("Councils", "North & East")),
        Outline(6, "The B", "https://b.example/rss", ("Councils", "North & East"), ("x/housing", "transport")),
        Outline(8, "C", "https://c.example/atom", ("Councils",)),
        Outline(8, "inner", "https://d.example/", ("Councils",)),
        Outline(11, "E", "", ()),
    ]


def test_other_encodings_are_read() -> None:
    text = '<?xml version="1.0" encoding="{}"?><opml><body><outline text="Café" xmlUrl="https://a.example/"/></body></opml>'
    for encoding in ("utf-8", "utf-16", "iso-8859-1", "windows-1252"):
        assert read_opml(text.format(encoding).encode(encoding))[0].name == "Café"


BOMB = b'<!DOCTYPE opml [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>\n<opml><body><outline text="&b;"/></body></opml>'
DEEP = b"<opml>\n" + b"<outline text='x'>" * 60


@table(
    "body, told",
    [
        (BOMB, "line 1: declares a DTD, which is not read; take out <!DOCTYPE …>"),
        (b'<!DOCTYPE opml SYSTEM "file:///etc/passwd"><opml/>', "line 1: declares a DTD"),
        (b"<opml>\n<body>\n<outline text='a' xmlUrl='https://a.example/?a=1&b=2'/>", "line 3: is no well-formed XML"),
        (b"<opml><body>&x;</body></opml>", "line 1: is no well-formed XML (undefined entity)"),
        (b"", "line 1: is no well-formed XML (no element found)"),
        (b"<rss version='2.0'><channel/></rss>", "line 1: is no OPML but <rss>; export the list of feeds as OPML"),
        (b"<html>", "line 1: is no OPML but <html>"),
        (b'<?xml version="1.0" encoding="x-none"?><opml/>', "cannot be read"),
        (DEEP, "line 2: is nested deeper than 50 levels"),
        (b"<opml>" + b"<outline type='rss'/>" * 10_001, "line 1: holds more than 10,000 feeds"),
        (b" " * (MAX_BYTES + 1), "is larger than 5 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(body: bytes, told: str) -> None:
    with pytest.raises(WrongUse) as caught:
        read_opml(body)
    assert told in str(caught.value)


def test_what_is_written_is_read_again() -> None:
    feeds = [
        Outline(0, 'A "quoted" <name> & more', "https://a.example/?a=1&b='2'", (), ("housing", "transport")),
        Outline(0, "Beyond 𝄞", "https://b.example/"),
    ]
    text = write_opml("Ours & theirs\x00\n", feeds, NOW)
    assert "<title>Ours &amp; theirs</title><dateCreated>Mon, 02 Nov 2026 09:00:00 +0000</dateCreated>" in text
    again = read_opml(text.encode())
    assert [(each.name, each.url, each.categories) for each in again] == [
        (each.name, each.url, each.categories) for each in feeds
    ]
