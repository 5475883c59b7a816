"""Only what was sent and is public is shown: not what is held, withdrawn, stopped, a draft, or excluded by config."""

from __future__ import annotations

from digest.desk.edit import release
from digest.editions.approve import approve
from digest.operations.stop import stop_claims
from digest.store import deliveries
from digest.store.editions import find
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from tests.house import ANN
from tests.web.archive.library import NOT_FOR_US, Library, shown

EVERY = (
    "/archive", "/archive/weekly/2026-11-06", "/archive/daily/2026-11-03", "/archive/policy-areas/housing",
    "/archive/regions/wales", "/archive/case-studies", "/archive/feed.atom", "/archive/feed.json",
    "/archive/policy-areas/housing/feed.atom", "/archive/weekly/2026-11-06/feed.json", "/search?q=inner",
    "/search?q=report", "/sitemap.xml",
)  # fmt: skip


def everything(library: Library) -> str:
    """Return the text of every page with a list of entries."""
    return "\n".join(library.get(path).text for path in EVERY)


def test_a_source_that_is_not_public_is_shown_nowhere(either: Library) -> None:
    number = either.id_of(NOT_FOR_US)
    assert NOT_FOR_US not in everything(either) and "Inner" not in everything(either)
    assert f"/archive/entries/{number}<" not in either.get("/sitemap.xml").text
    assert either.get(f"/archive/entries/{number}").status_code == 404


def test_what_was_not_public_when_it_was_sent_never_is(library: Library) -> None:
    text = library.house.config.read_text().replace("public = false", "public = true")
    library.house.config.write_text(text)
    library.settle("")
    assert library.house.settings.hidden_sources == frozenset()
    assert NOT_FOR_US not in everything(library)


def test_a_source_that_becomes_not_public_vanishes(library: Library) -> None:
    text = library.house.config.read_text().replace('path = "notes"', 'path = "notes"\npublic = false')
    library.house.config.write_text(text)
    library.settle("")
    assert "Homes again" not in everything(library)
    assert library.get("/archive/weekly/2026-11-06").status_code == 404
    assert library.get(f"/archive/entries/{library.id_of('Homes again')}").status_code == 404
    assert "Nothing has been sent yet" in library.get("/archive").text


def test_only_public_cadences_are_shown(library: Library) -> None:
    number = library.id_of("Homes again")
    library.settle('[archive]\ncadences = ["weekly"]\n')
    assert library.get("/archive/daily/2026-11-03").status_code == 404
    assert "Daily" not in everything(library)
    assert "Sent in Weekly digest, 6 November 2026 Share" in shown(library.get(f"/archive/entries/{number}"))
    library.settle("")
    library.house.config.write_text(library.house.config.read_text().replace('"weekly"', '"monthly"'))
    library.settle("")
    assert "Homes again" not in everything(library)
    assert library.get(f"/archive/entries/{number}").status_code == 404


def test_without_a_public_archive_there_is_no_page_and_no_way_to_it(library: Library) -> None:
    library.settle("[archive]\npublic = false\n")
    assert {path: library.get(path).status_code for path in EVERY} == dict.fromkeys(EVERY, 404)
    robots = library.get("/robots.txt").text
    assert "Disallow: /\n" in robots and "/archive" not in robots and "itemap" not in robots
    assert "/archive" not in library.get("/nothing").text


def test_a_withdrawn_entry_is_a_short_line(library: Library) -> None:
    number = library.withdraw("A wrong report", "The figures were wrong.")
    page = library.get(f"/archive/entries/{number}")
    assert (page.status_code, page.headers["x-robots-tag"]) == (410, "noindex")
    assert "The figures were wrong." in page.text and "A wrong report" not in page.text
    assert "A wrong report" not in everything(library)
    edition = library.get("/archive/weekly/2026-11-06")
    assert "Withdrawn. The figures were wrong." in shown(edition) and edition.status_code == 200
    assert f"entries/{number}<" not in library.get("/sitemap.xml").text
    release(library.place, ANN, [number])
    assert library.get(f"/archive/entries/{number}").status_code == 200


