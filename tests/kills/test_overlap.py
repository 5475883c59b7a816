"""Several starts at once, on one host and on two, beside the daemon and under a watchdog: one run, one edition.

Two hosts may share a database: the lock is the server's, or a file beside the database's real name. The fence lets
one of them mail: the other, whose half is missing or old, asks a person (HOLD) and mails nobody.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.figures import Figures
from tests.kills.conftest import TrialOf
from tests.kills.trial import FRIDAY, READERS, Ended, Ground, Trial
from tests.transports.mailserver import Server, Talk

RACES = int(os.environ.get("DIGEST_OVERLAP_RACES", "200"))
_DAY = FRIDAY[:10]
_COUNTS = {
    "editions": f"SELECT count(*) FROM edition WHERE cadence = 'weekly' AND slot = '{_DAY}'",
    "entries": "SELECT count(*) FROM entry",
    "slots": f"SELECT count(*) FROM slot WHERE cadence = 'weekly' AND day = '{_DAY}'",
}
_SENDERS = "SELECT count(DISTINCT run_id) FROM delivery WHERE state = 'accepted'"


def at_once(hosts: Sequence[Trial], most: int) -> list[Ended]:
    """Start `most` runs at the same instant, on the hosts by turns."""
    instant = time.time() + 0.2 + 0.05 * most
    runs = [hosts[n % len(hosts)].run(at=instant) for n in range(most)]
    return [run.wait() for run in runs]


def other_host(one: Trial, fence: str) -> Trial:
    """Another host's folder with the same database; its half of the fence is "missing" or "old"."""
    folder = one.folder.with_name(f"{one.folder.name}-other")
    shutil.copytree(one.folder, folder, ignore=shutil.ignore_patterns("digest.db*"))
    if fence == "missing":
        (folder / "digest.fence").unlink()
    if "DIGEST_STORAGE__URL" not in one.environ:
        (folder / "digest.db").symlink_to(one.folder / "digest.db")
    return replace(one, folder=folder)


def check_one_edition(one: Trial) -> None:
    one.finish()
    assert one.judge() == []
    assert {name: one.count(question) for name, question in _COUNTS.items()} == dict.fromkeys(_COUNTS, 1)


def race(one: Trial, most: int, fence: str = "") -> Counter[int]:
    """Start `most` runs at once, on two hosts with `fence`; return their exit codes once all is judged."""
    hosts = [one, other_host(one, fence)] if fence else [one]
    ended = at_once(hosts, most)
    for run in ended:
        # Of several that need a person, only the first of the day says why.
        assert run.code in (0, 75) or (fence and run.code == 4 and ("HOLD" in run.said or not run.said)), run
    needed = [run.said for run in ended if run.code == 4]
    assert not needed or any("HOLD" in words for words in needed), ended
    if not fence:
        assert any(run.code == 0 for run in ended), ended
    if not one.arrived():
        # The host that may not mail came first.
        assert fence
        last = one.run().wait()
        assert last.code == 0, last
    check_one_edition(one) if not fence else check_two_hosts(hosts)
    return Counter(run.code for run in ended)


def check_two_hosts(hosts: Sequence[Trial]) -> None:
    """One of them goes on; what was mailed was mailed once."""
    last = [host.run().wait() for host in hosts]
    assert any(run.code == 0 for run in last), last
    assert hosts[0].judge() == []
    assert hosts[0].count(_COUNTS["editions"]) == 1


@pytest.mark.kills
@pytest.mark.parametrize(("engine", "most"), [("sqlite", 2), ("postgresql", 5)])
def test_starts_at_the_same_second(trial_of: TrialOf, engine: str, most: int) -> None:
    with trial_of("smtp", engine) as one:
        race(one, most)


@pytest.mark.kills
@pytest.mark.parametrize(("engine", "fence"), [("sqlite", "old"), ("postgresql", "missing")])
def test_two_hosts_with_one_database(trial_of: TrialOf, engine: str, fence: str) -> None:
    with trial_of("smtp", engine) as one:
        race(one, 4, fence)


