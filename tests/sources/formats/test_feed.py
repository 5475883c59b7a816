"""What a feed says becomes sightings: every family, every gap, every repeat."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from digest.errors import SourceError
from digest.model import Image, Sighting, Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.formats.tidy import CUT_OFF, MAX_ENTRIES
from tests.counts import table

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "https://news.example/feeds/all.xml"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


def read(text: str | bytes, *, content_type: str = "", base_url: str = URL) -> Snapshot:
    body = text.encode() if isinstance(text, str) else text
    return parse_feed(body, content_type=content_type, base_url=base_url, now=NOW)


def rss(inner: str, extra: str = "") -> str:
    return f"""<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
      xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel><title>Town news</title><link>https://news.example/</link>{extra}{inner}</channel></rss>"""


def one(inner: str) -> Sighting:
    (sighting,) = read(rss(f"<item>{inner}</item>")).sightings
    return sighting


def atom(inner: str) -> Sighting:
    (sighting,) = read(f"<feed {ATOM}><title>T</title><entry>{inner}</entry></feed>").sightings
    return sighting


def test_every_family_is_read_alike() -> None:
    title, link = "One", "https://news.example/one"
    feeds = {
        **{
            f"rss {version}": f"""<rss version="{version}"><channel><item><title>{title}</title>
                <link>{link}</link></item></channel></rss>"""
            for version in ("0.91", "0.92", "2.0")
        },
        "rss 0.90": f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
            xmlns="http://my.netscape.com/rdf/simple/0.9/"><item><title>{title}</title><link>{link}</link></item>
            </rdf:RDF>""",
        "rss 1.0": f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
            xmlns="http://purl.org/rss/1.0/"><channel rdf:about="https://news.example/"><title>T</title></channel>
            <item rdf:about="{link}"><title>{title}</title><link>{link}</link></item></rdf:RDF>""",
        "atom 0.3": f"""<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>{title}</title>
            <link rel="alternate" type="text/html" href="{link}"/></entry></feed>""",
        "atom 1.0": f'<feed {ATOM}><entry><title>{title}</title><link href="{link}"/></entry></feed>',
        "json feed": json.dumps(
            {"version": "https://jsonfeed.org/version/1", "items": [{"title": title, "url": link}]}
        ),
    }
    for family, text in feeds.items():
        (sighting,) = read(text).sightings
        assert (sighting.title, sighting.link) == (title, link), family


def test_a_whole_rss_item() -> None:
    sighting = one(
        """<guid isPermaLink="false">tag:1</guid><link>https://news.example/1?utm_source=rss</link>
        <title>A &amp;amp; B</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
        <description>Short.</description>
        <content:encoded><![CDATA[<p>Long <a href="/more">text</a>.</p><script>x()</script>]]></content:encoded>
        <dc:creator>Jane Doe</dc:creator><category>Housing</category><category>housing</category>
        <category>0</category><category>Arts &amp;amp; Culture</category>
        <media:thumbnail url="https://news.example/1.jpg" width="600" height="400"/>"""
    )
    assert sighting == Sighting(
        guid="tag:1",
        link="https://news.example/1",
        title="A & B",
        published=datetime(2026, 11, 20, 10, tzinfo=UTC),
        summary="Short.",
        html='<p>Long <a href="https://news.example/more">text</a>.</p>',
        author="Jane Doe",
        categories=("Housing", "Arts & Culture"),
        image=Image("https://news.example/1.jpg", "", 600, 400),
    )


def test_a_whole_atom_entry() -> None:
    sighting = atom(
        """<id>tag:news.example,2005:/1</id><link rel="enclosure" type="image/png" href="/i.png"/>
        <link href="/one"/><title type="html">A &lt;b&gt;bold&lt;/b&gt; one</title>
        <published>2026-11-20T10:00:00+00:00</published><updated>2026-11-21T10:00:00Z</updated>
        <summary></summary><content type="xhtml" xml:base="https://other.example/d/" xml:lang="cy">
        <div xmlns="http://www.w3.org/1999/xhtml"><p>Yr <abbr title="x">GIG</abbr>
        <a href="e">e</a></p></div></content>
        <author><name>Jane</name><email>jane@example.org</email></author>
        <category term="http://schemas.example.com/kind#post"/><category term="x1" label="Health"/>"""
    )
    assert sighting == Sighting(
        guid="tag:news.example,2005:/1",
        link="https://news.example/one",
        title="A bold one",
        published=datetime(2026, 11, 20, 10, tzinfo=UTC),
        summary="Yr GIG e",
        html='<p>Yr GIG\n        <a href="https://other.example/d/e">e</a></p>',
        author="Jane",
        categories=("Health",),
        language="cy",
        image=Image("https://news.example/i.png"),
    )


