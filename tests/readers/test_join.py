"""Somebody joins: the form, the mail, the press of the button; whoever has the address, the answer is the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from digest.operations.alarms import alarms
from digest.operations.retention import retain
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.confirmations import words_agreed_to
from subscribers.leaving import own_words
from subscribers.model import Interests
from subscribers.tables import asked as askings
from subscribers.tables import confirmation
from tests import postgres
from tests.asked import asked
from tests.readers.joiners import ORIGIN, Doors

ANN = "ann@example.org"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database; "" for an SQLite file."""
    if request.param == "sqlite":
        yield ""
        return
    server: postgres.Databases = request.getfixturevalue("postgresql")
    url = server.new(request.getfixturevalue("postgresql_template"))
    yield url
    server.drop(url)


@pytest.fixture
def doors(tmp_path: Path, url: str) -> Iterator[Doors]:
    doors = Doors(tmp_path / "house", url)
    yield doors
    doors.close()


@pytest.fixture
def quiet(tmp_path: Path, url: str) -> Iterator[Doors]:
    """The same, whose mail waits for the next run."""
    doors = Doors(tmp_path / "house", url, later=True)
    yield doors
    doors.close()


# --- a whole way ----------------------------------------------------------------------------------------------


def test_joining_is_a_form_a_mail_and_a_button(doors: Doors) -> None:
    answer = doors.join(ANN, policy_areas=["housing"], regions="wales", name="Ann Ä", language="en")
    assert answer.status_code == 200 and "Look in your mailbox" in answer.text and "ann" not in answer.text
    assert doors.person(ANN) is None
    (mail,) = doors.mails()
    assert (mail["To"], mail["Subject"]) == (ANN, "Confirm that you want letters from Digest")
    assert mail["List-Unsubscribe"] is None
    link = doors.link(ANN)
    assert link.startswith("/confirm/") and "ann" not in link
    before = doors.owed(), doors.history(ANN)
    for method in ("GET", "HEAD", "OPTIONS") * 2:
        doors.client.request(method, link)
    page = doors.client.get(link)
    assert page.status_code == 200 and "a•••@example.org" in page.text and "Nothing has changed yet" in page.text
    assert re.findall(r"<dd>(.*?)</dd>", page.text) == [
        "Weekly: at most one letter a week", "Housing", "Wales", "None in particular", "Yes",
    ]  # fmt: skip
    assert (doors.owed(), doors.history(ANN)) == before and doors.person(ANN) is None
    done = doors.client.post(link, headers={"X-Forwarded-For": "198.51.100.9"})
    assert done.status_code == 200 and "Your letters will come" in done.text and "/yours/" in done.text
    again = doors.client.post(link)
    assert again.content == done.content == doors.client.get(link).content
    person = doors.person(ANN)
    assert person and (person.state, person.name, person.interests.regions, person.joined_at) == (
        "active", "Ann Ä", {"wales"}, doors.house.now,
    )  # fmt: skip
    with reading(doors.live.engine) as conn:
        added, confirmed = people.history(conn, person.id)
        assert (added.what, confirmed.what, confirmed.network) == ("added", "confirmed", "198.51.100.0/24")
        language, text = words_agreed_to(conn, confirmed.words) or ("", "")
        kept = conn.execute(select(confirmation.c.email, confirmation.c.choices)).all()
    assert language == "en" and text in page.text and text.startswith("I agree that Digest sends me")
    assert [tuple(row) for row in kept] == [("", {"done": True})]
    doors.house.publish("A shared list")
    doors.house.run(days=4)
    assert len(doors.house.letters(person.id)) == 1


def test_a_reader_is_told_that_they_get_the_letters(doors: Doors) -> None:
    doors.house.reader(ANN, "daily", Interests(frozenset({"transport"})))
    before = doors.person(ANN), doors.history(ANN)
    doors.join(ANN.upper(), policy_areas="housing")
    (mail,) = doors.mails()
    assert mail["To"] == ANN and mail["Subject"] == "You already get letters from Digest"
    assert doors.client.get(doors.link(ANN)).status_code == 200
    assert (doors.person(ANN), doors.history(ANN)) == before