@pytest.mark.kills
def test_two_names_of_one_database_have_one_lock(ground: Ground) -> None:
    one = ground.trial("smtp")
    other = other_host(one, "old")
    sleeper = one.asleep("hand-over: composed")
    second = other.run().wait()
    sleeper.signal(signal.SIGCONT)
    assert (second.code, sleeper.wait().code) == (75, 0), second


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_overlapping_starts(trial_of: TrialOf, engine: str, figure: Figures) -> None:
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(seed)
    codes: Counter[int] = Counter()
    for n in range(RACES):
        with trial_of(dice.choice(["file", "smtp", "sendgrid"]) if n % 4 < 2 else "smtp", engine) as one:
            codes += race(one, 5 if n % 2 else 2, ("", "", "missing", "old")[n % 4])
    figure(
        f"16 overlapping starts, {engine} (seed {seed})",
        goal="1 edition, 0 twice",
        result=f"1, 0 in {RACES} races of 2 and 5; exits {dict(sorted(codes.items()))}",
        met=True,
    )


@pytest.mark.kills
def test_the_daemon_and_cron_at_once(trial_of: TrialOf) -> None:
    with trial_of("smtp", "postgresql") as one:
        beside_the_daemon(one, 2)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_daemon_beside_cron(trial_of: TrialOf, engine: str, figure: Figures) -> None:
    runs = max(RACES // 10, 2)
    for _ in range(runs):
        with trial_of("smtp", engine) as one:
            beside_the_daemon(one, 3)
    figure(
        f"16 daemon and cron at once, {engine}", goal="1 edition, 0 twice", result=f"1, 0 in {runs} runs", met=True
    )


def beside_the_daemon(one: Trial, crons: int) -> None:
    daemon = one.run("schedule", at=(instant := time.time() + 0.5))
    for run in [one.run(at=instant + 0.05 * n) for n in range(crons)]:
        assert (ended := run.wait()).code in (0, 75), ended
    while not one.arrived():
        assert not daemon.over(), daemon.wait()
        time.sleep(0.05)
    daemon.signal(signal.SIGTERM)
    assert (ended := daemon.wait()).code == 0, ended
    check_one_edition(one)


def slow(talk: Talk) -> None:
    """Take the letter, and take one's time."""
    time.sleep(0.3)
    talk.queue()
    talk.reply("250 2.0.0 Ok: queued")


@pytest.mark.kills
def test_a_watchdog_over_a_slow_run(trial_of: TrialOf, ground: Ground) -> None:
    with trial_of("smtp", "sqlite") as one:
        assert watched(one, ground) > 0


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_watchdogs(trial_of: TrialOf, ground: Ground, engine: str, figure: Figures) -> None:
    runs, starts = max(RACES // 20, 2), 0
    for _ in range(runs):
        with trial_of("smtp", engine) as one:
            starts += watched(one, ground)
    result = f"1 in each of {runs}, {starts} starts turned away"
    figure(f"16 watchdog over a run 10 times slower, {engine}", goal="1 run", result=result, met=True)


def watched(one: Trial, ground: Ground) -> int:
    """Start a run again and again while a slow one is under way; return how many were turned away."""
    server = ground.servers[-1]
    assert isinstance(server, Server)
    server.script["dot"] = slow
    first = one.run()
    while not server.queued:
        assert not first.over(), first.wait()
        time.sleep(0.02)
    codes: Counter[int] = Counter()
    while not first.over():
        codes[one.run().wait().code] += 1
    assert (ended := first.wait()).code == 0, ended
    # 0: it came when the first had given the lock back and was only on its way out; it found nothing to do.
    assert set(codes) <= {0, 75}, codes
    assert one.count(_SENDERS) == 1
    assert Counter(one.arrived().values()) == {1: READERS}
    check_one_edition(one)
    return codes[75]
