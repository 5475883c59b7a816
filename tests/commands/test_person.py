"""Test the commands for one person: nothing they name is missing, and each leaves a line in the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.store.engine import reading, writing
from digest.store.reader_tables import answer as answers
from subscribers import store as people
from subscribers.model import Subscriber
from subscribers.tables import consent_event, consent_words, leaving
from tests.console import Answer, digest
from tests.counts import spread
from tests.house import House

ANN = "ann@example.org"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Yield a house with a reader who follows everything."""
    house = House(tmp_path / "house")
    house.reader(ANN)
    yield house
    house.close()


def told(house: House, *words: str) -> Answer:
    return digest(house.folder, "--now", house.now.isoformat(), "subscribers", *words)


def ann(house: House) -> Subscriber:
    with reading(house.place.engine) as conn:
        person = people.find(conn, ANN)
    assert person is not None
    return person


def history(house: House, number: int = 1) -> list[tuple[str, str]]:
    with reading(house.place.engine) as conn:
        return [(event.what, event.how) for event in people.history(conn, number)]


def mailed(house: House) -> bool:
    """Return whether the next edition has a letter for the reader."""
    house.run()
    house.publish("News")
    house.run(days=8)
    return bool(house.letters(1))


@pytest.mark.long
@pytest.mark.parametrize("reason", spread(2, ["left", "bounced", "editor", "complained", "erased"]))
def test_every_suppression_can_be_lifted_with_a_record_of_who_asked(house: House, reason: str) -> None:
    place = house.place
    with writing(place.engine) as conn:
        if reason == "left":
            people.leave(conn, 1, how="link", now=house.now, secret=place.secret)
        else:
            people.suppress(conn, ANN, reason, secret=place.secret, now=house.now)
    assert told(house, "unsuppress", ANN).code == 2  # without a note
    assert told(house, "unsuppress", ANN, "--note", " ").code == 2
    words = ["unsuppress", ANN, "--note", "rang on 2 November"]
    if reason in ("complained", "erased"):
        refused = told(house, *words)
        assert (refused.code, "--force" in refused.stderr) == (1, True)
        words.append("--force")
    lifted = told(house, *words)
    assert lifted.code == 0 and f"suppressed as {reason!r}" in lifted.stdout
    what, how = history(house)[-1]
    assert what == "unsuppressed" and how.endswith(f": rang on 2 November (was: {reason})")
    if reason == "left":
        assert "`digest subscribers confirm`" in lifted.stdout
        assert told(house, "confirm", ANN, "--note", "rang").code == 0
    assert mailed(house) if reason == "left" else ann(house).state == "active"
    assert told(house, *words).code == 1  # there is nothing left to lift


def test_who_left_joins_again_with_new_choices(house: House) -> None:
    place = house.place
    with writing(place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=place.secret)
    refused = told(house, "add", ANN)
    assert (refused.code, "`digest subscribers unsuppress`" in refused.stderr) == (1, True)
    assert told(house, "unsuppress", ANN, "--note", "wrote to us").code == 0
    assert told(house, "add", ANN, "--cadence", "daily", "--policy-areas", "housing").code == 0
    assert (ann(house).id, ann(house).state, ann(house).cadence) == (1, "active", "daily")
    assert [what for what, _ in history(house)] == ["added", "left", "unsuppressed", "added"]
    again = told(house, "add", ANN)
    assert (again.code, "`digest subscribers set`" in again.stderr) == (1, True)


def test_an_address_without_a_subscriber_is_lifted_too(house: House) -> None:
    assert told(house, "suppress", "new@example.org").code == 0
    assert told(house, "add", "new@example.org").code == 1
    lifted = told(house, "unsuppress", "new@example.org", "--note", "a slip of ours")
    assert lifted.code == 0 and "`digest subscribers add`" in lifted.stdout
    assert told(house, "add", "new@example.org").code == 0
    assert [what for what, _ in history(house, 0)] == ["unsuppressed"]


