"""Fill the gaps of sentences; in Welsh also those whose small word depends on the number behind it. Pure.

Welsh says "a" (and) or "ac", and "y" (the) or "yr", by the first sound of the next word, and so by how a number is
spoken: "a 3" (tri), "ac 8" (wyth). A sentence writes such a gap as {a_count} or {y_count}, and gets "ac 8" or "yr 8".

The rules are those of Peter Wynn Thomas, *Gramadeg y Gymraeg* (1996), and of David A. Thorne, *A Comprehensive
Welsh Grammar* (1993). Of the two ways to count, numbers are read here in the decimal one that schools teach
(11 "un deg un", 18 "un deg wyth", 20 "dau ddeg"), not in the traditional one ("un ar ddeg", "deunaw", "ugain").
No Welsh speaker has read this, or the sentences; docs/welsh.md has all of them for 0 to 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# By the first letters of a gap: the word before a consonant, and before a vowel.
PARTICLES = {"a": ("a", "ac"), "y": ("y", "yr")}

NUMBERS = frozenset({"count", "total", "near", "far", "weeks"})  # gaps that hold a number


def value_of(gap: str, values: Mapping[str, object]) -> str:
    """Return what fills a gap: its value, or a number with the Welsh word before it. KeyError for an unknown gap."""
    if gap in values:
        return str(values[gap])
    word, _, number = gap.partition("_")
    return f"{PARTICLES[word][starts_with_vowel(int(str(values[number])))]} {values[number]}"


def starts_with_vowel(number: int) -> bool:
    """Return whether a number, as it is spoken in decimal Welsh, begins with a vowel: "un …" and "wyth …".

    The w of "wyth" is a vowel. 100 and 1,000 are "cant" and "mil", without "un" before them.
    """
    group, thousands = number, False
    while group >= 1_000:
        group, thousands = group // 1_000, True
    if group >= 100:
        return group // 100 == 8
    if group >= 20:
        return group // 10 == 8
    return group == 8 or 11 <= group <= 19 or (group == 1 and not thousands)


def particle_gaps(gaps: Iterable[str]) -> frozenset[str]:
    """Return the gaps that a sentence may have besides `gaps`: a number of it with a word before."""
    return frozenset(f"{word}_{gap}" for word in PARTICLES for gap in NUMBERS.intersection(gaps))
