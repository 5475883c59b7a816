"""Shortcodes that no tool replaced are no words; other words in brackets stay; one language is shown."""

from __future__ import annotations

from digest.sources.post import Post
from digest.sources.sanitise import title_text
from tests.counts import table


@table(
    "html, summary",
    [
        ("[caption width='9']<img src='a.png'> A bus[/caption]<p>Waits fell.</p>", "Waits fell."),
        ("[fusion_builder][col size=&#8221;2&#8243;]Waits fell.[/col][/fusion_builder]", "Waits fell."),
        ("<p>Waits fell.</p>[ninja_form id=&quot;3&quot;]", "Waits fell."),
        ("[embed]https://video.example/1[/embed]<p>Waits [i]fell[/i] in [url=https://a.example]Bangor[/url].</p>", "Waits fell in Bangor."),  # noqa: E501
        ("<p>Waits [sic] fell [name withheld] to [n = 20] beds [a/b].</p>", "Waits [sic] fell [name withheld] to [n = 20] beds [a/b]."),  # noqa: E501
        ("<p>Waits [which rose, see class=A] fell.</p>", "Waits [which rose, see class=A] fell."),
    ],
)  # fmt: skip
def test_shortcodes_are_no_words(html: str, summary: str) -> None:
    assert Post(html, None).summary() == summary


@table(
    "text, shown",
    [
        ("[:en]Carers in Bangor[:cy]Gofalwyr ym Mangor[:]", "Carers in Bangor"),
        ("[:cy]Gofalwyr ym Mangor[:en]Carers in Bangor[:]", "Gofalwyr ym Mangor"),
        ("For [:en]carers[:cy]ofalwyr[:] today", "For carers today"),
        ("[:en][:cy]Gofalwyr ym Mangor[:]", "Gofalwyr ym Mangor"),
        ("[:en]Carers in Bangor[:cy]Gofal", "Carers in Bangor"),
        ("<!--:en-->Carers in Bangor<!--:--><!--:fr-->Aidants<!--:-->", "Carers in Bangor"),
        ("Carers [:-] of Bangor [en]", "Carers [:-] of Bangor [en]"),
    ],
)
def test_of_a_text_in_several_languages_the_first_is_shown(text: str, shown: str) -> None:
    assert title_text(text) == shown
    assert Post(f"<p>{text}</p>", None).summary() == shown


@table("end", ["[:c", "[:", "[…", "<!--:c", "<!--:cy-..."])
def test_a_mark_that_was_cut_is_not_shown(end: str) -> None:
    assert title_text(f"[:en]Carers in Bangor{end}") == "Carers in Bangor"
