from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects.sqlite import insert

from subscribers import store
from subscribers.csv.exporting import export_csv
from subscribers.csv.importing import ImportReport, ImportRules, import_csv
from subscribers.database import metadata
from subscribers.facets import KnownFacets
from subscribers.model import Interests, Subscriber
from subscribers.suppression import reasons_for, suppress
from subscribers.tables import REASONS, consent_event, consent_words
from tests.counts import POSTGRESQL_LONG, few_and_many

NOW = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)
SECRET = b"s" * 32
FACETS = KnownFacets(
    {"housing": "Housing", "public-health": "Public health"},
    {"london": "London", "south-west": "South West"},
    {"leadership": "Leadership"},
)


def exported(conn: Connection, secret: bytes | None = SECRET) -> bytes:
    stream = io.BytesIO()
    export_csv(conn, stream, secret=secret)
    return stream.getvalue()


def imported(conn: Connection, data: bytes, now: datetime = NOW + timedelta(days=9)) -> ImportReport:
    rules = ImportRules(FACETS, ("daily", "weekly", "monthly"), default_cadence="monthly", secret=SECRET)
    return import_csv(conn, io.BytesIO(data), rules, now=now)


def people(conn: Connection) -> list[Subscriber]:
    return [replace(one, id=0) for one in store.stream(conn, state=None, limit=10_000)]


def stops(conn: Connection) -> dict[str, str]:
    return reasons_for(conn, SECRET, [one.email.lower() for one in people(conn)])


@contextmanager
def empty() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as conn:
        yield conn
    engine.dispose()


FORMULAS = [
    "=1+1",
    "=HYPERLINK('https://town.example','x')",
    "+44 20 7946 0000",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "'",
    "''",
    "'Tis",
    "＝1",
    '"=1"',
    '=1;"x"',
    ";=1",
    ",=1",
    "=1\n=2",
    "=cmd|' /C calc'!A0",
    "O'Neill",
    '"',
    '""',
    'a"b',
    "a,b;c\td|e",
    "日本 語",
    "مرحبا",
    "=\x00",
    "\x00=1",
    "🙂",
    "-",
]


