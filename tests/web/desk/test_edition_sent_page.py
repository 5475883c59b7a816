"""A sent edition in the browser: its figures are the receipt's; stop, go on, correct and withdraw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import receipts
from digest.desk.acts import Hand
from digest.desk.correct import correct
from digest.editions import draft
from digest.editions.due import slot_owed
from digest.editions.freeze import freeze_slot
from digest.store import acts, deliveries, editions
from digest.store.corrections import in_force
from digest.store.engine import reading, writing
from tests.asked import asked
from tests.counts import table
from tests.house import House
from tests.outcomes import Stage, interests
from tests.web.desk.local import desk_of, words

QUERIES = 25


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a frozen weekly edition of two case studies of which no letter has left; one reader is far off."""
    house = House(tmp_path_factory.mktemp("sent") / "house")
    house.reader("ann@example.org", interests=interests())
    house.reader("bea@example.org", interests=interests())
    house.reader("cai@example.org", interests=interests("housing", "scotland"))
    house.run()
    house.publish("Damp homes")
    house.publish("Warm <b>homes</b>", url="https://one.example/warm?a=1&b=2")
    house.run(hours=1)
    house.now += timedelta(days=4)
    place, weekly = house.place, house.settings.cadence("weekly")
    with reading(place.engine) as conn:
        slot = slot_owed(conn, weekly, house.now, house.settings.site.zone)
    assert slot is not None
    freeze_slot(place, weekly, slot, house.now)
    yield house
    house.close()


def page_of(house: House) -> str:
    """Return the address of the page of the weekly edition."""
    return f"/desk/edition/{number_of(house)}"


def number_of(house: House) -> int:
    with reading(house.place.engine) as conn:
        return next(edition.id for edition in editions.listing(conn) if edition.cadence == "weekly")


def newest(house: House) -> acts.Act:
    with reading(house.place.engine) as conn:
        return acts.listing(conn, limit=1)[0]


@pytest.mark.long
def test_its_sum_and_reasons_are_those_of_the_receipt(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "house").play()
    account = receipts.account(stage.place, stage.number)
    page = words(desk_of(stage).get(f"/desk/edition/{stage.number}").text)
    sums = [f"{getattr(account.receipt, name)} {name}" for name in receipts.PARTS]
    assert f"{account.receipt.eligible} eligible = {' + '.join(sums)}" in page
    for line in account.verdict[1]:
        assert line.replace("`", "") in re.sub(r"\s+([.,])", r"\1", page)
    for state, reason, count in account.why:
        assert f"{state} {count} {reason}" in page
    assert "1 delivered, 1 bounced, 1 complained" in page and "@" not in page
    for doubt in account.doubts:
        assert f"{doubt.delivery} " in page and doubt.reason in page
    stage.close()


