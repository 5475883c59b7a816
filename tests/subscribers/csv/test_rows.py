from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.csv.lines import LONGEST_LINE
from subscribers.csv.rows import CsvRow, RowProblem, guarded, read_rows, unguarded
from subscribers.errors import BadFile
from tests.counts import table

HEAD = "email,name\n"


def read(data: str | bytes) -> list[CsvRow | RowProblem]:
    return list(read_rows(io.BytesIO(data.encode() if isinstance(data, str) else data)))


def pairs(data: str | bytes) -> list[tuple[int, str, str]]:
    return [
        (row.line, row.cells.get("email", ""), row.cells.get("name", ""))
        for row in read(data)
        if isinstance(row, CsvRow)
    ]


def problems(data: str | bytes) -> list[str]:
    return [str(row) for row in read(data) if isinstance(row, RowProblem)]


ONE = [(2, "jo@town.example", "Zoë")]


@table(
    "data",
    [
        "email,name\njo@town.example,Zoë\n",
        "email,name\njo@town.example,Zoë",
        "email,name\r\njo@town.example,Zoë\r\n",
        "email,name\rjo@town.example,Zoë\r",
        "\ufeffemail,name\njo@town.example,Zoë\n",
        '\ufeff"email","name"\n"jo@town.example","Zoë"\n',
        " E-Mail ,NAME\njo@town.example,Zoë\n".replace("E-Mail", "EMAIL"),
        "name,email\n Zoë , jo@town.example \n",
        "email;name\njo@town.example;Zoë\n",
        "email\tname\njo@town.example\tZoë\n",
        "email|name\njo@town.example|Zoë\n",
        "email,name,,\njo@town.example,Zoë,,,,\n",
    ],
)
@table("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_same_row_however_it_was_saved(data: str, encoding: str) -> None:
    assert pairs(data.encode(encoding)) == ONE
    assert problems(data.encode(encoding)) == []


def test_utf_16_without_a_mark_is_known_by_its_nuls() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert pairs("email,name\njo@town.example,Zoë\n".encode(encoding)) == ONE


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_an_old_encoding_is_read_with_one_remark(encoding: str) -> None:
    data = "email,name\njo@town.example,Zoë\nal@town.example,Renée\n".encode(encoding)
    assert pairs(data) == [*ONE, (3, "al@town.example", "Renée")]
    (remark,) = problems(data)
    assert remark.startswith("line 2: not UTF-8, read as Windows-1252") and "UTF-8" in remark


def test_one_odd_byte_garbles_nothing_else() -> None:
    data = "email,name\njo@town.example,Zoë\n".encode() + "al@town.example,“Al”\n".encode("cp1252")
    assert pairs(data) == [*ONE, (3, "al@town.example", "“Al”")]


def test_excels_own_delimiter_line() -> None:
    assert pairs("sep=;\nemail;name\njo@town.example;Zoë\n") == [(3, "jo@town.example", "Zoë")]


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert pairs("\n\nemail,name\n\n,\n  ,  \njo@town.example,Zoë\n\n") == [(7, "jo@town.example", "Zoë")]


def test_quoted_commas_quotes_and_new_lines() -> None:
    data = 'email,name\njo@town.example,"Smith, ""Jo""\r\nof Town"\nal@town.example,Al\n'
    assert pairs(data) == [(2, "jo@town.example", 'Smith, "Jo"\nof Town'), (4, "al@town.example", "Al")]


def test_an_open_quotation_mark_costs_its_own_line_only() -> None:
    data = HEAD + 'jo@town.example,"Jo\n' + "".join(f"p{n}@town.example,P\n" for n in range(200))
    assert problems(data) == ["line 2: a quotation mark stands alone; close it, or double it inside a quoted cell"]
    assert len(pairs(data)) == 200
    assert [line for line, *_ in pairs(data)] == list(range(3, 203))


def test_many_open_quotation_marks_cost_their_own_lines() -> None:
    data = HEAD + "".join(f'p{n}@town.example,"P\nq{n}@town.example,Q\n' for n in range(30))
    good = {email for _, email, _ in pairs(data)}
    assert good == {f"q{n}@town.example" for n in range(30)}
    assert len(problems(data)) == 30


@table(
    "data",
    [
        'email, name\njo@town.example, "Ash, Ann"\n',
        '"email" ; "name"\n"jo@town.example" ; "Ash, Ann"\n',
        'email,name\n "jo@town.example"  ,   "Ash, Ann"   \n',
        'email\tname\njo@town.example\t "Ash, Ann" \n',
        'name,email\n"Ash, Ann" ,jo@town.example\n',
    ],
)
def test_spaces_beside_quotation_marks_are_no_part_of_a_cell(data: str) -> None:
    assert pairs(data) == [(2, "jo@town.example", "Ash, Ann")]
    assert problems(data) == []


@pytest.mark.parametrize("space", ["\t", "\u00a0", " \t"])
def test_an_odd_space_before_a_quotation_mark_refuses_the_whole_row(space: str) -> None:
    data = f'email,name\njo@town.example,{space}"Bob"\nal@town.example,Al\n'
    assert pairs(data) == [(3, "al@town.example", "Al")]
    assert problems(data) == ["line 2: a tab or an unusual space stands before a quotation mark; remove it"]


def test_a_quotation_mark_inside_a_cell_is_text() -> None:
    assert pairs(HEAD + 'jo@town.example,5" Jo\n') == [(2, "jo@town.example", '5" Jo')]


@table(
    "row, said",
    [
        ("jo@town.example,J\x00o", "NUL"),
        ("jo\x00@town.example,Jo", "NUL"),
        ("jo@town.example,Jo,more", "3 cells, but the first line names 2"),
        ("jo@town.example,Jo;" + "x" * LONGEST_LINE, "far too long"),
        ('"jo@town.example"x,Jo', "quotation mark"),
        ('jo@town.example,"Jo', "quotation mark"),
    ],
)
def test_a_bad_line_is_refused_by_number_and_the_next_is_read(row: str, said: str) -> None:
    (problem,) = problems(HEAD + row + "\nal@town.example,Al\n")
    assert problem.startswith("line 2: ") and said in problem and "town.example" not in problem
    assert pairs(HEAD + row + "\nal@town.example,Al\n") == [(3, "al@town.example", "Al")]


def test_unknown_columns_are_said_and_left_out() -> None:
    data = "email,Phone number,name\njo@town.example,0123,Jo\n"
    (remark,) = problems(data)
    assert "'phone_number'" in remark and "policy_areas" in remark
    assert pairs(data) == [(2, "jo@town.example", "Jo")]
    assert [row.refused for row in read(data) if isinstance(row, RowProblem)] == [False]


@table(
    "data, said",
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"name,cadence\nJo,weekly\n", r"no column 'email' \(found 'name', 'cadence'\); name the column"),
        (b"jo@town.example,Jo\n", "no column names"),
        (b"email,name,EMAIL\n", "'email' is there twice"),
        (b"PK\x03\x04 and so on", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0 and so on", "spreadsheet"),
        (b"\x00" * 100, "no column 'email'"),
        (b"\xff\xfe", "empty"),
        (b"sep=;\n", "email"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_cure(data: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said) as caught:
        read(data)
    assert "town.example" not in str(caught.value)


class _Dribble(io.RawIOBase):
    """A stream that hands over at most `size` bytes a read, as a pipe does."""

    def __init__(self, data: bytes, size: int) -> None:
        self.rest, self.size = data, size

    def read(self, size: int = -1) -> bytes:
        part, self.rest = self.rest[: self.size], self.rest[self.size :]
        return part


@table("size", [1, 2, 3, 7])
@table("end", ["\n", "\r\n", "\r"])
def test_where_a_chunk_ends_does_not_matter(size: int, end: str) -> None:
    text = end.join(["email,name", "jo@town.example,Zoë", "", 'al@town.example,"A', 'l"', ""])
    data = text.encode()
    found = list(read_rows(_Dribble(b"\xef\xbb\xbf" + data, max(size, 3))))  # type: ignore[arg-type]
    assert found == read(data)
    assert [row.line for row in found] == [2, 4]


@given(st.binary(max_size=300), st.sampled_from([b"", b"email,name\n", b'email;name\n"', b"\xff\xfee\x00"]))
def test_any_bytes_give_rows_problems_or_one_refusal(data: bytes, head: bytes) -> None:
    lines = [0]
    with contextlib.suppress(BadFile):
        lines = [row.line for row in read(head + data)]
    assert lines == sorted(lines)


@given(st.text(st.sampled_from("=+-@\t\r'＝a ;"), max_size=6))
def test_a_guard_goes_on_and_comes_off(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


@table("cell", ["", "'", "'Tis", "Jo", "O'Neill", "'a'"])
def test_what_people_write_keeps_its_apostrophe(cell: str) -> None:
    assert unguarded(cell) == cell