def test_what_is_set_is_stored_and_recorded(house: House) -> None:
    words = ["name=Ann Other", "cadence=Monthly", "language=cy", "policy-areas=Housing; transport", "regions=wales",
             "themes=leadership", "elsewhere=no", "carry-over=no"]  # fmt: skip
    assert told(house, "set", ANN, *words).code == 0
    person = ann(house)
    assert (person.name, person.cadence, person.language) == ("Ann Other", "monthly", "cy")
    assert person.interests.policy_areas == {"housing", "transport"}
    assert (person.interests.regions, person.interests.themes) == ({"wales"}, {"leadership"})
    assert (person.interests.elsewhere, person.interests.carry_over) == (False, False)
    assert [what for what, _ in history(house)] == ["added", "changed"]
    assert told(house, "set", ANN, "cadence=monthly").stdout == "subscriber 1 is so already\n"
    assert told(house, "set", ANN, "name=", "policy_areas=all", "regions=ALL").code == 0
    assert (ann(house).name, ann(house).interests.policy_areas, ann(house).interests.themes) == (
        "",
        frozenset(),
        {"leadership"},
    )


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["cadence=fortnightly"], "use one of daily, weekly, monthly"),
        (["policy_areas=housin"], "did you mean 'housing'?"),
        (["regions=atlantis"], "region 'atlantis' is unknown"),
        (["themes=x"], "theme 'x' is not in config.toml"),
        (["elsewhere=maybe"], "neither yes nor no"),
        (["carry_over=maybe"], "carry_over 'maybe' is neither yes nor no"),
        (["language=english!"], "language code"),
        (["cadense=weekly"], "did you mean 'cadence'?"),
        (["state=active"], "use one of name, cadence"),
        (["weekly"], "is no KEY=VALUE"),
        (["cadence="], "cadence has no value"),
        (["cadence=daily", "cadence=weekly"], "is given twice"),
    ],
)
def test_what_cannot_be_set_changes_nothing(house: House, pairs: list[str], words: str) -> None:
    before = ann(house)
    refused = told(house, "set", ANN, "name=Changed", *pairs)
    assert (refused.code, words in refused.stderr) == (2, True), refused
    assert ann(house) == before


@pytest.mark.long
def test_a_pause_ends_on_its_day_or_before(house: House) -> None:
    assert "until 2026-12-02" in told(house, "pause", ANN).stdout  # a month
    assert "until 2026-11-20" in told(house, "pause", ANN, "--until", "2026-11-20").stdout
    assert not mailed(house)
    assert "gets letters again" in told(house, "resume", ANN).stdout
    assert "was not paused" in told(house, "resume", ANN).stdout
    house.publish("More")
    house.run(days=1)
    house.run(days=7)
    assert house.letters(1)
    assert [what for what, _ in history(house)] == ["added", "paused", "paused", "resumed"]
    for day in ("tomorrow", "2026-13-01", (house.now - timedelta(days=9)).date().isoformat()):
        assert told(house, "pause", ANN, "--until", day).code == 2


CHANGES = (["set", "name=x"], ["pause"], ["resume"], ["confirm", "--note", "x"])


def test_nobody_is_told_as_nobody_with_the_list_to_look_in(house: House) -> None:
    nobody = "digest: no subscriber has this address or id; see `digest subscribers list`\n"
    for command, *words in CHANGES:
        for text in ("nobody@example.org", "7", "1x"):
            unknown = told(house, command, text, *words)
            assert (unknown.code, unknown.stderr) == (2, nobody), (command, text)