@pytest.mark.long
def test_it_is_stopped_and_goes_on_by_an_approver(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    before = words(client.get(page).text)
    assert "Being sent" in before and "0 of 3 letters are handed over" in before
    stopped = words(client.press(f"{page}/stop", page, seen=0))
    assert "Stopped" in stopped and "Done" in stopped
    assert (newest(house).verb, newest(house).by) == ("stop", "Ann")
    assert client.get(f"{page}/progress").json()["stopped"] is True
    client.press(f"{page}/go-on", page, seen=newest(house).number)
    house.run(hours=1)
    assert "Every one of the 3 eligible readers is accounted for." in words(client.get(page).text)


def test_a_stale_stop_is_refused(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    client.press(f"{page}/stop", page, seen=0)
    answer = client.post(f"{page}/go-on", data={"csrf": client.csrf(page), "seen": "0"})
    assert answer.status_code == 409 and "changed meanwhile" in answer.text


def test_what_is_not_stopped_cannot_go_on(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    answer = client.post(f"{page}/go-on", data={"csrf": client.csrf(page)})
    assert answer.status_code == 400 and "nly a frozen edition that is stopped can go on" in answer.text


def test_a_stopped_draft_is_approved_on_its_own_page_alone(house: House) -> None:
    client = desk_of(house)
    with writing(house.place.engine) as conn:
        drafted = draft.draft(conn, house.settings, house.settings.cadence("daily"), house.now)
        editions.hold(conn, drafted.id)
    answer = client.post(f"/desk/edition/{drafted.id}/go-on", data={"csrf": client.csrf(page_of(house))})
    assert answer.status_code == 400 and "nly a frozen edition that is stopped can go on" in answer.text
    with reading(house.place.engine) as conn:
        assert editions.get(conn, drafted.id) == replace(drafted, held=True)


def test_progress_counts_what_is_handed_over(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    told = client.get(f"{page}/progress").json()
    assert (told["letters"], told["done"], told["under_way"]) == (3, 0, True)
    with reading(house.place.engine) as conn:
        rows = deliveries.in_state(conn, "pending", number_of(house))
    with writing(house.place.engine) as conn:
        deliveries.claim(conn, [rows[0].id], 1, house.now)
        deliveries.settle(conn, [(rows[0].id, "accepted", "")], house.now, 1)
    told = client.get(f"{page}/progress").json()
    assert (told["letters"], told["done"], told["accepted"], told["pending"]) == (3, 1, 1, 2)
    client.press(f"{page}/stop", page, seen=0)
    told = client.get(f"{page}/progress").json()
    assert (told["pending"], told["stopped"], told["under_way"]) == (2, True, False)


@pytest.mark.long
def test_an_entry_is_corrected_and_the_correction_taken_back(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    assert 'name="seen" value="0"' in client.get(f"{page}?entry=1").text
    text = client.press(f"{page}/correct", f"{page}?entry=1", entry=1, seen=0, text="It was 3 %, not 30 %.")
    assert "Correction: It was 3 %, not 30 %." in words(text) and "0 told, 3 still to be told" in words(text)
    act = newest(house)
    assert (act.verb, act.object_name, act.by) == ("correct", "entry 1", "Ann")
    client.press(f"{page}/undo", f"{page}?entry=1", act=act.number)
    with reading(house.place.engine) as conn:
        assert in_force(conn, [1]) == []


@pytest.mark.long
def test_a_withdrawal_is_taken_back_and_made_again(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    text = client.press(f"{page}/withdraw", f"{page}?entry=1", entry=1, seen=0, text="It was not true.")
    assert f'name="act" value="{newest(house).number}"' in text and ">Undo</button>" in text
    text = client.press(f"{page}/undo", page, act=newest(house).number)
    assert newest(house).undoes and "Saved" in words(text) and "Withdrawn by Ann" not in words(text)
    text = client.press(f"{page}/undo", page, act=newest(house).number)
    assert "Withdrawn: It was not true." in words(text)


def test_a_correction_on_what_another_has_changed_is_refused(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    correct(house.place, Hand("Bob"), 1, "Bob's line.")
    answer = client.post(
        f"{page}/correct", data={"csrf": client.csrf(f"{page}?entry=1"), "entry": 1, "seen": 0, "text": "Mine."}
    )
    assert answer.status_code == 409 and "Bob" in answer.text
    with reading(house.place.engine) as conn:
        assert [each.text for each in in_force(conn, [1])] == ["Bob's line."]


@pytest.mark.long
def test_an_entry_is_withdrawn(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    text = words(client.press(f"{page}/withdraw", f"{page}?entry=2", entry=2, seen=0, text="It names a person."))
    assert "Withdrawn: It names a person." in text and newest(house).verb == "withdraw"


@pytest.mark.long
@table("fields, why", [({}, "names no entry"), ({"entry": "1"}, "1 to 200")])
@pytest.mark.parametrize("act", ["correct", "withdraw"])
def test_a_form_without_its_fields_changes_nothing(house: House, act: str, fields: dict[str, str], why: str) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    answer = client.post(f"{page}/{act}", data={"csrf": client.csrf(f"{page}?entry=1"), **fields})
    assert answer.status_code == 400 and why in answer.text


@pytest.mark.long
def test_it_tells_which_case_studies_reached_readers_elsewhere(house: House) -> None:
    house.run(hours=1)
    page = desk_of(house).get(page_of(house)).text
    assert "2 of 2 case studies reached readers elsewhere" in words(page)
    assert "Damp homes 1 2" in words(page)
    assert "Warm &lt;b&gt;homes&lt;/b&gt;" in page or "Warm homes" in page
    assert "<b>homes" not in page


@table("number", ["99", "0", "x", "999999999999999999999", "-1", "1%20"])
def test_an_edition_that_does_not_exist_is_no_page(house: House, number: str) -> None:
    client = desk_of(house)
    for path in ("", "/progress"):
        assert client.get(f"/desk/edition/{number}{path}").status_code == 404


@pytest.mark.long
def test_the_next_edition_has_its_own_page(house: House) -> None:
    house.publish("Later")
    house.run(hours=1)
    with writing(house.place.engine) as conn:
        edition = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    client = desk_of(house)
    answer = client.get(f"/desk/edition/{edition.id}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/weekly")
    assert client.get(f"/desk/edition/{edition.id}/progress").status_code == 404


@pytest.mark.long
def test_a_draft_that_was_passed_over_says_so(tmp_path: Path) -> None:
    house = House(tmp_path / "house", weekly='approval = "required"')
    house.reader("ann@example.org")
    house.run()
    house.publish("A story")
    house.run(hours=1)
    with writing(house.place.engine) as conn:
        first = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
        house.now += timedelta(days=14)
        second = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    page = desk_of(house).get(f"/desk/edition/{first.id}")
    assert page.status_code == 200 and first.slot != second.slot
    assert f"It was passed over: no letter of it was sent. The edition of {second.slot} has its entries." in words(
        page.text
    )
    others = tuple(cadence for cadence in house.settings.cadences if cadence.name != "weekly")
    house.settings = replace(house.settings, cadences=others)
    assert "of a cadence that config.toml does not have" in words(desk_of(house).get(page.url.path).text)
    house.close()


@pytest.mark.long
def test_it_asks_few_queries(house: House) -> None:
    client, page = desk_of(house), page_of(house)
    house.run(hours=1)
    with asked(house.place.engine) as statements:
        assert client.get(f"{page}?entry=1").status_code == 200
    assert 0 < len(statements) <= QUERIES
