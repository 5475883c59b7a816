from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from subscribers import store
from subscribers.csv.actions import row_action
from subscribers.csv.cells import BadCell, CellReader, RowChanges
from subscribers.csv.importing import ImportReport, ImportRules, _Import, import_csv
from subscribers.csv.rows import CsvRow
from subscribers.errors import BadFile, BadSecret
from subscribers.facets import KnownFacets
from subscribers.model import Interests, Subscriber
from subscribers.suppression import is_suppressed, suppress
from subscribers.tables import consent_event, suppression
from tests.counts import POSTGRESQL_LONG, spread, table

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
SECRET = b"s" * 32
HEAD = "email,name,cadence,policy_areas,regions,themes\n"


@pytest.fixture
def load(conn: Connection, facets: KnownFacets) -> Any:
    def run(data: str | bytes, secret: bytes = SECRET, now: datetime = NOW, **more: Any) -> ImportReport:
        stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
        return import_csv(conn, stream, rules(facets, secret), now=now, **more)

    return run


def rules(facets: KnownFacets, secret: bytes = SECRET) -> ImportRules:
    return ImportRules(facets, ("daily", "weekly", "monthly"), default_cadence="weekly", secret=secret)


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.refused, report.suppressed


def lines(report: ImportReport) -> list[str]:
    return [str(problem) for problem in report.problems]


def test_good_rows_land_and_bad_ones_are_listed(conn: Connection, load: Any) -> None:
    report = load(
        HEAD
        + "jo@town.example,Jo Smith,Daily,housing; Policing & Crime ,South West;LONDON,risk_and_trust\n"
        + "no address,X,weekly,,,\n"
        + "al@town.example,Al,weekly,housng,,\n"
        + "bo@town.example,Bo,fortnightly,,,\n"
        + "cy@town.example,,,,,\n"
        + "di@town.example,Di,weekly,,Narnia,\n"
        + "ed@town.example,Ed,weekly,,,ed@town.example\n"
    )
    assert counts(report) == (2, 0, 0, 5, 0) and report.rows == 7
    assert lines(report) == [
        "line 3: not a valid address: An email address must have an @-sign.",
        "line 4: policy area 'housng' is not in config.toml; did you mean 'housing'?",
        "line 5: cadence 'fortnightly' is not known; use one of daily, weekly, monthly",
        "line 7: region 'Narnia' is unknown; known: south-west, london, national",
        "line 8: theme (hidden: it looks like an address) is not in config.toml; known: leadership, risk-and-trust",
    ]
    jo = store.find(conn, "jo@town.example")
    assert jo is not None
    assert (jo.name, jo.cadence, jo.state, jo.joined_at) == ("Jo Smith", "daily", "active", NOW)
    assert jo.interests == Interests(
        frozenset({"housing", "policing-crime"}), frozenset({"south-west", "london"}), frozenset({"risk-and-trust"})
    )
    assert [(one.what, one.how) for one in store.history(conn, jo.id)] == [("imported", "CSV import")]
    cy = store.find(conn, "cy@town.example")
    assert cy is not None and cy.cadence == "weekly" and cy.interests == Interests() and cy.language == "en"


def test_no_problem_line_holds_an_address(load: Any) -> None:
    report = load(
        "email,name,cadence,language,state,paused_until,elsewhere\n"
        + "canary@town,,,,,,\n"
        + "canary one@town.example,,,,,,\n"
        + "a@town.example,,canary@town.example,,,,\n"
        + "a@town.example,,,canary@town.example,,,\n"
        + "a@town.example,,,,canary@town.example,,\n"
        + "a@town.example,,,,,canary@town.example,\n"
        + "a@town.example,,,,,,canary@town.example\n"
        + "canary@town.example,,,,,,\n"
        + "canary@town.example,,,,,,\n"
    )
    assert len(lines(report)) == 8
    assert not any("canary" in line or "town" in line for line in lines(report))


def test_a_report_line_cannot_play_with_the_terminal(load: Any) -> None:
    (line,) = lines(load(HEAD + "jo@town.example,,\x1b[2J\x07weekly,,,\n"))
    assert line.isprintable()


