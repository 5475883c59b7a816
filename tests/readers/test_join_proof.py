"""The figures of the defence of joining: ten thousand posts, and the times of a thousand answers for each address."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest

from digest.operations.alarms import alarms
from digest.readers import limits
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.figures import Figures
from tests.readers.joiners import Doors

MANY, EACH = 10_000, 1_000
KINDS = ("new", "active", "pending", "left", "erased", "hard", "angry")


def pending(doors: Doors) -> int:
    return [state for _, state, _ in doors.owed()].count("pending")


@pytest.mark.proof
def test_ten_thousand_posts_get_one_mail_of_one_address_and_twenty_of_one_network(
    tmp_path: Path, figure: Figures
) -> None:
    doors = Doors(tmp_path / "house", later=True)
    bodies = Counter(doors.join("ann@example.org", f"198.{n % 200}.{n // 200}.7").content for n in range(MANY))
    one = pending(doors)
    doors.house.now += timedelta(days=2)
    bodies += Counter(doors.join(f"r{n}@example.org", f"203.0.113.{n % 250}").content for n in range(MANY))
    network = pending(doors) - one
    with reading(doors.live.engine) as conn:
        told = [alarm.place for alarm in alarms(conn, doors.house.now)]
    rows = len(doors.owed())
    doors.close()
    figure(f"{MANY} posts for one address: mails", goal="1", result=one, met=one == 1)
    figure(f"{MANY} addresses from a /24: mails", goal="at most 20", result=network, met=0 < network <= 20)
    figure("alarms of both", goal="1", result=len(told), met=told == ["joining"])
    figure("different answers to both", goal="1", result=len(bodies), met=len(bodies) == 1)
    most = 2 * limits.ASKINGS_AN_HOUR
    figure("rows stored for both", goal=f"at most {most}", result=rows, met=rows <= most)


@pytest.mark.proof
def test_the_time_of_an_answer_does_not_tell_who_is_a_reader(
    tmp_path: Path, figure: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAILS_AN_HOUR", 10**9)
    monkeypatch.setattr(limits, "ASKINGS_AN_HOUR", 10**9)
    doors = Doors(tmp_path / "house", later=True)
    house, engine = doors.house, doors.live.engine
    for n in range(EACH):
        for kind in ("active", "pending", "left", "erased"):
            house.reader(f"{kind}{n}@example.org")
    with writing(engine) as conn:
        conn.exec_driver_sql("UPDATE subscriber SET state = 'pending' WHERE email LIKE 'pending%'")
        for kind, act in (("left", people.leave), ("erased", people.forget)):
            for n in range(EACH):
                person = people.find(conn, f"{kind}{n}@example.org")
                assert person is not None
                more = {"how": "test"} if act is people.leave else {}
                act(conn, person.id, now=house.now, secret=doors.live.secret, **more)  # type: ignore[operator]
        for kind, reason in (("hard", "bounced"), ("angry", "complained")):
            for n in range(EACH):
                email = f"{kind}{n}@example.org"
                people.suppress(conn, email, reason, secret=doors.live.secret, now=house.now)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for n in range(EACH):
        for kind in KINDS:  # one after the other, so that all have the same of what else the machine does
            began = time.perf_counter()
            answer = doors.join(f"{kind}{n}@example.org", f"198.{n % 250}.{n // 250}.7")
            times[kind].append(time.perf_counter() - began)
            assert answer.status_code == 200
    doors.close()
    medians = {kind: median(took) * 1000 for kind, took in times.items()}
    apart = max(medians.values()) - min(medians.values())
    result = f"{apart:.2f} ms ({min(medians.values()):.1f} to {max(medians.values()):.1f})"
    figure(f"median times of {EACH} answers of each kind, apart", goal="at most 5 ms", result=result, met=apart <= 5)
