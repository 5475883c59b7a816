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
# Obsidian's: a remark to its author, another note or picture shown in this one, a link to another note, a mark of a
# pen, the kind of a callout.
_REMARK = re.compile(r"(?<![\w%])%%(?!%)(?:[^%]|%(?!%))*+%%(?![\w%])")
_SHOWN = re.compile(r"!\[\[[^\[\]\n]{1,300}\]\]")
_TO_NOTE = re.compile(
    r"\[\[(?:[^\[\]|\n]{1,300}\|)?(\s*[^\s\[\]|#^][^\[\]|#^\n]{0,300})(?:[#^][^\[\]|\n]{0,300})?\]\]"
)
_PEN = re.compile(r"(?<![=\w])==(?=[^\s=])([^=\n]{0,500}[^\s=])==(?![=\w])")
_CALLOUT = re.compile(r"^([ \t]*>[ \t]*)\[![A-Za-z][\w-]{0,30}\][+-]?[ \t]*", re.MULTILINE)


def render_note(body: str) -> str:
    """Return the HTML of a note. It may hold what its author wrote as HTML, so `Post` cleans it."""
    body = _SHOWN.sub("", _REMARK.sub("", _LINES.sub("", body)))
    body = _CALLOUT.sub(r"\1", _PEN.sub(r"\1", _TO_NOTE.sub(r"\1", body)))
    html: str = MarkdownIt("commonmark").enable("table").render(_INLINE.sub("", body))
    return html