@table(
    "inner, guid, link",
    [
        ("<guid>https://news.example/1</guid>", "https://news.example/1", "https://news.example/1"),
        ("<guid>0</guid>", "0", None),
        ("<guid>abc</guid>", "abc", None),
        ('<guid isPermaLink="false">https://news.example/1</guid>', "https://news.example/1", None),
        ("<guid>7</guid><link>/1</link>", "7", "https://news.example/1"),
        ("<link>javascript:alert(1)</link><guid>https://news.example/1</guid>", "https://news.example/1", None),
        ("<link> https://news.example/1 \n</link>", None, "https://news.example/1"),
        ("<guid> a\n b </guid>", "a b", None),
        ("<guid></guid><link></link>", None, None),
        ("<link>//other.example/x</link>", None, "https://other.example/x"),
        ("<link>relative.html</link>", None, "https://news.example/feeds/relative.html"),
    ],
)
def test_ids_and_links(inner: str, guid: str | None, link: str | None) -> None:
    sighting = one(f"<title>x</title>{inner}")
    assert (sighting.guid, sighting.link) == (guid, link)


@table(
    "inner",
    [
        "<title>only a title</title>",
        "<link>https://news.example/only</link>",
        "<description>only text</description>",
    ],
)
def test_nothing_is_needed_for_an_entry_to_count(inner: str) -> None:
    assert len(read(rss(f"<item>{inner}</item><item><title>other</title></item>")).sightings) == 2


@table(
    "dates, published",
    [
        ("<pubDate>mer, 16 nov 2022 00:38:15 +0100</pubDate>", datetime(2022, 11, 15, 23, 38, 15, tzinfo=UTC)),
        ("<pubDate>22.11.2022 12:16:00</pubDate>", datetime(2022, 11, 22, 12, 16, tzinfo=UTC)),
        ("<pubDate>Fri, 05/03/2019 - 15:21</pubDate>", datetime(2019, 5, 3, 15, 21, tzinfo=UTC)),
        ("<dc:date>2026-05-01</dc:date>", datetime(2026, 5, 1, tzinfo=UTC)),
        ("<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>", None),
        ("<pubDate>-1</pubDate>", None),
        ("<pubDate>Sun, 30 Feb 2025 00:00:00 GMT</pubDate>", None),
        ("", None),
    ],
)
def test_dates_are_sound_or_absent(dates: str, published: datetime | None) -> None:
    assert one(f"<title>x</title>{dates}").published == published


@pytest.mark.parametrize("text", ["9999-12-31T00:00:00Z", "Fri, 25 Dec 2026 00:00:00 GMT"])
def test_an_entry_dated_ahead_is_not_released_before(text: str) -> None:
    sighting = one(f"<title>x</title><pubDate>{text}</pubDate>")
    assert sighting.published is not None and sighting.published == sighting.not_before


def test_an_atom_text_is_text_and_mislabelled_html_is_html() -> None:
    assert atom("<id>1</id><content>5 &lt; 6 &amp;\n\nmore</content>").html == "<p>5 &lt; 6 &amp;</p><p>more</p>"
    assert (
        atom("<id>1</id><summary>&lt;p&gt;Hi &lt;b&gt;x&lt;/b&gt;&lt;/p&gt;</summary>").html == "<p>Hi <b>x</b></p>"
    )


