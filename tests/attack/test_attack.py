"""Wapiti and sqlmap find the planted holes, and none in the pages of `digest serve`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from digest.notices.new_link import LinkNotices
from digest.web.app import make_app
from digest.web.desk.door import served_desk
from tests.attack.crawl import Target, targets
from tests.attack.planted import HOLES, planted_app
from tests.attack.tools import require_tools, sqlmap, wapiti
from tests.serving import served
from tests.web.test_reader_pages import Post

pytestmark = pytest.mark.proof
# What Wapiti says of each hole.
KINDS = {
    "script in a page": "Reflected Cross Site Scripting",
    "open redirect": "Open Redirect",
    "file outside the folder": "Path Traversal",
    "form that other sites can send": "Cross Site Request Forgery",
    "text run as SQL": "SQL Injection",
    "command of the system": "Command execution",
}
# The pages of readers need no token against forged requests beside that of their address, which no other site knows;
# TLS is the proxy's.
EXPECTED = {"Unencrypted Channels", "Cross Site Request Forgery", "Clickjacking Protection"}


def test_the_tools_find_the_planted_holes(tmp_path: Path) -> None:
    require_tools()
    with served(planted_app(tmp_path)) as address:
        told = wapiti(f"{address}/", tmp_path, seconds=240)
        assert sqlmap(Target(f"{address}/find?number=1"), tmp_path)
    missed = {hole for hole, path in HOLES.items() if not any(path in case for case in told.get(KINDS[hole], []))}
    assert missed == set(), told


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The pages of a house with readers and letters, and the addresses at which an attack begins."""
    post = Post(tmp_path_factory.mktemp("attacked") / "house")
    place = post.house.live()
    place.fence.check()
    links = LinkNotices(place, sleep=lambda _: None)
    app = make_app(place, links, served_desk(place, links.hand_over))
    with served(app) as address:
        own = [post.link(page) for page in ("preferences", "pause", "unsubscribe", "letters")]
        public = ["/", "/join", "/new-link", "/archive", "/search?q=note", "/privacy", "/desk/sign-in"]
        yield address, [f"{address}{path}" for path in (*public, *own)]


def test_wapiti_finds_nothing_in_ours(site: tuple[str, list[str]], tmp_path: Path) -> None:
    require_tools()
    address, begin = site
    # Five of the pages of entries, because the same code makes all of them.
    told = wapiti(f"{address}/", tmp_path, begin, alike=5)
    assert {kind: cases for kind, cases in told.items() if kind not in EXPECTED} == {}


def test_sqlmap_finds_nothing_in_ours(site: tuple[str, list[str]], tmp_path: Path) -> None:
    require_tools()
    _, begin = site
    with httpx2.Client(timeout=30) as client:
        taken = targets(client, begin)
    assert len(taken) > 5, "the crawl must find the forms"
    assert [target.url for target in taken if sqlmap(target, tmp_path)] == []
