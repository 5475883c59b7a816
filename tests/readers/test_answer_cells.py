"""Answers to entries in the CSV file of subscribers: what is exported comes back, and what has no entry is told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select

from digest.commands.csv_files import import_people
from digest.readers.answer_cells import AnswerCells, answer_cell, read_answer_cell
from digest.store.answer_rows import AnswerRow, EntryName
from digest.store.engine import reading, writing
from digest.store.reader_tables import answer
from digest.store.schema import entry
from subscribers import store as people
from subscribers.csv.exporting import export_csv
from tests.counts import few_and_many, table
from tests.house import START, House

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_ROW = st.builds(
    AnswerRow,
    st.builds(EntryName, _TEXT, _TEXT.filter(bool), _TEXT, _TEXT),
    st.sampled_from(["useful", "not-for-me", "tried"]), _TEXT, _TEXT, st.booleans(),
    st.sampled_from(["waiting", "accepted", "aside"]), st.just(START), _TEXT, st.none() | st.just(START),
)  # fmt: skip


@few_and_many(20, 500)
def test_a_cell_keeps_every_answer(count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(st.lists(_ROW, max_size=3))
    def check(rows: list[AnswerRow]) -> None:
        cell = answer_cell(rows)
        assert read_answer_cell(cell) == rows
        assert AnswerCells().problem(cell) == ""

    check()


@table(
    "cell",
    [
        '[{"kind":"useful"', "useful", "7", "[7]", '["x"]', "[null]", '[{"kind":"useful"}]', "[" * 100_000,
        '[{"source":"s","guid":"g","kind":"loved","state":"waiting","at":"2026-11-02T09:00:00+00:00"}]',
        '[{"source":"s","guid":"g","kind":"useful","state":"gone","at":"2026-11-02T09:00:00+00:00"}]',
        '[{"source":"s","guid":"g","kind":"useful","state":"waiting","at":"2026-11-02"}]',
        '[{"source":"s","guid":"g","kind":"useful","state":"waiting","at":7}]',
        '[{"source":"s","guid":"","kind":"useful","state":"waiting","at":"2026-11-02T09:00:00+00:00"}]',
        '[{"source":"s","guid":"\\u0000","kind":"useful","state":"waiting","at":"2026-11-02T09:00:00+00:00"}]',
        '[{"source":"s","guid":"\\ud800","kind":"useful","state":"waiting","at":"2026-11-02T09:00:00+00:00"}]',
        '[{"source":"s","guid":"g","more":1,"kind":"useful","state":"waiting","at":"2026-11-02T09:00:00+00:00"}]',
    ],
)  # fmt: skip
def test_a_cell_that_is_none_is_refused_with_its_cure(cell: str) -> None:
    assert "take it from the export again" in AnswerCells().problem(cell)


@pytest.fixture
def house(pipeline_url: str, tmp_path: Path) -> Iterator[House]:
    """A house with two readers, three entries, and answers to them."""
    made = House(tmp_path / "house", pipeline_url)
    for name in ("ann", "bob"):
        made.reader(f"{name}@example.org")
    made.run()
    for number in range(3):
        made.publish(f"Note {number}", link=f"https://example.org/{number}")
    made.run(days=4)
    with writing(made.place.engine) as conn:
        _answer_all(conn, made)
    yield made
    made.close()


def _answer_all(conn: Connection, house: House) -> None:
    entries = conn.scalars(select(entry.c.id).order_by(entry.c.id)).all()
    given = (("useful", ""), ("not-for-me", "too long\n=1"), ("tried", "We did, too."))
    for number, kind, text in ((number, *each) for number, each in zip(entries, given, strict=True)):
        values = {"subscriber_id": 1, "entry_id": number, "kind": kind, "text": text, "place": "Fife",
                  "named": kind == "tried", "state": "accepted" if kind == "tried" else "waiting",
                  "answered_at": house.now, "decided_by": "Ann" if kind == "tried" else "",
                  "decided_at": house.now if kind == "tried" else None}  # fmt: skip
        conn.execute(answer.insert().values(values))


def _file(house: House) -> bytes:
    stream = io.BytesIO()
    with reading(house.place.engine) as conn:
        export_csv(conn, stream, secret=house.place.secret, answers=AnswerCells())
    return stream.getvalue()


@pytest.mark.long
def test_answers_are_taken_where_their_entries_are_and_told_where_not(house: House) -> None:
    before = _file(house)
    assert before.count(b"too long") == 1
    again = import_people(house.place, io.BytesIO(before))
    assert (again.unchanged, again.problems, _file(house)) == (2, [], before)
    with writing(house.place.engine) as conn:
        conn.execute(delete(answer))
    rehearsed = import_people(house.place, io.BytesIO(before), dry_run=True)
    assert (rehearsed.problems, b"too long" in _file(house)) == ([], False)
    assert import_people(house.place, io.BytesIO(before)).problems == []
    assert _file(house) == before
    with writing(house.place.engine) as conn:
        conn.execute(delete(answer))
        conn.execute(
            entry.update().where(entry.c.title == "Note 1").values(guid="other", url="https://other.example")
        )
    [told] = import_people(house.place, io.BytesIO(before)).problems
    assert "answers to entries that are not here are left out: 1, such as to https://example.org/1" in str(told)
    assert _file(house).count(b"useful") == before.count(b"useful")


@pytest.mark.long
def test_answers_of_somebody_new_come_with_them(house: House) -> None:
    before = _file(house)
    with writing(house.place.engine) as conn:
        for number in (1, 2):
            people.forget(conn, number, now=house.now + timedelta(hours=1), secret=house.place.secret)
        conn.exec_driver_sql("DELETE FROM suppression")
    assert import_people(house.place, io.BytesIO(before)).added == 2
    assert _file(house) == before
