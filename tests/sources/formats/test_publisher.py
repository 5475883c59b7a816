"""An entry of a planet names its own blog; a feed that names itself as its source changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.sources.formats.feed import parse_feed
from digest.sources.formats.publisher import LONGEST
from digest.sources.sandbox.wire import dump_snapshot, load_snapshot
from tests.counts import table

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = "https://planet.example/feed"
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>Planet Councils</title><id>urn:planet</id>'
    '<link rel="self" href="https://planet.example/feed"/><link href="https://planet.example/"/>'
    "<entry><id>urn:1</id><title>One</title><link href='https://a.example/1'/>{}</entry></feed>"
)
RSS = (
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Planet Councils</title>'
    "<link>https://planet.example/</link><dc:publisher>The Planet Trust</dc:publisher>"
    "<item><guid>1</guid><title>One</title><link>https://a.example/1</link>{}</item></channel></rss>"
)
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://planet.example/"><title>Planet</title>'
    '<link>https://planet.example/</link></channel><item rdf:about="https://a.example/1"><title>One</title>'
    "<link>https://a.example/1</link>{}</item></rdf:RDF>"
)


def publisher(form: str, inner: str) -> str:
    snapshot = parse_feed(form.format(inner).encode(), content_type="", base_url=AT, now=NOW)
    [sighting] = load_snapshot(dump_snapshot(snapshot)).sightings
    assert sighting.title == "One" and sighting.guid  # the names of the source are not the entry's
    return sighting.publisher


@table(
    "form, inner, name",
    [
        (ATOM, "<source><title>Leeds Digital</title><id>urn:leeds</id></source>", "Leeds Digital"),
        (ATOM, "<source><title type='html'>Ann &amp;amp; &lt;b&gt;Bo&lt;/b&gt;</title></source>", "Ann & Bo"),
        (
            ATOM,
            "<source><title>Cyngor\n  Gwynedd</title><link href='https://g.example/'/></source>",
            "Cyngor Gwynedd",
        ),
        (RSS, '<source url="https://leeds.example/rss">Leeds Digital</source>', "Leeds Digital"),
        (RSS, "<source>Leeds Digital</source>", "Leeds Digital"),
        (RSS, "<dc:publisher>Fife Council</dc:publisher>", "Fife Council"),
        (RDF, "<dc:publisher>Fife Council</dc:publisher>", "Fife Council"),
        (RSS, '<source url="https://b.example/">Blog B</source><dc:publisher>Fife</dc:publisher>', "Blog B"),
    ],
)
def test_the_blog_of_an_entry_is_read(form: str, inner: str, name: str) -> None:
    assert publisher(form, inner) == name


@table(
    "form, inner",
    [
        (ATOM, ""),
        (ATOM, "<source/>"),
        (ATOM, "<source><title></title><id>urn:leeds</id></source>"),
        (ATOM, "<source><title>Another title</title><id>urn:planet</id></source>"),
        (ATOM, "<source><title>Planet councils</title></source>"),
        (ATOM, "<source><title>Feed</title><link rel='self' href='https://planet.example/feed'/></source>"),
        (RSS, '<source url="https://planet.example/feed">All posts</source>'),
        (RSS, '<source url="http://www.planet.example/feed">All posts</source>'),
        (RSS, '<source url="https://leeds.example/rss"></source>'),
        (RSS, "<dc:publisher>The Planet Trust</dc:publisher>"),
        (RSS, "<dc:publisher>Planet Trust</dc:publisher>"),
        (RSS, "<dc:publisher>office@fife.example</dc:publisher>"),
        (RSS, "<source>https://leeds.example/rss</source>"),
        (RSS, "<source>…</source>"),
    ],
)
def test_a_feed_that_names_itself_changes_nothing(form: str, inner: str) -> None:
    assert publisher(form, inner) == ""


def test_a_name_is_cleaned_and_bounded() -> None:
    assert publisher(RSS, f"<source>{'Leeds ' * 900}</source>").startswith("Leeds Leeds")
    assert len(publisher(RSS, f"<source>{'Leeds ' * 900}</source>")) <= LONGEST
    assert publisher(RSS, "<source>&lt;script&gt;x()&lt;/script&gt;Blog\u202e B\u200b</source>") == "Blog B"