def test_the_persons_own_word_lifts_only_what_they_did_themselves(doors: Doors) -> None:
    for number, reason in enumerate(("bounced", "editor", "erased", "left", "complained")):
        email = f"{reason}@example.org"
        doors.suppress(email, reason)
        doors.join(email, f"198.51.{number}.7")
        if reason not in ("left", "erased"):
            assert doors.mails(email) == [] and doors.reason(email) == reason
            continue
        doors.client.post(doors.link(email))
        person = doors.person(email)
        assert person and person.state == "active" and doors.reason(email) is None, reason
    for number, reason in enumerate(("bounced", "editor", "complained")):
        late = f"late-{reason}@example.org"
        doors.join(late, f"198.51.{90 + number}.7")
        doors.suppress(late, reason)
        answer = doors.client.post(doors.link(late))
        assert answer.status_code == 409 and "We cannot send letters to this address" in answer.text
        assert doors.person(late) is None and doors.reason(late) == reason


def test_who_left_or_never_confirmed_joins_with_new_choices_and_keeps_the_rest(doors: Doors) -> None:
    for name in ("left", "pending"):
        number = doors.house.reader(f"{name}@example.org", "daily", Interests(carry_over=False))
        with writing(doors.live.engine) as conn:
            if name == "left":
                people.leave(conn, number, how="test", now=doors.house.now, secret=doors.live.secret)
            else:
                conn.exec_driver_sql("UPDATE subscriber SET state = 'pending', joined_at = NULL WHERE id = 2")
        doors.house.now += timedelta(days=1)
        doors.join(f"{name}@example.org", f"{name == 'left'}.51.100.7", policy_areas="housing", name="New")
        doors.client.post(doors.link(f"{name}@example.org"))
        person = doors.person(f"{name}@example.org")
        assert person and (person.id, person.state, person.cadence, person.name) == (
            number,
            "active",
            "weekly",
            "New",
        )
        assert person.interests == Interests(frozenset({"housing"}), carry_over=False)
        assert person.joined_at == doors.house.now
        assert doors.history(f"{name}@example.org")[-1] == ("confirmed", "join page")


def test_only_the_newest_link_counts_and_not_for_ever(doors: Doors) -> None:
    doors.join(ANN, policy_areas="housing")
    first = doors.link(ANN)
    doors.house.now += timedelta(hours=25)
    doors.join(ANN, policy_areas="transport")
    second = doors.link(ANN)
    doors.client.post(second)
    for method in ("GET", "POST"):
        answer = doors.client.request(method, first)
        assert answer.status_code == 410 and 'href="/join"' in answer.text
    person = doors.person(ANN)
    assert person and person.interests.policy_areas == {"transport"}
    doors.join("old@example.org")
    late = doors.link("old@example.org")
    doors.house.now += timedelta(hours=49)
    for method in ("GET", "POST"):
        answer = doors.client.request(method, late)
        assert answer.status_code == 410 and "two days" in answer.text
    assert doors.person("old@example.org") is None
    for bad in (late[:-1], "/confirm/x", late.replace("/confirm/", "/unsubscribe/")):
        assert doors.client.get(bad).status_code == 404


def test_what_nobody_confirmed_goes_after_seven_days_and_askings_after_thirty(doors: Doors) -> None:
    doors.join(ANN)
    doors.house.now += timedelta(days=6, hours=23)
    assert retain(doors.house.place)[0]["confirmations"] == 0
    doors.house.now += timedelta(hours=2)
    assert retain(doors.house.place)[0]["confirmations"] == 1
    with reading(doors.live.engine) as conn:
        assert conn.scalar(select(func.count()).select_from(confirmation)) == 0
        assert conn.scalar(select(func.count()).select_from(askings)) == 1
    doors.house.now += timedelta(days=23)
    assert retain(doors.house.place)[0]["askings"] == 1


def test_the_mail_waits_for_a_run_and_is_not_sent_when_it_asks_for_nothing_any_more(quiet: Doors) -> None:
    quiet.join(ANN)
    quiet.join("bob@example.org")
    quiet.suppress("bob@example.org", "complained")
    with writing(quiet.live.engine) as conn:
        conn.execute(confirmation.delete().where(confirmation.c.email == ANN))
    quiet.join("eve@example.org")
    quiet.house.run()
    assert [(kind, state) for kind, state, _ in quiet.owed()] == [
        ("confirm", "dropped"), ("confirm", "dropped"), ("confirm", "accepted"),
    ]  # fmt: skip