@table(
    "inner, url",
    [
        ('<enclosure url="https://x.example/a.jpg" type="image/jpeg" length="1"/>', "https://x.example/a.jpg"),
        ('<enclosure url="https://x.example/a.mp3" type="audio/mpeg" length="1"/>', None),
        ('<media:content url="/a.png" medium="image"/>', "https://news.example/a.png"),
        ('<media:thumbnail url="http://x.example/a.png"/>', None),
        ('<description>&lt;img src="https://x.example/pixel.gif" width="1" height="1"&gt;'
         '&lt;img src="https://x.example/p.jpg" alt="A &amp;quot;view&amp;quot;"&gt;</description>', "https://x.example/p.jpg"),
        ('<description>&lt;img src="javascript:x"&gt;</description>', None),
    ],
)  # fmt: skip
def test_one_sensible_https_image(inner: str, url: str | None) -> None:
    image = one(f"<title>x</title>{inner}").image
    assert (image.url if image else None) == url


def test_only_exact_repeats_are_dropped() -> None:
    item = "<item><guid>1</guid><title>x</title><link>https://news.example/1</link></item>"
    other = "<item><guid>1</guid><title>y</title><link>https://news.example/1</link></item>"
    snapshot = read(rss(item + other + item + "<item><title>x</title></item>"))
    assert [sighting.title for sighting in snapshot.sightings] == ["x", "y", "x"]
    assert snapshot.problems == ("1 exact repeats of other entries were left out",)


def test_a_feed_without_entries_is_no_error() -> None:
    assert read(rss("")) == Snapshot((), title="Town news")
    assert read('{"version": "https://jsonfeed.org/version/1.1", "items": []}').sightings == ()


def test_more_than_1000_entries_are_cut_and_told() -> None:
    snapshot = read(rss("".join(f"<item><guid>{n}</guid><title>{n}</title></item>" for n in range(MAX_ENTRIES + 5))))
    assert [sighting.guid for sighting in snapshot.sightings] == [str(n) for n in range(MAX_ENTRIES)]
    told = f"only the newest {MAX_ENTRIES} of {MAX_ENTRIES + 5} entries were read; ask for a shorter feed"
    assert snapshot.problems == (told,)


WHOLE = rss(
    "".join(
        f"<item><guid>{n}</guid><title>T{n}</title><description>&lt;p&gt;{'text ' * 9}</description></item>\n"
        for n in range(4)
    )
)


@table("end", range(WHOLE.index("<guid>1"), len(WHOLE), 23))
def test_a_half_read_last_entry_is_not_seen(end: int) -> None:
    text = WHOLE[:end]
    whole_items = text.count("</item>")
    snapshot = read(text)
    assert [sighting.guid for sighting in snapshot.sightings] == [str(n) for n in range(whole_items)]
    in_an_item = text.count("<item>") > whole_items
    assert (CUT_OFF in snapshot.problems) == in_an_item


def test_a_cut_atom_feed_in_utf_16_is_treated_alike() -> None:
    text = f"<feed {ATOM}><entry><id>1</id><title>a</title></entry><entry><id>2</id><title>b"
    snapshot = read(text.encode("utf-16"))
    assert [sighting.guid for sighting in snapshot.sightings] == ["1"]
    assert CUT_OFF in snapshot.problems


def test_malformed_is_no_reason_to_reject() -> None:
    snapshot = read("\nNotice: oops\n" + rss("<item><title>A &nbsp; & B</title></item>"))
    assert [sighting.title for sighting in snapshot.sightings] == ["A & B"]
    assert snapshot.problems[0].startswith("the feed is malformed")


