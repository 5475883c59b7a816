"""What `digest doctor` finds beside runs and sources, and the secret that must not be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from digest.desk.receipts import newest_frozen
from digest.model import Term
from digest.operations import doctor
from digest.operations.finding import Finding
from digest.operations.status import status
from digest.store import editions
from digest.store.engine import reading, writing
from digest.store.schema import delivery, edition, event, run, slot
from subscribers import store as people
from subscribers.errors import BadSecret
from subscribers.followed import followed
from subscribers.model import Interests
from tests.house import House


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    """A house whose first run, with three readers, lies behind it."""
    here = House(tmp_path / "house", pipeline_url)
    for n in range(3):
        here.reader(f"r{n}@example.org")
    here.run()
    yield here
    here.close()


def found(house: House) -> dict[str, Finding]:
    return {one.place: one for one in doctor.examine(house.place)}


def test_a_house_in_order_has_nothing_to_tell(house: House) -> None:
    assert found(house) == {}


def test_readers_of_a_cadence_that_is_no_more_get_nothing_and_that_is_wrong(house: House) -> None:
    house.reader("d@example.org", "fortnightly")
    left = house.reader("left@example.org", "yearly")
    with writing(house.place.engine) as conn:
        people.leave(conn, left, how="test", now=house.now, secret=house.place.secret)
    told = found(house)
    assert list(told) == ["cadence.fortnightly"]
    assert told["cadence.fortnightly"].level == "wrong"
    assert "1 reader follows cadence 'fortnightly', which config.toml does not" in told["cadence.fortnightly"].problem


def test_what_readers_follow_and_config_lacks_is_told_with_counts(house: House) -> None:
    """It is wrong where they follow nothing else, but for themes, which only add."""
    regions = frozenset({"gone", "wales"})
    house.reader("a@example.org", interests=Interests(frozenset({"housing", "old"}), regions))
    house.reader("b@example.org", interests=Interests(frozenset({"old"}), themes=frozenset({"lost"})))
    with reading(house.place.engine) as conn:
        counts = followed(conn)
    assert (counts.cadences, counts.policy_areas) == ({"weekly": 5}, {"housing": 1, "old": 2})
    told = found(house)
    assert {place: (one.level, one.problem) for place, one in told.items()} == {
        "subscribers.policy_areas": (
            "wrong",
            "readers follow policy areas that config.toml does not have: 'old' (2 readers); 1 reader follows no"
            " other, and nothing matches that",
        ),
        "subscribers.regions": ("note", "readers follow regions that config.toml does not have: 'gone' (1 reader)"),
        "subscribers.themes": ("note", "readers follow themes that config.toml does not have: 'lost' (1 reader)"),
    }  # fmt: skip
    assert "[[policy_area]]" in told["subscribers.policy_areas"].cure
    assert "[[region]]" not in told["subscribers.regions"].cure  # it would take the place of the shipped regions
    own = replace(house.settings.taxonomy, regions=(Term("scotland", "Scotland"),))
    house.settings = replace(house.settings, taxonomy=own)
    region = found(house)["subscribers.regions"]
    assert (region.level, "'wales' (1 reader)" in region.problem) == ("wrong", True)
    assert "[[region]]" in region.cure


@pytest.mark.long
def test_a_slot_in_the_future_is_wrong(house: House) -> None:
    here = house.now
    house.run(days=12)
    house.now = here
    told = found(house)
    assert {place: one.level for place, one in told.items() if "future" in one.problem} == {
        "daily 2026-11-14": "wrong",
        "weekly 2026-11-13": "wrong",
    }


LATE = {
    "2026-11-03T08:05": {},  # a slot that has just begun, and nothing before it
    "2026-11-03T09:31": {"daily 2026-11-03": "wrong"},
    "2026-11-12T08:01": {"daily 2026-11-11": "wrong", "weekly 2026-11-06": "wrong"},
    "2026-11-13T09:00": {"daily 2026-11-12": "wrong", "weekly 2026-11-06": "wrong"},
    "2027-12-01T09:00": {"daily 2027-11-30": "wrong", "weekly 2027-11-26": "wrong", "monthly 2027-11-01": "wrong"},
}  # the last run was on 2 November 2026


@pytest.mark.long
def test_a_missed_slot_is_told_whatever_newer_slot_has_just_begun(house: House) -> None:
    for now, expected in LATE.items():
        house.now = datetime.fromisoformat(f"{now}Z")
        told = {place: finding.level for place, finding in found(house).items() if "not run" in finding.problem}
        assert told == expected, now


@pytest.mark.long
def test_of_drafts_that_wait_the_newest_is_told_and_a_slot_without_one_beside_it(tmp_path: Path) -> None:
    here = House(tmp_path / "house", weekly='approval = "required"')
    here.reader("r@example.org")
    here.run()
    here.now = datetime(2026, 11, 13, 8, 30, tzinfo=UTC)
    told = []
    for days in ([], ["2026-11-13"], ["2026-11-06", "2026-11-13"]):
        with writing(here.place.engine) as conn:
            conn.execute(delete(edition))
            for day in days:
                draft = {"cadence": "weekly", "slot": day, "state": "draft", "held": False, "to_release": 0}
                conn.execute(insert(edition).values(**draft, content_hash="", created_at=here.now, eligible=0))
        told.append({place: finding.level for place, finding in found(here).items() if place.startswith("weekly")})
    here.close()
    assert told == [
        {"weekly 2026-11-06": "wrong"},
        {"weekly 2026-11-13": "person", "weekly 2026-11-06": "wrong"},
        {"weekly 2026-11-13": "person"},
    ]


def test_what_is_wrong_is_told_however_many_editions_are_newer(house: House) -> None:
    """The newest fifty editions and slots are daily; what is wrong is older, or of another cadence."""
    at = house.now
    rows = [("weekly", "2026-10-02", "frozen", False), ("weekly", "2026-10-09", "frozen", False),
            ("monthly", "2026-10-01", "draft", True)]  # fmt: skip
    rows += [("daily", f"2025-{month:02}-{day:02}", "frozen", False) for month in (1, 2, 3) for day in range(1, 21)]
    with writing(house.place.engine) as conn:
        values = [
            {"cadence": cadence, "slot": day, "state": state, "held": held, "to_release": 0, "content_hash": "",
             "created_at": at, "frozen_at": at, "eligible": 1 if cadence == "weekly" else 0}
            for cadence, day, state, held in rows
        ]  # fmt: skip
        numbers = list(conn.scalars(insert(edition).returning(edition.c.id), values))
        refused = {"edition_id": numbers[1], "subscriber_id": 1, "state": "refused", "reason": "", "updated_at": at}
        conn.execute(insert(delivery).values(refused))
        days = [("daily", f"2028-{month:02}-{day:02}") for month in (1, 2, 3) for day in range(1, 21)]
        conn.execute(
            insert(slot),
            [
                {"cadence": cadence, "day": day, "outcome": "missed", "at": at}
                for cadence, day in [*days, ("weekly", "2027-01-01")]
            ],
        )
        failed = {"command": "run", "started_at": at, "finished_at": at, "outcome": "failed: no room",
                  "account": {"exit_code": 1}}  # fmt: skip
        killed = {"command": "run", "started_at": at, "finished_at": None, "outcome": None, "account": {}}
        conn.execute(insert(run), [failed, *[killed] * 12])
    told = found(house)
    assert "no room" in {finding.problem for finding in told.values()}
    assert told[f"edition {numbers[0]} (weekly 2026-10-02)"].problem == "the receipt does not balance"
    assert told[f"edition {numbers[1]} (weekly 2026-10-09)"].problem == (
        "1 of 1 letters were refused: the answer does not tell why"
    )
    assert told["monthly 2026-10-01"].problem.startswith(
        f"edition {numbers[2]} is stopped, and keeps back every later"
    )
    assert {"daily 2028-03-20", "weekly 2027-01-01"} <= set(told)
    state = status(house.place)
    assert [each.id for each in state.open_editions if each.cadence == "monthly"] == [numbers[2]]
    assert newest_frozen(house.place) == numbers[-1]


CURES = {
    "550 5.1.1 User unknown": ("note", "the address does not exist", "correct or remove"),
    "556 5.1.10 Recipient address has null MX": ("note", "the domain takes no mail", "part after the @"),
    "given up after three days: 552 5.2.2 Mailbox full": ("note", "the mailbox is full", "nothing is to be mended"),
    "given up after three days: 552 5.3.4 Message too big": ("wrong", "but the letter", "[letter] cap"),
    "given up after three days: 554 5.7.1 looks like spam": ("wrong", "but the sender", "preview --lint"),
    "554 go away": ("note", "does not tell why", "postmaster"),
}


@pytest.mark.long
def test_refusals_in_the_newest_edition_have_the_cure_of_their_cause_older_ones_none(house: House) -> None:
    house.publish("One")
    house.run(days=5)
    with reading(house.place.engine) as conn:
        number = next(edition.id for edition in editions.listing(conn) if edition.cadence == "weekly")
    first = (delivery.c.edition_id == number) & (delivery.c.subscriber_id == 1)
    for reason, (level, problem, cure) in CURES.items():
        with writing(house.place.engine) as conn:
            conn.execute(update(delivery).where(first).values(state="refused", reason=reason))
        [told] = found(house).values()
        assert (told.level, told.place) == (level, f"edition {number} (weekly 2026-11-06)"), reason
        assert told.problem.startswith("1 of 3 letters were refused: ") and problem in told.problem, reason
        assert cure in told.cure, reason
    with writing(house.place.engine) as conn:
        others = (delivery.c.edition_id == number) & ~first
        conn.execute(update(delivery).where(others).values(state="refused", reason="550 5.1.1 User unknown"))
    assert {finding.problem.partition(":")[0] for finding in doctor.examine(house.place)} == {
        "1 of 3 letters were refused", "2 of 3 letters were refused",
    }, "readers with the same cause are counted together"  # fmt: skip
    house.run(days=7)
    assert found(house) == {}


BROKEN = "edition {}: its stored entries are not what was frozen; nothing of it is sent"
LOGIN = "mail server a:587 does not accept the login: 535 no; check transport.username and the password"
AWAY = "mail server a:587 cannot be reached: Connection refused; check transport.host, or run again later"
LAST_RUNS = [
    # How the last run ended: its exit code, its error, the failed lines; then level, words and cure for edition 1.
    (
        1,
        LOGIN,
        [],
        "wrong",
        "does not accept the login: 535 no",
        "check transport.username and the password. The next",
    ),
    (75, AWAY, [], "note", "cannot be reached: Connection refused", "check transport.host, or run again later. "),
    (2, "site.from: has no address; give one\nsite.name: is empty", [], "wrong", "has no address", "give one. The"),
    (4, "the clock is behind; set it right", [], "person", "the clock is behind", "set it right. The next run"),
    (0, "", [BROKEN.format("{}")], "wrong", "not what was frozen", "nothing of it is sent. The next run"),
    (
        0,
        "",
        ["edition 99: the sender is refused; publish SPF"],
        "wrong",
        "edition 99: the sender",
        "publish SPF. The",
    ),
    (0, "", [], "wrong", "2 letters are not handed over", "`digest send` hands them over"),
]


@pytest.mark.long
def test_letters_that_are_owed_are_told_with_their_cause(house: House) -> None:
    house.publish("One")
    house.run(days=5)
    later = {"state": "pending", "retry_at": house.now + timedelta(hours=9)}
    for reason, (level, words, cure) in {
        "552 5.2.2 Mailbox full": ("note", "wait for another try", "wait for a later run"),
        "554 5.7.1 Relay access denied": ("wrong", "are not handed over", "transport.username"),
    }.items():
        with writing(house.place.engine) as conn:
            conn.execute(update(delivery).where(delivery.c.subscriber_id < 3).values(later | {"reason": reason}))
        [told] = found(house).values()
        assert (told.level, f"(2 × {reason})" in told.problem, words in told.problem) == (level, True, True)
        assert cure in told.cure
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.state == "pending").values(reason="", retry_at=None))
    with reading(house.place.engine) as conn:
        number = next(edition.id for edition in editions.listing(conn) if edition.cadence == "weekly")
    where = f"edition {number} (weekly 2026-11-06)"
    for code, error, failed, level, words, cure in LAST_RUNS:
        account = {"failed": [line.format(number) for line in failed]} | ({"exit_code": code} if code else {})
        outcome = f"failed: {error}" if error else "failed"
        with writing(house.place.engine) as conn:
            newest = run.c.id == select(func.max(run.c.id)).scalar_subquery()
            conn.execute(update(run).where(newest).values(outcome=outcome, account=account))
        told = found(house)[where]
        assert (told.level, words in told.problem, cure in told.cure) == (level, True, True), told
        assert told.problem.startswith("2 letters are not handed over")
    house.place.fence.hold()
    told = found(house)[where]
    assert (told.level, "HOLD" in told.problem, "`digest db resume`" in told.cure) == ("person", True, True)


def test_a_domain_that_refuses_us_is_for_a_person(house: House) -> None:
    rows = [
        {
            "provider": "t", "event_id": str(n), "kind": "bounced", "at": house.now, "received_at": house.now,
            "action": "alert", "domain": "council.example",
        }
        for n in range(50)
    ]  # fmt: skip
    with writing(house.place.engine) as conn:
        conn.execute(insert(event), rows)
    told = found(house)["council.example"]
    assert (told.level, told.cure[:10]) == ("person", "check SPF,")


@pytest.mark.long
def test_a_lost_secret_is_not_made_anew_once_it_sealed_something(house: House) -> None:
    file = house.settings.secret_file
    house.reader("x@example.org")  # nothing is sealed yet: a new secret harms nobody
    file.unlink()
    assert found(house) == {}
    assert not file.exists()
    old = house.place.secret
    with writing(house.place.engine) as conn:
        people.suppress(conn, "gone@example.org", "left", secret=old, now=house.now)
    kept = file.read_bytes()
    file.unlink()
    house.publish("One")
    with pytest.raises(BadSecret, match=r"digest\.secret: secret file is missing; restore it from a backup"):
        house.run(days=5)
    assert not file.exists()
    told = found(house)["storage.secret_file"]
    assert (told.level, "restore it" in told.cure) == ("wrong", True)
    assert not file.exists()
    file.write_text("0f" * 32)
    assert "is not the one" in found(house)["storage.secret_file"].problem
    file.write_bytes(kept)
    assert "storage.secret_file" not in found(house)
    assert [r.accepted for r in house.run().receipts if r.cadence == "weekly"] == [4]
