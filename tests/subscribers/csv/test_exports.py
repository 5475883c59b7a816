"""Exports of other tools: nobody becomes active here who was not there, and what is not known is refused by name."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, select

from subscribers import store
from subscribers.csv.dates import read_instant
from subscribers.csv.importing import ImportReport, ImportRules, import_csv
from subscribers.csv.labels import Meaning
from subscribers.database import metadata
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets
from subscribers.suppression import reasons_for, suppress
from subscribers.tables import suppression
from tests.counts import table

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SECRET = b"s" * 32
ACTIVE, PENDING, LEFT = ("active", None), ("pending", None), ("left", "left")
BOUNCED, COMPLAINED, BLOCKED, REFUSED = ("left", "bounced"), ("left", "complained"), ("left", "editor"), None
Standing = tuple[str, str | None] | None


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """An empty database in memory, because the engine does not matter to what a file says."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def people(memory: Engine) -> Iterator[Connection]:
    """A transaction in the empty database, taken back after the test."""
    with memory.connect() as conn:
        yield conn
        conn.rollback()


def load(
    conn: Connection,
    data: str | bytes,
    columns: Mapping[str, str] | None = None,
    interests: Mapping[str, str] | None = None,
) -> ImportReport:
    facets = KnownFacets({"housing": "Housing", "health": "Public health"}, {"london": "London"}, {"trust": "Trust"})
    meanings = {label: Meaning((name,), "--interest") for label, name in (interests or {}).items()}
    rules = ImportRules(facets, ("daily", "weekly"), "weekly", SECRET, columns=columns or {}, interests=meanings)
    return import_csv(conn, io.BytesIO(data.encode() if isinstance(data, str) else data), rules, now=NOW)


def standing(conn: Connection, email: str) -> Standing:
    """Return (state, reason of the suppression), or None when nobody has the address."""
    person = store.find(conn, email)
    return None if person is None else (person.state, reasons_for(conn, SECRET, [email]).get(email))


MATRIX = tomllib.loads((Path(__file__).parents[2] / "data" / "exports_of_others.toml").read_text("utf-8"))["export"]
STANDINGS: dict[str, Standing] = {
    "active": ACTIVE, "pending": PENDING, "left": LEFT, "bounced": BOUNCED, "complained": COMPLAINED,
    "editor": BLOCKED, "refused": REFUSED,
}  # fmt: skip


@pytest.mark.parametrize("export", MATRIX, ids=[export["name"] for export in MATRIX])
def test_each_status_of_each_tool_gives_its_state(people: Connection, export: dict[str, Any]) -> None:
    wanted = {value: STANDINGS[word] for value, word in export["values"].items()}
    addresses = {f"p{number}@x.example": value for number, value in enumerate(wanted)}
    report = load(people, "\n".join([export["columns"], *(_row(export, *pair) for pair in addresses.items())]))
    assert {value: standing(people, address) for address, value in addresses.items()} == wanted
    assert report.refused == sum(each is REFUSED for each in wanted.values())
    assert not any("@" in str(problem) for problem in report.problems)


def _row(export: dict[str, Any], address: str, value: str) -> str:
    return str(export["row"].replace("@", address).replace("{}", value))


