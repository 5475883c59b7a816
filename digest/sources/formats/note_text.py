"""Render the Markdown of a note as HTML, without the signs that other tools read in it. Pure."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

# Lines of Jekyll, Hugo and the like: a footnote's text, attributes of a block, the place of a table of contents.
_LINES = re.compile(
    r"^[ \t]*(?:"
    r"\[\^[^\]\s]{1,60}\]:.*(?:\n(?:[ \t]+\S.*|[ \t]*(?=\n[ \t]+\S)))*"
    r"|\{:[^{}\n]*\}|[*-] TOC|\[\[?_?TOC_?\]?\]"
    r")[ \t]*$",
    re.MULTILINE,
)
# The number of a footnote, attributes of words, the id of a heading.
_INLINE = re.compile(
    r"(?<=[^\s\[])\[\^[^\]\s]{1,60}\]|\{:[^{}\n]{0,200}\}|[ \t]+\{#[\w.: -]{1,60}\}(?=[ \t]*$)", re.MULTILINE
)


def render_note(body: str) -> str:
    """Return the HTML of a note. It may hold what its author wrote as HTML, so `Post` cleans it."""
    html: str = MarkdownIt("commonmark").enable("table").render(_INLINE.sub("", _LINES.sub("", body)))
    return html