def test_the_rules_of_consent_refuse_a_change_of_who_left_and_is_suppressed(house: House) -> None:
    assert told(house, "suppress", ANN).code == 0
    with writing(house.place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
    for command, *words in CHANGES:
        assert told(house, command, ANN, *words).code == 1, command


def test_every_command_takes_the_id_that_json_gives(house: House) -> None:
    bob = str(house.reader("bob@example.org"))
    steps = (
        (["set", bob, "name=Bob"], "subscriber 2 changed: name"),
        (["pause", bob], "subscriber 2 is paused"),
        (["resume", bob], "subscriber 2 gets letters again"),
        (["confirm", bob, "--note", "rang"], "subscriber 2 is active already"),
        (["suppress", bob], "suppressed"),
        (["show", bob], "suppressed: editor"),
        (["unsuppress", bob, "--note", "rang"], "Subscriber 2 is active"),
        (["forget", bob, "--yes"], "erased subscriber 2"),
    )
    for words, answer in steps:
        assert answer in told(house, *words).stdout, words
    for command, *more in (["suppress"], ["unsuppress", "--note", "x"], ["forget", "--yes"], ["show"]):
        gone = told(house, command, bob, *more)
        assert (gone.code, "no subscriber has this address or id; see" in gone.stderr) == (2, True), command
    assert ann(house).state == "active"


@pytest.mark.parametrize("reason", spread(1, ["editor", "bounced", "complained"]))
def test_a_suppressed_reader_is_told_apart_wherever_readers_are_counted_or_listed(house: House, reason: str) -> None:
    house.reader("bob@example.org")
    place = house.place
    with writing(place.engine) as conn:
        people.suppress(conn, ANN, reason, secret=place.secret, now=house.now)
    listed = told(house, "list").stdout.splitlines()
    assert [row.split()[-1] for row in listed if "@" in row] == [reason, "all"]
    marks = [row["suppressed"] for row in told(house, "list", "--state", "active", "--json").document]
    assert marks == [reason, None]
    assert "2 active, of them suppressed: 1\n" in digest(house.folder, "status").stdout
    counts = digest(house.folder, "status", "--json").document
    assert (counts["subscribers"], counts["suppressed"]) == (2, 1)
    (house.folder / "digest.secret").unlink()
    assert "2 active, of them suppressed: unknown" in digest(house.folder, "status").stdout


def test_what_is_exported_of_a_suppressed_reader_makes_nobody_mailable_elsewhere(
    house: House, tmp_path: Path
) -> None:
    place = house.place
    with writing(place.engine) as conn:
        people.suppress(conn, ANN, "editor", secret=place.secret, now=house.now)
    assert told(house, "export", "all.csv").code == 0
    other = House(tmp_path / "other")
    assert told(other, "import", str(house.folder / "all.csv")).code == 0
    assert [row["suppressed"] for row in told(other, "list", "--json").document] == ["editor"]
    other.close()
    assert told(house, "import", "all.csv").code == 0
    assert [row["suppressed"] for row in told(house, "list", "--json").document] == ["editor"]


def test_a_suppression_lifted_from_an_active_reader_leaves_nothing_to_do(house: House) -> None:
    assert told(house, "suppress", ANN).code == 0
    lifted = told(house, "unsuppress", ANN, "--note", "rang")
    assert "Subscriber 1 is active, as before: letters go out again, and nothing is left to do" in lifted.stdout


@pytest.mark.long
def test_an_address_changes_and_the_rest_stays(house: House) -> None:
    house.reader("bob@example.org")
    before = ann(house)
    assert told(house, "move", ANN, "ann@new.example").code == 2  # without a note
    for new, words in (("bob@example.org", "is another subscriber's"), ("no address", "")):
        refused = told(house, "move", ANN, new, "--note", "rang")
        assert refused.code in (1, 2) and words in refused.stderr and "bob@" not in refused.stderr
    with writing(house.place.engine) as conn:
        people.suppress(conn, "left@example.org", "left", secret=house.place.secret, now=house.now)
        people.suppress(conn, ANN, "bounced", secret=house.place.secret, now=house.now)
    refused = told(house, "move", ANN, "left@example.org", "--note", "rang")
    assert (refused.code, "the new address must not be mailed (left)" in refused.stderr) == (1, True)
    assert "has a new address" in told(house, "move", ANN, "Ann@New.example", "--note", "rang").stdout
    assert "has that address already" in told(house, "move", "1", "Ann@New.example", "--note", "rang").stdout
    with reading(house.place.engine) as conn:
        after = people.find(conn, "ann@new.example")
        assert people.find(conn, ANN) is None and people.is_suppressed(conn, ANN, secret=house.place.secret)
    assert after == replace(before, email="Ann@new.example") and after.key == before.key
    what, how = history(house)[-1]
    assert (what, how.endswith(": rang"), "@" in how) == ("changed", True, False)
    assert mailed(house)


def test_who_complained_or_left_does_not_move_past_it(house: House) -> None:
    with writing(house.place.engine) as conn:
        people.suppress(conn, ANN, "complained", secret=house.place.secret, now=house.now)
    refused = told(house, "move", ANN, "ann@new.example", "--note", "rang")
    assert (refused.code, "the present address must not be mailed (complained)" in refused.stderr) == (1, True)
    with writing(house.place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
    assert "subscriber 1 is left" in told(house, "move", ANN, "ann@new.example", "--note", "rang").stderr
    assert told(house, "move", "7", "ann@new.example", "--note", "rang").code == 2


def test_show_tells_switches_answers_and_why_they_left(house: House) -> None:
    assert told(house, "set", ANN, "silence_notices=no", "cadence=monthly").code == 0
    assert "neither yes nor no" in told(house, "set", ANN, "silence_notices=perhaps").stderr
    house.run()
    house.publish("Note")
    house.run(days=1)
    with writing(house.place.engine) as conn:
        values = {"subscriber_id": 1, "entry_id": 1, "kind": "useful", "text": "", "place": "", "state": "waiting"}
        conn.execute(answers.insert().values(answered_at=house.now, **values))
        conn.execute(leaving.insert().values(subscriber_id=1, reason="other", text="Too many.", at=house.now))
        event = {"subscriber_id": 1, "at": house.now, "what": "confirmed", "network": "203.0.113.0/24", "words": "k"}
        conn.execute(consent_event.insert().values(event))
        conn.execute(consent_words.insert().values(key="k", language="cy", text="Anfonwch."))
    document = told(house, "show", ANN, "--json").document
    assert (document["silence_notices"], document["cadence"]) == (False, "monthly")
    assert told(house, "set", ANN, "zone=America/New_York").code == 0
    assert "'Mars/Base' is not a time zone" in told(house, "set", ANN, "zone=Mars/Base").stderr
    assert told(house, "show", ANN, "--json").document["zone"] == "America/New_York"
    assert told(house, "set", ANN, "zone=").code == 0
    assert told(house, "show", ANN, "--json").document["zone"] == ""
    assert document["answers"] == {"useful": 1}
    assert (document["leaving"]["reason"], document["leaving"]["text"]) == ("other", "Too many.")
    last = document["history"][-1]
    assert (last["network"], last["language"], last["words"]) == ("203.0.113.0/24", "cy", "Anfonwch.")
    shown = told(house, "show", ANN).stdout
    assert "answers: 1 useful" in shown and "other; Too many." in shown
