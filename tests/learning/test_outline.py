"""A text cut into sentences: abbreviations, lists, quotations, headings, and the same from HTML."""

from __future__ import annotations

import pytest

from digest.learning.outline import MOST_READ, passages, sentences
from tests.counts import table


@table(
    "text, cut",
    [
        ("It fell. It rose.", ["It fell.", "It rose."]),
        ("Dr. Smith and Mrs. Jones met. They agreed.", ["Dr. Smith and Mrs. Jones met.", "They agreed."]),
        ("It saved £1.5m, e.g. London's share. More came.", ["It saved £1.5m, e.g. London's share.", "More came."]),
        ("No. 10 asked J. R. Hartley. He went.", ["No. 10 asked J. R. Hartley.", "He went."]),
        ("Why? Because “it works.” Then all did.", ["Why?", "Because “it works.”", "Then all did."]),
        ('"We tried!" She laughed.', ['"We tried!"', "She laughed."]),
        ("See fig. 3 and www.example.org. 40 came.", ["See fig. 3 and www.example.org.", "40 came."]),
        ("a.b.c is no end", ["a.b.c is no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, cut: list[str]) -> None:
    assert sentences(text) == cut


PLAIN = """Leeds began.
It went on.

## The challenge

Staff were few. Time
was short.

- one item. With two sentences
- another item
  that goes on

**What we did:** We asked. They came.

Impact

| a | b |
Calls fell.

Peter Hill, Head of Housing, Leeds

> I liked it.
"""
HTML = """<p>Leeds began. It went on.</p><h2>The <em>challenge</em></h2><p>Staff were few. Time was short.</p>
<ul><li>one item. With two sentences</li><li>another item that <strong>goes</strong> on</li></ul>
<p><strong>What we did:</strong> We asked. They came.</p><p><strong>Impact</strong></p>
<table><tr><td>a</td></tr></table><p>Calls fell.</p><p>Peter Hill, Head of Housing, Leeds</p>
<blockquote><p>I liked it.</p></blockquote>"""
CUT = [
    ("Leeds began.", "", False, False),
    ("It went on.", "", False, False),
    ("Staff were few.", "The challenge", False, False),
    ("Time was short.", "The challenge", False, False),
    ("one item.", "The challenge", True, False),
    ("With two sentences", "The challenge", True, False),
    ("another item that goes on", "The challenge", True, False),
    ("We asked.", "What we did", False, False),
    ("They came.", "What we did", False, False),
    ("Calls fell.", "Impact", False, True),
    ("I liked it.", "Impact", False, True),
]


def test_a_line_that_leads_to_a_list_is_the_heading_of_that_list_alone() -> None:
    led = "The work had three stages:\n- We met\n\nWe built.\n\nOur aims were these:\n\n- A hub"
    text = f"## What we did\n\n{led}\n\nIt ran."
    assert [(each.text, each.heading) for each in passages(text)] == [
        ("We met", "What we did"), ("We built.", "What we did"),
        ("A hub", "Our aims were these"), ("It ran.", "What we did"),
    ]  # fmt: skip


@table("text", [PLAIN, HTML])
def test_both_forms_give_the_same_outline(text: str) -> None:
    cut = passages(text)
    assert [(each.text, each.heading, each.is_item, each.is_quotation) for each in cut] == CUT
    assert [each.place for each in cut] == list(range(len(cut)))


def test_another_persons_words_are_a_quotation_as_far_as_they_go() -> None:
    cut = passages("She said: “We were few. We were late. Then it changed.” Now it runs. ‘Fine,’ he said.")
    assert [(each.text[-8:], each.is_quotation) for each in cut] == [
        ("ere few.", True), ("re late.", True), ("hanged.”", True), ("it runs.", False), ("he said.", True),
    ]  # fmt: skip


def test_a_long_text_ends_with_a_whole_sentence() -> None:
    cut = passages("It went well in Leeds. " * MOST_READ)
    assert {each.text for each in cut} == {"It went well in Leeds."}


@pytest.mark.long
def test_a_text_of_nothing_but_marks_ends() -> None:
    marks = (
        "<",
        "<p>",
        "**",
        "- ",
        "## ",
        "“",
        "A.",
        "!",
        "! ",
        '"',
        "(",
        "<br>",
        "<li>",
        "A ",
        "|",
        "1. ",
        "No. ",
        "A: ",
        "\n",
    )
    for mark in marks:
        passages(mark * (MOST_READ // len(mark)))
        passages("<p>" + mark * (MOST_READ // len(mark)))


def test_the_numbers_of_footnotes_and_struck_text_are_no_words() -> None:
    html = "<p>Evictions fell by 40<sup>3</sup> in May<sup><a href='#n'>[4]</a></sup>. They <s>rose</s> fell.</p>"
    assert [passage.text for passage in passages(html)] == ["Evictions fell by 40 in May.", "They fell."]
