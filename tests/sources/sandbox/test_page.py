"""The main text of a page keeps its structure, and a hostile page ends in a refusal."""

from __future__ import annotations

from contextlib import suppress

import pytest

from digest.sources.sandbox.child import ChildLimits, UnreadablePage, extract_limited
from tests.counts import others_long, table

PARAGRAPH = (
    "The council and the health board had shared no records for years, because nobody trusted the other side. "
)
PAGE = f"""<!doctype html><html><head><title>One front door</title><script>var x = "Buy now";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav>
<main><article><h1>One front door in Melton</h1>
<p>{PARAGRAPH * 2}</p>
<h2>What was in the way</h2>
<p>Three things had kept the two teams apart for as long as anyone who works there can remember today:</p>
<ul><li>nobody knew what the law allows them to share</li><li>two systems that did not talk to each other</li></ul>
<p>{PARAGRAPH}<b>So they met</b> in one room, and <em>stayed</em> there for the whole of that long winter.</p>
<p><strong>What they did</strong></p>
<blockquote><p>It was <strong>never</strong> the law that stopped us, it was that we had not asked each other.</p>
<p>The head of the service, who had seen three such attempts fail, says so to all who will listen.</p></blockquote>
<pre><code>select * from Halifax where code = 1</code></pre>
<table><tr><td>Bolton</td><td>12</td></tr><tr><td>Wigan</td><td>13</td></tr></table>
<img src="/a.png" alt="A picture of Leeds">
<h3>How they know</h3>
<p>They counted the families who had to tell their story twice: it was one in three, and is now one in ten.</p>
</article></main>
<section id="comments"><h2>Comments</h2><p>First! I live in Swansea and this comment is long enough.</p></section>
<footer><p>Copyright of somebody in London. All rights are reserved by them for ever and a day.</p></footer>
</body></html>"""


def read(page: str | bytes, content_type: str = "text/html; charset=utf-8") -> str:
    body = page if isinstance(page, bytes) else page.encode()
    return extract_limited(body, content_type=content_type, limits=ChildLimits(wall=60))


def test_headings_lists_and_paragraphs_stay_and_nothing_else() -> None:
    text = read(PAGE)
    lines = [line for line in text.split("\n") if line]
    assert "## What was in the way" in lines and "## How they know" in lines
    assert "- nobody knew what the law allows them to share" in lines
    assert "- two systems that did not talk to each other" in lines
    [paragraph] = [line for line in lines if "So they met" in line]
    assert paragraph.endswith("So they met in one room, and stayed there for the whole of that long winter.")
    assert "## What they did" in lines
    assert "> It was never the law that stopped us, it was that we had not asked each other." in lines
    assert (
        "> The head of the service, who had seen three such attempts fail, says so to all who will listen." in lines
    )
    for word in ("Home", "Bolton", "Halifax", "Leeds", "Swansea", "Copyright", "Buy now", "<", "**", "|"):
        assert word not in text
    assert lines.index("## What was in the way") < lines.index("## How they know")


def paragraphs(count: int, text: str = PARAGRAPH) -> str:
    return "<html><body><article>" + "".join(f"<p>{n} {text}</p>" for n in range(count)) + "</article></body></html>"


# A page, its content type, and a word that its text must hold.
CHARSETS = [
    (paragraphs(9, PARAGRAPH + "Tŵr a chŵyn.").encode(), "text/html", "Tŵr"),
    (paragraphs(9, PARAGRAPH + "Café.").encode("latin-1"), "text/html; charset=iso-8859-1", "Café."),
    (f'<meta charset="iso-8859-2">{paragraphs(9, PARAGRAPH + "Łódź.")}'.encode("iso-8859-2"), "text/html", "Łódź."),
    (paragraphs(9, PARAGRAPH + "“Café”.").encode("cp1252"), "", "“Café”."),
    (paragraphs(9, PARAGRAPH + "Café.").encode("utf-16"), "text/html", "Café."),
    (paragraphs(9, PARAGRAPH + "Café.").encode(), "text/html; charset=nosuch", "Café."),
]  # fmt: skip


@table("body, content_type, word", CHARSETS)
def test_a_page_is_read_in_its_charset(body: bytes, content_type: str, word: str) -> None:
    assert word in read(body, content_type)


def test_the_text_is_bounded_and_holds_nothing_invisible() -> None:
    long = read(paragraphs(2_000))
    assert 39_000 < len(long) <= 40_000
    hidden = read(paragraphs(9, PARAGRAPH + "zero\u200bwidth\u202e and &#0; and \x00 and &#8203;."))
    assert "zerowidth and" in hidden and not {"\u200b", "\u202e", "\0"} & set(hidden)


DEEP = "<div>" * 100_000
MIB = 1 << 20
# Pages that hold no text, or try to break a reader.
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("<html><body></body></html>", "text/html"),
    "only a menu": ("<html><body><nav><a href='/'>Home</a></nav></body></html>", "text/html"),
    "a document": (b"%PDF-1.7 ...", "application/pdf"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "image/png; charset=binary"),
    "no markup": (b"\x00\x01\x02\xff\xfe" * 1_000, "text/html"),
    "scripts alone": ("<html><body>" + "<script>var a = '<p>x</p>';</script>" * 50_000, "text/html"),
    "unclosed script": ("<html><body><script>" + "<p>Words</p>" * 100_000, "text/html"),
}


@pytest.mark.parametrize("name", others_long(list(HOSTILE), "nothing", "a document", "a picture"))
def test_a_page_without_text_is_refused(name: str) -> None:
    page, content_type = HOSTILE[name]
    with pytest.raises(UnreadablePage):
        read(page, content_type)


# Pages that cost much. Whether they are read or refused is the limits' affair; the program goes on.
COSTLY: dict[str, str] = {
    "deep": f"<html><body>{DEEP}{PARAGRAPH}",
    "deep inline": "<html><body><p>" + "<b><i>" * 50_000 + PARAGRAPH,
    "deep lists": "<html><body><article>" + "<ul><li>x" * 20_000 + PARAGRAPH,
    "five megabytes": paragraphs(5 * MIB // len(PARAGRAPH)),
    "one long line": paragraphs(1, "word " * MIB),
    "many attributes": "<html><body " + " ".join(f"a{n}=b" for n in range(200_000)) + f"><p>{PARAGRAPH}</p>",
    "many entities": paragraphs(1, "&amp;&nosuch;" * 300_000),
    "many tables": "<html><body>" + "<table><tr><td>" * 20_000 + PARAGRAPH,
    "comments": "<html><body>" + "<!-- -- >" * 200_000 + PARAGRAPH,
    "spaces": paragraphs(1, " " * 4 * MIB),
    "dates": paragraphs(9, "12 May 2026, 2026-05-12 and 5/12/26. " * 20_000),
}


@pytest.mark.long
@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_page_ends_by_itself_or_by_its_limits(name: str) -> None:
    with suppress(UnreadablePage):
        assert 0 < len(read(COSTLY[name])) <= 40_000
    assert "Melton" in read(PAGE)


def test_a_page_that_breaks_its_limits_is_named_and_costs_no_other() -> None:
    with pytest.raises(UnreadablePage, match=r"more than 1 s of processor time|more than 0\.05 s"):
        extract_limited(COSTLY["five megabytes"].encode(), content_type="", limits=ChildLimits(cpu=1, wall=0.05))
    assert "Melton" in read(PAGE)
