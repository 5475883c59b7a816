"""English and Welsh letters: complete catalogues, forms by count, regions, and the choice of a language."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from digest.config.load import load
from digest.errors import ConfigError
from digest.letter import catalogue
from digest.letter.assemble import assemble, verify
from digest.letter.blocks import Assembled
from digest.letter.compile import Letter, compile_letter
from digest.letter.words import GAP
from digest.model import BARRIERS, NATIONAL, REGIONS, Reason, Site, Taxonomy, Term
from digest.system.resources import resource
from subscribers.model import Interests
from tests.counts import spread, table
from tests.letter import sample
from tests.letter.reading import Page

FOLDER = sample.TEMPLATES / "words"
FILES = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))}
BY_SLUG = ("cadence", "often", "region", "in_region", "from_region")
TAXONOMY = Taxonomy(
    (Term("housing", "Housing", (), (("cy", "Tai"),)), Term("transport", "Transport")),
    (Term("leadership", "Leadership", (), (("cy", "Arweinyddiaeth"),)),),
)
cy, en = sample.WELSH, sample.ENGLISH


def letter_in(language: str, site: Site = sample.SITE, taxonomy: Taxonomy = TAXONOMY) -> Letter:
    return compile_letter(
        sample.EDITION,
        sample.entries(),
        replace(sample.APPEARANCE, site=site, taxonomy=taxonomy, brand=sample.BRAND),
        language=language,
    )


def made_in(language: str, site: Site = sample.SITE) -> Assembled:
    return assemble(letter_in(language, site), sample.digest(), sample.READER)


def test_english_and_welsh_ship() -> None:
    assert set(FILES) == {"en", "cy"}


@pytest.mark.parametrize("language", FILES)
def test_a_catalogue_has_every_word_and_no_other(language: str) -> None:
    assert list(FILES[language]) == list(FILES["en"]), "in the same order, so that they can be read side by side"
    assert catalogue.load_catalogue([sample.TEMPLATES], language).language == language


@pytest.mark.parametrize("language", FILES)
def test_a_catalogue_fills_the_gaps_of_english(language: str) -> None:
    for name, text in FILES["en"].items():
        if isinstance(text, str):
            assert set(GAP.findall(FILES[language][name])) == set(GAP.findall(text)), name


@table("name", BY_SLUG)
def test_welsh_writes_out_each_slug(name: str) -> None:
    """Welsh has a line for each slug, because the words around a region change; "other" is only a last resort."""
    wanted = set(FILES["en"][name]) if name in ("cadence", "often") else set(REGIONS)
    assert wanted <= set(FILES["cy"][name])


def test_every_barrier_has_its_name_in_both_languages() -> None:
    assert all({*BARRIERS, "other"} == set(FILES[language]["barrier"]) for language in FILES)


def test_every_region_has_its_name_in_both_languages() -> None:
    for slug in REGIONS:
        assert en.region(slug) == REGIONS[slug]
        assert cy.region(slug) != REGIONS[slug]


def test_every_facet_of_the_shipped_config_has_a_welsh_name() -> None:
    taxonomy = load(resource("config.toml"), {}).taxonomy
    assert all(cy.translated(taxonomy, term.slug) for term in (*taxonomy.policy_areas, *taxonomy.themes))


@pytest.mark.parametrize(
    ("words", "moment", "seen"),
    [
        (en, date(2026, 11, 20), "20 November 2026"),
        (cy, date(2026, 11, 20), "20 Tachwedd 2026"),
        (cy, date(2027, 1, 1), "1 Ionawr 2027"),
        (cy, date(2027, 7, 31), "31 Gorffennaf 2027"),
    ],
)
def test_a_day_has_the_languages_months(words: object, moment: date, seen: str) -> None:
    assert words.day(moment, "Europe/London") == seen  # type: ignore[attr-defined]


@table(
    "count, english, welsh",
    [
        (0, "0 more policy areas", "0 maes polisi arall"),
        (1, "1 more policy area", "1 maes polisi arall"),
        (2, "2 more policy areas", "2 faes polisi arall"),
        (3, "3 more policy areas", "3 maes polisi arall"),
        (6, "6 more policy areas", "6 maes polisi arall"),
        (22, "22 more policy areas", "22 maes polisi arall"),
    ],
)
def test_counts_take_their_form(count: int, english: str, welsh: str) -> None:
    assert (en.count("more_areas", count), cy.count("more_areas", count)) == (english, welsh)


@table(
    "reason, seen",
    [
        (Reason("area", "housing", "wales"), "Rydych yn dilyn Tai; mae hyn yn dod o Gymru."),
        (Reason("area", "transport"), "Rydych yn dilyn Transport; mae hyn yn mynd i bob rhanbarth."),
        (Reason("area", "", "london"), "Rydych yn dilyn pob maes polisi; mae hyn yn dod o Lundain."),
        (
            Reason("elsewhere-theme", "leadership", "north-west"),
            "Rydych yn dilyn Arweinyddiaeth; gwnaed hyn yng Ngogledd-orllewin Lloegr.",
        ),
        (Reason("elsewhere-area", "housing"), "Rydych yn dilyn Tai; gwnaed hyn yn genedlaethol."),
        (Reason("elsewhere-area", "housing", "unknown"), "Rydych yn dilyn Tai."),
        (
            Reason("elsewhere-barrier", "trust", "scotland"),
            "Yr Alban: roedd diffyg ymddiriedaeth yn y ffordd, fel yn yr hyn rydych yn ei ddilyn.",
        ),
        (
            Reason("elsewhere-barrier", "law", "unknown", "housing"),
            "Roedd y gyfraith yn y ffordd, fel ym maes Tai.",
        ),
    ],
)
def test_the_reason_in_welsh(reason: Reason, seen: str) -> None:
    assert cy.reason(reason, TAXONOMY) == seen


def test_sentences_in_welsh() -> None:
    assert cy.intro("Ceri", (9, 3)) == "Ceri, dyma 12 eitem i chi: 9 yn eich meysydd a 3 o fannau eraill."
    assert cy.intro("", (1, 0)) == "Dyma un eitem i chi, yn eich meysydd."
    assert cy.place("", ("wales", "scotland", "london")) == "Cymru, Yr Alban, Llundain"
    assert cy.place("Wales", ("wales",)) == "Cymru"
    assert cy.place("", ("wales", "scotland", "london", "north-east", NATIONAL)) == "Cymru a 4 rhanbarth arall"
    follows = Interests(
        frozenset({"housing", "transport"}), frozenset({"wales", "south-west"}), frozenset({"leadership"})
    )
    assert cy.interests(follows, TAXONOMY) == (
        "Tai, Transport, yn y rhanbarthau hyn: De-orllewin Lloegr, Cymru, a'r thema Arweinyddiaeth"
    )
    assert cy.why_letter("weekly", "Tai") == (
        "Gwnaethoch ofyn am y llythyr hwn ac rydych yn dilyn Tai. "
        "Daw unwaith yr wythnos ar y mwyaf, a dim ond pan fydd rhywbeth i chi."
    )


def test_a_welsh_letter_is_welsh_but_for_its_entries() -> None:
    made = made_in("cy")
    page, text = Page(made.html_text()), made.plain_text()
    assert dict(page.tags)["html"]["lang"] == "cy"
    for phrase in ("Crynodeb wythnosol, 20 Tachwedd 2026", "Astudiaeth achos", "Yn eich meysydd", "Dad-danysgrifio"):
        assert phrase in page.text
        assert phrase.lower() in text.lower()
    assert "18 Tachwedd 2026" in page.text
    assert "Kentbourne, De-ddwyrain Lloegr" in page.text
    english = [phrase for phrase in en.fixed.values() if len(phrase) > 6 and phrase in page.text]
    assert english == []


def test_words_in_another_language_than_the_letters_say_so() -> None:
    tags = Page(made_in("cy").html_text()).tags
    spoken = [(tag, attrs.get("lang")) for tag, attrs in tags if "lang" in attrs and tag not in ("html", "div")]
    titles = [tag for tag, _ in spoken if tag in ("h3", "h4")]
    assert len(titles) >= 12, "each title is the source's, in the language of the site"
    assert {lang for _, lang in spoken} == {"en"}
    groups = [attrs for tag, attrs in tags if tag == "h3" and "area" in (attrs.get("class") or "")]
    assert [attrs.get("lang") for attrs in groups] == ["en", None, "en", "en"], "only Housing has a Welsh name"
    assert not [attrs for tag, attrs in Page(made_in("en").html_text()).tags if "lang" in attrs and tag != "html"][1:]


@pytest.mark.parametrize(
    ("asked", "site", "got"),
    spread(
        4,
        [
            ("", "en", "en"),
            ("cy", "en", "cy"),
            ("cy-GB", "en", "cy"),
            ("CY_gb", "en", "cy"),
            ("pl", "en", "en"),
            ("pl", "cy", "cy"),
            ("pl", "de", "en"),
            ("", "de", "en"),
            ("en", "en-GB", "en-GB"),
            ("../en", "en", "en"),
        ],
    ),
)
def test_a_letter_is_in_the_readers_language_else_the_sites_else_english(asked: str, site: str, got: str) -> None:
    made = made_in(asked, replace(sample.SITE, language=site))
    assert dict(Page(made.html_text()).tags)["html"]["lang"] == got


def test_a_language_of_the_organisations_own(tmp_path: Path) -> None:
    own = tmp_path / "words"
    own.mkdir()
    text = (FOLDER / "en.toml").read_text(encoding="utf-8").replace('yours = "', 'yours = "AR ')
    (own / "ar.toml").write_text(text, encoding="utf-8")
    (own / "cy.toml").write_text('change = "Newid"\n[more]\nother = "{count} arall"\n', encoding="utf-8")
    folders = (tmp_path, sample.TEMPLATES)
    assert catalogue.languages(folders) == {"ar", "cy", "en"}
    arabic = compile_letter(
        sample.EDITION, sample.entries(), replace(sample.APPEARANCE, taxonomy=TAXONOMY, templates=folders), "ar"
    )
    verify(arabic, sample.digest(), sample.READER)
    page = Page(assemble(arabic, sample.digest(), sample.READER).html_text())
    assert (dict(page.tags)["html"]["lang"], dict(page.tags)["html"]["dir"]) == ("ar", "rtl")
    assert "AR Your letters" in page.text
    headline = next(attrs for tag, attrs in page.tags if tag == "h1")
    assert "text-align:right" in (headline["style"] or "")
    title = next(attrs for tag, attrs in page.tags if tag == "h4")
    assert (title["lang"], title["dir"]) == ("en", "ltr")
    assert "text-align:left" in (title["style"] or "")
    welsh = catalogue.load_catalogue(folders, "cy")
    assert (welsh.sentences["change"], welsh.more(3), welsh.sentences["pause"]) == (
        "Newid",
        "3 arall",
        cy.sentences["pause"],
    )


WRONG = [
    ("pl", 'change = "Zmień"', ["words/pl.toml: unsubscribe is missing", "en.toml"]),
    ("cy", 'chnage = "Newid"', ["cy.toml: chnage", "did you mean 'change'?"]),
    ("cy", 'here_named = "{nam}, dyma"', ["cy.toml: here_named: {nam} cannot be filled; use {name}"]),
    ("cy", 'change = "{name}"', ["cy.toml: change: {name} cannot be filled; nothing is filled in here"]),
    ("cy", "change = 3", ["cy.toml: change: is not of the same kind"]),
    ("cy", 'months = ["Ionawr"]', ["cy.toml: months"]),
    ("cy", '[more]\nother = "{secret}"', ["cy.toml: more.other: {secret} cannot be filled; use {count}"]),
    ("cy", "[plurals]\nsome = [2]", ["cy.toml: plurals.some"]),
    ("cy", 'change = "a', ["cy.toml: not valid TOML"]),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "told"), WRONG)
def test_a_mistaken_catalogue_names_the_file_and_the_word(
    tmp_path: Path, language: str, text: str, told: list[str]
) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / f"{language}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        catalogue.load_catalogue([tmp_path, sample.TEMPLATES], language)
    for word in told:
        assert any(word in line for line in caught.value.problems), caught.value.problems


def test_a_mistake_in_the_brands_words_names_its_key() -> None:
    with pytest.raises(ConfigError, match=r"brand\.words\.en: aeras: there is no such word; did you mean 'areas'\?"):
        catalogue.load_catalogue([sample.TEMPLATES], "en", {"aeras": "x"})


def test_gaps_in_a_value_are_not_filled() -> None:
    assert en.intro("{total} {near}", (1, 1)).startswith("{total} {near}, here are 2 entries")