def test_a_second_import_changes_nothing_and_a_blank_cell_wipes_nothing(conn: Connection, load: Any) -> None:
    row = "jo@town.example,Jo,daily,housing,london,leadership\n"
    load(HEAD + row)
    before = store.find(conn, "jo@town.example")
    assert counts(load(HEAD + row, now=LATER)) == (0, 0, 1, 0, 0)
    assert counts(load("email\nJO@Town.Example\n", now=LATER)) == (0, 0, 1, 0, 0)
    assert counts(load(HEAD + "jo@town.example,,,,,\n", now=LATER)) == (0, 0, 1, 0, 0)
    assert store.find(conn, "jo@town.example") == before
    assert len(conn.execute(select(consent_event)).all()) == 1


def test_a_later_import_changes_what_it_says_and_no_more(conn: Connection, load: Any) -> None:
    load(HEAD + "jo@town.example,Jo,daily,housing,london,leadership\n")
    report = load(
        "email,policy_areas,regions,elsewhere,paused_until\njo@town.example,public-health,ALL,no,2027-01-31\n",
        now=LATER,
    )
    assert counts(report) == (0, 1, 0, 0, 0)
    jo = store.find(conn, "jo@town.example")
    assert jo is not None
    assert jo.interests == Interests(
        frozenset({"public-health"}), frozenset(), frozenset({"leadership"}), elsewhere=False
    )
    assert (jo.name, jo.cadence, jo.joined_at) == ("Jo", "daily", NOW)
    assert jo.paused_until == datetime(2027, 1, 31, tzinfo=UTC)
    assert [one.what for one in store.history(conn, jo.id)] == ["imported", "changed"]


def test_nobody_who_left_or_is_suppressed_comes_back(conn: Connection, load: Any) -> None:
    load("email\njo@town.example\nal@town.example\ner@town.example\n")
    jo, al, er = (store.find(conn, f"{name}@town.example") for name in ("jo", "al", "er"))
    assert jo and al and er
    left = store.leave(conn, jo.id, how="page", now=NOW, secret=SECRET)
    suppress(conn, al.email, "bounced", secret=SECRET, now=NOW)
    store.forget(conn, er.id, now=NOW, secret=SECRET)
    suppress(conn, "stranger@town.example", "complained", secret=SECRET, now=NOW)
    report = load(
        "email,state,cadence\njo@town.example,active,daily\nAL@town.example,active,daily\n"
        "er@town.example,,\nStranger@town.example,active,\nnew@town.example,,\n",
        now=LATER,
    )
    assert counts(report) == (1, 0, 0, 0, 4)
    assert lines(report) == [
        "line 2: must not be mailed (left); nothing changed",
        "line 3: must not be mailed (bounced); nothing changed",
        "line 4: must not be mailed (erased); not added",
        "line 5: must not be mailed (complained); not added",
    ]
    assert store.get(conn, jo.id) == left
    assert store.get(conn, al.id) == al
    assert store.find(conn, "er@town.example") is None and store.find(conn, "stranger@town.example") is None
    # Not even when the row itself knows of it: an erased person's row does not come back from an old file.
    assert counts(load("email,state\ner@town.example,left\n")) == (0, 0, 0, 0, 1)
    assert store.find(conn, "er@town.example") is None


def test_an_import_takes_a_leaving_and_cannot_confirm(conn: Connection, load: Any) -> None:
    load("email,state\njo@town.example,\nal@town.example,pending\nbo@town.example,left\n")
    assert is_suppressed(conn, "bo@town.example", secret=SECRET) == "left"
    report = load("email,state\njo@town.example,left\nal@town.example,active\nbo@town.example,left\n", now=LATER)
    assert counts(report) == (0, 1, 2, 0, 0)
    assert lines(report) == ["line 3: has not confirmed yet; stays pending"]
    states = {one.email: (one.state, one.joined_at) for one in store.stream(conn, state=None)}
    assert states == {
        "jo@town.example": ("left", NOW),
        "al@town.example": ("pending", None),
        "bo@town.example": ("left", None),
    }
    assert is_suppressed(conn, "jo@town.example", secret=SECRET) == "left"