def test_an_export_is_taken_whole(people: Connection) -> None:
    audience = next(export for export in MATRIX if export["name"] == "Mailchimp, subscribed")
    load(people, audience["columns"] + "\n" + _row(audience, "ann@x.example", "2018-02-12 17:59:31"))
    ann = store.find(people, "ann@x.example")
    assert ann is not None and (ann.name, ann.joined_at) == ("Ann Ash", datetime(2018, 2, 12, 17, 59, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    "name",
    ["Marital status", "unsubscribe_group_settings", "Consent text hidden", "not_subscribed", "Bounce category",
     "Spam score", "last_unsubscribed_from", "No Bulk Emails (User Opt Out)", "DSGVO", "Mailing preference",
     "newsletter_2", "reason",
     "email_and_sms_status", "hasDNC2"],
)  # fmt: skip
def test_a_column_that_may_speak_of_consent_is_never_left_out(people: Connection, name: str) -> None:
    with pytest.raises(BadFile, match=r"may tell who must not be mailed.*--map"):
        load(people, f"email,{name}\na@x.example,1\n")
    assert load(people, f"email,{name}\na@x.example,1\n", {name: "ignore"}).added == 1
    assert load(people, f"email,{name}\nb@x.example,1\n", {name: "unsubscribed"}).added == 1
    assert (standing(people, "a@x.example"), standing(people, "b@x.example")) == (ACTIVE, LEFT)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Subscribed", {"yes": ACTIVE, "no": LEFT, "2024-01-01": ACTIVE, "maybe": REFUSED, "": REFUSED}),
        ("Is Unsubscribed", {"0": ACTIVE, "1": LEFT, "": ACTIVE}),
        ("HasOptedOutOfEmail", {"false": ACTIVE, "true": LEFT}),
        ("opt_in", {"true": ACTIVE, "f": PENDING, "": PENDING}),
        ("Accepts Email Marketing", {"yes": ACTIVE, "no": PENDING}),
        ("Abo-Status", {"aktiv": ACTIVE, "abgemeldet": LEFT, "gelöscht": LEFT, "unbestätigt": PENDING}),
        ("Désabonné", {"non": ACTIVE, "oui": LEFT}),
        ("unsubscribed_at", {"": ACTIVE, "2024-01-01": LEFT, "0000-00-00 00:00:00": ACTIVE}),
        ("Email hard bounce reason", {"": ACTIVE, "5.1.1 user unknown": BOUNCED}),
        ("bounces", {"0": ACTIVE, "2": REFUSED}),
        ("do not email", {"": ACTIVE, "x": BLOCKED}),
        ("blacklisted", {"n": ACTIVE, "y": BLOCKED}),
        ("Marked as spam", {"no": ACTIVE, "yes": COMPLAINED}),
        ("enabled", {"1": ACTIVE, "0": LEFT}),
        ("State", {"active": ACTIVE, "cancelled": LEFT, "bounced": BOUNCED, "CA": REFUSED}),
        ("suppressed", {"": ACTIVE, "bounced": ("active", "bounced"), "tired": REFUSED}),
        ("Phone status", {"unlisted": ACTIVE, "no": ACTIVE}),
        ("optin_ip", {"192.0.2.1": ACTIVE}),
    ],
)
def test_names_that_speak_plainly_are_mapped(people: Connection, name: str, values: dict[str, Standing]) -> None:
    addresses = {f"p{number}@x.example": value for number, value in enumerate(values)}
    load(people, "\n".join([f"email,{name}", *(f"{address},{value}" for address, value in addresses.items())]))
    assert {value: standing(people, address) for address, value in addresses.items()} == values


@pytest.mark.parametrize("value", ["unsubscribed", "Bounced", "BLOCKED", "no", "true", "VIP; opted out", "ja"])
def test_a_column_of_an_unknown_name_is_known_by_its_values(people: Connection, value: str) -> None:
    with pytest.raises(BadFile, match=r"line 3: column 'marker' holds .* may tell who must not be mailed.*--map"):
        load(people, f"email,Marker\na@x.example,Leeds\nb@x.example,{value}\n")
    # Whoever is told to be left alone by another column is taken.
    load(people, f"email,Marker,unsubscribed\nc@x.example,{value},yes\n")
    assert standing(people, "c@x.example") == LEFT


def test_the_least_permissive_column_wins_and_a_wrong_cell_does_not_cost_the_wish(people: Connection) -> None:
    load(people, "email,status,unsubscribed,bounced\na@x.example,active,no,yes\nb@x.example,odd,yes,no\n")
    assert (standing(people, "a@x.example"), standing(people, "b@x.example")) == (BOUNCED, LEFT)
    load(people, "email\nc@x.example\nd@x.example\n")
    report = load(people, "email,cadence,status\nc@x.example,hourly,unsubscribed\nd@x.example,,unconfirmed\n")
    assert (report.changed, standing(people, "c@x.example"), standing(people, "d@x.example")) == (1, LEFT, ACTIVE)
    assert [str(problem) for problem in report.problems] == [
        "line 2: taken as left, because column 'status' holds 'unsubscribed'; nothing else is taken from this line:"
        " cadence 'hourly' is not known; use one of daily, weekly",
        "line 3: is active here already; stays active",
    ]


