"""What `run` and `gather` tell when nobody watches: nothing, unless a person is needed; then with time and run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest.errors import TryLater
from digest.operations.failing_sources import exit_code_for
from digest.operations.waiting import is_first_today
from digest.store.lock import run_lock
from digest.store.sources import State
from tests import console
from tests.counts import spread, table
from tests.house import START, House

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with two more folders as sources, on a Friday when a letter is owed."""
    house = House(tmp_path / "house", source="backfill = 5")
    more = "".join(f'[[source]]\nname = "{name}"\npath = "{name}"\nkind = "post"\n' for name in ("left", "right"))
    house.config.write_text(house.config.read_text().replace("[cadence.daily]", more + "[cadence.daily]"))
    for name in ("left", "right"):
        (house.folder / name).mkdir()
    house.reader("a@example.org")
    house.publish("One")
    house.now += timedelta(days=4)
    yield house
    house.close()


def typed(house: House, *words: str, after: timedelta = timedelta(0)) -> console.Answer:
    house.close()
    house.now += after
    return console.digest(house.folder, "--now", house.now.isoformat(), *words)


def test_a_run_that_needs_nobody_is_silent(house: House) -> None:
    assert typed(house, "run") == console.Answer(0, "", "")
    assert len(list((house.folder / "letters").rglob("*.eml"))) == 1
    for words in (("run",), ("gather",), ("gather", "--source", "left")):
        assert typed(house, *words) == console.Answer(0, "", ""), words
    for words in (("run", "--json"), ("gather", "--json")):
        answer = typed(house, *words)
        assert answer.document["sources"] and answer.stderr == ""


@pytest.mark.parametrize(
    "words", spread(2, [(("run", "-v"),), (("run", "--verbose"),), (("gather", "-v"),), (("send",),)])
)
def test_what_is_told_carries_the_time_and_the_run(house: House, words: tuple[str, ...]) -> None:
    lines = typed(house, *words).stderr.splitlines()
    run = "" if words[0] == "gather" else r"run \d+: "
    assert lines and all(re.match(STAMP + run, line) for line in lines), lines


@pytest.mark.long
def test_answers_and_the_commands_of_a_person_carry_no_time(house: House) -> None:
    for words in (("prepare", "weekly"), ("run", "-v", "--json"), ("preview", "--subscriber", "nobody@example.org")):
        answer = typed(house, *words)
        assert answer.stdout or answer.stderr, words
        # The progress of `run -v` on stderr carries the time; its answer on stdout does not.
        written = answer.stdout if words[0] == "run" else answer.stdout + answer.stderr
        assert not re.search(STAMP, written), words


def test_an_error_carries_the_time_in_a_run_and_none_before_the_command(house: House) -> None:
    house.config.write_text(house.config.read_text().replace("[cadence.daily]", "[cadence.dayly]"))
    assert re.match(STAMP + "digest: ", typed(house, "run").stderr)
    assert typed(house, "status").stderr.startswith("digest: ")


@pytest.mark.parametrize("command", spread(1, ["gather", "run"]))
def test_a_source_that_fails_is_told_once_a_day(house: House, command: str) -> None:
    (house.folder / "left").rmdir()
    answer = typed(house, command)
    assert (answer.code, answer.stdout) == (0, "")
    assert re.fullmatch(STAMP + r"(run 1: )?source left: there is no file or folder .*\n", answer.stderr)
    assert typed(house, command, after=timedelta(minutes=30)) == console.Answer(0, "", "")
    assert "source left: " in typed(house, command, after=timedelta(days=1)).stderr


@pytest.mark.long
@pytest.mark.parametrize("command", spread(1, ["run", "gather"]))
def test_most_sources_that_fail_give_an_exit_code_each_time(house: House, command: str) -> None:
    typed(house, "gather")
    for name in ("left", "right"):
        (house.folder / name).rmdir()
    answer = typed(house, command)
    assert answer.code == 75, "all were read today"
    assert "source left: " in answer.stderr and "most sources fail: 2 of 3" in answer.stderr
    answer = typed(house, command, after=timedelta(minutes=30))
    assert (answer.code, answer.stderr) == (75, "")
    assert typed(house, command, after=timedelta(days=1)).code == 4, "none was read for a day"
    assert typed(house, "gather", "--source", "Notes").code == 0, "only what was asked for counts"


HEALTHY = State(ok_at=START)
YOUNG, OLD = (State(ok_at=START - timedelta(hours=hours), failures=9) for hours in (23, 25))
NEVER, GONE = State(failures=1), State(ok_at=START, gone=True)


@table(
    "states, code",
    [
        ([], 0),
        ([HEALTHY], 0),
        ([YOUNG], 75),
        ([NEVER], 4),
        ([GONE], 4),
        ([HEALTHY, OLD], 0),
        ([HEALTHY, YOUNG, YOUNG], 75),
        ([HEALTHY, YOUNG, OLD], 4),
        ([HEALTHY, YOUNG, GONE], 4),
        ([HEALTHY, HEALTHY, NEVER, NEVER], 0),
        ([State(), State(), State()], 0),
    ],
)
def test_most_sources_decide_the_exit_code(states: list[State], code: int) -> None:
    assert exit_code_for(states, START) == code


@pytest.mark.long
def test_what_passes_by_itself_is_told_once_a_day_with_the_same_exit_code(house: House) -> None:
    (house.folder / "password").write_text("x")
    away = '[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
    away += '[events]\nmailbox = "imaps://ann@127.0.0.1:9/INBOX"\npassword_file = "password"\n'
    house.config.write_text(house.config.read_text() + away)
    for command in ("run", "events"):
        answer = typed(house, command)
        assert (answer.code, answer.stdout, answer.stderr.count("\n")) == (75, "", 1), answer
        assert "127.0.0.1" in answer.stderr
        assert typed(house, command, after=timedelta(minutes=30)) == console.Answer(75, "", "")
    assert "127.0.0.1" in typed(house, "events", "-v").stderr, "a person asked"
    assert "cannot be reached" in typed(house, "run", after=timedelta(days=1)).stderr


@pytest.mark.parametrize("command", spread(1, ["run", "gather"]))
def test_another_run_under_way_is_told_once_a_day(house: House, command: str) -> None:
    with run_lock(house.place.engine):
        assert "another run" in typed(house, command).stderr
        assert typed(house, command, after=timedelta(minutes=30)) == console.Answer(75, "", "")


@table(
    "first, second, told",
    [
        ("server a:587: 421 4.7.0 busy [d75a77b69]; wait", "server a:587: 421 4.7.0 busy [e8191c2f4]; wait", False),
        ("another run holds the lock (process 12)", "another run holds the lock (process 99)", False),
        ("server away", "server busy", True),
    ],
)
def test_another_number_is_no_news_and_other_words_are(house: House, first: str, second: str, told: bool) -> None:
    house.now += timedelta(days=1)  # because the cases share a house
    assert is_first_today(house.place, TryLater(first))
    assert [is_first_today(house.place, TryLater(words)) for words in (second, first)] == [told, False]
