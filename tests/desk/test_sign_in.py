"""Sign-in by a link in a mail: single-use, short-lived, limited; nobody learns who is an editor; sessions end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest.desk.acts import Hand
from digest.desk.editors import add_editor, change_role, open_sessions, remove_editor
from digest.desk.sign_in import SpentLink, ask, editor_behind, form_token, redeem, sign_out, who
from digest.errors import PersonNeeded, TryLater
from digest.store import editors
from digest.store.desk_tables import act, session, sign_in
from digest.store.engine import reading, writing
from digest.store.schema import notice
from subscribers import store as people
from subscribers.errors import BadAddress
from tests.asked import asked
from tests.desk.signed_in import hand_over, link_for, link_in, mails, signed_in
from tests.house import House

TO = "ann@example.org"
HERE, THERE = "192.0.2.0", "2001:db8:1::"
HAND = Hand("operator")


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    house = House(tmp_path / "house", pipeline_url)
    house.place.fence.check()
    add_editor(house.place, HAND, TO, "Ann", "admin")
    add_editor(house.place, HAND, "bob@example.org", "Bob", "viewer")
    yield house
    house.close()


def test_a_link_signs_in_once(house: House) -> None:
    link = link_for(house, "Ann@Example.ORG")
    assert (person := editor_behind(house.place, link)) and person.name == "Ann"
    token = redeem(house.place, link, "Firefox on Linux")
    assert (known_as := who(house.place, token)) and (known_as[0].name, known_as[1]) == ("Ann", 1)
    assert editor_behind(house.place, link) is None
    with pytest.raises(SpentLink, match="ask for a new one"):
        redeem(house.place, link, "Chrome")
    assert len(open_sessions(house.place)) == 1


def test_no_page_waits_to_note_that_a_session_is_used(house: House) -> None:
    token = signed_in(house, TO)
    house.now += timedelta(minutes=2)
    began = time.monotonic()
    with writing(house.place.engine) as conn:
        conn.execute(update(session).values(device="held"))
        assert (seen := who(house.place, token)) and seen[0].name == "Ann"
    assert time.monotonic() - began < 10, "it waits 30 seconds for a lock"
    assert [each.seen_at for each, _ in open_sessions(house.place)] != [house.now]
    assert who(house.place, token)
    assert [each.seen_at for each, _ in open_sessions(house.place)] == [house.now]
    if house.place.engine.dialect.name == "sqlite":
        with reading(house.place.engine) as conn:
            assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000, "others wait as before"


def test_of_many_who_press_at_once_one_alone_is_let_in(house: House) -> None:
    link, place = link_for(house, TO), house.place
    assert place.secret  # read before the threads do

    def press(_number: int) -> bool:
        try:
            return bool(redeem(place, link, ""))
        except SpentLink:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(press, range(8))) == [False] * 7 + [True]
    assert len(open_sessions(place)) == 1


@pytest.mark.parametrize(("minutes", "good"), [(14, True), (15, False), (60, False)])
def test_a_link_is_good_for_15_minutes(house: House, minutes: int, good: bool) -> None:
    link = link_for(house, TO)
    house.now += timedelta(minutes=minutes)
    assert (editor_behind(house.place, link) is not None) == good
    if not good:
        with pytest.raises(SpentLink):
            redeem(house.place, link, "")
    else:
        assert redeem(house.place, link, "")


def test_the_mail_names_nobody_in_its_subject_and_leads_on(house: House) -> None:
    ask(house.place, TO, HERE, "/desk/weekly")
    hand_over(house)
    (mail,) = mails(house)
    assert mail["Subject"] == "Sign in to the desk of Digest" and mail["To"] == TO
    assert mail["List-Unsubscribe"] is None and link_in(mail).endswith("?to=/desk/weekly")
    html = mail.get_payload()[1].get_content()  # type: ignore[union-attr, index]
    assert f'<a href="https://digest.example.org{link_in(mail)}">' in html


def test_no_token_stands_in_the_database(house: House) -> None:
    ask(house.place, TO, HERE)
    before = everything(house)
    hand_over(house)
    link = link_in(mails(house)[0]).rpartition("/")[2]
    token = redeem(house.place, link, "")
    assert who(house.place, token)
    assert link not in before  # while its mail was owed
    after = everything(house)
    assert link not in after and token not in after and TO not in after


def test_every_session_has_a_new_token_and_a_form_token_of_its_own(house: House) -> None:
    tokens = [signed_in(house, TO) for _ in range(2)]
    tokens.append(signed_in(house, "bob@example.org"))
    assert len(set(tokens)) == 3 and len({form_token(house.place.secret, token) for token in tokens}) == 3
    assert all(token not in form_token(house.place.secret, token) for token in tokens)


@pytest.mark.parametrize(
    ("hours", "still"),
    [((11.9,), True), ((12.0,), False), ((11.0, 11.0), True), ((11.0,) * 15, True), ((11.0,) * 16, False)],
)
def test_a_session_ends_12_hours_after_its_last_use_and_after_7_days(
    house: House, hours: tuple[float, ...], still: bool
) -> None:
    token, answers = signed_in(house, TO), []
    for some in hours:
        house.now += timedelta(hours=some)
        answers.append(who(house.place, token) is not None)
    assert answers == [True] * (len(hours) - 1) + [still]
    assert bool(open_sessions(house.place)) == still


def test_a_session_is_one_query_and_its_use_is_noted_once_a_minute(house: House) -> None:
    token = signed_in(house, TO)
    place = house.place
    assert who(place, token)
    asked = statements(house, lambda: who(place, token))
    assert [text.split()[0] for text in asked] == ["SELECT"]
    house.now += timedelta(seconds=61)
    place = house.place
    assert "UPDATE session" in " ".join(statements(house, lambda: who(place, token)))
    assert [text.split()[0] for text in statements(house, lambda: who(place, token))] == ["SELECT"]


def test_whoever_signs_out_or_is_nobody_is_let_in_no_more(house: House) -> None:
    token = signed_in(house, TO)
    sign_out(house.place, 1)
    for text in (token, "", "x" * 43, "é", "\udcff", "x" * 10_000):
        assert who(house.place, text) is None


def test_a_role_lowered_meanwhile_counts_at_once_and_a_removed_editor_is_out(house: House) -> None:
    change_role(house.place, HAND, 2, "approver")
    token = signed_in(house, "bob@example.org")
    change_role(house.place, HAND, 2, "viewer")
    assert (seen := who(house.place, token)) and seen[0].role == "viewer"
    link = link_for(house, "bob@example.org")
    remove_editor(house.place, HAND, 2)
    assert who(house.place, token) is None and editor_behind(house.place, link) is None
    with pytest.raises(SpentLink):
        redeem(house.place, link, "")


def test_a_removed_editor_is_out_though_a_session_was_left_open(house: House) -> None:
    token = signed_in(house, "bob@example.org")
    with writing(house.place.engine) as conn:
        editors.remove(conn, 2, house.now)
    assert who(house.place, token) is None


def test_an_address_gets_three_links_an_hour_and_the_asker_is_told_nothing(house: House) -> None:
    for _ in range(5):
        ask(house.place, TO, HERE)
    hand_over(house)
    assert len(mails(house)) == 3
    house.now += timedelta(minutes=61)
    ask(house.place, TO, HERE)
    hand_over(house)
    assert len(mails(house)) == 4


def test_a_network_may_ask_twenty_times_an_hour_for_whatever_address(house: House) -> None:
    for number in range(20):
        ask(house.place, f"nobody{number}@example.org", HERE)
    for email in (TO, "nobody@example.org"):
        with pytest.raises(TryLater, match="within an hour"):
            ask(house.place, email, HERE)
    ask(house.place, TO, THERE)
    house.now += timedelta(minutes=61)
    ask(house.place, TO, HERE)
    house.now += timedelta(days=2)
    ask(house.place, TO, HERE)
    with reading(house.place.engine) as conn:
        assert len(conn.execute(select(sign_in)).all()) == 1, "old askings are removed"


def test_an_unknown_address_costs_the_same_work_but_for_the_mail(house: House) -> None:
    place = house.place
    for email in (TO, "nobody@example.org", "bob@example.org", "someone@example.org"):
        ask(place, email, HERE)  # so that nothing is done for the first time below
    known, unknown = (
        statements(house, lambda email=email: ask(place, email, HERE)) for email in (TO, "no@example.org")
    )  # type: ignore[misc]
    assert [text for text in known if "INTO notice" not in text] == unknown and len(known) == len(unknown) + 1
    for mistake in ("", "nobody", "a@b@c"):
        with pytest.raises(BadAddress):
            ask(house.place, mistake, HERE)


@pytest.mark.parametrize(("reason", "mailed"), [("left", 1), ("bounced", 1), ("complained", 0)])
def test_of_suppressions_a_complaint_alone_counts(house: House, reason: str, mailed: int) -> None:
    with writing(house.place.engine) as conn:
        people.suppress(conn, TO, reason, now=house.now, secret=house.place.secret)
    house.place.fence.follow()
    ask(house.place, TO, HERE)
    hand_over(house)
    assert len(mails(house)) == mailed


def test_nobody_outside_the_allow_list_is_mailed_and_in_hold_nobody_can_ask(house: House) -> None:
    place = house.place
    place.settings = replace(house.settings, only=("@elsewhere.example",))
    ask(place, TO, HERE)
    hand_over(house)
    assert mails(house) == []
    house.place.fence.hold()
    for email in (TO, "nobody@example.org"):
        with pytest.raises(PersonNeeded, match="HOLD"):
            ask(house.place, email, HERE)


def test_a_mail_that_could_not_leave_in_time_is_dropped(house: House) -> None:
    ask(house.place, TO, HERE)
    house.now += timedelta(minutes=16)
    hand_over(house)
    assert mails(house) == []
    with reading(house.place.engine) as conn:
        row = conn.execute(select(notice)).one()
    assert (row.state, row.reason, row.email, row.facts) == ("dropped", "its link is too old by now", None, None)


def test_the_next_run_hands_over_what_the_web_could_not(house: House) -> None:
    ask(house.place, TO, HERE)
    house.run(minutes=5)
    assert editor_behind(house.place, link_in(mails(house)[0]).rpartition("/")[2])


def test_sessions_that_ended_long_ago_are_removed(house: House) -> None:
    signed_in(house, TO)
    house.now += timedelta(days=31)
    signed_in(house, TO)
    with reading(house.place.engine) as conn:
        assert len(conn.execute(select(session)).all()) == 1


def everything(house: House) -> str:
    """Return all rows of the tables that signing in writes, as text."""
    with reading(house.place.engine) as conn:
        return str([list(map(tuple, conn.execute(select(table)))) for table in (sign_in, session, notice, act)])


def statements(house: House, work: Callable[[], object]) -> list[str]:
    """Return the SQL that some work executes, without the words that begin and end transactions."""
    with asked(house.place.engine) as texts:
        work()
    return texts
