"""The plain text that facets are read from leaves out what is not the text's own."""

from __future__ import annotations

from digest.facets.entry_text import plain
from tests.counts import table


@table(
    "markup, words",
    [
        ("<p>Homes</p><table><tr><td>Kent</td></tr></table><p>Buses</p>", "Homes Buses"),
        ("<p>Run <code>library(York)</code> now</p><PRE>\nHull\n</PRE>", "Run now"),
        ("<p>Never <code>closed in Leeds</p>", "Never closed in Leeds"),
        ("<p>By Jane Bolton, Leeds correspondent</p><p>Homes</p>", "Homes"),
        ("<p>By 2030 Leeds will have homes</p>", "By 2030 Leeds will have homes"),
        ("<p>By the sea: homes</p>", "By the sea: homes"),
        ("<p>Photo: Hull Daily</p><p>Homes</p>", "Homes"),
        ("<p>Homes</p><h2>References</h2><p>Smith, A. (2020) Bath.</p>", "Homes"),
        ("<p>Homes</p><h2>About the author</h2><p>She lives in Bath.</p>", "Homes"),
        ("<p>References were checked in Bath.</p>", "References were checked in Bath."),
    ],
)
def test_plain_keeps_running_text_alone(markup: str, words: str) -> None:
    assert " ".join(plain(markup).split()) == words
