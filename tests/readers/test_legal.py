"""The privacy notice and the accessibility statement say what is true of the installation, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.config.load import load
from digest.config.settings import Settings
from digest.letter.brand import Logo
from digest.readers.legal import StatementPart, accessibility_statement, privacy_notice
from digest.readers.words import letter_words, page_words
from digest.system.resources import resource
from digest.web.app import make_app
from tests.counts import table
from tests.house import House

SHIPPED = load(resource("config.toml"), {})


def notice_of(settings: Settings, language: str = "en") -> str:
    """Return the text of the privacy notice."""
    words = page_words(settings, (language,))
    return text_of(privacy_notice(settings, words, letter_words(settings, language)))


def text_of(sections: list[StatementPart]) -> str:
    """Return all lines of a statement."""
    lines = [(part.title, *part.lines, *(f"{term}: {text}" for term, text in part.rows), *part.points)
             for part in sections]  # fmt: skip
    return "\n".join(line for part in lines for line in part if line)


def statement_of(settings: Settings, language: str = "en") -> str:
    """Return the text of the accessibility statement."""
    return text_of(accessibility_statement(settings, page_words(settings, (language,))))


def test_the_shipped_notice_names_who_why_how_long_and_rights() -> None:
    notice = notice_of(SHIPPED)
    for words in (
        "Learning Digest decides", "Centre for Shared Learning, 1 Example Street", "editors@example.org",
        "your consent", "unless you confirm it", "Deleted after 7 days", "Deleted after 30 days", "for ever",
        "Deleted after 400 days", "no cookies", "Information Commissioner", "Change what you follow",
    ):  # fmt: skip
        assert words in notice


@table(
    "changed, there, gone",
    [
        ("retention: deliveries=None", "It is not deleted by itself.", "400 days"),
        ("retention: deliveries=100 letters=1", "Deleted after 1 day.", "400 days"),
        ("privacy: basis=public-task", "part of our public task", "your consent"),
        ("privacy: authority=", "Please tell us first", "Information Commissioner"),
        ("privacy: authority=the+CNIL", "complain to the CNIL", "Information Commissioner"),
        ("privacy: address=", "Questions about your data", "Postal address"),
        ("privacy: officer=Ann+Ash", "Data protection officer: Ann Ash", "A company delivers"),
        ("privacy: company=yes", "A company delivers the letters for us.", "These handle"),
        ("privacy: processors=Mail+Ltd", "use it for nothing else:\nMail Ltd", "A company"),
        ("privacy: backups=30", "To repair damage. Deleted after 30 days;", "shows a logo"),
        ("privacy: changed=2026-11-30", "last changed on 30 November 2026.", "shows a logo"),
        ("logo", "your mail program may load from pictures.example.", "Copies of all"),
        ("transport", "Which entries you were sent", "The letters themselves"),
    ],
)  # fmt: skip
def test_a_setting_chooses_the_sentence_that_is_true_of_it(changed: str, there: str, gone: str) -> None:
    notice = notice_of(_changed(changed))
    assert there in notice
    assert gone not in notice


def _changed(how: str) -> Settings:
    """Return the shipped settings with a change, such as "privacy: officer=Ann+Ash"."""
    part, _, given = how.partition(": ")
    values = {key: value.replace("+", " ") for key, _, value in (pair.partition("=") for pair in given.split())}
    if part == "logo":
        logo = Logo("https://pictures.example/logo.png", 160, 48, "")
        return replace(SHIPPED, brand=replace(SHIPPED.brand, logo=logo))
    if part == "transport":
        mailed = replace(SHIPPED.transport, part=SHIPPED.transport.part.model_copy(update={"kind": "smtp"}))
        return replace(SHIPPED, transport=mailed)
    if part == "retention":
        days = {key: None if value == "None" else timedelta(days=int(value)) for key, value in values.items()}
        return replace(SHIPPED, retention=replace(SHIPPED.retention, **days))
    read = {
        "backups": lambda text: timedelta(days=int(text)),
        "changed": date.fromisoformat,
        "processors": lambda text: (text,),
    }
    typed = {key: read.get(key, str)(value) for key, value in values.items() if key != "company"}
    privacy = replace(SHIPPED.privacy, delivered_by_company="company" in values, **typed)
    return replace(SHIPPED, privacy=privacy)


@table(
    "failing, checked, by, there, gone",
    [
        ("", "", "", "They are built to meet", "Last checked"),
        ("", "2026-11-30", "", "We know of no point in which they do not.", "We know of these"),
        ("", "2026-11-30", "Ann Ash", "Last checked on 30 November 2026 by Ann Ash.", "We know of these"),
        ("The map.", "2026-11-30", "", "in which they do not:\nThe map.", "We know of no point"),
        ("The map.", "", "", "in which they do not:\nThe map.", "Last checked"),
    ],
)
def test_a_statement_claims_no_more_than_was_checked(
    failing: str, checked: str, by: str, there: str, gone: str
) -> None:
    day = date.fromisoformat(checked) if checked else None
    lines = (("en", (failing,)),) if failing else ()
    access = replace(SHIPPED.accessibility, failing=lines, checked=day, checked_by=by)
    statement = statement_of(replace(SHIPPED, accessibility=access))
    assert there in statement
    assert gone not in statement


@table(
    "enforcement, there, gone",
    [
        ("ehrc", "Equality and Human Rights Commission enforces", "Northern Ireland"),
        ("ecni", "Commission for Northern Ireland enforces", "Advisory"),
        ("", "If something does not work for you", "enforces"),
    ],
)
def test_who_enforces_the_regulations_is_a_setting(enforcement: str, there: str, gone: str) -> None:
    access = replace(SHIPPED.accessibility, enforcement=enforcement, answer_within=timedelta(days=5))
    statement = statement_of(replace(SHIPPED, accessibility=access))
    assert there in statement
    assert gone not in statement
    assert "We answer within 5 days." in statement


def test_the_organisations_own_text_keeps_its_language() -> None:
    own = (("en", ("Before.", "# Children", "We ask no age.")),)
    settings = replace(SHIPPED, privacy=replace(SHIPPED.privacy, text=own))
    english, welsh = (page_words(settings, (language,)) for language in ("en", "cy"))
    read = partial(privacy_notice, settings)
    assert [(part.title, part.lines, part.language) for part in read(english, letter_words(settings, "en"))[-2:]] == [
        ("", ["Before."], ""), ("Children", ["We ask no age."], ""),
    ]  # fmt: skip
    assert [part.language for part in read(welsh, letter_words(settings, "cy"))[-2:]] == ["en", "en"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house that wrote one letter to one reader."""
    made = House(tmp_path_factory.mktemp("legal") / "house")
    made.reader("rhian@example.org")
    made.run()
    made.publish("Note")
    made.run(days=4)
    return made


