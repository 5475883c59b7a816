"""Shortcodes that no tool replaced are no words; other words in brackets stay."""

from __future__ import annotations

from digest.sources.post import Post
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
