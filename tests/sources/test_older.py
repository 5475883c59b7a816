"""Follow a feed to its older pages while all is new, and tell what may be missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from digest.errors import SourceError
from digest.model import Snapshot, Source
from digest.sources import older
from digest.sources.older import MAY_LACK, MOST_PAGES, with_older_pages
from digest.sources.read import Validators, read_page, read_source
from digest.sources.web.fetch import Fetched
from digest.sources.web.login import is_same_service
from tests.counts import table

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = "https://f.example"
FORMS = {
    "atom": '<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><link rel="{rel}" href="{next}"/>'
    "{items}</feed>",
    "rss": '<rss xmlns:a="http://www.w3.org/2005/Atom"><channel><title>F</title><a:link rel="{rel}" href="{next}"/>'
    "{items}</channel></rss>",
    "json": '{{"version": "1.1", "title": "F", "next_url": "{next}", "items": [{items}]}}',
}
ITEMS = {
    "atom": "<entry><id>{n}</id><title>Title {n}</title></entry>",
    "rss": "<item><guid>{n}</guid><title>Title {n}</title></item>",
    "json": '{{"id": "{n}", "title": "Title {n}"}}',
}


@dataclass
class Pages:
    """Answers by address."""

    pages: dict[str, str]
    asked: list[str] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def fetch(self, url: str, **options: Any) -> Fetched:
        self.asked.append(url)
        self.options.append(options)
        if url not in self.pages:
            raise SourceError(f"{url}: answers 404 (not found)")
        return Fetched("ok", self.pages[url].encode(), "", url, None, None, None)


def page(numbers: range, older: str = "", form: str = "atom", rel: str = "next") -> str:
    """Return a page with an entry for each number."""
    items = ("," if form == "json" else "").join(ITEMS[form].format(n=n) for n in numbers)
    return FORMS[form].format(items=items, next=older, rel=rel if older else "self")


def seen(pages: dict[str, str], stored: set[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the ids that a reading shows, what it says of missing entries, and what was asked."""
    fetcher, source = Pages({f"{AT}{path}": text for path, text in pages.items()}), Source("S", f"{AT}/1")
    result = read_source(source, Validators(), fetcher, now=NOW)

    def is_all_new(snapshot: Snapshot) -> bool:
        return stored.isdisjoint(sighting.guid or "" for sighting in snapshot.sightings)

    whole = with_older_pages(source, result, fetcher, is_all_new, NOW)
    snapshot = whole.snapshot
    assert snapshot is not None
    told = [line for line in snapshot.problems if line.startswith(MAY_LACK)]
    on_first = len(result.snapshot.sightings) if result.snapshot else 0
    assert on_first + whole.on_older_pages == len(snapshot.sightings)
    return [sighting.guid or "" for sighting in snapshot.sightings], told, fetcher.asked


@table("form, rel", [("atom", "next"), ("rss", "next"), ("json", ""), ("atom", "prev-archive")])
def test_pages_are_followed_to_what_is_stored(form: str, rel: str) -> None:
    pages = {
        "/1": page(range(9, 6, -1), "/2", form, rel),
        "/2": page(range(6, 3, -1), f"{AT}/3", form, rel),
        "/3": page(range(3, 0, -1), "/4", form, rel),
    }
    assert seen(pages, {"3"}) == ([str(n) for n in range(9, 0, -1)], [], [f"{AT}/1", f"{AT}/2", f"{AT}/3"])
    assert seen(pages, {"8"})[2] == [f"{AT}/1"]


