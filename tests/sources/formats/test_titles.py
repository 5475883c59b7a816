"""Titles, names and labels become one clean line (group G)."""

from __future__ import annotations

from email.message import EmailMessage

from digest.sources.blocks import read_blocks
from digest.sources.post import clean_html, summary_text
from digest.sources.sanitise import MAX_TITLE, marked_html, title_text
from tests.counts import table

WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


@table(
    "raw, text",
    [
        ("Plain words", "Plain words"),
        ("One\r\nBcc: victim@example.org", "One Bcc: victim@example.org"),
        ("One\nTwo\rThree", "One Two Three"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", "a b c d e f g"),
        ("nul\x00bell\x07esc\x1b[31m", "nulbellesc[31m"),
        ("\u202eright to left\u202c", "right to left"),
        ("zero\u200bwidth\ufeff\u2060 s\u00adoft", "zerowidth soft"),
        (f"{WALES} St David's Day", f"{WALES} St David's Day"),
        ("hid\U000e0041\U000e0042den", "hidden"),
        ("{{7*7}} {% raw %} {{{x}}} -name- <%asm_group_unsubscribe_raw_url%> *|FNAME|* [Unsubscribe]",
         "{{7*7}} {% raw %} {{{x}}} -name- <%asm_group_unsubscribe_raw_url%> *|FNAME|* [Unsubscribe]"),
        ("<!DOCTYPE html> <html> <head> <title>A</title> </head> <body> New <b> hub </b> </body> </html>", "New hub"),
        ("<body class='x'> New </div> <script > go() </script > hub", "New hub"),
        ("<h1> New hub </h1> </html>", "New hub"),
        ("What <html> and <body> are for", "What <html> and <body> are for"),
        ("Long<wbr>words &lt;wbr/&gt;stay", "Longwords stay"),
        ("\uf0b7 New \ufffc hub", "New hub"),
        ("Fish &amp; chips", "Fish & chips"),
        ("Fish &amp;amp; chips", "Fish & chips"),
        ("&lt;b&gt;Bold&lt;/b&gt; claim", "Bold claim"),
        ("&amp;lt;em&amp;gt;Twice&amp;lt;/em&amp;gt;", "Twice"),
        ("<p>One</p><p>Two<br>Three</p>", "One Two Three"),
        ("<script>alert(1)</script>After", "After"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;After", "After"),
        ("It&#39;s &ldquo;here&rdquo;", "It's “here”"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("AT&T, R&D &c", "AT&T, R&D &c"),
        ("", ""),
        (" \u200b ", ""),
        ("lone \ud800 surrogate", "lone ? surrogate"),
    ],
)  # fmt: skip
def test_a_title_is_one_line_of_plain_text(raw: str, text: str) -> None:
    assert title_text(raw) == text
    message = EmailMessage()
    message["Subject"] = title_text(raw)  # raises for a line break


# Joiners (zero width, U+200D and U+200C) are invisible like what hides in titles, yet these are spelled with them.
JOINED = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family days",
    "\U0001f3f3\ufe0f\u200d\U0001f308 Pride in the town hall",
    "\U0001f469\U0001f3fd\u200d\u2695\ufe0f a health worker, \u2764\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: mi-khaham, two parts of one word
    "\u0915\u094d\u200d\u0937",  # Hindi: a half letter
    "\u0d28\u0d4d\u200d",  # Malayalam: a letter of its own
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3 Lanka",  # Sinhala
]


@table("text", JOINED)
def test_joiners_stay_where_words_and_pictures_are_spelled_with_them(text: str) -> None:
    assert title_text(text) == text
    assert summary_text(f"<p>{text}</p>") == text
    assert clean_html(f"<p>{text}</p>", None) == f"<p>{text}</p>"
    entities = "".join(f"&#{ord(one)};" for one in text)
    assert title_text(entities) == text


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_text("word " * 2_000_000)
    assert len(title) <= MAX_TITLE and title.endswith("word…")
    assert len(title_text("x" * 10_000_000)) == MAX_TITLE


def test_text_follows_the_blocks_and_forgets_expansions() -> None:
    html = (
        "<h2>Head</h2><p>The <abbr title='National Health Service'>NHS</abbr> &amp; <b>co</b>uncils<br>meet</p>"
        "<ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr></table>"
        "<p>source\nline</p><script>x()</script><style>p{}</style><img alt='no' src='x'>"
    )
    texts = [block.text for block in read_blocks(marked_html(html, None)).blocks]
    assert texts == ["Head", "The NHS & councils meet", "one", "two", "a", "b", "source line"]


def test_a_summary_ends_at_a_sentence_or_at_a_word() -> None:
    sentences = "<p>" + "First sentence here. " * 10 + "</p>"
    assert summary_text(sentences, 100) == "First sentence here. " * 3 + "First sentence here. …"
    words = summary_text("<p>" + "word " * 200 + "</p>", 50)
    assert len(words) <= 50 and words.endswith("word…")
    assert summary_text("<p>Short.</p>") == "Short."


def test_a_summary_leaves_out_what_blog_engines_append() -> None:
    html = '<p>News of the day.</p><p>The post <a href="/x">News</a> appeared first on <a href="/">Town</a>.</p>'
    assert summary_text(html) == "News of the day."
