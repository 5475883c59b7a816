"""Editors sign in on the web by the link in a mail; a link, a session and a form are good for one person alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.requests import Request

from digest.config.load import load
from digest.desk.editors import change_role, end_sessions_of, open_sessions, remove_editor
from digest.desk.log import read_log
from digest.desk.sign_in import MOST_ASKINGS, ask
from digest.store.desk_tables import session, sign_in
from digest.store.engine import reading
from digest.web.caller import caller_of, device_of
from digest.web.desk.sign_in_pages import way_on
from tests.counts import table
from tests.desk.signed_in import mails
from tests.house import House
from tests.web.desk.served import FIREFOX, OPERATOR, Served

TO = "ann@example.org"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    house = House(tmp_path / "house")
    served = Served(house)
    served.editor("Ann", "admin")
    yield served
    house.close()


def test_an_editor_signs_in_and_out(served: Served) -> None:
    browser = served.stranger()
    page = browser.get("/desk/log")
    assert page.url.path == "/desk/sign-in" and 'value="/desk/log"' in page.text
    link = served.link(TO, browser, "/desk/sessions")
    assert link.endswith("?to=/desk/sessions")
    page = browser.get(link)
    assert "You are signed in as Ann when you press" in page.text and "Set-Cookie" not in page.headers
    page = browser.post(link, data={"to": "/desk/sessions"})
    assert page.url.path == "/desk/sessions" and "Firefox on Linux" in page.text and "this one" in page.text
    assert "<span>Ann</span>" in page.text or ">Ann</a>" in page.text
    assert browser.get("/desk/sign-in").url.path == "/desk"
    status, text = browser.press("/desk/sign-out")
    assert status == 200 and "Send me a link" in text and not browser.cookies
    assert open_sessions(served.place) == []


def test_the_cookie_is_this_hosts_alone(served: Served) -> None:
    answer = served.stranger().post(served.link(TO), follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/desk"
    name, *parts = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-desk=") and {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(parts)
    assert "Max-Age=604800" in parts and not any(part.startswith("Domain") for part in parts)


def test_on_a_test_host_without_tls_the_cookie_works_too(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    text = house.config.read_text().replace("https://digest.example.org", "http://desk.example.org:8080/below")
    house.config.write_text(text)
    house.settings = load(house.config, {})
    served = Served(house)
    served.editor("Ann", "viewer")
    browser = served.stranger()
    browser.base_url = "http://desk.example.org:8080"
    answer = browser.post("/desk/sign-in", data={"email": TO})
    assert 'href="/below/desk/sign-in"' in answer.text
    (mail,) = mails(house)
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (link,) = [line for line in text.splitlines() if line.startswith("http://desk.example.org:8080/below/desk/")]
    answer = browser.post(link.partition("/below")[2], follow_redirects=False)
    assert answer.headers["location"] == "/below/desk" and answer.headers["set-cookie"].startswith("desk=")
    assert "Secure" not in answer.headers["set-cookie"]
    assert ">Ann<" in browser.get("/desk").text


def test_a_get_changes_nothing_so_that_a_scanner_uses_no_link_up(served: Served) -> None:
    link = served.link(TO)
    for _ in range(3):
        for method in ("GET", "HEAD"):
            answer = served.stranger().request(method, link)
            assert answer.status_code == 200 and "set-cookie" not in answer.headers
    with reading(served.place.engine) as conn:
        assert conn.execute(select(sign_in.c.used_at)).scalar_one() is None
        assert conn.execute(select(session)).all() == []
    assert served.stranger().post(link).status_code == 200


def test_a_link_works_once_and_the_second_press_of_its_button_leads_in(served: Served) -> None:
    link, first, second = served.link(TO), served.stranger(), served.stranger()
    assert first.post(link).url.path == "/desk"
    assert first.post(link).url.path == "/desk"  # pressed twice
    for answer in (second.post(link), second.get(link)):
        assert answer.status_code == 410 and "was used, or is older" in answer.text
        assert not second.cookies
    assert len(open_sessions(served.place)) == 1


@pytest.mark.parametrize("path", ["/desk/sign-in/unknown", "/desk/sign-in/%C3%A9%00", "/desk/sign-in/" + "x" * 3000])
def test_a_link_that_never_was_is_answered_as_a_used_one(served: Served, path: str) -> None:
    for answer in (served.stranger().get(path), served.stranger().post(path)):
        assert answer.status_code == 410 and "Ask for a new one" in answer.text


def test_a_link_too_old_is_refused(served: Served) -> None:
    link = served.link(TO)
    served.house.now += timedelta(minutes=15)
    assert served.stranger().post(link).status_code == 410


def test_a_session_is_a_new_one_whatever_the_browser_brings(served: Served) -> None:
    browser, name = served.stranger(), "__Host-desk"
    browser.cookies.set(name, "planted")
    answer = browser.post(served.link(TO), follow_redirects=False)
    assert "planted" not in answer.headers["set-cookie"]
    planted = served.stranger()
    planted.cookies.set(name, "planted")
    assert planted.get("/desk").url.path == "/desk/sign-in"


def test_who_signs_in_again_ends_the_session_before(served: Served) -> None:
    browser = served.browser("Ann")
    old = served.stranger()
    old.cookies.update(browser.cookies)
    assert old.get("/desk").url.path == "/desk"
    assert browser.post(served.link(TO)).url.path == "/desk"
    assert old.get("/desk").url.path == "/desk/sign-in"


def test_the_answer_is_the_same_whoever_has_the_address(served: Served) -> None:
    served.editor("Bob", "viewer")
    remove_editor(served.place, OPERATOR, 2)
    emails = [TO, TO, TO, TO, TO, "bob@example.org", "nobody@example.org"]
    answers = {
        (a.status_code, a.text)
        for a in (served.stranger().post("/desk/sign-in", data={"email": email}) for email in emails)
    }
    ((status, text),) = answers
    assert (
        status == 200 and "If the address is an editor’s" in text and "ann" not in text.lower().replace("cannot", "")
    )
    wrong = served.stranger().post("/desk/sign-in", data={"email": "nobody"})
    assert wrong.status_code == 400 and "no email address" in wrong.text


@pytest.mark.long
def test_a_network_is_told_when_it_asks_too_often_and_others_are_not(served: Served) -> None:
    for _ in range(MOST_ASKINGS):
        ask(served.place, "nobody@example.org", "8.8.4.0/24")

    def post(address: str) -> int:
        data = {"email": "nobody@example.org"}
        return served.stranger().post("/desk/sign-in", data=data, headers={"x-forwarded-for": address}).status_code

    assert (post("9.9.9.9, 8.8.4.4"), post("8.8.4.4, 9.9.9.9")) == (429, 200)


@table(
    "peer, forwarded, network",
    [
        ("8.8.4.4", "", "8.8.4.0/24"),
        ("8.8.4.4", "9.9.9.9", "8.8.4.0/24"),  # it says what it likes, and is no proxy of ours
        ("127.0.0.1", "1.2.3.4, 9.9.9.9", "9.9.9.0/24"),
        ("172.17.0.1", "9.9.9.9:4711", "9.9.9.0/24"),
        ("::ffff:8.8.4.4", "", "8.8.4.0/24"),
        ("2a00:1450:4009:80b::200e", "", "2a00:1450:4009::/48"),
        ("::1", "[2a00:1450:4009:80b::200e]:443", "2a00:1450:4009::/48"),
        ("127.0.0.1", "", "127.0.0.0/24"),
        ("127.0.0.1", "nonsense", "127.0.0.0/24"),
        ("testclient", "", "unknown"),
        ("", "8.8.4.4", "8.8.4.0/24"),
    ],
)
def test_a_network_is_coarse_and_a_proxy_is_believed(peer: str, forwarded: str, network: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    client = (peer, 1) if peer else None
    assert caller_of(Request({"type": "http", "headers": headers, "client": client})).network == network


def test_in_hold_the_page_says_that_nothing_is_mailed_and_nothing_else(served: Served) -> None:
    served.place.fence.hold()
    for email in (TO, "nobody@example.org"):
        answer = served.stranger().post("/desk/sign-in", data={"email": email})
        assert answer.status_code == 503 and "mails nothing" in answer.text and "HOLD" not in answer.text


def test_a_form_without_the_token_of_its_session_changes_nothing(served: Served) -> None:
    browser, other = served.browser("Ann"), served.browser("Ann")
    data = {"email": "bob@example.org", "name": "Bob", "role": "admin"}
    newest = read_log(served.place, limit=1)
    for token in ({}, {"csrf": ""}, {"csrf": "wrong"}, {"csrf": "é"}, {"csrf": other.csrf("/desk/sessions")}):
        answer = browser.post("/desk/editors", data=data | token)
        assert answer.status_code == 403 and "out of date" in answer.text, token
    assert read_log(served.place, limit=1) == newest


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://[bad"}, 403),
        ({"origin": "https://digest.example.org", "host": "127.0.0.1:8080"}, 200),  # behind a proxy
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 200),
        ({"host": "evil.example"}, 421),
    ],
)
def test_no_other_site_can_send_a_form_also_not_to_sign_somebody_in(
    served: Served, headers: dict[str, str], status: int
) -> None:
    answer = served.stranger().post(served.link(TO), headers=headers, follow_redirects=False)
    assert answer.status_code == (303 if status == 200 else status)
    assert len(open_sessions(served.place)) == (status == 200)


@pytest.mark.long
def test_an_ended_session_a_removed_editor_and_a_lower_role_count_at_once(served: Served) -> None:
    ann = served.browser("Ann")
    bob, twin = served.browser("Bob", "admin"), served.browser("Bob")
    assert bob.get("/desk/editors").status_code == 200
    change_role(served.place, OPERATOR, 2, "viewer")
    page = bob.get("/desk/editors")
    assert page.status_code == 403 and "needs the role “admin”, and yours is “viewer”" in page.text
    assert bob.press("/desk/editors", email="cy@example.org", name="Cy", role="admin")[0] == 403
    numbers = [s.number for s, person in open_sessions(served.place) if person.name == "Bob"]
    assert ann.press(f"/desk/editors/sessions/{numbers[0]}/end", "/desk/editors")[0] == 200
    assert [browser.get("/desk").url.path for browser in (bob, twin)].count("/desk/sign-in") == 1
    assert ann.press("/desk/editors/2/remove", "/desk/editors")[0] == 200
    assert [browser.get("/desk").url.path for browser in (bob, twin)] == ["/desk/sign-in"] * 2
    answer = twin.post("/desk/editors", data={})
    assert answer.status_code == 403 and "Nothing was saved" in answer.text


@pytest.mark.long
def test_a_person_ends_their_own_sessions_and_nobody_elses(served: Served) -> None:
    ann, bob = served.browser("Ann"), served.browser("Bob", "viewer")
    text = bob.get("/desk/sessions").text
    assert text.count("Firefox on Linux</th>") + text.count("Firefox on Linux <span") == 1
    status, text = bob.press("/desk/sessions/1/end")
    assert status == 400 and "no open session 1" in text and ann.get("/desk").url.path == "/desk"
    assert bob.press("/desk/sessions/2/end")[0] == 200
    assert bob.get("/desk").url.path == "/desk/sign-in"


def test_sessions_end_by_the_clock(served: Served) -> None:
    browser = served.browser("Ann")
    served.house.now += timedelta(hours=11)
    assert browser.get("/desk").url.path == "/desk"
    served.house.now += timedelta(hours=12)
    assert browser.get("/desk").url.path == "/desk/sign-in"
    assert end_sessions_of(served.place, OPERATOR, 1) == 0


def test_the_pages_to_sign_in_are_guarded(served: Served) -> None:
    for path in ("/desk/sign-in", served.link(TO)):
        headers = served.stranger().get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"] and "unsafe" not in str(headers)
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"


@table(
    "path, to",
    [
        ("/desk/weekly", "/desk/weekly"),
        ("/desk/weekly/entry/12", "/desk/weekly/entry/12"),
        ("/desk", ""),
        ("/desk/", ""),
        ("//evil.example/desk", ""),
        ("/desk//evil.example", ""),
        ("/desk/../healthz", ""),
        ("https://evil.example/desk/x", ""),
        ("/desk/\nx", ""),
        ("/desk/sign-out", ""),
        ("/desk/" + "x" * 300, ""),
    ],
)
def test_a_link_leads_on_within_the_desk_alone(path: str, to: str) -> None:
    assert way_on(path) == to


@table(
    "user_agent, device",
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605 Version/17.4 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 (KHTML, like Gecko) Chrome/120 Safari/537 Edg/120",
            "Edge on Windows",
        ),
        ("curl/8", "another browser"),
        ("", "another browser"),
    ],
)
def test_a_browser_is_named_in_words(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_to_ask_for_a_link_leads_on_so_that_the_page_loaded_again_asks_for_no_other(tmp_path: Path) -> None:
    served = Served(House(tmp_path / "house"))
    for email in (served.editor("Ann", "admin"), "nobody@example.org", "Bob@Example.org"):
        answer = served.stranger().post("/desk/sign-in", data={"email": email}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in?done=asked")
    assert "Look in your mailbox" in served.stranger().get("/desk/sign-in?done=asked").text
    served.house.close()