def test_in_hold_nothing_is_promised(doors: Doors) -> None:
    doors.live.fence.hold()
    assert doors.join(ANN).status_code == 503 and doors.owed() == []


# --- the form -------------------------------------------------------------------------------------------------


def test_a_mistake_is_told_at_the_top_and_at_its_field_and_what_was_typed_stays(quiet: Doors) -> None:
    answer = quiet.join("ann at example", policy_areas=["housing", "<b>"], name="Ann & Co", cadence="monthly")
    assert answer.status_code == 400 and "<title>Problem: Get these letters" in answer.text
    summary = answer.text.partition('class="errors"')[2].partition("</div>")[0]
    assert re.findall(r'<a href="#(\w+)">', summary) == ["email", "policy_areas"]
    assert 'value="ann at example" aria-invalid="true" aria-describedby="email-wrong email-hint"' in answer.text
    assert 'value="Ann &amp; Co"' in answer.text and "<b>" not in answer.text
    assert re.findall(r'value="([\w-]+)"[^>]* checked', answer.text) == ["monthly", "housing", "yes", "en"]
    assert answer.text.count("<h1>") == 1 and quiet.owed() == []
    for typed, line in (
        ("", "Enter your email address"),
        ("a@b@c", "like name@example.org"),
        ("x" * 999, "like name"),
    ):
        assert line in quiet.join(typed).text
    assert "<title>Get these letters" in quiet.client.get("/join").text


def test_the_page_takes_choices_from_its_address_and_speaks_the_visitors_language(quiet: Doors) -> None:
    page = quiet.client.get("/join?policy_areas=housing&regions=wales&regions=nowhere&language=cy&email=a@b.example")
    assert page.status_code == 200 and '<html lang="cy"' in page.text and "a@b.example" not in page.text
    assert re.findall(r'value="([\w-]+)"[^>]* checked', page.text) == ["weekly", "housing", "wales", "yes", "cy"]
    answer = quiet.join(ANN, language="cy")
    assert "Edrychwch yn eich blwch post" in answer.text
    assert "Llythyr" in quiet.client.get("/", headers={"Accept-Language": "cy-GB, en;q=0.5"}).text


def test_a_program_that_fills_every_field_is_answered_and_mailed_nothing(quiet: Doors) -> None:
    assert quiet.join(ANN, website="https://spam.example").content == quiet.join("bob@example.org").content
    assert [email for _, _, email in quiet.owed()] == ["bob@example.org"]


def test_programs_post_a_form_or_json_and_get_json(quiet: Doors) -> None:
    asks = {"Accept": "application/json"}
    answer = quiet.client.post(
        "/join", json={"email": ANN, "policy_areas": ["housing"], "elsewhere": False}, headers=asks
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "asked")
    assert quiet.client.post("/join", data={"email": "bob@example.org"}, headers=asks).json()["status"] == "asked"
    with reading(quiet.live.engine) as conn:
        chosen = [row.choices for row in conn.execute(select(confirmation).order_by(confirmation.c.id))]
    assert chosen[0]["policy_areas"] == ["housing"] and [each["elsewhere"] for each in chosen] == [False, True]
    assert chosen[1] | {"cadence": "weekly", "language": "en", "policy_areas": []} == chosen[1]
    for body in (b"{", b"[]", b'{"email": 7}', b"[" * 9000, b'{"email": "x"}', b'{"emial": "a@example.org"}'):
        bad = quiet.client.post("/join", content=body, headers=asks | {"Content-Type": "application/json"})
        assert bad.status_code == 400 and bad.json()["errors"][0]["message"], body
    assert len(quiet.owed()) == 2