def test_who_left_there_is_not_brought_back_by_a_later_file(people: Connection) -> None:
    load(people, "email,status\na@x.example,complained\n")
    assert load(people, "email,status\na@x.example,subscribed\n").suppressed == 1
    assert standing(people, "a@x.example") == COMPLAINED
    suppress(people, "b@x.example", "erased", secret=SECRET, now=NOW)
    load(people, "email,status\nb@x.example,unsubscribed\n")
    assert store.find(people, "b@x.example") is None and len(people.execute(select(suppression)).all()) == 2


def test_lists_and_tags_become_interests_by_a_mapping(people: Connection) -> None:
    data = 'email,TAGS\na@x.example,"""Housing"", ""Wellbeing""; London"\nb@x.example,Odd\nc@x.example,VIP\n'
    report = load(people, data, {"Tags": "interests"}, {"wellbeing": "Public health", "VIP": "ignore"})
    a, c = store.find(people, "a@x.example"), store.find(people, "c@x.example")
    assert a is not None and (a.interests.policy_areas, a.interests.regions) == ({"housing", "health"}, {"london"})
    assert c is not None and not c.interests.policy_areas
    assert [str(problem) for problem in report.problems if problem.refused] == [
        "line 3: label 'Odd' is no policy area, region or theme; say what it stands for with"
        ' --interest "LABEL=NAME", or "LABEL=ignore", or in a file of --interests'
    ]
    with pytest.raises(BadFile, match="'Gardens' is no policy area"):
        load(people, data, {"tags": "interests"}, {"Odd": "Gardens"})


@pytest.mark.parametrize(
    "head",
    ["Email Address", "E-mail", "EMAIL", "e_mail_address", "E-Mail-Adresse", "Adresse e-mail", "Mail", "emailAddress",
     "Correo electrónico", "Subscriber Email"],
)  # fmt: skip
def test_usual_names_of_the_address_and_of_names_are_known(people: Connection, head: str) -> None:
    load(people, f"{head},Vorname,Surname\na@x.example,Ann,Ash\n")
    ann = store.find(people, "a@x.example")
    assert ann is not None and ann.name == "Ann Ash"


@pytest.mark.parametrize(
    ("columns", "mapping", "why"),
    [
        ("E-mail Adr,name", {}, "no column 'email' .found 'e_mail_adr', 'name'.*--map"),
        ("E-mail Adr,name", {"E-mail": "email"}, "the file has no such column; it has 'e_mail_adr', 'name'"),
        ("email,name", {"name": "nom"}, "no field 'nom'; use one of email"),
        ("Mail,E-mail address", {}, "'mail', 'e_mail_address' may all be 'email'; say which"),
        ("email,Full name,Display name", {}, "may all be 'name'"),
    ],
)
def test_a_column_that_cannot_be_told_is_named_with_the_cure(
    people: Connection, columns: str, mapping: dict[str, str], why: str
) -> None:
    with pytest.raises(BadFile, match=why):
        load(people, f"{columns}\na@x.example,Ann,\n", mapping)


def test_the_operator_says_which_column_is_what(people: Connection) -> None:
    data = "E-mail Adr;Rufname;Kennung;Mail\na@x.example;Ann;N;z@x.example\nb@x.example;Bob;J;\n"
    load(people, data.encode("utf-16"), {"E-mail adr": "email", "Rufname": "name", "Kennung": "subscribed"})
    assert (standing(people, "a@x.example"), standing(people, "b@x.example")) == (LEFT, ACTIVE)
    assert store.find(people, "z@x.example") is None


@table(
    "text, wanted",
    [
        ("2024-01-02", "2024-01-02T00:00:00+00:00"),
        ("2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678000+00:00"),
        ("2024-01-02 03:04:05.123456789 +0100 CET", "2024-01-02T02:04:05.123456+00:00"),
        ("2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05+00:00"),
        ("2024-01-02 03:04", "2024-01-02T03:04:00+00:00"),
        ("13/02/2024 10:11 PM", "2024-02-13T22:11:00+00:00"),
        ("03/03/2024", "2024-03-03T00:00:00+00:00"),
        ("2 Jan 2024", "2024-01-02T00:00:00+00:00"),
        ("31.12.2023 10:00", "2023-12-31T10:00:00+00:00"),
        ("01/02/2024", None),
        ("2024", None),
        ("2024-02-30", None),
        ("yes", None),
        ("", None),
    ],
)
def test_a_date_is_read_or_told_to_be_none(text: str, wanted: str | None) -> None:
    instant = read_instant(text)
    assert (instant.isoformat() if instant else None) == wanted