def test_both_pages_are_public_and_change_nothing(house: House) -> None:
    client = TestClient(make_app(house.live()), raise_server_exceptions=False)
    for path in ("/privacy", "/accessibility"):
        for language, title in (("en", '<html lang="en"'), ("cy", '<html lang="cy"')):
            shown = client.get(path, headers={"Accept-Language": language})
            assert shown.status_code == 200
            assert title in shown.text
            assert (shown.headers["X-Robots-Tag"], shown.headers["Vary"]) == ("all", "Accept-Language, Origin")
            assert 'href="mailto:digest@example.org"' in shown.text
        assert client.post(path).status_code == 405
    assert '<html lang="cy"' in client.get("/privacy?language=cy").text


def test_every_page_and_both_parts_of_a_letter_lead_there(house: House) -> None:
    client = TestClient(make_app(house.live()), raise_server_exceptions=False)
    for path in ("/privacy", "/nowhere", f"/preferences/{house.token('preferences', 1)}"):
        shown = client.get(path).text
        assert '<a href="/privacy">' in shown
        assert '<a href="/accessibility">' in shown
    [letter] = Path(house.folder / "letters").rglob("*.eml")
    mailed = unescape(letter.read_text(encoding="utf-8", errors="replace")).replace("=\n", "")
    assert mailed.count("https://digest.example.org/privacy") == 2
    assert mailed.count("https://digest.example.org/accessibility") == 2
