"""Consent histories in a CSV file: whole for somebody new, untouched for somebody known, refused where cut."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from subscribers import store
from subscribers.csv.exporting import export_csv
from subscribers.csv.histories import PastEvent, histories_of, history_cell, read_history_cell
from subscribers.csv.importing import ImportReport, ImportRules, import_csv
from subscribers.csv.rows import BadCell
from subscribers.facets import KnownFacets
from subscribers.suppression import is_suppressed, suppress, suppress_keys
from subscribers.tables import subscriber
from tests.counts import POSTGRESQL_LONG, few_and_many, table

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SECRET = b"s" * 32
JO = "jo@town.example"
AT = '"at":"2026-11-02T09:00:00+00:00"'
OLD = (
    "email,name,cadence,policy_areas,regions,themes,elsewhere,language,state,paused_until,joined_at,carry_over,"
    "suppressed"
)


def take(conn: Connection, data: bytes | str, *, dry_run: bool = False) -> ImportReport:
    """Import a file a week later."""
    raw = data.encode() if isinstance(data, str) else data
    rules = ImportRules(
        KnownFacets({"housing": "Housing"}, {"london": "London"}, {}), ("daily", "weekly"), "weekly", SECRET
    )
    return import_csv(conn, io.BytesIO(raw), rules, now=NOW + timedelta(days=7), dry_run=dry_run)


def file_of(conn: Connection) -> bytes:
    """Return the export."""
    stream = io.BytesIO()
    export_csv(conn, stream, secret=SECRET)
    return stream.getvalue()


def row_of(history: str, state: str = "active", suppressed: str = "") -> str:
    """Return a file with one row that has a history."""
    cell = history.replace('"', '""')
    return f'email,state,suppressed,consent_history\n{JO},{state},{suppressed},"{cell}"\n'


def events(conn: Connection) -> list[tuple[str, str]]:
    """Return the history of the only subscriber."""
    person = store.find(conn, JO)
    assert person is not None
    return [(event.what, event.how) for event in histories_of(conn, [person.id]).get(person.id, [])]


@table(
    "cell",
    [
        '[{"what":"added",', "yes", "7", "[7]", "null", "[null]", '["added"]', "[" * 50_000, '{"what":"added"}',
        f'[{{"what":"invented",{AT}}}]', '[{"what":"added"}]', '[{"what":"added","at":"2026-11-02T09:00"}]',
        '[{"what":"added","at":7}]', f'[{{"what":"added",{AT},"how":7}}]', f'[{{"what":"added",{AT},"why":""}}]',
        f'[{{"what":"added",{AT},"words":"Yes"}}]', f'[{{"what":"added",{AT},"words":"Yes","language":"?"}}]',
        f'[{{"what":"added",{AT},"how":"\\u0000"}}]', f'[{{"what":"added",{AT},"how":"\\ud800"}}]',
        f'[{{"what":"added",{AT},"network":"{"1" * 44}"}}]', f'[{{"what":["added"],{AT}}}]',
    ],
)  # fmt: skip
def test_a_cell_that_is_no_history_is_refused_with_its_cure(cell: str) -> None:
    with pytest.raises(BadCell, match="a spreadsheet may have cut it"):
        read_history_cell(cell)


def test_a_cell_holds_a_long_history_whole(conn: Connection) -> None:
    long = [PastEvent("changed", NOW + timedelta(seconds=n), "page") for n in range(4_000)]
    cell = history_cell(long)
    assert len(cell) > 131_072, "longer than Python's own limit of a cell"
    assert take(conn, row_of(cell)).added == 1
    assert len(events(conn)) == 4_000


def test_a_damaged_history_costs_nobody_their_wish_to_leave(conn: Connection) -> None:
    report = take(conn, row_of("[{", "left"))
    assert (report.added, report.refused) == (1, 0)
    assert "nothing else is taken from this line" in str(report.problems[0])
    assert is_suppressed(conn, JO, secret=SECRET) == "left"


def test_who_is_known_keeps_their_own_history(conn: Connection) -> None:
    new = store.NewSubscriber(JO, cadence="weekly")
    store.add(conn, new, how="here", now=NOW, secret=SECRET)
    told = f'[{{"what":"added",{AT},"how":"there"}},{{"what":"unsuppressed",{AT}}}]'
    for dry_run in (True, False):
        report = take(conn, row_of(told), dry_run=dry_run)
        assert report.unchanged == 1
        assert "which stays; 2 of the events in the file are not in it" in str(report.problems[0])
    assert events(conn) == [("added", "here")]


def test_a_history_brings_no_suppressed_address_back(conn: Connection) -> None:
    suppress(conn, JO, "complained", secret=SECRET, now=NOW)
    report = take(conn, row_of(f'[{{"what":"confirmed",{AT}}},{{"what":"unsuppressed",{AT}}}]'))
    assert (report.suppressed, report.added) == (1, 0)
    assert is_suppressed(conn, JO, secret=SECRET) == "complained"


@table(
    "state, told, reason",
    [
        ("left", "left", "left"),
        ("left", "left suppressed unsuppressed", None),
        ("left", "left unsuppressed left", "left"),
        ("active", "left unsuppressed", None),
    ],
)
def test_who_left_is_suppressed_unless_that_was_lifted_since(
    conn: Connection, state: str, told: str, reason: str | None
) -> None:
    nested = conn.begin_nested()
    history = ",".join(f'{{"what":"{what}",{AT},"how":"left"}}' for what in told.split())
    assert take(conn, row_of(f"[{history}]", state)).added == 1
    assert is_suppressed(conn, JO, secret=SECRET) == reason
    assert [what for what, _ in events(conn)] == told.split()
    assert take(conn, file_of(conn)).unchanged == 1
    assert is_suppressed(conn, JO, secret=SECRET) == reason
    nested.rollback()


@POSTGRESQL_LONG
def test_the_file_of_an_older_version_is_imported_as_before(conn: Connection) -> None:
    row = f"{JO},Jo,daily,housing,london,,no,cy,active,2027-01-01T00:00:00+00:00,2020-01-01T00:00:00+00:00,no,"
    assert take(conn, f"\ufeff{OLD}\r\n{row}\r\n").problems == []
    person = store.find(conn, JO)
    assert person is not None
    assert (person.silence_notices, person.interests.carry_over, person.paused_until is None) == (True, False, False)
    assert events(conn) == [("imported", "CSV import")]
    assert file_of(conn).decode().splitlines()[1].startswith(row)


@few_and_many(60, 200)
def test_one_row_in_ten_is_junk_and_nobody_suppressed_comes_back(conn: Connection, count: int) -> None:
    chance = random.Random(14)
    for number in range(count):
        new = store.NewSubscriber(f"p{number}@town.example", cadence="weekly", name=f"=P{number}")
        store.add(conn, new, how="t", now=NOW, secret=SECRET)
    lines = file_of(conn).split(b"\r\n")
    spoil = (
        lambda line: line[: len(line) // 3], lambda line: b'"' + line, lambda line: b"\x00" + line,
        lambda line: line.replace(b"@", b" at ", 1), lambda line: line + b",x,y",
        lambda _line: chance.randbytes(50).replace(b"\n", b"").replace(b"\r", b""),
    )  # fmt: skip
    for number in range(5, count, 10):
        lines[number] = spoil[number // 10 % len(spoil)](lines[number])
    for number in range(count):
        store.forget(conn, number + 1, now=NOW, secret=SECRET)
    conn.exec_driver_sql("DELETE FROM suppression")
    stopped = {f"p{number}@town.example": "complained" for number in range(0, count, 7)}
    suppress_keys(conn, stopped, secret=SECRET, now=NOW)
    report = take(conn, b"\r\n".join(lines))
    assert report.refused == count // 10
    active = conn.scalars(select(subscriber.c.email_key).where(subscriber.c.state == "active")).all()
    assert len(active) == report.added > count * 0.7
    assert not set(active) & stopped.keys()