def test_characters_that_cannot_be_stored_are_a_mistake_or_replaced(quiet: Doors) -> None:
    body = rb'{"email": "ann\ud800@example.org", "name": "\ud800\u0000"}'
    for page in ("/join", "/join/form"):
        answer = quiet.client.post(page, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, page
    reader = quiet.house.reader(ANN)
    yours, leave = quiet.house.token("preferences", reader), quiet.house.token("unsubscribe", reader)
    assert quiet.client.get(f"/yours/{yours}/why", params={"entry": "a\0b"}).status_code == 200
    quiet.client.post(f"/unsubscribe/{leave}")
    assert (
        quiet.client.post(f"/unsubscribe/{leave}/reason", data={"reason": "other", "text": "a\0b"}).status_code == 200
    )
    with reading(quiet.live.engine) as conn:
        assert [kept.text for kept in own_words(conn)] == ["a\ufffdb"]


def test_only_configured_sites_may_frame_the_form_and_send_to_it(quiet: Doors) -> None:
    framed, page = quiet.client.get("/join/form"), quiet.client.get("/")
    assert f"frame-ancestors 'self' {ORIGIN}" in framed.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert 'action="/join/form"' in framed.text and "<header" not in framed.text and "noindex" in framed.text
    answer = quiet.client.post("/join/form", data={"email": ANN})
    assert f"frame-ancestors 'self' {ORIGIN}" in answer.headers["content-security-policy"]
    own = "https://digest.example.org"
    for origin, status, allowed in (
        (ORIGIN, 200, ORIGIN), (own, 200, None), ("null", 200, None), ("", 200, None),
        ("https://evil.example", 403, None), (f"{ORIGIN}.evil.example", 403, None),
        (ORIGIN.replace("https", "http"), 403, None),
    ):  # fmt: skip
        answer = quiet.client.post("/join", data={"email": "bob@example.org"}, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, allowed), origin
        before = quiet.client.options("/join", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert (before.status_code, before.headers.get("access-control-allow-origin")) == (204, allowed)
    assert len(quiet.owed()) == 5


def test_without_join_there_is_no_page_and_no_link_to_it(tmp_path: Path) -> None:
    from digest.config.join import JoinSettings

    doors = Doors(tmp_path / "house", join=JoinSettings(enabled=False))
    assert [doors.client.get(path).status_code for path in ("/join", "/join/form")] == [404, 404]
    home = doors.client.get("/")
    assert home.status_code == 200 and "/join" not in home.text
    assert 'write to <a href="mailto:digest@example.org">' in home.text
    doors.close()


# --- the defence ----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_body_headers_and_statements_are_the_same_whoever_has_the_address(quiet: Doors) -> None:
    house, engine = quiet.house, quiet.live.engine
    numbers = {name: house.reader(f"{name}@example.org") for name in ("active", "pending", "left", "erased", "hard")}
    with writing(engine) as conn:
        conn.exec_driver_sql(f"UPDATE subscriber SET state = 'pending' WHERE id = {numbers['pending']}")
        people.leave(conn, numbers["left"], how="test", now=house.now, secret=quiet.live.secret)
        people.forget(conn, numbers["erased"], now=house.now, secret=quiet.live.secret)
    quiet.suppress("hard@example.org", "bounced")
    quiet.suppress("angry@example.org", "complained")
    seen = set()
    quiet.join("first@example.org")  # so that the words of consent and the seal are there for all
    for name in ("new", "active", "pending", "left", "erased", "hard", "angry", "new", "active", "angry"):
        with asked(engine) as statements:
            answer = quiet.join(f"{name}@example.org", "198.51.200.7")
        headers = tuple(sorted((key, value) for key, value in answer.headers.items()))
        seen.add((answer.status_code, answer.content, headers, tuple(statements)))
    ((status, body, _, statements),) = seen
    assert status == 200 and len(statements) > 8 and b"mailbox" in body
    assert sum(statement.startswith("INSERT") for statement in statements) == 5


@pytest.mark.long
def test_many_posts_for_one_address_are_one_mail_a_day_and_three_in_thirty_days(quiet: Doors) -> None:
    bodies = {quiet.join(ANN, f"198.51.{n % 250}.7").content for n in range(12)}
    assert len(bodies) == 1 and [state for _, state, _ in quiet.owed()].count("pending") == 1
    for day in (1, 1, 1, 7, 10, 9):
        quiet.house.now += timedelta(days=day)
        quiet.join(ANN)
    assert [state for _, state, _ in quiet.owed()].count("pending") == 3
    quiet.house.now += timedelta(days=30)
    quiet.join(ANN)
    assert [state for _, state, _ in quiet.owed()].count("pending") == 4


@pytest.mark.long
def test_a_network_gets_at_most_twenty_mails_out_a_day_and_a_flood_is_told_once(
    quiet: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digest.readers import limits

    monkeypatch.setattr(limits, "MAILS_AN_HOUR", 60)
    monkeypatch.setattr(limits, "ASKINGS_AN_HOUR", 90)

    def pending() -> int:
        return [state for _, state, _ in quiet.owed()].count("pending")

    def told() -> list[str]:
        with reading(quiet.live.engine) as conn:
            return [alarm.place for alarm in alarms(conn, quiet.house.now)]

    for n in range(30):
        quiet.join(f"r{n}@example.org", f"198.51.100.{n}")
    assert (pending(), told()) == (20, [])
    for n in range(30):  # a proxy of ours that does not tell whose requests they are
        quiet.join(f"s{n}@example.org", f"10.0.0.{n}")
    assert (pending(), told()) == (50, [])
    bodies = {quiet.join(f"t{n}@example.org", f"2001:db8:{n}::1").content for n in range(60)}
    assert (pending(), told(), len(bodies)) == (60, ["joining"], 1)
    rows = len(quiet.owed())
    quiet.join("late@example.org", "192.0.2.1")
    assert len(quiet.owed()) == rows < 120
    quiet.house.now += timedelta(hours=2)
    quiet.join("late@example.org", "192.0.2.1")
    assert (pending(), told()) == (61, ["joining"])
    quiet.house.now += timedelta(days=1)
    assert told() == []


@pytest.mark.long
def test_twenty_forged_hosts_stand_in_no_mail_and_no_page(doors: Doors) -> None:
    own = "digest.example.org"
    forged = ("evil.example", "evil.example:443", f"{own}.evil.example", f"{own}@evil.example", "[::1]")
    named = ("Host", "X-Forwarded-Host", "X-Original-Host", "Forwarded")
    for number, (header, host) in enumerate((header, host) for header in named for host in forged):
        sent = {header: host if header != "Forwarded" else f"host={host}", "X-Forwarded-For": f"198.51.{number}.1"}
        answer = doors.client.post("/join", data={"email": f"a{number}@example.org"}, headers=sent)
        assert answer.status_code == 200 and "evil" not in answer.text and "location" not in answer.headers
        assert "evil" not in doors.client.get("/", headers=sent).text
    assert len(doors.mails()) == 20
    assert all("evil" not in mail.as_string() and f"{own}/confirm/" in str(mail) for mail in doors.mails())


@pytest.mark.long
def test_two_who_ask_for_one_address_at_once_get_one_mail(quiet: Doors) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: quiet.join(ANN, f"198.51.{n}.7").status_code, range(16)))
    assert set(answers) == {200} and [state for _, state, _ in quiet.owed()].count("pending") == 1


# --- nothing personal in what others see ----------------------------------------------------------------------


def test_an_address_and_a_name_stand_in_no_url_log_or_error(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    canary, name = "canary.bird@example.org", "Tweety Yellow"
    shown = [doors.join(canary, name=name).text]
    link = doors.link(canary)
    token = link.rpartition("/")[2]
    for path in (link, link + "x", "/join?email=" + canary):
        shown.append(doors.client.get(path).text)
    shown += [doors.client.post(link).text, doors.client.post(link[:-2]).text]
    person = doors.person(canary)
    assert person is not None
    leave = f"/unsubscribe/{doors.house.token('unsubscribe', person.id)}"
    for step in ("", "/reason", "/back", "/monthly"):
        shown.append(doors.client.post(leave + step, data={"reason": "other"}).text)
    broken = vars(doors.live)["engine"]
    for number in range(20):
        vars(doors.live)["engine"] = None if number % 2 else broken
        answer = doors.client.post("/join", data={"email": canary, "name": name, "x" * number: name})
        shown.append(answer.text if answer.status_code != 400 else "")
        shown.append(doors.client.get(link).text)
        assert answer.headers["referrer-policy"] == "no-referrer" and "location" not in answer.headers
    for text in (*shown, caplog.text):
        assert "canary" not in text and "Tweety" not in text
    assert token not in caplog.text and "Traceback" not in "".join(shown)
