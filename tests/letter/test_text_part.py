"""No mail program takes a line of the text part for a quotation, a signature, a header or a file."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from digest.letter.assemble import assemble, verify
from digest.letter.blocks import Assembled
from digest.letter.compile import compile_letter
from digest.letter.text_part import reads_as_mail, wrapped, wrapped_text
from digest.model import CASE_STUDY, Digest, EntryEdit, Group, Ingredient, Placed, Reason, Section, Term
from tests.counts import table
from tests.letter import sample

# Mail programs guess by these, as their sources and manuals say. They are not taken from the product, to test it.
QUOTED = re.compile(r"[ \t]*[|>:}#]|[ \t]*\w{0,4}>|--|[-_=]{5,}|begin [0-7]{3} |From ")
ATTRIBUTED = re.compile(r"(?i)(?:on|am|le|el|ar)\b.*(?:wrote|schrieb|écrit|escribió|ysgrifennodd).*:$")
HEADER = re.compile(r"(?i)(?:from|sent|to|subject|date|von|betreff|de|objet|oddi wrth|pwnc|dyddiad) ?:")

BEGINNINGS = [
    "> 12% of homes stand empty",
    "| a table | of two",
    ": a colon first",
    "} a brace first",
    "#WarmHomes week begins",
    "CM> a line of Ceri's",
    "-- ",
    "--",
    "---------- Forwarded message ---------",
    "-----Original Message-----",
    "________________________________",
    "From: the housing team",
    "Von: Wohnungsamt",
    "De : le service du logement",
    "Oddi wrth: y tîm tai",
    "Pwnc: tai gwag",
    "Subject: empty homes",
    "On 3 May 2026, Ceri Morgan wrote:",
    "Am 03.05.2026 um 09:00 schrieb Ceri:",
    "Le 3 mai 2026 à 09:00, Ceri a écrit :",
    "Ar 3 Mai 2026, ysgrifennodd Ceri:",
    "El 3 de mayo, Ceri escribió:",
    "begin 755 homes.sh",
    "Begin forwarded message: homes",
    "Sent from my telephone box",
    "Content-Type: a story about forms",
]
ORDINARY = [
    "Housing: a shared list",
    "5 > 3, and what follows",
    "On the buses: a study",
    "At home with care",
    "Beginning again",
    "A – B",
    "£5 a week",
    "Mae tai gwag yn brin",
    "(Part 2)",
    "From housing to health",
]


@table("line", BEGINNINGS)
def test_a_line_that_reads_as_mail_is_told(line: str) -> None:
    assert reads_as_mail(line)
    assert wrapped_text(line) == f"“{line}”"


@table("line", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert not reads_as_mail(line)
    assert wrapped_text(line) == wrapped(line) == line


@table("sign", [">", "|", "#", "--", ">>", "}", "-----Original"])
def test_no_row_inside_a_text_begins_with_a_sign(sign: str) -> None:
    """Wherever the row ends: the words before the sign are made longer one by one."""
    for length in range(1, 90):
        text = f"{'x' * length} {'word ' * 13}{sign} 5% in most places, {sign} 10% in some, and {'more ' * 20}end"
        for shown in (wrapped_text(text), wrapped_text(text, "    ", "    "), wrapped(text)):
            assert " ".join(shown.split()) == " ".join(text.split())
            assert not [row for row in shown.split("\n") if QUOTED.match(row)]


@cache
def made_of(words: str) -> Assembled:
    """Return a letter in which every word of a stranger is `words`."""
    lines = (Ingredient("did", words), Ingredient("changed", words, (), words), Ingredient("who-to-ask", words))
    first, second, *_ = sample.entries()
    edit = EntryEdit(note=f"{words}\n{words}", note_by="Ceri")
    post = replace(first, id=1, kind="post", title=words, summary=words, source=words, edit=edit, ingredients=())
    study = replace(second, id=2, kind=CASE_STUDY, title=words, source=words, ingredients=lines)
    edition = replace(sample.EDITION, note=f"{words}\n\n{words}", step=words, question=words)
    taxonomy = replace(sample.TAXONOMY, policy_areas=(Term("housing", words),))
    letter = compile_letter(edition, [post, study], replace(sample.APPEARANCE, taxonomy=taxonomy))
    placed = tuple(Placed(number, Reason("area", "housing")) for number in (1, 2))
    digest = Digest((Section("areas", (Group("housing", placed),)),))
    reader = replace(sample.READER, name=words)
    verify(letter, digest, reader)
    return assemble(letter, digest, reader)


@table("words", BEGINNINGS)
def test_no_line_of_a_letter_reads_as_mail(words: str) -> None:
    made = made_of(words)
    text = made.plain_text()
    ours = re.compile(r"[-=]{72}|-{3,}")  # the rules between the parts
    lines = [line for line in text.split("\n") if line and not ours.fullmatch(line)]
    taken = [line for line in lines if QUOTED.match(line) or ATTRIBUTED.match(line) or HEADER.match(line)]
    assert not [line for line in taken if not line.startswith("From ")], "which is encoded on the wire"
    assert " ".join(words.split()) in " ".join(text.split())
    assert not re.search(r"<blockquote|gmail_quote|moz-cite|type=.?cite", made.html_text())


def test_a_short_heading_has_no_line_that_begins_a_signature() -> None:
    taxonomy = replace(sample.TAXONOMY, policy_areas=(Term("housing", "IT"),))
    letter = compile_letter(sample.EDITION, sample.entries(), replace(sample.APPEARANCE, taxonomy=taxonomy))
    digest = Digest((Section("areas", (sample.group("housing", 4),)),))
    assert "\nIT\n---\n" in assemble(letter, digest, sample.READER).plain_text()
