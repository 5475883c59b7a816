"""Old things go with a run, and nothing goes that is still needed: receipts, who had what, doubts, the clock."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from digest.config.load import load
from digest.desk import edit, receipts
from digest.desk.explain import Explanation, explain
from digest.desk.preview import preview
from digest.errors import ConfigError
from digest.operations.clock import accept_clock
from digest.operations.doctor import examine
from digest.operations.kept import what_is_kept
from digest.operations.retention import retain
from digest.store import entries, entry_texts, old_rows
from digest.store.engine import reading, writing
from digest.store.entry_texts import PageText
from digest.store.schema import delivery, edition, event, gathering, had, notice, run, tally
from digest.web.letters import LetterPages, NoLetter
from subscribers import store as people
from subscribers.model import Interests
from tests.console import digest
from tests.house import ANN, CONFIG, START, House
from tests.kills import books

LATER = timedelta(days=410)


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    """A house with two Fridays behind it, and letters to three readers."""
    here = House(tmp_path / "house", pipeline_url)
    here.run()
    for name, cadence in (("ann", "weekly"), ("bob", "weekly"), ("dan", "daily")):
        here.reader(f"{name}@example.org", cadence)
    here.reader("eve@example.org", interests=Interests(frozenset({"transport"})))
    for number, days in (("One", 4), ("Two", 7)):
        here.publish(number)
        here.run(days=days)
    yield here
    here.close()


def rows(house: House) -> dict[str, int]:
    with reading(house.place.engine) as conn:
        books.accounts(conn)
        tables = (delivery, had, tally, run, gathering, event, notice)
        return {table.name: conn.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def account(house: House, number: int) -> dict[str, Any]:
    document = receipts.account(house.place, number).to_json()
    return {key: value for key, value in document.items() if key not in ("at", "condensed")}


def weekly(house: House) -> list[int]:
    with reading(house.place.engine) as conn:
        return list(conn.scalars(select(edition.c.id).where(edition.c.cadence == "weekly").order_by(edition.c.id)))


@pytest.mark.long
def test_old_deliveries_become_counts_and_who_had_what(house: House) -> None:
    first, doubtful = weekly(house)
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.edition_id == doubtful).values(state="uncertain"))
    before = {number: account(house, number) for number in (first, doubtful)}
    # The letters of the edition in doubt stay, because a run asks whether they are there.
    house.now += timedelta(days=385)
    assert retain(house.place) == ({"letters": 4}, [])
    house.publish("Three")
    # Of each cadence the edition that this run froze is the newest.
    house.believe_clock(days=25)
    removed = house.run().removed
    assert (removed["deliveries"], removed["gatherings"]) == (8 - 3, 3)
    kept = {row.what: (row.count, row.old) for row in what_is_kept(house.place)}
    assert kept["letters had, of condensed deliveries"] == (4, 0) and kept["database"] == (1, 0)
    assert {number: account(house, number) for number in before} == before
    assert (rows(house)["had"], rows(house)["tally"]) == (4, 4)
    doubts = [finding.problem for finding in examine(house.place) if finding.place.startswith(f"edition {doubtful} ")]
    assert doubts == ["3 deliveries are in doubt"]
    assert len(list((house.folder / "letters" / "weekly-2026-11-13").glob("*.eml"))) == 2

    # Nobody gets an entry again, and all answers stay true.
    new = house.reader("new@example.org")
    ann = "ann@example.org"
    where = "edition 2 (weekly 2026-11-06)"
    included = f"included in {where}, handed over (on 2026-11-06): the reason is not kept any more"
    assert explain(house.place, ann, "1")[2] == Explanation("included", (included,))
    assert explain(house.place, ann)[2].reasons[-1] == f"{where}: had (on 2026-11-06); 1 entry"
    not_had = f"not had with {where}; why is not kept any more"
    assert explain(house.place, "eve@example.org", "1")[2] == Explanation("not-kept", (not_had,))
    assert preview(house.place, email=ann, number=2).reason.startswith("they had this letter on 2026-11-06; how it")
    with pytest.raises(NoLetter, match="so old that no copy"):
        LetterPages(house.place.engine, house.place.link_key_file, house.settings).page(house.token("browse", 1, 2))
    assert f"entry 1: 2 readers have had it, with {where}; a letter that has" in "".join(
        edit.drop(house.place, ANN, [1])
    )
    edit.release(house.place, ANN, [1])
    assert house.run(days=7).removed == {}
    with reading(house.place.engine) as conn:
        letters = select(delivery.c.subscriber_id, delivery.c.state).where(delivery.c.updated_at == house.now)
        assert {(row[0] == new, row[1]) for row in conn.execute(letters)} == {(True, "accepted"), (False, "empty")}

    with writing(house.place.engine) as conn:
        people.forget(conn, 1, now=house.now, secret=house.place.secret)
        assert 1 not in set(conn.scalars(select(had.c.subscriber_id)))
    assert account(house, first) == before[first]


@pytest.mark.long
def test_what_an_erased_reader_had_does_not_come_back_with_a_restore(
    tmp_path: Path, begun: Callable[..., House]
) -> None:
    with closing(begun(tmp_path / "house")) as house:
        for name in ("ann", "bob"):
            house.reader(f"{name}@example.org")
        house.publish("One")
        house.run(days=4)
        house.believe_clock(days=410)
        house.run()
        for words in ("db backup copy.db", "subscribers forget --yes ann@example.org", "db restore copy.db"):
            assert digest(house.folder, "--now", house.now.isoformat(), *words.split()).code == 0
        with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
            assert conn.execute("SELECT subscriber_id FROM had").fetchall() == [(2,)]


@pytest.mark.long
def test_runs_that_something_needs_stay(tmp_path: Path, begun: Callable[..., House]) -> None:
    with closing(begun(tmp_path / "house")) as house:
        house.reader("ann@example.org")
        house.publish("One")
        house.run(days=4)  # run 2, which has a receipt in its account
        house.run(hours=1)
        with writing(house.place.engine) as conn:
            # Runs 4 and 5 were killed, the first of them with a claim that is kept.
            ids = list(
                conn.scalars(insert(run).returning(run.c.id), [{"command": "run", "started_at": house.now}] * 2)
            )
            conn.execute(update(delivery).values(run_id=ids[0], state="uncertain"))
            accept_clock(conn, house.now - timedelta(days=30))
            conn.execute(
                insert(notice),
                [
                    {"kind": "test", "address_hash": "", "state": state, "reason": "", "created_at": START,
                     "updated_at": START}
                    for state in ("accepted", "refused", "dropped", "uncertain", "pending")
                ],
            )  # fmt: skip
            conn.execute(
                insert(event),
                [
                    {"provider": "p", "event_id": str(number), "delivery_id": number, "kind": "delivered",
                     "at": START, "received_at": START}
                    for number in (1, 999)
                ],
            )  # fmt: skip
        house.now += LATER
        removed, problems = retain(house.place)
        assert (removed, problems) == ({"runs": 2, "gatherings": 3, "notices": 3, "events": 1}, [])
        with reading(house.place.engine) as conn:
            assert list(conn.execute(select(run.c.id, run.c.command).order_by(run.c.id))) == [
                (1, "run"), (2, "run"), (4, "run"), (6, "clock"),
            ]  # fmt: skip
            assert not old_rows.is_old(conn, gathering, house.now)


@pytest.mark.long
def test_whole_texts_go_and_their_entries_stay(tmp_path: Path, begun: Callable[..., House]) -> None:
    with closing(begun(tmp_path / "house")) as house:
        house.publish("One")
        house.publish("Two")
        house.run(hours=1)
        with writing(house.place.engine) as conn:
            entry_texts.keep(conn, [PageText(1, 1, "Words")], house.now)
            entry_texts.keep(conn, [PageText(2, 1, "Words")], house.now + LATER)
        house.believe_clock(days=410)
        assert {row.what: (row.count, row.old) for row in what_is_kept(house.place)}["whole texts of pages"] == (2, 1)
        assert house.run().removed["texts"] == 1
        with reading(house.place.engine) as conn:
            assert entry_texts.texts_of(conn, [1, 2]) == {2: "Words"}
            assert set(entries.many(conn, [1, 2])) == {1, 2}


@pytest.mark.long
def test_only_files_of_the_program_go(tmp_path: Path, begun: Callable[..., House]) -> None:
    with closing(begun(tmp_path / "house")) as house:
        house.reader("ann@example.org")
        house.publish("One")
        house.run(days=4)
        ours = ["before-20261101T000000", "before-20261101T000000+", "before-20261101T000000-wal"]
        theirs = ["digest.db.before-upgrade", "letters/mine/000001.eml", "letters/weekly-2026-11-06/notes.txt",
                  "digest.db.before-20261210T000000", "digest.db.copy"]  # fmt: skip
        (house.folder / "letters" / "mine").mkdir()
        (house.folder / "letters" / "weekly-2020-01-03").symlink_to(house.folder / "letters" / "mine")
        for name in [*(f"digest.db.{tail}" for tail in ours), *theirs]:
            (house.folder / name).write_text("x")
        # The letter of an edition that the database does not know is as old as its file.
        (house.folder / "letters" / "weekly-2020-01-10").mkdir()
        (house.folder / "letters" / "weekly-2020-01-10" / "000009.eml").write_text("x")
        stale = house.folder / "letters" / "weekly-2020-01-10" / "000009.eml"
        os.utime(stale, (START.timestamp(),) * 2)
        house.believe_clock(days=36)
        assert house.run().removed == {"letters": 2, "copies": 3}
        assert [name for name in theirs if not (house.folder / name).exists()] == []
        left = sorted(path.name for path in (house.folder / "letters").glob("weekly-2026-11-06/*"))
        assert left == ["notes.txt"] and not (house.folder / "letters" / "weekly-2020-01-10").exists()
        told = digest(house.folder, "--now", house.now.isoformat(), "doctor").stdout
        assert "1 replaced database in" in told and "`digest run` deletes those older than 30 days" in told
        assert re.search(r"\n +1  database(?:, .*)? +0.\d MB +for ever", told)


@pytest.mark.long
def test_a_file_that_cannot_be_removed_waits_for_a_person(tmp_path: Path, begun: Callable[..., House]) -> None:
    with closing(begun(tmp_path / "house")) as house:
        (house.folder / "digest.db.before-20250101T000000").mkdir()  # which `unlink` refuses, also for root
        # The first run of the day found nothing too old, so that only one of the next day looks again; and as long as
        # something stays, the next run does too.
        assert house.run(hours=1).waiting == []
        for report in (house.run(days=1), house.run(hours=1)):
            [line] = report.waiting
            assert "before-20250101T000000 is too old and cannot be removed" in line
            assert report.outcome == "needs a person"


def test_limits_are_spans_or_never(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"

    def limits(table: str, environ: dict[str, str] | None = None) -> list[object]:
        config.write_text(CONFIG.format(source="", weekly="") + f"\n[retention]\n{table}")
        retention = load(config, environ or {}).retention
        spans = (retention.runs, retention.deliveries, retention.letters, retention.copies, retention.texts)
        return [span.days if span else None for span in spans]

    assert limits("") == [400, 400, 30, 30, 400]
    assert limits('runs = "never"\ndeliveries = "100 days"\nletters = "1 day"') == [None, 100, 1, 30, 400]
    assert limits("", {"DIGEST_RETENTION__COPIES": "never"}) == [400, 400, 30, None, 400]
    for key, value, least in (
        ("runs", "0", "35 days"),
        ("runs", '"34 days"', "35 days"),
        ("deliveries", '"99 days"', "100 days"),
        ("deliveries", '"forever"', "100 days"),
        ("letters", '"0 days"', "1 day"),
        ("copies", "30", "1 day"),
        ("texts", '"14 days"', "35 days"),
    ):
        with pytest.raises(ConfigError) as caught:
            limits(f"{key} = {value}")
        [problem] = caught.value.problems
        assert problem.startswith(f'config.toml: retention.{key}: write a span of at least "{least}", like'), problem
        assert 'or "never"' in problem
