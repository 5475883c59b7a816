"""Requests as they arrive: with or without the path of base_url, and with something stuck to a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from digest.config.site import OWN_PATHS, begins_as_ours, check_base_url, in_ascii
from digest.notices.new_link import LinkNotices
from digest.operations.check_settings import address_problems
from digest.store.engine import reading
from digest.transports.sendgrid.events import PATH
from digest.web.app import make_app
from digest.web.desk.routes import PAGES as DESK
from digest.web.readers.routes import PAGES
from subscribers import store as people
from tests.counts import table
from tests.house import House

STUCK = (
    ".", ",", ")", ">", "]", "*", "=", '"', "'", "…", "&", "/", "%20", "%3E", "%0D%0A", "and", "</a>", ".)", "»",
    "&gt;", "/then%20some", "%25", "\u200b", ";", "|", ".html", "=3D", "!", "。", "~",
)  # fmt: skip


class Below:
    """A house whose pages are served below a path."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.house = House(folder / "house")
        self.reader = self.house.reader("ann@example.org")
        settings = self.house.settings
        settings = replace(settings, site=replace(settings.site, base_url=base_url))
        live = self.house.live(settings)
        self.client = TestClient(make_app(live, LinkNotices(live)), base_url="https://council.example")
        self.token = self.house.token("unsubscribe", self.reader)
        self.yours = self.house.token("preferences", self.reader)

    def state(self, reader: int) -> str:
        with reading(self.house.place.engine) as conn:
            person = people.get(conn, reader)
        assert person is not None
        return person.state


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Below]:
    house = Below(tmp_path_factory.mktemp("below"), "https://council.example/our/caf%C3%A9")
    yield house
    house.house.close()


@pytest.mark.parametrize("stuck", STUCK)
def test_what_is_stuck_to_an_address_is_cut(below: Below, stuck: str) -> None:
    get = below.client.get(f"/unsubscribe/{below.token}{stuck}", follow_redirects=False)
    assert get.status_code == 302 and get.headers["location"] == f"/our/caf%C3%A9/unsubscribe/{below.token}"
    assert below.client.get(f"/our/café/yours/{below.yours}{stuck}").status_code == 200
    again = below.client.get(f"/yours/{below.yours}/had{stuck}?before=3", follow_redirects=False)
    cut = stuck[:1] not in "</" or stuck == "/"
    ends = "/had" if cut and stuck not in ("and", "&gt;", "</a>", ".html") else ""
    assert again.headers["location"] == f"/our/caf%C3%A9/yours/{below.yours}{ends}?before=3"


@table("stuck", [".", ")", "%3E", "/", "next", "%20"])
def test_a_one_click_leaves_all_the_same(below: Below, stuck: str) -> None:
    reader = below.house.reader(f"{len(quote(stuck))}{ord(stuck[-1])}@example.org")
    path = f"/unsubscribe/{below.house.token('unsubscribe', reader)}{stuck}"
    answer = below.client.post(path, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
    assert answer.status_code == 200 and below.state(reader) == "left"


@table("form", ["/zone", "/reason/x", "/none", "/then%20some", "/../unsubscribe/x"])
def test_a_form_that_is_not_there_does_not_act_as_the_one_above_it(below: Below, form: str) -> None:
    reader = below.house.reader(f"{form.encode().hex()}@example.org")
    path = f"/unsubscribe/{below.house.token('unsubscribe', reader)}{form}"
    answer = below.client.post(path, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
    assert answer.status_code in (404, 405) and below.state(reader) == "active"


@table(
    "damaged",
    [
        "TOK",
        "short.sig",
        "a" * 40,
        "a.b" * 9,
        "%E2%80%A6",
        "WyJ.AAAAAAAAAAAAAAAAAAAAAA)",
    ],
)
def test_an_address_in_which_nothing_can_be_read_says_so(below: Below, damaged: str) -> None:
    answer = below.client.get(f"/unsubscribe/{damaged}")
    assert answer.status_code == 404 and "damaged" in answer.text


@table("path", ["/", "/join", "/privacy", "/icon.svg", "/healthz", "/join?language=cy", "/new-link"])
@pytest.mark.parametrize("prefix", ["", "/our/café", "/our/caf%C3%A9"])
def test_a_proxy_may_keep_the_prefix_or_strip_it(below: Below, prefix: str, path: str) -> None:
    answer = below.client.get(prefix + path)
    assert answer.status_code == 200
    if "html" in answer.headers["content-type"]:
        links = [part.partition('"')[0] for part in answer.text.split('href="')[1:]]
        own = [link for link in links if link.startswith("/")]
        assert own and all(link.startswith("/our/caf%C3%A9/") for link in own)
        assert (
            path == "/new-link"
            or f'href="/our/caf%C3%A9{path.partition("?")[0]}" aria-current' in answer.text
            or path == "/privacy"
        )


def test_the_prefix_alone_is_the_home_page_and_no_other_path_is_changed(below: Below) -> None:
    assert below.client.get("/our/café").text == below.client.get("/").text
    for path in ("/our", "/our/cafés", "/elsewhere/our/café/join", "/our/café/our/café/join"):
        assert below.client.get(path).status_code == 404


@table(
    "base_url, ascii",
    [
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://b%C3%BCcher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://пример.example:8443/digest", "https://xn--e1afmkfd.example:8443/digest"),
        ("https://例え.example/", "https://xn--r8jz45g.example/"),
        ("https://a.example/café%20x", "https://a.example/caf%C3%A9%20x"),
        ("https://a.example/x", "https://a.example/x"),
    ],
)
def test_an_address_is_written_as_people_read_it(base_url: str, ascii: str) -> None:
    assert check_base_url(base_url) == [] and in_ascii(base_url) == ascii


def test_no_path_of_ours_is_missing_from_those_that_a_prefix_must_not_begin_with() -> None:
    paths = {page.path for page in (*PAGES, *DESK)} | {PATH, "/healthz", "/readyz", "/metrics"}
    assert {path.split("/")[1].partition("{")[0] for path in paths} - {""} == OWN_PATHS


@table("root, wrong", [("/join", True), ("/archive/digest", True), ("/desk/", True), ("/digest", False), ("", False)])
def test_check_tells_a_prefix_that_cannot_be_told_from_our_pages(below: Below, root: str, wrong: bool) -> None:
    settings = below.house.settings
    settings = replace(settings, site=replace(settings.site, base_url=f"https://council.example{root}"))
    assert begins_as_ours(root) == wrong and bool([*address_problems(settings)]) == wrong