def test_a_dropped_entry_that_was_sent_is_gone_without_a_reason(library: Library) -> None:
    library.drop("Homes again")
    page = library.get(f"/archive/entries/{library.id_of('Homes again')}")
    assert page.status_code == 410 and "Homes again" not in page.text
    assert "Homes again" not in everything(library)


def stop(library: Library, cadence: str, slot: str) -> int:
    """Stop an edition, as if its letters had not left; return its number."""
    with writing(library.engine) as conn:
        found = find(conn, cadence, slot)
        assert found is not None
        conn.execute(delivery.update().where(delivery.c.edition_id == found.id).values(state="pending"))
        stop_claims(conn, library.place, found.id)
    return found.id


def test_a_stopped_edition_is_not_shown_until_it_goes_on(library: Library) -> None:
    number = stop(library, "weekly", "2026-11-13")
    bus = f"/archive/entries/{library.id_of('Buses in the dale')}"
    paths = ("/archive/weekly/2026-11-13", "/archive/weekly/2026-11-13/feed.atom")
    assert [library.get(path).status_code for path in paths] == [404, 404]
    assert "Weekly digest, 13" not in library.get("/archive").text
    # It went out in another one too.
    assert "Sent in Daily digest, 13 November 2026 Share" in shown(library.get(bus))
    stop(library, "daily", "2026-11-13")
    assert library.get(bus).status_code == 404
    assert "Buses" not in library.get("/archive/regions/scotland").text + library.get("/search?q=buses").text
    with writing(library.engine) as conn:
        approve(conn, library.house.settings, number, "Ann", library.house.now)
    assert "Sent in Weekly digest, 13 November 2026 Share" in shown(library.get(bus))
    assert "Buses" in library.get("/archive/regions/scotland").text


def test_a_draft_is_not_shown(library: Library) -> None:
    library.house.publish("Not sent yet")
    library.house.now = library.house.now.replace(hour=23)
    library.house.run()
    with reading(library.engine) as conn:
        drafted = find(conn, "weekly", "2026-11-20")
    assert drafted is None or drafted.state != "frozen"
    assert "Not sent yet" not in everything(library)
    assert library.get(f"/archive/entries/{library.id_of('Not sent yet')}").status_code == 404


def test_a_correction_stands_with_its_entry(library: Library) -> None:
    library.correct("Homes again", "It was 46 homes.")
    number = library.id_of("Homes again")
    for path in (f"/archive/entries/{number}", "/archive/weekly/2026-11-06", "/archive/policy-areas/housing"):
        assert "Correction: It was 46 homes." in shown(library.get(path))
    feed = library.get("/archive/feed.atom").text
    assert "Correction: It was 46 homes." in feed and "<updated>2026-11-13T09:00:00Z</updated>" in feed


def test_nothing_of_a_reader_is_in_any_page(either: Library) -> None:
    with reading(either.engine) as conn:
        owed = deliveries.of_subscriber(conn, either.ann)
    assert owed
    assert "ann@example.org" not in everything(either) and "dai@" not in everything(either)


def test_the_copy_of_a_letter_leads_on_without_a_key(library: Library) -> None:
    with reading(library.engine) as conn:
        weekly = find(conn, "weekly", "2026-11-06")
    assert weekly is not None
    token = library.house.token("browse", library.ann, weekly.id)
    page = library.get(f"/letters/{token}")
    section = page.text[page.text.index('id="public"') :]
    homes, inner = library.id_of("Homes again"), library.id_of(NOT_FOR_US)
    assert 'href="https://digest.example.org/archive/weekly/2026-11-06"' in section
    assert f'href="https://digest.example.org/archive/entries/{homes}"' in section
    assert f"entries/{inner}" not in section and token not in section and "ann@" not in page.text
    library.settle("[archive]\npublic = false\n")
    assert 'id="public"' not in library.get(f"/letters/{token}").text
