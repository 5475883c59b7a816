"""Attributes of html are read as a browser reads them: pictures with their words, and the feeds that a page names."""

from __future__ import annotations

from digest.sources.formats.notfeed import feeds_named
from digest.sources.formats.pictures import first_picture
from digest.sources.formats.tags import tags_of
from digest.sources.post import clean_html
from tests.counts import table

SIZE = 'width="640" height="360"'


@table(
    "tag, alt",
    [
        (f'<img src="/a.png" alt="2 > 1, and more" {SIZE}>', "2 > 1, and more"),
        (f'<img alt="x > y < z" src="/a.png" {SIZE}>', "x > y < z"),
        (f'<img alt="a share <five percent" src="/a.png" {SIZE}>', "a share <five percent"),
        (f'<img alt="&lt;b&gt; is bold" src="/a.png" {SIZE}>', "<b> is bold"),
        (f"<img alt='a \"quoted\" word > here' src='/a.png' {SIZE}>", 'a "quoted" word > here'),
        (f'<img alt="src=/wrong.png width=1" src="/a.png" {SIZE}>', "src=/wrong.png width=1"),
        (f'<img data-src="/wrong.png" data-alt="wrong" src="/a.png" alt="right" {SIZE}>', "right"),
        (f'<img title="alt=&quot;wrong&quot;" alt="right &amp; well" src="/a.png" {SIZE}>', "right & well"),
        ("<IMG ALT=bare SRC=/a.png WIDTH=640 HEIGHT=360>", "bare"),
        (f'<img alt="first" alt="second" src="/a.png" src="/wrong.png" {SIZE}>', "first"),
        (f'<img alt="" src="/a.png" {SIZE}/>', ""),
        (f'<img\n alt = "over\nlines"\n src = "/a.png" {SIZE}>', "over lines"),
        (f'<!-- <img src="/wrong.png" alt="wrong" {SIZE}> --><img src="/a.png" alt="right" {SIZE}>', "right"),
        (f'<script>"<img src=/wrong.png {SIZE}>"</script><img src="/a.png" alt="right" {SIZE}>', "right"),
        (f'<a title="<img src=/wrong.png {SIZE}>"><img src="/a.png" alt="right" {SIZE}></a>', "right"),
        (f'<noscript><img src="/a.png" alt="for old programs" {SIZE}></noscript>', "for old programs"),
    ],
)
def test_the_first_picture_and_its_words(tag: str, alt: str) -> None:
    image = first_picture(f"<p>Homes {tag} end</p>", "https://source.example/post")
    assert image is not None
    assert (image.url, image.alt, image.width, image.height) == ("https://source.example/a.png", alt, 640, 360)


@table(
    "html, url, alt",
    [
        ('<img src="data:image/gif;base64,R0" data-src="/a.jpg" alt="A bus">', "a.jpg", "A bus"),
        ('<img src="/lazy/placeholder.png" data-lazy-src="/a.jpg" alt="">', "a.jpg", ""),
        ('<img srcset="/a.jpg 300w, /b.jpg 900w">', "a.jpg", ""),
        (
            '<img src="/t.jpg" style="width: 1px"><img src="/h.jpg" style="display:none"><img src="/a.jpg">',
            "a.jpg",
            "",
        ),
        ('<img src="/x/icons/share.png"><img src="/b.avif"><img src="/a.jpg" alt="DSC_0042">', "a.jpg", ""),
        ('<img src="/a.jpg" style="max-width:1px00; line-height:1" alt="bus-stop_final-2.jpg">', "a.jpg", ""),
        ('<img src="/a.jpg" alt="undefined">', "a.jpg", ""),
        ('<img src="/a.jpg" alt="Image">', "a.jpg", ""),
        ('<img src="/a.jpg" alt="&lt;p&gt;A bus&amp;rsquo;s stop&lt;/p&gt;">', "a.jpg", "A bus’s stop"),
        ('<img src="/a.jpg" alt="Route X4-2 in the snow">', "a.jpg", "Route X4-2 in the snow"),
        ('<img src="/a.jpg" alt="COVID-19">', "a.jpg", "COVID-19"),
    ],
)
def test_a_picture_that_is_shown_and_words_that_somebody_wrote(html: str, url: str, alt: str) -> None:
    image = first_picture(html, "https://source.example/")
    assert image is not None and (image.url, image.alt) == (f"https://source.example/{url}", alt)


@table(
    "page, feeds",
    [
        ('<link title="a > b" type="application/rss+xml" href="/feed">', ["https://p.example/feed"]),
        ("<link href='/a?x=1&amp;y=2' type='application/atom+xml; charset=utf-8'>", ["https://p.example/a?x=1&y=2"]),
        ('<link type="text/css" title="application/rss+xml" href="/wrong.css">', []),
        ('<link data-type="application/rss+xml" type="text/html" href="/wrong">', []),
        ('<!-- <link type="application/rss+xml" href="/old"> -->', []),
        ('<link href="/wrong" data-href="/x" type="application/json">', []),
        ('<link data-href="/wrong" href="/right" type="application/feed+json">', ["https://p.example/right"]),
    ],
)
def test_the_feeds_that_a_page_names(page: str, feeds: list[str]) -> None:
    body = f"<!doctype html><html><head>{page}</head></html>".encode()
    assert feeds_named(body, "https://p.example/page") == feeds


def test_no_more_tags_are_read_than_wanted() -> None:
    assert len(tags_of("<p>" + "<img src=a>" * 50, ("img",), 10)) == 10
    assert tags_of("<imgx src=a><p title='<img>'>", ("img",), 10) == []


@table("href", ["/a>b", "/a?x=<y>", "/a'b\"c", "/#>"])
def test_a_stored_text_has_no_angle_bracket_in_an_attribute(href: str) -> None:
    """So the expressions that take the tags out of stored texts cannot be fooled."""
    kept = clean_html(
        f"<p><a href='{href.replace(chr(39), '&#39;')}' title='1 > 2' lang='en'>word</a></p>", "https://x.example/"
    )
    inside = kept.removeprefix("<p><a ").partition(">word")[0]
    assert not {"<", ">"} & {*inside}
    assert kept.endswith(">word</a></p>")