@table(
    "body, reason",
    [
        ("", "empty"),
        (" \n ", "empty"),
        (
            "<!doctype html><html><title>Page</title><p>Hi",
            "this is a web page, not a feed; give the address of its feed",
        ),
        (
            '<html><head><link rel="alternate" type="application/rss+xml" href="/feed?a=1&amp;b=2"></head></html>',
            "(the page names https://news.example/feed?a=1&b=2)",
        ),
        ("just words", "this is no feed (text/plain, 10 bytes, starting 'just words')"),
        ("\x89PNG\r\n\x1a\n\x00\x00", "this is no feed"),
        ("{not json", "this JSON cannot be read"),
        ('{"a": 1}', "JSON but not a JSON Feed"),
        ("{" + '"a":[' * 100_000, "this JSON cannot be read"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "this is no feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_cure(body: str, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        read(body.encode("latin-1"), content_type="text/plain")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_an_html_page_around_a_feed_is_a_feed() -> None:
    assert len(read("<!-- <html> -->" + rss("<item><title>x</title></item>")).sightings) == 1


def test_without_an_address_the_feeds_own_link_resolves() -> None:
    body = rss(
        "<item><title>x</title><link>/a</link><description>&lt;a href='/b'&gt;b&lt;/a&gt;</description></item>"
    )
    (sighting,) = read(body, base_url="").sightings
    assert sighting.link == "https://news.example/a"
    assert sighting.html == '<a href="https://news.example/b">b</a>'


@table(
    "site, base, link",
    [
        ("https://powys.example/news", "https://feeds.example/rss/7", "https://powys.example/a"),
        ("https://www.powys.example", "https://feeds.powys.example/7", "https://www.powys.example/a"),
        ("https://www.powys.example", "https://powys.example/rss/7", "https://powys.example/a"),
        ("http://localhost:8080", "https://powys.example/rss/7", "https://powys.example/a"),
        ("http://10.0.0.7/", "https://powys.example/rss/7", "https://powys.example/a"),
        ("", "https://powys.example/rss/7", "https://powys.example/a"),
    ],
)
def test_a_relative_link_of_rss_leads_to_the_site_where_another_host_has_the_feed(
    site: str, base: str, link: str
) -> None:
    item = "<item><title>x</title><link>/a</link></item>"
    body = f'<rss version="2.0"><channel><title>F</title><link>{site}</link>{item}</channel></rss>'
    assert read(body, base_url=base).sightings[0].link == link


@table(
    "offers, name",
    [
        (
            '<m:content url="/s.jpg" medium="image" width="60"/><m:content url="/l.jpg" medium="image" width="900"/>',
            "l",
        ),
        ('<m:thumbnail url="/s.jpg" width="75" height="75"/><m:content url="/l.jpg" type="image/jpeg"/>', "l"),
        ('<m:thumbnail url="/s.jpg" width="75"/><m:thumbnail url="/l.jpg" width="150"/>', "l"),
        ('<m:thumbnail url="/l.jpg"/><m:content url="/s.jpg" medium="image" width="900"/>', "l"),
    ],
)
def test_a_small_picture_gives_way_to_a_larger_one(offers: str, name: str) -> None:
    extra = 'xmlns:m="http://search.yahoo.com/mrss/"'
    body = (
        f'<rss version="2.0" {extra}><channel><title>F</title><item><title>x</title>{offers}</item></channel></rss>'
    )
    image = read(body).sightings[0].image
    assert image is not None and image.url == f"https://news.example/{name}.jpg"


@table(
    "author, name",
    [
        ("jane@council.wales (Jane Doe)", "Jane Doe"),
        ("Jane Doe &lt;jane@cyngor.cymru&gt;", "Jane Doe"),
        ("jane@trust.charity", ""),
        ("noreply@blogger.com (Unknown)", ""),
        ("Site Admin", ""),
        ("anonymous", ""),
        ("https://powys.example/user/7", ""),
        ("Anne Root", "Anne Root"),
        ("Admin Team, Powys", "Admin Team, Powys"),
    ],
)
def test_an_author_is_a_name_and_no_address_or_account(author: str, name: str) -> None:
    assert read(rss(f"<item><title>x</title><author>{author}</author></item>")).sightings[0].author == name


def test_the_language_is_the_entrys_or_the_feeds() -> None:
    snapshot = read(rss("<item><title>x</title></item>", extra="<language>en_GB</language>"))
    assert (snapshot.language, snapshot.sightings[0].language) == ("en-GB", "en-GB")
    item = '<item><title>x</title><dc:language xmlns:dc="http://purl.org/dc/elements/1.1/">cy</dc:language></item>'
    assert read(rss(item, extra="<language>en</language>")).sightings[0].language == "cy"
    assert read(rss("", extra="<language>no such &lt;b&gt;</language>")).language is None


def test_elements_named_like_the_librarys_own_keys_do_no_harm() -> None:
    names = """links tags authors content media_thumbnail media_content summary_detail title_detail
        published_parsed updated_parsed image id link title summary guid author_detail"""
    inner = "".join(f'<{name} a="b">text</{name}><{name}>text</{name}>' for name in names.split())
    snapshot = read(rss(f"<item>{inner}</item><item>{inner}<guid>2</guid></item>"))
    assert len(snapshot.sightings) == 2
