"""Texts of entries: what is printed around them goes, what their authors wrote stays (issue 16, texts)."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from digest.model import Sighting, Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.placeholders import is_placeholder
from digest.sources.post import Post, clean_html, summary_text
from digest.sources.sanitise import MAX_HTML
from digest.sources.tails import Frame
from tests.counts import table
from tests.sources.active import faults_in

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WORDS = "Carers in Bangor can now book a break online."
FRAME = Frame(
    "Breaks for carers by the week", "web.officer", datetime(2026, 11, 18, 9, tzinfo=UTC), "https://gwynedd.example/news/breaks",
    "Gwynedd Example",
)  # fmt: skip


def rss(items: str) -> Snapshot:
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Gwynedd Example</title>{items}</channel></rss>'
    return parse_feed(body.encode(), content_type="", base_url="https://gwynedd.example/feed", now=NOW)


def item(title: str, text: str = "", number: int = 1) -> str:
    date = "Wed, 18 Nov 2026 09:00:00 GMT"
    return (
        f"<item><title>{escape(title)}</title><guid>n{number}</guid><link>https://gwynedd.example/{number}</link>"
        f"<pubDate>{date}</pubDate><description>{escape(text)}</description></item>"
    )


def one(title: str, text: str = "") -> Sighting:
    (sighting,) = rss(item(title, text)).sightings
    return sighting


LONG = "data:image/webp;base64," + "QUJD" * 30_000


@table(
    "before",
    [
        f'<p><img src="{LONG}" alt="A bus"></p>',
        f"<style>@font-face {{ src: url({LONG}) }}</style>",
        f'<svg><path d="{"M1 1 L2 2 " * 12_000}"/></svg>',
        f"<!-- {'word processor ' * 9_000} -->",
        f"<script>{'let a = 1;' * 12_000}</script>",
        f'<div data-block="{escape("{&quot;a&quot;: 1} " * 9_000)}"></div>',
        "<span></span>" * 9_000,
        f'<p style="background: url({LONG})"></p>',
        LONG,
    ],
)
def test_nothing_before_a_text_erases_it(before: str) -> None:
    post = Post(f"{before}<p>{WORDS}</p>", None, FRAME)
    assert post.summary() == WORDS and WORDS in post.html
    assert len(post.html) < 200 and faults_in(post.html) == []


def test_a_long_text_is_cut_at_a_word_with_its_elements_closed() -> None:
    html = clean_html("<div><p>" + "Carers &amp; <b>breaks</b> online. " * 9_000 + "</p></div>", None)
    assert MAX_HTML - 2_000 < len(html) <= MAX_HTML and html.endswith("</p></div>") and faults_in(html) == []
    assert html.removesuffix("</p></div>").split()[-1] in ("Carers", "&amp;", "<b>breaks</b>", "online.")


@table(
    "value",
    ["Undefined", "NULL", "[object Object]", "(None)", "{{ page.title }}", "${post.title}", "%%SUBJECT%%",
     "*|MC:SUBJECT|*", "—", "(no title)", "Ohne Titel", "Sans titre", "N/A", "…", "\u200b"],
)  # fmt: skip
def test_what_a_tool_prints_for_no_value_is_no_value(value: str) -> None:
    assert is_placeholder(value)
    sighting = one(value, f"<p>{escape(value)}</p>")
    assert (sighting.title, sighting.summary, sighting.html) == ("", "", "")


@table(
    "title",
    ["None of us is an island", "No", "Null results matter", "Undefined roles in teams", "NaN bread for all", "Untitled: a show",  # noqa: E501
     "$5m for parks", "100%", "A & E", "🚲", "2026", "No title is needed to lead", "C++"],
)  # fmt: skip
def test_titles_that_only_sound_like_it_stay(title: str) -> None:
    assert one(title, WORDS).title == title


@table(
    "html, summary",
    [
        ("<h2>Why</h2><p>Waits were long.</p><h2>What we did</h2><p>We hired two.</p>", "Waits were long. We hired two."),  # noqa: E501
        ("<p><b>In short</b></p><p>Waits fell.</p>", "Waits fell."),
        ("<p>Waits fell</p><p>Staff stayed</p>", "Waits fell – Staff stayed"),
        ("<p>We tried:</p><ul><li>buses</li><li>bikes</li></ul>", "We tried: buses; bikes"),
        ("<table><tr><td>2024</td><td>12</td></tr><tr><td>2025</td><td>9</td></tr></table>", "2024, 12; 2025, 9"),
        ("<dl><dt>Cost</dt><dd>£9,000</dd></dl>", "Cost: £9,000"),
        ("<p>Waits fell<sup>3</sup> by half.<sup><a href='#n'>b</a></sup> Staff stayed.[12]</p>", "Waits fell by half. Staff stayed."),  # noqa: E501
        ("<p>One km<sup>2</sup>, N<sub>2</sub>O, 10<sup>6</sup>, the 2<sup>nd</sup>.</p>", "One km², N₂O, 10⁶, the 2nd."),  # noqa: E501
        ("<p>Waits fell.<a href='#fn2' class='footnote-ref'>2</a></p><ol class='footnotes'><li>Source</li></ol>", "Waits fell."),  # noqa: E501
        ("<figure><figcaption>Photo: R. Ash</figcaption></figure><p>Waits fell.</p>", "Waits fell."),
        ("<div style='display: none'>Preview</div><p>Waits <span class='sr-only'>(external)</span>fell.</p>", "Waits fell."),  # noqa: E501
        ("<p hidden>Cookie notice</p><a href='#main'>Skip to main content</a><p>Waits fell.</p>", "Waits fell."),
        ("<p>No description available.</p>", ""),
        ("<a href='/x'>Read more</a>", ""),
        ("<p>Waits fell and staff [&hellip;]</p>", "Waits fell and staff…"),
        ("<p>Waits fell. [...]</p>", "Waits fell."),
        ("<p>A list of trains and</p><p>buses that ran.</p>", "A list of trains and buses that ran."),
    ],
)  # fmt: skip
def test_a_summary_holds_sentences_apart_and_nothing_around_them(html: str, summary: str) -> None:
    assert summary_text(html) == summary


@table(
    "html, summary",
    [
        ("&lt;p&gt;Waits fell.&lt;/p&gt;&lt;p&gt;Staff &amp;amp; carers stayed.&lt;/p&gt;", "Waits fell. Staff & carers stayed."),  # noqa: E501
        ("&lt;div class='x'&gt;Waits fell&lt;br&gt;by half.&lt;/div&gt;", "Waits fell by half."),
        ("<p>It&amp;#8217;s the day&amp;nbsp;centre&amp;hellip;</p>", "It’s the day centre…"),
        ("Caf&amp;eacute; &amp;amp;amp; bar &amp;ndash; &amp;#xA3;5.", "Café & bar – £5."),
        ("<p>Fewer than &lt;5 waits, as &lt;details&gt; tells.</p>", "Fewer than <5 waits, as <details> tells."),
        ("Write &lt;label&gt; for each field.", "Write <label> for each field."),
        ("<p>Write <code>&amp;nbsp;</code> for a space.</p>", "Write &nbsp; for a space."),
        ("<p>AT&amp;T; R&amp;D; &amp;lt;b&amp;gt;</p>", "AT&T; R&D; &lt;b&gt;"),
    ],
)  # fmt: skip
def test_a_text_that_was_escaped_twice_is_read_as_it_was_meant(html: str, summary: str) -> None:
    assert summary_text(html) == summary


def test_hidden_words_stay_where_there_are_no_others() -> None:
    assert summary_text(f'<div style="display:none"><p>{WORDS}</p></div>') == WORDS


def test_blank_entries_are_left_out_and_counted() -> None:
    snapshot = rss(item("One") + "<item><guid>a</guid></item><item><title> </title><guid>b</guid></item>")
    assert [sighting.title for sighting in snapshot.sightings] == ["One"]
    assert snapshot.problems == ("2 of 3 entries hold neither title, text nor link and were left out",)


def test_a_source_whose_entries_all_lack_titles_is_told() -> None:
    told = "none of its 3 entries has a title; each is named by its address or first words"
    assert rss("".join(item("", WORDS, number) for number in (1, 2, 3))).problems == (told,)
    assert rss(item("", WORDS, 1) + item("", WORDS, 2) + item("Named", WORDS, 3)).problems == ()


@table(
    "raw, title",
    [
        ("Write <label> for every <input>", "Write <label> for every <input>"),
        ("Option<T> explained", "Option<T> explained"),
        ("Fewer than <9 beds", "Fewer than <9 beds"),
        ("The <canvas> element, after <video>", "The <canvas> element, after <video>"),
        ("A <em>better</em> bus", "A better bus"),
        ("<p>Better buses</p>", "Better buses"),
        ('A <span class="x">better</span> bus', "A better bus"),
        ("&lt;i&gt;Better&lt;/i&gt; buses", "Better buses"),
        ("Use &lt;nav&gt; once", "Use <nav> once"),
        ("<script>steal()</script>Buses", "Buses"),
        ("Buses <img src=x onerror=steal()>", "Buses"),
    ],
)
def test_a_title_may_name_an_element(raw: str, title: str) -> None:
    assert one(raw).title == title
    for kind, text in (("html", raw), ("text", raw)):
        body = f"""<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>F</title><entry><id>1</id>
            <title type="{kind}">{escape(text)}</title><updated>2026-11-18T09:00:00Z</updated></entry></feed>"""
        (sighting,) = parse_feed(body.encode(), content_type="", base_url="", now=NOW).sightings
        assert sighting.title == title or (kind == "text" and "&" in raw)


@table(
    "before",
    [
        "<span>Breaks for carers by the week</span>\n<span><span>web.officer</span></span>\n<span>Wed, 18/11/2026 - 09:00</span>",  # noqa: E501
        "<h3>Breaks for carers by the week</h3><div class='submitted'>Cyflwynwyd gan golygydd</div>",
        "<p>Breaks for carers by the week</p><p>Posted by R. Ash on 18 November 2026</p>",
        "<p>By Rowan Ash | Nov 18, 2026 | News</p>",
        "<p>Mercher, 18/11/2026 - 09:00</p>",
        "<p>web.officer</p>",
        "<div class='field__label'>Body</div>",
        "Breaks for carers by the week. ",
    ],
)
def test_prints_before_a_text_are_no_summary(before: str) -> None:
    assert Post(f"{before}<div><p>{WORDS}</p></div>", None, FRAME).summary() == WORDS


@table(
    "text",
    [
        "Friday 4 December 2026, 10am, Town Hall",
        "By next week, carers can book.",
        "This replaces the list that was published in 2019.",
        "Breaks for carers by the week are here to stay.",
    ],
)
def test_what_only_resembles_a_print_stays(text: str) -> None:
    assert text in Post(f"<p>{text}</p><p>{WORDS}</p>", None, FRAME).summary()


BACK = "https://gwynedd.example/news/breaks"


@table(
    "tail",
    [
        f"The post <a href='{BACK}'>Breaks for carers by the week</a> first appeared on Gwynedd Example.",
        "Ymddangosodd y cofnod Breaks for carers by the week yn gyntaf ar Gwynedd Example.",
        "Der Artikel Breaks for carers by the week erschien zuerst bei Leeds Beispiel.",
        "Cet article Breaks for carers by the week est paru en premier sur Leeds Exemple.",
        "L’articolo Breaks for carers by the week è apparso prima su Leeds.",
        "This story was originally published by Leeds Example on 2 May.",
        "Continue reading Breaks for carers by the week →",
        "Darllen mwy »",
        "Weiterlesen",
        "Lire la suite…",
        "Share this: Facebook LinkedIn X",
        "Subscribe to the Leeds newsletter for more.",
        "Dilynwch ni ar Facebook.",
        "© 2026 Leeds Example. Cedwir pob hawl.",
        "Source: Leeds Example",
        "Filed under: Leeds, carers",
    ],
)
def test_a_tail_is_neither_in_the_summary_nor_in_the_text(tail: str) -> None:
    for raw in (f"<p>{WORDS}</p><p>{tail}</p>", f"<p>{WORDS} {tail}</p>"):
        post = Post(raw, None, FRAME)
        assert post.summary() == WORDS and "Leeds" not in post.html


def test_a_long_text_is_whole_but_for_what_is_around_it() -> None:
    middle = "".join(f"<p>Part {number} of the <b>long</b> story of Bangor.</p>" for number in range(300))
    raw = f"<h2>{FRAME.title}</h2><p>{WORDS}</p>{middle}<p>Share this: Facebook X Leeds</p>"
    post = Post(raw, None, FRAME)
    assert post.html == f"<h2>{FRAME.title}</h2><p>{WORDS}</p>{middle}"
    assert post.summary().startswith(f"{WORDS} Part 0 of the long story of Bangor.")
    marked = raw.replace("Part 200 of the", '<span class="sr-only">Hidden</span>Part 200 of the')
    assert Post(marked, None, FRAME).html == post.html


def test_a_last_paragraph_that_only_leads_back_is_a_tail_in_any_language() -> None:
    for words in ("Daha fazla oku", "もっと読む", "Læs videre her"):
        assert Post(f'<p>{WORDS}</p><p><a href="{BACK}">{words}</a></p>', None, FRAME).html == f"<p>{WORDS}</p>"


@table(
    "last",
    [
        "The plan was first published in Leeds and then in Hull.",
        "Read the council's report with care.",
        "Sign up forms were shorter.",
        "More homes were built than in 2025.",
    ],
)
def test_a_last_sentence_of_the_text_stays(last: str) -> None:
    assert Post(f"<p>{WORDS}</p><p>{last}</p>", None, FRAME).summary() == f"{WORDS} {last}"


def test_a_summary_that_says_the_title_again_is_left_out() -> None:
    assert one("Breaks for carers by the week", "<p>Breaks for carers by the week.</p>").summary == ""
    cut = one("Carers in Bangor can now book…", WORDS)
    assert cut.summary == "… a break online."
