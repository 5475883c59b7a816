"""A column that nobody knows refuses the file where it may tell of consent, and is left out where it cannot."""

from __future__ import annotations

import io

import pytest

from subscribers.csv.cells import CellReader
from subscribers.csv.rows import BadCell, CsvRow, read_rows
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets
from tests.counts import table


def read(data: str, **columns: str) -> list[str]:
    """Return the addresses that a file would add, or the reasons why not. Raises BadFile."""
    reader, results = CellReader(KnownFacets({}, {}, {}), ("weekly",)), []
    for row in read_rows(io.BytesIO(data.encode()), columns):
        if isinstance(row, CsvRow):
            try:
                changes = reader.read(row)
                results.append(changes.stops or changes.address.email)
            except BadCell as error:
                results.append(str(error))
    reader.unknown.check()
    return results


@table(
    "name, cells",
    [
        ("Post to?", "N"), ("nosend", "1"), ("Member?", "J N J"), ("Ok for us", "O N"), ("Wants it", "S N"),
        ("Code", "0 1 0"), ("Mark", "x _ _"), ("Ticked", "\u2713 _"), ("Heard", "t f"), ("Light", "on off"),
        ("Answer", "Yep nope"), ("Marks", "U"), ("Valid", "N"), ("VIP", "Y"), ("Account", "closed open"), ("", "N Y"),
        ("Survey", "1 2"), ("Done", "2024-05-01"), ("Talked", "01/02/2024"), ("Day", "20240501"), ("Date", "1.2.24"),
        ("exit date", "_"), ("end_date", "_"), ("Send", "_"), ("flags", "_"), ("Alive", "_"), ("Resigned on", "_"),
        ("Comment", "fine"), ("Internal notes", "a"), ("Bemerkungen", "b"), ("Opmerking", "c"),
        ("Job title", "Deceased"),
    ],
)  # fmt: skip
def test_a_column_that_may_tell_refuses_the_file(name: str, cells: str) -> None:
    rows = "".join(f"p{number}@x.example,{cell.strip('_')}\n" for number, cell in enumerate(cells.split()))
    with pytest.raises(BadFile, match=r"may tell who must not be mailed.*--map"):
        read(f"email,{name}\n{rows}")
    assert "p0@x.example" in read(f"email,{name}\n{rows}", **{name or "column 2": "ignore"})


@table(
    "name, cells",
    [
        ("Opens", "0 1 2"), ("Orders", "12 7"), ("Created", "2024-05-01"), ("Birthday", "1990-01-02"), ("", "_"),
        ("last seen", "2024-05-01"), ("Date joined", "01/02/2024"), ("Gender", "F M F"), ("Town", "Leeds York"),
        ("Initials", "A B C"), ("Year", "2019 2020"), ("Job title", "Bereavement_and_Deceased_Estates_Officer"),
        ("Organisation", "Stop_Abuse_CIC Left_Bank"), ("Role", "Spam_complaints_lead"), ("id", "1 0"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_tell_is_left_out(name: str, cells: str) -> None:
    rows = "".join(f"p{number}@x.example,{cell.replace('_', ' ')}\n" for number, cell in enumerate(cells.split()))
    assert len(read(f"email,{name}\n{rows}")) == len(cells.split())


def test_all_such_columns_are_named_at_once_and_nobody_who_is_left_alone_counts() -> None:
    with pytest.raises(BadFile, match=r"line 2: column 'keen' holds 'N'; line 3: column 'memo' holds 'x'.*each of"):
        read("email,Keen,Memo\na@x.example,N,\nb@x.example,Y,x\n")
    assert read("email,Keen,state\na@x.example,N,left\n") == ["left"]


@table(
    "data, word",
    [
        ("email\n#b@x.example\n", "struck off"),
        ("email\n-c@x.example\n", "struck off"),
        ("email\n*d@x.example\n", "struck off"),
        ("email\n!e@x.example\n", "struck off"),
        ("name,email\n#Ann,a@x.example\n", "struck off"),
        ("name,email\n//Ann,a@x.example\n", "struck off"),
        ("email,name,state\na@x.example,Ann\n", "ends before column 'state'"),
        ("email,name,unsubscribed\na@x.example\n", "ends before column 'unsubscribed'"),
        ("email,name,bounced\na@x.example,\n", "ends before column 'bounced'"),
        ("email,subscribed\na@x.example,\u2717\n", "does not tell"),
        ("email,unsubscribed,bounced\na@x.example,yes\n", "left"),
        ("email,unsubscribed\na@x.example,\u2713\n", "left"),
        ("email\n<#b@x.example>\n", "#b@x.example"),
        ("email,name\n+b@x.example,-\n", "+b@x.example"),
        ("id,email\n#12,a@x.example\n", "a@x.example"),
    ],
)
def test_a_row_that_is_struck_off_or_too_short_is_refused(data: str, word: str) -> None:
    (result,) = read(data)
    assert word in result
