"""What editors decide stands in the letter, signed: their wordings and notes, the subject, the question, the step."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.letter.assemble import assemble, extremes, proven, verify
from digest.letter.blocks import Assembled, EditionFacts, decode
from digest.letter.clip import fit
from digest.letter.compile import Letter, compile_letter
from digest.letter.form import form, random_stem, values
from digest.letter.inert import visible
from digest.letter.lint import NOTE, lint
from digest.letter.lint.wording import SIZE_WARNING
from digest.letter.mime.compose import Head, compose
from digest.model import Digest, Entry, EntryEdit, Group, Ingredient, Placed, Reason, Section, Site
from tests.letter import sample
from tests.letter.reading import Page
from tests.letter.test_hostile import HOSTILE

POST = replace(sample.entries()[3], also_at=())
STUDY = sample.entries()[0]
THREE = "They send it to anybody.\n\nAsk Ann & Bo.\r\nTell us <b>how</b> it went."
NOTED = EntryEdit(note=THREE, note_by="Ann Lee")
WORDED = EntryEdit(title="A title of ours", summary="A line of ours.", worded_by="Bo Rees")
SUBJECT = "Two phone calls that ended a winter, " + "what councils agreed on, " * 3 + "and why?"
OURS = replace(sample.EDITION, subject=SUBJECT, step="Ring a ward.", for_all=True, question="Who has it?")


def entry_of(edit: EntryEdit, *, study: bool = False, lines: bool = False) -> Entry:
    """Return an entry that editors have shown so."""
    entry = replace(STUDY if study else POST, edit=edit, ingredients=STUDY.ingredients if lines else ())
    return replace(entry, title=edit.title or entry.title, summary=edit.summary or entry.summary)


def compiled(*entries: Entry, edition: EditionFacts = sample.EDITION) -> Letter:
    return compile_letter(edition, entries, sample.APPEARANCE)


def made_of(letter: Letter, *, proved: bool = True) -> Assembled:
    """Return the letter that shows all entries it was compiled with; `proved`: it is compared with one made whole."""
    placed = tuple(Placed(entry, Reason("area", "housing", "wales")) for entry in letter.book.entries)
    digest = Digest((Section("areas", (Group("housing", placed),)),))
    if proved:
        verify(letter, digest, sample.READER)
    return assemble(letter, digest, sample.READER)


# (how editors show an entry, whether it is a case study, whether that shows lines, the words that name the writer)
WORDINGS = [
    (EntryEdit(), False, False, ""),
    (NOTED, False, False, ""),
    (WORDED, False, False, "Worded by Bo Rees"),
    (replace(WORDED, summary=""), False, False, "Worded by Bo Rees"),
    (replace(WORDED, title=""), False, False, "Worded by Bo Rees"),
    (WORDED, True, True, "Worded by Bo Rees"),
    # The summary is theirs, but the card shows the source's lines in its place.
    (replace(WORDED, title=""), True, True, ""),
    (replace(WORDED, title=""), True, False, "Worded by Bo Rees"),
    (replace(WORDED, worded_by="\u200b"), False, False, "Worded by Learning Digest"),
]


def test_a_wording_of_the_editors_carries_the_name_of_its_writer() -> None:
    entries = [
        replace(entry_of(edit, study=study, lines=lines), id=number, source=f"Source {number}")
        for number, (edit, study, lines, _) in enumerate(WORDINGS)
    ]
    made = made_of(compiled(*entries), proved=False)
    html, text = made.html_text(), made.plain_text()
    for number, (*_, worded) in enumerate(WORDINGS):
        [(dot, after)] = re.findall(rf"Source {number}, \d+ November 2026(?: (·|&middot;) )?([^<]*)</p>", html)
        assert (bool(dot), after) == (bool(worded), worded), WORDINGS[number]
        [after] = re.findall(rf"Source {number}, \d+ November 2026\n(.*)\n", text)
        assert after == worded, WORDINGS[number]


@pytest.mark.parametrize("study", [False, True])
def test_a_note_stands_below_the_text_with_the_name_of_its_writer_in_paragraphs(study: bool) -> None:
    made = made_of(compiled(entry_of(NOTED, study=study, lines=study)))
    text, html = made.plain_text(), made.html_text()
    note = "    Ann Lee, editor: They send it to anybody.\n    Ask Ann & Bo.\n    Tell us <b>how</b> it went.\n"
    before, after = text.split(note)
    last = "person who comes into hospital now tells their story once.”" if study else "the words the tenant used."
    assert " ".join(before.split()).endswith(last) and after.startswith((STUDY if study else POST).source)
    assert html.count("Ann Lee, editor:") == 1
    assert re.findall(r"<span>([^<]*)</span></p>", html)[-3:] == [
        "They send it to anybody.", "Ask Ann &amp; Bo.", "Tell us &lt;b&gt;how&lt;/b&gt; it went.",
    ]  # fmt: skip
    assert html.index("Ann Lee, editor:") < html.index((STUDY if study else POST).source)


NOTES: list[tuple[str, list[str]]] = [
    ("", []),
    (" \n \u200b ", []),
    ("One.", ["One."]),
    ("One.\n\n\nTwo.", ["One.", "Two."]),
    ("a\nb\nc\nd\re", ["a", "b", "c d e"]),
    ("x" * 599, ["x" * 599]),
    ("word " * 120 + "end", ["word " * 119 + "word…"]),
]


def test_a_note_has_at_most_three_paragraphs_and_600_characters() -> None:
    entries = [replace(entry_of(EntryEdit(note=note, note_by="Ann")), id=n) for n, (note, _) in enumerate(NOTES)]
    letter = compiled(*entries)
    for number, (note, seen) in enumerate(NOTES):
        html = decode([piece for piece in letter.html["areas", number] if isinstance(piece, bytes)])
        assert re.findall(r"<span>([^<]*)</span></p>", html) == seen, note
        assert html.count("Ann, editor:") == bool(seen)


@pytest.mark.parametrize(("language", "lead", "worded"), [
    ("en", "Ann Lee, editor:", "Worded by Bo Rees"), ("cy", "Ann Lee, golygydd:", "Geiriad gan Bo Rees"),
])  # fmt: skip
def test_the_words_around_a_note_are_the_letters_and_the_note_says_its_language(
    language: str, lead: str, worded: str
) -> None:
    entries = [replace(each, edit=replace(WORDED, note="Ask.", note_by="Ann Lee")) for each in sample.entries()]
    letter = compile_letter(OURS, entries, sample.BRANDED, language)
    verify(letter, sample.digest(), sample.READER)
    html = assemble(letter, sample.digest(), sample.READER).html_text()
    assert html.count(lead) == html.count(worded) == len(sample.digest().placed)
    assert html.count('<span lang="en" dir="ltr">Ask.</span>') == (0 if language == "en" else 12)
    assert ("A question for you" in html) == (language == "en")
    assert ("Cwestiwn i chi" in html and "Ysgrifennwch atom:" in html) == (language == "cy")


@pytest.mark.parametrize(("sent", "seen"), HOSTILE)
def test_hostile_words_of_an_editor_are_only_words(sent: str, seen: str) -> None:
    def page_of(words: str) -> tuple[Page, Assembled]:
        edit = EntryEdit(
            f"T {words}"[:200],
            f"S {words}"[:200],
            f"By {words}",
            _one_line(f"N {words}"[:500]),
            f"Of {words}",
        )
        entry = replace(POST, title=edit.title, summary=edit.summary, edit=edit)
        ours = replace(OURS, subject=f"R {words}"[:100], step=f"W {words}", question=f"Q {words}")
        made = made_of(compiled(entry, edition=ours))
        return Page(made.html_text()), made

    (calm, _), (page, made) = page_of("calm"), page_of(sent)
    assert page.tags == calm.tags
    assert visible(f"N {sent}"[:500]) in page.text
    assert visible(f"Q {sent}") in page.text and visible(f"W {sent}") in page.text
    assert visible(f"By {sent}", 60) in page.text and visible(f"Of {sent}", 60) in page.text
    assert made.subject.strip("\u2068\u2069") == visible(f"R {sent}"[:100])
    assert made.plain_text().count(sample.READER.unsubscribe_url) == 2


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


TITLE = "A damp and mould register that tenants can read"


@pytest.mark.parametrize(
    ("subject", "seen"),
    [(SUBJECT, SUBJECT), (f"{SUBJECT}s and hows", f"{SUBJECT[:-5]}…"), (" \n", TITLE), ("", TITLE)],
)
def test_a_subject_of_the_edition_is_kept_whole_up_to_120_characters(subject: str, seen: str) -> None:
    made = made_of(compiled(POST, edition=replace(sample.EDITION, subject=subject)))
    assert made.subject == seen and f"<title>{seen}</title>" in made.html_text()


def end_of(edition: EditionFacts, site: Site = sample.SITE) -> str:
    appearance = replace(sample.APPEARANCE, site=site)
    made = made_of(compile_letter(edition, [POST], appearance))
    return made.plain_text().split("-" * 72, 1)[1].partition("WHY YOU GET THIS LETTER")[0]


@pytest.mark.parametrize("copy", [False, True])
def test_a_question_closes_the_letter_with_an_address_for_answers(copy: bool) -> None:
    asking = replace(sample.EDITION, question="Who has it?", copy=copy)
    end = "ONE SMALL STEP THIS WEEK\n\nAsk one partner which form they would most like to stop filling in.\n\n"
    rule = "-" * 72
    asked = f"{rule}\nA QUESTION FOR YOU\n\nWho has it?\n\nWrite to us: {{}}\n\n{rule}\n"
    assert end_of(asking) == f"\n{end}{asked.format('editors@news.example.org')}"
    alone = replace(sample.SITE, reply_to=None)
    assert end_of(asking, alone) == f"\n{end}{asked.format('digest@news.example.org')}"
    html = made_of(compiled(POST, edition=asking)).html_text()
    assert html.index("One small step") < html.index("A question for you") < html.index("Sent by")
    address = ("mailto:editors@news.example.org", "editors@news.example.org")
    assert Page(html).links.count(address) == 2, "in the footer too"
    assert "QUESTION" not in end_of(sample.EDITION)


ASKED = (Ingredient("who-to-ask", "Ask Ann."),)


@pytest.mark.parametrize(
    ("for_all", "lines", "seen"),
    [(False, (), "Ring a ward."), (False, ASKED, f"{STUDY.title}: “Ask Ann.”"), (True, ASKED, "Ring a ward.")],
)
def test_a_step_that_the_editors_chose_closes_every_letter(
    for_all: bool, lines: tuple[Ingredient, ...], seen: str
) -> None:
    edition = replace(sample.EDITION, step="Ring a ward.", for_all=for_all)
    text = made_of(compiled(replace(STUDY, ingredients=lines), edition=edition)).plain_text()
    assert seen in " ".join(text.split()) and text.count("ONE SMALL STEP THIS WEEK") == 1


def all_edited() -> Letter:
    """Return a letter in which editors have had a hand in everything."""
    edit = replace(WORDED, note=THREE, note_by="Ann Lee")
    entries = [replace(each, edit=edit, title=f"{each.title}, we say") for each in sample.entries()]
    return compile_letter(OURS, entries, sample.BRANDED)


@pytest.mark.long
def test_a_letter_full_of_edits_has_no_fault_and_needs_no_slower_path() -> None:
    letter = all_edited()
    digests = [*extremes(letter), sample.digest()]
    assert proven(letter, digests, sample.READER) == (letter, "")
    made = assemble(letter, sample.digest(), sample.READER)
    head = Head(
        sample.SITE, to="ceri@example.org", message_id="<1@news.example.org>",
        date=datetime(2026, 11, 20, tzinfo=UTC), list_id="weekly.news.example.org",
        unsubscribe_url=sample.READER.unsubscribe_url,
    )  # fmt: skip
    findings = lint(made.html_text(), made.plain_text(), made.subject, compose(made, head))
    assert [finding.rule for finding in findings if finding.level != NOTE] == ["subject-long"]
    assert all(len(line) <= 72 or line.startswith("http") for line in made.plain_text().splitlines())


def test_a_form_of_a_letter_full_of_edits_is_the_very_letter() -> None:
    letter = all_edited()
    plain = replace(sample.READER, unsubscribe_url="https://digest.example.org/u/token")
    blank = form(letter, sample.digest(), plain, random_stem())
    html, text, made = decode(blank.html), decode(blank.text), assemble(letter, sample.digest(), plain)
    for mark, value in zip(blank.marks, values(letter, blank, plain), strict=True):
        html, text = html.replace(mark, value), text.replace(mark, value)
    assert (html, text, blank.subject) == (made.html_text(), made.plain_text(), SUBJECT)


@pytest.mark.long
def test_the_size_of_a_letter_counts_notes_and_question_and_pinned_entries_stay() -> None:
    edit = EntryEdit(note="Ä long note of what we heard. " * 20, note_by="Ann Lee")
    many = [replace(POST, id=n, edit=edit) for n in range(1, 61)]
    letter = compile_letter(replace(OURS, question="Why? " * 60), many, sample.APPEARANCE)
    placed = tuple(Placed(entry.id, Reason("area", "housing")) for entry in many)
    whole = Digest((Section("areas", (Group("housing", placed[:50]), Group("transport", placed[50:]))),))
    fitted = fit(letter, whole, pinned={51, 52})
    shown = [each.entry for each in fitted.placed]
    gone = 60 - len(shown)
    assert gone > 10 and shown == [*range(1, 60 - gone - 1), 51, 52], "the last of transport are pinned"
    size = len(assemble(letter, fitted, sample.READER).html_text().encode())
    assert 0.85 * SIZE_WARNING < size < SIZE_WARNING
    both = Digest((Section("areas", (Group("housing", placed[:2]),)),))
    assert [each.entry for each in fit(letter, both, limit=1, pinned={1, 2}).placed] == [1]
