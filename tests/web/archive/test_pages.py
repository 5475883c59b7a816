"""The pages of the archive: all that was sent, in order, with the ways on; hostile texts do nothing."""

from __future__ import annotations

import re

import pytest

from digest.store.engine import writing
from digest.store.reader_tables import answer
from digest.store.schema import edition_entry
from digest.web.archive.addresses import ARCHIVE
from tests.counts import table
from tests.house import START
from tests.web.archive.library import BASE, Library, shown, structured

WEEKLY = "/archive/weekly/2026-11-06"
HOMES = "Tŷ Gwynedd: empty homes"


def order_of(text: str, *words: str) -> list[str]:
    """Return some words in the order in which they stand in a text."""
    return sorted((word for word in words if word in text), key=text.index)


def test_the_archive_lists_the_editions_by_month_newest_first(either: Library) -> None:
    page = either.get(ARCHIVE)
    assert page.status_code == 200
    text = shown(page)
    days = (" November 2026 13", "13 November 2026", " 6 November 2026", " 3 November 2026")
    assert order_of(text, *days) == list(days)
    assert "Weekly digest · 5 entries" in text and "Policy areas Housing : 4 entries" in text
    assert "Money : 1 entry" in text


def test_an_edition_shows_its_entries_in_its_order_with_a_link_to_each(either: Library) -> None:
    page = either.get(WEEKLY)
    text = shown(page)
    first, second = (f"/archive/entries/{either.id_of(title)}" for title in (HOMES, "Homes again"))
    assert "Weekly digest, 6 November 2026" in text and "There was no money for it." in text
    assert f'href="{first}"' in page.text and f'href="{second}"' in page.text
    assert f'<a href="{BASE}{WEEKLY}">' in page.text  # to be passed on
    assert "13 November 2026 →" in text


def test_an_entry_shows_what_the_letter_shows_and_where_it_went(either: Library) -> None:
    page = either.get(f"/archive/entries/{either.id_of(HOMES)}")
    text = shown(page)
    for told in (
        HOMES, "Notes, 2 November 2026", "In the way There was no money for it. (Ann Lee)",
        "They asked every landlord.", "Read it at Notes", "Policy areas Housing", "Regions Wales",
        "What was in the way Money",
        "Weekly digest, 6 November 2026 Daily digest, 3 November 2026",
    ):  # fmt: skip
        assert told in text
    assert 'href="https://example.org/homes"' in page.text and 'href="/archive/policy-areas/housing"' in page.text


@table(
    "path, there, not_there",
    [
        ("/archive/policy-areas/housing", ["Homes again", "A café for carers"], ["Buses in the dale"]),
        ("/archive/regions/scotland", ["Buses in the dale"], ["Homes again"]),
        ("/archive/themes/leadership", ["Homes again"], [HOMES]),
        ("/archive/case-studies", [HOMES, "A wrong report"], ["Homes again"]),
        ("/archive/case-studies?barrier=money", [HOMES], ["A wrong report"]),
        ("/archive/case-studies?barrier=trust", ["No such case study has been sent yet."], [HOMES]),
        ("/archive/regions/london?language=cy", ["Yr hyn a anfonwyd am Llundain"], ["What was sent"]),
        ("/archive/regions/north-east", ["Nothing about this region has been sent yet."], []),
    ],
)
def test_a_list_has_what_it_is_about(either: Library, path: str, there: list[str], not_there: list[str]) -> None:
    page = either.get(path)
    assert page.status_code == 200
    text = shown(page)
    assert [title for title in there if title not in text] == []
    assert [title for title in not_there if title in text] == []


@table(
    "path",
    [
        "/archive/policy-areas/nothing", "/archive/regions/housing", "/archive/themes/", "/archive/weekly/2026-11-07",
        "/archive/weekly/x", "/archive/never/2026-11-06", "/archive/entries/0", "/archive/entries/999",
        "/archive/entries/x", "/archive/entries/-1", "/archive/entries/" + "9" * 40, "/archive/entries/٣",
        "/archive?page=0", "/archive?page=2", "/archive?page=x", "/archive?page=" + "9" * 30, "/archive?page=-1",
        "/archive/case-studies?barrier=x", "/archive/case-studies/feed.rss", "/search?q=homes&page=2",
        "/archive/entries/%00", "/archive/policy-areas/%00/feed.atom", "/archive/weekly/%00/feed.json",
        "/archive/policy-areas/nothing/feed.atom", "/archive/weekly/2026-11-07/feed.json", "/sitemap/1x.xml",
    ],
)  # fmt: skip
def test_an_unknown_address_is_no_page(either: Library, path: str) -> None:
    page = either.get(path)
    assert (page.status_code, page.headers["x-robots-tag"], page.headers["cache-control"]) == (
        404, "noindex", "no-store",
    )  # fmt: skip
    assert "There is no page here" in page.text


