"""`digest check` tells what a run could not do, each with its key and cure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest.config.load import load
from digest.config.settings import Settings
from digest.delivery.trial import template_faults
from digest.operations import check_templates
from digest.system.resources import resource
from tests import console
from tests.counts import spread
from tests.house import CONFIG, House


def settings_in(folder: Path, templates: Path) -> Settings:
    (folder / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    (folder / "notes").mkdir(exist_ok=True)
    settings = load(folder / "config.toml", {})
    return replace(settings, templates=templates, site=replace(settings.site, postal_address="1 Test Square"))


SMTP = "[transport]\nkind = 'smtp'\nhost = '{host}'\n{more}"
FAULTS = {
    "url = 'http://0x7f.1/feed'": "source 'Odd': url: 'http://0x7f.1/feed' is no http or https address",
    "url = 'http://10.1.2.3/feed'": "10.1.2.3 port 80 is not a public web server; if it is yours, give",
    "url = 'http://localhost/feed'": "localhost port 80 is not a public web server",
    "url = 'http://feeds.council.uk:8080/'": "feeds.council.uk port 8080 is not a public web server",
    "url = 'https://[fe80::1]/feed'": "is not a public web server",
    "path = 'nowhere'": "is not there; correct its path",
}


def checked(folder: Path, more: str) -> console.Answer:
    (folder / "notes").mkdir(exist_ok=True)
    (folder / "config.toml").write_text(CONFIG.format(source="", weekly="") + more, encoding="utf-8")
    return console.digest(folder, "check")


@pytest.mark.parametrize("place", FAULTS)
def test_a_source_that_can_never_be_read_is_told(tmp_path: Path, place: str) -> None:
    told = checked(tmp_path, f"[[source]]\nname = 'Odd'\n{place}\n")
    assert (told.code, FAULTS[place] in told.stderr) == (2, True), told.stderr


@pytest.mark.parametrize("url", ["http://10.1.2.3:8080/feed", "http://localhost/feed"])
def test_a_private_source_that_is_allowed_passes(tmp_path: Path, url: str) -> None:
    assert checked(tmp_path, f"[[source]]\nname = 'Odd'\nurl = '{url}'\nallow_private = true\n").code == 0


TABLES = {
    SMTP.format(host="", more=""): "transport.host: is empty or no name",
    SMTP.format(host="mail server", more=""): "transport.host: is empty or no name",
    SMTP.format(host="mail.council.uk", more=""): "site.from: example.org is a name for examples",
    SMTP.format(host="192.0.2.7", more="bounces = 'b@news.invalid'"): "transport.bounces: news.invalid is a name for",
    SMTP.format(host="localhost", more="ca_file = 'no.pem'"): "transport.ca_file: no file",
    "[events]\nmailbox = 'pop3://x'": "events.mailbox: 'pop3://x' is not a mailbox; write",
    "[events]\nmailbox = 'maildir:nowhere'": "is not a Maildir; name the folder that holds",
    "[events]\nmailbox = 'imaps://ann@mail.council.uk'": "events.mailbox: needs a host, a user and a password",
    "[storage]\nurl = 'postgresql://u@127.0.0.1:1/d'": "storage.url: database postgresql+psycopg://…@127.0.0.1:1/d",
    "[storage]\nurl = 'sqlite:////proc/1/digest.db'": "storage.url: /proc/1 cannot be written to",
    "[storage]\nsecret_file = '/proc/1/digest.secret'": "storage.secret_file: /proc/1 cannot be written to",
    "[letter]\ncap = 'ten'": "letter.cap: is no whole number; write it without quotes",
    "[letter]\ncap = 0": "letter.cap: 0 does not fit; write a number that is at least 1",
    "[transport]\nsandbox = 'perhaps'": "transport.sandbox: is neither true nor false; write",
    "[transport]\nsecurity = 'ssl'": "transport.security: 'ssl' is unknown; use",
    "[transport]\nonly = 'a@b'": "transport.only: is no list; write one like",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_a_run_cannot_work_with_is_told(tmp_path: Path, table: str) -> None:
    told = checked(tmp_path, table)
    assert (told.code, TABLES[table] in told.stderr) == (2, True), told.stderr
    assert "Input should" not in told.stderr and "Traceback" not in told.stderr


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_mail_server_for_tests_may_have_example_addresses(tmp_path: Path, host: str) -> None:
    assert checked(tmp_path, SMTP.format(host=host, more="")).code == 0


def test_a_place_of_two_regions_is_told(tmp_path: Path) -> None:
    regions = "[[region]]\nslug = 'hills'\nname = 'Hills'\nplaces = ['Zenda', 'Ruri']\n"
    told = checked(tmp_path, f"{regions}[[region]]\nslug = 'coast'\nname = 'Coast'\nplaces = ['zenda', 'hills']\n")
    assert told.code == 2
    assert "the same place stands as 'Zenda' in 'hills' and 'zenda' in 'coast'; leave it in one" in told.stderr
    assert "'Hills' in 'hills' and 'hills' in 'coast'" in told.stderr and "Ruri" not in told.stderr


def test_receipts_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "receipts").write_text("a file")
    told = checked(tmp_path, "")
    assert (told.code, "receipts: " in told.stderr, "is a file" in told.stderr) == (2, True, True)


def test_a_lost_secret_and_a_lost_database_are_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert console.digest(tmp_path, "check").code == 0
    assert console.digest(tmp_path, "--now", "2026-11-02T09:00:00Z", "run").code == 0
    assert console.digest(tmp_path, "subscribers", "suppress", "gone@news.example").code == 0
    (tmp_path / "digest.secret").rename(tmp_path / "away")
    told = console.digest(tmp_path, "check")
    assert (told.code, "digest.secret: secret file is missing; restore it" in told.stderr) == (2, True)
    house.close()
    for file in tmp_path.glob("digest.db*"):
        file.unlink()
    told = console.digest(tmp_path, "check")
    assert (told.code, "there is no such file" in told.stderr) == (2, True)
    assert not (tmp_path / "digest.db").exists()


@pytest.mark.parametrize(
    ("files", "told"),
    spread(
        2,
        [
            (
                {"email/letter.html.j2": ""},
                "email/letter.html.j2 is used by no letter; name it 'letter.html.j2', in the",
            ),
            ({"leter.html.j2": ""}, "leter.html.j2 is used by no letter; name it 'letter.html.j2'"),
            ({"letter.html": ""}, "letter.html is used by no letter; name it 'letter.html.j2'"),
            ({"banner.j2": ""}, "banner.j2 is used by no letter; known: card.html.j2"),
            (
                {"more.html.j2": '{% include "banner.j2" %}', "banner.j2": "", "README.md": "", "words/cy.toml": ""},
                "",
            ),
        ],
    ),
)
def test_an_own_template_that_no_letter_uses_is_told(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, words in files.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(words)
    answer = checked(tmp_path, "[letter]\ntemplates = 'own'")
    assert told in answer.stderr and ("used by no letter" in answer.stderr) is bool(told)


def test_what_stands_in_the_place_of_a_template_is_told(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", resource("templates") / "email"
    (own / "card.html.j2").mkdir(parents=True)
    (own / "card.txt.j2").symlink_to(tmp_path / "nowhere")
    (tmp_path / "out").write_text("x")
    (own / "kept.css").symlink_to(tmp_path / "out")
    (own / "step.txt.j2").write_text(" \n")
    (own / "correction.html.j2").write_text("<p>{{ part.lead }}</p>")
    (own / "group.txt.j2").write_text((shipped / "group.txt.j2").read_text())
    for name in ("cy.toml", "Words/cy.toml", "word/cy.toml", "words/welsh.toml", "words/en_GB.toml", "words/fr.toml"):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_text("")
    for name in (".card.html.j2.swp", "card.txt.j2~", "#step.txt.j2#", "letter.html.j2.orig", "notes.md"):
        (own / name).write_text("")
    told = "\n".join(check_templates.template_problems(settings_in(tmp_path, own)))
    for expected in (
        "card.html.j2 is a folder", "card.txt.j2 is a link to nothing", "kept.css is a link that leads out",
        "step.txt.j2 is empty", "own/cy.toml is used by no letter", "Words/cy.toml is used by no letter",
        "word/cy.toml is used by no letter", "words/welsh.toml is used by no letter; name it by the short code",
        "words/en_GB.toml is used by no letter; name it by the short code of its language, as words/en.toml",
    ):  # fmt: skip
        assert expected in told
    assert len(told.splitlines()) == 9


CUT = {
    ("letter.html.j2", '<p class="soft foottext sender"'): "letter.html.j2 does not show {{ brand.address }}",
    ("letter.txt.j2", "{{ words.yours_more"): "letter.txt.j2 does not show {{ brand.address }}",
    ("card.html.j2", '<p class="soft meta">{{ part.source'): "card.html.j2 does not show {{ part.source }}",
    ("card.txt.j2", "{% if part.summary"): "card.txt.j2 does not show {{ part.summary }}",
    ("correction.html.j2", " <span"): "correction.html.j2 does not show {{ part.text }}",
    ("correction.txt.j2", "{{ part"): "correction.txt.j2 does not show {{ part.text }}",
    ("more.txt.j2", "{{ reader"): "more.txt.j2 does not show {{ reader.more_url }}",
    ("letter.html.j2", "</head>"): "parts were given, 0 written",
    ("letter.txt.j2", "{% for part in parts"): "parts were given, 0 written",
}


def test_a_shortened_template_is_told_by_check_and_doctor(tmp_path: Path) -> None:
    for number, ((name, end), expected) in enumerate(CUT.items()):
        own = tmp_path / f"own{number}"
        own.mkdir()
        text = (resource("templates") / "email" / name).read_text().partition(end)[0]
        for opened in ("table", "tr", "td", "p"):  # so that only what is said is missing
            text += f"</{opened}>" if name.endswith("html.j2") else ""
        (own / name).write_text(text)
        settings = settings_in(tmp_path, own)
        assert any(expected in line for line in template_faults(settings)), (name, end)
        findings = list(check_templates.template_findings(settings))
        assert {(each.level, each.place) for each in findings} == {("wrong", "letter.templates")}
        assert any(name in each.problem for each in findings) and all(each.cure for each in findings)


def test_a_mistake_in_own_words_of_pages_is_told_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "own" / "web" / "words" / "fr.toml"
    file.parent.mkdir(parents=True)
    file.write_text('language_name = "Français"\nsav = "Enregistrer"\ngone_again = "{nobody}"\n', encoding="utf-8")
    answer = checked(tmp_path, "[letter]\ntemplates = 'own'")
    assert "fr.toml: sav: there is no such word; did you mean 'save'?" in answer.stderr
    assert "fr.toml: gone_again: {nobody} cannot be filled" in answer.stderr


def test_a_text_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    texts = {"colon.md": "title: Leeds: a story", "twice.md": "id: 1\nid: 2", "tab.MD": "title: a\n\tdate: b"}
    (tmp_path / "texts").mkdir()
    for name, matter in {**texts, "good.markdown": "title: No"}.items():
        (tmp_path / "texts" / name).write_text(f"---\n{matter}\n---\nBody.")
    told = checked(tmp_path, "[[source]]\nname = 'Texts'\npath = 'texts'\n")
    assert told.code == 2
    assert [name in told.stderr for name in (*texts, "good")] == [True, True, True, False], told.stderr
