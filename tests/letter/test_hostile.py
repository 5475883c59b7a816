"""Hostile words, such as markup, tokens or header lines, appear as plain words and leave the letter intact."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from digest.letter.assemble import assemble, verify
from digest.letter.blocks import Assembled
from digest.letter.compile import Letter, compile_letter
from digest.letter.inert import link, visible
from digest.letter.mime.compose import Head, compose
from digest.letter.subject import headline
from digest.model import CASE_STUDY, Digest, Entry, Group, Ingredient, Placed, Reason, Section
from digest.transports.smtp.envelope import wire_form
from tests.counts import others_long, spread
from tests.letter import sample
from tests.letter.reading import Page

WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

# (a title as a source sends it, the title as a reader sees it)
TITLES = [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("</title></style></td></table><h1>Mine</h1>", "</title></style></td></table><h1>Mine</h1>"),
    ("--><b>out</b><!--", "--><b>out</b><!--"),
    ("<!--[if mso]>Outlook<![endif]-->", "<!--[if mso]>Outlook<![endif]-->"),
    ("<!--0123456789abcdef open 3-->", "<!--0123456789abcdef open 3-->"),
    ("\x1e0123456789abcdef open 3\x1f", "0123456789abcdef open 3"),
    ("&lt;b&gt; &amp;amp; &#37;", "&lt;b&gt; &amp;amp; &#37;"),
    ("\" onmouseover=\"x\" '", "\" onmouseover=\"x\" '"),
    ("%%unsubscribe_url%%", "%%unsubscribe_url%%"),
    ("100%%%intro%%", "100%%%intro%%"),
    ("%%%%more%%%%", "%%%%more%%%%"),
    ("\ue000\ue000reason\ue000\ue000", "reason"),
    ("{{ site.name }} {% include 'x' %} {# note #}", "{{ site.name }} {% include 'x' %} {# note #}"),
    ("=3D =\r\n.", "=3D = ."),
    ("From me\n.\nFrom you", "From me . From you"),
    ("Hello\r\nBcc: victim@example.org\r\n\r\nbody", "Hello Bcc: victim@example.org body"),
    ("\u202eegap ruo\u202c \u2066safe\u2069 \u200fend", "egap ruo safe end"),
    ("in\u200bvis\u2060ible\ufeff\u00ad a\u200db\u200c", "invisible ab"),
    ("\x00null\x07bell\x1b[31mred\x9b", "nullbell[31mred"),
    ("half \ud83d pair", "half \ufffd pair"),
    ("line\u2028and\u2029paragraph\x85next\x0b", "line and paragraph next"),
    (f"{WALES} {FAMILY} ❤️ é", f"{WALES} {FAMILY} ❤️ é"),
    ("a\U000e0041\U000e0042b", "ab"),
    ("Z" + "\u0337" * 80 + "algo", "Z\u0337\u0337\u0337algo"),
    ("سلام دنيا", "سلام دنيا"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("x" * 10_000, "x" * 199 + "…"),
    ("word " * 2_000, "word " * 39 + "word…"),
    ("\u200b" * 10_000, "A damp and mould register that tenants can read"),  # its address in words
    ("", "A damp and mould register that tenants can read"),
]  # fmt: skip
# In `make test` a title of each kind: markup, a token, a template, header lines, directions, too long, nothing.
HOSTILE = others_long({str(n): title for n, title in enumerate(TITLES)}, *map(str, (1, 8, 12, 15, 16, 26, 29)))


def one_entry(entry: Entry) -> tuple[Letter, Digest]:
    letter = compile_letter(sample.EDITION, [entry], sample.APPEARANCE)
    return letter, Digest((Section("areas", (Group("housing", (Placed(entry.id, Reason("area", "housing")),)),)),))


@cache
def made_of(entry: Entry) -> Assembled:
    letter, digest = one_entry(entry)
    verify(letter, digest, sample.READER)
    return assemble(letter, digest, sample.READER)


def elements(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    """Return the elements of a page but links, without the direction that a text of another script gives them."""
    return [
        (tag, {
            name: value and value.replace(" rtl", "").replace("text-align:right", "text-align:left")
            for name, value in attrs.items() if (name, value) != ("dir", "rtl")
        })
        for tag, attrs in page.tags if tag != "a"
    ]  # fmt: skip


CALM = replace(sample.entries()[3], title="A calm title", summary="A calm summary")


@pytest.mark.parametrize(("sent", "seen"), HOSTILE)
def test_a_hostile_title_is_only_words(sent: str, seen: str) -> None:
    calm = Page(made_of(CALM).html_text())
    made = made_of(replace(CALM, title=sent))
    page = Page(made.html_text())
    assert page.headings[-3] == (4, seen)
    assert elements(page) == elements(calm)
    assert page.links[2] == (CALM.url, seen), "the title is the link to the entry and nothing else"
    text = made.plain_text()
    assert " ".join(seen.split()) in " ".join(text.split())
    assert text.count(sample.READER.unsubscribe_url) == 2
    assert len(text.splitlines()) < 90
    assert re.search(r"[\r\n\x00-\x1f]", made.subject) is None
    assert len(made.subject) <= 78


@pytest.mark.parametrize(("sent", "seen"), HOSTILE)
def test_a_hostile_summary_source_and_place_are_only_words(sent: str, seen: str) -> None:
    calm = Page(made_of(CALM).html_text())
    made = made_of(
        replace(CALM, summary=f"So: {sent}", source=f"By {sent}", facets=replace(CALM.facets, place=f"In {sent}"))
    )
    page = Page(made.html_text())
    assert elements(page) == elements(calm)
    assert visible(f"By {sent}", 80) in page.text
    assert visible(f"So: {sent}", 300) in page.text
    assert visible(f"In {sent}", 60) in page.text


@pytest.mark.parametrize(("sent", "seen"), HOSTILE)
def test_a_hostile_ingredient_is_only_words(sent: str, seen: str) -> None:
    told = (
        Ingredient("did", "They did."),
        Ingredient("changed", "It changed.", (), "Me"),
        Ingredient("who-to-ask", "Us."),
    )
    calm = Page(made_of(replace(CALM, kind=CASE_STUDY, ingredients=told)).html_text())
    hostile = tuple(line._replace(text=f"So: {sent}"[:160], by=line.by and f"By {sent}") for line in told)
    page = Page(made_of(replace(CALM, kind=CASE_STUDY, ingredients=hostile)).html_text())
    assert page.tags == calm.tags
    assert visible(f"So: {sent}"[:160]) in page.text
    assert visible(f"By {sent}", 60) in page.text


@pytest.mark.parametrize(("sent", "seen"), HOSTILE)
def test_a_hostile_title_cannot_reach_the_headers(sent: str, seen: str) -> None:
    raw = compose(
        made_of(replace(CALM, title=sent)),
        Head(
            sample.SITE,
            to="ceri@council.example",
            message_id="<1.1@news.example.org>",
            date=datetime(2026, 11, 20, tzinfo=UTC),
            list_id="weekly.news.example.org",
            unsubscribe_url=sample.READER.unsubscribe_url,
        ),
    )
    raw.decode("ascii")
    assert wire_form(raw) == raw + b".\r\n", "the SMTP transport sends it unchecked"
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Bcc"] is None
    assert message.get_all("To") == ["ceri@council.example"]
    assert (
        message["Subject"]
        .lstrip("\u2068")
        .startswith(headline(sent)[:19] or ("Housing" if visible(sent) else "A calm summary"))
    )


@pytest.mark.parametrize(
    ("sent", "seen"),
    spread(
        5,
        [
            (None, None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("//x.example/a", None),
            ("https://", None),
            ("https://[::1/", None),
            ("https://x.example/a\r\nBcc: y", None),
            ("https://x.example/" + "a" * 3000, None),
            ("https://x.example/\ud800", None),
            ('https://x.example/"><b>', "https://x.example/%22%3E%3Cb%3E"),
            ("https://x.example/?q=100%%unsubscribe_url%%", "https://x.example/?q=100%25%25unsubscribe_url%25%25"),
            ("https://x.example/é?a=1&b='c'", "https://x.example/%C3%A9?a=1&b=%27c%27"),
            ("https://x.example/a%20b#top", "https://x.example/a%20b#top"),
        ],
    ),
)
def test_a_link_is_a_safe_web_address_or_none(sent: str | None, seen: str | None) -> None:
    assert link(sent) == seen
    made = made_of(replace(CALM, url=sent))
    titled = [href for href, text in Page(made.html_text()).links if text == "A calm title"]
    assert titled == ([seen] if seen else [])
    if seen:
        assert seen in made.plain_text().splitlines()


@pytest.mark.long
def test_a_hostile_note_and_reader_are_only_words() -> None:
    tricks = [sent for sent, _ in TITLES if len(sent) < 200]
    edition = replace(sample.EDITION, note="\n\n".join(tricks))
    letter = compile_letter(edition, [CALM], sample.APPEARANCE)
    digest = one_entry(CALM)[1]
    for trick in tricks:
        reader = replace(sample.READER, name=trick, interests=trick)
        verify(letter, digest, reader)
        page = Page(assemble(letter, digest, reader).html_text())
        assert visible(trick, 60) in page.text
        assert not [tag for tag, _ in page.tags if tag in ("script", "b")]


def test_an_entry_in_another_language_says_so() -> None:
    for language, attrs in (
        ("cy", {"lang": "cy", "dir": "ltr"}),
        ("ar-GB", {"lang": "ar-GB", "dir": "ltr"}),  # by its own words; tests/letter/test_directions.py has others
        ("en-GB", {}),
        ('"><b>', {}),
        (None, {}),
    ):
        page = Page(made_of(replace(CALM, language=language)).html_text())
        own = [(tag, a) for tag, a in page.tags if "lang" in a and tag not in ("html", "div")]
        assert [tag for tag, _ in own] == (["h4", "p"] if attrs else []), "the title and the summary"
        assert all({"lang": a["lang"], "dir": a["dir"]} == attrs for _, a in own)
        assert all(("text-align:right" in (a["style"] or "")) == (a["dir"] == "rtl") for _, a in own)
