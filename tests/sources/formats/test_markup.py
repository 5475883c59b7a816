"""Nothing active survives, whichever field of a feed carries it (group E)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest

from digest.model import Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.post import clean_html
from digest.sources.sanitise import MAX_HTML
from tests.counts import spread, table
from tests.sources.active import faults_in
from tests.sources.payloads import PAYLOADS

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BASE = "https://news.example/feed"
# A title may name an element, as in "When to use <details>"; a tag with attributes, a comment or an active element is
# markup.
_TAG = re.compile(r"<[!?]|</?[a-z][^<>]*=|<(?:script|style|iframe|object|embed|svg)\b", re.I)


def _read(body: str) -> Snapshot:
    return parse_feed(body.encode("utf-8", "replace"), content_type="", base_url=BASE, now=NOW)


def _xml_safe(text: str) -> str:
    return re.sub("[\x00-\x08\x0b\x0c]", "", text)


def _rss(payload: str) -> str:
    safe = escape(_xml_safe(payload))
    return f"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>{safe}</title>
        <item><guid>1</guid><link>https://news.example/1</link><title>T {safe}</title>
        <description>D {safe}</description><content:encoded>C {safe}</content:encoded>
        <dc:creator>A {safe}</dc:creator><category>K {safe}</category>
        <enclosure url="{escape(_xml_safe(payload), {'"': "&quot;"})}" type="image/png"/></item></channel></rss>"""


def _atom(payload: str) -> str:
    safe = escape(_xml_safe(payload))
    return f"""<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">{safe}</title>
        <entry><id>1</id><link href="https://news.example/1"/><title type="html">T {safe}</title>
        <summary type="html">D {safe}</summary><content type="html">C {safe}</content>
        <author><name>A {safe}</name></author><category term="K {safe.replace('"', "&quot;")}"/></entry></feed>"""


def _json(payload: str) -> str:
    item = {
        "id": "1",
        "url": "https://news.example/1",
        "title": f"T {payload}",
        "summary": f"D {payload}",
        "content_html": f"C {payload}",
        "authors": [{"name": f"A {payload}"}],
        "tags": [f"K {payload}"],
        "image": payload,
    }
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": payload, "items": [item]})


def test_there_are_payloads_enough() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 46


def test_the_judge_sees_what_is_active() -> None:
    seen = [payload for payload in PAYLOADS if faults_in(payload)]
    assert len(seen) >= len(PAYLOADS) - 3  # of the rest, the tags themselves are broken


@table("payload", PAYLOADS)
def test_cleaned_markup_is_harmless_and_stays_so(payload: str) -> None:
    cleaned = clean_html(f"<p>before</p>{payload}<p>after</p>", BASE)
    assert faults_in(cleaned) == []
    assert clean_html(cleaned, BASE) == cleaned


# In `make test` each payload in one format, and some of them in each.
WRAPPED = [(payload, wrap) for payload in PAYLOADS for wrap in (_rss, _atom, _json)]


@pytest.mark.parametrize(("payload", "wrap"), spread(30, WRAPPED))
def test_no_field_of_a_feed_carries_it_in(payload: str, wrap: object) -> None:
    snapshot = _read(wrap(payload))  # type: ignore[operator]
    (sighting,) = snapshot.sightings
    assert faults_in(sighting.html) == []
    for text in (snapshot.title, sighting.title, sighting.author, sighting.summary, *sighting.categories):
        assert not _TAG.search(text)
    if sighting.image:
        assert re.fullmatch(r"https://[!-~]+", sighting.image.url)


def test_links_become_absolute_lose_tracking_or_stop_being_links() -> None:
    html = (
        '<p><a href="/a?utm_source=x&amp;id=1">one</a> <a href="mailto:x@example.org">two</a> <a>three</a>'
        ' <a href="#note">four</a> <a href="javascript:x">fi<b>ve</b></a> <a href="https://x.example/y">six</a></p>'
    )
    assert clean_html(html, BASE) == (
        '<p><a href="https://news.example/a?id=1">one</a> two three four fi<b>ve</b>'
        ' <a href="https://x.example/y">six</a></p>'
    )
    assert clean_html('<a href="/a">one</a>', None) == "one"


def test_structure_stays_and_images_go() -> None:
    html = '<h2 id="x">H</h2><ol start="3"><li lang="cy">Bore da</li></ol><img src="https://x.example/a.png"><hr>'
    assert clean_html(html, BASE) == '<h2>H</h2><ol start="3"><li lang="cy">Bore da</li></ol><hr>'


def test_no_more_than_64_k_reaches_the_cleaner() -> None:
    assert len(clean_html("x" * 10_000_000, BASE)) == MAX_HTML
    assert faults_in(clean_html("x" * (MAX_HTML - 20) + '<a href="https://x.example/long">cut</a>', BASE)) == []


def test_invisible_characters_and_surrogates_do_no_harm() -> None:
    assert clean_html("<p>a\u202eb\u200bc\x00d\ud800e</p>", BASE) == "<p>abcd?e</p>"


def test_many_breaks_are_no_depth_and_real_depth_is_cut() -> None:
    assert clean_html("<br>" * 3_000 + "<p>after</p>", BASE).endswith("<br><p>after</p>")
    cleaned = clean_html("<div>" * 10_000 + "<p>deep</p>", BASE)
    assert cleaned.count("<div>") == 1_000 and "deep" in cleaned
