"""Lint: the shipped letter has no fault, and each rule finds the fault in a letter that was changed to have it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from digest.letter.assemble import assemble
from digest.letter.clip import fit
from digest.letter.compile import compile_letter
from digest.letter.lint import DEFAULT_CLIENTS, ERROR, NOTE, WARNING, LintFinding, known_clients, lint, support
from digest.letter.lint.build import extract
from digest.letter.lint.contrast import colour, ratio
from digest.letter.lint.features import detectable
from digest.letter.lint.page import LetterPage
from digest.letter.lint.wording import SIZE_WARNING
from digest.letter.mime.compose import Head, compose
from digest.model import Digest, Group, Image, Placed, Reason, Section
from tests.counts import others_long, spread
from tests.letter import golden, sample

LAYOUT = 'role="presentation"'
HEAD = '<table class="sheet column"'
BODY_END = "</body>"
URL = "https://example.org/"
PLAIN = '<p style="font-size:16px">{}</p>'


@cache
def clean() -> tuple[str, str, str, bytes]:
    made = golden.letter()
    message = compose(
        made,
        Head(
            sample.SITE,
            to="ceri@example.org",
            message_id="<1@news.example.org>",
            date=datetime(2026, 11, 20, tzinfo=UTC),
            list_id="weekly.news.example.org",
            unsubscribe_url=sample.READER.unsubscribe_url,
        ),
    )
    return made.html_text(), made.plain_text(), made.subject, message


def judged(html: str = "", text: str = "", subject: str | None = None, message: bytes = b"") -> list[LintFinding]:
    ours = clean()
    return lint(html or ours[0], text or ours[1], ours[2] if subject is None else subject, message or ours[3])


def test_the_shipped_letter_has_no_error_and_no_warning() -> None:
    findings = judged()
    assert [finding.line() for finding in findings if finding.level != NOTE] == []
    assert all(finding.client for finding in findings), "a note is about a mail program"


def within(body: str) -> tuple[str, str]:
    """Return a change (old, new) of the html that adds `body` at its end and touches nothing else."""
    return BODY_END, body + BODY_END


IMAGE = '<img src="https://example.org/a.png" width="80" height="60" alt="A" style="display:block">'
# (name, old text, new text, the rule that must find the fault, the level of the finding)
HTML: list[tuple[str, str, str, str, str]] = [
    ("doctype", "<!DOCTYPE html>", "", "doctype", ERROR),
    ("no language", '<html lang="en" ', "<html ", "lang", ERROR),
    ("a language that is none", '<html lang="en" ', '<html lang="English please" ', "lang", ERROR),
    ("no direction", 'dir="ltr" xmlns:v', "xmlns:v", "dir", ERROR),
    ("nothing repeated inside", '" lang="en" dir="ltr">', '">', "lang-inside", WARNING),
    ("charset", '<meta charset="utf-8">', "", "charset", ERROR),
    ("viewport", '<meta name="viewport"', '<meta name="port"', "viewport", WARNING),
    ("no title", "<title>", "<title></title><x>", "title", ERROR),
    ("a second h1", *within("<h1>Another</h1>"), "one-h1", ERROR),
    ("no h1", "<h1 ", "<h2 ", "one-h1", ERROR),
    ("a skipped level", "<h2 ", "<h5 ", "heading-order", ERROR),
    ("an empty heading", *within("<h2> </h2>"), "heading-empty", ERROR),
    ("a table of data", f"{HEAD} role=", f"{HEAD} data-role=", "table-role", ERROR),
    ("a table with gaps", f'{HEAD} {LAYOUT} border="0"', f"{HEAD} {LAYOUT}", "table-gaps", WARNING),
    ("no alt", *within('<img src="https://example.org/a.png" width="1" height="1">'), "alt", ERROR),
    ("no size", *within('<img src="https://example.org/a.png" alt="">'), "image-size", WARNING),
    ("a link without words", *within('<a href="https://example.org/"> </a>'), "link-empty", ERROR),
    ("a link on an image without words", *within(f'<a href="{URL}"><img alt=""></a>'), "link-empty", ERROR),
    ("a vague link", *within('<a href="https://example.org/">Read more…</a>'), "link-words", ERROR),
    ("a vague link in Welsh", *within('<a href="https://example.org/">Darllen mwy</a>'), "link-words", ERROR),
    ("twins", *within('<a href="https://example.org/else">Unsubscribe</a>'), "link-twins", WARNING),
    ("a relative link", *within('<a href="/here">A page of ours</a>'), "link", ERROR),
    ("a script link", *within('<a href="javascript:x()">A page of ours</a>'), "link", ERROR),
    ("a broken link", *within('<a href="https://[::1/">A page of ours</a>'), "link", ERROR),
    ("a link inside", *within('<a href="#top">To the top of it</a>'), "link", WARNING),
    ("http", *within('<a href="http://example.org/">A page of ours</a>'), "link-http", WARNING),
    ("a number", *within('<a href="https://192.0.2.7/">A page of ours</a>'), "link-number", ERROR),
    ("a very long link", *within(f'<a href="https://example.org/{"a" * 2000}">A page</a>'), "link-long", WARNING),
    ("a bare address", *within('<a href="https://example.org/a">https://example.org/a</a>'), "link-address", ERROR),
    ("phishing", *within('<a href="https://evil.example/">www.example.org</a>'), "link-address", ERROR),
    ("a relative image", *within('<img src="a.png" alt="" width="1" height="1">'), "link", ERROR),
    ("an unfilled token", *within(PLAIN.format("Dear %%unsubscribe_url%%")), "token", ERROR),
    ("a stranger's token", *within(PLAIN.format("How %%name%% fills a gap")), "token", WARNING),
    ("an unfilled link", *within('<a href="https://example.org/%%token%%">A page of ours</a>'), "token", ERROR),
    ("template code", *within(PLAIN.format("Dear {{ reader.name }}")), "token", WARNING),
    ("template code in a link", *within('<a href="{{ url }}">A page of ours</a>'), "token", ERROR),
    ("an undefined link", *within('<a href="https://example.org/undefined">A page</a>'), "token", ERROR),
    ("a script", *within("<script>x()</script>"), "active", ERROR),
    ("a form", *within("<form></form>"), "active", ERROR),
    ("a sheet elsewhere", "</head>", '<link rel="stylesheet" href="a.css"></head>', "active", ERROR),
    ("a style element too big", "</head>", f"<style>{'p { margin: 0 } ' * 1100}</style>", "style-size", WARNING),
    ("a style element in the body", *within("<style>p { margin: 0 }</style>"), "style-place", WARNING),
    ("pale text", *within('<p style="color:#999;font-size:16px">Some words</p>'), "contrast", ERROR),
    ("pale on a colour", *within('<p style="color:#fff;background:#7fd0c8">Some words</p>'), "contrast", ERROR),
    ("no dark rule", ".ink { color: #f1f2ee !important; }", "", "contrast", ERROR),
    ("no rule for Outlook.com", "[data-ogsb] .button { background-color", "[x] .a { color", "contrast", ERROR),
    ("a colour we cannot read", *within('<p style="color:hsl(1 2% 3%)">Some words</p>'), "contrast-unknown", WARNING),
    ("small print", *within('<p style="font-size:11px">Some words</p>'), "text-size", ERROR),
    ("small print by em", *within('<p style="font-size:0.7em">Some words</p>'), "text-size", ERROR),
    ("hidden in its own colour", "hide:all; color:#17212b", "hide:all; color:#f2f1ec", "hidden-colour", WARNING),
    ("a preheader Outlook shows", "mso-hide:all", "mso-hide:none", "preheader", ERROR),
    ("no preheader", 'class="preheader" style="display:none;', 'class="preheader" style="', "preheader", WARNING),
    ("images alone", *within(IMAGE * 30), "image-only", WARNING),
    ("shouting", *within(PLAIN.format("THIS IS OUR VERY BEST LETTER EVER")), "capitals", WARNING),
    ("exclaiming", *within(PLAIN.format("Read this!!!")), "exclaims", WARNING),
    ("a link the text lacks", *within('<a href="https://example.org/1">A page of ours</a>'), "text-links", ERROR),
    ("too big", *within(PLAIN.format("word " * 16_000)), "size", ERROR),
    ("nearly too big", *within(PLAIN.format("word " * 9_000)), "size", WARNING),
    ("rounded corners", *within('<td style="border-radius:4px">x</td>'), "css-border-radius", ERROR),
    ("flex", *within('<div style="display:flex">x</div>'), "css-display-flex", ERROR),
    ("padding on a paragraph", *within('<p style="padding:10px 0">x</p>'), "css-padding", ERROR),
    ("a thick border", *within('<td style="border-left:9px solid #000">x</td>'), "css-border", ERROR),
    ("max-width on a div", *within('<div style="max-width:600px">x</div>'), "css-max-width", ERROR),
    ("a width that Word ignores", *within('<div style="width:600px">x</div>'), "css-width", ERROR),
    ("rem", *within('<p style="font-size:1.2rem">x</p>'), "css-font-size", ERROR),
    ("a negative margin", *within('<p style="margin:-4px">x</p>'), "css-margin", ERROR),
    ("important inline", *within('<p style="color:#000 !important">x</p>'), "css-important", ERROR),
    ("a loose line height", *within('<td style="line-height:20px">x</td>'), "css-line-height", ERROR),
    ("a background picture", *within('<td style="background:url(a.png)">x</td>'), "css-background", ERROR),
    ("a picture inside", *within('<img src="data:image/png;base64,AA==" alt="">'), "image-base64", ERROR),
    ("a new kind of picture", *within(f'<img src="{URL}a.avif" alt="">'), "image-avif", ERROR),
    ("a section", *within("<section>x</section>"), "html-semantics", ERROR),
    ("svg", *within("<svg></svg>"), "html-svg", ERROR),
]  # fmt: skip


@cache
def short() -> tuple[str, str]:
    """Return both parts of a letter of one entry, because the lint of the whole sample takes longer."""
    compiled = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    made = assemble(compiled, Digest((Section("areas", (sample.group("housing", 1),)),)), sample.READER)
    return made.html_text(), made.plain_text()


def test_the_short_letter_has_no_error_and_no_warning() -> None:
    assert [finding.line() for finding in judged(*short()) if finding.level != NOTE] == []


# In `make test` the first fault that each rule finds at each level.
FIRST = {(rule, level): name for name, _, _, rule, level in reversed(HTML)}.values()


@pytest.mark.parametrize(("old", "new", "rule", "level"), others_long({row[0]: row[1:] for row in HTML}, *FIRST))
def test_a_fault_of_the_html_is_found(old: str, new: str, rule: str, level: str) -> None:
    # The whole letter, where its size matters or its button, because the short letter has none.
    html, text = clean()[:2] if rule == "size" or "button" in old else short()
    assert old in html, "the letter has changed: choose another text to change"
    findings = [finding for finding in judged(html.replace(old, new, 1), text) if finding.rule == rule]
    assert findings, rule
    assert findings[0].level == level
    assert findings[0].where and findings[0].problem and findings[0].cure


@pytest.mark.parametrize(
    ("subject", "rule", "level"),
    spread(
        4,
        [
            ("", "subject-empty", ERROR),
            ("One line\nand another", "subject-lines", ERROR),
            ("word " * 20, "subject-long", WARNING),
            ("THE BEST LETTER OF ALL", "subject-capitals", WARNING),
            ("Read this!!", "subject-exclaims", WARNING),
            ("Re: your letter", "subject-reply", WARNING),
            ("Dear %%subject%%", "token", ERROR),
            ("Dear %%name%%", "token", WARNING),
            ("Health and social care, Housing, Domestic abuse, Transport and 3 from elsewhere", "preheader", WARNING),
        ],
    ),
)
def test_a_fault_of_the_subject_is_found(subject: str, rule: str, level: str) -> None:
    html, text = clean()[:2] if rule == "preheader" else short()
    assert (rule, level) in {(finding.rule, finding.level) for finding in judged(html, text, subject)}


@pytest.mark.parametrize("subject", ["NHS and DWP agree", "What works? Ask Wrexham!", "Sir y Fflint, a 3 arall"])
def test_an_honest_subject_passes(subject: str) -> None:
    assert [finding for finding in judged(*short(), subject) if finding.level != NOTE] == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    spread(
        4,
        [
            (b"\r\n\r\n", b"\r\n\n", "crlf"),
            (b"Subject: ", b"Subject: " + b"a" * 1000, "line-length"),
            (b"Subject: ", b"Subject: \xc3\xa9", "seven-bit"),
            (b"List-ID:", b"X-List-ID:", "header"),
            (b"Subject: ", b"Subject: a\r\nSubject: ", "header"),
            (b"List-Unsubscribe: <", b"List-Unsubscribe: =?utf-8?q?=3C", "encoded-word"),
            (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://example.org/>, ", "one-click"),
            (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http", "one-click"),
            (b"List-Unsubscribe=One-Click", b"yes", "one-click"),
        ],
    ),
)
def test_a_fault_of_the_message_is_found(old: bytes, new: bytes, rule: str) -> None:
    message = clean()[3]
    assert old in message
    assert rule in {finding.rule for finding in judged(*short(), message=message.replace(old, new, 1))}


def test_the_text_part_must_carry_links_and_words() -> None:
    text = clean()[1]
    link = re.findall(r"https://estuary\S+", text)[0]
    assert "text-links" in {finding.rule for finding in judged(text=text.replace(link, ""))}
    assert "text-links" in {finding.rule for finding in judged(text=text + "\nhttps://example.org/only-here\n")}
    half = "\n".join(line for line in text.splitlines() if line.startswith("http") or len(line) < 40)
    findings = [finding for finding in judged(text=half) if finding.rule == "text-words"]
    assert findings and findings[0].level == ERROR and "%" in findings[0].problem


@pytest.mark.long
def test_every_exception_is_explained_and_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    pictured = [replace(e, image=Image("https://example.org/a.png", "A", 480, 270)) for e in sample.entries()]
    compiled = compile_letter(sample.EDITION, pictured, sample.APPEARANCE)
    html = assemble(compiled, sample.digest(), sample.READER).html_text()
    exceptions = dict(support.ALLOWED)
    assert [finding for finding in support.check(LetterPage(html), DEFAULT_CLIENTS) if finding.level == ERROR] == []
    for key, why in exceptions.items():
        monkeypatch.setattr(support, "ALLOWED", {k: v for k, v in exceptions.items() if k != key})
        findings = [
            finding.rule for finding in support.check(LetterPage(html), DEFAULT_CLIENTS) if finding.level == ERROR
        ]
        assert key[0] in findings, f"{key} is no longer needed: take it out"
        assert len(why) > 20


def test_only_the_named_programs_are_checked() -> None:
    html = clean()[0].replace(BODY_END, '<td style="border-radius:4px">x</td>' + BODY_END)
    rules = {
        finding.rule
        for finding in lint(html, clean()[1], clean()[2], clients=["apple-mail"])
        if finding.level == ERROR
    }
    assert "css-border-radius" not in rules
    assert set(DEFAULT_CLIENTS) <= set(known_clients())
    assert {"thunderbird", "outlook-com", "protonmail"} <= set(known_clients())


def test_the_extract_keeps_the_newest_answer_where_it_is_no_plain_yes() -> None:
    stats = {"gmail": {"ios": {"2019-01": "n", "2023-01": "y"}, "android": {"2019-01": "y", "2021-01": "n #1"}}}
    raw = {
        "last_update_date": "2026-06-29 17:41:31 +0100",
        "data": [{"slug": "css-color", "stats": stats}, {"slug": "amp", "stats": stats}],
    }
    made = json.loads(extract(raw))
    assert made["updated"] == "2026-06-29"
    assert made["features"] == {"css-color": {"n": "gmail/android"}}


def test_everything_in_the_shipped_table_can_be_seen() -> None:
    assert len(support.support_table()) > 200
    assert all(detectable(slug) for slug in support.support_table())
    assert support.support_table()["css-border-radius"]["outlook/windows"] == "n"
    assert support.support_table()["css-padding"]["outlook/windows"] == "a"


@pytest.mark.parametrize(
    ("front", "back", "expected"),
    [
        ("#000", "#ffffff", 21.0),
        ("#767676", "white", 4.54),
        ("rgb(119, 119, 119)", "#fff", 4.48),
        ("#fff", "#fff", 1.0),
    ],
)
def test_contrast_is_counted_as_wcag_counts_it(front: str, back: str, expected: float) -> None:
    ink, ground = colour(front), colour(back)
    assert ink and ground
    assert round(ratio(ink, ground), 2) == expected


def test_a_long_letter_gives_way_to_n_more() -> None:
    many = [
        replace(sample.entries()[n % 12], id=n, summary="Ä long summary of what was done. " * 9) for n in range(1, 81)
    ]
    letter = compile_letter(sample.EDITION, many, sample.APPEARANCE)
    studies = [entry.id for entry in many if entry.kind == "case-study"][:3]
    near = [entry.id for entry in many if entry.id not in studies]
    areas = tuple(
        Group(slug, tuple(Placed(i, Reason("area", slug)) for i in ids))
        for slug, ids in (("housing", near[:70]), ("transport", near[70:]))
    )
    far = Group("", tuple(Placed(i, Reason("elsewhere-area", "housing")) for i in studies))
    whole = Digest((Section("areas", areas), Section("elsewhere", (far,))), more=2, left_out=((999, "outside"),))

    fitted = fit(letter, whole)
    gone = len(whole.placed) - len(fitted.placed)
    assert gone > 0
    assert fitted.more == 2 + gone
    assert [e for e, why in fitted.left_out if why == "over-cap"] == near[::-1][:gone]
    assert fitted.left_out[0] == (999, "outside")
    assert fitted.sections[-1].groups == (far,), "elsewhere is what the letter exists for"
    bytes_of = len(assemble(letter, fitted, sample.READER).html_text().encode())
    assert 0.85 * SIZE_WARNING < bytes_of < SIZE_WARNING
    assert fit(letter, fitted) is fitted

    alone = fit(letter, whole, limit=1)
    assert len(alone.placed) == 1


def test_a_letter_that_fits_is_left_as_it_is() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    assert fit(letter, sample.digest()) is not None
    assert fit(letter, sample.digest()) == sample.digest()