@pytest.mark.parametrize("apart", spread(1, [0, 1500]))
def test_of_two_lines_with_one_address_the_first_counts_but_leaving_always_does(
    conn: Connection, load: Any, apart: int
) -> None:
    between = "".join(f"p{n}@town.example,,\n" for n in range(apart))
    report = load(
        "email,name,state\njo@town.example,First,\nal@town.example,Al,\n"
        + between
        + "JO@Town.Example,Second,\nal@town.example,,left\n"
    )
    assert counts(report) == (2 + apart, 0, 0, 2, 0)
    assert lines(report) == [
        f"line {4 + apart}: the same address as line 2, which counts",
        f"line {5 + apart}: the same address as line 3, which counts; only the leaving is taken from this line",
    ]
    jo, al = store.find(conn, "jo@town.example"), store.find(conn, "al@town.example")
    assert jo and al
    assert (jo.name, jo.state) == ("First", "active")
    assert (al.name, al.state) == ("Al", "left")
    assert is_suppressed(conn, "al@town.example", secret=SECRET) == "left"


def test_a_refused_line_does_not_take_the_address(conn: Connection, load: Any) -> None:
    report = load("email,cadence\njo@town.example,hourly\njo@town.example,daily\n")
    assert counts(report) == (1, 0, 0, 1, 0)


def test_a_dry_run_says_the_same_and_writes_nothing(conn: Connection, load: Any) -> None:
    load("email\nold@town.example\n")
    before = store.stream(conn, state=None)
    data = "email,cadence,state\njo@town.example,daily,\nold@town.example,daily,left\nx,,\njo@town.example,,left\n"
    rehearsal = load(data, dry_run=True)
    assert store.stream(conn, state=None) == before
    assert conn.execute(select(suppression)).all() == []
    assert len(conn.execute(select(consent_event)).all()) == 1
    assert load(data) == rehearsal
    assert counts(rehearsal) == (1, 1, 0, 2, 0)


def test_someone_added_by_another_process_meanwhile_is_left_alone(conn: Connection, facets: KnownFacets) -> None:
    run = _Import(conn, rules(facets), NOW, dry_run=False)
    run.take(_wanted())
    decided = {key: row_action(wanted, None, None, DEFAULTS, NOW) for key, wanted in run.batch.items()}
    theirs = store.add(
        conn, store.NewSubscriber("jo@town.example", cadence="daily"), how="page", now=LATER, secret=SECRET
    )
    assert run._write(decided, {}) == {}
    assert lines(run.report) == ["line 2: was added by someone else just now; import it again"]
    assert store.stream(conn) == [theirs]
    assert [one.how for one in store.history(conn, theirs.id)] == ["page"]


def test_a_file_that_cannot_be_used_changes_nothing(conn: Connection, load: Any) -> None:
    load("email\njo@town.example\n")
    with pytest.raises(BadFile, match="no column 'email'"):
        load("post,name\nal@town.example,Al\n")
    assert store.count(conn) == 1


def test_another_secret_stops_the_import(conn: Connection, load: Any) -> None:
    load("email,state\njo@town.example,left\n")
    with pytest.raises(BadSecret):
        load("email\njo@town.example\n", secret=b"t" * 32)


@pytest.mark.long
@POSTGRESQL_LONG
def test_progress_is_told_and_batches_do_not_show(conn: Connection, load: Any) -> None:
    told: list[int] = []
    rows = "".join(f"p{n}@town.example\n" if n % 10 else "x\n" for n in range(3_300))
    report = load("email\n" + rows, progress=told.append)
    assert counts(report) == (2_970, 0, 0, 330, 0)
    assert told == sorted(told) and told[-1] == 3_300 and len(told) == 3
    assert store.count(conn) == 2_970


@pytest.mark.long
@POSTGRESQL_LONG
def test_only_so_many_problems_are_kept_but_all_are_counted(conn: Connection, load: Any) -> None:
    report = load("email\n" + "x\n" * 10_050)
    assert (report.refused, len(report.problems), report.unlisted) == (10_050, 10_000, 50)


