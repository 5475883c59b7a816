"""One table of invisible characters, and the three questions that are asked of it."""

from __future__ import annotations

from subscribers.invisible import has_invisible, one_line, without_invisible
from tests.counts import table

WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
TOO_LONG = "\U0001f3f4\U000e0061\U000e0061\U000e0061\U000e0061\U000e0061\U000e0061\U000e007f"


# The answers for a text: whether it holds any, the text without them, the text on one line.
@table(
    "text, has, without, line",
    [
        ("Zoë O’Neill", False, "Zoë O’Neill", "Zoë O’Neill"),
        ("a\x00b", True, "ab", "a b"),
        ("a\x7fb\x9fc", True, "abc", "a b c"),
        ("a\xadb", True, "ab", "ab"),
        ("a\u200bb\u2060c\ufeff", True, "abc", "abc"),
        ("\u202eab\u202c \u2067c\u2069\u061c", True, "ab c", "ab c"),
        ("a\u3164b\uffa0c\u115fd\u034fe\u180fb", True, "abcdeb", "abcdeb"),
        ("a\ufff9b\uffff", True, "ab", "ab"),
        ("\uf0b7 a\ufffcb\ue000", False, " ab", "\uf0b7 a\ufffcb\ue000"),
        ("\U000f0001a\U0010fffdb", False, "ab", "\U000f0001a\U0010fffdb"),
        ("a\ud800b", True, "ab", "a b"),
        ("a\tb\nc", True, "a\tb\nc", "a b c"),
        ("a\r\nb", True, "a\r\nb", "a b"),
        ("a\u2028b\x0bc\x85d", True, "a b c d", "a b c d"),
        ("می\u200cخواهم", True, "می\u200cخواهم", "می\u200cخواهم"),
        (WALES, False, WALES, WALES),
        ("a\U000e0061b", False, "ab", "a\U000e0061b"),
        (TOO_LONG, False, "\U0001f3f4", TOO_LONG),
    ],
)
def test_what_is_invisible(text: str, has: bool, without: str, line: str) -> None:
    assert (has_invisible(text), without_invisible(text), one_line(text)) == (has, without, line)
