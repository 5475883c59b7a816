"""config.toml: each mistake is one line that names the key and the cure, and all come at once."""

from __future__ import annotations

import errno
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from digest.config.load import load
from digest.errors import ConfigError, DigestError, TryLater
from digest.model import Backfill, NamedAddress
from digest.system.resources import resource
from tests.counts import table

GOOD = """
[site]
name = "Digest"
base_url = "https://digest.example.org/"
from = "Digest <digest@example.org>"

[[source]]
name = "Here"
path = "feed.xml"

[cadence.weekly]
at = "fri 08:00"

[[policy_area]]
slug = "housing"
name = "Housing"
words = { 3 = ["council homes"], 1 = ["tenant"] }

[[policy_area]]
slug = "transport"
name = "Transport"
words = ["bus", "cycling"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), environ or {})
    return caught.value.problems


def test_a_good_file_becomes_settings(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD), {})
    assert settings.site.base_url == "https://digest.example.org"
    assert settings.storage_url == f"sqlite:///{tmp_path / 'digest.db'}"
    assert settings.sources[0].path == str(tmp_path / "feed.xml")
    assert settings.cadences[0].name == "weekly"
    assert dict(settings.taxonomy.policy_areas[0].words) == {"council homes": 3, "tenant": 1}
    assert dict(settings.taxonomy.policy_areas[1].words) == {"bus": 3, "cycling": 3}  # a plain list
    assert (settings.letter_cap, settings.elsewhere_cap, settings.carry_over) == (12, 3, 3)


@table(
    "table, near",
    [
        ("[storage]\nurrl = 1", "storage.urrl: unknown key; did you mean 'url'?"),
        ("[transport]\nhots = 1", "transport.hots: unknown key; did you mean 'host'?"),
        ("[brand]\ntaglin = 1", "brand.taglin: unknown key; did you mean 'tagline'?"),
        ("[brand.light]\naccnt = 1", "brand.light.accnt: unknown key; did you mean 'accent'?"),
        ("[brand.logo]\nwidht = 1", "brand.logo.widht: unknown key; did you mean 'width'?"),
        ("[dkim]\nselektor = 1", "dkim.selektor: unknown key; did you mean 'selector'?"),
        ("[cadence.weekly]\napprovel = 1", "cadence.weekly.approvel: unknown key; did you mean 'approval'?"),
        ("[[source]]\nnaem = 1", "source.0.naem: unknown key; did you mean 'name'?"),
        ("[[theme]]\nslugg = 1", "theme.0.slugg: unknown key; did you mean 'slug'?"),
        ("[lint]\nzzz = 1", "lint.zzz: unknown key; known here: clients"),
    ],
)
def test_an_unknown_key_is_answered_from_its_own_table(tmp_path: Path, table: str, near: str) -> None:
    lines = problems(tmp_path, f'[site]\nname = "D"\n{table}')
    assert any(near in line for line in lines), lines


def test_the_shipped_file_is_good() -> None:
    settings = load(resource("config.toml"), {})
    assert len(settings.taxonomy.policy_areas) == 21
    assert len(settings.taxonomy.themes) == 8
    assert len(settings.sources) >= 4
    assert all(Path(source.path or "").exists() for source in settings.sources)


@table(
    "old, new, place, cure",
    [
        ('name = "Digest"', "nam = 1", "site.nam: unknown key", "did you mean 'name'?"),
        ('name = "Digest"', "", "site.name: is missing", "add it"),
        ("[cadence.weekly]", "[cadense.weekly]", "cadense: unknown key", "did you mean 'cadence'?"),
        ("[cadence.weekly]", "[cadence.yearly]", "cadence.yearly", "daily, weekly, monthly"),
        ('at = "fri 08:00"', 'at = "fri 25:00"', "cadence.weekly.at", "write it like"),
        ('at = "fri 08:00"', 'at = "fri 08:00"\napproval = "maybe"', "cadence.weekly.approval", "required"),
        ('base_url = "https://digest.example.org/"', 'base_url = "digest"', "site.base_url", "write https://"),
        ('from = "Digest <digest@example.org>"', 'from = "digest"', "site.from", "write"),
        ('path = "feed.xml"', "", "source.0 (Here).url", "either url or path"),
        ('path = "feed.xml"', 'path = "a"\nurl = "https://a.example"', "source.0 (Here).url", "only one"),
        ('path = "feed.xml"', 'url = "file:///etc/passwd"', "source.0 (Here).url", "in path"),
        ('path = "feed.xml"', 'path = "a"\nkind = "news"', "source.0 (Here).kind", "case-study"),
        ('path = "feed.xml"', 'path = "a"\npolicy_areas = ["housng"]', "policy area 'housng'", "'housing'?"),
        ('path = "feed.xml"', 'path = "a"\nregions = ["cornwall"]', "regions: region 'cornwall'", "known:"),
        ('path = "feed.xml"', 'path = "a"\nbackfill = "a while"', "source.0.backfill", "60 days"),
        ('path = "feed.xml"', 'path = "a"\nbackfill = -1', "source.0.backfill", "a count like 20"),
        ('path = "feed.xml"', 'path = "a"\nfull_text = "some"', "source.0.full_text", 'use "none", "case-'),
        ('slug = "transport"', 'slug = "housing"', "policy_area.1.slug", "defined twice"),
        ('slug = "transport"', 'slug = "Public Transport"', "policy_area.1.slug", 'like "public-health"'),
        ('words = ["bus", "cycling"]', "words = { 9 = ['bus'] }", "policy_area.1.words", "0 to 5"),
        ('words = ["bus", "cycling"]', "words = { 2 = 'bus' }", "policy_area.1.words", "list of phrases"),
        ("[[source]]", "[transport]\nkind = 'pigeon'\n[[source]]", "transport.kind: 'pigeon'", '"smtp"'),
        ("[[source]]", "[gather]\nevery = 'often'\n[[source]]", "gather.every", "30 minutes"),
        ('from = "Digest <digest@example.org>"', 'from = "Digest <digest@exa mple.org>"', "site.from", "write"),
        ('from = "Digest <digest@example.org>"', 'from = "jürgen@example.org"', "site.from", "letters before the @"),
        ('from = "Digest <digest@example.org>"', r'from = "A\nBcc: b <a@example.org>"', "site.from", "line break"),
        ('from = "Digest', 'reply_to = "a@b@example.org"\nfrom = "Digest', "site.reply_to", "before the @"),
        ("https://digest.example.org/", "https://u:secret@digest.example.org", "site.base_url", "leave it out"),
        ("https://digest.example.org/", "https://digest.example.org/?a=b", "site.base_url", "query or fragment"),
        ("https://digest.example.org/", "https://digest.example.org/#", "site.base_url", "query or fragment"),
        ("https://digest.example.org/", "https://digest .example.org", "site.base_url", "write https://"),
        ("https://digest.example.org/", "https://[::1", "site.base_url", "write https://"),
        ("https://digest.example.org/", "https://digest.example.org:port", "site.base_url", "write https://"),
        ("https://digest.example.org/", "https://-digest-.example.org", "site.base_url", "is not a domain"),
        ("https://digest.example.org/", "https://digest.example.org/" + "a" * 300, "site.base_url", "at most 300"),
        ("https://digest.example.org/", "mailto:digest@example.org", "site.base_url", "write https://"),
        ("https://digest.example.org/", "https://dö..example", "site.base_url", "is not a domain"),
        ("https://digest.example.org/", "https://a.example/b/../c", "site.base_url", "without // and dots"),
        ("https://digest.example.org/", "https://a.example//c", "site.base_url", "without // and dots"),
        ('name = "Digest"', 'name = "Digest"\nlanguage = "english"', "site.language: 'english'", '"en-GB"'),
        ('name = "Digest"', 'name = "Digest"\nlanguage = "en_GB"', "site.language: 'en_GB'", '"en-GB"'),
        ('name = "Digest"', 'name = "Digest"\nlanguage = ""', "site.language: ''", '"en-GB"'),
        ('path = "feed.xml"', 'path = "a"\nbackfill = "99999999999 days"', "source.0.backfill", "60 days"),
        ('path = "feed.xml"', 'path = "a"\nbackfill = "99999999 weeks"', "source.0.backfill", "a hundred years"),
        ('path = "feed.xml"', 'url = "https://[a"', "source.0 (Here).url", "not a web address"),
        ("[[source]]", "[letter]\nwelcome = '36526 days'\n[[source]]", "letter.welcome", "a hundred years"),
        ("[[source]]", "[gather]\nevery = '99999999 weeks'\n[[source]]", "gather.every", "a hundred years"),
        ("[[source]]", "[brand.logo]\nurl='https://[a'\nwidth=99\nheight=99\n[[source]]", "brand.logo.url", "https"),
        ("[[source]]", "[letter]\ncap = 0\n[[source]]", "letter.cap", "at least 1"),
    ],
)  # fmt: skip
def test_each_mistake_names_its_place_and_cure(tmp_path: Path, old: str, new: str, place: str, cure: str) -> None:
    assert old in GOOD
    lines = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(place in line and cure in line for line in lines), lines


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('at = "fri 08:00"', 'at = "never"').replace('"https://digest.example.org/"', '"no"')
    text += '\n[[source]]\nname = "Here"\npath = "x"\nkind = "y"\n'
    assert len(problems(tmp_path, text)) == 4


def test_not_toml_not_there_not_a_file(tmp_path: Path) -> None:
    for text in ("[site", "a = " + "9" * 5000, "a = " + "[" * 5000):
        assert "not valid TOML" in problems(tmp_path, text)[0]
    with pytest.raises(ConfigError, match="digest init"):
        load(tmp_path / "other.toml", {})
    with pytest.raises(ConfigError, match="folder"):
        load(tmp_path, {})


def test_the_environment_overrides_any_key(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    environ = {
        "DIGEST_SITE__NAME": "Other",
        "DIGEST_CADENCE__WEEKLY__AT": "mon 09:00",
        "DIGEST_LETTER__CAP": "5",
        "DIGEST_LETTER__WELCOME": "14 days",
        "DIGEST_CONFIG": "not a key",
        "UNRELATED__KEY": "x",
    }
    settings = load(path, environ)
    assert settings.site.name == "Other"
    assert settings.cadences[0].at.hour == 9
    assert settings.letter_cap == 5
    assert settings.welcome == timedelta(days=14)


def test_a_wrong_override_is_named_like_a_wrong_key(tmp_path: Path) -> None:
    assert any("site.nmae" in line for line in problems(tmp_path, GOOD, {"DIGEST_SITE__NMAE": "x"}))
    assert any("DIGEST_SOURCE__0__NAME" in line for line in problems(tmp_path, GOOD, {"DIGEST_SOURCE__0__NAME": "x"}))


@table(
    "key, value",
    [
        *(("language", tag) for tag in ("en", "cy", "en-GB", "zh-Hant-TW", "sr-Latn", "es-419", "de-1996", "gsw")),
        ("from", "digest@example.org"),
        ("from", '"Digest, daily" <digest@example.org>'),
        ("from", "Dïgest <digest@bücher.example>"),
        ("reply_to", "Editors <editors@example.org>"),
        ("base_url", "https://localhost:8080/digest"),
        ("base_url", "http://[::1]:8080"),
        ("base_url", "http://192.0.2.1"),
    ],
)
def test_what_may_stand_in_site(tmp_path: Path, key: str, value: str) -> None:
    site = load(write(tmp_path, GOOD), {f"DIGEST_SITE__{key.upper()}": value}).site
    assert value.partition(" ")[0].strip('"<>') in repr(site)


MAILED = {"DIGEST_TRANSPORT__KIND": "smtp"}


@table(
    "key, value, told",
    [
        ("SITE__FROM", "news@leeds <digest@news.example.org>", "site.from: .*@ in its name"),
        ("SITE__FROM", "a@x.example, B <b@y.example>", "site.from: .*@ in its name"),
        ("SITE__FROM", "A <a@x.example>, B <b@y.example>", "site.from: .*before the @"),
        ("SITE__FROM", "a@x.example, b@y.example", "site.from: .*before the @"),
        ("SITE__FROM", "Digest <digest@localhost>", "site.from: 'localhost' is not a full domain name"),
        ("SITE__FROM", "news@leeds", "site.from: 'leeds' is not a full domain name"),
        ("SITE__FROM", "digest@192.0.2.1", "site.from: '192.0.2.1' is not a full domain name"),
        ("SITE__REPLY_TO", "editors@intranet", "site.reply_to: 'intranet' is not a full domain name"),
        ("SITE__REPLY_TO", "me@work <editors@example.org>", "site.reply_to: .*@ in its name"),
        ("TRANSPORT__BOUNCES", "bounce@mail", "transport.bounces: 'mail' is not a full domain name"),
        ("TRANSPORT__BOUNCES", "bounce", "transport.bounces: 'bounce' has no @; write it like"),
        ("TRANSPORT__BOUNCES", "", "transport.bounces: '' has no @; write it like"),
        ("TRANSPORT__BOUNCES", "b" * 40 + "@example.org", "transport.bounces: has more than 32 characters"),
        ("TRANSPORT__EHLO", "digesthost", "transport.ehlo: 'digesthost' is not a full domain name"),
        ("TRANSPORT__EHLO", "mail example.org", "transport.ehlo: .* is not a full domain name"),
        ("TRANSPORT__EHLO", "192.0.2.1", "transport.ehlo: .* is not a full domain name"),
        ("TRANSPORT__EHLO", "", "transport.ehlo: '' is not a full domain name"),
    ],
)
def test_a_sender_that_mail_servers_would_refuse_is_a_mistake(
    tmp_path: Path, key: str, value: str, told: str
) -> None:
    lines = problems(tmp_path, GOOD, MAILED | {f"DIGEST_{key}": value})
    assert len(lines) == 1 and re.search(told, lines[0]), lines
    assert "write" in lines[0] or "and a delivery" in lines[0]


@pytest.mark.parametrize("value", ["Digest <digest@localhost>", "news@leeds"])
def test_letters_that_go_to_files_may_be_from_any_domain(tmp_path: Path, value: str) -> None:
    assert load(write(tmp_path, GOOD), {"DIGEST_SITE__FROM": value}).site.sender.domain in ("localhost", "leeds")


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        ("digest@example.org", NamedAddress("digest@example.org")),
        ("<digest@example.org>", NamedAddress("digest@example.org")),
        (
            "Leeds, Bradford & Co <digest@news.example.org>",
            NamedAddress("digest@news.example.org", "Leeds, Bradford & Co"),
        ),
        ('"Leeds, Bradford" <digest@example.org>', NamedAddress("digest@example.org", "Leeds, Bradford")),
        (r'"The \"Digest\"" <digest@example.org>', NamedAddress("digest@example.org", 'The "Digest"')),
        ('"news@leeds" <digest@example.org>', NamedAddress("digest@example.org", "news@leeds")),
        ("Digest (daily); new <digest@example.org>", NamedAddress("digest@example.org", "Digest (daily); new")),
        ("Cyngor  Môn <digest@Bücher.example>", NamedAddress("digest@xn--bcher-kva.example", "Cyngor Môn")),
    ],
)
def test_a_sender_is_read_once(tmp_path: Path, value: str, sender: NamedAddress) -> None:
    settings = load(write(tmp_path, GOOD), MAILED | {"DIGEST_SITE__FROM": value})
    assert settings.site.sender == settings.transport.sender == sender


def test_sendgrid_takes_no_sender_beyond_ascii(tmp_path: Path) -> None:
    environ = {"DIGEST_TRANSPORT__KIND": "sendgrid", "SENDGRID_API_KEY": "SG.x.y"}
    lines = problems(tmp_path, GOOD, environ | {"DIGEST_SITE__FROM": "Cyngor Môn <digest@example.org>"})
    assert lines == [
        "config.toml: site.from: SendGrid takes no letters beyond ASCII in the sender's name; write it without"
    ]


@pytest.mark.parametrize(
    ("text", "backfill"),
    [
        ("20", Backfill(20)),
        ('"60 days"', Backfill(span=timedelta(days=60))),
        ('"2 weeks"', Backfill(span=timedelta(14))),
    ],
)
def test_backfill_is_a_count_or_a_span(tmp_path: Path, text: str, backfill: Backfill) -> None:
    path = write(tmp_path, GOOD.replace('path = "feed.xml"', f'path = "feed.xml"\nbackfill = {text}'))
    assert load(path, {}).sources[0].backfill == backfill


@table(
    "keys, full_text",
    [
        ('url = "https://a.example/feed"', "case-studies"),
        ('path = "feed.xml"', "none"),
        ('url = "https://a.example/feed"\nfull_text = "none"', "none"),
        ('path = "feed.xml"\nfull_text = "all"', "all"),
    ],
)
def test_pages_are_read_of_case_studies_on_the_web_unless_said_otherwise(
    tmp_path: Path, keys: str, full_text: str
) -> None:
    path = write(tmp_path, GOOD.replace('path = "feed.xml"', keys))
    assert load(path, {}).sources[0].full_text == full_text


@pytest.mark.parametrize(
    ("kind", "ahead", "problem"),
    [
        ("sendgrid", "24 minutes", 'cadence.weekly.ahead: write a span from "25 minutes" to "12 hours"'),
        ("sendgrid", "13 hours", 'cadence.weekly.ahead: write a span from "25 minutes" to "12 hours"'),
        ("sendgrid", "soon", "cadence.weekly.ahead: write a span"),
        ("file", "1 hour", "cadence.weekly.ahead: only SendGrid keeps letters until their hour"),
        ("smtp", "1 hour", "cadence.weekly.ahead: only SendGrid keeps letters until their hour"),
    ],
)
def test_how_far_ahead_of_its_hour_an_edition_may_be_handed_over(
    tmp_path: Path, kind: str, ahead: str, problem: str
) -> None:
    environ = {"DIGEST_CADENCE__WEEKLY__AHEAD": ahead, "DIGEST_TRANSPORT__KIND": kind, "SENDGRID_API_KEY": "SG.x.y"}
    lines = problems(tmp_path, GOOD, environ)
    assert any(problem in line for line in lines), lines


@pytest.mark.parametrize(("ahead", "minutes"), [("25 minutes", 25), ("12 hours", 720)])
def test_ahead_is_a_span(tmp_path: Path, ahead: str, minutes: int) -> None:
    environ = {
        "DIGEST_CADENCE__WEEKLY__AHEAD": ahead,
        "DIGEST_TRANSPORT__KIND": "sendgrid",
        "SENDGRID_API_KEY": "SG.x.y",
    }
    assert load(write(tmp_path, GOOD), environ).cadence("weekly").ahead == timedelta(minutes=minutes)


@pytest.mark.parametrize(("number", "kind"), [(errno.EMFILE, TryLater), (errno.EACCES, ConfigError)])
def test_a_file_that_cannot_be_read_now_is_not_called_mistaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[DigestError]
) -> None:
    path = write(tmp_path, GOOD)

    def failing(*_: object, **__: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_text", failing)
    with pytest.raises(kind, match=rf"config\.toml: {os.strerror(number)}"):
        load(path)