def test_the_semicolon_file_of_a_continental_spreadsheet(conn: Connection, load: Any) -> None:
    report = load('email;policy_areas\njo@town.example;"housing;public-health"\nal@town.example;housing;london\n')
    assert counts(report) == (1, 0, 0, 1, 0)
    assert "quote a cell" in lines(report)[0]


def test_a_display_name_in_the_address_cell_is_used(conn: Connection, load: Any) -> None:
    load('email,name\n"Smith, Jo <jo@town.example>",\n"""Smith, Al"" <al@town.example>",\nBo <bo@town.example>,Bob\n')
    assert {one.email: one.name for one in store.stream(conn)} == {
        "al@town.example": "Smith, Al",
        "bo@town.example": "Bob",
    }


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("elsewhere", "perhaps", "neither yes nor no"),
        ("carry_over", "perhaps", "carry_over 'perhaps' is neither yes nor no"),
        ("language", "English please", "language code"),
        ("state", "gone", "use one of pending, active, left"),
        ("paused_until", "31/12/2026", "write it like 2026-12-31"),
        ("joined_at", "9999-12-31T23:59-12:00", "write it like 2026-12-31"),
        ("suppressed", "tired", "use one of left"),
    ],
)
def test_each_odd_cell_is_named_with_its_cure(facets: KnownFacets, column: str, cell: str, said: str) -> None:
    with pytest.raises(BadCell, match=said):
        CellReader(facets, ("daily",)).read(CsvRow(2, {"email": "jo@town.example", column: cell}))


@pytest.mark.proof
def test_a_hundred_thousand_rows_of_which_every_tenth_is_junk(conn: Connection, load: Any) -> None:
    """Not timed here (benchmarks/): that it goes through, with every row accounted for."""
    rows = (f"p{n}@town{n % 50}.example,daily,housing\n" if n % 10 else f"{n},,\n" for n in range(100_000))
    report = load("email,cadence,policy_areas\n" + "".join(rows))
    assert counts(report) == (90_000, 0, 0, 10_000, 0)
    assert store.count(conn, cadence="daily") == 90_000


DEFAULTS = Subscriber(0, "", cadence="weekly")


def _wanted(**said: Any) -> RowChanges:
    from subscribers.addresses import parse_address

    return RowChanges(2, parse_address("jo@town.example"), **said)


@table(
    "state, reason, said, outcome, after",
    [
        (None, None, {}, "added", "active"),
        (None, None, {"state": "pending"}, "added", "pending"),
        (None, None, {"state": "left"}, "added", "left"),
        (None, "left", {}, "suppressed", None),
        (None, "erased", {"state": "left"}, "suppressed", None),
        (None, None, {"suppressed": "bounced"}, "added", "active"),
        ("active", None, {}, "unchanged", None),
        ("active", None, {"state": "pending"}, "unchanged", None),
        ("active", None, {"state": "left"}, "changed", "left"),
        ("active", None, {"cadence": "daily"}, "changed", "active"),
        ("active", None, {"suppressed": "bounced"}, "changed", None),
        ("active", "bounced", {"suppressed": "bounced"}, "unchanged", None),
        ("active", "bounced", {"cadence": "daily"}, "suppressed", None),
        ("active", "bounced", {"state": "left"}, "changed", "left"),
        ("pending", None, {"state": "active"}, "unchanged", None),
        ("pending", None, {"state": "left"}, "changed", "left"),
        ("left", "left", {"state": "active"}, "suppressed", None),
        ("left", "left", {"state": "left"}, "unchanged", None),
        ("left", None, {"state": "active"}, "suppressed", None),
        ("left", None, {"cadence": "daily"}, "suppressed", None),
    ],
)
def test_what_a_row_comes_to(
    state: str | None, reason: str | None, said: dict[str, Any], outcome: str, after: str | None
) -> None:
    stored = None if state is None else Subscriber(1, "jo@town.example", state=state)
    decision = row_action(_wanted(**said), stored, reason, DEFAULTS, NOW)
    assert decision.outcome == outcome
    assert (decision.after.state if decision.after else None) == after