@table(
    "configured, came_from, private",
    [
        ("http://wiki.lan/f", "http://wiki.lan/f", True),
        ("http://wiki.lan:8080/f", "http://wiki.lan:8080/g", True),
        ("http://wiki.lan/f", "http://else.example/f", False),  # redirected: the permission is not for that server
        ("http://wiki.lan/f", "https://wiki.lan/f", False),
        ("http://wiki.lan:8080/f", "http://wiki.lan/f", False),
    ],
)
def test_a_page_has_no_more_rights_than_its_source(
    configured: str, came_from: str, private: bool, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    source = Source("S", configured, allow_private=True, username="ann", password_file=str(tmp_path / "password"))
    older = urljoin(came_from, "/2")
    fetcher = Pages({older: page(range(3, 0, -1))})
    read_page(source, older, fetcher, NOW)
    [options] = fetcher.options
    assert options["allow_private"] is private
    assert options["login"].is_for(older) is is_same_service(configured, older)
    assert "s3cret" not in repr(options)


@table(
    "pages, reason",
    [
        ({"/1": page(range(9, 6, -1), "/2"), "/2": page(range(6, 3, -1), "/1")}, "in a circle"),
        ({"/1": page(range(9, 6, -1), "/1")}, "in a circle"),
        ({"/1": page(range(9, 6, -1), "https://else.example/2")}, "on another server"),
        ({"/1": page(range(9, 6, -1), "http://f.example/2")}, "on another server"),
        ({"/1": page(range(9, 6, -1), "/gone")}, "404"),
        ({"/1": page(range(9, 6, -1), "/2"), "/2": "<html>Words</html>"}, "web page"),
        ({"/1": page(range(9, 6, -1), "/2"), "/2": "<rss><chan"}, "malformed"),
        ({"/1": page(range(9, 6, -1), "/2"), "/2": '<feed xmlns="http://www.w3.org/2005/Atom"><titl'}, "malformed"),
        ({"/1": page(range(9, 2, -1))}, "no entry that it showed before"),
    ],
)
def test_what_may_be_missing_is_told(pages: dict[str, str], reason: str) -> None:
    shown, told, _ = seen(pages, {"0"})
    assert len(told) == 1 and reason in told[0]
    assert shown[:3] == ["9", "8", "7"]


@table(
    "status, passes",
    [(None, True), (500, True), (503, True), (429, True), (408, True), (404, False), (410, False), (403, False)],
)
def test_a_page_that_may_be_had_later_is_waited_for(status: int | None, passes: bool) -> None:
    class Away(Pages):
        def fetch(self, url: str, **options: Any) -> Fetched:
            if url.endswith("/2"):
                raise SourceError(f"{url}: is away", status=status, retry_after=7)
            return super().fetch(url, **options)

    source, fetcher = Source("S", f"{AT}/1"), Away({f"{AT}/1": page(range(9, 6, -1), "/2")})
    result = read_source(source, Validators(), fetcher, now=NOW)
    if passes:
        with pytest.raises(SourceError, match="nothing is taken in yet") as refused:
            with_older_pages(source, result, fetcher, lambda _: True, NOW, patient=True)
        assert refused.value.retry_after == 7 and refused.value.status is None
    for patient in (False, *([] if passes else [True])):
        snapshot = with_older_pages(source, result, fetcher, lambda _: True, NOW, patient).snapshot
        assert snapshot is not None and len(snapshot.sightings) == 3 and "is away" in snapshot.problems[0]


def test_pages_that_take_long_are_asked_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 10_000, older.LONGEST // 2))
    monkeypatch.setattr(older.time, "monotonic", lambda: next(times))
    endless = {f"/{n}": page(range(3 * n, 3 * n + 3), f"/{n + 1}") for n in range(1, 40)}
    shown, told, asked = seen(endless, {"none"})
    assert len(asked) == 3 and len(shown) == 9 and "took more than" in told[0]


def test_the_pages_are_bounded_and_an_end_needs_no_word() -> None:
    endless = {f"/{n}": page(range(3 * n, 3 * n + 3), f"/{n + 1}") for n in range(1, 40)}
    shown, told, asked = seen(endless, {"none"})
    assert (len(asked), len(shown), len(told)) == (MOST_PAGES, 3 * MOST_PAGES, 1)
    assert seen({"/1": page(range(9, 6, -1), "/2"), "/2": page(range(6, 5, -1))}, {"none"})[1] == []
    assert seen({"/1": page(range(3, 0, -1))}, {"none"})[1] == []  # few entries may be all that a feed shows
