"""The tree that the lint reads: elements with their words and lines, and nothing computed twice."""

from __future__ import annotations

from digest.letter.lint.page import LetterPage
from tests.counts import table

HTML = """<!DOCTYPE html>
<head><title>Title</title><style>p { margin: 0 }</style></head>
<div>Before <p class="a b">one<br>two <img alt="three"> <b> four </b></p>
<div hidden>hidden &amp; read</div></div>"""


@table(
    "tag, words, line",
    [
        ("title", "", 2),
        ("style", "", 2),
        ("div", "Before one two three four hidden & read", 3),
        ("p", "one two three four", 3),
        ("img", "three", 3),
        ("b", "four", 3),
    ],
)
def test_an_element_has_the_words_that_are_shown_and_its_line(tag: str, words: str, line: int) -> None:
    element = LetterPage(HTML).all(tag)[0]
    assert (element.words, element.line) == (words, line)


def test_an_element_is_described_by_line_tag_and_first_words() -> None:
    page = LetterPage(f"<p>{'word ' * 20}</p><hr>")
    assert [element.where for element in page.elements] == [
        "html line 1, <p> “word word word word word word word word …”",
        "html line 1, <hr>",
    ]


def test_runs_of_words_are_read_in_order_without_head_and_styles() -> None:
    texts = [text.text.strip() for text in LetterPage(HTML).body_texts]
    assert texts == ["Before", "one", "two", "four", "hidden & read"]


def test_a_page_remembers_what_it_has_computed() -> None:
    page = LetterPage("<div>" * 50 + "word" + "</div>" * 50)
    elements = page.elements
    assert [element.where for element in elements] == ["html line 1, <div> “word”"] * 50
    elements[-1].inside.clear()
    assert [element.where for element in page.elements] == ["html line 1, <div> “word”"] * 50, "the tree is read once"