@POSTGRESQL_LONG
def test_no_cell_is_run_and_every_name_comes_back(conn: Connection) -> None:
    for number, name in enumerate(FORMULAS):
        email = f"=jo{number}@town.example"
        store.add(conn, store.NewSubscriber(email, name=name, cadence="daily"), how="test", now=NOW, secret=SECRET)
    data = exported(conn)
    for row in csv.reader(io.StringIO(data.decode(), newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) and "\x00" not in cell
    with empty() as other:
        assert imported(other, data).added == len(FORMULAS) == 30
        assert people(other) == people(conn)


def test_the_whole_file_as_written(conn: Connection) -> None:
    interests = Interests(frozenset({"public-health", "housing"}), frozenset({"london"}), elsewhere=False)
    one = store.add(
        conn,
        store.NewSubscriber("Jo@town.example", name="Jo", cadence="daily", interests=interests),
        how="t",
        now=NOW,
        secret=SECRET,
    )
    store.pause(conn, one.id, datetime(2027, 1, 1, tzinfo=UTC), how="t", now=NOW)
    suppress(conn, one.email, "bounced", secret=SECRET, now=NOW)
    head = "email,name,cadence,policy_areas,regions,themes,elsewhere,language,state,paused_until,joined_at,carry_over"
    more = "silence_notices,zone,consent_history,entry_answers"
    row = (
        "Jo@town.example,Jo,daily,housing;public-health,london,,no,en,active,"
        "2027-01-01T00:00:00+00:00,2026-11-20T08:30:15.123456+00:00,yes"
    )
    at = "2026-11-20T08:30:15.123456+00:00"
    events = (
        f'[{{"what":"added","at":"{at}","how":"t"}},{{"what":"paused","at":"{at}","how":"t"}},'
        f'{{"what":"suppressed","at":"{at}","how":"bounced"}}]'
    ).replace('"', '""')
    assert exported(conn).decode() == f'{head},suppressed,{more}\r\n{row},bounced,yes,,"{events}",\r\n'
    assert exported(conn, secret=None).decode() == f'{head},{more}\r\n{row},yes,,"{events}",\r\n'


@pytest.mark.long
@POSTGRESQL_LONG
def test_more_than_a_page_comes_out_whole(conn: Connection) -> None:
    imported(conn, b"email\n" + b"".join(b"p%d@town.example\n" % n for n in range(2_345)))
    stream = io.BytesIO()
    assert export_csv(conn, stream, secret=SECRET) == 2_345
    assert len(set(stream.getvalue().splitlines())) == 2_346


_SUBSET = {
    facet: st.frozensets(st.sampled_from(sorted(getattr(FACETS, facet))))
    for facet in ("policy_areas", "regions", "themes")
}
_PERSON = st.fixed_dictionaries(
    {
        "name": st.text(max_size=20) | st.sampled_from(FORMULAS),
        "cadence": st.sampled_from(["daily", "weekly", "monthly"]),
        "interests": st.builds(Interests, **_SUBSET, elsewhere=st.booleans(), carry_over=st.booleans()),
        "language": st.sampled_from(["en", "cy", "zh-Hant-TW"]),
        "state": st.sampled_from(["active", "pending"]),
    }
)
_FATE = st.tuples(
    st.sampled_from(["", "leave", "pause", "leave after a pause", "leave, then come back"]),
    st.none() | st.sampled_from(REASONS),
    st.sampled_from(["", "lift", "silence", "lift silence", "agree"]),
)
_WORDS = st.tuples(st.sampled_from(["en", "cy"]), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
_SPOKEN = st.lists(_WORDS.filter(lambda words: bool(words[1])), min_size=1, max_size=2)


@few_and_many(3, 50)
def test_what_is_exported_comes_back_exactly(count: int) -> None:
    everyone = st.lists(st.tuples(_PERSON, _FATE, _SPOKEN), max_size=6)
    settings(max_examples=count, deadline=None)(given(everyone)(check_export))()


def agree(conn: Connection, id: int, words: list[tuple[str, str]]) -> None:
    """Add a word on a page to a history, as a reader gives it, for each text that was shown."""
    for language, shown in words:
        key = hashlib.blake2b(f"{language} {shown}".encode(), digest_size=8).hexdigest()
        row = insert(consent_words).values(key=key, language=language, text=shown).on_conflict_do_nothing()
        conn.execute(row)
        event = {"subscriber_id": id, "at": NOW, "what": "confirmed", "network": "203.0.113.0/24", "words": key}
        conn.execute(consent_event.insert().values(event))


def check_export(
    everyone: list[tuple[dict[str, object], tuple[str, str | None, str], list[tuple[str, str]]]],
) -> None:
    """Into an empty database nothing is lost; into the same one nothing changes."""
    with empty() as conn, empty() as other:
        for number, (said, (fate, reason, more), words) in enumerate(everyone):
            one = store.add(
                conn,
                store.NewSubscriber(f"+P{number}@town.example", **said),  # type: ignore[arg-type]
                how="test",
                now=NOW + timedelta(hours=number),
                secret=SECRET,
            )
            if "pause" in fate and one.state == "active":
                store.pause(conn, one.id, NOW + timedelta(days=99), how="test", now=NOW)
            if "leave" in fate:
                store.leave(conn, one.id, how="test", now=NOW, secret=SECRET)
            if reason:
                suppress(conn, one.email, reason, secret=SECRET, now=NOW)
            if "lift" in more and stops(conn).get(one.email.lower()):
                store.lift(conn, one.email, how="they asked", force=True, now=NOW, secret=SECRET)
            if "back" in fate and one.email.lower() not in stops(conn):
                store.confirm(conn, one.id, how="form", now=NOW, secret=SECRET)
            stored = store.get(conn, one.id)
            if stored and "silence" in more and stored.state != "left":
                changed = replace(stored, silence_notices=False, zone="America/New_York")
                store.change(conn, changed, how="form", now=NOW)
            if "agree" in more:
                agree(conn, one.id, words)
        data, before, stopped = exported(conn), people(conn), stops(conn)
        report = imported(other, data)
        assert (report.added, report.rows) == (len(everyone), len(everyone))
        assert (people(other), stops(other)) == (before, stopped)
        assert exported(other) == data
        again = imported(conn, data)
        assert (again.unchanged, again.rows) == (len(everyone), len(everyone))
        assert (people(conn), stops(conn)) == (before, stopped)
