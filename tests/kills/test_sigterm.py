"""Asked to stop at any moment: what is under way ends in order and soon, and nothing of it is in doubt."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from tests.figures import Figures
from tests.kills.conftest import TrialOf
from tests.kills.trial import Ended, Ground, Trial
from tests.transports.mailserver import Server, Talk

RUNS = int(os.environ.get("DIGEST_TERM_RUNS", "200"))
PATIENCE = 30  # seconds in which it must have ended


def unhurried(talk: Talk) -> None:
    """Take a letter as a busy server does, so that there is a middle to be stopped in."""
    time.sleep(0.03)
    talk.queue()
    talk.reply("250 2.0.0 Ok: queued")


def stop(one: Trial, command: str, after: float) -> Ended:
    """Start a command, ask it to stop after so many seconds, and time its end."""
    running = one.run(command)
    time.sleep(after)
    running.signal(signal.SIGTERM)
    asked = time.monotonic()
    ended = running.wait(PATIENCE * 3)
    assert time.monotonic() - asked <= PATIENCE, ended
    return ended


def check_stopped(one: Trial, ground: Ground, command: str, dice: random.Random) -> Counter[int]:
    """Stop a command twice at random, then let it finish; return how often it ended with which exit code."""
    server = ground.servers[-1]
    assert isinstance(server, Server)
    server.script["dot"] = unhurried
    codes: Counter[int] = Counter()
    for _ in range(2):
        ended = stop(one, command, dice.uniform(0, 0.8))
        # By the signal itself only before it has begun anything: it was still being loaded.
        begun = ended.code != -signal.SIGTERM
        assert ended.code in (0, 75) or not begun, ended
        assert begun or not ended.said, ended
        codes[ended.code] += 1
        one.check_books()
    one.finish()
    assert one.judge() == []
    return codes


@pytest.mark.kills
@pytest.mark.parametrize("command", ["run", "schedule"])
def test_stopped_at_a_random_moment(trial_of: TrialOf, ground: Ground, command: str) -> None:
    with trial_of("smtp", "sqlite") as one:
        check_stopped(one, ground, command, random.Random(1))


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("command", ["run", "schedule"])
def test_stopped_at_random_moments(
    trial_of: TrialOf, ground: Ground, command: str, engine: str, figure: Figures
) -> None:
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(seed)
    codes: Counter[int] = Counter()
    for _ in range(max(RUNS // 4, 1)):
        with trial_of("smtp", engine) as one:
            codes += check_stopped(one, ground, command, dice)
    figure(
        f"54 SIGTERM, {command} on {engine} (seed {seed})",
        goal=f"0 in doubt, ends in {PATIENCE} s, exit 0 or 75",
        result=f"0, all, {dict(sorted(codes.items()))} in {codes.total()} stops",
        met=True,
    )


@pytest.mark.kills
def test_the_daemon_stops_when_it_was_asked_before_it_began(ground: Ground) -> None:
    one = ground.trial("file")
    for after in (0.0, 0.1, 0.2):
        assert stop(one, "schedule", after).code in (0, -signal.SIGTERM)


def configure(one: Trial, words: str) -> None:
    with (one.folder / "config.toml").open("a") as config:
        config.write(words)


@pytest.mark.kills
def test_a_slow_pace_does_not_keep_it_from_stopping(ground: Ground) -> None:
    """A letter every two seconds: the batch under way would take a minute."""
    one = ground.trial("smtp")
    configure(one, "rate = 0.5\n")
    running = one.run()
    while not one.arrived():
        assert not running.over(), running.wait()
        time.sleep(0.02)
    running.signal(signal.SIGTERM)
    asked = time.monotonic()
    ended = running.wait(120)
    assert time.monotonic() - asked <= PATIENCE, ended
    assert ended.code == 75, ended
    assert one.arrived().total() < 10
    (one.folder / "config.toml").write_text((one.folder / "config.toml").read_text().replace("rate = 0.5\n", ""))
    one.finish()
    assert one.judge() == []


@contextmanager
def silent_site() -> Iterator[int]:
    """A web server that takes every connection and never answers; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        for one in taken:
            with closing(one):
                pass


@pytest.mark.kills
def test_sources_that_do_not_answer_do_not_keep_it_from_stopping(ground: Ground) -> None:
    """Twenty of them, one after the other, three seconds each: gathering would take a minute."""
    one = ground.trial("smtp")
    with silent_site() as port:
        config = one.folder / "config.toml"
        words = config.read_text().replace("[gather]\n", "[gather]\nworkers = 1\ntimeout = 3\n")
        for n in range(20):
            words += f'[[source]]\nname = "S{n}"\nurl = "http://127.0.0.1:{port}/{n}"\nallow_private = true\n'
        config.write_text(words)
        ended = stop(one, "run", 1.5)
    assert ended.code == 75, ended
    assert not one.arrived()
