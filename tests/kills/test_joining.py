"""Killed while somebody joins: a mail that was owed leaves with the next run, and one press makes one subscriber."""

from __future__ import annotations

import pytest

from tests.kills.conftest import TrialOf
from tests.kills.test_other_places import ENGINES, posted, sql


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["ask to join: before commit", "ask to join: committed"])
def test_who_asked_is_mailed_once_or_asks_again(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        one.finish()
        assert posted(one, "/join", b"email=new@example.org", {}, place) == 0
        owed = sql(one, "SELECT count(*) FROM notice WHERE kind = 'confirm'")
        assert owed == [(1 if "committed" in place else 0,)]
        assert posted(one, "/join", b"email=new@example.org", {}) == 303
        one.finish()
        mailed = sql(one, "SELECT count(*) FROM notice WHERE kind = 'confirm' AND state = 'accepted'")
        assert mailed == [(1,)]
        assert sql(one, "SELECT count(*) FROM subscriber WHERE email = 'new@example.org'") == [(0,)]
        wishes = sql(one, "SELECT count(*) FROM confirmation WHERE email <> ''")
        assert wishes == [(1,)]


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["confirm on page: before commit", "confirm on page: committed"])
def test_one_press_makes_one_subscriber(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        one.finish()
        assert posted(one, "/join", b"email=new@example.org", {}) == 303
        one.finish()
        (mail,) = (one.folder / "letters" / "notices").glob("*.eml")
        text = mail.read_text().replace("=\n", "").replace("=\r\n", "").replace("=3D", "=")
        path = "/confirm/" + text.partition("/confirm/")[2].split()[0]
        assert posted(one, path, b"", {}, place) == 0
        there = "SELECT count(*) FROM subscriber WHERE email = 'new@example.org' AND state = 'active'"
        assert sql(one, there) == [(1 if "committed" in place else 0,)]
        for _ in range(2):
            assert posted(one, path, b"", {}) == 303
            assert sql(one, there) == [(1,)]
            assert sql(one, "SELECT count(*) FROM consent_event WHERE what = 'confirmed' AND words <> ''") == [(1,)]
