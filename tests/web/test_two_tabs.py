"""A form of choices that was opened before another change: it undoes nothing, or the page says what was changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from digest.store.engine import reading, writing
from digest.web.app import make_app
from subscribers import store as people
from subscribers.forms import WHOLE, BadForm, ChangedMeanwhile, Choice, Choices, read_preferences, stamp
from subscribers.model import Interests, Subscriber
from tests.counts import table
from tests.house import House

OFFERED = Choices(
    [Choice(name) for name in ("daily", "weekly", "monthly")],
    [Choice(name) for name in ("a", "b", "c", "d")],
    [Choice(name) for name in ("r", "s")],
    [Choice("t")],
    silence=True,
)


def reader(*areas: str, cadence: str = "weekly", on: bool = True) -> Subscriber:
    interests = Interests(frozenset(areas), frozenset(), frozenset(), on, on)
    return Subscriber(1, "a@example.org", cadence=cadence, interests=interests, silence_notices=on)


def sent(shown: str, areas: Collection[str], cadence: str = "weekly", *, on: bool = True) -> list[tuple[str, str]]:
    switches = [(name, "yes") for name in ("elsewhere", "carry_over", "silence_notices") if on]
    return [WHOLE, ("shown", shown), ("cadence", cadence), *(("policy_areas", each) for each in areas), *switches]


@table(
    "shown, typed, stored, merged",
    [
        ("a", "a", "ab", "ab"),  # only the other page has changed
        ("a", "ab", "a", "ab"),  # only this one
        ("a", "ab", "ac", "abc"),
        ("ab", "a", "abc", "ac"),
        ("abc", "ab", "bc", "b"),
        ("", "a", "b", "ab"),
        ("a", "b", "b", "b"),  # both the same
        ("a", "a", "", ""),  # the other page follows all now
        ("a", "", "a", ""),
        ("a", "", "", ""),
        ("ab", "a", "b", None),  # together they would follow all, which neither wants
        ("a", "", "ab", None),  # this one wants all
        ("a", "ab", "", None),  # the other wants all
        ("az", "az", "a", "a"),  # z is not offered any more, and was taken off by the other page
        ("az", "bz", "az", "bz"),
    ],
)
def test_what_this_page_has_changed_is_put_together_with_what_is_stored(
    shown: str, typed: str, stored: str, merged: str | None
) -> None:
    pairs = sent(stamp(OFFERED, reader(*shown)), typed)
    if merged is not None:
        assert read_preferences(pairs, OFFERED, reader(*stored)).interests.policy_areas == {*merged}
        return
    with pytest.raises(ChangedMeanwhile) as clash:
        read_preferences(pairs, OFFERED, reader(*stored))
    assert (clash.value.name, clash.value.stored, clash.value.typed) == ("policy_areas", {*stored}, {*typed})


@table(
    "shown, typed, stored, merged",
    [
        ("weekly", "weekly", "monthly", "monthly"),
        ("weekly", "daily", "weekly", "daily"),
        ("weekly", "daily", "daily", "daily"),
        ("weekly", "daily", "monthly", ""),
        ("hourly", "hourly", "weekly", "weekly"),
    ],
)
def test_a_choice_of_one_is_of_the_page_that_changed_it(shown: str, typed: str, stored: str, merged: str) -> None:
    pairs, person = sent(stamp(OFFERED, reader(cadence=shown)), "", typed), reader(cadence=stored)
    if merged:
        assert read_preferences(pairs, OFFERED, person).cadence == merged
        return
    with pytest.raises(ChangedMeanwhile):
        read_preferences(pairs, OFFERED, person)


def test_a_switch_that_another_page_has_turned_stays() -> None:
    pairs = sent(stamp(OFFERED, reader("a", on=False)), "ab", on=False)
    changed = read_preferences(pairs, OFFERED, reader("a"))
    assert changed == replace(reader("a"), interests=Interests(frozenset("ab"), elsewhere=True, carry_over=True))
    pairs = sent(stamp(OFFERED, reader("a")), "a", on=False)
    assert not read_preferences(pairs, OFFERED, reader("a")).interests.elsewhere


@table("stamps", [(), ("",), ("a",), ("cadence=weekly", "cadence=weekly"), ("x=1&" * 600 + "x=1",)])
def test_a_form_without_a_stamp_changes_nothing(stamps: tuple[str, ...]) -> None:
    pairs = [pair for pair in sent("", "a") if pair[0] != "shown"] + [("shown", each) for each in stamps]
    with pytest.raises(BadForm, match="incomplete"):
        read_preferences(pairs, OFFERED, reader("b"))


class Tabs:
    """A reader with several pages open."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder / "house")
        self.number = self.house.reader("ann@example.org", interests=Interests(frozenset({"transport"})))
        self.client = TestClient(make_app(self.house.live()))
        self.at = f"/yours/{self.house.token('preferences', self.number)}"

    def person(self) -> Subscriber:
        with reading(self.house.place.engine) as conn:
            person = people.get(conn, self.number)
        assert person is not None
        return person

    def save(self, shown: str, **fields: object) -> tuple[int, str]:
        fields = {"form": WHOLE[1], "shown": shown, "elsewhere": "yes", "carry_over": "yes"} | fields
        answer = self.client.post(f"{self.at}/choices", data=fields, follow_redirects=False)
        return answer.status_code, answer.text


@pytest.fixture
def tabs(tmp_path: Path) -> Iterator[Tabs]:
    tabs = Tabs(tmp_path)
    yield tabs
    tabs.house.close()


def test_the_older_of_two_pages_undoes_nothing_or_says_so(tabs: Tabs) -> None:
    old = urlencode(
        [("cadence", "weekly"), ("policy_areas", "transport"), ("elsewhere", "yes"), ("carry_over", "yes")]
    )
    assert f'value="{old.replace("&", "&amp;")}"' in tabs.client.get(tabs.at).text
    assert "ann" not in old
    assert tabs.save(old, cadence="weekly", policy_areas=["transport", "housing"])[0] == 303
    assert tabs.save(old, cadence="monthly", policy_areas="transport")[0] == 303
    assert (tabs.person().cadence, tabs.person().interests.policy_areas) == ("monthly", {"housing", "transport"})
    with writing(tabs.house.place.engine) as conn:  # an import, or an editor
        people.change(conn, replace(tabs.person(), cadence="daily"), how="import", now=tabs.house.now)
    stale = old.replace("weekly", "monthly")
    status, text = tabs.save(stale, cadence="weekly", policy_areas="transport")
    assert status == 409 and "Another page has changed this meanwhile, and saved: " in text
    assert tabs.person().cadence == "daily" and 'value="weekly" checked' in text
    assert 'value="housing" checked' in text, "what is stored besides stays"
    again = text.partition('name="shown" value="')[2].partition('"')[0].replace("&amp;", "&")
    assert tabs.save(again, cadence="weekly", policy_areas=["transport", "housing"])[0] == 303
    assert (tabs.person().cadence, tabs.person().interests.policy_areas) == ("weekly", {"housing", "transport"})


def test_a_refused_form_keeps_what_its_own_page_had_shown(tabs: Tabs) -> None:
    old = "cadence=weekly&policy_areas=transport&elsewhere=yes&carry_over=yes"
    tabs.save(old, cadence="weekly", policy_areas=["transport", "housing"])
    status, text = tabs.save(old, cadence=["weekly", "daily"], policy_areas="transport")
    assert status == 400 and f'value="{old.replace("&", "&amp;")}"' in text