def test_what_strangers_wrote_does_nothing(either: Library) -> None:
    number = either.id_of("7 * 7")
    for path in (f"/archive/entries/{number}", WEEKLY, "/archive/regions/london", "/search?q=7+subject"):
        page = either.get(path)
        plain = re.sub(r"</?mark>", "", page.text)
        assert "{{ 7 * 7 }}" in plain and "%%subject%%" in plain
        assert "<script>" not in page.text and "alert(1)" not in page.text and "\u202e" not in page.text
        assert len(re.findall("<script", page.text)) == (0 if "search" in path else 1)


def test_a_page_is_described_to_search_engines(either: Library) -> None:
    report, trail = structured(either.get(WEEKLY))
    assert (report["@type"], report["url"], len(report["hasPart"])) == ("Report", BASE + WEEKLY, 5)
    assert [step["item"] for step in trail["itemListElement"]] == [f"{BASE}/archive", BASE + WEEKLY]
    entry = either.id_of(HOMES)
    article, _ = structured(either.get(f"/archive/entries/{entry}"))
    assert (article["@type"], article["headline"], article["isBasedOn"]) == (
        "Article", HOMES, "https://example.org/homes",
    )  # fmt: skip
    page, _ = structured(either.get("/archive"))
    assert page["mainEntity"]["itemListElement"][0]["url"] == f"{BASE}/archive/weekly/2026-11-13"


def test_a_page_may_be_kept_and_is_not_sent_again(shelf: Library) -> None:
    page = shelf.get(ARCHIVE)
    assert page.headers["cache-control"] == "public, max-age=300"
    assert page.headers["x-robots-tag"] == "all" and "Accept-Language" in page.headers["vary"]
    again = shelf.get(ARCHIVE, if_none_match=f'"x", W/{page.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    # Because a cache takes the headers of such an answer for its copy.
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert shelf.get(ARCHIVE, if_none_match='"x"').status_code == 200


def test_head_tells_what_get_does(shelf: Library) -> None:
    for path in (ARCHIVE, WEEKLY, "/search?q=homes", "/archive/feed.atom", "/sitemap.xml", "/robots.txt"):
        head, page = shelf.client().head(path), shelf.get(path)
        assert (head.status_code, head.content, head.headers["content-type"]) == (
            200, b"", page.headers["content-type"],
        )  # fmt: skip
        assert head.headers.get("etag") == page.headers.get("etag")
        assert shelf.client().post(path).status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example/archive", "localhost:1"])
def test_no_address_is_of_the_host_that_a_client_names(shelf: Library, host: str) -> None:
    for path in (ARCHIVE, WEEKLY, "/archive/feed.atom", "/archive/feed.json", "/sitemap.xml", "/robots.txt"):
        page = shelf.get(path, host=host, x_forwarded_host=host)
        assert page.status_code == 200 and host not in page.text


def test_a_page_is_in_the_language_that_was_chosen_and_so_are_its_links(shelf: Library) -> None:
    chosen = shelf.get("/archive?language=cy")
    assert '<html lang="cy"' in chosen.text and "/archive/weekly/2026-11-06?language=cy" in chosen.text
    asked = shelf.get("/archive", accept_language="cy, en;q=0.5")
    assert '<html lang="cy"' in asked.text and 'href="/archive/weekly/2026-11-06"' in asked.text
    assert 'hreflang="cy" href="https://digest.example.org/archive?language=cy"' in asked.text
    assert '<span lang="en">' not in chosen.text


def test_below_a_case_study_stands_what_named_places_tried(library: Library) -> None:
    number = library.id_of(HOMES)
    answers = [
        (library.ann, "tried", "Fife", "We used <b>one</b> list.", True, "accepted"),
        (library.ann, "useful", "Stirling", "It was useful.", True, "accepted"),
        (library.ann + 1, "tried", "Secret", "Not to be named.", False, "accepted"),
        (library.ann + 1, "useful", "Leeds", "Not looked at.", True, "waiting"),
    ]
    with writing(library.engine) as conn:
        for reader, kind, place, words, named, state in answers:
            told = {"subscriber_id": reader, "entry_id": number, "kind": kind, "text": words, "place": place}
            decided = {"named": named, "state": state, "answered_at": START, "decided_at": START}
            conn.execute(answer.insert().values(told | decided))
    text = shown(library.get(f"/archive/entries/{number}"))
    assert "Fife tried this: We used <b>one</b> list." in text
    assert not [place for place in ("Secret", "Leeds", "Stirling") if place in text]


def test_an_entry_leads_to_the_earlier_one_while_that_may_be_seen(library: Library) -> None:
    number, before = library.id_of("Buses in the dale"), library.id_of("Homes again")
    with writing(library.engine) as conn:
        rows = conn.execute(edition_entry.select().where(edition_entry.c.entry_id == number)).all()
        for row in rows:
            content = row.content | {"earlier": {"name": "Homes again", "url": "https://example.org/again"}}
            this = (edition_entry.c.edition_id == row.edition_id, edition_entry.c.entry_id == number)
            conn.execute(edition_entry.update().where(*this).values(content=content))
    page = library.get(f"/archive/entries/{number}")
    assert f'Earlier: <a href="/archive/entries/{before}">Homes again</a>' in page.text
    library.drop("Homes again")
    assert "Earlier:" not in library.get(f"/archive/entries/{number}").text
