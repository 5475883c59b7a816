"""Lines that a site puts around a text are no summary; lines that only resemble them stay."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.sources.post import Post
from digest.sources.site_lines import without_site
from digest.sources.tails import Frame
from tests.counts import table

WORDS = "Carers in Bangor can now book a break online."
FRAME = Frame(
    "Breaks for carers by the week", "web.officer", datetime(2026, 11, 18, 9, tzinfo=UTC), "https://gwynedd.example/news/breaks",
    "Gwynedd Example",
)  # fmt: skip


@table(
    "before",
    [
        "<p>4 minute read</p>", "<p>Amser darllen: 2 funud</p>", "<p>NEWS RELEASE</p><p>18 November 2026</p><p>Embargo lifted</p>",  # noqa: E501
        "<p>Home / News / Carers</p>", "<h2>Carers</h2><p>Lesezeit: 2 Minuten</p>", "<p>3 Shares</p><p>Share this story</p>",  # noqa: E501
        "<p>https://youtu.be/aBcDeFg</p>", "<p>Image shows: the new booking desk.</p>", "<p>Pictured (l-r): Cllr A. Ash and B. Birch.</p>",  # noqa: E501
        "<p>Photo by Rowan Ash on Pexels</p>", "<p>Sorry, your browser can't play this video.</p>", "<p>This site uses cookies.</p>",  # noqa: E501
        "<p>Please turn on JavaScript to see the map.</p>", "<p>This page is also available in Welsh.</p>",
        "<ul><li><a href='#why'>Why we did it</a></li><li><a href='#how'>How</a></li></ul>", "<p>DSC_0042.JPG</p>",
        "<p>Share on Facebook Share on LinkedIn Share on WhatsApp</p>",
    ],
)  # fmt: skip
def test_lines_of_the_site_before_a_text_are_no_summary(before: str) -> None:
    assert Post(f"{before}<p>{WORDS}</p>", None, FRAME).summary() == WORDS


@table(
    "after",
    [
        "<p>- Ends -</p><p>For media enquiries call the press desk.</p>", "<p>DIWEDD</p><p>Nodyn am y cynllun newydd.</p>",  # noqa: E501
        "<h3>Notes to editors</h3><p>The scheme began in 2019.</p>", "<p>Nodiadau i olygyddion: 1. Mae'r cynllun yn newydd.</p>",  # noqa: E501
        "<p>#carers #Gwynedd</p>", "<p>Diolch am ddarllen!</p>", "<p>Thank you for reading our blog. Please share it.</p>",  # noqa: E501
        "<p>Breaks for carers by the week was originally published in Gwynedd on Medium, where people are continuing the"  # noqa: E501
        " conversation by highlighting and responding to this story.</p>",
        "<p>(more…)</p>", "<p>Was this page useful? Yes No</p>", "<p>submitted by /u/ash <a>[link]</a> [comments]</p>",  # noqa: E501
        "<p>Breaks for carers by the week is a post from: Gwynedd Example</p>", "<p>Back to all news</p>", "<p>R. Ash</p>",  # noqa: E501
    ],
)  # fmt: skip
def test_lines_of_the_site_after_a_text_are_no_summary(after: str) -> None:
    assert Post(f"<p>{WORDS}</p>{after}", None, FRAME).summary() == WORDS


@table(
    "html",
    [
        f"<p>CANCELLED: the fair</p><p>{WORDS}</p>", f"<p>Town Hall, 10am</p><p>{WORDS}</p>", f"<p>He wrote:</p><p>{WORDS}</p>",  # noqa: E501
        f"<p>From £5 a day</p><p>{WORDS}</p>", f"<p>Carers in Bangor and</p><p>in {WORDS}</p>", "<p>Waits fell</p><p>Staff stayed</p>",  # noqa: E501
        f"<p>Picture this: a day off.</p><p>{WORDS}</p>", f"<p>Waits fell.</p><p>{WORDS}</p>", "<p>Notes to editors</p><p>Ends</p>",  # noqa: E501
        f"<p>We offer</p><ul><li>buses</li></ul><p>{WORDS}</p>", f"<p>{WORDS}</p><p>It ends. Notes were kept.</p>",
        f"<p>{WORDS}</p><p>Book by 4 May 2027</p>",
    ],
)  # fmt: skip
def test_lines_that_only_resemble_those_of_a_site_stay(html: str) -> None:
    first, *_, last = (
        part.partition("<")[0] for part in html.replace("<ul>", "").split(">") if part.partition("<")[0]
    )
    assert Post(html, None, FRAME).summary().startswith(first) and last in Post(html, None, FRAME).summary()


@table(
    "title, site, shown",
    [
        ("Breaks by the week | Gwynedd Example", "Gwynedd Example", "Breaks by the week"),
        ("Breaks by the week - News - Gwynedd Example", "News – Gwynedd Example", "Breaks by the week"),
        ("Breaks by the week » GWYNEDD example", "Gwynedd Example » Feed", "Breaks by the week"),
        ("Breaks by the week|Gwynedd", "Gwynedd", "Breaks by the week"),
        ("Breaks by the week – in Gwynedd Example", "Gwynedd Example", "Breaks by the week – in Gwynedd Example"),
        ("Breaks: Gwynedd Example", "Gwynedd Example", "Breaks: Gwynedd Example"),
        ("Carers | Gwynedd Example", "Gwynedd Example", "Carers | Gwynedd Example"),
        ("Gwynedd Example | Breaks by the week", "Gwynedd Example", "Gwynedd Example | Breaks by the week"),
        ("Breaks by the week - a guide", "", "Breaks by the week - a guide"),
        ("Breaks by the week - News", "News - Gwynedd Example", "Breaks by the week - News"),
    ],
)
def test_the_name_of_the_site_at_the_end_of_a_title_is_left_out(title: str, site: str, shown: str) -> None:
    assert without_site(title, site) == shown
