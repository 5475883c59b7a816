"""Welsh words that change with a number, for each number from 0 to 100, by the rules that docs/welsh.md names."""

from __future__ import annotations

import re

from digest.letter.particles import starts_with_vowel, value_of
from tests.counts import table
from tests.letter import welsh

# How numbers are spoken in decimal Welsh, written out apart from the program's rule.
UNITS = ["dim", "un", "dau", "tri", "pedwar", "pump", "chwech", "saith", "wyth", "naw"]
TENS = [
    "",
    "deg",
    *(f"{word} ddeg" if word == "dau" else f"{word} deg" for word in UNITS[2:5]),
    "pum deg",
    "chwe deg",
]
TENS += ["saith deg", "wyth deg", "naw deg"]
VOWELS = "aeiouwyâêîôûŵŷ"


def spoken(number: int) -> str:
    if number < 10:
        return UNITS[number]
    if number == 100:
        return "cant"
    ten = "un deg" if 10 < number < 20 else TENS[number // 10]
    return ten if number % 10 == 0 else f"{ten} {UNITS[number % 10]}"


def test_the_numbers_of_this_test_are_the_grammars() -> None:
    assert [spoken(n) for n in (0, 1, 8, 10, 11, 18, 20, 21, 55, 80, 88, 99, 100)] == [
        "dim", "un", "wyth", "deg", "un deg un", "un deg wyth", "dau ddeg", "dau ddeg un", "pum deg pump", "wyth deg",
        "wyth deg wyth", "naw deg naw", "cant",
    ]  # fmt: skip


def test_a_number_begins_with_a_vowel_as_it_is_spoken() -> None:
    assert [n for n in range(101) if starts_with_vowel(n)] == [n for n in range(101) if spoken(n)[0] in VOWELS]


@table(
    "number, seen",
    [
        (108, False), (800, True), (812, True), (1_000, False), (1_008, False), (8_000, True), (11_000, True),
        (18_500, True), (80_000, True), (100_000, False), (800_000, True), (1_000_000, False), (8_000_000, True),
    ],
)  # fmt: skip
def test_a_larger_number_too(number: int, seen: bool) -> None:
    """Cant, wyth cant, mil, wyth mil, un deg un mil, wyth deg mil, can mil, miliwn."""
    assert starts_with_vowel(number) is seen


def test_a_gap_has_the_word_and_the_number() -> None:
    assert [value_of("a_count", {"count": n}) for n in (1, 2, 8, 12)] == ["ac 1", "a 2", "ac 8", "ac 12"]
    assert [value_of("y_far", {"far": n}) for n in (1, 2, 8, 80)] == ["yr 1", "y 2", "yr 8", "yr 80"]


def test_each_sentence_has_the_right_word_before_each_number() -> None:
    seen = 0
    for _, name, lines in welsh.counted():
        for count, line in enumerate(lines):
            for word in re.findall(rf"(?i)\b(ac?|yr?|'r) {count}\b", line):
                vowel = spoken(count)[0] in VOWELS
                assert word in (("ac", "yr") if vowel else ("a", "y")), (name, line)
                seen += 1
    assert seen > 600


def test_each_noun_is_the_singular_with_its_mutation() -> None:
    nouns = {
        "maes": {2: "faes"},
        "rhanbarth": {2: "ranbarth"},
        "diwrnod": {2: "ddiwrnod"} | dict.fromkeys((5, 7, 8, 9, 10, 100), "niwrnod"),
        "eitem": {},
        "wythnos": {},
        "nod": {},
    }
    forms = {form: (noun, each) for noun, each in nouns.items() for form in (noun, *each.values())}
    left = {"arall", "o", "yn", "i", "y", "am"}  # no noun follows
    for _, name, lines in welsh.counted():
        for count, line in enumerate(lines):
            for word in re.findall(rf"(?<!\d){count} ([^\W\d_]+)", line):
                if word not in left:
                    noun, changed = forms[word]
                    assert word == changed.get(count, noun), (name, line)


def test_the_page_has_the_table_of_the_program() -> None:
    page = welsh.PAGE.read_text(encoding="utf-8")
    assert page.partition(welsh.MARK)[2].strip() == welsh.table().strip(), "run `python -m tests.letter.welsh`"


def test_the_page_and_the_files_say_that_no_speaker_has_read_them() -> None:
    assert "No Welsh speaker has read" in welsh.PAGE.read_text(encoding="utf-8")
    for folder in welsh.FOLDERS.values():
        assert "NO WELSH SPEAKER HAS READ THEM" in (folder / "words" / "cy.toml").read_text(encoding="utf-8")


def test_no_form_of_another_language_is_left_in_a_table() -> None:
    """A page in Welsh said "1 entry", because Welsh has no form of its own for 1 and English lent its own."""
    assert not [
        line for *_, lines in welsh.counted() for line in lines if re.search(r"\b(?:entry|found)\b|\d day", line)
    ]
