"""Slips in how a feed's bytes and references are written, which a reader must not see."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.model import Snapshot
from digest.sources.formats.charset import escape_ampersands, to_utf8
from digest.sources.formats.feed import parse_feed
from tests.counts import table

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def read(title: str, text: str = "", link: str = "https://powys.example/1") -> Snapshot:
    body = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>Powys</title>
        <item><title>{title}</title><link>{link}</link><description>{text}</description></item></channel></rss>"""
    return parse_feed(body.encode(), content_type="", base_url="", now=NOW)


@table(
    "written, meant",
    [
        ("Carers & staff", "Carers & staff"),
        ("R&D at Q&A", "R&D at Q&A"),
        ("Food &drink", "Food &drink"),
        ("A &amp; E, caf&#233;, &lt;5 beds", "A & E, café, <5 beds"),
        ("<![CDATA[Bed & board]]> & more", "Bed & board & more"),
        ("<!-- a & b -->Beds & bread", "Beds & bread"),
    ],
)
def test_an_ampersand_that_nobody_escaped_is_one(written: str, meant: str) -> None:
    assert read(written).sightings[0].title == meant


def test_a_feed_with_such_ampersands_is_told_as_malformed_and_its_links_lead_on() -> None:
    snapshot = read("Beds & bread", link="https://powys.example/n?a=1&copy=2&lang=cy")
    assert snapshot.sightings[0].link == "https://powys.example/n?a=1&copy=2&lang=cy"
    assert snapshot.problems == (
        "the feed is malformed (an & that is not written as &amp;, 3 times); what could be read was",
    )
    assert read("<![CDATA[Bed & board]]>").problems == ()
    assert escape_ampersands(b'<!ENTITY a "&#163;"> &a; &') == (b'<!ENTITY a "&#163;"> &a; &amp;', 1)


@table(
    "written, meant",
    [
        (b"T\xc5\xb7 newydd \x96 it\x92s open", "T\u0177 newydd – it’s open"),
        ("Caffi’r dŵr ".encode() + b"\xa35", "Caffi’r dŵr £5"),
        ("Tŷ ac ŵyn: ".encode() + b"\x93yes\x94", "Tŷ ac ŵyn: “yes”"),
        ("Tŷ newydd".encode(), "Tŷ newydd"),
    ],
)
def test_a_byte_that_was_pasted_from_a_word_processor_is_its_letter(written: bytes, meant: str) -> None:
    body = b'<?xml version="1.0" encoding="utf-8"?><t>' + ("ŵ ŷ â ê î ô û " * 5 + "ï").encode() + written + b"</t>"
    assert to_utf8(body, "text/xml; charset=utf-8").decode().partition("ï")[2] == f"{meant}</t>"


@table(
    "text",
    ["Itâ€™s open â€“ tÅ· newydd for Â£5", "â€œYesâ€\x9d, said the cafÃ© in LlÅ·n", "DÅµr â€¦ a bwyd â€” Ã´l"],
)
def test_letters_that_were_encoded_twice_are_read_twice(text: str) -> None:
    meant = to_utf8(text.encode(), "").decode()
    assert not set(meant) & set("âÃÂÅ€") and any(letter in meant for letter in "’“…")


@table("text", ["CAFÉ” – «É» à… AMANHÔ", "Â is a letter, £5", "Ŷ â ê î", "€5 for 10 â"])
def test_letters_that_only_look_so_stay(text: str) -> None:
    assert to_utf8(text.encode(), "").decode() == text


@table(
    "text, meant",
    [
        ("&lt;![CDATA[Beds for carers]]&gt;", "Beds for carers"),
        ("<![CDATA[<![CDATA[Beds for carers]]]]><![CDATA[>]]>", "Beds for carers"),
        (" &lt;![CDATA[ Beds &amp; carers", "Beds & carers"),
    ],
)
def test_a_section_that_was_escaped_is_its_text(text: str, meant: str) -> None:
    assert read(text).sightings[0].title == meant
    assert read("Breaks", text).sightings[0].summary == meant
